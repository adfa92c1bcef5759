/* Any DNS message, for several questions, by UDP and (with its length before it) by TCP: what is judged
 * has a reason and words of a bounded line, and both ways say the same. The id and the question are made
 * ours, or little would get behind them. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "check/dns.h"
#include "check/talk.h"
#include "config/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct addr v4[] = {{AF_INET, {192, 0, 2, 1}}, {AF_INET, {192, 0, 2, 2}}},
		   v6[] = {{AF_INET6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};

static const struct check checks[] = {
	{.type = CHECK_DNS, .dns = {.name = ".", .record = 6, .expect = {.rcodes = 1}}},
	{.type = CHECK_DNS, .dns = {.name = "a.example", .record = 1, .expect = {1, v4, 1}}},
	{.type = CHECK_DNS, .dns = {.name = "a.example", .record = 1, .expect = {9, v4, 2}}},
	{.type = CHECK_DNS, .dns = {.name = "a.example", .record = 28, .expect = {1, v6, 1}}},
};

/* What the dialogue asks with. */
static uint16_t tcp_id(const struct check *check)
{
	uint8_t out[TALK_OUT];
	struct talk talk;

	talk_init(&talk, check, out);
	if (talk_next(&talk, &dns_dialogue) != TALK_MORE || writer_used(&talk.out) < 14)
		abort();
	return (uint16_t)(out[2] << 8 | out[3]);
}

static void by_tcp(const struct check *check, const uint8_t *bytes, size_t size, bool is_ours,
		   const struct outcome *outcome)
{
	uint8_t out[TALK_OUT], *framed = malloc(size + 2);
	enum talk_next next;
	struct talk talk;

	if (!framed)
		abort();
	framed[0] = (uint8_t)(size >> 8);
	framed[1] = (uint8_t)size;
	memcpy(framed + 2, bytes, size);
	talk_init(&talk, check, out);
	talk_next(&talk, &dns_dialogue);
	talk.bytes = framed;
	talk.size = size + 2;
	next = talk_next(&talk, &dns_dialogue);
	if ((next == TALK_MORE) == is_ours)
		abort();
	if (is_ours && ((next == TALK_PASSED) != (outcome->reason == REASON_PASSED) ||
			strcmp(talk.fault, outcome->fault)))
		abort();
	free(framed);
}

static void try(const struct check *check, const uint8_t *bytes, size_t size)
{
	struct outcome outcome = {.reason = REASON_NONE};
	char said[OUTCOME_SAID];
	bool is_ours = dns_judge(check, tcp_id(check), bytes, size, said, &outcome);

	if (is_ours && outcome.reason != REASON_PASSED && outcome.reason != REASON_STATUS &&
	    outcome.reason != REASON_MISMATCH && outcome.reason != REASON_PROTOCOL)
		abort();
	if (is_ours && (!outcome.fault || strlen(outcome.fault) >= OUTCOME_SAID))
		abort();
	if (size <= UINT16_MAX)
		by_tcp(check, bytes, size, is_ours, &outcome);
}

/* The bytes behind the question stay. */
static void make_ours(const struct check *check, uint8_t *bytes, size_t size)
{
	uint8_t query[DNS_QUERY_MOST];
	struct writer out = writer_of(query, sizeof(query));
	size_t length;

	dns_query_put(&out, check, tcp_id(check));
	length = writer_used(&out);
	if (size < length)
		return;
	memcpy(bytes, query, 2);
	bytes[2] = 0x80 | (bytes[2] & 2);
	bytes[4] = 0;
	bytes[5] = 1;
	memcpy(bytes + 12, query + 12, length - 12);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *ours = malloc(size ? size : 1);

	if (!ours)
		abort();
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		try(&checks[i], bytes, size);
		memcpy(ours, bytes, size);
		make_ours(&checks[i], ours, size);
		try(&checks[i], ours, size);
	}
	free(ours);
	return 0;
}
