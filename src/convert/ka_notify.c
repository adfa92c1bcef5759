/* notify_master, quorum_up, notify_up … keepalived has a command for each thing that may happen; lbha has scripts that
 * are told what has happened. So all commands of an object become one entry of `notify` for each user that they
 * run as: a shell that holds EVENT/NEW STATE/STATE TOLD LAST/SERVER against a pattern for each command, one after the
 * other. */
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

/* A command as the shell has it, with what keepalived would add to it. NULL: it is too long. */
static const char *text_of_command(struct ka_run *run, const struct ka_command *command, const char *more)
{
	char buffer[2048];
	struct text out = text_of(buffer, sizeof(buffer));

	for (size_t i = 0; i < command->count; i++) {
		text_add(&out, i ? " " : "");
		add_word(&out, command->words[i]);
	}
	text_add(&out, "%s", more);
	return out.cut ? NULL : arena_strdup(run->arena, buffer);
}

static bool is_users(const struct draft *entry, const char *user)
{
	const struct draft *has = draft_find(entry, "user");

	return has && user ? !strcmp(has->text, user) : !has && !user;
}

static struct draft *text_of_entry(const struct draft *entry)
{
	return draft_find(entry, "script")->last;
}

static struct draft *new_entry(struct ka_run *run, struct draft *list, const char *user)
{
	struct draft *entry = draft_item(run->arena, list, DRAFT_MAP);
	struct draft *script = draft_list(run->arena, entry, "script");

	draft_text(run->arena, script, NULL, "/bin/sh");
	draft_text(run->arena, script, NULL, "-c");
	draft_text(run->arena, script, NULL, EVENT);
	if (user)
		draft_text(run->arena, entry, "user", user);
	return script && script->last ? entry : NULL;
}

/* The object's entry for commands of that user (NULL: no user in particular) with room for so much more: one user's
 * commands are in one as long as they fit. NULL: memory is out. */
static struct draft *entry_of(struct ka_run *run, struct draft *into, const char *user, size_t more)
{
	struct draft *list = draft_find(into, "notify");

	if (!list) {
		list = draft_list(run->arena, into, "notify");
		draft_above(run->arena, list,
			    "keepalived's notify commands; better one script that looks at these variables, see lbha.conf(5), NOTIFY SCRIPTS. It runs as global.users.script; user: root, if it needs more");
	}
	for (struct draft *at = list ? list->first : NULL; at; at = at->next)
		if (is_users(at, user) && strlen(text_of_entry(at)->text) + more <= SCRIPT_MAX)
			return at;
	return new_entry(run, list, user);
}

/* Adds what is done for some events, as the inside of a `case`. */
static void add_case(struct ka_run *run, struct draft *into, const char *user, const char *inside)
{
	struct draft *entry = entry_of(run, into, user, strlen(inside) + sizeof("; case $e in  esac"));
	struct draft *text = entry ? text_of_entry(entry) : NULL;
	const char *grown = text ? arena_printf(run->arena, "%s; case $e in %s esac", text->text, inside) : NULL;

	if (grown)
		text->text = grown;
}

static void add_command(struct ka_run *run, const struct ka_node *node, const struct ka_command *command,
			struct draft *into, const char *pattern, const char *more)
{
	const char *text = text_of_command(run, command, more);
	const char *inside = text ? arena_printf(run->arena, "%s) %s;;", pattern, text) : NULL;

	if (inside)
		add_case(run, into, command->user, inside);
	else
		ka_say(run, node, into, IMPORT_WARNING, "the command is too long");
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
	struct ka_command command;

	if (!ka_command_read(run, node, true, into, &command))
		return;
	for (size_t i = 0; i < COUNT_OF(states); i++)
		if (ka_is(node, states[i].keyword)) {
			text_add(&out, "%s/%s", event, states[i].state);
			add_command(run, node, &command, into, pattern, "");
		}
}

/* `notify` gets what has happened as arguments: type, name, state and priority. */
void ka_take_notify_all(struct ka_run *run, const struct ka_node *node, struct draft *into, bool is_group)
{
	const char *event = is_group ? "group_state" : "vrrp_state", *type = is_group ? "GROUP" : "INSTANCE";
	char pattern[64], more[128];
	struct text out = text_of(pattern, sizeof(pattern)), arguments = text_of(more, sizeof(more));
	struct ka_command command;

	if (!ka_command_read(run, node, true, into, &command))
		return;
	text_add(&out, "%s/INIT/[A-Z]*", event);
	text_add(&arguments, " %s \"$LBHA_OBJECT\" STOP \"${LBHA_PRIORITY:-0}\"", type);
	add_command(run, node, &command, into, pattern, more);
	out = text_of(pattern, sizeof(pattern));
	arguments = text_of(more, sizeof(more));
	text_add(&out, "%s/[MBF]*", event);
	text_add(&arguments, " %s \"$LBHA_OBJECT\" \"$LBHA_NEW\" \"${LBHA_PRIORITY:-0}\"", type);
	add_command(run, node, &command, into, pattern, more);
}

/* ---- services and servers ------------------------------------------------------------------- */

static const char *quorum_command(struct ka_run *run, const struct ka_node *node, struct draft *into,
				  const char **user)
{
	struct ka_command command;
	const char *text;

	if (!node || !ka_command_read(run, node, true, into, &command))
		return "";
	*user = command.user;
	text = text_of_command(run, &command, "");
	if (!text)
		ka_say(run, node, into, IMPORT_WARNING, "the command is too long");
	return text ? text : "";
}

/* A service is up or degraded, or it is below its quorum; from one of these to another is nothing new. */
static void add_quorum(struct ka_run *run, struct draft *into, const char *user, const char *up, const char *down)
{
	const char *inside = arena_printf(run->arena,
					  "service_state/up/degraded/*|service_state/degraded/up/*) ;; "
					  "service_state/up/*|service_state/degraded/*) %s;; "
					  "service_state/*/down/*|service_state/*/sorry/*|service_state/*/panic/*) ;; "
					  "service_state/*) %s;;",
					  up, down);

	if (inside && (*up || *down))
		add_case(run, into, user, inside);
}

void ka_put_quorum_scripts(struct ka_run *run, const struct ka_service *service, struct draft *into)
{
	const char *up_user = NULL, *down_user = NULL;
	const char *up = quorum_command(run, service->quorum_up, into, &up_user);
	const char *down = quorum_command(run, service->quorum_down, into, &down_user);

	bool is_same = up_user && down_user ? !strcmp(up_user, down_user) : up_user == down_user;

	if (!*up || !*down || (is_same && strlen(up) + strlen(down) < SCRIPT_MAX / 2)) {
		add_quorum(run, into, *up ? up_user : down_user, up, down);
		return;
	}
	add_quorum(run, into, up_user, up, "");
	add_quorum(run, into, down_user, "", down);
}

void ka_put_server_script(struct ka_run *run, const struct ka_node *node, const char *server,
			  struct draft *into)
{
	char pattern[128];
	struct text out = text_of(pattern, sizeof(pattern));

	struct ka_command command;

	text_add(&out, "server_state/%s/*/'%s'", ka_is(node, "notify_up") ? "up" : "down", server);
	if (ka_command_read(run, node, true, into, &command))
		add_command(run, node, &command, into, pattern, "");
}
