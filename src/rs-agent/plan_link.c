/* Tunnel links in a plan. A link is made in four strokes (made, marked by its alias, its sysctl,
 * up), so one that was cut short in between is there without its mark, or down: it is mended. It
 * is ours when it has the alias that the journal says, or none while the journal claims it. One
 * that is no longer as wanted is removed and made anew. */
#include <string.h>

#include "rs-agent/plan_kind.h"

static struct owned record_of(const struct rs_link *link)
{
	struct owned record = owned_of_link(false, link->name, rs_link_kind_name(link->kind));

	record.link.alias = link_alias_print(link->alias);
	return record;
}

static bool is_ours(const struct link *there, const struct owned *claim)
{
	return claim && (!there->alias || there->alias == claim->link.alias);
}

static int64_t rp_filter(const struct rs_actual *actual, const char *link)
{
	char path[SYSCTL_PATH];
	const struct sysctl_value *value = NULL;

	if (!sysctl_conf_path(path, "ipv4", link, "rp_filter"))
		value = rs_actual_sysctl(actual, path);
	return value ? value->value : 0;
}

/* The mark that it has, or was about to get; 0: none. */
static uint64_t mark_of(const struct link *there, const struct owned *claim)
{
	if (there && !there->alias && claim)
		return claim->link.alias;
	return there ? there->alias : 0;
}

/* Whether the last stroke was done, too. */
static bool is_finished(const struct rs_actual *actual, const struct link *there)
{
	return there->alias && there->up &&
	       rs_link_lets_in(rp_filter(actual, there->name), rp_filter(actual, "all"));
}

static void put(struct rs_builder *builder, enum rs_action action, const struct owned *record,
		const struct rs_link *link)
{
	struct rs_step step = {.action = action, .record = *record, .link = *link};

	rs_builder_put(builder, &step);
}

static void put_removal(struct rs_builder *builder, enum rs_action action,
			const struct owned *record, const struct link *there)
{
	struct rs_step step = {.action = action, .record = *record};

	step.record.gone = true;
	step.link.index = there ? there->index : 0;
	rs_builder_put(builder, &step);
}

static void want_link(struct rs_builder *builder, const struct rs_link *link)
{
	const struct link *there = rs_actual_link(builder->actual, link->name);
	struct owned record = record_of(link);
	const struct owned *claim = rs_builder_known(builder, &record);
	uint64_t mark = mark_of(there, claim);

	if (there && mark != record.link.alias) {
		if (is_ours(there, claim))
			put_removal(builder, RS_UNDO, claim, there);
		else
			put(builder, RS_REFUSE, &record, link);
	}
	if (mark != record.link.alias) {
		put(builder, RS_MAKE, &record, link);
		return;
	}
	if (!claim)
		put(builder, RS_NOTE, &record, link);
	if (!is_finished(builder->actual, there))
		put(builder, RS_MEND, &record, link);
}

static int want(struct rs_builder *builder)
{
	for (size_t i = 0; i < builder->desired->link_count; i++)
		want_link(builder, &builder->desired->links[i]);
	return 0;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	const struct link *there = rs_actual_link(builder->actual, record->link.name);

	for (size_t i = 0; i < builder->desired->link_count; i++)
		if (!strcmp(builder->desired->links[i].name, record->link.name))
			return;
	if (!there)
		put_removal(builder, RS_FORGET, record, NULL);
	else
		put_removal(builder, is_ours(there, record) ? RS_UNDO : RS_LEAVE, record, there);
}

static void words(const struct rs_step *step, struct text *out)
{
	const char *name = step->record.link.name;
	char what[RS_ALIAS];

	switch (step->action) {
	case RS_MAKE:
		text_add(out, "make the tunnel's end %s, %s", name,
			 rs_link_format(&step->link, what));
		return;
	case RS_REFUSE:
		text_add(out, "give up: a link %s is there already and not ours; remove it", name);
		return;
	case RS_MEND:
		text_add(out, "finish the tunnel's end %s", name);
		return;
	case RS_NOTE:
		text_add(out, "use the tunnel's end %s, which is there already", name);
		return;
	case RS_UNDO:
		text_add(out, "remove the tunnel's end %s", name);
		return;
	case RS_LEAVE:
		text_add(out, "leave %s: somebody made another link of that name", name);
		return;
	case RS_FORGET:
		text_add(out, "forget %s: it is no longer there", name);
		return;
	}
}

static void command(const struct rs_step *step, struct text *out)
{
	const char *name = step->record.link.name;
	char what[RS_ALIAS], path[SYSCTL_PATH] = "", key[SYSCTL_PATH];

	if (step->action == RS_UNDO) {
		text_add(out, "ip link delete %s", name);
		return;
	}
	if (step->action == RS_MAKE)
		text_add(out, "ip link add %s type %s && ", name, rs_link_format(&step->link, what));
	sysctl_conf_path(path, "ipv4", name, "rp_filter");
	text_add(out, "ip link set %s alias '%s' && sysctl -w %s=%d && ip link set %s up", name,
		 step->link.alias, sysctl_key(path, key), RS_LINK_RP_FILTER, name);
}

static void object(const struct rs_step *step, struct text *out)
{
	text_add(out, "%s", step->record.link.name);
}

const struct rs_kind rs_kind_link = {
	.records = RS_RECORD(OWNED_LINK),
	.want = want,
	.undo = undo,
	.words = words,
	.command = command,
	.object = object,
	.names = {[RS_MAKE] = "make_link",
		  [RS_MEND] = "finish_link",
		  [RS_NOTE] = "use_link",
		  [RS_UNDO] = "remove_link"},
};
