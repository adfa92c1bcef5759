/* The walk over all kinds of objects; see the header. */
#include "rs-agent/plan.h"

#include <errno.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "rs-agent/arp_filter.h"
#include "rs-agent/plan_kind.h"

/* In the order in which they are made. */
static const struct rs_kind *const kinds[] = {
	&rs_kind_wish, &rs_kind_sysctl, &rs_kind_table, &rs_kind_link,
	&rs_kind_port, &rs_kind_address, &rs_kind_route};

void rs_builder_put(struct rs_builder *builder, const struct rs_step *step)
{
	struct rs_step *room = arena_push(builder->arena, &builder->plan.steps,
					  &builder->plan.count, sizeof(*room));

	if (room)
		*room = *step;
}

const struct owned *rs_builder_known(const struct rs_builder *builder, const struct owned *record)
{
	for (size_t i = 0; i < builder->journal->count; i++)
		if (owned_same(&builder->journal->items[i], record))
			return &builder->journal->items[i];
	return NULL;
}

static bool is_of(const struct rs_kind *kind, const struct owned *record)
{
	return kind->records & RS_RECORD(record->kind);
}

/* The last that was made is the first to be undone. */
static void undo(struct rs_builder *builder, const struct rs_kind *kind)
{
	for (size_t i = builder->journal->count; i-- > 0;)
		if (is_of(kind, &builder->journal->items[i]))
			kind->undo(builder, &builder->journal->items[i]);
}

int rs_plan_build(struct arena *arena, const struct rs_desired *desired,
		  const struct rs_actual *actual, const struct owned_set *journal,
		  struct rs_plan *out)
{
	struct rs_builder builder = {arena, desired, actual, journal, {0}};
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(kinds) && !err; i++)
		err = kinds[i]->want(&builder);
	if (err)
		return err;
	for (size_t i = COUNT_OF(kinds); i-- > 0;)
		undo(&builder, kinds[i]);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = builder.plan;
	return 0;
}

const struct rs_step *rs_plan_refusal(const struct rs_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action == RS_REFUSE)
			return &plan->steps[i];
	return NULL;
}

bool rs_step_acts(const struct rs_step *step)
{
	return step->action == RS_MAKE || step->action == RS_MEND || step->action == RS_UNDO;
}

bool rs_step_journals_first(const struct rs_step *step)
{
	return !step->record.gone && step->action != RS_MEND && step->action != RS_REFUSE;
}

bool rs_step_journals_last(const struct rs_step *step)
{
	return step->record.gone;
}

/* ---- what is said ---- */

static const struct rs_kind *kind_of(const struct rs_step *step)
{
	size_t i = 0;

	while (i + 1 < COUNT_OF(kinds) && !is_of(kinds[i], &step->record))
		i++;
	return kinds[i];
}

bool rs_step_is_silent(const struct rs_step *step)
{
	return !kind_of(step)->words;
}

static const char *say(void (*speak)(const struct rs_step *, struct text *),
		       const struct rs_step *step, char *out)
{
	struct text text = text_of(out, RS_TEXT);

	if (speak)
		speak(step, &text);
	return out;
}

const char *rs_step_words(const struct rs_step *step, char *out)
{
	return say(kind_of(step)->words, step, out);
}

const char *rs_step_command(const struct rs_step *step, char *out)
{
	return say(rs_step_acts(step) ? kind_of(step)->command : NULL, step, out);
}

const char *rs_step_input(struct arena *arena, const struct rs_step *step)
{
	if (step->record.kind != OWNED_TABLE || step->action != RS_MAKE)
		return NULL;
	return arp_filter_transaction(arena, step->table);
}

const char *rs_step_object(const struct rs_step *step, char *out)
{
	return say(kind_of(step)->object, step, out);
}

const char *rs_step_name(const struct rs_step *step)
{
	const char *name = kind_of(step)->names[step->action];

	if (name)
		return name;
	return step->action == RS_LEAVE	   ? "leave"
	       : step->action == RS_REFUSE ? "refuse"
					   : "forget";
}
