/* See the header. */
#include "daemon/handover.h"

#include <errno.h>
#include <string.h>

#include "base/carry.h"
#include "base/text.h"
#include "config/facts.h"

#define MAGIC "lbha handover\n"
#define MAGIC_SIZE (sizeof(MAGIC) - 1)
#define HEAD (MAGIC_SIZE + sizeof(uint64_t))
#define STATEMENT 256 /* bytes of the first record at most, and more than those of any name of a role */

enum {
	RECORD_STATEMENT = 1, /* text boot, u64 network, time written, time deadline, u32 generation, text version */
	RECORD_CARRY = 2,     /* text role, and its carry */
};

size_t handover_size(const struct handover *handover)
{
	size_t size = HEAD + CARRY_HEAD + CARRY_RECORD_HEAD + STATEMENT;

	for (int role = 0; role < ROLE_COUNT; role++)
		size += CARRY_RECORD_HEAD + STATEMENT + handover->carries[role].size;
	return size;
}

static void put_statement(struct writer *out, const struct handover *handover)
{
	uint8_t *record = carry_record(out, RECORD_STATEMENT);

	put_text(out, handover->boot);
	put_u64(out, handover->network);
	put_time(out, handover->written);
	put_time(out, handover->deadline);
	put_u32(out, handover->generation);
	put_text(out, handover->version);
	carry_end(out, record);
}

size_t handover_put(const struct handover *handover, void *bytes, size_t size)
{
	struct writer out = writer_of(bytes, size), digest;

	put_bytes(&out, MAGIC, MAGIC_SIZE);
	put_u64(&out, 0); /* until all is there */
	carry_begin(&out);
	put_statement(&out, handover);
	for (int role = 0; role < ROLE_COUNT; role++) {
		uint8_t *record;

		if (!handover->carries[role].bytes)
			continue;
		record = carry_record(&out, RECORD_CARRY);
		put_text(&out, role_name((enum role)role));
		put_bytes(&out, handover->carries[role].bytes, handover->carries[role].size);
		carry_end(&out, record);
	}
	if (out.failed)
		return 0;
	digest = writer_of(out.start + MAGIC_SIZE, sizeof(uint64_t));
	put_u64(&digest, text_hash(TEXT_HASH, out.start + HEAD, writer_used(&out) - HEAD));
	return writer_used(&out);
}

static void get_statement(struct reader *in, struct handover *out)
{
	get_text(in, out->boot, sizeof(out->boot));
	out->network = get_u64(in);
	out->written = get_time(in);
	out->deadline = get_time(in);
	out->generation = get_u32(in);
	get_text(in, out->version, sizeof(out->version));
}

/* Of a role that this release has not, nobody inherits. */
static void take_carry(struct reader *in, struct handover *out)
{
	char name[STATEMENT];

	get_text(in, name, sizeof(name));
	for (int role = 0; role < ROLE_COUNT && !in->failed; role++)
		if (!strcmp(name, role_name((enum role)role))) {
			out->carries[role].bytes = in->at;
			out->carries[role].size = reader_left(in);
		}
}

static bool is_whole(struct reader *in)
{
	const uint8_t *magic = get_bytes(in, MAGIC_SIZE);
	uint64_t digest = get_u64(in);

	return !in->failed && !memcmp(magic, MAGIC, MAGIC_SIZE) &&
	       digest == text_hash(TEXT_HASH, in->at, reader_left(in));
}

int handover_get(const void *bytes, size_t size, struct handover *out)
{
	struct reader in = reader_of(bytes, size), value;
	struct handover handover = {0};
	bool failed = !is_whole(&in) || !carry_start(&in);
	uint16_t type;

	while (!failed && carry_next(&in, &type, &value)) {
		if (type == RECORD_STATEMENT)
			get_statement(&value, &handover);
		else if (type == RECORD_CARRY)
			take_carry(&value, &handover);
		failed = value.failed;
	}
	if (failed || in.failed || !handover.boot[0])
		return -EBADMSG;
	text_clean(handover.version);
	*out = handover;
	return 0;
}

enum handover_worth handover_judge(const struct handover *handover, const char *boot, uint64_t network, nstime now)
{
	if (strcmp(handover->boot, boot) != 0)
		return HANDOVER_OTHER_BOOT;
	if (handover->network != network)
		return HANDOVER_OTHER_NETWORK;
	return now <= handover->deadline && handover->written <= now ? HANDOVER_FRESH : HANDOVER_STALE;
}
