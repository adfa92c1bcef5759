/* See the header. */
#include "check/roster_io.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "check/engine_io.h"
#include "check/match_io.h"
#include "check/probe_types.h"
#include "check/tls_store_io.h"
#include "config/model.h"

void roster_free(struct roster *roster)
{
	if (!roster)
		return;
	for (size_t i = 0; roster->patterns && i < roster->model->check_count; i++)
		patterns_free(&roster->patterns[i]);
	free(roster->patterns);
	arena_free(roster->arena);
	arena_free(roster->scratch);
	free(roster->subjects);
	free(roster->said);
	free(roster->heirlooms);
	free(roster->slots);
	free(roster->held);
	free(roster->hurried);
	free(roster->starts.due);
	tls_store_free(roster->tls);
	free(roster);
}

static bool has_words(const struct model *model, size_t probe)
{
	return probe_type_has_words(&model->checks[model->probes[probe].check]) ||
	       model->probes[probe].way;
}

static int roster_memory(struct roster *roster, const struct model *model)
{
	size_t count = model->probe_count, talkers = 0;
	void *times = calloc(1, schedule_size((uint32_t)count) + 1);

	for (size_t i = 0; i < count; i++)
		talkers += has_words(model, i);
	schedule_init(&roster->starts, times, (uint32_t)count);
	roster->subjects = calloc(count + 1, sizeof(*roster->subjects));
	roster->said = calloc(talkers + 1, OUTCOME_SAID);
	roster->slots = calloc(count + 1, sizeof(*roster->slots));
	roster->held = calloc(count + 1, sizeof(*roster->held));
	roster->hurried = calloc(count + 1, sizeof(*roster->hurried));
	if (!times || !roster->subjects || !roster->said || !roster->slots || !roster->held ||
	    !roster->hurried)
		return -ENOMEM;
	talkers = 0;
	for (size_t i = 0; i < count; i++)
		if (has_words(model, i))
			roster->subjects[i].said = roster->said + OUTCOME_SAID * talkers++;
	return 0;
}

static int roster_patterns(struct roster *roster, const struct model *model)
{
	roster->patterns = calloc(model->check_count + 1, sizeof(*roster->patterns));
	if (!roster->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < model->check_count; i++)
		if (!patterns_make(&model->checks[i], &roster->patterns[i]))
			return -ENOMEM;
	return 0;
}

static int roster_compare(struct roster *roster, const struct model *old, const struct model *model)
{
	roster->scratch = arena_new(0);
	if (!roster->scratch)
		return -ENOMEM;
	return merge_probes(old ? old->probes : NULL, old ? old->probe_count : 0, model->probes,
			    model->probe_count, roster->scratch, &roster->merge);
}

struct roster *roster_new(const struct roster *old, struct arena *arena, const struct model *model)
{
	struct roster *roster = calloc(1, sizeof(*roster));

	if (!roster)
		return NULL;
	roster->model = model;
	roster->tls = tls_store_new(model, old ? old->tls : NULL);
	if (!roster->tls || roster_memory(roster, model) || roster_patterns(roster, model) ||
	    roster_compare(roster, old ? old->model : NULL, model)) {
		roster_free(roster);
		return NULL;
	}
	roster->arena = arena;
	return roster;
}

/* A predecessor's probe starts when it would have. What came due meanwhile is one of many. */
static nstime subject_resume(struct roster *roster, uint32_t index, nstime now)
{
	const struct probe *probe = &roster->model->probes[index];
	const struct check *check = &roster->model->checks[probe->check];
	nstime due = roster->recalled[index];

	if (due > now && due <= now + automaton_delay(&roster->subjects[index].automaton, check))
		return due;
	roster->hurried[index] = check->interval > SCHEDULE_HURRY;
	return schedule_first(probe->key, check->interval, true, now);
}

static nstime subject_begin(struct roster *roster, uint32_t index, nstime now)
{
	const struct probe *probe = &roster->model->probes[index];
	const struct check *check = &roster->model->checks[probe->check];
	bool hurry = check->initial != CHECK_INITIAL_UP;

	roster->subjects[index].automaton = automaton_start(check, now);
	roster->hurried[index] = hurry && check->interval > SCHEDULE_HURRY;
	return schedule_first(probe->key, check->interval, hurry, now);
}

void roster_begin(struct roster *roster, uint32_t index, nstime now)
{
	const struct probe *probe = &roster->model->probes[index];
	bool is_recalled = roster->recalled && roster->recalled[index];
	nstime due = is_recalled ? subject_resume(roster, index, now)
				 : subject_begin(roster, index, now);

	roster->held[index] = probe->instance_count > 0 || probe->way;
	if (!roster->held[index])
		schedule_set(&roster->starts, index, due);
}

const struct merge *roster_merge(const struct roster *roster)
{
	return &roster->merge;
}
