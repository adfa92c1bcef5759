/* vrrp_script and vrrp_track_process: checks that are tracked. */
#include <string.h>

#include "base/arena.h"
#include "convert/ka_run.h"

struct script {
	nstime interval, timeout; /* 0: not given */
	long rise, fall;
};

/* ---- scripts -------------------------------------------------------------------------------- */

static void take_command(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			 struct draft *into)
{
	struct ka_command command;

	if (ka_command_read(run, node, false, into, &command))
		ka_command_put(run, node, &command, into);
}

static void take_interval(struct ka_run *run, const struct ka_node *node, void *object,
			  struct draft *into)
{
	ka_time(run, node, 1, &((struct script *)object)->interval, into);
}

static void take_timeout(struct ka_run *run, const struct ka_node *node, void *object,
			 struct draft *into)
{
	ka_time(run, node, 1, &((struct script *)object)->timeout, into);
}

static void take_rise(struct ka_run *run, const struct ka_node *node, void *object,
		      struct draft *into)
{
	ka_number(run, node, 1, 1, 1000, &((struct script *)object)->rise, into);
}

static void take_fall(struct ka_run *run, const struct ka_node *node, void *object,
		      struct draft *into)
{
	ka_number(run, node, 1, 1, 1000, &((struct script *)object)->fall, into);
}

static void take_user(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		      struct draft *into)
{
	if (ka_word(node, 1))
		draft_text(run->arena, into, "user", ka_word(node, 1));
	if (ka_word(node, 2))
		ka_say(run, node, into, IMPORT_NOTE, "scripts have the groups of their user");
}

static const struct ka_rule script_rules[] = {
	{"script", take_command, "command", 0, NULL},
	{"interval", take_interval, "interval", 0, NULL},
	{"timeout", take_timeout, "timeout", 0, NULL},
	{"weight", ka_read_elsewhere, "vrrp: track: weight", 0, NULL},
	{"rise", take_rise, "rise", 0, NULL},
	{"fall", take_fall, "fall", 0, NULL},
	{"user", take_user, "user", 0, NULL},
	{"init_fail", NULL, NULL, IMPORT_NOTE,
	 "until its first run has ended a check counts as failed, and the first one that passes counts"},
};

const struct ka_rules ka_rules_script = {"vrrp_script", script_rules, COUNT_OF(script_rules)};

static void put_times(struct ka_run *run, const struct script *script, struct draft *into)
{
	ka_duration(run, into, "interval", script->interval);
	ka_duration(run, into, "timeout", script->timeout ? script->timeout : script->interval);
	draft_value(run->arena, into, "rise", "%ld", script->rise);
	draft_value(run->arena, into, "fall", "%ld", script->fall);
}

static struct draft *new_check(struct ka_run *run, const struct ka_node *node)
{
	if (ka_word(node, 1))
		return draft_map(run->arena, draft_map(run->arena, run->root, "checks"), ka_word(node, 1));
	ka_say(run, node, run->root, IMPORT_WARNING, "it has no name");
	return NULL;
}

void ka_take_script(struct ka_run *run, const struct ka_node *node)
{
	struct script script = {.interval = NSTIME_S, .rise = 1, .fall = 1};
	struct draft *check = new_check(run, node);

	if (!check)
		return;
	ka_take_block(run, node, &ka_rules_script, &script, check);
	if (!draft_find(check, "type")) {
		draft_remove(draft_map(run->arena, run->root, "checks"), ka_word(node, 1));
		ka_say(run, node, run->root, IMPORT_WARNING, "without a script keepalived passes over it");
		return;
	}
	if (draft_find(check, "command")) {
		put_times(run, &script, check);
		if (!draft_find(check, "user") && !draft_find(draft_find(run->root, "global"), "users"))
			draft_above(run->arena, check,
				    "runs as global.users.script; keepalived ran it as keepalived_script, or as root without such a user");
		return;
	}
	put_times(run, &script, check);
	draft_remove(check, "user");
}

/* ---- processes ------------------------------------------------------------------------------ */

static void take_process(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			 struct draft *into)
{
	const char *path = ka_word(node, 1) ? ka_word(node, 1) : "";
	size_t length = strcspn(path, " \t");
	const char *program = arena_text(run->arena, path, length), *slash = program ? strrchr(program, '/') : NULL;

	if (!program || !length)
		return;
	draft_textf(run->arena, into, "name", "%.15s", slash ? slash + 1 : program);
	if (node->count > 2 || path[length])
		ka_say(run, node, into, IMPORT_WARNING, "processes are known by their name, not by arguments");
}

static void take_quorum(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			struct draft *into)
{
	long count;

	if (ka_number(run, node, 1, 1, 65535, &count, into))
		draft_value(run->arena, into, "count", "%ld", count);
}

static const struct ka_rule process_rules[] = {
	{"process", take_process, "name", 0, NULL},
	{"quorum", take_quorum, "count", 0, NULL},
	{"weight", ka_read_elsewhere, "vrrp: track: weight", 0, NULL},
	{"param_match", NULL, NULL, IMPORT_WARNING, "processes are known by their name, not by arguments"},
	{"full_command", NULL, NULL, IMPORT_WARNING, "processes are known by their name, not by arguments"},
	{"quorum_max", NULL, NULL, IMPORT_WARNING, "too many of them is no failure; a check of type script can say so"},
	{"delay", NULL, NULL, IMPORT_NOTE, "a check looks every interval; rise and fall say how often in a row"},
	{"fork_delay", NULL, NULL, IMPORT_NOTE, "a check looks every interval; rise says how often in a row"},
	{"terminate_delay", NULL, NULL, IMPORT_NOTE, "a check looks every interval; fall says how often in a row"},
};

const struct ka_rules ka_rules_process = {"vrrp_track_process", process_rules,
					  COUNT_OF(process_rules)};

void ka_take_process(struct ka_run *run, const struct ka_node *node)
{
	struct script script = {.interval = NSTIME_S, .rise = 1, .fall = 1};
	struct draft *check = new_check(run, node);

	if (!check)
		return;
	draft_text(run->arena, check, "type", "process");
	ka_take_block(run, node, &ka_rules_process, NULL, check);
	put_times(run, &script, check);
}
