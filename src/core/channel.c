/* Messages and facts over one socket; the header tells the two ways. What has been encoded but not yet taken by the
 * socket stays in `packet` and is sent first; a fact that changes meanwhile is dirty again and follows. */
#include "core/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/packet.h"

#define RECORD_HEAD 4
#define PACKETS_PER_TURN 32
#define WORD_BITS 64
#define MEMORY_PAUSE (10 * NSTIME_MS)

struct outgoing {
	struct outgoing *next;
	uint32_t generation;
	uint16_t type;
	size_t size;
	int fd;
	uint8_t value[];
};

struct channel {
	struct loop_io io;
	struct loop_timer again;     /* when the kernel had no memory for a packet */
	const struct channel_ops *ops;
	void *ctx;
	int fd;
	uint32_t generation;
	struct outgoing *first, **last;
	/* facts */
	uint64_t *dirty;
	uint32_t count, words, from; /* from: the word to look at next, so that none starves */
	bool round;                  /* a round is under way: SYNC follows */
	/* the packet in hand */
	size_t packet_size;
	int packet_fd;
	bool *freed;                 /* set while a callback of ours may free the channel */
	uint8_t packet[PACKET_MAX];
};

static void channel_readable(void *ctx);
static void channel_writable(void *ctx);
static void channel_again(void *ctx);

struct channel *channel_new(struct loop *loop, int fd, const struct channel_ops *ops, void *ctx)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel) {
		close(fd);
		return NULL;
	}
	channel->ops = ops;
	channel->ctx = ctx;
	channel->fd = fd;
	channel->last = &channel->first;
	channel->packet_fd = -1;
	if (timer_init(loop, &channel->again, LOOP_NORMAL, channel_again, channel) ||
	    io_init(loop, &channel->io, fd, LOOP_NORMAL, channel_readable, channel_writable, channel)) {
		channel_free(channel);
		return NULL;
	}
	return channel;
}

static void outgoing_free(struct outgoing *message)
{
	if (message->fd >= 0)
		close(message->fd);
	free(message);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	if (channel->freed)
		*channel->freed = true;
	while (channel->first) {
		struct outgoing *message = channel->first;

		channel->first = message->next;
		outgoing_free(message);
	}
	if (channel->packet_fd >= 0)
		close(channel->packet_fd);
	io_fini(&channel->io);
	timer_fini(&channel->again);
	close(channel->fd);
	free(channel->dirty);
	free(channel);
}

void channel_set_generation(struct channel *channel, uint32_t generation)
{
	channel->generation = generation;
}

/* ---- what is to be sent ----------------------------------------------------------------------------- */

int channel_send(struct channel *channel, uint16_t type, const void *value, size_t size, int fd)
{
	struct outgoing *message;

	if (size > CHANNEL_RECORD_MAX)
		return -EMSGSIZE;
	message = malloc(sizeof(*message) + size);
	if (!message)
		return -ENOMEM;
	*message = (struct outgoing){.generation = channel->generation, .type = type, .size = size, .fd = -1};
	if (size)
		memcpy(message->value, value, size);
	if (fd >= 0) {
		message->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (message->fd < 0) {
			free(message);
			return -errno;
		}
	}
	*channel->last = message;
	channel->last = &message->next;
	io_want_write(&channel->io, true);
	return 0;
}

int channel_facts_restart(struct channel *channel, uint32_t count)
{
	uint32_t words = (count + WORD_BITS - 1) / WORD_BITS;

	if (words > channel->words || !channel->dirty) {
		uint64_t *grown = realloc(channel->dirty, (words ? words : 1) * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		channel->dirty = grown;
	}
	for (uint32_t i = 0; i < words; i++)
		channel->dirty[i] = UINT64_MAX;
	if (count % WORD_BITS)
		channel->dirty[words - 1] = (1ull << count % WORD_BITS) - 1;
	channel->count = count;
	channel->words = words;
	channel->from = 0;
	channel->round = true;
	io_want_write(&channel->io, true);
	return 0;
}

void channel_dirty(struct channel *channel, uint32_t index)
{
	if (index >= channel->count)
		return;
	channel->dirty[index / WORD_BITS] |= 1ull << index % WORD_BITS;
	io_want_write(&channel->io, true);
}

static bool has_dirty(const struct channel *channel)
{
	for (uint32_t i = 0; i < channel->words; i++)
		if (channel->dirty[i])
			return true;
	return false;
}

int channel_fd(const struct channel *channel)
{
	return channel->fd;
}

bool channel_idle(const struct channel *channel)
{
	return !channel->packet_size && !channel->first && !channel->round && !has_dirty(channel);
}

/* ---- sending --------------------------------------------------------------------------------------------- */

static struct writer packet_begin(struct channel *channel, uint32_t generation)
{
	struct writer out = writer_of(channel->packet, sizeof(channel->packet));

	put_u16(&out, PACKET_VERSION);
	put_u32(&out, generation);
	return out;
}

/* One message a packet: order is kept and a descriptor belongs to its record. */
static void packet_of_message(struct channel *channel)
{
	struct outgoing *message = channel->first;
	struct writer out = packet_begin(channel, message->generation);

	put_u16(&out, message->type);
	put_u16(&out, (uint16_t)message->size);
	put_bytes(&out, message->value, message->size);
	channel->packet_size = writer_used(&out);
	channel->packet_fd = message->fd;
	message->fd = -1;
	channel->first = message->next;
	if (!channel->first)
		channel->last = &channel->first;
	outgoing_free(message);
}

/* Encodes one fact behind what stands in the packet; false when there is no more room for it. */
static bool fact_append(struct channel *channel, struct writer *out, uint32_t index)
{
	struct writer whole = *out;
	uint8_t *head = put_space(out, RECORD_HEAD), *value = out->at;
	struct writer length;
	uint16_t type = 0;

	if (!head) {
		*out = whole;
		return false;
	}
	if (!channel->ops->fact || !channel->ops->fact(channel->ctx, index, &type, out)) {
		*out = whole; /* not for this peer */
		return true;
	}
	if (out->failed || out->at - value > CHANNEL_RECORD_MAX) {
		bool alone = writer_used(&whole) == PACKET_HEAD;

		*out = whole;
		return alone; /* a fact larger than a packet can never be sent: skipped */
	}
	length = writer_of(head, RECORD_HEAD);
	put_u16(&length, type);
	put_u16(&length, (uint16_t)(out->at - value));
	return true;
}

static void packet_of_facts(struct channel *channel)
{
	struct writer out = packet_begin(channel, channel->generation);
	bool full = false;

	for (uint32_t step = 0; step < channel->words && !full; step++) {
		uint32_t word = (channel->from + step) % channel->words;

		while (channel->dirty[word] && !full) {
			int bit = __builtin_ctzll(channel->dirty[word]);

			if (fact_append(channel, &out, word * WORD_BITS + (uint32_t)bit))
				channel->dirty[word] &= ~(1ull << bit);
			else
				full = true;
		}
		if (full)
			channel->from = word;
	}
	if (!full && channel->round && writer_left(&out) >= RECORD_HEAD) {
		put_u16(&out, CHANNEL_SYNC);
		put_u16(&out, 0);
		channel->round = false;
	}
	channel->packet_size = writer_used(&out) > PACKET_HEAD ? writer_used(&out) : 0;
}

/* Sends what there is: 0 when all is out, else the errno that stopped it. */
static int channel_push(struct channel *channel)
{
	for (;;) {
		int err;

		if (!channel->packet_size) {
			if (channel->first)
				packet_of_message(channel);
			else if (channel->round || has_dirty(channel))
				packet_of_facts(channel);
			if (!channel->packet_size)
				return 0;
		}
		err = packet_send(channel->fd, channel->packet, channel->packet_size, channel->packet_fd);
		if (err)
			return err;
		if (channel->packet_fd >= 0)
			close(channel->packet_fd);
		channel->packet_fd = -1;
		channel->packet_size = 0;
	}
}

/* Neither the packet nor the peer is to blame. */
static bool is_short_of_memory(int err)
{
	return err == -ENOMEM || err == -ENOBUFS || err == -ETOOMANYREFS;
}

static void channel_again(void *ctx)
{
	struct channel *channel = ctx;

	io_want_read(&channel->io, true);
	io_want_write(&channel->io, true);
}

static void channel_writable(void *ctx)
{
	struct channel *channel = ctx;

	int err = channel_push(channel);

	if (err == -EAGAIN)
		return;
	io_want_write(&channel->io, false);
	if (is_short_of_memory(err))
		timer_at(&channel->again, clock_now() + MEMORY_PAUSE);
	else if (err)
		shutdown(channel->fd, SHUT_RDWR); /* both readers see the end */
}

void channel_flush(struct channel *channel, int64_t patience)
{
	nstime deadline = clock_now() + patience;
	int err;

	while ((err = channel_push(channel)) == -EAGAIN || is_short_of_memory(err)) {
		struct pollfd wait = {.fd = channel->fd, .events = POLLOUT};
		nstime left = deadline - clock_now();

		if (left <= 0)
			return;
		if (err == -EAGAIN)
			poll(&wait, 1, (int)(left / NSTIME_MS) + 1);
		else
			poll(NULL, 0, (int)(nstime_min(left, MEMORY_PAUSE) / NSTIME_MS) + 1);
	}
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

/* Hands the records of one packet out; false when it is malformed. The channel may be freed by a callback. */
static bool packet_dispatch(struct channel *channel, struct reader *in, int fd, const bool *freed)
{
	uint16_t version = get_u16(in);
	uint32_t generation = get_u32(in);
	bool fine = !in->failed && version == PACKET_VERSION;

	while (fine && reader_left(in)) {
		uint16_t type = get_u16(in), size = get_u16(in);
		struct reader value = get_part(in, size);

		if (in->failed || size > CHANNEL_RECORD_MAX) {
			fine = false;
			break;
		}
		channel->ops->record(channel->ctx, generation, type, &value, fd);
		fd = -1;
		if (*freed)
			return true;
	}
	if (fd >= 0)
		close(fd);
	return fine;
}

static void channel_readable(void *ctx)
{
	struct channel *channel = ctx;
	uint8_t bytes[PACKET_MAX];
	bool freed = false;

	channel->freed = &freed;
	for (int i = 0; i < PACKETS_PER_TURN; i++) {
		int fd;
		ssize_t size = packet_receive(channel->fd, bytes, sizeof(bytes), &fd);
		struct reader in;

		if (size == -EAGAIN)
			break;
		if (is_short_of_memory((int)size)) {
			io_want_read(&channel->io, false);
			timer_at(&channel->again, clock_now() + MEMORY_PAUSE);
			break;
		}
		in = reader_of(bytes, size > 0 ? (size_t)size : 0);
		if (size > 0 && packet_dispatch(channel, &in, fd, &freed)) {
			if (freed)
				return;
			continue;
		}
		channel->freed = NULL;
		io_want_read(&channel->io, false);
		io_want_write(&channel->io, false);
		timer_cancel(&channel->again);
		channel->ops->closed(channel->ctx);
		return;
	}
	channel->freed = NULL;
}

void channel_receive(struct channel *channel)
{
	channel_readable(channel);
}
