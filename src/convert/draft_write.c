/* A draft as YAML; see draft.h. Block style with two blanks a level, as people write lbha.conf; lists
 * and maps that are marked short go into brackets where they fit into a line. A text stands without
 * quotes only where neither YAML nor lbha.conf's reader could take it for anything else. */
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/quote.h"
#include "config/value.h"
#include "convert/draft.h"

#define LINE_ROOM (48u << 10) /* the longest text with every byte escaped */
#define WIDTH 110

struct writer {
	void (*line)(void *ctx, const char *text);
	void *ctx;
	char *buffer, *trial;
	unsigned indent;
	bool is_item; /* the next line opens an element of a list */
	bool is_cut;
};

/* ---- scalars -------------------------------------------------------------------------------- */

/* In brackets a colon and the signs of YAML's own want quotes, but for the port of an address. */
static bool fits_brackets(const char *text)
{
	const char *colon = strchr(text, ':');

	return !colon || (!strchr(colon + 1, ':') && colon[1] >= '0' && colon[1] <= '9');
}

static void add_text(struct text *out, const char *text, bool in_brackets)
{
	if (quote_is_needless(text) && !value_plain_trap(text) &&
	    (!in_brackets || fits_brackets(text)))
		text_add(out, "%s", text);
	else
		quote_add(out, text);
}

static void add_scalar(struct text *out, const struct draft *node, bool in_brackets)
{
	if (node->kind == DRAFT_VALUE)
		text_add(out, "%s", node->text);
	else
		add_text(out, node->text, in_brackets);
}

static void add_brackets(struct text *out, const struct draft *node)
{
	text_add(out, node->kind == DRAFT_MAP ? "{" : "[");
	for (const struct draft *at = node->first; at && !out->cut; at = at->next) {
		if (at->key) {
			add_text(out, at->key, true);
			text_add(out, ": ");
		}
		if (at->kind == DRAFT_MAP || at->kind == DRAFT_LIST)
			add_brackets(out, at);
		else
			add_scalar(out, at, true);
		text_add(out, at->next ? ", " : "");
	}
	text_add(out, node->kind == DRAFT_MAP ? "}" : "]");
}

/* Whether nothing in it needs a line of its own. */
static bool is_bare(const struct draft *node)
{
	for (const struct draft *at = node->first; at; at = at->next)
		if (at->above || at->below || at->beside || !is_bare(at))
			return false;
	return !node->below;
}

static bool goes_into_brackets(struct writer *w, const struct draft *node)
{
	struct text trial = text_of(w->trial, WIDTH);

	if (node->kind != DRAFT_MAP && node->kind != DRAFT_LIST)
		return false;
	if (!node->first)
		return true;
	if (!node->is_short || !is_bare(node))
		return false;
	add_brackets(&trial, node);
	return !trial.cut &&
	       w->indent + trial.length + (node->key ? strlen(node->key) + 2 : 0) <= WIDTH;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static struct text line_begin(struct writer *w)
{
	struct text out = text_of(w->buffer, LINE_ROOM);

	text_add(&out, "%*s%s", (int)(w->is_item ? w->indent - 2 : w->indent), "",
		 w->is_item ? "- " : "");
	w->is_item = false;
	return out;
}

static void line_end(struct writer *w, const struct text *out)
{
	w->is_cut |= out->cut;
	w->line(w->ctx, out->start);
}

/* How much of a comment goes into a line: up to the last blank that is in it, if there is one. */
static size_t comment_part(const char *text, size_t room)
{
	size_t length = strlen(text), at = room;

	if (length <= room)
		return length;
	while (at && text[at] != ' ')
		at--;
	return at ? at : length;
}

static void write_comment(struct writer *w, const char *text, unsigned indent)
{
	do {
		struct text out = text_of(w->buffer, LINE_ROOM);
		size_t part = comment_part(text, WIDTH - (indent < WIDTH / 2 ? indent : WIDTH / 2));

		text_add(&out, "%*s%s", (int)indent, "", part ? "# " : "#");
		text_add_clean(&out, text, part);
		line_end(w, &out);
		text += part;
		text += *text == ' ';
	} while (*text);
}

/* An empty text is an empty line. */
static void write_comments(struct writer *w, const struct draft_comment *comments, unsigned indent)
{
	for (; comments; comments = comments->next)
		if (*comments->text)
			write_comment(w, comments->text, indent);
		else
			w->line(w->ctx, "");
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static void write_children(struct writer *w, const struct draft *node);

/* What a line begins with has been written; the value follows in it or below. */
static void write_value(struct writer *w, const struct draft *node, struct text *out)
{
	bool is_block = node->kind == DRAFT_MAP || node->kind == DRAFT_LIST;
	bool in_brackets = goes_into_brackets(w, node);

	if (in_brackets || !is_block)
		text_add(out, node->key ? " " : "");
	if (in_brackets)
		add_brackets(out, node);
	else if (!is_block)
		add_scalar(out, node, false);
	if (node->beside) {
		text_add(out, " # ");
		text_add_clean(out, node->beside, strlen(node->beside));
	}
	line_end(w, out);
	if (!is_block)
		return;
	if (in_brackets) {
		write_comments(w, node->below, w->indent);
		return;
	}
	w->indent += node->kind == DRAFT_LIST ? 4 : 2;
	write_children(w, node);
	w->indent -= node->kind == DRAFT_LIST ? 4 : 2;
}

static void write_node(struct writer *w, const struct draft *node)
{
	struct text out;

	write_comments(w, node->above, w->is_item ? w->indent - 2 : w->indent);
	out = line_begin(w);
	if (node->key) {
		add_text(&out, node->key, false);
		text_add(&out, ":");
	}
	write_value(w, node, &out);
}

/* An element of a list: a map begins in the line of its dash. */
static void write_item(struct writer *w, const struct draft *node)
{
	w->is_item = true;
	if (node->kind == DRAFT_MAP && !goes_into_brackets(w, node)) {
		write_comments(w, node->above, w->indent - 2);
		if (node->beside)
			write_comment(w, node->beside, w->indent - 2);
		/* what stands above its first key stands above the dash */
		write_children(w, node);
		return;
	}
	if (node->kind == DRAFT_LIST && !goes_into_brackets(w, node)) {
		struct text out = text_of(w->buffer, LINE_ROOM);

		text_add(&out, "%*s-", (int)w->indent - 2, "");
		w->is_item = false;
		line_end(w, &out);
		w->indent += 2;
		write_children(w, node);
		w->indent -= 2;
		return;
	}
	write_node(w, node);
}

static void write_children(struct writer *w, const struct draft *node)
{
	for (const struct draft *at = node->first; at; at = at->next) {
		if (node->kind == DRAFT_LIST)
			write_item(w, at);
		else
			write_node(w, at);
	}
	write_comments(w, node->below, node->kind == DRAFT_LIST ? w->indent - 2 : w->indent);
}

int draft_write(const struct draft *root, struct arena *scratch,
		void (*line)(void *ctx, const char *text), void *ctx)
{
	struct writer w = {.line = line,
			   .ctx = ctx,
			   .buffer = arena_alloc(scratch, LINE_ROOM),
			   .trial = arena_alloc(scratch, WIDTH)};

	if (!w.buffer || !w.trial || arena_failed(scratch))
		return -ENOMEM;
	write_children(&w, root);
	return w.is_cut ? -E2BIG : 0;
}
