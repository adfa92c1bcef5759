/* The reading half of config/codec.h; codec.c says how the bytes lie. Reading holds every value to
 * its row again (range, words, judge, required): a slice comes from our own compiler, but that one
 * has read foreign text and the reader may have rights. */
#include "config/codec.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cursor.h"
#include "config/codec_rows.h"
#include "config/schema.h"
#include "config/value.h"

struct decoder {
	struct arena *arena;
	struct slice_kinds kinds;
};

/* ---- values --------------------------------------------------------------------------------- */

static bool get_record(struct decoder *decoder, struct reader *in, struct slice_kind *kind,
		       void *object);

static bool word_is_known(const struct slice_row *row, uint64_t number)
{
	if (number < SLICE_WORD_BITS)
		return row->words >> number & 1;
	for (const struct schema_word *word = row->field->words; row->has_large && word->text; word++)
		if (word->value == number)
			return true;
	return false;
}

static bool words_are_known(const struct slice_row *row, uint64_t number)
{
	return !(number & ~row->words) && (number || !row->field->default_text);
}

/* Numbers of all kinds: does it fit the member, and the row? */
static bool number_is_valid(const struct slice_row *row, uint64_t number)
{
	const struct schema_field *field = row->field;

	if (row->is_plain)
		return number >= row->low && number <= row->high;
	if (field->size < sizeof(number) && number >> (8 * field->size))
		return false;
	switch (field->type) {
	case TYPE_WORD:
		return word_is_known(row, number);
	case TYPE_WORDS:
		return words_are_known(row, number);
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
	case TYPE_BOOL:
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

static bool get_number(struct reader *in, const struct slice_row *row, void *value)
{
	uint64_t number = get_digits(in);

	if (in->failed || !number_is_valid(row, number))
		return false;
	schema_number_set(value, row->field->size, number);
	return true;
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
static bool get_value(struct decoder *decoder, struct reader *in, const struct slice_kind *kind,
		      struct slice_row *row, void *value)
{
	const struct schema_field *field = row->field;
	struct slice_kind *inside;
	bool valid = false;

	switch (field->type) {
	case TYPE_TEXT:
		valid = get_plain_text(in, field, decoder->arena, value);
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
		inside = slice_kind_inside(&decoder->kinds, kind, row);
		valid = inside && get_record(decoder, in, inside, value);
		break;
	case TYPE_SOURCE:
	case TYPE_BOOL:
	case TYPE_NUMBER:
	case TYPE_SIGNED:
	case TYPE_DURATION:
	case TYPE_WORD:
	case TYPE_WORDS:
		valid = get_number(in, row, value);
		break;
	}
	return valid && reader_done(in);
}

static bool get_list(struct decoder *decoder, struct reader *in, const struct slice_kind *kind,
		     struct slice_row *row, void *object)
{
	const struct schema_field *field = row->field;
	size_t count = get_size(in);
	char *elements;

	if (count > reader_left(in) || (!count && (field->flags & FIELD_REQUIRED)))
		return false;
	elements = arena_array(decoder->arena, count, field->size);
	if (!elements)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct reader element = get_part(in, get_size(in));

		if (!get_value(decoder, &element, kind, row, elements + i * field->size))
			return false;
	}
	memcpy(schema_member(field, object), &elements, sizeof(elements));
	memcpy((char *)object + field->count_offset, &count, sizeof(count));
	return reader_done(in);
}

/* ---- records -------------------------------------------------------------------------------- */

/* Rows before `until` that were left out: were they allowed to be? */
static bool may_skip(const struct slice_kind *kind, size_t from, size_t until, const void *object)
{
	for (size_t i = from; i < until; i++)
		if (kind->rows[i].must_come && slice_row_applies(kind, &kind->rows[i], object))
			return false;
	return true;
}

static bool get_row(struct decoder *decoder, struct reader *in, const struct slice_kind *kind,
		    struct slice_row *row, void *object)
{
	if (row->is_plain)
		return get_number(in, row, schema_member(row->field, object)) && reader_done(in);
	if (row->field->flags & FIELD_LIST)
		return get_list(decoder, in, kind, row, object);
	return get_value(decoder, in, kind, row, schema_member(row->field, object));
}

static bool get_record(struct decoder *decoder, struct reader *in, struct slice_kind *kind,
		       void *object)
{
	size_t next = 0;

	while (reader_left(in)) {
		size_t number = get_size(in);
		struct reader part;
		struct slice_row *row;

		if (in->failed || number < next || number >= kind->record->count ||
		    !may_skip(kind, next, number, object))
			return false;
		row = &kind->rows[number];
		part = get_part(in, row->field->flags & FIELD_LIST ? get_u32(in) : get_size(in));
		if (in->failed || !row->may_come || !slice_row_applies(kind, row, object) ||
		    !get_row(decoder, &part, kind, row, object))
			return false;
		next = number + 1;
	}
	return !in->failed && may_skip(kind, next, kind->record->count, object);
}

/* ---- the whole ------------------------------------------------------------------------------ */

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

/* Who probes has the files; who has a certificate has its key. */
static bool tls_holds(const struct model *model, const struct tls_options *tls)
{
	return tls->ca_file <= model->tls_file_count &&
	       tls->certificate_file <= model->tls_file_count &&
	       tls->key_file <= model->tls_file_count && !tls->certificate_file == !tls->key_file;
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
	size_t instances = role == ROLE_CONTROL ? model->instance_count
						: model->instance_name_count;

	if (!vrrp_holds(model, role))
		return false;
	for (size_t i = 0; i < model->probe_count; i++)
		if (role != ROLE_IPVS && model->probes[i].check >= model->check_count)
			return false;
	for (size_t i = 0; role == ROLE_CHECK && i < model->check_count; i++)
		if (!tls_holds(model, &model->checks[i].tls))
			return false;
	for (size_t i = 0; role != ROLE_SUPERVISOR && i < model->probe_count; i++)
		for (size_t at = 0; at < model->probes[i].instance_count; at++)
			if (model->probes[i].instances[at] >= instances)
				return false;
	for (size_t i = 0; i < model->service_count; i++) {
		const struct service *service = &model->services[i];

		for (size_t at = 0; at < service->instance_count; at++)
			if (service->instances[at] >= instances)
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
	struct decoder decoder = {.arena = arena, .kinds = {.arena = arena}};
	struct model *model;
	struct slice_kind *kind;
	uint8_t role;

	if (get_u32(&in) != SLICE_MAGIC || get_u64(&in) != schema_fingerprint())
		return in.failed ? -EBADMSG : -EPROTO;
	role = get_u8(&in);
	if (in.failed || !role_has_slice(role))
		return -EBADMSG;
	model = arena_alloc(arena, sizeof(*model));
	kind = slice_kind(&decoder.kinds, &schema_model, 1u << role);
	if (!model || !kind)
		return -ENOMEM;
	if (!get_record(&decoder, &in, kind, model) || !references_hold(model, role))
		return arena_failed(arena) ? -ENOMEM : -EBADMSG;
	*out = model;
	return 0;
}
