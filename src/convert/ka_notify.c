/* notify_master, quorum_up, notify_up … keepalived has a command for each thing that may happen; lbha has scripts that
 * are told what has happened. So all commands of an object become one entry of `notify`: a shell that holds
 * EVENT/NEW STATE/STATE TOLD LAST/SERVER against a pattern for each command, one after the other. */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/ka_server.h"

#define EVENT "e=$LBHA_EVENT/$LBHA_NEW/$LBHA_TOLD/$LBHA_SERVER"
#define SCRIPT_MAX 4000 /* bytes; lbha.conf takes 4096 */

/* A word as the shell has it again. */
static void add_word(struct text *out, const char *word)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,@%+-";

	if (*word && !word[strspn(word, plain)]) {
		text_add(out, "%s", word);
		return;
	}
	text_add(out, "'");
	for (; *word; word++)
		text_add(out, *word == '\'' ? "'\\''" : "%c", *word);
	text_add(out, "'");
}

/* The command of a statement, with what keepalived would add to it. NULL: there is none. */
static const char *command_of(struct ka_run *run, const struct ka_node *node, const char *more)
{
	char buffer[2048];
	struct text out = text_of(buffer, sizeof(buffer));
	size_t count;
	char **words = ka_command_words(run, node, 1, &count);

	for (size_t i = 0; words && i < count; i++) {
		text_add(&out, i ? " " : "");
		add_word(&out, words[i]);
	}
	text_add(&out, "%s", more);
	return words && !out.cut ? arena_strdup(run->arena, buffer) : NULL;
}

/* The object's entry; its script's text. */
static struct draft *script_of(struct ka_run *run, struct draft *into)
{
	struct draft *list = draft_find(into, "notify"), *entry, *script;

	if (list)
		return draft_find(list->first, "script")->last;
	list = draft_list(run->arena, into, "notify");
	entry = draft_item(run->arena, list, DRAFT_MAP);
	script = draft_list(run->arena, entry, "script");
	draft_text(run->arena, script, NULL, "/bin/sh");
	draft_text(run->arena, script, NULL, "-c");
	draft_above(run->arena, list,
		    "keepalived's notify commands; better one script that looks at these variables, see lbha.conf(5), NOTIFY SCRIPTS. It runs as global.users.script; user: root, if it needs more");
	return draft_text(run->arena, script, NULL, EVENT);
}

/* Adds what is done for some events, as the inside of a `case`. */
static bool add_case(struct ka_run *run, const struct ka_node *node, struct draft *into,
		     const char *inside)
{
	struct draft *text = script_of(run, into);
	const char *grown;

	if (!text || strlen(text->text) + strlen(inside) > SCRIPT_MAX) {
		ka_say(run, node, into, IMPORT_WARNING, "there are too many commands for one entry of notify");
		return false;
	}
	grown = arena_printf(run->arena, "%s; case $e in %s esac", text->text, inside);
	text->text = grown ? grown : text->text;
	return true;
}

/* The user behind a quoted command: that of the entry. */
static void take_user(struct ka_run *run, const struct ka_node *node, struct draft *into)
{
	const struct draft *list = draft_find(into, "notify");

	if (list && node->count > 2 && node->quoted[1])
		draft_text(run->arena, list->first, "user", node->words[2]);
}

static bool add_command(struct ka_run *run, const struct ka_node *node, struct draft *into,
			const char *pattern, const char *more)
{
	const char *command = command_of(run, node, more);
	const char *inside = command ? arena_printf(run->arena, "%s) %s;;", pattern, command) : NULL;

	if (!inside) {
		ka_say(run, node, into, IMPORT_WARNING, "it has no command, or a very long one");
		return false;
	}
	if (!add_case(run, node, into, inside))
		return false;
	take_user(run, node, into);
	return true;
}

/* ---- routers and groups --------------------------------------------------------------------- */

void ka_take_notify(struct ka_run *run, const struct ka_node *node, void *object,
		    struct draft *into)
{
	static const struct {
		const char *keyword, *state;
	} states[] = {
		{"notify_master", "MASTER/*"}, {"notify_backup", "BACKUP/*"}, {"notify_fault", "FAULT/*"},
		{"notify_stop", "INIT/[A-Z]*"},
	};
	const char *event = object ? "vrrp_state" : "group_state";
	char pattern[64];
	struct text out = text_of(pattern, sizeof(pattern));

	for (size_t i = 0; i < COUNT_OF(states); i++)
		if (ka_is(node, states[i].keyword)) {
			text_add(&out, "%s/%s", event, states[i].state);
			add_command(run, node, into, pattern, "");
		}
}

/* `notify` gets what has happened as arguments: type, name, state and priority. */
void ka_take_notify_all(struct ka_run *run, const struct ka_node *node, struct draft *into, bool is_group)
{
	const char *event = is_group ? "group_state" : "vrrp_state", *type = is_group ? "GROUP" : "INSTANCE";
	char pattern[64], more[128];
	struct text out = text_of(pattern, sizeof(pattern)), arguments = text_of(more, sizeof(more));

	text_add(&out, "%s/INIT/[A-Z]*", event);
	text_add(&arguments, " %s \"$LBHA_OBJECT\" STOP \"${LBHA_PRIORITY:-0}\"", type);
	if (!add_command(run, node, into, pattern, more))
		return;
	out = text_of(pattern, sizeof(pattern));
	arguments = text_of(more, sizeof(more));
	text_add(&out, "%s/[MBF]*", event);
	text_add(&arguments, " %s \"$LBHA_OBJECT\" \"$LBHA_NEW\" \"${LBHA_PRIORITY:-0}\"", type);
	add_command(run, node, into, pattern, more);
}

/* ---- services and servers ------------------------------------------------------------------- */

/* A service is up or degraded, or it is below its quorum; from one of these to another is nothing new. */
void ka_put_quorum_scripts(struct ka_run *run, const struct ka_service *service, struct draft *into)
{
	const struct ka_node *up = service->quorum_up, *down = service->quorum_down;
	const char *on = up ? command_of(run, up, "") : NULL, *off = down ? command_of(run, down, "") : NULL;
	const char *inside;

	if (!up && !down)
		return;
	inside = arena_printf(run->arena,
			      "service_state/up/degraded/*|service_state/degraded/up/*) ;; "
			      "service_state/up/*|service_state/degraded/*) %s;; "
			      "service_state/*/down/*|service_state/*/sorry/*|service_state/*/panic/*) ;; "
			      "service_state/*) %s;;",
			      on ? on : "", off ? off : "");
	if (inside && add_case(run, up ? up : down, into, inside))
		take_user(run, up ? up : down, into);
}

void ka_put_server_script(struct ka_run *run, const struct ka_node *node, const char *server,
			  struct draft *into)
{
	char pattern[128];
	struct text out = text_of(pattern, sizeof(pattern));

	text_add(&out, "server_state/%s/*/'%s'", ka_is(node, "notify_up") ? "up" : "down", server);
	add_command(run, node, into, pattern, "");
}
