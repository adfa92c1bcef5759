/* core: channels carry messages in order and facts as levels; timers are never early. Real sockets, real loop. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/channel.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/packet.h"
#include "core/statepage.h"
#include "suite.h"

#define OBJECTS 5000

struct side {
	struct loop *loop;
	struct channel *channel;
	uint32_t values[OBJECTS]; /* the present value of each object */
	uint32_t seen[OBJECTS];
	uint32_t messages, syncs, facts, generation;
	int fd;
	bool closed;
};

static void on_record(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd)
{
	struct side *side = ctx;

	side->generation = generation;
	if (fd >= 0)
		side->fd = fd;
	if (type == CHANNEL_SYNC) {
		side->syncs++;
		loop_stop(side->loop);
	} else if (type == 2) {
		uint32_t index = get_u32(in);

		side->seen[index] = get_u32(in);
		side->facts++;
	} else {
		ck_assert_uint_eq(get_u32(in), side->messages);
		side->messages++;
		if (type == 101)
			loop_stop(side->loop);
	}
	ck_assert(reader_done(in));
}

static void on_closed(void *ctx)
{
	struct side *side = ctx;

	channel_free(side->channel);
	side->channel = NULL;
	side->closed = true;
	loop_stop(side->loop);
}

static bool on_fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	struct side *side = ctx;

	if (side->values[index] == UINT32_MAX)
		return false;
	*type = 2;
	put_u32(out, index);
	put_u32(out, side->values[index]);
	return true;
}

static const struct channel_ops ops = {.record = on_record, .closed = on_closed, .fact = on_fact};

static void pair_new(struct loop **loop, struct side *a, struct side *b)
{
	int fds[2];

	*loop = loop_new();
	ck_assert_ptr_nonnull(*loop);
	ck_assert_int_eq(packet_pair(fds), 0);
	memset(a, 0, sizeof(*a));
	memset(b, 0, sizeof(*b));
	a->loop = b->loop = *loop;
	a->fd = b->fd = -1;
	a->channel = channel_new(*loop, fds[0], &ops, a);
	b->channel = channel_new(*loop, fds[1], &ops, b);
}

static void pair_free(struct loop *loop, struct side *a, struct side *b)
{
	channel_free(a->channel);
	channel_free(b->channel);
	loop_free(loop);
}

static void message(struct side *side, uint16_t type, uint32_t number, int fd)
{
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, number);
	ck_assert_int_eq(channel_send(side->channel, type, bytes, sizeof(bytes), fd), 0);
}

static struct side left, right;

START_TEST(messages_arrive_in_order_with_their_descriptor)
{
	struct loop *loop;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	pair_new(&loop, &left, &right);
	channel_set_generation(left.channel, 7);
	for (uint32_t i = 0; i < 1000; i++)
		message(&left, 100, i, i == 500 ? null : -1);
	message(&left, 101, 1000, -1);
	loop_run(loop);
	ck_assert_uint_eq(right.messages, 1001);
	ck_assert_uint_eq(right.generation, 7);
	ck_assert_int_ge(right.fd, 0);
	close(right.fd);
	close(null);
	pair_free(loop, &left, &right);
}
END_TEST

START_TEST(all_facts_then_sync)
{
	struct loop *loop;

	pair_new(&loop, &left, &right);
	for (uint32_t i = 0; i < OBJECTS; i++)
		left.values[i] = i % 3 ? i + 1 : UINT32_MAX;
	ck_assert_int_eq(channel_facts_restart(left.channel, OBJECTS), 0);
	loop_run(loop);
	ck_assert_uint_eq(right.syncs, 1);
	for (uint32_t i = 0; i < OBJECTS; i++)
		ck_assert_uint_eq(right.seen[i], i % 3 ? i + 1 : 0);
	ck_assert(channel_idle(left.channel));
	pair_free(loop, &left, &right);
}
END_TEST

START_TEST(a_slow_peer_gets_the_latest_value_once)
{
	struct loop *loop;

	pair_new(&loop, &left, &right);
	ck_assert_int_eq(channel_facts_restart(left.channel, 10), 0);
	loop_run(loop);
	right.facts = 0;
	for (uint32_t value = 1; value <= 100000; value++) {
		left.values[3] = value;
		channel_dirty(left.channel, 3);
	}
	message(&left, 100, 0, -1);
	message(&left, 101, 1, -1);
	loop_run(loop);
	ck_assert_int_eq(channel_facts_restart(left.channel, 10), 0);
	loop_run(loop);
	ck_assert_uint_eq(right.seen[3], 100000);
	ck_assert_uint_le(right.facts, 12);
	pair_free(loop, &left, &right);
}
END_TEST

START_TEST(nonsense_closes_the_channel)
{
	struct loop *loop = loop_new();
	int fds[2];

	ck_assert_int_eq(packet_pair(fds), 0);
	memset(&left, 0, sizeof(left));
	left.loop = loop;
	left.channel = channel_new(loop, fds[0], &ops, &left);
	ck_assert_int_eq(packet_send(fds[1], "\0\1\0\0\0\0\0\144\377\377", 10, -1), 0);
	loop_run(loop);
	ck_assert(left.closed);
	close(fds[1]);
	loop_free(loop);
}
END_TEST

START_TEST(the_end_of_the_peer_is_noticed)
{
	struct loop *loop;

	pair_new(&loop, &left, &right);
	channel_free(left.channel);
	left.channel = NULL;
	loop_run(loop);
	ck_assert(right.closed);
	pair_free(loop, &left, &right);
}
END_TEST

START_TEST(what_a_peer_said_before_it_ended_is_heard_whatever_it_left_unread)
{
	struct loop *loop;

	pair_new(&loop, &left, &right);
	for (uint32_t i = 0; i < 100; i++)
		message(&left, 100, i, -1);
	channel_flush(left.channel, NSTIME_S);
	message(&right, 100, 0, -1);
	channel_flush(right.channel, NSTIME_S);
	channel_free(left.channel);
	left.channel = NULL;
	loop_run(loop);
	ck_assert(right.closed);
	ck_assert_uint_eq(right.messages, 100);
	pair_free(loop, &left, &right);
}
END_TEST

struct ticks {
	struct loop *loop;
	struct loop_timer timer;
	nstime due, early, count;
};

static void tick(void *ctx)
{
	struct ticks *ticks = ctx;
	nstime now = clock_now();

	if (now < ticks->due)
		ticks->early++;
	if (++ticks->count == 50) {
		loop_stop(ticks->loop);
		return;
	}
	ticks->due = now + 333 * NSTIME_US;
	timer_at(&ticks->timer, ticks->due);
}

START_TEST(timers_are_never_early)
{
	struct ticks ticks = {.loop = loop_new()};

	ck_assert_int_eq(timer_init(ticks.loop, &ticks.timer, LOOP_URGENT, tick, &ticks), 0);
	ticks.due = clock_now() + NSTIME_MS;
	timer_at(&ticks.timer, ticks.due);
	ck_assert(timer_armed(&ticks.timer));
	loop_run(ticks.loop);
	ck_assert_int_eq(ticks.early, 0);
	ck_assert_int_eq(ticks.count, 50);
	timer_fini(&ticks.timer);
	loop_free(ticks.loop);
}
END_TEST

/* Descriptors that always have something to read, and a callback that takes a millisecond. */
#define FLOODED 100

struct flood {
	struct loop *loop;
	struct loop_timer timer;
	struct loop_io ios[FLOODED];
	int fds[2];
	unsigned calls, late_calls; /* all; those between the timer's time and the timer */
};

static void flooded(void *ctx)
{
	struct flood *flood = ctx;
	nstime end = clock_now() + NSTIME_MS;

	flood->calls++;
	if (clock_now() > flood->timer.due)
		flood->late_calls++;
	while (clock_now() < end)
		;
}

static void urgent(void *ctx)
{
	loop_stop(((struct flood *)ctx)->loop);
}

START_TEST(an_urgent_timer_does_not_wait_for_all_that_can_be_read)
{
	struct flood flood = {.loop = loop_new()};

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, flood.fds), 0);
	ck_assert_int_eq(send(flood.fds[0], "", 1, 0), 1);
	ck_assert_int_eq(timer_init(flood.loop, &flood.timer, LOOP_URGENT, urgent, &flood), 0);
	for (int i = 0; i < FLOODED; i++)
		ck_assert_int_eq(io_init(flood.loop, &flood.ios[i], dup(flood.fds[1]), LOOP_NORMAL,
					 flooded, NULL, &flood),
				 0);
	timer_at(&flood.timer, clock_now() + 20 * NSTIME_MS);
	loop_run(flood.loop);
	ck_assert_uint_gt(flood.calls, 1);
	ck_assert_uint_le(flood.late_calls, 2);
	for (int i = 0; i < FLOODED; i++) {
		int fd = flood.ios[i].fd;

		io_fini(&flood.ios[i]);
		close(fd);
	}
	timer_fini(&flood.timer);
	loop_free(flood.loop);
	close(flood.fds[0]);
	close(flood.fds[1]);
}
END_TEST

/* Many timers, and what should become of each. */
#define MANY 500

struct many {
	struct loop *loop;
	struct many_timer {
		struct loop_timer timer;
		struct many *all;
		nstime due; /* NSTIME_NEVER: it must not fire */
	} timers[MANY];
	struct loop_timer end;
	nstime until;       /* nothing is changed any more */
	unsigned fired, wrong;
	uint64_t random;
};

static uint32_t many_random(struct many *many)
{
	many->random = many->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(many->random >> 33);
}

/* Sets, moves, cancels or frees one of them. */
static void many_change(struct many *many)
{
	struct many_timer *one = &many->timers[many_random(many) % MANY];
	nstime now = clock_now();

	if (!one->timer.queue)
		return;
	switch (many_random(many) % 8) {
	case 0:
		timer_fini(&one->timer);
		one->due = NSTIME_NEVER;
		return;
	case 1:
		timer_cancel(&one->timer);
		one->due = NSTIME_NEVER;
		return;
	case 2:
		one->due = now - NSTIME_MS; /* passed: in the next turn */
		break;
	default:
		one->due = now + many_random(many) % (20 * NSTIME_MS);
	}
	timer_at(&one->timer, one->due);
	one->due = nstime_max(one->due, now);
}

static void many_fired(void *ctx)
{
	struct many_timer *one = ctx;
	struct many *many = one->all;

	many->wrong += one->due > clock_now() || timer_armed(&one->timer);
	one->due = NSTIME_NEVER;
	many->fired++;
	for (int i = clock_now() < many->until ? 2 : 0; i > 0; i--)
		many_change(many);
}

static void many_end(void *ctx)
{
	loop_stop(((struct many *)ctx)->loop);
}

START_TEST(timers_that_change_one_another_fire_when_they_are_due_and_only_then)
{
	static struct many many;
	const char *given = getenv("LBHA_SEED");

	many.random = given ? strtoull(given, NULL, 10) : (uint64_t)clock_now();
	printf("timers: seed %llu\n", (unsigned long long)many.random);
	many.loop = loop_new();
	for (int i = 0; i < MANY; i++) {
		many.timers[i].all = &many;
		many.timers[i].due = NSTIME_NEVER;
		ck_assert_int_eq(timer_init(many.loop, &many.timers[i].timer, LOOP_URGENT,
					    many_fired, &many.timers[i]), 0);
	}
	ck_assert_int_eq(timer_init(many.loop, &many.end, LOOP_NORMAL, many_end, &many), 0);
	many.until = clock_now() + 100 * NSTIME_MS;
	for (int i = 0; i < 2 * MANY; i++)
		many_change(&many);
	timer_at(&many.end, clock_now() + 200 * NSTIME_MS);
	loop_run(many.loop);
	ck_assert_uint_gt(many.fired, 100);
	ck_assert_uint_eq(many.wrong, 0);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(many.timers[i].due, NSTIME_NEVER); /* all that were due have fired */
		timer_fini(&many.timers[i].timer);
	}
	timer_fini(&many.end);
	loop_free(many.loop);
}
END_TEST

struct always {
	struct loop_timer timer;
	struct loop *loop;
	int fired, heard, pipe[2];
};

static void always_fire(void *ctx)
{
	struct always *always = ctx;

	always->fired++;
	timer_at(&always->timer, 0);
}

static void always_heard(void *ctx)
{
	struct always *always = ctx;

	always->heard++;
	loop_stop(always->loop);
}

START_TEST(a_timer_that_is_always_due_keeps_no_descriptor_waiting)
{
	struct always always = {.loop = loop_new()};
	struct loop_io io;

	ck_assert_int_eq(pipe(always.pipe), 0);
	ck_assert_int_eq(timer_init(always.loop, &always.timer, LOOP_URGENT, always_fire, &always), 0);
	ck_assert_int_eq(io_init(always.loop, &io, always.pipe[0], LOOP_URGENT, always_heard, NULL, &always), 0);
	timer_at(&always.timer, 0);
	ck_assert_int_eq(write(always.pipe[1], "x", 1), 1);
	loop_run(always.loop);
	ck_assert_int_eq(always.heard, 1);
	ck_assert_int_lt(always.fired, 10000);
	io_fini(&io);
	timer_fini(&always.timer);
	loop_free(always.loop);
	close(always.pipe[0]);
	close(always.pipe[1]);
}
END_TEST

struct refused {
	struct loop *loop;
	struct loop_timer timer;
	struct loop_io first, second;
	int fds[2], pipe[2];
	unsigned heard;
};

/* What the kernel would not watch becomes something that it does, at last. */
static void relents(void *ctx)
{
	struct refused *refused = ctx;

	ck_assert_int_eq(dup2(refused->pipe[0], refused->fds[0]), refused->fds[0]);
	ck_assert_int_eq(dup2(refused->pipe[0], refused->fds[1]), refused->fds[1]);
}

static void hears(void *ctx)
{
	struct refused *refused = ctx;

	if (++refused->heard == 2)
		loop_stop(refused->loop);
}

START_TEST(a_descriptor_that_the_kernel_would_not_watch_is_watched_as_soon_as_it_does)
{
	struct refused refused = {.loop = loop_new()};
	char path[] = "/tmp/test-core-XXXXXX";
	struct loop_io given_up;

	refused.fds[0] = mkstemp(path); /* files cannot be watched */
	refused.fds[1] = dup(refused.fds[0]);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(pipe(refused.pipe), 0);
	ck_assert_int_eq(write(refused.pipe[1], "x", 1), 1);
	ck_assert_int_eq(io_init(refused.loop, &refused.first, refused.fds[0], LOOP_NORMAL, hears, NULL, &refused), 0);
	ck_assert_int_eq(io_init(refused.loop, &given_up, refused.fds[0], LOOP_NORMAL, hears, NULL, &refused), 0);
	ck_assert_int_eq(io_init(refused.loop, &refused.second, refused.fds[1], LOOP_NORMAL, hears, NULL, &refused), 0);
	io_fini(&given_up);
	ck_assert_int_eq(timer_init(refused.loop, &refused.timer, LOOP_NORMAL, relents, &refused), 0);
	timer_at(&refused.timer, clock_now() + 50 * NSTIME_MS);
	loop_run(refused.loop);
	ck_assert_uint_ge(refused.heard, 2);
	io_fini(&refused.first);
	io_fini(&refused.second);
	timer_fini(&refused.timer);
	loop_free(refused.loop);
	close(refused.fds[0]);
	close(refused.fds[1]);
	close(refused.pipe[0]);
	close(refused.pipe[1]);
}
END_TEST

START_TEST(a_bucket_limits_and_counts)
{
	struct log_bucket bucket = {.every = NSTIME_S, .burst = 3};
	unsigned suppressed = 0, let = 0;

	for (int i = 0; i < 10; i++)
		let += log_limit(&bucket, NSTIME_S, &suppressed);
	ck_assert_uint_eq(let, 3);
	ck_assert(log_limit(&bucket, 2 * NSTIME_S, &suppressed));
	ck_assert_uint_eq(suppressed, 7);
}
END_TEST

/* ---- state pages ---- */

static struct statepage *page_new(void)
{
	int fd = statepage_create();
	struct statepage *page = statepage_map(fd);

	close(fd);
	ck_assert_ptr_nonnull(page);
	return page;
}

static struct statepage_instance *slot_of(struct statepage *page, unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "i%u", number);
	return statepage_take(page, name);
}

START_TEST(as_many_instances_as_there_are_slots_find_theirs_again)
{
	struct statepage *page = page_new();

	for (unsigned i = 0; i < STATEPAGE_INSTANCES; i++)
		slot_of(page, i)->last_advert = i + 1;
	ck_assert_ptr_null(slot_of(page, STATEPAGE_INSTANCES));
	for (unsigned i = 0; i < STATEPAGE_INSTANCES; i++)
		ck_assert_int_eq(slot_of(page, i)->last_advert, i + 1);
	statepage_unmap(page);
}
END_TEST

START_TEST(a_slot_that_was_given_back_is_empty_and_hides_no_other)
{
	struct statepage *page = page_new();
	unsigned count = STATEPAGE_INSTANCES / 2; /* many share the place they hash to */

	for (unsigned i = 0; i < count; i++)
		slot_of(page, i)->last_advert = i + 1;
	for (unsigned i = 0; i < count; i += 2)
		statepage_give_back(slot_of(page, i));
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(slot_of(page, i)->last_advert, i % 2 ? i + 1 : 0);
	statepage_unmap(page);
}
END_TEST

/* Whether quotes are paired and escapes complete, and the object ends with the line. */
static bool is_object(const char *line)
{
	bool inside = false;

	if (*line != '{')
		return false;
	for (; *line && *line != '\n'; line++) {
		if (inside && *line == '\\' && line[1])
			line++;
		else if (*line == '"')
			inside = !inside;
		else if ((unsigned char)*line < ' ')
			return false;
	}
	return !inside && line[-1] == '}' && !strcmp(line, "\n");
}

START_TEST(a_line_of_json_is_one_object_however_long_and_hostile_the_message_is)
{
	static const char *const parts[] = {"\"", "\\", "\n", "\xff", "\xe2\x82", "\x1b", "a", "\xe2\x82\xac"};
	char message[6000], line[8192];
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	for (size_t part = 0; part < COUNT_OF(parts); part++) {
		message[0] = '\0';
		while (strlen(message) + 4 < sizeof(message))
			strcat(message, parts[part]);
		ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
		rewind(file);
		fflush(stderr);
		ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
		log_open("lbhad test");
		log_configure(LOG_LEVEL_INFO, true, LOG_TARGET_STDERR);
		log_event(LOG_LEVEL_ERROR, &(struct log_about){.event = "x", .service = message, .server = "\"\n"}, "%s",
			  message);
		rewind(file);
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
		ck_assert_msg(is_object(line), "part %zu: %.100s … %s", part, line, line + strlen(line) - 60);
		ck_assert_ptr_null(fgets(line, sizeof(line), file));
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("core",
			 CASE("channel", messages_arrive_in_order_with_their_descriptor, all_facts_then_sync,
			      a_slow_peer_gets_the_latest_value_once, nonsense_closes_the_channel,
			      the_end_of_the_peer_is_noticed,
			      what_a_peer_said_before_it_ended_is_heard_whatever_it_left_unread),
			 CASE("loop", timers_are_never_early,
			      timers_that_change_one_another_fire_when_they_are_due_and_only_then,
			      a_timer_that_is_always_due_keeps_no_descriptor_waiting,
			      a_descriptor_that_the_kernel_would_not_watch_is_watched_as_soon_as_it_does,
			      an_urgent_timer_does_not_wait_for_all_that_can_be_read),
			 CASE("log", a_bucket_limits_and_counts,
			      a_line_of_json_is_one_object_however_long_and_hostile_the_message_is),
			 CASE("statepage", as_many_instances_as_there_are_slots_find_theirs_again,
			      a_slot_that_was_given_back_is_empty_and_hides_no_other));
}
