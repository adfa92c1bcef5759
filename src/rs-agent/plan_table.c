/* The ARP filter in a plan. It is there before the VIPs come, and names those that go until they
 * are gone: then it takes a second step to the table without them. A table of ours that is not as
 * it was when we made it is made anew where it is wanted, and left alone where it is not: somebody
 * put something into it. */
#include <errno.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "rs-agent/arp_filter.h"
#include "rs-agent/plan_kind.h"

static bool is_vip(const struct rs_desired *desired, const struct addr *address)
{
	for (size_t i = 0; i < desired->vip_count; i++)
		if (addr_equal(&desired->vips[i].address.prefix.address, address))
			return true;
	return false;
}

/* VIPs of ours that this plan takes away. */
static size_t leaving(struct rs_builder *builder, struct addr **out)
{
	size_t count = 0;

	*out = NULL;
	for (size_t i = 0; i < builder->journal->count; i++) {
		const struct owned *record = &builder->journal->items[i];
		const struct addr *address = &record->address.prefix.address;
		struct addr *room;

		if (record->kind != OWNED_ADDRESS || address->family != AF_INET ||
		    is_vip(builder->desired, address))
			continue;
		room = arena_push(builder->arena, out, &count, sizeof(*room));
		if (room)
			*room = *address;
	}
	return count;
}

static bool is_there(const struct rs_builder *builder, const struct owned *known, const char *text)
{
	return known && builder->actual->arp_table && *builder->actual->arp_table &&
	       arp_filter_was_listed(known->table.digest, builder->actual->arp_table) &&
	       arp_filter_was_wanted(known->table.digest, text);
}

static void make(struct rs_builder *builder, const char *text)
{
	struct rs_step step = {.action = RS_MAKE,
			       .record = owned_of_arp_table(false, ARP_FILTER_TABLE, 0),
			       .table = text};

	rs_builder_put(builder, &step);
}

static int want(struct rs_builder *builder)
{
	struct owned record = owned_of_arp_table(false, ARP_FILTER_TABLE, 0);
	const struct owned *known = rs_builder_known(builder, &record);
	struct addr *going = NULL;
	size_t count = 0;
	const char *text;

	if (!*builder->desired->arp_table)
		return 0;
	if (known) /* else sysctls silence those that go, until the end */
		count = leaving(builder, &going);
	text = rs_desired_arp_table(builder->arena, builder->desired, builder->actual, going,
				    count);
	if (!text)
		return -ENOMEM;
	if (!is_there(builder, known, text))
		make(builder, text);
	return 0;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	const char *there = builder->actual->arp_table;
	struct rs_step step = {.action = RS_UNDO, .record = *record};
	struct addr *going;

	if (!record->table.arp)
		return;
	if (*builder->desired->arp_table) {
		if (leaving(builder, &going))
			make(builder, builder->desired->arp_table);
		return;
	}
	step.record.gone = true;
	if (there && !*there)
		step.action = RS_FORGET;
	else if (there && record->table.digest &&
		 !arp_filter_was_listed(record->table.digest, there))
		step.action = RS_LEAVE;
	rs_builder_put(builder, &step);
}

/* ---- words ---- */

#define NAME "the table arp " ARP_FILTER_TABLE

static void words(const struct rs_step *step, struct text *out)
{
	switch (step->action) {
	case RS_MAKE:
		text_add(out, "put " NAME " into nftables, to be silent about the VIPs");
		return;
	case RS_UNDO:
		text_add(out, "remove " NAME " from nftables");
		return;
	case RS_LEAVE:
		text_add(out, "leave " NAME " in nftables: somebody changed it");
		return;
	case RS_FORGET:
		text_add(out, "forget " NAME ": it is no longer in nftables");
		return;
	case RS_NOTE:
	case RS_MEND:
	case RS_REFUSE:
		return;
	}
}

static void command(const struct rs_step *step, struct text *out)
{
	if (step->action == RS_UNDO)
		text_add(out, "nft delete table arp " ARP_FILTER_TABLE);
	else
		text_add(out, "nft -f -");
}

static void object(const struct rs_step *step, struct text *out)
{
	(void)step;
	text_add(out, "arp " ARP_FILTER_TABLE);
}

const struct rs_kind rs_kind_table = {
	.records = RS_RECORD(OWNED_TABLE),
	.want = want,
	.undo = undo,
	.words = words,
	.command = command,
	.object = object,
	.names = {[RS_MAKE] = "put_table", [RS_UNDO] = "remove_table"},
};
