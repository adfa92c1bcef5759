/* See the header. A subsection for each map of the file, called by the way to it: "vrrp[].announce" is the map under
 * announce in an element of the list vrrp, "checks.*" whatever name stands below checks. A map that may stand in several
 * places is told at the first. */
#include "config/reference.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"
#include "config/schema.h"

#define PLACES 48
#define PATH 96
#define WIDTH 78

struct writing {
	reference_out *out;
	void *ctx;
	const struct schema_record *told[PLACES];
	size_t count;
};

/* ---- text of mdoc --------------------------------------------------------------------------- */

static void put(struct writing *w, const char *text)
{
	w->out(w->ctx, text);
}

static void put_line(struct writing *w, const char *macro, const char *text)
{
	put(w, macro);
	put(w, text);
	put(w, "\n");
}

/* A word of running text: a backslash would begin an escape. */
static void put_word(struct writing *w, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char one[2] = {word[i]};

		put(w, word[i] == '\\' ? "\\e" : one);
	}
}

/* Lines that no macro begins. */
static void put_folded(struct writing *w, const char *text)
{
	size_t at = 0;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (at && at + 1 + length > WIDTH) {
			put(w, "\n");
			at = 0;
		}
		if (at)
			put(w, " ");
		else if (*text == '.' || *text == '\'')
			put(w, "\\&");
		put_word(w, text, length);
		at += length + (at > 0);
		text += length;
		text += *text == ' ';
	}
	put(w, "\n");
}

/* ---- types ---------------------------------------------------------------------------------- */

static void say_words(struct text *out, const struct schema_word *words)
{
	for (const struct schema_word *word = words; word->text; word++)
		text_add(out, "%s%s", word == words ? "" : word[1].text ? ", " : " or ", word->text);
}

static void say_numbers(struct text *out, const struct schema_field *field)
{
	const char *unit = field->flags & FIELD_PERCENT ? "%" : "";

	text_add(out, "%s", *unit ? "percentage" : "number");
	if (field->max && field->max < UINT32_MAX)
		text_add(out, " %" PRId64 "%s to %" PRId64 "%s", field->min, unit, field->max, unit);
	else if (field->min)
		text_add(out, " from %" PRId64, field->min);
}

static void say_times(struct text *out, const struct schema_field *field)
{
	char least[DURATION_TEXT], most[DURATION_TEXT];

	text_add(out, "time");
	if (field->min)
		text_add(out, " %s to %s", duration_format(field->min, least), duration_format(field->max, most));
	else if (field->max)
		text_add(out, " up to %s", duration_format(field->max, most));
	if (field->step)
		text_add(out, " in steps of %s", duration_format(field->step, least));
	if (field->flags & FIELD_FOREVER)
		text_add(out, " or forever");
}

static void say_single(struct text *out, const struct schema_field *field)
{
	switch (field->type) {
	case TYPE_BOOL:
		text_add(out, "true or false");
		break;
	case TYPE_NUMBER:
	case TYPE_SIGNED:
		say_numbers(out, field);
		break;
	case TYPE_DURATION:
		say_times(out, field);
		break;
	case TYPE_TEXT:
		text_add(out, field->flags & FIELD_PATTERN ? "regular expression"
			      : field->flags & FIELD_SECRET ? "text or {file: PATH}"
							    : "text");
		if (field->max)
			text_add(out, " of at most %" PRId64 " bytes", field->max);
		break;
	case TYPE_ADDRESS:
		text_add(out, "address");
		break;
	case TYPE_PREFIX:
		text_add(out, "address with or without a prefix length");
		break;
	case TYPE_ENDPOINT:
		text_add(out, "address with or without a port");
		break;
	case TYPE_RANGE:
		say_numbers(out, field);
		text_add(out, " or a range of them");
		break;
	case TYPE_WORD:
	case TYPE_WORDS:
		say_words(out, field->words);
		break;
	case TYPE_RECORD:
		text_add(out, "map");
		break;
	case TYPE_SOURCE:
		break;
	}
}

static void say_type(struct text *out, const struct schema_field *field)
{
	bool is_many = field->flags & FIELD_LIST || field->type == TYPE_WORDS;
	bool is_section = field->roles && field->flags & FIELD_LIST && !(field->flags & FIELD_SECRET);

	if (field->flags & FIELD_MAP) {
		text_add(out, "map by name");
		return;
	}
	if (is_section) {
		text_add(out, "list of maps");
		return;
	}
	if (field->type == TYPE_SOURCE)
		return;
	say_single(out, field);
	if (is_many)
		text_add(out, ", or a list of %s", field->type == TYPE_RECORD ? "maps" : "these");
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Whether most kinds of the record have the row: then the others are told. */
static bool have_most(const struct schema_field *by, const struct schema_field *field)
{
	int have = 0, lack = 0;

	for (const struct schema_word *word = by->words; word && word->text; word++)
		if (field->applies >> word->value & 1)
			have++;
		else
			lack++;
	return have > lack;
}

/* Of which kinds of the record the row is: "with type tcp, udp", "not with type file". */
static void say_kinds(struct text *out, const struct schema_record *record, const struct schema_field *field)
{
	const struct schema_field *by = field->applies ? schema_discriminator(record) : NULL;
	uint32_t told = field->applies;
	const char *between = "";

	if (!by)
		return;
	if (have_most(by, field))
		told = ~told;
	text_add(out, told == field->applies ? "with %s" : "not with %s", by->key ? by->key : "");
	text_add(out, "%s", by->key ? " " : "");
	for (const struct schema_word *word = by->words; word && word->text; word++)
		if (told >> word->value & 1) {
			text_add(out, "%s%s", between, word->text);
			between = ", ";
		}
	for (int64_t value = by->min; !by->words && value <= by->max; value++)
		if (told >> value & 1)
			text_add(out, "%" PRId64, value);
}

/* Whether it is the key that says of which variant the map is. */
static bool is_variant_key(const struct schema_record *record, const struct schema_field *field)
{
	const struct schema_word *word = record->is_variant ? record->fields[0].words : NULL;

	for (; word && word->text; word++)
		if (!strcmp(word->text, field->key))
			return true;
	return false;
}

/* "(number 1 to 255; required)" */
static void put_facts(struct writing *w, const struct schema_record *record, const struct schema_field *field)
{
	char facts[512];
	struct text text = text_of(facts, sizeof(facts));
	char line[600];

	say_type(&text, field);
	if (field->flags & FIELD_REQUIRED)
		text_add(&text, "%srequired", text.length ? "; " : "");
	else if (field->default_text)
		text_add(&text, "; default %s", field->default_text);
	if (field->applies && !is_variant_key(record, field)) {
		text_add(&text, "; ");
		say_kinds(&text, record, field);
	}
	if (!text.length)
		return;
	snprintf(line, sizeof(line), "(%s)", facts);
	put_folded(w, line);
}

static void put_row(struct writing *w, const struct schema_record *record, const struct schema_field *field)
{
	put_line(w, ".It Ic ", field->key);
	if (field->doc)
		put_folded(w, field->doc);
	put_facts(w, record, field);
}

/* ---- places --------------------------------------------------------------------------------- */

static bool is_told(const struct writing *w, const struct schema_record *record)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->told[i] == record)
			return true;
	return w->count == PLACES;
}

static void put_place(struct writing *w, const struct schema_record *record, const char *path)
{
	size_t length = strlen(path);

	put(w, ".Ss ");
	put(w, length ? path : "The file");
	put(w, length && path[length - 1] == ']' ? "\\&\n" : "\n"); /* mdoc would take it for punctuation */
	put(w, ".Bl -tag -width \"virtual_router_id\" -compact\n");
	for (size_t i = 0; i < record->count; i++)
		if (record->fields[i].key)
			put_row(w, record, &record->fields[i]);
	put(w, ".El\n");
	w->told[w->count++] = record;
}

/* Maps that builders read, and so no row has. */
static const struct {
	const char *key;
	const struct schema_record *in, *record;
} built[] = {
	{"real_servers", &schema_service, &schema_real_server},
	{"defaults", &schema_model, &schema_defaults},
};

static const struct schema_record *map_under(const struct schema_record *in, const struct schema_field *field)
{
	for (size_t i = 0; field->key && i < COUNT_OF(built); i++)
		if (built[i].in == in && !strcmp(built[i].key, field->key))
			return built[i].record;
	if (!field->key || !field->record)
		return NULL;
	if (field->flags & FIELD_MAP && field->record->count == 2)
		return NULL; /* names and values */
	return field->record;
}

static const char *suffix_of(const struct schema_field *field, const struct schema_record *record)
{
	if (record == &schema_defaults)
		return "";
	if (field->flags & FIELD_MAP)
		return ".*";
	return field->flags & FIELD_LIST || record == &schema_real_server ? "[]" : "";
}

/* Whether another row of the key has another map. */
static bool is_ambiguous(const struct schema_record *record, const struct schema_field *field)
{
	for (size_t i = 0; i < record->count; i++)
		if (&record->fields[i] != field && record->fields[i].key && !strcmp(record->fields[i].key, field->key) &&
		    record->fields[i].record)
			return true;
	return false;
}

/* The record, then those below it: no map of lbha.conf holds itself. */
static void tell(struct writing *w, const struct schema_record *record, const char *path)
{
	put_place(w, record, path);
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		const struct schema_record *below = map_under(record, field);
		char deeper[PATH];
		struct text text = text_of(deeper, sizeof(deeper));

		if (!below || is_told(w, below))
			continue;
		text_add(&text, "%s%s%s%s", path, *path ? "." : "", field->key, suffix_of(field, below));
		if (field->applies && is_ambiguous(record, field)) {
			text_add(&text, " ");
			say_kinds(&text, record, field);
		}
		tell(w, below, deeper);
	}
}

void reference(reference_out *out, void *ctx)
{
	struct writing w = {.out = out, .ctx = ctx};

	tell(&w, &schema_model, "");
}
