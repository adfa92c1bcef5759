/* Rows to YAML; see the header. Block style, two blanks a level; short sets of words and ranges in
 * brackets. What the reader resolves (pools, names of checks) is written as what it was resolved
 * to. */
#include "config/render.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/quote.h"
#include "config/schema.h"
#include "config/value.h"

#define LINE_ROOM 20480 /* the longest text of 4096 bytes, every byte escaped */

struct renderer {
	const struct model *model;
	const struct instance *instance; /* that is being rendered, or NULL */
	const struct service *service;   /* whose servers are being rendered */
	void (*line)(void *ctx, const char *text);
	void *ctx;
	char *buffer, *value;
	unsigned indent;
	bool item; /* the next line opens an element of a list */
};

/* ---- lines ---------------------------------------------------------------------------------- */

static void add_scalar(struct text *out, const struct schema_field *field, const char *text)
{
	bool is_number = field->type == TYPE_NUMBER || field->type == TYPE_BOOL;

	if (field->type == TYPE_SIGNED ||
	    (quote_is_needless(text) && (is_number || field->type != TYPE_TEXT || !value_plain_trap(text))))
		text_add(out, "%s", text);
	else
		quote_add(out, text);
}

/* Opens a line: indentation and "- " for a new element. */
static struct text line_begin(struct renderer *r)
{
	struct text out = text_of(r->buffer, LINE_ROOM);

	text_add(&out, "%*s%s", (int)(r->item ? r->indent - 2 : r->indent), "",
		 r->item ? "- " : "");
	r->item = false;
	return out;
}

static void line_end(struct renderer *r, const struct text *out)
{
	r->line(r->ctx, out->start);
}

static void add_key(struct text *out, const char *key)
{
	if (quote_is_needless(key) && !value_plain_trap(key))
		text_add(out, "%s:", key);
	else
		quote_add(out, key), text_add(out, ":");
}

static void key_line(struct renderer *r, const char *key, const char *rest)
{
	struct text out = line_begin(r);

	add_key(&out, key);
	text_add(&out, "%s", rest);
	line_end(r, &out);
}

static const char *formatted(struct renderer *r, const struct schema_field *field,
			     const void *value)
{
	struct text text = text_of(r->value, LINE_ROOM);

	value_format(field, value, &text);
	return r->value;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void render_sorry_checks(struct renderer *r, const struct real_server *server);
static void render_record(struct renderer *r, const struct schema_record *record,
			  const void *object);

static void render_scalar(struct renderer *r, const struct schema_field *field, const void *value)
{
	struct text out = line_begin(r);

	add_key(&out, field->key);
	text_add(&out, " ");
	add_scalar(&out, field, formatted(r, field, value));
	line_end(r, &out);
}

/* "[a, b]" for the words of a set. */
static void render_words(struct renderer *r, const struct schema_field *field, const void *value)
{
	uint64_t set = schema_number(value, field->size);
	struct text out = line_begin(r);
	const char *between = "";

	add_key(&out, field->key);
	text_add(&out, " [");
	for (const struct schema_word *word = field->words; word->text; word++)
		if (set & word->value) {
			text_add(&out, "%s%s", between, word->text);
			between = ", ";
		}
	text_add(&out, "]");
	line_end(r, &out);
}

static void add_map_value(struct renderer *r, struct text *out, const struct schema_field *field,
			  const void *element)
{
	const char *text = formatted(r, field, schema_value(field, element));

	if (field->type == TYPE_TEXT)
		quote_add(out, text);
	else
		add_scalar(out, field, text);
}

/* Names and values of a mapping. */
static void render_text_map(struct renderer *r, const struct schema_field *field,
			    const void *object)
{
	const char *elements = schema_elements(field, object);
	size_t count = schema_count(field, object);
	const char *key;

	if (!count)
		return;
	key_line(r, field->key, "");
	r->indent += 2;
	for (size_t i = 0; i < count; i++) {
		const char *element = elements + i * field->size;
		struct text out = line_begin(r);

		memcpy(&key, schema_value(&field->record->fields[0], element), sizeof(key));
		add_key(&out, key);
		text_add(&out, " ");
		add_map_value(r, &out, &field->record->fields[1], element);
		line_end(r, &out);
	}
	r->indent -= 2;
}

/* Our own address below those of our peers: so the list holds on every director. */
static void render_ourselves(struct renderer *r, const struct schema_field *field)
{
	struct addr own = r->instance->source;
	struct text out;

	for (size_t i = 0; !own.family && r->model->node && i < r->model->director_count; i++)
		if (!strcmp(r->model->directors[i].name, r->model->node))
			own = r->model->directors[i].address;
	if (!r->instance->unicast.peer_count || own.family != instance_family(r->instance))
		return;
	r->item = true;
	out = line_begin(r);
	add_scalar(&out, field, formatted(r, field, &own));
	text_add(&out, " # ourselves: left out");
	line_end(r, &out);
}

static void render_list(struct renderer *r, const struct schema_field *field, const void *object)
{
	const char *elements = schema_elements(field, object);
	size_t count = schema_count(field, object);

	key_line(r, field->key, count ? "" : " []");
	r->indent += 4;
	for (size_t i = 0; i < count; i++) {
		const void *element = elements + i * field->size;
		struct text out;

		r->item = true;
		if (field->type == TYPE_RECORD) {
			if (field->record == &schema_instance)
				r->instance = element;
			render_record(r, field->record, element);
			if (field->record == &schema_sorry_server)
				render_sorry_checks(r, element);
			continue;
		}
		out = line_begin(r);
		add_scalar(&out, field, formatted(r, field, element));
		line_end(r, &out);
	}
	if (field == schema_find(&schema_unicast, "peers"))
		render_ourselves(r, field);
	r->indent -= 4;
}

static void render_row(struct renderer *r, const struct schema_field *field, const void *object)
{
	const void *value = schema_value(field, object);

	if ((field->flags & FIELD_MAP) && field->type == TYPE_RECORD) {
		render_text_map(r, field, object);
	} else if (field->flags & FIELD_LIST) {
		if (!(field->flags & FIELD_SOME) || schema_count(field, object))
			render_list(r, field, object);
	} else if (field->type == TYPE_RECORD) {
		key_line(r, field->key, "");
		r->indent += 2;
		render_record(r, field->record, value);
		r->indent -= 2;
	} else if (field->type == TYPE_WORDS) {
		render_words(r, field, value);
	} else if (field->flags & FIELD_SECRET) {
		key_line(r, field->key, " \"***\"");
	} else if (!schema_is_optional(field) || value_is_present(field, value)) {
		render_scalar(r, field, value);
	}
}

static bool is_same_tunnel(const struct tunnel *a, const struct tunnel *b)
{
	return schema_equal(&schema_tunnel, a, b, 0);
}

/* What a reader would fill in by itself: the director's address as a source; of the ways to the servers only what is used, and of a
 * server what differs from its service. */
static bool is_implied(const struct renderer *r, const struct schema_field *field,
		       const void *object)
{
	static const struct tunnel none;
	const struct instance *instance = object;
	const struct real_server *server = object;
	const struct service *service = object;
	const struct global *global = object;

	if (field == schema_find(&schema_global, "control"))
		return !global->control.read_group && !global->control.write_group;
	if (field == schema_find(&schema_global, "exporter"))
		return !global->exporter.listen.address.family;
	if (field == schema_find(&schema_instance, "source"))
		return !instance->source_given;
	if (field == schema_find(&schema_service, "source"))
		return !service->source_count;
	if (field == schema_find(&schema_service, "tunnel"))
		return service->forwarding != FORWARDING_TUNNEL &&
		       is_same_tunnel(&service->tunnel, &none);
	if (field == schema_find(&schema_real_server, "forwarding") ||
	    field == schema_find(&schema_sorry_server, "forwarding"))
		return server->forwarding == r->service->forwarding;
	if (field == schema_find(&schema_real_server, "tunnel") ||
	    field == schema_find(&schema_sorry_server, "tunnel"))
		return server->forwarding != FORWARDING_TUNNEL ||
		       is_same_tunnel(&server->tunnel, &r->service->tunnel);
	return false;
}

/* Every row that has a key and a member; what is derived or resolved is left to the caller. */
static void render_record(struct renderer *r, const struct schema_record *record,
			  const void *object)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (field->key && schema_is_stored(field) &&
		    schema_applies(record, field, object) && !is_implied(r, field, object))
			render_row(r, field, object);
	}
}

/* ---- sections ------------------------------------------------------------------------------- */

/* Whether a check was seen among the probes that stand before this one. */
static bool seen_before(const struct renderer *r, const struct real_server *server, size_t until)
{
	for (size_t i = 0; i < until; i++)
		if (r->model->probes[server->probes[i]].check ==
		    r->model->probes[server->probes[until]].check)
			return true;
	return false;
}

/* The checks that the probes of a server are for. */
static void render_checks(struct renderer *r, const struct real_server *server)
{
	key_line(r, "check", "");
	r->indent += 4;
	for (size_t i = 0; i < server->probe_count; i++) {
		const struct check *check =
			&r->model->checks[r->model->probes[server->probes[i]].check];
		struct text out;

		if (seen_before(r, server, i))
			continue;
		r->item = true;
		if (!check->name) {
			render_record(r, &schema_check, check);
			continue;
		}
		out = line_begin(r);
		if (quote_is_needless(check->name) && !value_plain_trap(check->name))
			text_add(&out, "%s", check->name);
		else
			quote_add(&out, check->name);
		line_end(r, &out);
	}
	r->indent -= 4;
}

static void render_sorry_checks(struct renderer *r, const struct real_server *server)
{
	if (server->probe_count)
		render_checks(r, server);
}

/* A service's checks, found through the probes of the first server that is not disabled: all have
 * the same ones. */
static void render_service_checks(struct renderer *r, const struct service *service)
{
	const struct real_server *server = service->real_servers;
	size_t left = service->real_server_count;

	for (; left && !server->probe_count; left--)
		server++;
	if (left)
		render_checks(r, server);
}

static void render_servers(struct renderer *r, const struct service *service)
{
	key_line(r, "real_servers", service->real_server_count ? "" : " []");
	r->indent += 4;
	for (size_t i = 0; i < service->real_server_count; i++) {
		r->item = true;
		render_record(r, &schema_real_server, &service->real_servers[i]);
	}
	r->indent -= 4;
}

static void render_services(struct renderer *r)
{
	if (!r->model->service_count)
		return;
	key_line(r, "services", "");
	r->indent += 4;
	for (size_t i = 0; i < r->model->service_count; i++) {
		r->item = true;
		r->service = &r->model->services[i];
		render_record(r, &schema_service, r->service);
		render_service_checks(r, &r->model->services[i]);
		render_servers(r, &r->model->services[i]);
	}
	r->indent -= 4;
}

/* A mapping of names to objects, without those that have no name. */
static void render_named(struct renderer *r, const char *key, const struct schema_record *record,
			 const void *objects, size_t count,
			 const char *(*name_of)(const void *object))
{
	bool open = false;

	for (size_t i = 0; i < count; i++) {
		const void *object = (const char *)objects + i * record->size;

		if (!name_of(object))
			continue;
		if (!open)
			key_line(r, key, "");
		open = true;
		r->indent += 2;
		key_line(r, name_of(object), "");
		r->indent += 2;
		render_record(r, record, object);
		r->indent -= 4;
	}
}

static const char *director_name(const void *object)
{
	return ((const struct director *)object)->name;
}

static const char *check_name(const void *object)
{
	return ((const struct check *)object)->name;
}

int config_render(const struct model *model, struct arena *scratch,
		  void (*line)(void *ctx, const char *text), void *ctx)
{
	struct renderer r = {.model = model,
			     .line = line,
			     .ctx = ctx,
			     .buffer = arena_alloc(scratch, LINE_ROOM),
			     .value = arena_alloc(scratch, LINE_ROOM)};

	if (!r.buffer || !r.value)
		return -ENOMEM;
	if (model->cluster)
		render_row(&r, schema_find(&schema_model, "cluster"), model);
	render_named(&r, "directors", &schema_director, model->directors, model->director_count,
		     director_name);
	render_row(&r, schema_find(&schema_model, "global"), model);
	if (model->instance_count)
		render_row(&r, schema_find(&schema_model, "vrrp"), model);
	if (model->sync_group_count)
		render_row(&r, schema_find(&schema_model, "sync_groups"), model);
	render_named(&r, "checks", &schema_check, model->checks, model->check_count, check_name);
	render_services(&r);
	return 0;
}
