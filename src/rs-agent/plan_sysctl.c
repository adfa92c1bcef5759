/* Sysctls in a plan: raised, never lowered, and put back to what they were, unless somebody else
 * has changed them since. */
#include <inttypes.h>
#include <string.h>

#include "rs-agent/plan_kind.h"

static int want(struct rs_builder *builder)
{
	const struct rs_desired *desired = builder->desired;
	const struct rs_actual *actual = builder->actual;
	struct sysctl_plan plan;
	int err = sysctl_plan_build(builder->arena, desired->sysctls, desired->sysctl_count,
				    actual->sysctls, actual->sysctl_count, &plan);

	if (err)
		return err;
	for (size_t i = 0; i < plan.count; i++) {
		struct rs_step step = {.action = RS_MAKE,
				       .record = owned_of_sysctl(false, &plan.ops[i]),
				       .actual = plan.ops[i].former};

		rs_builder_put(builder, &step);
	}
	return 0;
}

static bool is_desired(const struct rs_desired *desired, const char *path)
{
	for (size_t i = 0; i < desired->sysctl_count; i++)
		if (!strcmp(desired->sysctls[i].path, path))
			return true;
	return false;
}

static enum rs_action action_for(const struct owned_sysctl *sysctl, int64_t actual)
{
	switch (sysctl_undo(sysctl->former, sysctl->set, actual)) {
	case SYSCTL_UNDO_WRITE:
		return RS_UNDO;
	case SYSCTL_UNDO_CHANGED:
		return RS_LEAVE;
	case SYSCTL_UNDO_DONE:
		break;
	}
	return RS_FORGET;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	const struct sysctl_value *value = rs_actual_sysctl(builder->actual, record->sysctl.path);
	struct rs_step step = {.action = RS_FORGET, .record = *record};

	if (is_desired(builder->desired, record->sysctl.path))
		return;
	step.record.gone = true;
	if (value) {
		step.actual = value->value;
		step.action = action_for(&record->sysctl, value->value);
	}
	rs_builder_put(builder, &step);
}

static void words(const struct rs_step *step, struct text *out)
{
	const struct owned_sysctl *sysctl = &step->record.sysctl;
	char key[SYSCTL_PATH];

	sysctl_key(sysctl->path, key);
	switch (step->action) {
	case RS_MAKE:
		text_add(out, "raise %s from %" PRId64 " to %" PRId64, key, sysctl->former,
			 sysctl->set);
		return;
	case RS_UNDO:
		text_add(out, "put %s back from %" PRId64 " to %" PRId64, key, sysctl->set,
			 sysctl->former);
		return;
	case RS_LEAVE:
		text_add(out,
			 "leave %s at %" PRId64 ": somebody changed it since it was set to %" PRId64
			 " (it was %" PRId64 " before)",
			 key, step->actual, sysctl->set, sysctl->former);
		return;
	case RS_FORGET:
		text_add(out, "forget %s: it is %" PRId64 " again", key, sysctl->former);
		return;
	case RS_NOTE:
	case RS_MEND:
	case RS_REFUSE:
		return;
	}
}

static void command(const struct rs_step *step, struct text *out)
{
	const struct owned_sysctl *sysctl = &step->record.sysctl;
	char key[SYSCTL_PATH];

	text_add(out, "sysctl -w %s=%" PRId64, sysctl_key(sysctl->path, key),
		 step->action == RS_MAKE ? sysctl->set : sysctl->former);
}

static void object(const struct rs_step *step, struct text *out)
{
	text_add(out, "%s", step->record.sysctl.path);
}

const struct rs_kind rs_kind_sysctl = {
	.records = RS_RECORD(OWNED_SYSCTL),
	.want = want,
	.undo = undo,
	.words = words,
	.command = command,
	.object = object,
	.names = {[RS_MAKE] = "set_sysctl", [RS_UNDO] = "restore_sysctl"},
};
