/* What is tracked, by whom, and sync groups. keepalived drops weights of a group's members; lbha wants
 * them at the group. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "convert/ka_run.h"

/* ---- groups --------------------------------------------------------------------------------- */

static bool names(const struct ka_node *members, const char *name)
{
	for (const struct ka_node *at = members->first; at; at = at->next)
		for (size_t i = 0; i < at->count; i++)
			if (!strcmp(at->words[i], name))
				return true;
	return false;
}

const struct ka_node *ka_group_of(const struct ka_run *run, const char *instance)
{
	for (const struct ka_node *at = run->tree->first; at; at = at->next)
		for (const struct ka_node *one = at->first; one && ka_is(at, "vrrp_sync_group"); one = one->next)
			if (ka_is(one, "group") && names(one, instance))
				return at;
	return NULL;
}

static struct draft *find_named(const struct draft *list, const char *name)
{
	for (struct draft *at = list ? list->first : NULL; at; at = at->next) {
		const struct draft *key = draft_find(at, "name");

		if (key && !strcmp(key->text, name))
			return at;
	}
	return NULL;
}

static struct draft *group_draft(struct ka_run *run, const char *name)
{
	struct draft *list = draft_list(run->arena, run->root, "sync_groups");
	struct draft *group = find_named(list, name);

	if (group)
		return group;
	group = draft_item(run->arena, list, DRAFT_MAP);
	draft_text(run->arena, group, "name", name);
	return group;
}

/* ---- trackers ------------------------------------------------------------------------------- */

bool ka_has_delays(const struct ka_run *run, const char *interface)
{
	const struct ka_node *block = run->tree->first;

	while (block && !ka_is(block, "interface_up_down_delays"))
		block = block->next;
	return interface && ka_child(block, interface);
}

/* An entry is: INTERFACE DOWN [UP], in seconds; UP is DOWN if it is not given. */
void ka_track_delays(struct ka_run *run, const char *interface, struct draft *tracker)
{
	const struct ka_node *block = run->tree->first, *entry;
	nstime delay;

	while (block && !ka_is(block, "interface_up_down_delays"))
		block = block->next;
	entry = ka_child(block, interface);
	if (!entry || !ka_time(run, entry, 1, &delay, tracker))
		return;
	ka_duration(run, tracker, "down_delay", delay);
	if (entry->count > 2)
		ka_time(run, entry, 2, &delay, tracker);
	ka_duration(run, tracker, "up_delay", delay);
}

/* The weight of an entry: its own, else that of what it names; 0: none. */
static long weight_of(struct ka_run *run, const struct ka_node *entry, const struct ka_node *named,
		      bool *is_reverse, struct draft *into)
{
	const struct ka_node *general = ka_child(named, "weight");
	long weight = 0;

	*is_reverse = false;
	if (general)
		ka_number(run, general, 1, -254, 254, &weight, into);
	for (size_t i = 1; i < entry->count; i++) {
		if (!strcmp(entry->words[i], "weight") && ka_word(entry, i + 1))
			ka_number(run, entry, ++i, -254, 254, &weight, into);
		*is_reverse |= !strcmp(entry->words[i], "reverse");
	}
	if (general && ka_word(general, 2))
		*is_reverse |= !strcmp(general->words[2], "reverse");
	return weight;
}

/* Where a tracker with a weight goes: members of a group have none. NULL: nowhere. */
static struct draft *place_of(struct ka_run *run, const struct ka_node *entry, const char *instance,
			      long weight, struct draft *into)
{
	const struct ka_node *group = instance && weight ? ka_group_of(run, instance) : NULL;

	if (!group)
		return into;
	if (ka_child(group, "sync_group_tracking_weight") || ka_child(group, "global_tracking"))
		return group_draft(run, ka_word(group, 1) ? ka_word(group, 1) : "group");
	ka_say(run, entry, into, IMPORT_WARNING,
	       "weights of a member of a sync group do not count, with keepalived neither; write the tracker at the group");
	return NULL;
}

static void take_entry(struct ka_run *run, const struct ka_node *entry, const char *kind,
		       const struct ka_node *named, const char *instance, struct draft *into)
{
	bool is_reverse;
	long weight = weight_of(run, entry, named, &is_reverse, into);
	struct draft *place = place_of(run, entry, instance, weight, into), *tracker;

	if (is_reverse) {
		ka_say(run, entry, into, IMPORT_WARNING,
		       "reverse: failing to fail is not tracked; turn the check itself round");
		return;
	}
	if (!place)
		return;
	tracker = draft_item(run->arena, draft_list(run->arena, place, "track"), DRAFT_MAP);
	if (!tracker)
		return;
	tracker->is_short = true;
	draft_text(run->arena, tracker, kind, entry->words[0]);
	if (weight)
		draft_value(run->arena, tracker, "weight", "%ld", weight);
	if (!strcmp(kind, "interface"))
		ka_track_delays(run, entry->words[0], tracker);
}

void ka_take_track(struct ka_run *run, const struct ka_node *node, const char *instance,
		   struct draft *into)
{
	bool is_interface = ka_is(node, "track_interface");
	const char *keyword = ka_is(node, "track_script") ? "vrrp_script" : "vrrp_track_process";

	if (ka_is(node, "track_file") || ka_is(node, "track_bfd")) {
		ka_say(run, node, into, IMPORT_WARNING, "see %s", ka_is(node, "track_bfd") ? "bfd_instance" : "vrrp_track_file");
		return;
	}
	for (const struct ka_node *at = node->first; at; at = at->next) {
		const struct ka_node *named = ka_named(run, keyword, at->words[0]);

		if (ka_is(node, "track_script") && !ka_has_command(run, ka_child(named, "script")))
			named = NULL;
		if (is_interface || named)
			take_entry(run, at, is_interface ? "interface" : "check", named, instance, into);
		else
			ka_say(run, at, into, IMPORT_WARNING, "there is no %s of this name", keyword);
	}
}

/* ---- sync groups ---------------------------------------------------------------------------- */

static void take_members(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			 struct draft *into)
{
	struct draft *list = draft_list(run->arena, into, "instances");

	for (const struct ka_node *at = node->first; at && list; at = at->next)
		for (size_t i = 0; i < at->count; i++)
			if (ka_named(run, "vrrp_instance", at->words[i]))
				draft_text(run->arena, list, NULL, at->words[i]);
			else
				ka_say(run, at, into, IMPORT_WARNING, "there is no vrrp_instance of this name");
	if (list)
		list->is_short = true;
}

static void take_track(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		       struct draft *into)
{
	ka_take_track(run, node, NULL, into);
}

static void take_notify(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			struct draft *into)
{
	ka_take_notify_all(run, node, into, true);
}

static const struct ka_rule group_rules[] = {
	{"group", take_members, "instances", 0, NULL},
	{"track_interface", take_track, "track: interface", 0, NULL},
	{"track_script", take_track, "track: check", 0, NULL},
	{"track_process", take_track, "track: check", 0, NULL},
	{"track_file", take_track, NULL, 0, NULL},
	{"track_bfd", take_track, NULL, 0, NULL},
	{"sync_group_tracking_weight", ka_read_elsewhere, "track", 0, NULL},
	{"global_tracking", ka_read_elsewhere, "track", 0, NULL},
	{"notify", take_notify, "notify", 0, NULL},
	{"notify_master", ka_take_notify, "notify", 0, NULL},
	{"notify_backup", ka_take_notify, "notify", 0, NULL},
	{"notify_fault", ka_take_notify, "notify", 0, NULL},
	{"notify_stop", ka_take_notify, "notify", 0, NULL},
	{"notify_priority_changes", NULL, NULL, IMPORT_NOTE, "changes of the priority are events"},
	{"smtp_alert", NULL, NULL, IMPORT_NOTE, "lbha sends no mail; a notify script can"},
};

const struct ka_rules ka_rules_group = {"vrrp_sync_group", group_rules, COUNT_OF(group_rules)};

/* Members have one priority: the lowest of theirs is what decides with keepalived, where all must have
 * won. */
static void level_priorities(struct ka_run *run, const struct ka_node *node, struct draft *into)
{
	const struct draft *vrrp = draft_find(run->root, "vrrp");
	long least = 0;
	bool differ = false;

	for (const struct draft *at = draft_find(into, "instances") ? draft_find(into, "instances")->first : NULL;
	     at; at = at->next) {
		struct draft *priority = draft_find(find_named(vrrp, at->text), "priority");
		long own = priority ? strtol(priority->text, NULL, 10) : 0;

		differ |= least && own && own != least;
		if (own && (!least || own < least))
			least = own;
	}
	if (!differ)
		return;
	ka_say(run, node, into, IMPORT_WARNING,
	       "its members have different priorities; a group has one: the lowest, %ld, for all", least);
	for (const struct draft *at = draft_find(into, "instances")->first; at; at = at->next)
		draft_value(run->arena, find_named(vrrp, at->text), "priority", "%ld", least);
}

void ka_take_group(struct ka_run *run, const struct ka_node *node)
{
	const char *name = ka_word(node, 1) ? ka_word(node, 1) : "group";
	struct draft *into = group_draft(run, name);

	ka_take_block(run, node, &ka_rules_group, NULL, into);
}

void ka_finish_groups(struct ka_run *run)
{
	const struct draft *groups = draft_find(run->root, "sync_groups");

	for (const struct ka_node *at = run->tree->first; at; at = at->next) {
		struct draft *group = ka_is(at, "vrrp_sync_group")
					      ? find_named(groups, ka_word(at, 1) ? ka_word(at, 1) : "group")
					      : NULL;

		if (group)
			level_priorities(run, at, group);
	}
}
