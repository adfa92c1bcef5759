/* See the header. */
#include "vrrp/track.h"

#include <string.h>

#include "base/duration.h"
#include "base/text.h"
#include "vrrp/priority.h"

#define LOWEST 1
#define HIGHEST (VRRP_PRIORITY_OWNER - 1)

void track_init(struct track *track, const struct tracker *about, const struct track_source *source)
{
	*track = (struct track){
		.about = about, .source = source, .due = NSTIME_NEVER, .is_master = true};
}

static bool become(struct track *track, nstime since)
{
	track->state = track->source->seen;
	track->since = since;
	track->due = NSTIME_NEVER;
	return true;
}

/* How long what is seen must last to count. */
static nstime delay_of(const struct track *track)
{
	bool up = track->source->seen == VERDICT_UP;
	bool first = track->state == VERDICT_UNKNOWN;

	switch (track->about->kind) {
	case TRACKER_INTERFACE:
		if (first)
			return 0;
		return up ? track->about->up_delay : track->about->down_delay;
	case TRACKER_CHECK:
		break;
	case TRACKER_SERVICE:
		if (first && up)
			return 0; /* takes nothing away, as before */
		return up != track->is_master ? track->about->hold : 0;
	}
	return 0;
}

bool track_look(struct track *track, nstime now)
{
	const struct track_source *source = track->source;
	nstime delay = delay_of(track);

	if (source->seen == track->state) {
		track->due = NSTIME_NEVER; /* it went away and came back in time */
		return false;
	}
	if (!delay)
		return become(track, source->since);
	track->due = nstime_after(source->since, delay);
	return now >= track->due ? become(track, now) : false;
}

bool track_role(struct track *track, bool is_master, nstime now)
{
	nstime before = track->due, delay;

	if (track->is_master == is_master)
		return false;
	track->is_master = is_master;
	if (track->about->kind != TRACKER_SERVICE || track->source->seen == track->state)
		return false;
	delay = delay_of(track);
	track->due = delay ? nstime_after(track->source->since, delay) : now;
	return track->due != before;
}

/* The words of a probe belong to the verdict when they say the same. */
static bool agrees(const struct fact_probe *fact)
{
	return fact->passed == (fact->verdict == VERDICT_UP);
}

bool track_is_news(const struct track_source *source, const struct fact_probe *fact)
{
	bool known = source->seen != VERDICT_UNKNOWN;

	if (fact->verdict == VERDICT_UNKNOWN || (known && fact->reason == REASON_NONE))
		return false;
	return fact->verdict != source->seen ||
	       (agrees(fact) && strcmp(fact->detail, source->reason) != 0);
}

bool track_is_quorum_news(const struct track_source *source, const struct fact_service *fact)
{
	return fact->quorum != VERDICT_UNKNOWN &&
	       (fact->quorum != source->seen || strcmp(fact->reason, source->reason) != 0);
}

int32_t track_effect(const struct tracker *about, enum verdict state)
{
	switch (state) {
	case VERDICT_UNKNOWN:
		break;
	case VERDICT_UP:
		return about->weight > 0 ? about->weight : 0;
	case VERDICT_DOWN:
		return about->weight < 0 ? about->weight : 0;
	}
	return 0;
}

int64_t track_sum(const struct track *tracks, size_t count)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += track_effect(tracks[i].about, tracks[i].state);
	return sum;
}

static bool is_cause(const struct track *track)
{
	return !track->about->weight && track->state == VERDICT_DOWN;
}

bool track_is_fault(const struct track *tracks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_cause(&tracks[i]))
			return true;
	return false;
}

bool track_all_known(const struct track *tracks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (tracks[i].state == VERDICT_UNKNOWN && tracks[i].about->kind == TRACKER_CHECK)
			return false;
	return true;
}

uint8_t track_priority(uint8_t base, int64_t sum)
{
	int64_t priority = base + sum;

	if (base == VRRP_PRIORITY_OWNER)
		return base;
	if (priority < LOWEST)
		return LOWEST;
	return priority > HIGHEST ? HIGHEST : (uint8_t)priority;
}

void track_causes(const struct track *tracks, size_t count, struct text *out)
{
	char reason[FACT_DETAIL];

	for (size_t i = 0; i < count; i++) {
		if (!is_cause(&tracks[i]))
			continue;
		text_add(out, "%s%s down: %s", out->length ? "; " : "", tracks[i].about->name,
			 track_reason(&tracks[i], reason, sizeof(reason)));
	}
}

const char *track_reason(const struct track *track, char *out, size_t size)
{
	struct text text = text_of(out, size);
	char delay[DURATION_TEXT];

	text_add(&text, "%s", track->source->reason);
	if (track->due != NSTIME_NEVER)
		text_add(&text, ", but not for %s yet", duration_format(delay_of(track), delay));
	return out;
}
