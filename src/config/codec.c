/* Slices; see the header. A record is its rows in the order of the table, each as number (16 bits),
 * length (32) and value; a list is a count (32) and its elements, each with a length (32). Absent
 * values are left out. Reading holds every value to its row again (range, words, judge, required):
 * a slice comes from our own compiler, but that one has read foreign text and the reader may have
 * rights. */
#include "config/codec.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "config/schema.h"
#include "config/value.h"

#define SLICE_MAGIC 0x4c424853 /* "LBHS" */
#define SLICE_FIRST (16u << 20) /* bytes tried first: of fresh memory only what is used is touched */
#define SLICE_MAX (256u << 20)

/* Set inside the objects of the model: there all rows go to whoever gets the object, but secrets. */
#define INSIDE (1u << 31)

static bool is_for(const struct schema_field *field, uint32_t role)
{
	if (field->flags & FIELD_SECRET)
		return role & (1u << ROLE_VRRP);
	return (role & INSIDE) || (field->roles & role);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_record(struct writer *out, const struct schema_record *record, const void *object,
		       uint32_t role);

static void patch_length(struct writer *out, uint8_t *at)
{
	struct writer length;

	if (!at || out->failed)
		return;
	length = writer_of(at, 4);
	put_u32(&length, (uint32_t)(out->at - at - 4));
}

static void put_value(struct writer *out, const struct schema_field *field, const void *value,
		      uint32_t role)
{
	const struct status_range *range = value;
	const struct prefix *prefix = value;
	const char *text;

	switch (field->type) {
	case TYPE_TEXT:
		memcpy(&text, value, sizeof(text));
		put_bytes(out, text ? text : "", text ? strlen(text) : 0);
		return;
	case TYPE_ADDRESS:
		put_addr(out, value);
		return;
	case TYPE_PREFIX:
		put_addr(out, &prefix->address);
		put_u8(out, prefix->length);
		return;
	case TYPE_ENDPOINT:
		put_endpoint(out, value);
		return;
	case TYPE_RANGE:
		put_u16(out, range->first);
		put_u16(out, range->last);
		return;
	case TYPE_RECORD:
		put_record(out, field->record, value, role | INSIDE);
		return;
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_WORD:
	case TYPE_WORDS:
		break;
	}
	put_u64(out, schema_number(value, field->size));
}

static void put_list(struct writer *out, const struct schema_field *field, const void *object,
		     uint32_t role)
{
	const char *elements = schema_elements(field, object);
	size_t count = schema_count(field, object);

	put_u32(out, (uint32_t)count);
	for (size_t i = 0; i < count && !out->failed; i++) {
		uint8_t *length = put_space(out, 4);

		put_value(out, field, elements + i * field->size, role);
		patch_length(out, length);
	}
}

/* A row of an object, unless the role does not get it or it is absent. */
static void put_row(struct writer *out, const struct schema_record *record, size_t row, const void *object,
		    uint32_t role)
{
	const struct schema_field *field = &record->fields[row];
	uint8_t *length;

	if (!schema_is_stored(field) || !is_for(field, role) || !schema_applies(record, field, object))
		return;
	if (schema_is_optional(field) && !value_is_present(field, schema_value(field, object)))
		return;
	put_u16(out, (uint16_t)row);
	length = put_space(out, 4);
	if (field->flags & FIELD_LIST)
		put_list(out, field, object, role);
	else
		put_value(out, field, schema_value(field, object), role);
	patch_length(out, length);
}

static void put_record(struct writer *out, const struct schema_record *record, const void *object,
		       uint32_t role)
{
	for (size_t i = 0; i < record->count && !out->failed; i++)
		put_row(out, record, i, object, role);
}

static void put_head(struct writer *out, enum role role)
{
	put_u32(out, SLICE_MAGIC);
	put_u64(out, schema_fingerprint());
	put_u8(out, (uint8_t)role);
}

static bool role_has_slice(unsigned role)
{
	return role < ROLE_COUNT && role != ROLE_COMPILER;
}

int slice_encode(const struct model *model, enum role role, struct arena *arena,
		 const uint8_t **bytes, size_t *size)
{
	if (!role_has_slice(role))
		return -EINVAL;
	for (size_t room = SLICE_FIRST; room <= SLICE_MAX; room *= 4) {
		uint8_t *buffer = arena_alloc(arena, room);
		struct writer out;

		if (!buffer)
			return -ENOMEM;
		out = writer_of(buffer, room);
		put_head(&out, role);
		put_record(&out, &schema_model, model, 1u << role);
		if (out.failed)
			continue;
		*bytes = buffer;
		*size = writer_used(&out);
		return 0;
	}
	return -ENOMEM;
}

/* Whether who gets it makes a difference to the bytes of a row. */
static bool has_secret(const struct schema_field *field)
{
	if (field->flags & FIELD_SECRET)
		return true;
	for (size_t i = 0; field->type == TYPE_RECORD && i < field->record->count; i++)
		if (has_secret(&field->record->fields[i]))
			return true;
	return false;
}

static void add_part(struct slices *slices, unsigned role, const uint8_t *from, const struct writer *out)
{
	struct slice *slice = &slices->of[role];

	if (role_has_slice(role) && !out->failed && out->at > from)
		slice->parts[slice->count++] =
			(struct slice_part){.bytes = from, .size = (size_t)(out->at - from)};
}

/* A row of the model for all roles: once, or once for each when it holds secrets. */
static void put_for_all(struct writer *out, size_t row, const struct model *model, struct slices *slices)
{
	const struct schema_field *field = &schema_model.fields[row];
	bool alike = !has_secret(field);
	const uint8_t *from = out->at;

	if (alike && field->roles)
		put_row(out, &schema_model, row, model, field->roles);
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (!(field->roles & 1u << role))
			continue;
		if (!alike) {
			from = out->at;
			put_row(out, &schema_model, row, model, 1u << role);
		}
		add_part(slices, role, from, out);
	}
}

static bool put_slices(struct writer *out, const struct model *model, struct slices *slices)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const uint8_t *from = out->at;

		slices->of[role].count = 0;
		put_head(out, role);
		add_part(slices, role, from, out);
	}
	for (size_t row = 0; row < schema_model.count && !out->failed; row++)
		put_for_all(out, row, model, slices);
	return !out->failed;
}

int slices_encode(const struct model *model, struct arena *arena, struct slices *out)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		out->of[role].parts = arena_array(arena, schema_model.count + 1, sizeof(*out->of[role].parts));
		if (!out->of[role].parts)
			return -ENOMEM;
	}
	for (size_t room = SLICE_FIRST; room <= SLICE_MAX; room *= 4) {
		uint8_t *buffer = arena_alloc(arena, room);
		struct writer writer;

		if (!buffer)
			return -ENOMEM;
		writer = writer_of(buffer, room);
		if (put_slices(&writer, model, out))
			return 0;
	}
	return -ENOMEM;
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool get_record(struct reader *in, const struct schema_record *record, struct arena *arena,
		       void *object, uint32_t role);

static bool word_is_known(const struct schema_field *field, uint64_t number)
{
	uint64_t all = 0;

	for (const struct schema_word *word = field->words; word->text; word++) {
		if (field->type == TYPE_WORD && word->value == number)
			return true;
		all |= word->value;
	}
	if (field->type != TYPE_WORDS || (number & ~all))
		return false;
	return number || !field->default_text;
}

/* Numbers of all kinds: does it fit the member, and the row? */
static bool number_is_valid(const struct schema_field *field, uint64_t number)
{
	if (field->size < sizeof(number) && number >> (8 * field->size))
		return false;
	switch (field->type) {
	case TYPE_BOOL:
		return number <= 1;
	case TYPE_WORD:
	case TYPE_WORDS:
		return word_is_known(field, number);
	case TYPE_DURATION:
		if (field->flags & FIELD_FOREVER && number == (uint64_t)NSTIME_NEVER)
			return true;
		return (int64_t)number >= field->min &&
		       (!field->max || (int64_t)number <= field->max);
	case TYPE_SIGNED:
		return number && (int32_t)number >= field->min && (int32_t)number <= field->max;
	case TYPE_NUMBER:
		return !field->max ||
		       (number >= (uint64_t)field->min && number <= (uint64_t)field->max);
	case TYPE_SOURCE:
	case TYPE_TEXT:
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
	case TYPE_RANGE:
	case TYPE_RECORD:
		break;
	}
	return false;
}

static bool get_plain_text(struct reader *in, const struct schema_field *field, struct arena *arena,
			   void *value)
{
	size_t size = reader_left(in);
	const uint8_t *bytes = get_bytes(in, size);
	const char *text;

	if (!bytes || (size && memchr(bytes, 0, size)))
		return false;
	text = arena_text(arena, (const char *)bytes, size);
	if (!text || (field->judge && field->judge(text)))
		return false;
	memcpy(value, &text, sizeof(text));
	return true;
}

static bool get_place(struct reader *in, const struct schema_field *field, void *value)
{
	struct prefix *prefix = value;

	if (field->type == TYPE_ADDRESS) {
		*(struct addr *)value = get_addr(in);
	} else if (field->type == TYPE_PREFIX) {
		prefix->address = get_addr(in);
		prefix->length = get_u8(in);
		if (prefix->length > addr_bits(prefix->address.family))
			return false;
	} else {
		*(struct endpoint *)value = get_endpoint(in);
	}
	return value_is_present(field, value) && !(field->judge && field->judge(value));
}

static bool get_range(struct reader *in, const struct schema_field *field,
		      struct status_range *range)
{
	range->first = get_u16(in);
	range->last = get_u16(in);
	return range->first >= field->min && range->last <= field->max &&
	       range->first <= range->last;
}

/* One element of a row, which is all that `in` holds. */
static bool get_value(struct reader *in, const struct schema_field *field, struct arena *arena,
		      void *value, uint32_t role)
{
	uint64_t number;
	bool valid = false;

	switch (field->type) {
	case TYPE_TEXT:
		valid = get_plain_text(in, field, arena, value);
		break;
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
		valid = get_place(in, field, value);
		break;
	case TYPE_RANGE:
		valid = get_range(in, field, value);
		break;
	case TYPE_RECORD:
		valid = get_record(in, field->record, arena, value, role | INSIDE);
		break;
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_WORD:
	case TYPE_WORDS:
		number = get_u64(in);
		valid = number_is_valid(field, number);
		if (valid)
			schema_number_set(value, field->size, number);
		break;
	}
	return valid && reader_done(in);
}

static bool get_list(struct reader *in, const struct schema_field *field, struct arena *arena,
		     void *object, uint32_t role)
{
	size_t count = get_u32(in);
	char *elements;

	if (count > reader_left(in) / 4 || (!count && (field->flags & FIELD_REQUIRED)))
		return false;
	elements = arena_array(arena, count, field->size);
	if (!elements)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct reader element = get_part(in, get_u32(in));

		if (!get_value(&element, field, arena, elements + i * field->size, role))
			return false;
	}
	memcpy(schema_member(field, object), &elements, sizeof(elements));
	memcpy((char *)object + field->count_offset, &count, sizeof(count));
	return reader_done(in);
}

/* Rows before `until` that were left out: were they allowed to be? */
static bool may_skip(const struct schema_record *record, size_t from, size_t until,
		     const void *object, uint32_t role)
{
	for (size_t i = from; i < until; i++) {
		const struct schema_field *field = &record->fields[i];

		if (schema_is_stored(field) && !schema_is_optional(field) &&
		    schema_applies(record, field, object) && is_for(field, role))
			return false;
	}
	return true;
}

static bool get_record(struct reader *in, const struct schema_record *record, struct arena *arena,
		       void *object, uint32_t role)
{
	size_t next = 0;

	while (reader_left(in)) {
		size_t row = get_u16(in);
		struct reader part = get_part(in, get_u32(in));
		const struct schema_field *field;
		bool valid;

		if (in->failed || row < next || row >= record->count ||
		    !may_skip(record, next, row, object, role))
			return false;
		field = &record->fields[row];
		if (!schema_is_stored(field) || !is_for(field, role) ||
		    !schema_applies(record, field, object))
			return false;
		if (field->flags & FIELD_LIST)
			valid = get_list(&part, field, arena, object, role);
		else
			valid = get_value(&part, field, arena, schema_member(field, object), role);
		if (!valid)
			return false;
		next = row + 1;
	}
	return !in->failed && may_skip(record, next, record->count, object, role);
}

/* Trackers of vrrp number probes and services, which others have: its slice carries none of them. */
static bool trackers_hold(const struct model *model, const struct tracker *track, size_t count,
			  enum role role)
{
	for (size_t i = 0; i < count; i++)
		if (track[i].kind == TRACKER_CHECK && role != ROLE_VRRP &&
		    track[i].probe >= model->probe_count)
			return false;
		else if (track[i].kind == TRACKER_SERVICE && role != ROLE_VRRP &&
			 track[i].service >= model->service_count)
			return false;
	return true;
}

/* Who needs the key has it. */
static bool authentication_holds(const struct authentication *authentication)
{
	switch (authentication->type) {
	case VRRP_AUTH_NONE:
		return !authentication->key;
	case VRRP_AUTH_PASS:
		return authentication->key && strlen(authentication->key) <= VRRP_PASS_MAX;
	case VRRP_AUTH_AH:
		return authentication->key != NULL;
	}
	return false;
}

static bool group_holds(const struct model *model, const struct sync_group *group, enum role role)
{
	if (group->instance_count != group->name_count)
		return false;
	for (size_t i = 0; i < group->instance_count; i++)
		if (group->instances[i] >= model->instance_count)
			return false;
	return trackers_hold(model, group->track, group->track_count, role);
}

static bool vrrp_holds(const struct model *model, enum role role)
{
	for (size_t i = 0; i < model->instance_count; i++) {
		const struct instance *instance = &model->instances[i];

		if (instance->sync_group > model->sync_group_count ||
		    (role == ROLE_VRRP && !authentication_holds(&instance->authentication)) ||
		    !trackers_hold(model, instance->track, instance->track_count, role))
			return false;
	}
	for (size_t i = 0; i < model->sync_group_count; i++)
		if (!group_holds(model, &model->sync_groups[i], role))
			return false;
	return true;
}

static bool probes_hold(const struct model *model, const struct real_server *server)
{
	for (size_t p = 0; p < server->probe_count; p++)
		if (server->probes[p] >= model->probe_count)
			return false;
	return true;
}

/* Indices point into arrays that are there, and nothing is left to be resolved. */
static bool references_hold(const struct model *model, enum role role)
{
	if (!vrrp_holds(model, role))
		return false;
	for (size_t i = 0; i < model->probe_count; i++)
		if (role != ROLE_IPVS && model->probes[i].check >= model->check_count)
			return false;
	for (size_t i = 0; role == ROLE_CONTROL && i < model->probe_count; i++)
		for (size_t at = 0; at < model->probes[i].instance_count; at++)
			if (model->probes[i].instances[at] >= model->instance_count)
				return false;
	for (size_t i = 0; i < model->service_count; i++) {
		const struct service *service = &model->services[i];

		for (size_t at = 0; at < service->instance_count; at++)
			if (role != ROLE_IPVS && service->instances[at] >= model->instance_count)
				return false;
		if (service->on_failure == ON_FAILURE_AUTO)
			return false;
		if (service->sorry_server_count > 1)
			return false;
		for (size_t at = 0; at < service_server_count(service); at++)
			if (!probes_hold(model, service_server(service, at)))
				return false;
	}
	return true;
}

int slice_decode(const void *bytes, size_t size, struct arena *arena, struct model **out)
{
	struct reader in = reader_of(bytes, size);
	struct model *model;
	uint8_t role;

	if (get_u32(&in) != SLICE_MAGIC || get_u64(&in) != schema_fingerprint())
		return in.failed ? -EBADMSG : -EPROTO;
	role = get_u8(&in);
	if (in.failed || !role_has_slice(role))
		return -EBADMSG;
	model = arena_alloc(arena, sizeof(*model));
	if (!model)
		return -ENOMEM;
	if (!get_record(&in, &schema_model, arena, model, 1u << role) ||
	    !references_hold(model, role))
		return arena_failed(arena) ? -ENOMEM : -EBADMSG;
	*out = model;
	return 0;
}
