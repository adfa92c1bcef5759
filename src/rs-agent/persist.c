/* See the header. A unit is taken apart only if its digest agrees: then each of its ExecStart lines
 * was written by us, and begins with what it is known by. */
#include "rs-agent/persist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"

#define MARK "# Written by lbha-rs setup --persist. Digest of what follows: "
#define EXEC "ExecStart="

static const char head[] =
	"# \"lbha-rs teardown\" removes this file, unless somebody changed it.\n"
	"[Unit]\n"
	"Description=This host as a real server of lbha\n"
	"Documentation=man:lbha-rs(8)\n"
	"Wants=network-online.target\n"
	"# those two empty all tables of nftables, or may, when they start\n"
	"After=network-online.target nftables.service firewalld.service\n"
	"\n"
	"[Service]\n"
	"Type=oneshot\n"
	"RemainAfterExit=yes\n"
	"# There is no ExecStop: a stop or restart of this unit takes no VIP away. lbha-rs teardown does.\n";

static const char foot[] = "\n"
			   "[Install]\n"
			   "WantedBy=multi-user.target\n";

/* ---- words ---- */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("/._:@=+,-", c));
}

static void add_quoted(struct text *out, unsigned char c)
{
	if (c == '%' || c == '$')
		text_add(out, "%c%c", c, c);
	else if (c == '"' || c == '\\')
		text_add(out, "\\%c", c);
	else if (c < ' ' || c == 0x7f)
		text_add(out, "\\x%02x", c);
	else
		text_add(out, "%c", c);
}

const char *persist_quote(struct arena *arena, const char *word)
{
	size_t length = strlen(word), plain = 0, size = 4 * length + 3;
	struct text out;
	char *room;

	while (plain < length && is_plain(word[plain]))
		plain++;
	if (length && plain == length)
		return word;
	room = arena_alloc(arena, size);
	if (!room)
		return NULL;
	out = text_of(room, size);
	text_add(&out, "\"");
	for (; *word; word++)
		add_quoted(&out, (unsigned char)*word);
	text_add(&out, "\"");
	return room;
}

const char *persist_absolute(struct arena *arena, const char *cwd, const char *name)
{
	return *name == '/' ? name : arena_printf(arena, "%s/%s", cwd, name);
}

/* ---- the command line ---- */

struct reader {
	struct arena *arena;
	int argc, at;
	char **argv;
	const char *cwd, *rest;
	bool has_arp;
	struct persist_wish *wish;
};

/* The value of an option if `word` is that option. */
static const char *value_of(struct reader *reader, const char *word, const char *option)
{
	size_t length = strlen(option);

	if (strncmp(word, option, length))
		return NULL;
	if (word[length] == '=')
		return word + length + 1;
	return word[length] || reader->at == reader->argc ? NULL : reader->argv[reader->at++];
}

static void add_rest(struct reader *reader, const char *option, const char *word)
{
	const char *quoted = persist_quote(reader->arena, word);
	const char *rest = arena_printf(reader->arena, "%s%s %s", reader->rest, option,
					quoted ? quoted : "");

	reader->rest = rest ? rest : "";
}

static void add_line(struct reader *reader, const char *option, const char *word)
{
	const char *quoted = persist_quote(reader->arena, word);
	struct persist_wish *wish = reader->wish;
	struct persist_line *line = arena_push(reader->arena, &wish->lines, &wish->line_count,
					       sizeof(*line));

	if (line)
		line->selection =
			arena_printf(reader->arena, "%s %s", option, quoted ? quoted : "");
}

/* As it is written canonically, so that one VIP has one line. */
static void add_vip(struct reader *reader, const char *word)
{
	struct addr address;
	char text[ADDR_TEXT];

	if (!addr_parse(word, &address))
		add_line(reader, "--vip", addr_format(&address, text));
}

static bool is_of_the_moment(const char *word)
{
	return !strcmp(word, "setup") || !strcmp(word, "teardown") || !strcmp(word, "--persist") ||
	       !strcmp(word, "--json") || !strcmp(word, "--dry-run");
}

static void read_word(struct reader *reader, const char *word)
{
	const char *value, *file;

	if (is_of_the_moment(word) || value_of(reader, word, "--state-dir"))
		return;
	if ((value = value_of(reader, word, "--vip"))) {
		add_vip(reader, value);
	} else if ((value = value_of(reader, word, "--service"))) {
		add_line(reader, "--service", value);
	} else if ((value = value_of(reader, word, "-f")) ||
		   (value = value_of(reader, word, "--file"))) {
		file = persist_absolute(reader->arena, reader->cwd, value);
		add_rest(reader, " -f", file ? file : "");
	} else {
		reader->has_arp |= !strncmp(word, "--arp", strlen("--arp"));
		add_rest(reader, "", word);
	}
}

int persist_lines(struct arena *arena, int argc, char **argv, const char *cwd, bool filter,
		  struct persist_wish *out)
{
	struct reader reader = {.arena = arena, .argc = argc, .at = 1, .argv = argv, .cwd = cwd,
				.rest = "", .wish = out};
	struct persist_line *all;

	out->lines = NULL;
	out->line_count = 0;
	while (reader.at < argc) {
		const char *word = argv[reader.at++];

		read_word(&reader, word);
	}
	if (filter && !reader.has_arp)
		add_rest(&reader, " --arp", "filter");
	if (!out->line_count && (all = arena_push(arena, &out->lines, &out->line_count,
						  sizeof(*all))))
		all->selection = "";
	for (size_t i = 0; i < out->line_count; i++)
		out->lines[i].rest = reader.rest;
	return arena_failed(arena) ? -ENOMEM : 0;
}

/* ---- the unit ---- */

struct commands {
	const char **items;
	size_t count;
};

static uint64_t digest_of(const char *text)
{
	return text_hash(TEXT_HASH, text, strlen(text));
}

/* What a line of that state folder has in front, after the program. */
static const char *folder_words(struct arena *arena, const char *state_dir)
{
	const char *quoted = persist_quote(arena, state_dir);

	return quoted ? arena_printf(arena, " setup --state-dir %s", quoted) : NULL;
}

/* The words of a command after `words`; NULL when it has not got them. */
static const char *after(const char *command, const char *words)
{
	const char *at = strstr(command, words);

	at = at ? at + strlen(words) : NULL;
	return at && (!*at || *at == ' ') ? at : NULL;
}

static void put(struct arena *arena, struct commands *commands, const char *text)
{
	const char **room = arena_push(arena, &commands->items, &commands->count, sizeof(*room));

	if (room)
		*room = text;
}

/* Whether the wish speaks of a command: it is of the folder, and of one of the selections. */
static bool is_meant(struct arena *arena, const struct persist_wish *wish, const char *folder,
		     const char *command)
{
	const char *words = after(command, folder);

	for (size_t i = 0; i < wish->line_count && words; i++) {
		const char *selection = arena_printf(arena, " %s", wish->lines[i].selection);

		if (!*wish->lines[i].selection)
			return true;
		if (selection && !strncmp(words, selection, strlen(selection)) &&
		    after(words, selection))
			return true;
	}
	return false;
}

static const char *command_of(struct arena *arena, const struct persist_wish *wish,
			      const char *folder, const struct persist_line *line)
{
	const char *program = persist_quote(arena, wish->program);

	return arena_printf(arena, "%s%s%s%s%s", program ? program : "", folder,
			    *line->selection ? " " : "", line->selection, line->rest);
}

/* The commands of a unit that was written by us. */
static void commands_read(struct arena *arena, const char *text, struct commands *out)
{
	for (const char *at = text; (at = strstr(at, "\n" EXEC));) {
		size_t length;

		at += strlen("\n" EXEC);
		length = strcspn(at, "\n");
		put(arena, out, arena_text(arena, at, length));
	}
}

static const char *unit_of(struct arena *arena, const struct commands *commands)
{
	const char *lines = "", *body;

	for (size_t i = 0; i < commands->count && lines; i++)
		lines = arena_printf(arena, "%s" EXEC "%s\n", lines, commands->items[i]);
	body = lines ? arena_printf(arena, "%s%s%s", head, lines, foot) : NULL;
	return body ? arena_printf(arena, MARK "%016" PRIx64 "\n%s", digest_of(body), body) : NULL;
}

/* Whether every byte of it is as we wrote it. */
static bool is_ours(const char *text)
{
	char mark[sizeof(MARK) + 20];
	const char *body = strchr(text, '\n');

	if (!body)
		return false;
	snprintf(mark, sizeof(mark), MARK "%016" PRIx64 "\n", digest_of(body + 1));
	return !strncmp(text, mark, strlen(mark));
}

/* ---- the plan ---- */

/* The file is somebody's: whether it does, or leaves undone, what is wished. */
static enum persist_action judge_foreign(struct arena *arena, const struct persist_wish *wish,
					 const char *folder, const struct persist_found *found)
{
	for (size_t i = 0; i < wish->line_count && !wish->removing; i++) {
		const char *command = command_of(arena, wish, folder, &wish->lines[i]);
		const char *line = arena_printf(arena, "\n" EXEC "%s\n", command ? command : "");

		if (!line || !strstr(found->text, line) || !found->is_enabled)
			return PERSIST_REFUSE;
	}
	return PERSIST_LEAVE;
}

/* A line of that folder without a selection. */
static bool has_all(const struct commands *commands, const char *folder)
{
	for (size_t i = 0; i < commands->count; i++) {
		const char *words = after(commands->items[i], folder);

		if (words && strncmp(words, " --vip ", 7) && strncmp(words, " --service ", 11))
			return true;
	}
	return false;
}

static void plan_ours(struct arena *arena, const struct persist_wish *wish, const char *folder,
		      const struct persist_found *found, struct persist_plan *plan)
{
	struct commands before = {0}, wanted = {0};

	if (found->text)
		commands_read(arena, found->text, &before);
	for (size_t i = 0; i < before.count && !arena_failed(arena); i++)
		if (!is_meant(arena, wish, folder, before.items[i]))
			put(arena, &wanted, before.items[i]);
	for (size_t i = 0; i < wish->line_count && !wish->removing; i++)
		put(arena, &wanted, command_of(arena, wish, folder, &wish->lines[i]));
	if (arena_failed(arena))
		return;
	plan->text = unit_of(arena, &wanted);
	plan->all_remains = wish->removing && has_all(&wanted, folder);
	if (!wanted.count)
		plan->action = found->text || found->is_enabled ? PERSIST_REMOVE : PERSIST_NOTHING;
	else if (!found->text || !plan->text || strcmp(found->text, plan->text) ||
		 (!wish->removing && !found->is_enabled))
		plan->action = PERSIST_WRITE;
}

int persist_plan_build(struct arena *arena, const struct persist_wish *wish,
		       const struct persist_found *found, struct persist_plan *out)
{
	const char *folder = folder_words(arena, wish->state_dir);
	struct persist_plan plan = {PERSIST_NOTHING, NULL, false};

	if (folder && found->text && !is_ours(found->text))
		plan.action = judge_foreign(arena, wish, folder, found);
	else if (folder)
		plan_ours(arena, wish, folder, found, &plan);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = plan;
	return 0;
}

int persist_has(struct arena *arena, const struct persist_found *found, const char *state_dir)
{
	const char *folder = folder_words(arena, state_dir);
	struct commands commands = {0};

	if (folder && found->text)
		commands_read(arena, found->text, &commands);
	for (size_t i = 0; i < commands.count && !arena_failed(arena); i++)
		if (after(commands.items[i], folder))
			return 1;
	return arena_failed(arena) ? -ENOMEM : 0;
}
