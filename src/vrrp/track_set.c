/* See the header. */
#include "vrrp/track_set.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

#define NOT_SEEN "not known yet"

static uint64_t name_hash(uint64_t hash, enum tracker_kind kind, const char *name)
{
	hash = text_hash(hash, name, strlen(name));
	return text_hash(hash, &kind, sizeof(kind));
}

uint64_t track_set_key(const char *instance, enum tracker_kind kind, const char *name)
{
	return name_hash(text_hash(TEXT_HASH, instance, strlen(instance) + 1), kind, name);
}

bool track_set_source(const struct track_set *set, enum tracker_kind kind, const char *name,
		      uint32_t *index)
{
	size_t step = 0;

	while (table_next(&set->names, name_hash(TEXT_HASH, kind, name), &step, index))
		if (set->sources[*index].kind == kind && !strcmp(set->sources[*index].name, name))
			return true;
	return false;
}

static uint32_t number_of(const struct tracker *about)
{
	return about->kind == TRACKER_SERVICE ? about->service : about->probe;
}

static uint32_t source_get(struct track_set *set, const struct tracker *about, struct arena *arena)
{
	uint32_t index;

	if (track_set_source(set, about->kind, about->name, &index))
		return index;
	index = (uint32_t)set->source_count++;
	set->sources[index] = (struct track_source){.kind = about->kind,
						    .name = arena_strdup(arena, about->name),
						    .number = number_of(about),
						    .reason = NOT_SEEN};
	set->first_user[index] = TRACK_NONE;
	if (arena_failed(arena))
		return index;
	table_add(&set->names, name_hash(TEXT_HASH, about->kind, about->name), index);
	if (about->kind == TRACKER_CHECK)
		table_add(&set->probes, about->probe, index);
	else if (about->kind == TRACKER_SERVICE)
		table_add(&set->services, about->service, index);
	return index;
}

static void add_tracker(struct track_set *set, uint32_t instance, const char *instance_name,
			const struct tracker *about, struct arena *arena)
{
	struct tracker *copy = arena_copy(arena, about, sizeof(*about));
	uint32_t source = source_get(set, about, arena), index = (uint32_t)set->count;

	if (arena_failed(arena))
		return;
	copy->name = set->sources[source].name;
	track_init(&set->list[index], copy, &set->sources[source]);
	set->owner[index] = instance;
	set->key[index] = track_set_key(instance_name, about->kind, about->name);
	set->next_user[index] = set->first_user[source];
	set->first_user[source] = index;
	set->count++;
}

int track_set_make(struct track_set *set, const struct model *model, struct arena *arena)
{
	size_t total = 0;

	*set = (struct track_set){.instance_count = model->instance_count};
	for (size_t i = 0; i < model->instance_count; i++)
		total += model_tracker_count(model, &model->instances[i]);
	set->sources = arena_array(arena, total, sizeof(*set->sources));
	set->first_user = arena_array(arena, total, sizeof(*set->first_user));
	set->list = arena_array(arena, total, sizeof(*set->list));
	set->next_user = arena_array(arena, total, sizeof(*set->next_user));
	set->owner = arena_array(arena, total, sizeof(*set->owner));
	set->key = arena_array(arena, total, sizeof(*set->key));
	set->first = arena_array(arena, model->instance_count + 1, sizeof(*set->first));
	table_init(&set->names, arena, total);
	table_init(&set->probes, arena, total);
	table_init(&set->services, arena, total);
	for (size_t i = 0; i < model->instance_count && !arena_failed(arena); i++) {
		const struct instance *instance = &model->instances[i];

		for (size_t t = 0; t < model_tracker_count(model, instance); t++)
			add_tracker(set, (uint32_t)i, instance->name,
				    model_tracker(model, instance, t), arena);
		set->first[i + 1] = (uint32_t)set->count;
	}
	set->words = arena_array(arena, set->source_count, sizeof(*set->words));
	return arena_failed(arena) ? -ENOMEM : 0;
}

static void carry_tracker(struct track *to, const struct track *from)
{
	to->state = from->state;
	to->since = from->since;
	to->due = from->due;
	to->is_master = from->is_master;
}

int track_set_carry(struct track_set *set, const struct track_set *old, struct arena *scratch)
{
	struct table index;
	uint32_t was;

	for (uint32_t s = 0; s < set->source_count; s++)
		if (track_set_source(old, set->sources[s].kind, set->sources[s].name, &was))
			track_set_see(set, s, old->sources[was].seen, old->sources[was].reason,
				      old->sources[was].since);
	if (table_init(&index, scratch, old->count))
		return -ENOMEM;
	for (uint32_t t = 0; t < old->count; t++)
		table_add(&index, old->key[t], t);
	for (uint32_t t = 0; t < set->count; t++) {
		size_t step = 0;

		if (table_next(&index, set->key[t], &step, &was))
			carry_tracker(&set->list[t], &old->list[was]);
	}
	return 0;
}

bool track_set_probe(const struct track_set *set, uint32_t probe, uint32_t *source)
{
	size_t step = 0;

	while (table_next(&set->probes, probe, &step, source))
		if (set->sources[*source].number == probe)
			return true;
	return false;
}

bool track_set_service(const struct track_set *set, uint32_t service, uint32_t *source)
{
	size_t step = 0;

	while (table_next(&set->services, service, &step, source))
		if (set->sources[*source].number == service)
			return true;
	return false;
}

bool track_set_see(struct track_set *set, uint32_t source, enum verdict seen, const char *reason,
		   nstime since)
{
	struct track_source *it = &set->sources[source];
	struct text words;

	if (it->seen == seen && !strcmp(it->reason, reason))
		return false;
	if (it->seen != seen)
		it->since = since;
	it->seen = seen;
	words = text_of(set->words[source], sizeof(set->words[source]));
	text_add(&words, "%s", reason);
	it->reason = set->words[source];
	return true;
}

struct track *track_set_of(const struct track_set *set, uint32_t instance, size_t *count)
{
	if (instance >= set->instance_count) {
		*count = 0;
		return NULL;
	}
	*count = set->first[instance + 1] - set->first[instance];
	return set->list + set->first[instance];
}

nstime track_set_due(const struct track_set *set)
{
	nstime due = NSTIME_NEVER;

	for (size_t t = 0; t < set->count; t++)
		due = nstime_min(due, set->list[t].due);
	return due;
}
