/* Slices: what is encoded is decoded, for random models made by walking the tables; what is broken
 * is refused, whatever bit was turned. LBHA_SEED repeats a run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/addr.h"
#include "base/arena.h"
#include "config/codec.h"
#include "config/copy.h"
#include "config/diff.h"
#include "config/schema.h"
#include "config/value.h"
#include "suite.h"

static uint64_t state;
static struct arena *arena;

static uint32_t pick(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

static uint64_t pick_wide(uint64_t low, uint64_t high)
{
	uint64_t wide = (uint64_t)pick(1u << 30) << 30 | pick(1u << 30);

	return high - low == UINT64_MAX ? wide : low + wide % (high - low + 1);
}

static void setup(void)
{
	const char *seed = getenv("LBHA_SEED");

	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
	printf("LBHA_SEED=%llu\n", (unsigned long long)state);
	fflush(stdout);
	arena = arena_new(0);
}

static void teardown(void)
{
	arena_free(arena);
}

/* ---- random models -------------------------------------------------------------------------- */

static struct addr random_address(void)
{
	struct addr address = {.family = pick(2) ? AF_INET : AF_INET6};

	for (size_t i = 0; i < addr_size(address.family); i++)
		address.bytes[i] =
			(uint8_t)(1 + pick(250)); /* no zeros: few addresses are refused */
	return address;
}

static void random_place(const struct schema_field *field, void *value)
{
	struct prefix prefix;
	struct endpoint endpoint;

	do {
		struct addr address = random_address();

		prefix = (struct prefix){.address = address,
					 .length = (uint8_t)(1 + pick(addr_bits(address.family)))};
		endpoint = (struct endpoint){.address = address, .port = (uint16_t)pick(65536)};
		if (field->type == TYPE_ADDRESS)
			memcpy(value, &address, sizeof(address));
		else if (field->type == TYPE_PREFIX)
			memcpy(value, &prefix, sizeof(prefix));
		else
			memcpy(value, &endpoint, sizeof(endpoint));
	} while (field->judge && field->judge(value));
}

static const char *random_text(const struct schema_field *field)
{
	static const char *const starts[] = {
		"/", "a", "A", "GET", "x.y",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0"};
	char text[80];

	do {
		size_t length = (size_t)snprintf(text, sizeof(text), "%s", starts[pick(6)]);

		while (pick(3) && length + 1 < sizeof(text))
			text[length++] = (char)(' ' + pick(95));
		text[length] = '\0';
	} while (field->judge && field->judge(text));
	return arena_strdup(arena, text);
}

static uint64_t random_word(const struct schema_field *field)
{
	uint32_t count = 0, at;

	while (field->words[count].text)
		count++;
	at = pick(count);
	if (field->type == TYPE_WORDS)
		return field->words[at].value | field->words[pick(count)].value;
	return field->words[at].value;
}

static void random_record(const struct schema_record *record, void *object);

static void random_value(const struct schema_field *field, void *value)
{
	struct status_range range = {100, (uint16_t)(100 + pick(500))};
	uint64_t highest = field->size >= 8 ? UINT64_MAX : (1ull << (8 * field->size)) - 1;
	const char *text;
	bool flag;

	switch (field->type) {
	case TYPE_SOURCE:
		return;
	case TYPE_BOOL:
		flag = pick(2);
		memcpy(value, &flag, sizeof(flag));
		return;
	case TYPE_NUMBER:
		schema_number_set(value, field->size,
				  pick_wide((uint64_t)field->min,
					    field->max ? (uint64_t)field->max : highest));
		return;
	case TYPE_SIGNED:
		schema_number_set(value, field->size,
				  (uint64_t)(pick(2) ? field->min + pick((uint32_t)-field->min)
						     : 1 + pick((uint32_t)field->max)));
		return;
	case TYPE_DURATION:
		schema_number_set(value, field->size,
				  pick_wide((uint64_t)field->min, (uint64_t)field->max));
		return;
	case TYPE_TEXT:
		text = random_text(field);
		memcpy(value, &text, sizeof(text));
		return;
	case TYPE_ADDRESS:
	case TYPE_PREFIX:
	case TYPE_ENDPOINT:
		random_place(field, value);
		return;
	case TYPE_RANGE:
		memcpy(value, &range, sizeof(range));
		return;
	case TYPE_WORD:
	case TYPE_WORDS:
		schema_number_set(value, field->size, random_word(field));
		return;
	case TYPE_RECORD:
		random_record(field->record, value);
		return;
	}
}

static void random_list(const struct schema_field *field, void *object)
{
	size_t count = pick(4) + ((field->flags & FIELD_REQUIRED) != 0);
	char *elements = arena_array(arena, count, field->size);

	for (size_t i = 0; i < count; i++)
		random_value(field, elements + i * field->size);
	memcpy(schema_member(field, object), &elements, sizeof(elements));
	memcpy((char *)object + field->count_offset, &count, sizeof(count));
}

/* Fills every row that applies; optional ones now and then not. Indices come later. */
static void random_record(const struct schema_record *record, void *object)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];

		if (!schema_is_stored(field) || (field->flags & FIELD_INDEX) ||
		    !schema_applies(record, field, object))
			continue;
		if (schema_is_optional(field) && pick(3) == 0)
			continue;
		if (field->flags & FIELD_LIST)
			random_list(field, object);
		else
			random_value(field, schema_member(field, object));
	}
}

static void settle_track(const struct model *model, struct tracker *track, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		bool is_service = track[i].kind == TRACKER_SERVICE;
		size_t there = is_service ? model->service_count : model->probe_count;

		if (track[i].kind == TRACKER_INTERFACE)
			continue;
		if (!there)
			*count = i; /* nothing to point to: the rest is left out */
		else if (is_service)
			track[i].service = pick((uint32_t)there);
		else
			track[i].probe = pick((uint32_t)there);
	}
}

/* A key where there is one to have, and short enough for an advert. */
static void settle_key(struct authentication *authentication)
{
	authentication->key = authentication->type == VRRP_AUTH_NONE
				      ? NULL
				      : arena_printf(arena, "k%u", pick(1000000));
}

static void settle_vrrp(struct model *model)
{
	for (size_t i = 0; i < model->instance_count; i++) {
		struct instance *instance = &model->instances[i];

		settle_track(model, instance->track, &instance->track_count);
		settle_key(&instance->authentication);
		instance->sync_group = pick((uint32_t)model->sync_group_count + 1);
	}
	if (!model->instance_count)
		model->sync_group_count = 0;
	for (size_t i = 0; i < model->sync_group_count; i++) {
		struct sync_group *group = &model->sync_groups[i];

		settle_track(model, group->track, &group->track_count);
		group->instance_count = group->name_count;
		group->instances =
			arena_array(arena, group->instance_count, sizeof(*group->instances));
		for (size_t at = 0; at < group->instance_count; at++)
			group->instances[at] = pick((uint32_t)model->instance_count);
	}
}

static void settle_server(const struct model *model, struct real_server *server)
{
	if (!model->probe_count)
		return;
	server->probe_count = pick(3);
	server->probes = arena_array(arena, server->probe_count, sizeof(*server->probes));
	for (size_t p = 0; p < server->probe_count; p++)
		server->probes[p] = pick((uint32_t)model->probe_count);
}

/* Makes the indices of a random model point somewhere, and resolves what a compiled model has
 * resolved. */
static void settle(struct model *model)
{
	model->instance_name_count = model->instance_count;
	model->instance_names =
		arena_array(arena, model->instance_count, sizeof(*model->instance_names));
	for (size_t i = 0; i < model->instance_count; i++)
		model->instance_names[i] = model->instances[i].name;
	if (!model->check_count)
		model->probe_count = 0;
	for (size_t i = 0; i < model->probe_count; i++)
		model->probes[i].check = pick((uint32_t)model->check_count);
	settle_vrrp(model);
	for (size_t i = 0; i < model->service_count; i++) {
		struct service *service = &model->services[i];

		if (service->on_failure == ON_FAILURE_AUTO)
			service->on_failure = ON_FAILURE_REMOVE;
		for (size_t at = 0; at < service->real_server_count; at++)
			settle_server(model, &service->real_servers[at]);
		if (service->sorry_server_count > 1)
			service->sorry_server_count = 1;
		if (service->sorry_server_count)
			settle_server(model, service->sorry_server);
		service->instance_count = model->instance_count ? pick(3) : 0;
		service->instances =
			arena_array(arena, service->instance_count, sizeof(*service->instances));
		for (size_t at = 0; at < service->instance_count; at++)
			service->instances[at] = pick((uint32_t)model->instance_count);
	}
}

static struct model *random_model(void)
{
	struct model *model = arena_alloc(arena, sizeof(*model));

	random_record(&schema_model, model);
	settle(model);
	return model;
}

/* ---- rules ---------------------------------------------------------------------------------- */

START_TEST(a_slice_with_everything_is_the_model)
{
	for (unsigned i = 0; i < 500; i++) {
		const struct model *model = random_model();
		const uint8_t *bytes;
		struct model *again;
		size_t size;

		ck_assert_int_eq(slice_encode(model, ROLE_CONTROL, arena, &bytes, &size), 0);
		ck_assert_int_eq(slice_decode(bytes, size, arena, &again), 0);
		ck_assert(model_equal(model, again));
		ck_assert_uint_eq(model->generation, again->generation);
		arena_free(arena);
		arena = arena_new(0);
	}
}
END_TEST

START_TEST(a_slice_carries_its_parts_and_no_others)
{
	struct model *model, *slice;
	const uint8_t *bytes;
	size_t size;

	do {
		model = random_model();
	} while (!model->director_count || !model->instance_count || !model->check_count ||
		 !model->sync_group_count ||
		 !model->probe_count || !model->service_count);
	model->has_services = true;
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		bool is_control = role == ROLE_CONTROL, is_vrrp = role == ROLE_VRRP,
		     is_check = role == ROLE_CHECK;
		bool is_ipvs = role == ROLE_IPVS, is_supervisor = role == ROLE_SUPERVISOR;

		if (role == ROLE_COMPILER) {
			ck_assert_int_eq(slice_encode(model, role, arena, &bytes, &size), -EINVAL);
			continue;
		}
		ck_assert_int_eq(slice_encode(model, role, arena, &bytes, &size), 0);
		ck_assert_int_eq(slice_decode(bytes, size, arena, &slice), 0);
		ck_assert(slice->has_services && global_equal(&slice->global, &model->global));
		ck_assert_int_eq(slice->director_count > 0, is_control || is_vrrp || is_supervisor);
		ck_assert_int_eq(slice->instance_count > 0, is_control || is_vrrp);
		ck_assert_int_eq(slice->sync_group_count > 0, is_control || is_vrrp);
		ck_assert_int_eq(slice->check_count > 0, is_control || is_check || is_supervisor);
		ck_assert_int_eq(slice->probe_count > 0,
				 is_control || is_check || is_ipvs || is_supervisor);
		ck_assert_int_eq(slice->service_count > 0, is_control || is_ipvs);
	}
}
END_TEST

static bool has_bytes(const uint8_t *bytes, size_t size, const char *text)
{
	return memmem(bytes, size, text, strlen(text)) != NULL;
}

START_TEST(a_secret_is_in_the_slice_of_vrrp_alone)
{
	struct model *model, *slice;
	const uint8_t *bytes;
	size_t size;

	do {
		model = random_model();
	} while (!model->instance_count);
	model->instances[0].version = 2;
	model->instances[0].checksum = 0; /* of version 3 */
	model->instances[0].authentication =
		(struct authentication){.type = VRRP_AUTH_PASS, .key = "hush-hsh"};
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (role == ROLE_COMPILER)
			continue;
		ck_assert_int_eq(slice_encode(model, role, arena, &bytes, &size), 0);
		ck_assert_int_eq(has_bytes(bytes, size, "hush-hsh"), role == ROLE_VRRP);
	}
	ck_assert_int_eq(slice_encode(model, ROLE_VRRP, arena, &bytes, &size), 0);
	ck_assert_int_eq(slice_decode(bytes, size, arena, &slice), 0);
	ck_assert_str_eq(slice->instances[0].authentication.key, "hush-hsh");
	ck_assert(instance_equal(&model->instances[0], &slice->instances[0]));
	ck_assert_int_eq(slice_encode(model, ROLE_CONTROL, arena, &bytes, &size), 0);
	ck_assert_int_eq(slice_decode(bytes, size, arena, &slice), 0);
	ck_assert_ptr_null(slice->instances[0].authentication.key);
	ck_assert_int_eq(slice->instances[0].authentication.type, VRRP_AUTH_PASS);
}
END_TEST

START_TEST(a_private_key_is_in_the_slice_of_check_alone)
{
	struct model *model, *slice;
	const uint8_t *bytes;
	size_t size;

	do {
		model = random_model();
	} while (!model->check_count);
	model->tls_files = arena_array(arena, 2, sizeof(*model->tls_files));
	model->tls_files[0] = (struct tls_file){"ours.pem", "a certificate"};
	model->tls_files[1] = (struct tls_file){"ours.key", "hush-hsh"};
	model->tls_file_count = 2;
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		if (role == ROLE_COMPILER)
			continue;
		ck_assert_int_eq(slice_encode(model, role, arena, &bytes, &size), 0);
		ck_assert_int_eq(has_bytes(bytes, size, "hush-hsh"), role == ROLE_CHECK);
	}
	ck_assert_int_eq(slice_encode(model, ROLE_CHECK, arena, &bytes, &size), 0);
	ck_assert_int_eq(slice_decode(bytes, size, arena, &slice), 0);
	ck_assert_str_eq(model_tls_text(slice, 2), "hush-hsh");
	ck_assert_ptr_null(model_tls_text(slice, 0));
}
END_TEST

START_TEST(vrrp_is_given_no_authentication_without_a_usable_key)
{
	static const char *const keys[] = {NULL, "too-long!"};
	struct model *model, *slice;
	const uint8_t *bytes;
	size_t size;

	do {
		model = random_model();
	} while (!model->instance_count);
	model->instances[0].version = 2;
	for (size_t i = 0; i < 2; i++) {
		model->instances[0].authentication =
			(struct authentication){.type = VRRP_AUTH_PASS, .key = keys[i]};
		ck_assert_int_eq(slice_encode(model, ROLE_VRRP, arena, &bytes, &size), 0);
		ck_assert_int_eq(slice_decode(bytes, size, arena, &slice), -EBADMSG);
	}
}
END_TEST

START_TEST(a_cut_slice_is_refused)
{
	const uint8_t *bytes;
	struct model *out = NULL;
	size_t size;

	ck_assert_int_eq(slice_encode(random_model(), ROLE_CONTROL, arena, &bytes, &size), 0);
	for (size_t length = 0; length < size; length++) {
		uint8_t *copy = malloc(
			length ? length : 1); /* of exact size: a sanitizer sees any read beyond */

		memcpy(copy, bytes, length);
		ck_assert_int_lt(slice_decode(copy, length, arena, &out), 0);
		free(copy);
	}
	ck_assert_ptr_null(out);
}
END_TEST

/* Whatever comes out of a damaged slice must be as safe as a model: it can be encoded and decoded
 * again. */
START_TEST(a_damaged_slice_is_refused_or_still_a_model)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < 4000; i++) {
		enum role role =
			(enum role[]){ROLE_CONTROL, ROLE_CHECK, ROLE_IPVS, ROLE_VRRP}[pick(4)];
		const uint8_t *bytes, *again;
		struct model *out, *same;
		uint8_t *copy;
		size_t size, again_size;

		ck_assert_int_eq(slice_encode(random_model(), role, arena, &bytes, &size), 0);
		copy = malloc(size);
		memcpy(copy, bytes, size);
		for (uint32_t flips = 1 + pick(3); flips; flips--)
			copy[pick((uint32_t)size)] ^= (uint8_t)(1u << pick(8));
		if (!slice_decode(copy, size, arena, &out)) {
			enum role now = copy[12];

			taken++;
			ck_assert_int_eq(slice_encode(out, now, arena, &again, &again_size), 0);
			ck_assert_int_eq(slice_decode(again, again_size, arena, &same), 0);
			ck_assert(model_equal(out, same));
		}
		free(copy);
		arena_free(arena);
		arena = arena_new(0);
	}
	printf("%u of 4000 damaged slices were still models\n", taken);
}
END_TEST

START_TEST(a_slice_of_another_build_is_named_as_such)
{
	const uint8_t *bytes;
	struct model *out;
	uint8_t *copy;
	size_t size;

	ck_assert_int_eq(slice_encode(random_model(), ROLE_IPVS, arena, &bytes, &size), 0);
	copy = arena_copy(arena, bytes, size);
	copy[5] ^= 1; /* in the fingerprint */
	ck_assert_int_eq(slice_decode(copy, size, arena, &out), -EPROTO);
	copy[5] ^= 1;
	copy[0] ^= 1;
	ck_assert_int_eq(slice_decode(copy, size, arena, &out), -EPROTO);
	ck_assert_int_eq(slice_decode(copy, 3, arena, &out), -EBADMSG);
}
END_TEST

START_TEST(a_slice_that_wants_too_much_memory_is_refused)
{
	const uint8_t *bytes;
	struct arena *small = arena_new(sizeof(struct model) + 64);
	struct model *model, *out;
	size_t size;

	do {
		model = random_model();
	} while (!model->service_count || !model->instance_count);
	ck_assert_int_eq(slice_encode(model, ROLE_CONTROL, arena, &bytes, &size), 0);
	ck_assert_int_eq(slice_decode(bytes, size, small, &out), -ENOMEM);
	arena_free(small);
}
END_TEST

START_TEST(every_single_change_makes_another_model)
{
	for (unsigned i = 0; i < 2000; i++) {
		const struct model *model = random_model();
		const uint8_t *a, *b;
		struct model *changed;
		size_t a_size, b_size;
		uint8_t *copy;

		ck_assert_int_eq(slice_encode(model, ROLE_CONTROL, arena, &a, &a_size), 0);
		copy = arena_copy(arena, a, a_size);
		copy[pick((uint32_t)a_size)] ^= (uint8_t)(1u << pick(8));
		if (!slice_decode(copy, a_size, arena, &changed) && copy[12] == ROLE_CONTROL) {
			bool same_text = !slice_encode(changed, ROLE_CONTROL, arena, &b, &b_size) &&
					 a_size == b_size && !memcmp(a, b, a_size);

			ck_assert(!same_text);
			ck_assert(!model_equal(model, changed) ||
				  model->generation != changed->generation);
		}
		arena_free(arena);
		arena = arena_new(0);
	}
}
END_TEST

/* Under ASan a pointer into the first arena would be seen. */
START_TEST(a_copied_instance_needs_its_original_no_more)
{
	for (unsigned i = 0; i < 500; i++) {
		struct arena *own = arena_new(0);
		struct instance *original = arena_alloc(arena, sizeof(*original)), copy, again;

		random_record(&schema_instance, original);
		ck_assert_int_eq(instance_copy(own, original, &copy), 0);
		ck_assert(instance_equal(original, &copy));
		ck_assert_ptr_ne(copy.name, original->name);
		ck_assert_ptr_null(copy.description);
		if (copy.virtual_address_count)
			ck_assert_ptr_ne(copy.virtual_addresses, original->virtual_addresses);
		arena_free(arena);
		arena = arena_new(0);
		ck_assert_int_eq(instance_copy(own, &copy, &again), 0);
		ck_assert(instance_equal(&again, &copy));
		arena_free(own);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = CASE("slices", a_slice_with_everything_is_the_model,
			    a_slice_carries_its_parts_and_no_others,
			    a_secret_is_in_the_slice_of_vrrp_alone,
			    a_private_key_is_in_the_slice_of_check_alone,
			    vrrp_is_given_no_authentication_without_a_usable_key,
			    a_cut_slice_is_refused,
			    a_damaged_slice_is_refused_or_still_a_model,
			    a_slice_of_another_build_is_named_as_such,
			    a_slice_that_wants_too_much_memory_is_refused,
			    every_single_change_makes_another_model,
			    a_copied_instance_needs_its_original_no_more);

	tcase_add_checked_fixture(tcase, setup, teardown);
	return SUITE_RUN("config codec", tcase);
}
