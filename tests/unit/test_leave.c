/* core, daemon: a worker that is told to leave hands its carry to the next one of its role, whoever made it. The program
 * is its own worker. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/carry.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/sealed.h"
#include "core/worker.h"
#include "daemon/workers.h"
#include "suite.h"

#define KNOWN 7
#define UNKNOWN 9

/* ---- the form ------------------------------------------------------------------------------------------------ */

static size_t carry_of(uint8_t *bytes, size_t size, const char *text)
{
	struct writer out = writer_of(bytes, size);
	uint8_t *record;

	carry_begin(&out);
	record = carry_record(&out, UNKNOWN);
	put_u64(&out, 1);
	carry_end(&out, record);
	record = carry_record(&out, KNOWN);
	put_text(&out, text);
	put_text(&out, "of a later release");
	carry_end(&out, record);
	return out.failed ? 0 : writer_used(&out);
}

START_TEST(unknown_records_are_skipped)
{
	uint8_t bytes[256];
	size_t size = carry_of(bytes, sizeof(bytes), "told");
	struct reader in = reader_of(bytes, size), value;
	uint16_t type;
	char text[16];

	ck_assert(carry_start(&in));
	ck_assert(carry_next(&in, &type, &value));
	ck_assert_uint_eq(type, UNKNOWN);
	ck_assert_uint_eq(reader_left(&value), 8);
	ck_assert(carry_next(&in, &type, &value));
	ck_assert_uint_eq(type, KNOWN);
	ck_assert_str_eq(get_text(&value, text, sizeof(text)), "told");
	ck_assert(!carry_next(&in, &type, &value));
	ck_assert(reader_done(&in));
}
END_TEST

START_TEST(a_cut_carry_fails_and_is_not_read_beyond)
{
	uint8_t bytes[256], cut[256];
	size_t size = carry_of(bytes, sizeof(bytes), "told");

	for (size_t length = 0; length < size; length++) {
		struct reader in = reader_of(memcpy(cut, bytes, length), length), value;
		bool between = length == CARRY_HEAD || length == CARRY_HEAD + CARRY_RECORD_HEAD + 8;
		uint16_t type;

		if (carry_start(&in))
			while (carry_next(&in, &type, &value))
				;
		ck_assert_int_eq(in.failed, !between);
	}
}
END_TEST

START_TEST(without_room_nothing_is_overrun)
{
	uint8_t bytes[256];
	size_t whole = carry_of(bytes, sizeof(bytes), "told");

	for (size_t size = 0; size < whole; size++)
		ck_assert_uint_eq(carry_of(bytes, size, "told"), 0);
}
END_TEST

/* ---- the worker -------------------------------------------------------------------------------------------------- */

static struct worker *frame;
static char inherited[64] = "nothing";

static void on_leave(void *ctx, nstime deadline)
{
	uint8_t bytes[256];
	char text[64];

	(void)ctx;
	snprintf(text, sizeof(text), "%s until %lld", worker_generation(frame) ? "committed" : "prepared",
		 (long long)deadline);
	worker_left(frame, bytes, carry_of(bytes, sizeof(bytes), text));
}

static void on_inherit(void *ctx, struct reader *in)
{
	struct reader value;
	uint16_t type;

	(void)ctx;
	while (carry_next(in, &type, &value))
		if (type == KNOWN)
			get_text(&value, inherited, sizeof(inherited));
}

static int on_prepare(void *ctx, const void *slice, size_t size, uint32_t generation)
{
	(void)ctx;
	(void)slice;
	(void)size;
	(void)generation;
	worker_line(frame, "%s", inherited);
	return 0;
}

static void on_commit(void *ctx)
{
	(void)ctx;
	worker_committed(frame);
}

static const struct worker_ops worker_ops = {
	.prepare = on_prepare, .commit = on_commit, .leave = on_leave, .inherit = on_inherit};

static int worker_main(void)
{
	int status;

	frame = worker_new(ROLE_CHECK, "test", &worker_ops, NULL);
	status = frame ? worker_run(frame) : 1;
	worker_free(frame);
	return status;
}

/* ---- who starts them --------------------------------------------------------------------------------------------- */

#define DEADLINE (12345 * NSTIME_S)

struct story {
	struct workers workers;
	struct loop *loop;
	int carry;       /* for the next ones */
	char line[64];   /* what the last one said to PREPARE */
	unsigned dead;
	bool hold;       /* they are not committed before they leave */
};

static void on_ready(void *ctx, struct slot *slot)
{
	const struct iovec byte = {.iov_base = (char[]){"slice"}, .iov_len = 5};
	struct story *story = ctx;
	int slice = sealed_make("slice", &byte, 1);

	slot_inherit(slot, story->carry);
	slot_send(slot, RECORD_PREPARE, 1, slice);
	close(slice);
}

static void on_prepared(void *ctx, struct slot *slot, uint32_t generation, bool accepted)
{
	const struct story *story = ctx;

	ck_assert(accepted);
	if (story->hold)
		slot_leave(slot, DEADLINE, 10 * NSTIME_S);
	else
		slot_send(slot, RECORD_COMMIT, generation, -1);
}

static void on_committed(void *ctx, struct slot *slot, uint32_t generation)
{
	(void)ctx;
	slot_reached(slot, generation);
	slot_leave(slot, 0, 10 * NSTIME_S);
}

static void on_line(void *ctx, struct slot *slot, const char *text)
{
	struct story *story = ctx;

	(void)slot;
	snprintf(story->line, sizeof(story->line), "%s", text);
}

static void on_died(void *ctx, struct slot *slot)
{
	struct story *story = ctx;

	ck_assert(slot->left);
	ck_assert_int_eq(slot->state, WORKER_STOPPED);
	if (++story->dead == 4)
		loop_stop(story->loop);
}

static bool on_fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	(void)ctx;
	(void)index;
	(void)type;
	(void)out;
	return false;
}

static uint32_t on_fact_count(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct workers_ops story_ops = {.ready = on_ready,
					     .prepared = on_prepared,
					     .committed = on_committed,
					     .line = on_line,
					     .died = on_died,
					     .fact = on_fact,
					     .fact_count = on_fact_count};

/* One life of all workers; what the check worker left takes the place of story->carry. */
static void live(struct story *story, int self)
{
	story->dead = 0;
	story->loop = loop_new();
	story->workers = (struct workers){.loop = story->loop,
					  .ops = &story_ops,
					  .ctx = story,
					  .lbhad = self,
					  .checkd = self,
					  .owned = -1,
					  .control = -1};
	ck_assert_int_eq(workers_init(&story->workers), 0);
	workers_start(&story->workers);
	ck_assert_int_eq(loop_run(story->loop), 0);
	ck_assert_uint_eq(story->dead, 4);
	close(story->carry);
	story->carry = dup(story->workers.slots[ROLE_CHECK].carry);
	ck_assert_int_ge(story->carry, 0);
	workers_fini(&story->workers);
	loop_free(story->loop);
}

START_TEST(what_a_worker_leaves_its_successor_inherits)
{
	static struct story story = {.carry = -1};
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (geteuid()) {
		printf("left out: only root gives rights away\n");
		return;
	}
	live(&story, self);
	ck_assert_str_eq(story.line, "nothing");
	story.hold = true;
	live(&story, self);
	ck_assert_str_eq(story.line, "committed until 0");
	live(&story, self);
	ck_assert_str_eq(story.line, "prepared until 12345000000000");
	close(story.carry);
	story.carry = dup(null); /* is not sealed */
	live(&story, self);
	ck_assert_str_eq(story.line, "nothing");
	close(story.carry);
	close(self);
	close(null);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--worker"))
		return worker_main();
	return SUITE_RUN("leave", CASE("the form", unknown_records_are_skipped,
				       a_cut_carry_fails_and_is_not_read_beyond, without_room_nothing_is_overrun),
			 CASE("from one to the next", what_a_worker_leaves_its_successor_inherits));
}
