/* libyaml's events into our own nodes; see the header. YAML as people use it in configurations and
 * no more: one document, scalar keys, anchors, aliases and merge keys. A key given twice is an
 * error; a syntax error ends the file, anything else is reported and passed over. Expansion through
 * aliases costs nothing here (nodes are shared) but would cost the reader: every node knows its
 * weight, and a file heavier than YAML_WEIGHT_MAX is refused. */
#include "config/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"

struct anchor {
	const char *name;
	const struct node *node; /* NULL: still being read */
};

struct composer {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one */
	struct arena *arena;
	const struct config_files *files;
	struct diagnostics *diagnostics;
	const char *file, *bytes;
	size_t size;
	struct anchor *anchors;
	size_t anchor_count;
	struct table anchor_index;
	size_t merged; /* pairs that merge keys brought */
	unsigned depth;
	bool stopped; /* a syntax error or a limit: reported */
};

/* ---- syntax errors -------------------------------------------------------------------------- */

/* The text of a line (from 0) into `out`. */
static void line_text(const struct composer *c, size_t line, char *out, size_t size)
{
	const char *at = c->bytes, *end = c->bytes + c->size, *stop;
	size_t length;

	for (; line && at < end; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			at = end;
		else
			at++;
	}
	stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
	length = (size_t)((stop ? stop : end) - at);
	if (length >= size)
		length = size - 1;
	memcpy(out, at, length);
	out[length] = '\0';
}

/* What usually is behind a syntax error in a line like this; NULL: nothing known. */
static const char *syntax_hint(const char *line, size_t column)
{
	const char *variable = strstr(line, "${"), *bracket = strpbrk(line, "[{"),
		   *close = strstr(line, "]:");

	if (variable && bracket < variable)
		return "YAML needs quotes around ${} inside {} and []: \"${NAME}\"";
	if (close && close[2] >= '0' && close[2] <= '9')
		return "YAML needs quotes around an IPv6 address with port: \"[2001:db8::1]:80\"";
	if (strstr(line, " ::") || strstr(line, "[::") || strstr(line, "{::"))
		return "YAML needs quotes around an IPv6 address that begins with \":\", and around any inside {} and []";
	if (column < strlen(line) && line[column] == '\t')
		return "a tab; YAML is indented with blanks";
	if (column < strlen(line) && strchr("@`%", line[column]))
		return "a value that begins with this character needs quotes";
	return NULL;
}

/* libyaml's complaints in words that help; anything else is shown as it says it. */
static const char *syntax_words(const char *problem)
{
	static const char *const words[][2] = {
		{"mapping values are not allowed in this context",
		 "a second \": \" in one line, or a wrong indentation; a value with \": \" in it needs quotes"},
		{"did not find expected key",
		 "is neither \"key: value\" nor part of what stands above; check the indentation"},
		{"did not find expected '-' indicator",
		 "is no item (\"- \") of the list above; check the indentation"},
		{"did not find expected ',' or ']'", "\",\" or \"]\" is expected here"},
		{"did not find expected ',' or '}'", "\",\" or \"}\" is expected here"},
		{"could not find expected ':'", "\":\" is expected after a key"},
		{"found unexpected end of stream", "the file ends inside a quoted text"},
		{"did not find expected node content", "a value is expected here"},
		{"found character that cannot start any token",
		 "a value that begins with this character needs quotes"},
		{"invalid leading UTF-8 octet", "the file is not UTF-8 text"},
		{"invalid trailing UTF-8 octet", "the file is not UTF-8 text"},
		{"incomplete UTF-8 octet sequence", "the file is not UTF-8 text"},
		{"control characters are not allowed", "a control character"},
	};

	for (size_t i = 0; problem && i < COUNT_OF(words); i++)
		if (!strcmp(words[i][0], problem))
			return words[i][1];
	return problem ? problem : "cannot be read";
}

/* Errors of libyaml's reader have an offset instead of a mark. */
static void offset_place(const struct composer *c, size_t offset, size_t *line, size_t *column)
{
	*line = *column = 0;
	for (size_t i = 0; i < offset && i < c->size; i++) {
		++*column;
		if (c->bytes[i] == '\n') {
			++*line;
			*column = 0;
		}
	}
}

static void syntax_error(struct composer *c)
{
	size_t line = c->parser.problem_mark.line, column = c->parser.problem_mark.column;
	struct node where = {.file = c->file};
	const char *context = c->parser.context, *hint;
	char text[512], began[48] = "";

	c->stopped = true;
	if (c->parser.error == YAML_MEMORY_ERROR)
		return;
	if (c->parser.error == YAML_READER_ERROR)
		offset_place(c, c->parser.problem_offset, &line, &column);
	line_text(c, line, text, sizeof(text));
	hint = c->parser.error == YAML_READER_ERROR ? NULL : syntax_hint(text, column);
	where.line = (uint32_t)line + 1;
	where.column = (uint32_t)column + 1;
	if (!hint && context && strstr(context, "while parsing a flow "))
		snprintf(began, sizeof(began), " (the bracket opened in line %zu)",
			 c->parser.context_mark.line + 1);
	node_error(c->diagnostics, &where, NULL, "syntax: %s%s",
		   hint ? hint : syntax_words(c->parser.problem), began);
}

/* Fetches the next event; false when the file has come to a bad end. */
static bool next_event(struct composer *c)
{
	yaml_event_delete(&c->event);
	if (!c->stopped && yaml_parser_parse(&c->parser, &c->event))
		return true;
	memset(&c->event, 0, sizeof(c->event));
	if (!c->stopped)
		syntax_error(c);
	return false;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static struct node *node_new(struct composer *c, enum node_kind kind)
{
	struct node *node = arena_alloc(c->arena, sizeof(*node));

	if (!node) {
		c->stopped = true;
		return NULL;
	}
	*node = (struct node){.kind = kind, .file = c->file, .weight = 1};
	node->line = (uint32_t)c->event.start_mark.line + 1;
	node->column = (uint32_t)c->event.start_mark.column + 1;
	return node;
}

static void add_weight(struct composer *c, struct node *node, const struct node *child,
		       const struct path *path)
{
	node->weight += child->weight;
	if (node->weight > YAML_WEIGHT_MAX && !c->stopped) {
		node_error(c->diagnostics, node, path, "aliases expand to more than %d values",
			   YAML_WEIGHT_MAX);
		c->stopped = true;
	}
}

static bool anchor_find(const struct composer *c, const char *name, size_t *index)
{
	bool found = false;
	uint32_t at;

	if (!c->anchor_count)
		return false;
	/* an anchor may be given again: the last one counts */
	for (size_t step = 0;
	     table_next(&c->anchor_index, text_hash(TEXT_HASH, name, strlen(name)), &step, &at);)
		if (!strcmp(c->anchors[at].name, name) && (!found || at > *index)) {
			*index = at;
			found = true;
		}
	return found;
}

/* Notes an anchor; its node comes when it is complete. Gives its number + 1, 0 without an anchor. */
static size_t anchor_open(struct composer *c, const yaml_char_t *name)
{
	const char *text = (const char *)name;
	struct anchor *anchor;

	if (!name)
		return 0;
	if (!c->anchor_count && table_init(&c->anchor_index, c->arena, 16))
		goto fail;
	anchor = arena_push(c->arena, &c->anchors, &c->anchor_count, sizeof(*anchor));
	if (!anchor)
		goto fail;
	anchor->name = arena_strdup(c->arena, text);
	if (!anchor->name || table_add(&c->anchor_index, text_hash(TEXT_HASH, text, strlen(text)),
				       (uint32_t)c->anchor_count - 1))
		goto fail;
	return c->anchor_count;
fail:
	c->stopped = true;
	return 0;
}

static void anchor_close(struct composer *c, size_t anchor, const struct node *node)
{
	if (anchor)
		c->anchors[anchor - 1].node = node;
}

static const struct node *compose_alias(struct composer *c, const struct path *path)
{
	const char *name = (const char *)c->event.data.alias.anchor;
	struct node *where = node_new(c, NODE_SCALAR);
	size_t index;

	if (!where)
		return NULL;
	if (anchor_find(c, name, &index) && c->anchors[index].node)
		return c->anchors[index].node;
	if (anchor_find(c, name, &index))
		node_error(c->diagnostics, where, path, "*%s stands inside what it names", name);
	else
		node_error(c->diagnostics, where, path, "no anchor of this name stands above; a text that begins with * needs quotation "
			   "marks"); /* it may be a password */
	c->stopped = true;
	return NULL;
}

/* Whether a tag is one of YAML's own names. */
static bool has_tag(const char *tag, const char *const *names)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	if (strncmp(tag, prefix, sizeof(prefix) - 1))
		return false;
	for (; *names; names++)
		if (!strcmp(tag + sizeof(prefix) - 1, *names))
			return true;
	return false;
}

static void scalar_style(struct composer *c, struct node *node, const struct path *path)
{
	static const char *const typed[] = {"int", "float", "bool", "null", NULL};
	static const char *const text[] = {"str", NULL};
	const char *tag = (const char *)c->event.data.scalar.tag;

	node->plain = c->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (tag && has_tag(tag, typed))
		node->plain = true;
	else if (tag && (has_tag(tag, text) || !strcmp(tag, "!")))
		node->plain = false;
	else if (tag)
		node_error(c->diagnostics, node, path, /* it may be a password */
			   "a tag means nothing here; a text that begins with ! needs quotation marks");
	node->quoted = !node->plain;
}

static const char *substitute(struct composer *c, struct node *node, const char *text,
			      const struct path *path)
{
	char why[CONFIG_WHY] = "out of memory";
	const char *out;

	if (!strstr(text, "${"))
		return text;
	if (text_substitute(text, c->files->environment, c->files->ctx, c->arena, &out, why)) {
		node_error(c->diagnostics, node, path, "%s", why);
		node->bad = true;
		return text;
	}
	node->variable = true;
	if (node->quoted)
		node->plain = true; /* inside {} and [] there is no other way to write a number */
	return out;
}

static const struct node *compose_scalar(struct composer *c, const struct path *path)
{
	struct node *node = node_new(c, NODE_SCALAR);
	size_t length = c->event.data.scalar.length;
	const char *text;

	if (!node)
		return NULL;
	scalar_style(c, node, path);
	text = arena_text(c->arena, (const char *)c->event.data.scalar.value, length);
	if (!text) {
		c->stopped = true;
		return NULL;
	}
	if (strlen(text) != length) {
		node_error(c->diagnostics, node, path, "has a zero byte");
		node->bad = true;
	}
	node->text = substitute(c, node, text, path);
	return node;
}

static const struct node *compose_node(struct composer *c, const struct path *path);

static void collection_tag(struct composer *c, const struct node *node, const yaml_char_t *tag,
			   const struct path *path)
{
	static const char *const names[] = {"seq", "map", NULL};

	if (tag && !has_tag((const char *)tag, names))
		node_error(c->diagnostics, node, path, "the tag %s means nothing here",
			   (const char *)tag);
}

static const struct node *compose_sequence(struct composer *c, const struct path *path)
{
	struct node *node = node_new(c, NODE_SEQUENCE);
	struct path below = {.up = path};

	if (!node)
		return NULL;
	collection_tag(c, node, c->event.data.sequence_start.tag, path);
	while (next_event(c) && c->event.type != YAML_SEQUENCE_END_EVENT) {
		const struct node *item, **added;

		below.index = node->count;
		item = compose_node(c, &below);
		if (!item)
			return NULL;
		added = arena_push(c->arena, &node->items, &node->count, sizeof(*added));
		if (!added)
			return NULL;
		*added = item;
		add_weight(c, node, item, path);
	}
	return c->stopped ? NULL : node;
}

/* ---- mappings ------------------------------------------------------------------------------- */

/* A mapping under construction; `index` is used from the 16th key on. */
struct building {
	struct node *node;
	const struct path *path;
	const struct node **merges; /* values of "<<" in order */
	size_t merge_count;
	size_t own; /* pairs written in the mapping itself */
	struct table index;
	bool indexed;
};

#define INDEX_FROM 16

static uint64_t key_hash(const char *key)
{
	return text_hash(TEXT_HASH, key, strlen(key));
}

static const struct node_pair *pair_find(const struct building *b, const char *key)
{
	uint32_t at;

	if (!b->indexed)
		return node_find(b->node, key);
	for (size_t step = 0; table_next(&b->index, key_hash(key), &step, &at);)
		if (!strcmp(b->node->pairs[at].key->text, key))
			return &b->node->pairs[at];
	return NULL;
}

static bool pair_add(struct composer *c, struct building *b, const struct node_pair *pair)
{
	struct node *node = b->node;
	struct node_pair *added = arena_push(c->arena, &node->pairs, &node->count, sizeof(*added));
	size_t first = node->count - 1;

	if (!added)
		return false;
	*added = *pair;
	if (!b->indexed && node->count < INDEX_FROM)
		return true;
	if (!b->indexed) {
		if (table_init(&b->index, c->arena, INDEX_FROM * 2))
			return false;
		b->indexed = true;
		first = 0;
	}
	for (size_t i = first; i < node->count; i++)
		if (table_add(&b->index, key_hash(node->pairs[i].key->text), (uint32_t)i))
			return false;
	return true;
}

static bool merge_mapping(struct composer *c, struct building *b, const struct node *from)
{
	c->merged += from->count;
	if (c->merged > YAML_WEIGHT_MAX) {
		node_error(c->diagnostics, from, b->path, "merge keys bring more than %d keys",
			   YAML_WEIGHT_MAX);
		c->stopped = true;
		return false;
	}
	for (size_t i = 0; i < from->count; i++) {
		if (pair_find(b, from->pairs[i].key->text))
			continue;
		if (!pair_add(c, b, &from->pairs[i]))
			return false;
		add_weight(c, b->node, from->pairs[i].value, b->path);
	}
	return true;
}

/* "<<": a mapping, or a list of them, whose keys count where the mapping has none of its own; the
 * first one wins. */
static bool merge_value(struct composer *c, struct building *b, const struct node *value)
{
	if (value->kind == NODE_MAPPING)
		return merge_mapping(c, b, value);
	for (size_t i = 0; value->kind == NODE_SEQUENCE && i < value->count; i++) {
		if (value->items[i]->kind != NODE_MAPPING)
			break;
		if (!merge_mapping(c, b, value->items[i]))
			return false;
		if (i + 1 == value->count)
			return true;
	}
	node_error(c->diagnostics, value, b->path,
		   "\"<<\" wants a mapping or a list of mappings (aliases)");
	return true;
}

static bool key_is_new(struct composer *c, const struct building *b, const struct node *key,
		       const struct path *path)
{
	const struct node_pair *first = pair_find(b, key->text);

	if (!first)
		return true;
	node_error(c->diagnostics, key, path, "is given twice; first at %s",
		   node_place(first->key, key, c->arena));
	return false;
}

/* One key and its value, from the key's event on. */
static bool compose_pair(struct composer *c, struct building *b)
{
	struct node *where = node_new(c, NODE_SCALAR);
	struct path below = {.up = b->path, .key = "?"};
	struct node_pair pair;

	pair.key = compose_node(c, &below);
	if (!pair.key || !where)
		return false;
	if (pair.key->kind == NODE_SCALAR)
		below.key = pair.key->text;
	else
		node_error(c->diagnostics, where, b->path, "a key is a single text");
	if (!next_event(c))
		return false;
	pair.value = compose_node(c, &below);
	if (!pair.value)
		return false;
	if (pair.key->kind != NODE_SCALAR)
		return true;
	if (pair.key->plain && !strcmp(pair.key->text, "<<")) {
		const struct node **merge =
			arena_push(c->arena, &b->merges, &b->merge_count, sizeof(*merge));

		if (merge)
			*merge = pair.value;
		return merge != NULL;
	}
	add_weight(c, b->node, pair.value, b->path);
	return !key_is_new(c, b, pair.key, &below) || pair_add(c, b, &pair);
}

static const struct node *compose_mapping(struct composer *c, const struct path *path)
{
	struct building b = {.node = node_new(c, NODE_MAPPING), .path = path};

	if (!b.node)
		return NULL;
	collection_tag(c, b.node, c->event.data.mapping_start.tag, path);
	while (next_event(c) && c->event.type != YAML_MAPPING_END_EVENT)
		if (!compose_pair(c, &b))
			return NULL;
	for (size_t i = 0; i < b.merge_count && !c->stopped; i++)
		if (!merge_value(c, &b, b.merges[i]))
			return NULL;
	return c->stopped ? NULL : b.node;
}

static const struct node *compose_deep(struct composer *c, const struct path *path)
{
	bool is_map = c->event.type == YAML_MAPPING_START_EVENT;
	size_t anchor = anchor_open(c, is_map ? c->event.data.mapping_start.anchor
					      : c->event.data.sequence_start.anchor);
	const struct node *node;

	if (c->depth >= YAML_DEPTH_MAX) {
		struct node *where = node_new(c, NODE_SCALAR);

		if (where)
			node_error(c->diagnostics, where, path, "is nested deeper than %d levels",
				   YAML_DEPTH_MAX);
		c->stopped = true;
		return NULL;
	}
	c->depth++;
	node = is_map ? compose_mapping(c, path) : compose_sequence(c, path);
	c->depth--;
	anchor_close(c, anchor, node);
	return node;
}

/* The node that begins with the current event; NULL when the file cannot be read on. */
static const struct node *compose_node(struct composer *c, const struct path *path)
{
	const struct node *node;
	size_t anchor;

	switch (c->event.type) {
	case YAML_ALIAS_EVENT:
		return compose_alias(c, path);
	case YAML_SCALAR_EVENT:
		anchor = anchor_open(c, c->event.data.scalar.anchor);
		node = compose_scalar(c, path);
		anchor_close(c, anchor, node);
		return node;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return compose_deep(c, path);
	default: /* libyaml's other events cannot stand here */
		c->stopped = true;
		return NULL;
	}
}

/* ---- the file ------------------------------------------------------------------------------- */

static void compose_stream(struct composer *c, const struct node **root)
{
	if (!next_event(c) || !next_event(c) || c->event.type == YAML_STREAM_END_EVENT)
		return; /* stream start; no document */
	if (!next_event(c))
		return;
	*root = compose_node(c, NULL);
	if (!*root || !next_event(c) || !next_event(c) || c->event.type == YAML_STREAM_END_EVENT)
		return;
	node_error(c->diagnostics,
		   &(struct node){.file = c->file,
				  .line = (uint32_t)c->event.start_mark.line + 1,
				  .column = 1},
		   NULL, "a second document (\"---\"); a file has one");
}

int yaml_parse(struct arena *arena, const char *file, const char *bytes, size_t size,
	       const struct config_files *files, struct diagnostics *diagnostics,
	       const struct node **root)
{
	struct composer c = {.arena = arena,
			     .files = files,
			     .diagnostics = diagnostics,
			     .file = file,
			     .bytes = bytes,
			     .size = size};
	const struct node *found = NULL;

	if (!yaml_parser_initialize(&c.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&c.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&c.parser, (const unsigned char *)bytes, size);
	compose_stream(&c, &found);
	yaml_event_delete(&c.event);
	yaml_parser_delete(&c.parser);
	if (arena_failed(arena))
		return -ENOMEM;
	if (c.stopped)
		return -EINVAL;
	*root = found && node_is_null(found) ? NULL : found;
	return 0;
}
