/* See the header. Who an address belongs to is told by the journal and, as a second witness, by its
 * tag: one that the journal claims but that stands there untagged was removed and added again by
 * somebody else, so it is theirs. Kernels before 5.18 know no tags; there the journal alone counts
 * (a kernel that knows them tags its own ::1). */
#include "rs-agent/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"

struct builder {
	struct arena *arena;
	const struct rs_desired *desired;
	const struct rs_actual *actual;
	const struct owned_set *journal;
	struct rs_plan plan;
};

static void put(struct builder *builder, struct rs_step step)
{
	struct rs_step *room = arena_push(builder->arena, &builder->plan.steps,
					  &builder->plan.count, sizeof(step));

	if (room)
		*room = step;
}

/* ---- sysctls ---- */

static const struct sysctl_value *value_of(const struct rs_actual *actual, const char *path)
{
	for (size_t i = 0; i < actual->sysctl_count; i++)
		if (!strcmp(actual->sysctls[i].path, path))
			return &actual->sysctls[i];
	return NULL;
}

static int put_sysctls(struct builder *builder)
{
	struct sysctl_want wants[RS_WANTS];
	size_t count = rs_sysctl_wants(builder->desired, wants);
	struct sysctl_plan plan;
	int err = sysctl_plan_build(builder->arena, wants, count, builder->actual->sysctls,
				    builder->actual->sysctl_count, &plan);

	for (size_t i = 0; i < plan.count && !err; i++) {
		struct rs_step step = {.action = RS_SYSCTL_SET, .actual = plan.ops[i].former};

		step.record.kind = OWNED_SYSCTL;
		memcpy(step.record.sysctl.path, plan.ops[i].path, SYSCTL_PATH);
		step.record.sysctl.former = plan.ops[i].former;
		step.record.sysctl.set = plan.ops[i].value;
		put(builder, step);
	}
	return err;
}

static bool sysctl_is_wanted(const struct builder *builder, const char *path)
{
	struct sysctl_want wants[RS_WANTS];
	size_t count = rs_sysctl_wants(builder->desired, wants);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(wants[i].path, path))
			return true;
	return false;
}

static void undo_sysctl(struct builder *builder, const struct owned *record)
{
	const struct sysctl_value *value = value_of(builder->actual, record->sysctl.path);
	struct rs_step step = {.action = RS_FORGET, .record = *record};

	step.record.gone = true;
	if (value) {
		step.actual = value->value;
		switch (sysctl_undo(record->sysctl.former, record->sysctl.set, value->value)) {
		case SYSCTL_UNDO_WRITE:
			step.action = RS_SYSCTL_RESTORE;
			break;
		case SYSCTL_UNDO_CHANGED:
			step.action = RS_LEAVE;
			break;
		case SYSCTL_UNDO_DONE:
			break;
		}
	}
	put(builder, step);
}

/* The last that was set is the first to be put back. */
static void undo_sysctls(struct builder *builder)
{
	for (size_t i = builder->journal->count; i-- > 0;) {
		const struct owned *record = &builder->journal->items[i];

		if (record->kind == OWNED_SYSCTL && !sysctl_is_wanted(builder, record->sysctl.path))
			undo_sysctl(builder, record);
	}
}

/* ---- addresses ---- */

static bool kernel_tells_tags(const struct rs_actual *actual)
{
	for (size_t i = 0; i < actual->addresses.count; i++)
		if (actual->addresses.items[i].protocol != ADDRESS_PROTOCOL_NONE)
			return true;
	return false;
}

static bool tag_agrees(const struct rs_actual *actual, const struct address *there)
{
	return there->protocol == ADDRESS_PROTOCOL_LBHA || !kernel_tells_tags(actual);
}

static const struct owned *journal_find(const struct owned_set *journal, const struct owned *record)
{
	for (size_t i = 0; i < journal->count; i++)
		if (owned_same(&journal->items[i], record))
			return &journal->items[i];
	return NULL;
}

static void put_address(struct builder *builder, enum rs_action action, struct owned record,
			const struct address *address)
{
	put(builder, (struct rs_step){.action = action, .record = record, .address = *address});
}

/* A wanted VIP: four cases by whether it is there and whether the journal calls it ours. */
static void want_vip(struct builder *builder, const struct rs_vip *vip)
{
	struct address address = rs_vip_address(vip, builder->actual->lo);
	const struct address *there = address_find(&builder->actual->addresses, &address);
	struct owned ours = owned_of_address(false, &address, "lo"), foreign = ours;
	bool claimed = journal_find(builder->journal, &ours);

	foreign.kind = OWNED_FOREIGN;
	if (!there) {
		put_address(builder, RS_ADDRESS_ADD, ours, &address);
		foreign.gone = true;
		if (journal_find(builder->journal, &foreign))
			put_address(builder, RS_FORGET, foreign, &address);
		return;
	}
	if (claimed && tag_agrees(builder->actual, there))
		return;
	if (claimed) {
		ours.gone = true;
		put_address(builder, RS_LEAVE, ours, there);
	}
	if (!journal_find(builder->journal, &foreign))
		put_address(builder, RS_ADDRESS_NOTE, foreign, there);
}

static bool vip_is_wanted(const struct builder *builder, const struct owned_address *record)
{
	for (size_t i = 0; i < builder->desired->count; i++) {
		struct address wanted =
			rs_vip_address(&builder->desired->vips[i], builder->actual->lo);

		if (record->link == wanted.link && !prefix_compare(&record->prefix, &wanted.prefix))
			return true;
	}
	return false;
}

static void undo_address(struct builder *builder, const struct owned *record)
{
	struct address address = address_ours(record->address.link, &record->address.prefix);
	const struct address *there = address_find(&builder->actual->addresses, &address);
	struct owned gone = *record;

	gone.gone = true;
	if (!there || record->kind == OWNED_FOREIGN)
		put_address(builder, RS_FORGET, gone, &address);
	else if (tag_agrees(builder->actual, there))
		put_address(builder, RS_ADDRESS_REMOVE, gone, there);
	else
		put_address(builder, RS_LEAVE, gone, there);
}

static void undo_addresses(struct builder *builder)
{
	for (size_t i = builder->journal->count; i-- > 0;) {
		const struct owned *record = &builder->journal->items[i];

		if ((record->kind == OWNED_ADDRESS || record->kind == OWNED_FOREIGN) &&
		    !vip_is_wanted(builder, &record->address))
			undo_address(builder, record);
	}
}

int rs_plan_build(struct arena *arena, const struct rs_desired *desired,
		  const struct rs_actual *actual, const struct owned_set *journal,
		  struct rs_plan *out)
{
	struct builder builder = {arena, desired, actual, journal, {0}};
	int err = put_sysctls(&builder);

	if (err)
		return err;
	for (size_t i = 0; i < desired->count; i++)
		want_vip(&builder, &desired->vips[i]);
	undo_addresses(&builder);
	undo_sysctls(&builder);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = builder.plan;
	return 0;
}

bool rs_step_acts(const struct rs_step *step)
{
	switch (step->action) {
	case RS_SYSCTL_SET:
	case RS_ADDRESS_ADD:
	case RS_ADDRESS_REMOVE:
	case RS_SYSCTL_RESTORE:
		return true;
	case RS_ADDRESS_NOTE:
	case RS_FORGET:
	case RS_LEAVE:
		break;
	}
	return false;
}

bool rs_step_journals_first(const struct rs_step *step)
{
	return !step->record.gone;
}

/* ---- words ---- */

/* As sysctl(8) writes them; only the separators of the path become dots, a dot in a link's name
 * becomes a slash. */
static const char *sysctl_key(const char *path, char *out)
{
	size_t i = 0;

	for (; path[i] && i < SYSCTL_PATH - 1; i++)
		out[i] = path[i] == '/' ? '.' : path[i] == '.' ? '/' : path[i];
	out[i] = '\0';
	return out;
}

static void sysctl_words(const struct rs_step *step, struct text *out)
{
	const struct owned_sysctl *sysctl = &step->record.sysctl;
	char key[SYSCTL_PATH];

	sysctl_key(sysctl->path, key);
	switch (step->action) {
	case RS_SYSCTL_SET:
		text_add(out, "raise %s from %" PRId64 " to %" PRId64, key, sysctl->former,
			 sysctl->set);
		return;
	case RS_SYSCTL_RESTORE:
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
	case RS_ADDRESS_ADD:
	case RS_ADDRESS_NOTE:
	case RS_ADDRESS_REMOVE:
		return;
	}
}

static void address_words(const struct rs_step *step, struct text *out)
{
	char vip[PREFIX_TEXT];

	prefix_format(&step->record.address.prefix, vip);
	switch (step->action) {
	case RS_ADDRESS_ADD:
		text_add(out, "add %s to lo", vip);
		return;
	case RS_ADDRESS_NOTE:
		text_add(out, "use %s, which is on lo already; it is not ours and will stay", vip);
		return;
	case RS_ADDRESS_REMOVE:
		text_add(out, "remove %s from lo", vip);
		return;
	case RS_LEAVE:
		text_add(out, "leave %s on lo: somebody removed ours and added it again", vip);
		return;
	case RS_FORGET:
		text_add(out, "forget %s: %s", vip,
			 step->record.kind == OWNED_FOREIGN ? "it was never ours"
							    : "it is no longer on lo");
		return;
	case RS_SYSCTL_SET:
	case RS_SYSCTL_RESTORE:
		return;
	}
}

const char *rs_step_words(const struct rs_step *step, char *out)
{
	struct text text = text_of(out, RS_TEXT);

	if (step->record.kind == OWNED_SYSCTL)
		sysctl_words(step, &text);
	else
		address_words(step, &text);
	return out;
}

const char *rs_step_command(const struct rs_step *step, char *out)
{
	struct text text = text_of(out, RS_TEXT);
	char vip[PREFIX_TEXT], key[SYSCTL_PATH];
	bool ipv6 = step->record.kind == OWNED_ADDRESS &&
		    step->record.address.prefix.address.family == AF_INET6;

	switch (step->action) {
	case RS_SYSCTL_SET:
		text_add(&text, "sysctl -w %s=%" PRId64, sysctl_key(step->record.sysctl.path, key),
			 step->record.sysctl.set);
		break;
	case RS_SYSCTL_RESTORE:
		text_add(&text, "sysctl -w %s=%" PRId64, sysctl_key(step->record.sysctl.path, key),
			 step->record.sysctl.former);
		break;
	case RS_ADDRESS_ADD:
		/* without our tag, which ip(8) of many a distribution cannot give */
		text_add(&text, "ip address add %s dev lo %s",
			 prefix_format(&step->record.address.prefix, vip),
			 ipv6 ? "nodad" : "scope host");
		break;
	case RS_ADDRESS_REMOVE:
		text_add(&text, "ip address delete %s dev lo",
			 prefix_format(&step->record.address.prefix, vip));
		break;
	case RS_ADDRESS_NOTE:
	case RS_FORGET:
	case RS_LEAVE:
		break;
	}
	return out;
}
