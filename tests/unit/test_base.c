/* base: addresses, durations, cursors, arena, table, text, wall time. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/cursor.h"
#include "base/duration.h"
#include "base/table.h"
#include "base/text.h"
#include "base/walltime.h"
#include "suite.h"

START_TEST(endpoints_parse_and_print_back)
{
	static const char *const texts[] = {"192.0.2.1:80", "[2001:db8::1]:443", "192.0.2.1", "2001:db8::1"};
	char out[ENDPOINT_TEXT];
	struct endpoint endpoint;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		ck_assert_int_eq(endpoint_parse(texts[i], &endpoint), 0);
		ck_assert_str_eq(endpoint_format(&endpoint, out), texts[i]);
	}
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
	static const char *const texts[] = {"1172.17.253.100", "192.168.111.2000", "192.168.1", "", "::g",
					    "192.0.2.1:80:1", "[192.0.2.1]:80", "[::1", "[::1]80", "192.0.2.1 "};
	struct endpoint endpoint;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		ck_assert_msg(endpoint_parse(texts[i], &endpoint) == -EINVAL, "%s", texts[i]);
	ck_assert_int_eq(endpoint_parse("192.0.2.1:0", &endpoint), -ERANGE);
	ck_assert_int_eq(endpoint_parse("192.0.2.1:65536", &endpoint), -ERANGE);
	ck_assert_int_eq(endpoint_parse("192.0.2.1:", &endpoint), -ERANGE);
}
END_TEST

START_TEST(prefix_without_length_is_a_host)
{
	struct prefix prefix, net;
	struct addr inside, outside;

	ck_assert_int_eq(prefix_parse("192.0.2.1", &prefix), 0);
	ck_assert_uint_eq(prefix.length, 32);
	ck_assert_int_eq(prefix_parse("2001:db8::1", &prefix), 0);
	ck_assert_uint_eq(prefix.length, 128);
	ck_assert_int_eq(prefix_parse("192.0.2.0/33", &prefix), -ERANGE);
	ck_assert_int_eq(prefix_parse("10.1.0.0/15", &net), 0);
	addr_parse("10.0.255.255", &inside);
	addr_parse("10.2.0.0", &outside);
	ck_assert(prefix_contains(&net, &inside) && !prefix_contains(&net, &outside));
}
END_TEST

START_TEST(addresses_order_as_unsigned_numbers)
{
	struct addr a, b;

	addr_parse("10.0.0.2", &a);
	addr_parse("200.0.0.1", &b);
	ck_assert_int_lt(addr_compare(&a, &b), 0);
	ck_assert_uint_eq(addr_ipv4(&b), 0xc8000001);
}
END_TEST

START_TEST(durations_need_a_unit_and_read_back)
{
	static const struct {
		const char *text;
		nstime value;
		const char *canonical;
	} rows[] = {
		{"1s", NSTIME_S, "1s"},
		{"0", 0, "0s"},
		{"1m30s", 90 * NSTIME_S, "1m30s"},
		{"1.5s", 1500 * NSTIME_MS, "1.5s"},
		{"250us", 250 * NSTIME_US, "250us"},
		{"90s", 90 * NSTIME_S, "1m30s"},
		{"1d", 86400 * NSTIME_S, "1d"},
		{"40950ms", 40950 * NSTIME_MS, "40.95s"},
		{"1h1ms", 3600 * NSTIME_S + NSTIME_MS, "1h0.001s"},
	};
	char out[DURATION_TEXT];
	nstime value, again;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ck_assert_msg(duration_parse(rows[i].text, &value) == 0, "%s", rows[i].text);
		ck_assert_int_eq(value, rows[i].value);
		ck_assert_str_eq(duration_format(value, out), rows[i].canonical);
		ck_assert_int_eq(duration_parse(out, &again), 0);
		ck_assert_int_eq(again, value);
	}
	ck_assert_int_eq(duration_parse("5", &value), -EDOM);
	ck_assert_int_eq(duration_parse("5 s", &value), -EINVAL);
	ck_assert_int_eq(duration_parse("5S", &value), -EINVAL);
	ck_assert_int_eq(duration_parse("-5s", &value), -EINVAL);
	ck_assert_int_eq(duration_parse("", &value), -EINVAL);
	ck_assert_int_eq(duration_parse("99999999999d", &value), -ERANGE);
}
END_TEST

START_TEST(a_reader_that_fails_stays_failed)
{
	const uint8_t bytes[] = {1, 2, 3};
	struct reader in = reader_of(bytes, sizeof(bytes));

	ck_assert_uint_eq(get_u16(&in), 0x0102);
	ck_assert_uint_eq(get_u16(&in), 0);
	ck_assert(in.failed);
	ck_assert_uint_eq(get_u8(&in), 0);
	ck_assert(!reader_done(&in));
}
END_TEST

START_TEST(what_is_put_is_got)
{
	uint8_t bytes[128];
	char text[8];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct endpoint endpoint, back;
	struct reader in;

	endpoint_parse("[2001:db8::7]:8080", &endpoint);
	put_u8(&out, 7);
	put_u64(&out, 0x0102030405060708ull);
	put_time(&out, -5);
	put_endpoint(&out, &endpoint);
	put_text(&out, "longer than eight");
	put_bool(&out, true);
	ck_assert(!out.failed);
	in = reader_of(bytes, writer_used(&out));
	ck_assert_uint_eq(get_u8(&in), 7);
	ck_assert_uint_eq(get_u64(&in), 0x0102030405060708ull);
	ck_assert_int_eq(get_time(&in), -5);
	back = get_endpoint(&in);
	ck_assert_int_eq(endpoint_compare(&back, &endpoint), 0);
	ck_assert_str_eq(get_text(&in, text, sizeof(text)), "longer ");
	ck_assert(get_bool(&in));
	ck_assert(reader_done(&in));
}
END_TEST

START_TEST(the_checksum_is_rfc_1071)
{
	/* the example of RFC 1071 section 3 */
	const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	ck_assert_uint_eq(checksum_fold(checksum_add(0, bytes, sizeof(bytes))), (uint16_t)~0xddf2);
}
END_TEST

START_TEST(an_arena_keeps_to_its_limit)
{
	auto_arena *arena = arena_new(64);

	ck_assert_ptr_nonnull(arena_alloc(arena, 32));
	ck_assert_ptr_null(arena_alloc(arena, 64));
	ck_assert(arena_failed(arena));
}
END_TEST

START_TEST(arena_push_keeps_what_was_pushed)
{
	auto_arena *arena = arena_new(0);
	int *items = NULL, *item;
	size_t count = 0;

	for (int i = 0; i < 1000; i++) {
		item = arena_push(arena, &items, &count, sizeof(*items));
		*item = i;
	}
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(items[i], i);
	ck_assert_uint_eq(count, 1000);
}
END_TEST

START_TEST(a_small_arena_grows_when_it_must)
{
	auto_arena *arena = arena_new_small(64);
	uint64_t *numbers[100];

	for (uint64_t i = 0; i < 100; i++) {
		numbers[i] = arena_alloc(arena, sizeof(uint64_t));
		*numbers[i] = i;
	}
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_uint_eq(*numbers[i], i);
	ck_assert(!arena_failed(arena));
}
END_TEST

START_TEST(a_table_without_memory_stays_empty)
{
	struct arena *arena = arena_new(16);
	struct table table, zeroed = {0};
	uint32_t value;
	size_t step = 0;

	ck_assert_int_eq(table_init(&table, arena, 2), -ENOMEM);
	ck_assert_int_eq(table_add(&table, 1, 1), -ENOMEM);
	ck_assert(!table_next(&table, 1, &step, &value));
	ck_assert_int_eq(table_add(&zeroed, 1, 1), -ENOMEM);
	ck_assert(!table_next(&zeroed, 1, &step, &value));
	arena_free(arena);
}
END_TEST

START_TEST(a_table_finds_all_values_of_a_hash)
{
	auto_arena *arena = arena_new(0);
	struct table table;
	size_t step = 0;
	uint32_t value;
	int found = 0;

	ck_assert_int_eq(table_init(&table, arena, 2), 0);
	for (uint32_t i = 0; i < 500; i++)
		ck_assert_int_eq(table_add(&table, i % 100, i), 0);
	while (table_next(&table, 42, &step, &value)) {
		ck_assert_uint_eq(value % 100, 42);
		found++;
	}
	ck_assert_int_eq(found, 5);
	step = 0;
	ck_assert(!table_next(&table, 100, &step, &value));
}
END_TEST

static const char *word_at(const void *ctx, size_t index)
{
	static const char *const words[] = {"scheduler", "sorry_server", "services", NULL};

	(void)ctx;
	return words[index];
}

START_TEST(a_misspelt_word_finds_its_neighbour)
{
	ck_assert_uint_eq(text_distance("schedular", "scheduler", 5), 1);
	ck_assert_uint_eq(text_distance("ab", "ba", 5), 1);
	ck_assert_str_eq(text_nearest("schedular", word_at, NULL), "scheduler");
	ck_assert_ptr_null(text_nearest("xyz", word_at, NULL));
}
END_TEST

START_TEST(foreign_text_is_cleaned)
{
	char buffer[32], foreign[] = "a\x1b[31m\xff\xc3\xa4\n\xe2\x80\xae" "b\xe2\x81\xa9\xc2\x9b\xe2\x80\xa6";
	struct text out = text_of(buffer, sizeof(buffer));

	text_add_clean(&out, NULL, 0); /* nothing is nothing */
	text_add_clean(&out, foreign, strlen(foreign));
	ck_assert_str_eq(buffer, "a?[31m?\xc3\xa4??b??\xe2\x80\xa6");
	text_clean(foreign);
	ck_assert_str_eq(foreign, buffer);
}
END_TEST

START_TEST(wall_time_reads_back_over_all_years)
{
	char out[WALLTIME_TEXT], libc[WALLTIME_TEXT];
	nstime back;

	for (nstime point = 0; point < INT64_MAX - 40 * 86400 * NSTIME_S; point += 29 * 86399 * NSTIME_S + 17 * NSTIME_MS) {
		time_t seconds = (time_t)(point / NSTIME_S);
		struct tm tm;

		strftime(libc, sizeof(libc), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
		walltime_format(point, out);
		ck_assert(!strncmp(out, libc, strlen(libc)));
		ck_assert_int_eq(walltime_parse(out, &back), 0);
		ck_assert_int_eq(back, point);
	}
	ck_assert_str_eq(walltime_format(-5, out), "1970-01-01T00:00:00.000Z");
	ck_assert_str_eq(walltime_format(INT64_MAX, out), "2262-04-11T23:47:16.854Z");
}
END_TEST

START_TEST(what_is_no_wall_time_is_refused)
{
	static const char *const wrong[] = {
		"", "now", "2026-01-02", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05.678Z", "2026-02-29T03:04:05.678Z",
		"2026-13-02T03:04:05.678Z", "2026-00-02T03:04:05.678Z", "2026-01-32T03:04:05.678Z",
		"2026-01-00T03:04:05.678Z", "2026-01-02T24:04:05.678Z", "2026-01-02T03:60:05.678Z",
		"2026-01-02T03:04:60.678Z", "1969-12-31T23:59:59.999Z", "2026-01-02T03:04:05.678Zx", "-026-01-02T03:04:05.678Z",
	};
	nstime back = 7;

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_msg(walltime_parse(wrong[i], &back) == -EINVAL, "%s", wrong[i]);
	ck_assert_int_eq(walltime_parse("9999-12-31T23:59:59.999Z", &back), -ERANGE);
	ck_assert_int_eq(walltime_parse("2262-04-11T23:47:16.855Z", &back), -ERANGE);
	ck_assert_int_eq(back, 7);
	ck_assert_int_eq(walltime_parse("2024-02-29T00:00:00.000Z", &back), 0);
}
END_TEST

START_TEST(a_text_that_is_cut_ends_with_a_whole_character)
{
	static const char whole[] = "aé€😀b"; /* 1, 2, 3, 4 and 1 bytes */
	static const size_t ends[] = {0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};

	for (size_t size = 1; size < COUNT_OF(ends); size++) {
		char buffer[16];
		struct text out = text_of(buffer, size);

		text_add(&out, "%s", whole);
		ck_assert_uint_eq(out.length, ends[size]);
		ck_assert_uint_eq(strlen(buffer), ends[size]);
		ck_assert_int_eq(out.cut, size <= strlen(whole));
	}
}
END_TEST

int main(void)
{
	return SUITE_RUN("base",
			 CASE("addr", endpoints_parse_and_print_back, bad_addresses_are_refused,
			      prefix_without_length_is_a_host, addresses_order_as_unsigned_numbers),
			 CASE("duration", durations_need_a_unit_and_read_back),
			 CASE("cursor", a_reader_that_fails_stays_failed, what_is_put_is_got, the_checksum_is_rfc_1071),
			 CASE("arena", an_arena_keeps_to_its_limit, arena_push_keeps_what_was_pushed,
			      a_small_arena_grows_when_it_must),
			 CASE("table", a_table_finds_all_values_of_a_hash, a_table_without_memory_stays_empty),
			 CASE("walltime", wall_time_reads_back_over_all_years, what_is_no_wall_time_is_refused),
			 CASE("text", a_misspelt_word_finds_its_neighbour, foreign_text_is_cleaned,
			      a_text_that_is_cut_ends_with_a_whole_character));
}
