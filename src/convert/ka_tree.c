/* Lines to statements; see the header. A brace outside of double quotes ends a statement wherever it
 * stands; one that opens belongs to the statement before it, in the same line or an earlier one. */
#include "convert/ka_tree.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "convert/ka_lines.h"

struct growing {
	struct arena *arena;
	const struct ka_files *files;
	struct ka_node *open[KA_DEPTH_MAX]; /* the blocks that we are in; [0] is the root */
	size_t depth;                       /* of the innermost */
	const char *file;                   /* where we are */
	uint32_t line;
};

static void say(const struct growing *g, const char *text)
{
	if (g->files->say)
		g->files->say(g->files->ctx, g->file, g->line, text);
}

/* Where a word that begins at `at` ends. */
static const char *word_end(const char *at)
{
	const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;

	return end ? end + 1 : at + 1 + strcspn(at + 1, " \t\"");
}

static void add_words(struct growing *g, struct ka_node *node)
{
	size_t count = 0, room;

	for (const char *at = node->raw; *(at += strspn(at, " \t")); at = word_end(at))
		count++;
	room = count;
	node->words = arena_array(g->arena, room + 1, sizeof(*node->words));
	node->quoted = arena_array(g->arena, room + 1, sizeof(*node->quoted));
	if (!node->words || !node->quoted)
		return;
	for (const char *at = node->raw; *(at += strspn(at, " \t")); at = word_end(at)) {
		size_t length = (size_t)(word_end(at) - at);
		bool quoted = *at == '"' && length > 1 && at[length - 1] == '"';

		node->quoted[node->count] = quoted;
		node->words[node->count] = arena_text(g->arena, at + quoted, length - 2 * quoted);
		node->count += node->words[node->count] != NULL;
	}
}

static int add_statement(struct growing *g, const char *text, size_t length)
{
	struct ka_node *parent = g->open[g->depth], *node;

	while (length && strchr(" \t", text[length - 1]))
		length--;
	while (length && strchr(" \t", *text))
		text++, length--;
	if (!length)
		return 0;
	node = arena_alloc(g->arena, sizeof(*node));
	if (!node)
		return -ENOMEM;
	*node = (struct ka_node){.file = g->file, .line = g->line};
	node->raw = arena_text(g->arena, text, length);
	if (!node->raw)
		return -ENOMEM;
	add_words(g, node);
	if (!node->count)
		return arena_failed(g->arena) ? -ENOMEM : 0;
	*(parent->last ? &parent->last->next : &parent->first) = node;
	parent->last = node;
	return 0;
}

static int open_block(struct growing *g)
{
	struct ka_node *node = g->open[g->depth]->last;

	if (!node || node->has_block) {
		say(g, "a { without a keyword before it");
		/* its content must not be taken for that of the block around it */
		if (add_statement(g, "{", 1))
			return -ENOMEM;
		node = g->open[g->depth]->last;
	}
	if (g->depth + 1 >= KA_DEPTH_MAX) {
		say(g, "blocks are nested too deeply");
		return -E2BIG;
	}
	node->has_block = true;
	g->open[++g->depth] = node;
	return 0;
}

/* The first brace outside of double quotes, or the end. */
static const char *find_brace(const char *at)
{
	while (*(at += strcspn(at, "{}\"")) == '"') {
		at = strchr(at + 1, '"');
		if (!at)
			return NULL;
		at++;
	}
	return *at ? at : NULL;
}

static int take_line(void *ctx, const char *file, uint32_t line, char *text)
{
	struct growing *g = ctx;
	const char *at = text, *brace;
	int err = 0;

	g->file = file;
	g->line = line;
	for (; !err && (brace = find_brace(at)); at = brace + 1) {
		err = add_statement(g, at, (size_t)(brace - at));
		if (!err && *brace == '{')
			err = open_block(g);
		else if (g->depth)
			g->depth--;
		else if (!err)
			say(g, "a } without a block");
	}
	return err ? err : add_statement(g, at, strlen(at));
}

struct ka_node *ka_parse(struct arena *arena, const struct ka_files *files, const char *id,
			 const char *path, const char *bytes, size_t size)
{
	struct growing growing = {.arena = arena, .files = files, .file = path};
	struct ka_lines lines = {arena, files, id, take_line, &growing};
	int err;

	growing.open[0] = arena_alloc(arena, sizeof(struct ka_node));
	if (!growing.open[0])
		return NULL;
	err = ka_lines_read(&lines, path, bytes, size);
	if (err || arena_failed(arena)) {
		if (err == -ENOMEM || !err)
			say(&growing, "the file is too large");
		return NULL;
	}
	if (growing.depth) {
		growing.line = growing.open[growing.depth]->line;
		growing.file = growing.open[growing.depth]->file;
		say(&growing, "this block has no end");
	}
	return growing.open[0];
}

const char *ka_word(const struct ka_node *node, size_t index)
{
	return node && index < node->count ? node->words[index] : NULL;
}

bool ka_is(const struct ka_node *node, const char *keyword)
{
	return node->count && !strcmp(node->words[0], keyword);
}

const struct ka_node *ka_child(const struct ka_node *node, const char *keyword)
{
	const struct ka_node *at = node ? node->first : NULL;

	while (at && !ka_is(at, keyword))
		at = at->next;
	return at;
}
