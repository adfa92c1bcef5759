/* check: what answers of HTTP say beside their bodies. */
#include <string.h>

#include "check/http_answer.h"
#include "suite.h"

static bool parses(const char *line, const char *name, const char *value)
{
	struct http_field field;

	return http_field_parse(line, strlen(line), &field) && http_field_is(&field, name) &&
	       field.value_size == strlen(value) && !memcmp(field.value, value, field.value_size);
}

static bool is_field(const char *line, size_t size)
{
	struct http_field field;

	return http_field_parse(line, size, &field);
}

START_TEST(a_field_is_a_name_and_a_value_without_blanks_around)
{
	ck_assert(parses("X-Ready: yes\r\n", "x-ready", "yes"));
	ck_assert(parses("X-Ready:yes", "X-READY", "yes"));
	ck_assert(parses("a:\t b c \t\r\n", "a", "b c"));
	ck_assert(parses("a:b:c\n", "a", "b:c"));
	ck_assert(parses("a:\r\n", "a", ""));
	ck_assert(parses("a:   ", "a", ""));
}
END_TEST

START_TEST(what_is_no_field_is_none)
{
	ck_assert(!is_field("", 0));
	ck_assert(!is_field("\r\n", 2));
	ck_assert(!is_field("HTTP/1.1 200 OK\r\n", 17));
	ck_assert(!is_field(": value\r\n", 9));
	ck_assert(!is_field("name : value", 12)); /* RFC 9112 section 5.1 */
	ck_assert(!is_field(" folded: value", 14));
	ck_assert(!is_field("name: value", 4));
}
END_TEST

START_TEST(names_are_compared_whole)
{
	struct http_field field;

	ck_assert(http_field_parse("Location: /", 11, &field));
	ck_assert(http_field_is(&field, "location"));
	ck_assert(!http_field_is(&field, "locatio"));
	ck_assert(!http_field_is(&field, "locations"));
}
END_TEST

START_TEST(five_statuses_redirect)
{
	unsigned count = 0;

	for (uint16_t status = 0; status < 1000; status++)
		count += http_status_redirects(status);
	ck_assert_uint_eq(count, 5);
	ck_assert(http_status_redirects(301) && http_status_redirects(302) &&
		  http_status_redirects(303) && http_status_redirects(307) &&
		  http_status_redirects(308));
}
END_TEST

START_TEST(a_redirect_drops_the_body_as_browsers_do)
{
	ck_assert(http_status_drops_body(303, "PUT"));
	ck_assert(http_status_drops_body(301, "POST"));
	ck_assert(http_status_drops_body(302, "POST"));
	ck_assert(!http_status_drops_body(302, "PUT"));
	ck_assert(!http_status_drops_body(307, "POST"));
	ck_assert(!http_status_drops_body(308, "POST"));
}
END_TEST

START_TEST(a_digest_is_compared_in_either_case_and_to_its_last_digit)
{
	static const char TEXT[] = "00ff10aB000000000000000000000000000000000000000000000000000000fE";
	uint8_t digest[32] = {0x00, 0xff, 0x10, 0xab, [31] = 0xfe};
	char other[sizeof(TEXT)];

	ck_assert(http_digest_is(digest, TEXT));
	for (size_t i = 0; i < 64; i++) {
		memcpy(other, TEXT, sizeof(TEXT));
		other[i] = other[i] == '1' ? '2' : '1';
		ck_assert(!http_digest_is(digest, other));
	}
	memcpy(other, TEXT, sizeof(TEXT));
	other[63] = '\0';
	ck_assert(!http_digest_is(digest, other));
	other[63] = 'g';
	ck_assert(!http_digest_is(digest, other));
}
END_TEST

int main(void)
{
	return SUITE_RUN("http",
			 CASE("field", a_field_is_a_name_and_a_value_without_blanks_around,
			      what_is_no_field_is_none, names_are_compared_whole),
			 CASE("status", five_statuses_redirect,
			      a_redirect_drops_the_body_as_browsers_do),
			 CASE("digest", a_digest_is_compared_in_either_case_and_to_its_last_digit));
}
