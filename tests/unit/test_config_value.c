/* Values of lbha.conf by interface.md section 7: what is taken, what is refused, and that what is
 * written is read again. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/nstime.h"
#include "config/diagnostics.h"
#include "config/model.h"
#include "config/value.h"
#include "suite.h"

static const struct schema_field number = {.type = TYPE_NUMBER, .size = 4, .min = 1, .max = 65535};
static const struct schema_field duration = {.type = TYPE_DURATION,
					     .size = sizeof(nstime),
					     .min = 10 * NSTIME_MS,
					     .max = 3600 * NSTIME_S,
					     .step = 10 * NSTIME_MS};
static const struct schema_field boolean = {.type = TYPE_BOOL, .size = sizeof(bool)};
static const struct schema_field text_field = {.type = TYPE_TEXT, .size = sizeof(const char *)};
static const struct schema_field range = {.type = TYPE_RANGE,
					  .size = sizeof(struct status_range),
					  .min = 100,
					  .max = 599};

static struct arena *arena;
static char why[512];

static void setup(void)
{
	arena = arena_new(0);
}

static void teardown(void)
{
	arena_free(arena);
}

/* Parses as a plain scalar, or in quotes; "" or the complaint. */
static const char *parse(const struct schema_field *field, const char *text, bool quoted, void *out)
{
	struct scalar scalar = {.text = text, .plain = !quoted, .quoted = quoted};
	struct text complaint = text_of(why, sizeof(why));
	bool good = value_parse(field, &scalar, arena, out, &complaint);

	ck_assert_msg(good == !why[0], "%s: a complaint exactly when it is refused (%s)", text,
		      why);
	return why;
}

START_TEST(integers_are_decimal_or_hexadecimal)
{
	static const char *const refused[] = {"010",
					      "1_0",
					      "+5",
					      "5e1",
					      "5.0",
					      "",
					      "0x",
					      "0X5",
					      "five",
					      "5 ",
					      "1:30",
					      "0b1",
					      "0o7",
					      "0",
					      "65536",
					      "-1",
					      "99999999999999999999999",
					      "０"};
	uint32_t value = 77;

	ck_assert_str_eq(parse(&number, "80", false, &value), "");
	ck_assert_uint_eq(value, 80);
	ck_assert_str_eq(parse(&number, "0xFfff", false, &value), "");
	ck_assert_uint_eq(value, 65535);
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		ck_assert_msg(*parse(&number, refused[i], false, &value), "%s is taken",
			      refused[i]);
	ck_assert_uint_eq(value, 65535);
	ck_assert_str_eq(parse(&number, "80", true, &value),
			 "a number is expected, not the text \"80\": remove the quotes");
}
END_TEST

START_TEST(durations_want_a_unit_and_keep_to_their_step)
{
	static const char *const refused[] = {"5",   "5 s",  "5S",  "s",   "1.s",    ".5s", "-1s",
					      "+1s", "1e3s", "1s ", "1 m", "",       "1w",  "0",
					      "5ms", "15ms", "2h",  "1m1", "forever"};
	nstime value = 7;

	ck_assert_str_eq(parse(&duration, "1m30s", false, &value), "");
	ck_assert_int_eq(value, 90 * NSTIME_S);
	ck_assert_str_eq(parse(&duration, "1.5s", true, &value), "");
	ck_assert_int_eq(value, 1500 * NSTIME_MS);
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		ck_assert_msg(*parse(&duration, refused[i], false, &value), "%s is taken",
			      refused[i]);
	ck_assert_int_eq(value, 1500 * NSTIME_MS);
	ck_assert_str_eq(parse(&duration, "5", false, &value),
			 "5 has no unit: write 5s, or one of us, ms, m, h, d");
}
END_TEST

START_TEST(booleans_are_true_and_false_only)
{
	static const char *const refused[] = {"yes", "no", "on", "off", "True", "FALSE",
					      "1",   "0",  "",   "y",   "~"};
	bool value = false;

	ck_assert_str_eq(parse(&boolean, "true", false, &value), "");
	ck_assert(value);
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		ck_assert_msg(*parse(&boolean, refused[i], false, &value), "%s is taken",
			      refused[i]);
	ck_assert(*parse(&boolean, "true", true, &value));
}
END_TEST

START_TEST(what_yaml_takes_for_something_else_is_no_text_without_quotes)
{
	static const char *const traps[] = {"off", "On",  "yes",  "NO",    "true", "null",
					    "~",   "",    "5",    "-5",    "+1",   "1.5",
					    ".5",  "1e5", "0x1f", "1_000", "010",  "5."};
	static const char *const texts[] = {"web", "192.0.2.1", "1.2.3", "e5",       "0x",
					    "a1",  "-",         ".",     "5m",       "x0",
					    "/",   "1e",        "offer", "nullable", "10:20"};
	const char *value = NULL;

	for (size_t i = 0; i < COUNT_OF(traps); i++) {
		ck_assert_msg(*parse(&text_field, traps[i], false, &value), "%s is taken",
			      traps[i]);
		ck_assert_msg(!*parse(&text_field, traps[i], true, &value), "\"%s\" is refused",
			      traps[i]);
		ck_assert_str_eq(value, traps[i]);
	}
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		ck_assert_msg(!*parse(&text_field, texts[i], false, &value), "%s is refused: %s",
			      texts[i], why);
}
END_TEST

START_TEST(a_quoted_text_with_a_variable_may_be_a_number)
{
	struct scalar scalar = {.text = "80", .plain = true, .quoted = true};
	struct text complaint = text_of(why, sizeof(why));
	uint32_t value = 0;
	const char *name;

	ck_assert(value_parse(&number, &scalar, arena, &value, &complaint));
	ck_assert_uint_eq(value, 80);
	ck_assert(value_parse(&text_field, &scalar, arena, &name, &complaint));
	ck_assert_str_eq(name, "80");
}
END_TEST

START_TEST(ranges_of_status_codes)
{
	static const char *const refused[] = {"99",   "600",         "300-200", "200-",
					      "-299", "200-299-300", "2xx",     "200 - 299",
					      "0200", "200-2999"};
	struct status_range value = {0};

	ck_assert_str_eq(parse(&range, "204", false, &value), "");
	ck_assert(value.first == 204 && value.last == 204);
	ck_assert_str_eq(parse(&range, "200-299", true, &value), "");
	ck_assert(value.first == 200 && value.last == 299);
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		ck_assert_msg(*parse(&range, refused[i], false, &value), "%s is taken", refused[i]);
}
END_TEST

/* Every default of every table must be taken by its own row: else it would silently be zero. */
static void check_defaults(const struct schema_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		uint64_t value[16] = {0}; /* larger than any element, aligned for all */

		if (field->record)
			check_defaults(field->record);
		if (field->default_text)
			ck_assert_msg(!*parse(field, field->default_text, field->type == TYPE_TEXT,
					      value),
				      "%s.%s: %s", record->name, field->key, why);
		ck_assert_uint_le(field->size, sizeof(value) * 100);
		ck_assert_msg(!field->key || field->type == TYPE_SOURCE || field->doc ||
				      field->record || record == &schema_endpoint ||
				      record == &schema_http_header,
			      "%s.%s has no doc", record->name, field->key);
	}
}

START_TEST(every_default_is_valid)
{
	check_defaults(&schema_model);
	check_defaults(&schema_endpoint);
}
END_TEST

/* What is written must be read as the same value. */
static void check_back(const struct schema_field *field, const char *text)
{
	uint64_t value[16] = {0}, again[16] = {0};
	char written[256];
	struct text out = text_of(written, sizeof(written));

	ck_assert_msg(!*parse(field, text, false, value), "%s: %s", text, why);
	value_format(field, value, &out);
	ck_assert_msg(!*parse(field, written, false, again), "%s: %s", written, why);
	ck_assert_msg(!memcmp(value, again, field->size), "%s is written as %s", text, written);
}

START_TEST(what_is_written_is_read_again)
{
	static const struct schema_field any = {.type = TYPE_DURATION, .size = sizeof(nstime)};
	static const struct schema_field address = {.type = TYPE_ADDRESS,
						    .size = sizeof(struct addr)};
	static const struct schema_field prefix = {.type = TYPE_PREFIX,
						   .size = sizeof(struct prefix)};
	static const struct schema_field endpoint = {.type = TYPE_ENDPOINT,
						     .size = sizeof(struct endpoint)};
	static const char *const durations[] = {"0",          "1us",     "999us",
						"1.5ms",      "40950ms", "1m30s",
						"1d2h3m4s",   "1.001s",  "100000d",
						"59.999999s", "1h0.5s",  "3601.001002s"};

	for (size_t i = 0; i < COUNT_OF(durations); i++)
		check_back(&any, durations[i]);
	check_back(&address, "2001:db8::1");
	check_back(&prefix, "192.0.2.1");
	check_back(&prefix, "192.0.2.1/24");
	check_back(&endpoint, "192.0.2.1:80");
	check_back(&endpoint, "[2001:db8::1]:80");
	check_back(&endpoint, "2001:db8::1");
	check_back(&number, "0x50");
	check_back(&boolean, "true");
	check_back(&range, "200-299");
	check_back(&range, "204");
}
END_TEST

/* ---- diagnostics ---------------------------------------------------------------------------- */

static void join_line(void *ctx, const char *line)
{
	text_add(ctx, "%s\n", line);
}

START_TEST(messages_are_sorted_and_said_once)
{
	static const struct diagnostic places[] = {
		{.file = "b.yaml", .line = 1, .column = 1, .path = "x"},
		{.file = "lbha.conf",
		 .line = 9,
		 .column = 2,
		 .path = "y",
		 .severity = SEVERITY_WARNING},
		{.file = "lbha.conf", .line = 9, .column = 1},
		{.file = "lbha.conf", .line = 9, .column = 1, .path = "another.way"},
		{.file = "lbha.conf"},
	};
	struct diagnostics diagnostics;
	char buffer[1024];
	struct text out = text_of(buffer, sizeof(buffer));

	diagnostics_init(&diagnostics, arena);
	diagnostics.main_file = "lbha.conf";
	for (size_t i = 0; i < COUNT_OF(places); i++)
		diagnostics_add(&diagnostics, &places[i], "bad \033[2Jthing");
	diagnostics_print(&diagnostics, join_line, &out);
	ck_assert_str_eq(buffer, "lbha.conf: error: bad ?[2Jthing\n"
				 "lbha.conf:9:1: error: bad ?[2Jthing\n"
				 "lbha.conf:9:2: warning: y: bad ?[2Jthing\n"
				 "b.yaml:1:1: error: x: bad ?[2Jthing\n"
				 "3 errors, 1 warning\n");
}
END_TEST

START_TEST(nothing_wrong_is_nothing_said)
{
	struct diagnostics diagnostics;
	char buffer[16];
	struct text out = text_of(buffer, sizeof(buffer));

	diagnostics_init(&diagnostics, arena);
	diagnostics_print(&diagnostics, join_line, &out);
	ck_assert_str_eq(buffer, "");
}
END_TEST

START_TEST(a_flood_of_errors_is_counted_but_not_kept)
{
	struct diagnostics diagnostics;
	struct diagnostic where = {.file = "f", .column = 1};
	char last[DIAGNOSTICS_MAX * 40];
	struct text out = text_of(last, sizeof(last));

	diagnostics_init(&diagnostics, arena);
	for (where.line = 1; where.line <= DIAGNOSTICS_MAX + 5; where.line++)
		diagnostics_add(&diagnostics, &where, "bad");
	diagnostics_print(&diagnostics, join_line, &out);
	ck_assert_uint_eq(diagnostics.count, DIAGNOSTICS_MAX);
	ck_assert_ptr_nonnull(strstr(last, "2005 errors, 0 warnings, of which 5 are not shown\n"));
}
END_TEST

static TCase *with_arena(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	return tcase;
}

int main(void)
{
	TCase *values =
		CASE("values", integers_are_decimal_or_hexadecimal,
		     durations_want_a_unit_and_keep_to_their_step, booleans_are_true_and_false_only,
		     what_yaml_takes_for_something_else_is_no_text_without_quotes,
		     a_quoted_text_with_a_variable_may_be_a_number, ranges_of_status_codes,
		     every_default_is_valid, what_is_written_is_read_again);
	TCase *said =
		CASE("diagnostics", messages_are_sorted_and_said_once,
		     nothing_wrong_is_nothing_said, a_flood_of_errors_is_counted_but_not_kept);

	return SUITE_RUN("config values", with_arena(values), with_arena(said));
}
