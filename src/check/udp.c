/* UDP has no handshake: that a port is closed is known only if somebody says so. Silence passes unless a
 * reply is asked for, by require_reply or by saying what it must hold. */
#include "check/udp.h"

#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "check/talk.h"
#include "config/model.h"

#define EXPECT_ROOM 1024 /* the most that the key takes */

size_t udp_payload(const struct check *check, uint8_t out[UDP_PAYLOAD_MOST])
{
	return check->send ? escape_decode(check->send, out, UDP_PAYLOAD_MOST) : 0;
}

struct outcome udp_reply(const struct check *check, const uint8_t *bytes, size_t size,
			 char said[OUTCOME_SAID])
{
	struct outcome out = {.reason = REASON_PASSED, .step = STEP_REPLY, .fault = "replied"};
	struct text words = text_of(said, OUTCOME_SAID);
	uint8_t wanted[EXPECT_ROOM];
	char quote[TALK_QUOTE];
	size_t count;

	if (!check->expect_bytes)
		return out;
	count = escape_decode(check->expect_bytes, wanted, sizeof(wanted));
	out.fault = "matches";
	if (size >= count && memmem(bytes, size, wanted, count))
		return out;
	text_add(&words, "no match in \"%s\"", talk_quote(bytes, size, quote));
	out.reason = REASON_MISMATCH;
	out.received = (uint32_t)size;
	out.fault = said;
	return out;
}

struct outcome udp_silence(const struct check *check)
{
	if (check->require_reply || check->expect_bytes)
		return (struct outcome){.reason = REASON_REPLY_TIMEOUT, .step = STEP_REPLY};
	return (struct outcome){
		.reason = REASON_PASSED, .step = STEP_REPLY, .fault = "no reply, no complaint"};
}
