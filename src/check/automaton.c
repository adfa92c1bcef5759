/* See the header for the rules; each static function here is one of them. */
#include "check/automaton.h"

#include "check/outcome.h"
#include "config/model.h"

#define UNKNOWN_RETRY                                                                              \
	NSTIME_S /* a failing server's next probe while it has no verdict: readiness waits for it  \
		  */
#define STARVED_MAX 3 /* 2^3: the slowest probing for lack of resources */

struct automaton automaton_start(const struct check *check, nstime now)
{
	if (check->initial == CHECK_INITIAL_UP)
		return (struct automaton){.verdict = VERDICT_UP, .since = now};
	return (struct automaton){.verdict = VERDICT_UNKNOWN};
}

static bool become(struct automaton *automaton, enum verdict verdict, nstime now)
{
	if (automaton->verdict == verdict)
		return false;
	automaton->verdict = verdict;
	automaton->since = now;
	return true;
}

#define FALLS_MAX 40 /* by then every hold is the longest there can be */

nstime automaton_suppress(const struct automaton *automaton, const struct check *check)
{
	nstime hold = check->suppress;

	if (!hold || automaton->falls < 2)
		return 0;
	for (uint8_t fall = 2; fall < automaton->falls && hold < check->max_suppress; fall++)
		hold *= 2;
	return nstime_min(hold, check->max_suppress);
}

/* It was up since automaton->since. */
static void note_fall(struct automaton *automaton, const struct check *check, nstime now)
{
	nstime hold;

	if (now - automaton->since >= check->max_suppress)
		automaton->falls = 0;
	if (automaton->falls < FALLS_MAX)
		automaton->falls++;
	hold = automaton_suppress(automaton, check);
	automaton->suppressed = hold ? nstime_after(now, hold) : 0;
}

static bool step_passed(struct automaton *automaton, const struct check *check, nstime now)
{
	bool first = !automaton->proven;

	automaton->proven = true;
	automaton->failed = 0;
	if (automaton->passed < UINT32_MAX)
		automaton->passed++;
	if (now < automaton->suppressed || (!first && automaton->passed < check->rise))
		return false;
	automaton->suppressed = 0;
	return become(automaton, VERDICT_UP, now);
}

static bool step_failed(struct automaton *automaton, const struct check *check, nstime now)
{
	automaton->passed = 0;
	if (automaton->failed < UINT32_MAX)
		automaton->failed++;
	if (automaton->failed < check->fall)
		return false;
	if (automaton->verdict == VERDICT_UP)
		note_fall(automaton, check, now);
	return become(automaton, VERDICT_DOWN, now);
}

bool automaton_step(struct automaton *automaton, const struct check *check,
		    enum probe_reason reason, nstime now)
{
	if (reason == REASON_RESOURCES) {
		if (automaton->starved < STARVED_MAX)
			automaton->starved++;
		return false;
	}
	automaton->starved = 0;
	if (!outcome_counts(reason))
		return false;
	if (reason == REASON_PASSED)
		return step_passed(automaton, check, now);
	return step_failed(automaton, check, now);
}

static nstime delay_after_failure(const struct automaton *automaton, const struct check *check)
{
	nstime delay = check->retry_interval ? check->retry_interval : check->interval;

	switch (automaton->verdict) {
	case VERDICT_UNKNOWN:
		return nstime_min(delay, UNKNOWN_RETRY);
	case VERDICT_UP:
		return delay;
	case VERDICT_DOWN:
		break;
	}
	return check->interval;
}

nstime automaton_delay(const struct automaton *automaton, const struct check *check)
{
	nstime delay = automaton->failed ? delay_after_failure(automaton, check) : check->interval;

	return delay << automaton->starved;
}
