/* VIPs in a plan. Who an address belongs to is told by the journal and, as a second witness, by its
 * tag: one that the journal claims but that stands there untagged was removed and added again by
 * somebody else, so it is theirs. Kernels before 5.18 know no tags; there the journal alone
 * counts. */
#include <string.h>
#include <sys/socket.h>

#include "rs-agent/plan_kind.h"

static bool tag_agrees(const struct rs_actual *actual, const struct address *there)
{
	return there->protocol == ADDRESS_PROTOCOL_LBHA || !rs_actual_tells_tags(actual);
}

static void put(struct rs_builder *builder, enum rs_action action, const struct owned *record,
		const struct address *address)
{
	struct rs_step step = {.action = action, .record = *record, .address = *address};

	rs_builder_put(builder, &step);
}

/* Four cases by whether it is there and whether the journal calls it ours. */
static void want_vip(struct rs_builder *builder, const struct rs_vip *vip)
{
	const struct address *there = address_find(&builder->actual->addresses, &vip->address);
	struct owned ours = owned_of_address(false, &vip->address, vip->link), foreign = ours;
	bool claimed = rs_builder_known(builder, &ours);

	foreign.kind = OWNED_FOREIGN;
	if (!there) {
		put(builder, RS_MAKE, &ours, &vip->address);
		foreign.gone = true;
		if (rs_builder_known(builder, &foreign))
			put(builder, RS_FORGET, &foreign, &vip->address);
		return;
	}
	if (claimed && tag_agrees(builder->actual, there))
		return;
	if (claimed) {
		ours.gone = true;
		put(builder, RS_LEAVE, &ours, there);
	}
	if (!rs_builder_known(builder, &foreign))
		put(builder, RS_NOTE, &foreign, there);
}

static int want(struct rs_builder *builder)
{
	for (size_t i = 0; i < builder->desired->vip_count; i++)
		want_vip(builder, &builder->desired->vips[i]);
	return 0;
}

static bool is_desired(const struct rs_desired *desired, const struct address *address)
{
	for (size_t i = 0; i < desired->vip_count; i++)
		if (address_same(&desired->vips[i].address, address))
			return true;
	return false;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	struct address address = address_ours(record->address.link, &record->address.prefix);
	const struct address *there = address_find(&builder->actual->addresses, &address);
	struct owned gone = *record;

	if (is_desired(builder->desired, &address))
		return;
	gone.gone = true;
	if (!there || record->kind == OWNED_FOREIGN)
		put(builder, RS_FORGET, &gone, &address);
	else if (tag_agrees(builder->actual, there))
		put(builder, RS_UNDO, &gone, there);
	else
		put(builder, RS_LEAVE, &gone, there);
}

static void words(const struct rs_step *step, struct text *out)
{
	const char *link = step->record.address.name;
	char vip[PREFIX_TEXT];

	prefix_format(&step->record.address.prefix, vip);
	switch (step->action) {
	case RS_MAKE:
		text_add(out, "add %s to %s", vip, link);
		return;
	case RS_NOTE:
		text_add(out, "use %s, which is on %s already; it is not ours and will stay", vip,
			 link);
		return;
	case RS_UNDO:
		text_add(out, "remove %s from %s", vip, link);
		return;
	case RS_LEAVE:
		text_add(out, "leave %s on %s: somebody removed ours and added it again", vip,
			 link);
		return;
	case RS_FORGET:
		if (step->record.kind == OWNED_FOREIGN)
			text_add(out, "forget %s: it was never ours", vip);
		else
			text_add(out, "forget %s: it is no longer on %s", vip, link);
		return;
	case RS_MEND:
	case RS_REFUSE:
		return;
	}
}

static void command(const struct rs_step *step, struct text *out)
{
	const struct owned_address *address = &step->record.address;
	char vip[PREFIX_TEXT];

	prefix_format(&address->prefix, vip);
	if (step->action == RS_UNDO)
		text_add(out, "ip address delete %s dev %s", vip, address->name);
	else /* without our tag, which ip(8) of many a distribution cannot give */
		text_add(out, "ip address add %s dev %s %s", vip, address->name,
			 address->prefix.address.family == AF_INET6 ? "nodad" : "scope host");
}

static void object(const struct rs_step *step, struct text *out)
{
	char vip[PREFIX_TEXT];

	text_add(out, "%s", prefix_format(&step->record.address.prefix, vip));
}

const struct rs_kind rs_kind_address = {
	.records = RS_RECORD(OWNED_ADDRESS) | RS_RECORD(OWNED_FOREIGN),
	.want = want,
	.undo = undo,
	.words = words,
	.command = command,
	.object = object,
	.names = {[RS_MAKE] = "add_address",
		  [RS_NOTE] = "use_address",
		  [RS_UNDO] = "remove_address"},
};
