/* daemon: what one supervisor hands to the next in the same process is read by the next release, by the one that wrote it
 * when it comes back, and by nobody in part. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/carry.h"
#include "core/buildid.h"
#include "core/sealed.h"
#include "daemon/baton.h"
#include "suite.h"

#define SAID "{\"lbha_overrides\":1}\n"

static struct baton *full(void)
{
	struct baton *baton = calloc(1, sizeof(*baton));

	*baton = (struct baton){.started = 5 * NSTIME_S,
				.generation = 7,
				.last_order = 3,
				.silent = true,
				.lbhad = 10,
				.checkd = 11,
				.run_dir = 12,
				.state_dir = -1,
				.lock = 13,
				.owned = 14,
				.control = 15,
				.services = 16,
				.job_count = 2,
				.order_count = 1,
				.orders = {{.number = 3, .request = 8, .failed = true, .deadline = 9}},
				.reload_time = 6 * NSTIME_S,
				.reload_failed = true,
				.reload_error = "it is empty",
				.overrides = SAID,
				.overrides_size = strlen(SAID),
				.told = "MASTER",
				.told_size = 6};
	baton->jobs[0] = (struct job){.kind = REQUEST_UPGRADE, .from_control = true, .request = 42};
	baton->jobs[1] = (struct job){.kind = REQUEST_PLAN, .from_control = true, .request = 43, .path = "/x"};
	for (int role = 0; role < ROLE_COUNT; role++)
		baton->slices[role] = role == ROLE_COMPILER ? -1 : 20 + role;
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		baton->workers[role] = (struct baton_worker){.there = true,
							     .pid = 100 + role,
							     .pidfd = 30 + role,
							     .channel = 40 + role,
							     .page = 50 + role,
							     .started = role,
							     .restarts = 1,
							     .deaths = 2};
	return baton;
}

static void same(const struct baton *got, const struct baton *put)
{
	ck_assert_int_eq(got->started, put->started);
	ck_assert_uint_eq(got->generation, put->generation);
	ck_assert_uint_eq(got->last_order, put->last_order);
	ck_assert(got->silent);
	ck_assert_mem_eq(&got->lbhad, &put->lbhad, offsetof(struct baton, workers) - offsetof(struct baton, lbhad));
	ck_assert_mem_eq(got->workers, put->workers, sizeof(got->workers));
	ck_assert_uint_eq(got->job_count, 2);
	ck_assert_uint_eq(got->jobs[0].kind, REQUEST_UPGRADE);
	ck_assert_uint_eq(got->jobs[1].request, 43);
	ck_assert_str_eq(got->jobs[1].path, "/x");
	ck_assert_uint_eq(got->order_count, 1);
	ck_assert_mem_eq(&got->orders[0], &put->orders[0], sizeof(got->orders[0]));
	ck_assert_int_eq(got->reload_time, put->reload_time);
	ck_assert(got->reload_failed);
	ck_assert_str_eq(got->reload_error, "it is empty");
	ck_assert_uint_eq(got->overrides_size, strlen(SAID));
	ck_assert_mem_eq(got->overrides, SAID, strlen(SAID));
	if (!got->told)
		return; /* of a release that had no notify scripts */
	ck_assert_uint_eq(got->told_size, put->told_size);
	ck_assert_mem_eq(got->told, put->told, put->told_size);
}

START_TEST(all_of_it_comes_through)
{
	struct baton *put = full(), *got = NULL;
	int fd = baton_write(put);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(baton_read(fd, &got), 0);
	ck_assert_str_eq(got->build, build_id);
	ck_assert(!got->refused);
	same(got, put);
	ck_assert_ptr_nonnull(got->told);
	baton_free(got);
	close(fd);
	free(put);
}
END_TEST

START_TEST(a_refused_one_is_the_same_with_a_reason)
{
	struct baton *put = full(), *got = NULL, *back = NULL;
	int fd = baton_write(put), again;

	ck_assert_int_eq(baton_read(fd, &got), 0);
	again = baton_refuse(got, "it is too new\nby far");
	ck_assert_int_eq(baton_read(again, &back), 0);
	ck_assert(back->refused);
	ck_assert_str_eq(back->why, "it is too new\nby far");
	same(back, put);
	baton_free(got);
	baton_free(back);
	close(fd);
	close(again);
	free(put);
}
END_TEST

static int read_bytes(const void *bytes, size_t size, struct baton **out)
{
	const struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	int fd = sealed_make("baton", &part, 1), err = baton_read(fd, out);

	close(fd);
	return err;
}

/* Between two records a cut cannot be seen; what is missing then must have been of no need. */
START_TEST(a_part_is_not_taken_for_the_whole)
{
	struct baton *put = full(), *whole = NULL, *got = NULL;
	int fd = baton_write(put);
	unsigned taken = 0;

	ck_assert_int_eq(baton_read(fd, &whole), 0);
	for (size_t size = 1; size < whole->size; size++) {
		int err = read_bytes(whole->bytes, size, &got);

		ck_assert_int_le(err, 0);
		if (err)
			continue;
		taken++;
		ck_assert_uint_eq(got->generation, 7);
		ck_assert_int_eq(got->owned, 14);
		baton_free(got);
	}
	ck_assert_uint_lt(taken, 20);
	baton_free(whole);
	close(fd);
	free(put);
}
END_TEST

START_TEST(a_worker_that_is_not_known_is_no_worker_to_take_over)
{
	struct baton *put = full(), *whole = NULL, *got = NULL;
	uint8_t bytes[256 << 10];
	struct writer out = writer_of(bytes, sizeof(bytes));
	int fd = baton_write(put);
	uint8_t *record;

	ck_assert_int_eq(baton_read(fd, &whole), 0);
	put_bytes(&out, whole->bytes, whole->size);
	record = carry_record(&out, 999); /* of a later release */
	put_u32(&out, 1);
	carry_end(&out, record);
	ck_assert_int_eq(read_bytes(bytes, writer_used(&out), &got), 0);
	baton_free(got);
	record = carry_record(&out, 4);
	put_text(&out, "exporter");
	put_u32(&out, 1);
	carry_end(&out, record);
	ck_assert_int_eq(read_bytes(bytes, writer_used(&out), &got), -ENOTSUP);
	baton_free(whole);
	close(fd);
	free(put);
}
END_TEST

/* Made once by each release (test-baton --make FILE) and never again, as the carries beside them (tests/states). */
START_TEST(that_of_every_release_is_read)
{
	const char *top = getenv("top_srcdir");
	struct baton *put = full(), *got = NULL;
	char pattern[4096];
	uint8_t bytes[65536];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tests/states/*/baton", top ? top : "..");
	ck_assert_msg(!glob(pattern, 0, NULL, &found), "no %s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "r");
		size_t size = fread(bytes, 1, sizeof(bytes), file);

		fclose(file);
		ck_assert_int_eq(read_bytes(bytes, size, &got), 0);
		same(got, put);
		baton_free(got);
	}
	globfree(&found);
	free(put);
}
END_TEST

static int make(const char *path)
{
	struct baton *put = full(), *got = NULL;
	int fd = baton_write(put);
	FILE *file = fopen(path, "w");
	bool done = !baton_read(fd, &got) && file && fwrite(got->bytes, got->size, 1, file) == 1;

	done &= file && !fclose(file);
	baton_free(got);
	close(fd);
	free(put);
	return !done;
}

START_TEST(what_is_named_lives_beyond_an_execution_and_only_then)
{
	struct baton *baton = full();

	baton->owned = open("/dev/null", O_RDONLY | O_CLOEXEC);
	baton_keep(baton, true);
	ck_assert_int_eq(fcntl(baton->owned, F_GETFD), 0);
	baton_keep(baton, false);
	ck_assert_int_eq(fcntl(baton->owned, F_GETFD), FD_CLOEXEC);
	close(baton->owned);
	free(baton);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--make"))
		return make(argv[2]);
	return SUITE_RUN("baton", CASE("the baton", all_of_it_comes_through, a_refused_one_is_the_same_with_a_reason,
				       a_part_is_not_taken_for_the_whole,
				       a_worker_that_is_not_known_is_no_worker_to_take_over,
				       that_of_every_release_is_read,
				       what_is_named_lives_beyond_an_execution_and_only_then));
}
