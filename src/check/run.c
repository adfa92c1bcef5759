/* See the header. */
#include "check/run.h"

#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "config/model.h"

/* ---- records -------------------------------------------------------------------------------- */

void run_order_put(struct writer *out, const struct run_order *order)
{
	put_u32(out, order->run);
	put_u32(out, order->generation);
	put_u32(out, order->probe);
	put_bool(out, order->is_look);
}

bool run_order_get(struct reader *in, struct run_order *order)
{
	struct run_order got = {
		.run = get_u32(in), .generation = get_u32(in), .probe = get_u32(in)};

	got.is_look = get_bool(in);
	if (!reader_done(in) || !got.run)
		return false;
	*order = got;
	return true;
}

void run_answer_put(struct writer *out, const struct run_answer *answer)
{
	put_u32(out, answer->run);
	put_u8(out, (uint8_t)answer->end);
	put_u32(out, answer->number);
	put_text(out, answer->why);
}

bool run_answer_get(struct reader *in, struct run_answer *answer)
{
	struct run_answer got = {.run = get_u32(in), .end = get_u8(in), .number = get_u32(in)};

	get_text(in, got.why, sizeof(got.why));
	if (!reader_done(in) || got.end >= RUN_ENDS)
		return false;
	text_clean(got.why);
	*answer = got;
	return true;
}

/* ---- output --------------------------------------------------------------------------------- */

static bool is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void take_byte(struct run_tail *tail, char byte)
{
	if (byte == '\n' || byte == '\r') {
		tail->ended = tail->length > 0;
		return;
	}
	if (is_blank(byte) && (!tail->length || tail->ended))
		return;
	if (tail->ended)
		tail->length = 0;
	tail->ended = false;
	if (tail->length < sizeof(tail->line) - 1)
		tail->line[tail->length++] = byte;
}

bool run_tail_take(struct run_tail *tail, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		take_byte(tail, bytes[i]);
	tail->line[tail->length] = '\0';
	tail->total += size;
	return tail->total <= RUN_OUTPUT_MAX;
}

/* ---- what it means -------------------------------------------------------------------------- */

static void add_line(struct text *text, const struct run_tail *tail)
{
	if (!tail->length)
		return;
	text_add(text, ": ");
	text_add_clean(text, tail->line, tail->length);
}

#define EXIT_WEIGHT 2 /* that status is weight 0, as keepalived's misc_dynamic has it */

static bool is_weight(const struct run_answer *answer, const struct check *check)
{
	return check->weight_from_exit && answer->number >= EXIT_WEIGHT && answer->number <= 255;
}

static enum probe_reason reason_of(const struct run_answer *answer, const struct check *check)
{
	switch (answer->end) {
	case RUN_EXITED:
		return answer->number && !is_weight(answer, check) ? REASON_EXIT : REASON_PASSED;
	case RUN_KILLED:
		return REASON_KILLED;
	case RUN_TIMED_OUT:
		return REASON_TIMEOUT;
	case RUN_NOT_STARTED:
		return REASON_NOT_STARTED;
	case RUN_BUSY:
	case RUN_STALE:
	case RUN_ENDS:
		break;
	}
	return REASON_RESOURCES;
}

struct outcome run_outcome(const struct run_answer *answer, const struct run_tail *tail,
			   const struct check *check, char *said)
{
	struct outcome outcome = {.reason = reason_of(answer, check), .step = STEP_REPLY, .fault = said};
	struct text text = text_of(said, OUTCOME_SAID);
	char within[DURATION_TEXT];

	switch (answer->end) {
	case RUN_EXITED:
		text_add(&text, "exit %u", answer->number);
		if (!is_weight(answer, check))
			break;
		outcome.told.parts = ADVICE_WEIGHT;
		outcome.told.weight = answer->number - EXIT_WEIGHT;
		text_add(&text, " (weight %u)", outcome.told.weight);
		break;
	case RUN_KILLED:
		text_add(&text, "killed by signal %u", answer->number);
		break;
	case RUN_TIMED_OUT:
		text_add(&text, "not done within %s, killed", duration_format(check->timeout, within));
		break;
	case RUN_NOT_STARTED:
		text_add(&text, "not started: %s", answer->why);
		return outcome;
	case RUN_BUSY:
	case RUN_STALE:
	case RUN_ENDS:
		break;
	}
	add_line(&text, tail);
	return outcome;
}
