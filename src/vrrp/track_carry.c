/* See the header. */
#include "vrrp/track_carry.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/text.h"

/* 1 and 2 are those of vrrp/heir.c. */
enum {
	RECORD_SOURCE = 3,  /* u8 kind, text name, u8 verdict, time since, text reason */
	RECORD_TRACKER = 4, /* text instance, u8 kind, text name, u8 verdict, time since, time due, bool is_master */
};

#define NAME 256
#define RECORD_BYTES 48 /* of a record without its texts */

static void put_source(struct writer *out, const struct track_source *source)
{
	uint8_t *record = carry_record(out, RECORD_SOURCE);

	put_u8(out, (uint8_t)source->kind);
	put_text(out, source->name);
	put_u8(out, (uint8_t)source->seen);
	put_time(out, source->since);
	put_text(out, source->reason);
	carry_end(out, record);
}

static void put_tracker(struct writer *out, const struct track *track, const char *instance)
{
	uint8_t *record = carry_record(out, RECORD_TRACKER);

	put_text(out, instance);
	put_u8(out, (uint8_t)track->about->kind);
	put_text(out, track->about->name);
	put_u8(out, (uint8_t)track->state);
	put_time(out, track->since);
	put_time(out, track->due);
	put_bool(out, track->is_master);
	carry_end(out, record);
}

void track_carry_put(struct writer *out, const struct track_set *set, const char *const *instances)
{
	for (size_t s = 0; s < set->source_count; s++)
		if (set->sources[s].seen != VERDICT_UNKNOWN)
			put_source(out, &set->sources[s]);
	for (size_t t = 0; t < set->count; t++)
		put_tracker(out, &set->list[t], instances[set->owner[t]]);
}

size_t track_carry_size(const struct track_set *set, const char *const *instances)
{
	size_t size = (set->source_count + set->count) * RECORD_BYTES;

	for (size_t s = 0; s < set->source_count; s++)
		size += strlen(set->sources[s].name) + strlen(set->sources[s].reason);
	for (size_t t = 0; t < set->count; t++)
		size += strlen(instances[set->owner[t]]) + strlen(set->list[t].about->name);
	return size;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void get_source(struct reader *in, struct track_set *set, nstime now)
{
	enum tracker_kind kind = (enum tracker_kind)get_u8(in);
	char name[NAME], reason[FACT_DETAIL];
	enum verdict seen;
	nstime since;
	uint32_t at;

	get_text(in, name, sizeof(name));
	seen = (enum verdict)get_u8(in);
	since = get_time(in);
	get_text(in, reason, sizeof(reason));
	text_clean(reason);
	if (!in->failed && (seen == VERDICT_UP || seen == VERDICT_DOWN) && since >= 0 &&
	    track_set_source(set, kind, name, &at))
		track_set_see(set, at, seen, reason, nstime_min(since, now));
}

static void get_tracker(struct reader *in, struct track_set *set, nstime now, const struct table *index)
{
	char instance[NAME], name[NAME];
	struct track got = {0};
	enum tracker_kind kind;
	uint32_t at;

	get_text(in, instance, sizeof(instance));
	kind = (enum tracker_kind)get_u8(in);
	get_text(in, name, sizeof(name));
	got.state = (enum verdict)get_u8(in);
	got.since = get_time(in);
	got.due = get_time(in);
	got.is_master = get_bool(in);
	if (in->failed || got.state > VERDICT_DOWN || got.since < 0 || got.due < 0)
		return;
	for (size_t step = 0; table_next(index, track_set_key(instance, kind, name), &step, &at);) {
		set->list[at].state = got.state;
		set->list[at].since = nstime_min(got.since, now);
		set->list[at].due = got.due;
		set->list[at].is_master = got.is_master;
	}
}

int track_carry_get(struct reader *in, struct track_set *set, nstime now, struct arena *scratch)
{
	struct table index;
	struct reader value;
	uint16_t type;

	if (table_init(&index, scratch, set->count))
		return -ENOMEM;
	for (uint32_t t = 0; t < set->count; t++)
		if (table_add(&index, set->key[t], t))
			return -ENOMEM;
	while (carry_next(in, &type, &value)) {
		if (type == RECORD_SOURCE)
			get_source(&value, set, now);
		else if (type == RECORD_TRACKER)
			get_tracker(&value, set, now, &index);
	}
	return 0;
}
