/* See states.h. Without arguments: reads all recorded states. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/carry.h"
#include "base/cleanup.h"
#include "states.h"
#include "tests/unit/suite.h"

#define BYTES_MAX 65536

static const struct state_role *const roles[] = {&state_check, &state_control, &state_ipvs, &state_vrrp};

static size_t state_read(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	ck_assert_msg(file, "%s: %s", path, strerror(errno));
	size = fread(bytes, 1, BYTES_MAX, file);
	fclose(file);
	return size;
}

static void expect_release(const char *folder, const char *release)
{
	static uint8_t bytes[BYTES_MAX];
	char path[4096];

	printf("release %s\n", release);
	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct reader in;

		snprintf(path, sizeof(path), "%s/%s/%s.carry", folder, release, roles[i]->name);
		in = reader_of(bytes, state_read(path, bytes));
		ck_assert_msg(carry_start(&in), "%s is no carry", path);
		roles[i]->expect(&in, release);
	}
}

START_TEST(what_every_release_has_left_is_read)
{
	const char *top = getenv("top_srcdir");
	char folder[2048];
	struct dirent *entry;
	unsigned releases = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/tests/states", top ? top : "..");
	dir = opendir(folder);
	ck_assert_msg(dir, "%s: %s", folder, strerror(errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') {
			expect_release(folder, entry->d_name);
			releases++;
		}
	closedir(dir);
	ck_assert_uint_ge(releases, 1);
}
END_TEST

/* A release that leaves what it cannot read itself would be found by the next one only. */
START_TEST(what_this_build_leaves_is_read)
{
	static uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct writer out = writer_of(bytes, sizeof(bytes));
		struct reader in;

		carry_begin(&out);
		roles[i]->make(&out);
		ck_assert(!out.failed);
		in = reader_of(bytes, writer_used(&out));
		ck_assert(carry_start(&in));
		roles[i]->expect(&in, NULL);
	}
}
END_TEST

static int make_all(const char *folder)
{
	static uint8_t bytes[BYTES_MAX];
	char path[4096];

	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct writer out = writer_of(bytes, sizeof(bytes));
		FILE *file;
		size_t written;

		snprintf(path, sizeof(path), "%s/%s.carry", folder, roles[i]->name);
		carry_begin(&out);
		roles[i]->make(&out);
		file = fopen(path, "wb");
		written = file ? fwrite(bytes, 1, writer_used(&out), file) : 0;
		if (out.failed || !file || fclose(file) || written != writer_used(&out)) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--make"))
		return make_all(argv[2]);
	return SUITE_RUN("states", CASE("recorded", what_every_release_has_left_is_read,
					what_this_build_leaves_is_read));
}
