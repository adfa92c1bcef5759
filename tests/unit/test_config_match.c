/* Which service of an old model one of a new model is. */
#include <sys/socket.h>

#include "base/arena.h"
#include "config/match.h"
#include "suite.h"

static struct service service(const char *name, struct endpoint *listen, size_t count)
{
	return (struct service){.name = name,
				.listen = listen,
				.listen_count = count,
				.protocols = PROTOCOL_TCP};
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint out = {0};

	endpoint_parse(text, &out);
	return out;
}

/* The indices as letters, '+' for none. */
static const char *match(struct service *next, size_t count, struct service *old, size_t old_count)
{
	static char out[16];
	struct model now = {.services = next, .service_count = count},
		     before = {.services = old, .service_count = old_count};
	auto_arena *arena = arena_new(0);
	uint32_t *found;

	ck_assert_int_eq(services_match(arena, &now, &before, &found), 0);
	for (size_t s = 0; s < count; s++)
		out[s] = found[s] == SERVICE_IS_NEW ? '+' : (char)('a' + found[s]);
	out[count] = '\0';
	return out;
}

static struct endpoint one, two, three;

static void parse(void)
{
	one = endpoint("192.0.2.1:80");
	two = endpoint("192.0.2.2:80");
	three = endpoint("[2001:db8::1]:80");
}

START_TEST(a_service_keeps_its_self_under_another_name_and_at_another_place)
{
	struct service old[] = {service("a", &one, 1), service("b", &two, 1)};
	struct service next[] = {service("new", &three, 1), service("b", &two, 1),
				 service("c", &one, 1)};

	ck_assert_str_eq(match(next, 3, old, 2), "+ba");
}
END_TEST

START_TEST(names_that_are_swapped_do_not_swap_services)
{
	struct service old[] = {service("a", &one, 1), service("b", &two, 1)};
	struct service next[] = {service("b", &one, 1), service("a", &two, 1)};

	ck_assert_str_eq(match(next, 2, old, 2), "ab");
}
END_TEST

START_TEST(a_name_finds_what_nobody_has_found_by_its_address)
{
	struct service old[] = {service("a", &one, 1), service("b", &two, 1)};
	struct service next[] = {service("a", &three, 1), service("b", &one, 1)};

	ck_assert_str_eq(match(next, 2, old, 2), "+a");
	next[0].name = "b";
	next[1].name = "a";
	ck_assert_str_eq(match(next, 2, old, 2), "ba");
}
END_TEST

START_TEST(one_listener_of_several_is_enough_and_no_service_is_found_twice)
{
	struct endpoint both[] = {one, two}, others[] = {three, two};
	struct service old[] = {service("a", both, 2)};
	struct service next[] = {service("x", others, 2), service("y", &one, 1)};

	ck_assert_str_eq(match(next, 2, old, 1), "a+");
}
END_TEST

START_TEST(another_protocol_is_another_service)
{
	struct service old[] = {service("tcp", &one, 1), service("udp", &one, 1)};
	struct service next[] = {service("u", &one, 1), service("t", &one, 1)};

	old[1].protocols = next[0].protocols = PROTOCOL_UDP;
	ck_assert_str_eq(match(next, 2, old, 2), "ba");
}
END_TEST

START_TEST(a_mark_is_an_address_of_its_family)
{
	struct service old[] = {{.name = "a", .fwmark = 5, .family = AF_INET},
				{.name = "b", .fwmark = 5, .family = AF_INET6},
				{.name = "c", .fwmark = 6, .family = AF_INET}};
	struct service next[] = {{.name = "x", .fwmark = 5, .family = AF_INET6},
				 {.name = "y", .fwmark = 6, .family = AF_INET},
				 {.name = "z", .fwmark = 6, .family = AF_INET6}};

	ck_assert_str_eq(match(next, 3, old, 3), "bc+");
}
END_TEST

int main(void)
{
	parse();
	return SUITE_RUN("config match",
			 CASE("services",
			      a_service_keeps_its_self_under_another_name_and_at_another_place,
			      names_that_are_swapped_do_not_swap_services,
			      a_name_finds_what_nobody_has_found_by_its_address,
			      one_listener_of_several_is_enough_and_no_service_is_found_twice,
			      another_protocol_is_another_service,
			      a_mark_is_an_address_of_its_family));
}
