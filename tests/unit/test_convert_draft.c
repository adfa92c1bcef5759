/* A draft that is written is what lbha.conf's reader reads: the same tree, texts as texts and numbers
 * as numbers, whatever is in them. LBHA_SEED repeats a run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/compile.h"
#include "config/tree.h"
#include "config/value.h"
#include "config/yaml.h"
#include "convert/draft.h"
#include "suite.h"

static struct arena *arena;
static char *written;
static size_t written_size;
static FILE *out;

static void setup(void)
{
	arena = arena_new(0);
	out = open_memstream(&written, &written_size);
}

static void teardown(void)
{
	fclose(out);
	free(written);
	arena_free(arena);
}

static void add_line(void *ctx, const char *text)
{
	fprintf(ctx, "%s\n", text);
}

static const char *write_draft(const struct draft *root)
{
	rewind(out);
	ck_assert_int_eq(draft_write(root, arena, add_line, out), 0);
	fflush(out);
	written[ftell(out)] = '\0';
	return written;
}

static void add_said(void *ctx, const char *line)
{
	fprintf(ctx, "%s\n", line);
}

static const char *no_variable(void *ctx, const char *name)
{
	(void)ctx, (void)name;
	return "wrong";
}

static const struct node *parse(const char *text)
{
	static const struct config_files files = {.environment = no_variable};
	struct diagnostics diagnostics;
	const struct node *root = NULL;

	diagnostics_init(&diagnostics, arena);
	if (yaml_parse(arena, "t", text, strlen(text), &files, &diagnostics, &root) ||
	    diagnostics.errors) {
		diagnostics_print(&diagnostics, add_said, stdout);
		ck_abort_msg("no YAML:\n%s", text);
	}
	return root;
}

/* ---- the same tree -------------------------------------------------------------------------- */

static void same_scalar(const struct draft *wanted, const struct node *node, const char *text)
{
	static const struct schema_field field = {.key = "x", .type = TYPE_TEXT, .size = sizeof(char *)};
	struct scalar scalar = {node->text, node->plain, node->quoted};
	char said[512];
	struct text why = text_of(said, sizeof(said));
	const char *read = NULL;

	ck_assert_msg(node->kind == NODE_SCALAR, "no scalar:\n%s", text);
	ck_assert_msg(!strcmp(node->text, wanted->text), "\"%s\" became \"%s\":\n%s", wanted->text,
		      node->text, text);
	if (wanted->kind == DRAFT_VALUE) {
		ck_assert(node->plain && !node->quoted);
		return;
	}
	ck_assert_msg(value_parse(&field, &scalar, arena, &read, &why), "%s:\n%s", said, text);
	ck_assert_str_eq(read, wanted->text);
}

static void same(const struct draft *wanted, const struct node *node, const char *text)
{
	size_t i = 0;

	if (wanted->kind == DRAFT_TEXT || wanted->kind == DRAFT_VALUE) {
		same_scalar(wanted, node, text);
		return;
	}
	ck_assert_msg(node->kind == (wanted->kind == DRAFT_MAP ? NODE_MAPPING : NODE_SEQUENCE),
		      "another kind of node:\n%s", text);
	ck_assert_msg(node->count == draft_count(wanted), "%zu elements, not %zu:\n%s", node->count,
		      draft_count(wanted), text);
	for (const struct draft *at = wanted->first; at; at = at->next, i++) {
		if (wanted->kind == DRAFT_MAP)
			ck_assert_str_eq(node->pairs[i].key->text, at->key);
		same(at, wanted->kind == DRAFT_MAP ? node->pairs[i].value : node->items[i], text);
	}
}

/* ---- what it looks like --------------------------------------------------------------------- */

START_TEST(maps_and_lists_are_indented_as_people_do_it)
{
	struct draft *root = draft_new(arena), *vrrp = draft_list(arena, root, "vrrp"), *one, *track;

	draft_above(arena, vrrp, "the routers");
	one = draft_item(arena, vrrp, DRAFT_MAP);
	draft_text(arena, one, "name", "public");
	draft_beside(arena, draft_value(arena, one, "priority", "%d", 150), "was 255");
	track = draft_list(arena, one, "track");
	for (int i = 0; i < 2; i++) {
		struct draft *item = draft_item(arena, track, DRAFT_MAP);

		item->is_short = true;
		draft_textf(arena, item, "interface", "eth%d", i);
	}
	draft_below(arena, track, "no third one");
	draft_text(arena, draft_list(arena, one, "virtual_addresses"), NULL, "192.0.2.1/24");
	ck_assert_str_eq(write_draft(root), "# the routers\n"
					    "vrrp:\n"
					    "  - name: public\n"
					    "    priority: 150 # was 255\n"
					    "    track:\n"
					    "      - {interface: eth0}\n"
					    "      - {interface: eth1}\n"
					    "      # no third one\n"
					    "    virtual_addresses:\n"
					    "      - 192.0.2.1/24\n");
	same(root, parse(written), written);
}
END_TEST

START_TEST(what_a_reader_would_take_for_something_else_is_quoted)
{
	static const char *const dangerous[] = {
		"on", "Yes", "null", "~", "", "010", "0x1f", "1e3", "-", "- a", "a: b", "a #b", "#a", "@x",
		"`x`", "*a", "&a", "!a", "%a", "a:", "::", "[x]", "{x}", "${HOME}", "$${HOME}", "a\nb",
		"\t", "\"", "\\", "'", "|", ">", "?", ",", "=", "<<", "...", "---", " a", "a ", "\x01",
		"ümläut", "\xc2\x85", "\xe2\x80\xa8", "2001:db8::1", "[2001:db8::1]:80",
	};
	struct draft *root = draft_new(arena), *list = draft_list(arena, root, "list");
	struct draft *brackets = draft_list(arena, root, "brackets");

	brackets->is_short = true;
	for (size_t i = 0; i < COUNT_OF(dangerous); i++) {
		struct draft *one = draft_list(arena, root, dangerous[i][0] == '<' ? "x" : dangerous[i]);

		draft_text(arena, list, NULL, dangerous[i]);
		one->is_short = true;
		draft_text(arena, one, NULL, dangerous[i]);
		draft_text(arena, one, NULL, "192.0.2.1:80");
	}
	draft_remove(root, "${HOME}"); /* variables are for values */
	draft_remove(root, "$${HOME}");
	same(root, parse(write_draft(root)), written);
	ck_assert_ptr_nonnull(strstr(written, "  - 2001:db8::1\n"));
	ck_assert_ptr_nonnull(strstr(written, "2001:db8::1: [\"2001:db8::1\", 192.0.2.1:80]\n"));
	ck_assert_ptr_nonnull(strstr(written, "brackets: []\n"));
}
END_TEST

START_TEST(bytes_that_are_no_text_become_question_marks)
{
	struct draft *root = draft_new(arena);

	draft_text(arena, root, "a", "x\xff\xc3+\xed\xa0\x80y");
	draft_above(arena, draft_text(arena, root, "b", "c"), "evil\nkey: \x1b[31m value\xfe");
	ck_assert_str_eq(write_draft(root), "a: \"x??+???y\"\n# evil?key: ?[31m value?\nb: c\n");
	ck_assert_str_eq(parse(written)->pairs[0].value->text, "x??+???y");
}
END_TEST

START_TEST(long_comments_and_brackets_are_broken_into_lines)
{
	struct draft *root = draft_new(arena), *list = draft_list(arena, root, "list");
	const char *at;

	list->is_short = true;
	for (int i = 0; i < 40; i++)
		draft_textf(arena, list, NULL, "word%d", i);
	draft_above(arena, list, "%0*d %0*d %0*d", 60, 1, 60, 2, 200, 3);
	ck_assert_ptr_nonnull(strstr(write_draft(root), "\n  - word39\n"));
	ck_assert_int_eq(written[0], '#');
	at = strchr(written, '\n');
	ck_assert_int_eq(at[1], '#');
	same(root, parse(written), written);
}
END_TEST

/* ---- any tree ------------------------------------------------------------------------------- */

static uint64_t state;

static unsigned below(unsigned limit)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % limit;
}

static const char *any_text(bool is_key)
{
	static const char *const parts[] = {"on",  "no", "~", "0",   "1",  ".",  ":", " ",  "#",  "-",  "{",
					    "}",   "[",  "]", ",",   "\"", "'",  "!", "&",  "*",  "a",  "Z",
					    "\\",  "\n", "%", "ß",   "|",  ">",  "?", "\t", "$",  "::", "=",
					    "2001", "@", "`", "\x7f", "x", "_",  "+", "true", "null", "e5", "${A}"};
	char text[64] = "";
	struct text building = text_of(text, sizeof(text));

	for (unsigned left = below(6); left; left--)
		text_add(&building, "%s", parts[below(COUNT_OF(parts) - (is_key ? 1 : 0))]);
	return arena_strdup(arena, text);
}

static void fill(struct draft *node, unsigned depth)
{
	for (unsigned left = below(5); left; left--) {
		const char *key = node->kind == DRAFT_MAP ? any_text(true) : NULL;
		unsigned kind = below(depth ? 6 : 3);
		struct draft *child;

		if (key && (!strcmp(key, "<<") || strstr(key, "${") || draft_find(node, key)))
			continue;
		if (kind < 2)
			child = draft_text(arena, node, key, any_text(false));
		else if (kind == 2)
			child = draft_value(arena, node, key, below(2) ? "%d" : "true", (int)below(99));
		else if (node->kind == DRAFT_MAP)
			child = kind & 1 ? draft_map(arena, node, key) : draft_list(arena, node, key);
		else
			child = draft_item(arena, node, kind & 1 ? DRAFT_MAP : DRAFT_LIST);
		ck_assert_ptr_nonnull(child);
		if (kind > 2)
			fill(child, depth - 1);
		child->is_short = below(2);
		if (!below(4))
			draft_above(arena, child, "%s", any_text(false));
		if (!below(4))
			draft_beside(arena, child, "%s", any_text(false));
		if (!below(4) && kind > 2)
			draft_below(arena, child, "%s", any_text(false));
	}
}

START_TEST(any_draft_is_read_as_it_was_meant)
{
	const char *given = getenv("LBHA_SEED");

	state = given ? strtoull(given, NULL, 0) : 20260708;
	printf("LBHA_SEED=%llu\n", (unsigned long long)state);
	for (int i = 0; i < 3000; i++) {
		struct draft *root = draft_new(arena);
		const struct node *read;

		fill(root, 4);
		read = parse(write_draft(root));
		if (root->first)
			same(root, read, written);
		ck_assert(draft_equal(root, root));
		arena_reset(arena);
	}
}
END_TEST

int main(void)
{
	TCase *draft = CASE("draft", maps_and_lists_are_indented_as_people_do_it,
			    what_a_reader_would_take_for_something_else_is_quoted,
			    bytes_that_are_no_text_become_question_marks,
			    long_comments_and_brackets_are_broken_into_lines,
			    any_draft_is_read_as_it_was_meant);

	tcase_add_checked_fixture(draft, setup, teardown);
	return SUITE_RUN("convert", draft);
}
