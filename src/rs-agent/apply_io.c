/* Each step with its line in the journal, before or after it. What was not made, since somebody
 * else has the like in its place, is struck out again: it must not be taken for ours. */
#include "rs-agent/apply_io.h"

#include <errno.h>
#include <string.h>

#include "rs-agent/act_io.h"
#include "rs-agent/arp_filter.h"
#include "rs-agent/observe_io.h"
#include "rs-agent/report_io.h"
#include "rs-agent/store_io.h"

static int write_down(const struct applier *applier, const struct owned *record)
{
	int err = store_append(applier->store, applier->arena, record);

	if (err)
		report_error(applier->report, "cannot write %s/" STORE_JOURNAL ": %s",
			     applier->state_dir, strerror(-err));
	return err;
}

/* What the kernel made of a table is known only then. A digest that is missing costs no more than
 * that the next setup makes the table again. */
static int note_digest(const struct applier *applier, const struct rs_step *step)
{
	struct owned record = step->record;

	if (record.kind != OWNED_TABLE || step->action != RS_MAKE || !applier->kernel->arp_table)
		return 0;
	record.table.digest = arp_filter_digest(step->table, applier->kernel->arp_table);
	return write_down(applier, &record);
}

static int give_up(const struct applier *applier, const struct rs_step *step, int error)
{
	const char *hint = act_hint(step, error);
	struct owned refused = step->record;

	report_step(applier->report, step,
		    *applier->kernel->why ? applier->kernel->why : strerror(-error));
	if (hint)
		report_note(applier->report, "%s", hint);
	refused.gone = true;
	if (step->action == RS_MAKE && (error == -EEXIST || error == -EADDRINUSE))
		write_down(applier, &refused);
	return error;
}

static int do_step(const struct applier *applier, struct rs_step *step)
{
	int err = act_prepare(applier->kernel, step);

	if (!err && rs_step_journals_first(step)) {
		err = write_down(applier, &step->record);
		if (err)
			return err;
	}
	if (!err)
		err = act_step(applier->kernel, applier->arena, step);
	if (err)
		return give_up(applier, step, err);
	err = rs_step_journals_last(step) ? write_down(applier, &step->record)
					  : note_digest(applier, step);
	if (!err)
		report_step(applier->report, step, NULL);
	return err;
}

int apply_plan(const struct applier *applier, struct rs_plan *plan)
{
	int failed = 0;

	for (size_t i = 0; i < plan->count; i++) {
		int err = do_step(applier, &plan->steps[i]);

		if (err && !applier->goes_on)
			return err;
		if (err)
			failed = err;
	}
	return failed;
}
