/* Wishes in a plan: written into the journal before anything is done for them, and struck out after
 * the rest was undone. They are nothing in the kernel, and silent. */
#include <errno.h>
#include <string.h>

#include "rs-agent/plan_kind.h"

static int want(struct rs_builder *builder)
{
	const struct rs_wishes *wishes = &builder->desired->wishes;

	for (size_t i = 0; i < wishes->count; i++) {
		struct rs_step step = {.action = RS_NOTE, .record.kind = OWNED_WISH};

		step.record.line = rs_wish_print(builder->arena, &wishes->items[i]);
		if (!step.record.line)
			return -ENOMEM;
		if (!rs_builder_known(builder, &step.record))
			rs_builder_put(builder, &step);
	}
	return 0;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	const struct rs_wishes *wishes = &builder->desired->wishes;
	struct rs_step step = {.action = RS_FORGET, .record = *record};

	for (size_t i = 0; i < wishes->count; i++) {
		const char *line = rs_wish_print(builder->arena, &wishes->items[i]);

		if (line && !strcmp(line, record->line))
			return;
	}
	step.record.gone = true;
	rs_builder_put(builder, &step);
}

const struct rs_kind rs_kind_wish = {
	.records = RS_RECORD(OWNED_WISH),
	.want = want,
	.undo = undo,
	.names = {[RS_NOTE] = "note"},
};
