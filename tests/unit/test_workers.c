/* daemon: what a worker that is broken or taken over may do to its supervisor. The program is its own worker: started
 * with --worker it says HELLO like a good one and then sends nonsense, some of it in the form of true records, some of
 * it true answers at the wrong moment. tests/netns/test_faults.py lets it play lbha-checkd to the whole daemon, and gives
 * it a file without which it is good. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/buildid.h"
#include "core/channel.h"
#include "core/loop.h"
#include "core/packet.h"
#include "core/protocol.h"
#include "core/worker.h"
#include "daemon/workers.h"
#include "suite.h"

#define ROUNDS 300
#define PACKETS 20000

static uint64_t state;

static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

static uint64_t seed_take(void)
{
	const char *given = getenv("LBHA_SEED");

	return given ? strtoull(given, NULL, 10) | 1 : (uint64_t)clock_now() | 1;
}

/* ---- a packet of nonsense ---------------------------------------------------------------------------------- */

static void record_put(struct writer *out, uint32_t generation)
{
	uint16_t type = (uint16_t)(chance(8) ? RECORD_LINE + chance(RECORD_ORDER_END - RECORD_HELLO) : chance(65536));
	uint8_t value[64];
	struct writer in = writer_of(value, sizeof(value));
	size_t size;

	put_u32(&in, chance(4) ? generation : chance(8));
	while (chance(4) && writer_left(&in) > 8) {
		if (chance(2))
			put_text(&in, "%n\n\033[2J");
		else
			put_u8(&in, (uint8_t)chance(256));
	}
	size = chance(4) ? writer_used(&in) : chance((uint32_t)writer_used(&in) + 1);
	put_u16(out, type);
	put_u16(out, (uint16_t)(chance(1500) ? size : chance(65536)));
	put_bytes(out, value, size);
}

static size_t nonsense(uint8_t *bytes, size_t room, uint32_t generation)
{
	struct writer out = writer_of(bytes, room);

	put_u16(&out, (uint16_t)(chance(1500) ? PACKET_VERSION : chance(65536)));
	put_u32(&out, generation);
	do
		record_put(&out, generation);
	while (chance(3) && writer_left(&out) > 256);
	if (!chance(1500))
		return chance((uint32_t)writer_used(&out)) + 1;
	return writer_used(&out);
}

/* ---- the worker ------------------------------------------------------------------------------------------------ */

static void say(uint16_t type, const struct writer *value)
{
	uint8_t bytes[256];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u16(&out, PACKET_VERSION);
	put_u32(&out, 0);
	put_u16(&out, type);
	put_u16(&out, (uint16_t)writer_used(value));
	put_bytes(&out, value->start, writer_used(value));
	packet_send(WORKER_FD_SUPERVISOR, bytes, writer_used(&out), -1);
}

static void say_hello(void)
{
	uint8_t bytes[128];
	struct writer value = writer_of(bytes, sizeof(bytes));

	put_text(&value, build_id);
	say(RECORD_HELLO, &value);
}

static bool is_good(void)
{
	const char *file = getenv("LBHA_HOSTILE_WHEN");

	return file && access(file, F_OK);
}

/* Mostly a true answer; *generation becomes the one that is spoken of. */
static void answer(struct reader *in, uint32_t *generation, bool good)
{
	uint8_t bytes[8];
	struct writer value = writer_of(bytes, sizeof(bytes));
	uint16_t type;

	get_u16(in);
	get_u32(in);
	type = get_u16(in);
	get_u16(in);
	if (type != RECORD_PREPARE && type != RECORD_COMMIT)
		return;
	*generation = get_u32(in);
	put_u32(&value, *generation);
	if (type == RECORD_PREPARE)
		put_bool(&value, good || chance(8));
	if (good || chance(8))
		say(type == RECORD_PREPARE ? RECORD_PREPARED : RECORD_COMMITTED, &value);
}

static int hostile_worker(void)
{
	const struct timespec moment = {.tv_nsec = NSTIME_MS};
	uint8_t bytes[PACKET_MAX];
	uint32_t generation = 1;

	state = seed_take() ^ (uint64_t)getpid() << 20;
	say_hello();
	for (int round = 0; round < ROUNDS;) {
		bool good = is_good();
		ssize_t size;
		int fd;

		while ((size = packet_receive(WORKER_FD_SUPERVISOR, bytes, sizeof(bytes), &fd)) > 0) {
			struct reader in = reader_of(bytes, (size_t)size);

			if (fd >= 0)
				close(fd);
			answer(&in, &generation, good);
		}
		if (!size)
			return 0;
		round += !good;
		for (uint32_t i = good ? 0 : chance(8); i > 0; i--)
			packet_send(WORKER_FD_SUPERVISOR, bytes, nonsense(bytes, sizeof(bytes), generation),
				    chance(4) ? -1 : STDIN_FILENO);
		nanosleep(&moment, NULL);
	}
	return (int)chance(3);
}

/* ---- the channel ------------------------------------------------------------------------------------------------- */

struct listener {
	struct loop *loop;
	struct channel *channel;
	unsigned records;
};

static void heard(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd)
{
	struct listener *listener = ctx;
	char text[32];

	(void)generation;
	(void)type;
	if (fd >= 0)
		close(fd);
	listener->records++;
	get_u32(in);
	get_text(in, text, sizeof(text));
	ck_assert_uint_lt(strlen(text), sizeof(text));
	ck_assert_uint_le(reader_left(in), CHANNEL_RECORD_MAX);
}

static void hung_up(void *ctx)
{
	struct listener *listener = ctx;

	channel_free(listener->channel);
	listener->channel = NULL;
	loop_stop(listener->loop);
}

static const struct channel_ops listener_ops = {.record = heard, .closed = hung_up};

static void turned(void *ctx)
{
	loop_stop(ctx);
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

START_TEST(nonsense_ends_a_channel_and_leaks_no_descriptor)
{
	uint8_t bytes[PACKET_MAX];
	int before = descriptors(), pair[2] = {-1, -1}, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct listener listener = {.loop = loop_new()};
	struct loop_timer turn;
	unsigned ends = 0;

	state = seed_take();
	printf("seed %llu\n", (unsigned long long)state);
	ck_assert_int_eq(timer_init(listener.loop, &turn, LOOP_IDLE, turned, listener.loop), 0);
	for (int i = 0; i < PACKETS; i++) {
		if (!listener.channel) {
			close(pair[1]);
			ck_assert_int_eq(packet_pair(pair), 0);
			listener.channel = channel_new(listener.loop, pair[0], &listener_ops, &listener);
			ends++;
		}
		if (packet_send(pair[1], bytes, nonsense(bytes, sizeof(bytes), 1), chance(4) ? -1 : null) ||
		    !chance(16)) {
			timer_at(&turn, 0);
			loop_run(listener.loop);
		}
	}
	ck_assert_uint_gt(listener.records, PACKETS);
	ck_assert_uint_gt(ends, 10);
	timer_fini(&turn);
	channel_free(listener.channel);
	close(pair[1]);
	close(null);
	loop_free(listener.loop);
	ck_assert_int_eq(descriptors(), before);
}
END_TEST

/* ---- the workers -------------------------------------------------------------------------------------------------- */

#define LIVES 4

static void on_ready(void *ctx, struct slot *slot)
{
	uint8_t bytes[4] = {0, 0, 0, 1};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)ctx;
	slot_send_bytes(slot, RECORD_COMMIT, bytes, sizeof(bytes));
	for (int i = 0; i < 3; i++)
		slot_send(slot, RECORD_PREPARE, 1, null);
	close(null);
}

static void on_prepared(void *ctx, struct slot *slot, uint32_t generation, bool accepted)
{
	(void)ctx;
	(void)accepted;
	ck_assert(slot->hello && !slot->owed);
	slot_reached(slot, generation);
	workers_link(slot->workers, slot);
	slot_send(slot, RECORD_COMMIT, generation, -1);
}

static void on_committed(void *ctx, struct slot *slot, uint32_t generation)
{
	(void)ctx;
	slot_send(slot, RECORD_FINISH, generation, -1);
}

static void on_line(void *ctx, struct slot *slot, const char *text)
{
	(void)ctx;
	(void)slot;
	ck_assert_uint_lt(strlen(text), 2048);
}

static void on_request(void *ctx, struct slot *slot, struct reader *in)
{
	char text[64];

	(void)ctx;
	ck_assert_int_eq(slot->role, ROLE_CONTROL);
	get_u32(in);
	get_u8(in);
	get_text(in, text, sizeof(text));
}

static void on_died(void *ctx, struct slot *slot)
{
	struct loop *loop = ctx;
	bool all = true;

	ck_assert(!slot->hello && (slot->pid == 0 || slot->errand != ERRAND_WORK));
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		all &= slot->workers->slots[role].restarts >= LIVES;
	if (all)
		loop_stop(loop);
}

static bool on_fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	(void)ctx;
	*type = 2;
	put_u32(out, index);
	return true;
}

static uint32_t on_fact_count(void *ctx)
{
	(void)ctx;
	return 100;
}

static void on_order(void *ctx, struct slot *slot, uint16_t type, struct reader *in)
{
	(void)ctx;
	(void)in;
	ck_assert_int_eq(slot->role, ROLE_VRRP);
	ck_assert(type == RECORD_ORDER_TOLD || type == RECORD_ORDER_END);
}

static void on_say(void *ctx, struct slot *slot, uint16_t type, struct reader *in)
{
	(void)ctx;
	(void)in;
	ck_assert_int_eq(slot->role, ROLE_CONTROL);
	ck_assert(type == RECORD_SAY || type == RECORD_SAID);
}

static void on_script(void *ctx, struct slot *slot, uint16_t type, struct reader *in, int fd)
{
	(void)ctx;
	(void)in;
	(void)fd;
	ck_assert_int_eq(slot->role, ROLE_CHECK);
	ck_assert(type == RECORD_RUN || type == RECORD_RUN_CANCEL);
}

static const struct workers_ops watch_ops = {.ready = on_ready,
					     .prepared = on_prepared,
					     .committed = on_committed,
					     .line = on_line,
					     .request = on_request,
					     .say = on_say,
					     .order = on_order,
					     .script = on_script,
					     .died = on_died,
					     .fact = on_fact,
					     .fact_count = on_fact_count};

START_TEST(hostile_workers_die_and_come_back_and_leak_no_descriptor)
{
	static struct workers workers;
	int before = descriptors();
	struct loop *loop = loop_new();
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (geteuid()) {
		printf("left out: only root gives rights away\n");
		return;
	}
	workers = (struct workers){.loop = loop,
				   .ops = &watch_ops,
				   .ctx = loop,
				   .lbhad = self,
				   .checkd = self,
				   .owned = -1,
				   .control = -1};
	for (int role = 0; role < ROLE_COUNT; role++)
		workers.users[role] = (struct identity){65534, 65534};
	ck_assert_int_eq(workers_init(&workers), 0);
	workers_start(&workers);
	ck_assert_int_eq(loop_run(loop), 0);
	workers_fini(&workers);
	loop_free(loop);
	close(self);
	ck_assert_int_eq(descriptors(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--worker"))
		return hostile_worker();
	return SUITE_RUN("workers", CASE("hostile", nonsense_ends_a_channel_and_leaks_no_descriptor,
					 hostile_workers_die_and_come_back_and_leak_no_descriptor));
}
