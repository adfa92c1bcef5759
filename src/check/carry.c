/* See the header. */
#include "check/carry.h"

#include <stdio.h>

#include "base/carry.h"
#include "base/text.h"

#define FLAG_PROVEN 1
#define FLAG_WORDS 2 /* the outcome has words, which may be none */
#define FLAGS 3

bool probe_carry_matters(const struct probe_carry *carry)
{
	return carry->automaton.verdict != VERDICT_UNKNOWN || carry->ended || carry->automaton.failed ||
	       carry->automaton.passed || carry->here.error || advice_spoken(&carry->told);
}

/* ---- one part after the other ---------------------------------------------------------------- */

static void put_automaton(struct writer *out, const struct automaton *automaton, bool has_words)
{
	put_u8(out, (uint8_t)automaton->verdict);
	put_u8(out, (uint8_t)((automaton->proven ? FLAG_PROVEN : 0) | (has_words ? FLAG_WORDS : 0)));
	put_u8(out, automaton->falls);
	put_u32(out, automaton->passed);
	put_u32(out, automaton->failed);
	put_time(out, automaton->since);
	put_time(out, automaton->suppressed);
}

/* Any that is no absurdity. */
static nstime get_span(struct reader *in)
{
	nstime time = get_time(in);

	in->failed |= time < 0;
	return time;
}

static struct automaton get_automaton(struct reader *in, nstime now, bool *has_words)
{
	struct automaton automaton = {.verdict = (enum verdict)get_u8(in)};
	uint8_t flags = get_u8(in);

	automaton.proven = flags & FLAG_PROVEN;
	*has_words = flags & FLAG_WORDS;
	automaton.falls = get_u8(in);
	automaton.passed = get_u32(in);
	automaton.failed = get_u32(in);
	automaton.since = carry_past_get(in, now);
	automaton.suppressed = get_span(in);
	in->failed |= automaton.verdict > VERDICT_DOWN || flags > FLAGS ||
		      (automaton.passed && automaton.failed);
	return automaton;
}

static void put_outcome(struct writer *out, const struct outcome *outcome)
{
	put_u8(out, (uint8_t)outcome->reason);
	put_u8(out, (uint8_t)outcome->step);
	put_u16(out, (uint16_t)outcome->error);
	put_u16(out, outcome->status);
	put_u32(out, outcome->received);
	put_time(out, outcome->connected);
	put_time(out, outcome->latency);
}

/* A later release may know reasons that this one does not: then nothing is known of the last probe. */
static struct outcome get_outcome(struct reader *in)
{
	struct outcome outcome = {.reason = (enum probe_reason)get_u8(in)};

	outcome.step = (enum outcome_step)get_u8(in);
	outcome.error = get_u16(in);
	outcome.status = get_u16(in);
	outcome.received = get_u32(in);
	outcome.connected = get_span(in);
	outcome.latency = get_span(in);
	if (outcome.reason >= REASON_COUNT || outcome.step > STEP_REPLY)
		return (struct outcome){0};
	return outcome;
}

static void put_hindrance(struct writer *out, const struct hindrance *here)
{
	put_u16(out, (uint16_t)here->error);
	put_u8(out, here->step);
}

static struct hindrance get_hindrance(struct reader *in)
{
	uint16_t error = get_u16(in);
	uint8_t step = get_u8(in);

	if (error > INT16_MAX || step > STEP_REPLY)
		return (struct hindrance){0};
	return (struct hindrance){.error = (int16_t)error, .step = step};
}

/* ---- the record ------------------------------------------------------------------------------ */

void probe_carry_put(struct writer *out, const struct probe_carry *carry)
{
	uint8_t *record = carry_record(out, CHECK_CARRY_PROBE);
	char words[OUTCOME_SAID];

	snprintf(words, sizeof(words), "%s", carry->last.fault ? carry->last.fault : "");
	put_u64(out, carry->key);
	put_automaton(out, &carry->automaton, carry->last.fault != NULL);
	put_time(out, carry->ended);
	put_time(out, carry->due);
	put_outcome(out, &carry->last);
	put_hindrance(out, &carry->here);
	advice_put(out, &carry->told);
	put_text(out, words);
	carry_end(out, record);
}

bool probe_carry_get(struct reader *in, nstime now, struct probe_carry *carry)
{
	struct probe_carry got = {.key = get_u64(in)};
	bool has_words;

	got.automaton = get_automaton(in, now, &has_words);
	got.ended = carry_past_get(in, now);
	got.due = get_span(in);
	got.last = get_outcome(in);
	got.here = get_hindrance(in);
	got.told = advice_get(in);
	get_text(in, got.words, sizeof(got.words));
	if (in->failed)
		return false;
	text_clean(got.words);
	*carry = got;
	if (has_words && got.last.reason != REASON_NONE)
		carry->last.fault = carry->words;
	return true;
}
