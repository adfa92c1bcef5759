/* daemon: what a daemon leaves for the next one is read whole or not at all, and only where it means something. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "core/loop.h"
#include "daemon/handover.h"
#include "daemon/handover_file.h"
#include "suite.h"

static const char vrrp[] = "of vrrp", ipvs[] = "of ipvs, longer";

static struct handover sample(void)
{
	struct handover handover = {.boot = "8a6e", .network = 4026531840, .written = 7 * NSTIME_S,
				    .deadline = 11 * NSTIME_S, .generation = 12, .version = "1.2.3"};

	handover.carries[ROLE_VRRP].bytes = vrrp;
	handover.carries[ROLE_VRRP].size = sizeof(vrrp);
	handover.carries[ROLE_IPVS].bytes = ipvs;
	handover.carries[ROLE_IPVS].size = sizeof(ipvs);
	return handover;
}

START_TEST(what_was_put_is_got)
{
	struct handover put = sample(), got;
	uint8_t bytes[4096];
	size_t size = handover_put(&put, bytes, sizeof(bytes));

	ck_assert_uint_gt(size, 0);
	ck_assert_uint_le(size, handover_size(&put));
	ck_assert_int_eq(handover_get(bytes, size, &got), 0);
	ck_assert_str_eq(got.boot, put.boot);
	ck_assert_str_eq(got.version, put.version);
	ck_assert_uint_eq(got.network, put.network);
	ck_assert_int_eq(got.written, put.written);
	ck_assert_int_eq(got.deadline, put.deadline);
	ck_assert_uint_eq(got.generation, put.generation);
	ck_assert_uint_eq(got.carries[ROLE_VRRP].size, sizeof(vrrp));
	ck_assert_mem_eq(got.carries[ROLE_VRRP].bytes, vrrp, sizeof(vrrp));
	ck_assert_mem_eq(got.carries[ROLE_IPVS].bytes, ipvs, sizeof(ipvs));
	ck_assert_ptr_null(got.carries[ROLE_CHECK].bytes);
}
END_TEST

/* Of 0.1.0, with a record and a worker that nobody knows. */
START_TEST(one_of_an_earlier_release_is_read)
{
	const char *top = getenv("top_srcdir");
	struct handover got;
	uint8_t bytes[4096];
	char path[2048];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/states/0.1.0/handover", top ? top : "..");
	file = fopen(path, "rb");
	ck_assert_msg(file, "%s: %s", path, strerror(errno));
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	ck_assert_int_eq(handover_get(bytes, size, &got), 0);
	ck_assert_str_eq(got.boot, "8a6e1f0c-0000-4000-8000-000000000000");
	ck_assert_str_eq(got.version, "0.1.0");
	ck_assert_int_eq(got.written, 7 * NSTIME_S);
	ck_assert_int_eq(got.deadline, 11 * NSTIME_S);
	ck_assert_uint_eq(got.generation, 12);
	ck_assert_ptr_nonnull(got.carries[ROLE_VRRP].bytes);
	ck_assert_ptr_null(got.carries[ROLE_IPVS].bytes);
}
END_TEST

START_TEST(without_room_nothing_is_overrun)
{
	struct handover put = sample();
	uint8_t bytes[4096];
	size_t whole = handover_put(&put, bytes, sizeof(bytes));

	for (size_t size = 0; size < whole; size++)
		ck_assert_uint_eq(handover_put(&put, bytes, size), 0);
}
END_TEST

START_TEST(one_that_was_cut_or_changed_anywhere_is_none)
{
	struct handover put = sample(), got;
	uint8_t bytes[4096];
	size_t size = handover_put(&put, bytes, sizeof(bytes));

	for (size_t i = 0; i < size; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, bytes, i);
		ck_assert_int_eq(handover_get(cut, i, &got), -EBADMSG);
		free(cut);
		bytes[i] ^= 0x20;
		ck_assert_int_eq(handover_get(bytes, size, &got), -EBADMSG);
		bytes[i] ^= 0x20;
	}
	ck_assert_int_eq(handover_get(bytes, size + 1, &got), -EBADMSG);
}
END_TEST

START_TEST(it_is_of_worth_in_its_boot_and_network_until_the_deadline)
{
	const struct handover handover = sample();

	ck_assert_int_eq(handover_judge(&handover, "8a6e", 4026531840, 11 * NSTIME_S), HANDOVER_FRESH);
	ck_assert_int_eq(handover_judge(&handover, "8a6e", 4026531840, 11 * NSTIME_S + 1), HANDOVER_STALE);
	ck_assert_int_eq(handover_judge(&handover, "8a6e", 4026531840, 6 * NSTIME_S), HANDOVER_STALE);
	ck_assert_int_eq(handover_judge(&handover, "8a6f", 4026531840, 8 * NSTIME_S), HANDOVER_OTHER_BOOT);
	ck_assert_int_eq(handover_judge(&handover, "8a6e", 4026531841, 8 * NSTIME_S), HANDOVER_OTHER_NETWORK);
}
END_TEST

/* ---- on disk ------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/handover-XXXXXX";
static int dir;

static void folder_make(void)
{
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
}

static void folder_remove(void)
{
	unlinkat(dir, "handover", 0);
	unlinkat(dir, "handover.new", 0);
	unlinkat(dir, "other", 0);
	close(dir);
	rmdir(folder);
}

static struct handover here(nstime deadline)
{
	struct handover handover = sample();

	handover_here(&handover);
	handover.written = clock_now();
	handover.deadline = handover.written + deadline;
	return handover;
}

static void leave(nstime deadline)
{
	struct handover handover = here(deadline);
	int fd = handover_begin(dir, 65536);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(handover_finish(dir, fd, &handover), 0);
}

START_TEST(one_that_was_written_is_found_and_is_no_bigger_than_it_is)
{
	struct handover_found found;
	struct stat about;

	leave(60 * NSTIME_S);
	handover_find(dir, clock_now(), &found);
	ck_assert_str_eq(found.why, "");
	ck_assert(found.fresh);
	ck_assert_mem_eq(found.handover.carries[ROLE_VRRP].bytes, vrrp, sizeof(vrrp));
	handover_found_free(&found);
	ck_assert_int_eq(fstatat(dir, "handover", &about, 0), 0);
	ck_assert_uint_eq(about.st_mode & 07777, 0600);
	ck_assert_int_lt(about.st_size, 4096);
	ck_assert_int_ne(faccessat(dir, "handover.new", F_OK, 0), 0);
}
END_TEST

static void assert_not_found(const char *why)
{
	struct handover_found found;

	handover_find(dir, clock_now(), &found);
	ck_assert(!found.fresh);
	ck_assert_ptr_null(found.bytes);
	ck_assert_str_eq(found.why, why);
}

START_TEST(who_looks_too_late_or_at_a_stranger_s_file_finds_none)
{
	int fd;

	assert_not_found("");
	leave(-1);
	assert_not_found("its time is over");
	leave(60 * NSTIME_S);
	ck_assert_int_eq(fchmodat(dir, "handover", 0622, 0), 0);
	assert_not_found("can be written by others");
	leave(60 * NSTIME_S);
	ck_assert_int_eq(renameat(dir, "handover", dir, "other"), 0);
	ck_assert_int_eq(symlinkat("other", dir, "handover"), 0);
	assert_not_found("Too many levels of symbolic links");
	unlinkat(dir, "handover", 0);
	ck_assert_int_eq(mkfifoat(dir, "handover", 0600), 0);
	assert_not_found("is no file");
	unlinkat(dir, "handover", 0);
	fd = openat(dir, "handover", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(ftruncate(fd, 100), 0);
	close(fd);
	assert_not_found("is damaged");
}
END_TEST

START_TEST(one_that_was_abandoned_leaves_nothing)
{
	int fd = handover_begin(dir, 4096);

	leave(60 * NSTIME_S); /* its draft took the place of the other's */
	handover_abandon(dir, fd);
	assert_not_found("");
	ck_assert_int_ne(faccessat(dir, "handover.new", F_OK, 0), 0);
}
END_TEST

START_TEST(a_sample_is_understood_and_nothing_else)
{
	int sample = handover_sample(clock_now() + NSTIME_S);

	ck_assert_int_ge(sample, 0);
	ck_assert(handover_understood(sample));
	ck_assert(!handover_understood(dir));
	ck_assert(!handover_understood(-1));
	close(sample);
}
END_TEST

START_TEST(more_room_than_there_is_is_said_before)
{
	struct stat about;

	ck_assert_int_lt(handover_begin(dir, (size_t)1 << 60), 0);
	ck_assert_int_ne(fstatat(dir, "handover.new", &about, 0), 0);
}
END_TEST

int main(void)
{
	TCase *disk = CASE("on disk", one_that_was_written_is_found_and_is_no_bigger_than_it_is,
			   who_looks_too_late_or_at_a_stranger_s_file_finds_none, one_that_was_abandoned_leaves_nothing,
			   more_room_than_there_is_is_said_before, a_sample_is_understood_and_nothing_else);

	tcase_add_checked_fixture(disk, folder_make, folder_remove);
	return SUITE_RUN("handover",
			 CASE("the form", what_was_put_is_got, one_of_an_earlier_release_is_read, without_room_nothing_is_overrun,
			      one_that_was_cut_or_changed_anywhere_is_none),
			 CASE("worth", it_is_of_worth_in_its_boot_and_network_until_the_deadline), disk);
}
