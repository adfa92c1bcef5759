/* Any bytes for every dialogue, in pieces: the first byte says which dialogue, the second how long the
 * pieces are. It must end as when it is told all at once, and its words be one clean line. */
#include <stdlib.h>
#include <string.h>

#include "check/ldap.h"
#include "check/mysql.h"
#include "check/postgresql.h"
#include "check/redis.h"
#include "check/talk.h"
#include "check/tcp.h"
#include "config/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct kind {
	const struct dialogue *dialogue;
	struct check check;
};

static const struct kind kinds[] = {
	{&tcp_dialogue, {.type = CHECK_TCP, .send = "a", .expect_bytes = "ab\\x00"}},
	{&redis_dialogue, {.type = CHECK_REDIS}},
	{&mysql_dialogue, {.type = CHECK_MYSQL}},
	{&mysql_dialogue, {.type = CHECK_MYSQL, .account = "lbha"}},
	{&postgresql_dialogue, {.type = CHECK_POSTGRESQL}},
	{&postgresql_dialogue, {.type = CHECK_POSTGRESQL, .account = "lbha", .database = "shop"}},
	{&ldap_dialogue, {.type = CHECK_LDAP}},
};

struct heard {
	enum talk_next end;
	enum probe_reason reason;
	char fault[OUTCOME_SAID];
};

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void hear(const struct kind *kind, const uint8_t *bytes, size_t size, size_t piece,
		 struct heard *heard)
{
	static uint8_t in[TALK_IN], out[TALK_OUT];
	struct talk talk;

	memset(heard, 0, sizeof(*heard));
	talk_init(&talk, &kind->check, out);
	talk.bytes = in;
	do {
		size_t room = sizeof(in) - talk.size, part = size < piece ? size : piece;

		heard->end = talk_next(&talk, kind->dialogue);
		talk.out.at = talk.out.start;
		if (heard->end != TALK_MORE)
			break;
		part = part < room ? part : room;
		memmove(in, talk.bytes, talk.size);
		talk.bytes = in;
		if (size)
			memcpy(in + talk.size, bytes, part);
		talk.closed = !part;
		talk.size += part;
		talk.full = talk.size == sizeof(in);
		bytes += part;
		size -= part;
	} while (1);
	heard->reason = heard->end == TALK_PASSED ? REASON_PASSED : talk.reason;
	must(!talk.out.failed && heard->reason != REASON_NONE);
	if (talk.fault)
		strncpy(heard->fault, talk.fault, sizeof(heard->fault) - 1);
	for (const char *at = heard->fault; *at; at++)
		must((unsigned char)*at >= ' ' && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct kind *kind;
	struct heard whole, pieces;

	if (size < 2)
		return 0;
	kind = &kinds[bytes[0] % COUNT_OF(kinds)];
	hear(kind, bytes + 2, size - 2, size, &whole);
	hear(kind, bytes + 2, size - 2, 1u + bytes[1] % 16, &pieces);
	must(!memcmp(&whole, &pieces, sizeof(whole)));
	return 0;
}
