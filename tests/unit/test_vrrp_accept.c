/* Which adverts a router takes: one byte or one setting wrong, and the reason. */
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "suite.h"
#include "vrrp/accept.h"
#include "vrrp_captured.h"

#define ROOM 4400
#define TAKEN VRRP_DROP_COUNT

static struct addr address(const char *text)
{
	struct addr out = {0};

	ck_assert_int_eq(addr_parse(text, &out), 0);
	return out;
}

/* A router that hears the captured adverts of keepalived. */
static struct instance router(uint8_t version, uint8_t family)
{
	return (struct instance){
		.virtual_router_id = 51,
		.version = version,
		.advert_interval = NSTIME_S,
		.transport = VRRP_TRANSPORT_MULTICAST,
		.multicast_group = address(family == AF_INET6 ? "ff02::12" : "224.0.0.18"),
		.unicast = {.min_ttl = 255},
	};
}

/* The same by unicast, with the sender as a peer. */
static struct instance unicast_router(uint8_t version, uint8_t family, struct addr *peer)
{
	struct instance about = router(version, family);

	*peer = address(family == AF_INET6 ? "fd00::10" : "192.168.8.10");
	about.transport = VRRP_TRANSPORT_UNICAST;
	about.unicast.peers = peer;
	about.unicast.peer_count = 1;
	return about;
}

/* What becomes of a packet as bytes; own addresses are those to which keepalived sent. */
static enum vrrp_drop judge_bytes(const struct instance *about, const uint8_t *packet, size_t size)
{
	struct vrrp_datagram datagram;
	struct vrrp_advert advert;
	struct addr own = address("192.168.8.11");
	enum vrrp_drop why = TAKEN;

	if (packet[0] >> 4 == 4) {
		ck_assert(vrrp_ipv4_open(packet, size, &datagram));
	} else {
		own = address("fd00::11");
		datagram = (struct vrrp_datagram){.message = packet + 40, .size = size - 40};
		datagram.envelope.source = addr_from_bytes(AF_INET6, packet + 8);
		datagram.envelope.destination = addr_from_bytes(AF_INET6, packet + 24);
		datagram.envelope.ttl = packet[7];
		datagram.envelope.protocol = packet[6];
	}
	ck_assert(vrrp_advert_decode(&datagram, &advert, &why));
	return vrrp_accept(about, &own, &datagram, &advert, &why) ? TAKEN : why;
}

static enum vrrp_drop judge(const struct instance *about, const char *hex)
{
	uint8_t packet[ROOM];
	size_t size = unhex(hex, packet);

	return judge_bytes(about, packet, size);
}

/* With one byte changed, and the checksum put right again (so that it is not the reason). */
static enum vrrp_drop judge_changed(const struct instance *about, const char *hex, size_t at,
				    uint8_t value)
{
	uint8_t packet[ROOM], *message;
	size_t size = unhex(hex, packet), header = packet[0] >> 4 == 4 ? 20 : 40;
	uint32_t sum;

	message = packet + header + (packet[9] == 51 ? 24 : 0);
	packet[at] = value;
	if (at >= header) {
		message[6] = message[7] = 0;
		sum = checksum_add(0, message, size - (size_t)(message - packet));
		if (message[0] >> 4 == 3) {
			sum = checksum_add(sum, packet + (header == 20 ? 12 : 8),
					   header == 20 ? 8 : 32);
			sum += 112 + (uint32_t)(size - header);
		}
		message[6] = (uint8_t)(checksum_fold(sum) >> 8);
		message[7] = (uint8_t)checksum_fold(sum);
	}
	return judge_bytes(about, packet, size);
}

/* ---- taken ---------------------------------------------------------------------------------- */

START_TEST(adverts_of_keepalived_are_taken_by_routers_like_it)
{
	struct addr peer;
	struct instance about = router(3, AF_INET);

	ck_assert_int_eq(judge(&about, V3_IPV4), TAKEN);
	ck_assert_int_eq(judge(&about, V3_IPV4_PRIORITY_0), TAKEN);
	about = router(3, AF_INET6);
	ck_assert_int_eq(judge(&about, V3_IPV6), TAKEN);
	about = router(2, AF_INET);
	ck_assert_int_eq(judge(&about, V2_NONE), TAKEN);
	about.authentication = (struct authentication){.type = VRRP_AUTH_PASS, .key = "secret"};
	ck_assert_int_eq(judge(&about, V2_PASS), TAKEN);
	about.authentication.type = VRRP_AUTH_AH;
	ck_assert_int_eq(judge(&about, V2_AH), TAKEN);
	about = unicast_router(3, AF_INET, &peer);
	ck_assert_int_eq(judge(&about, V3_IPV4_UNICAST), TAKEN);
	about = unicast_router(2, AF_INET, &peer);
	about.authentication.type = VRRP_AUTH_AH;
	ck_assert_int_eq(judge(&about, V2_AH_UNICAST), TAKEN);
}
END_TEST

START_TEST(both_transports_take_either)
{
	struct addr peer;
	struct instance about = unicast_router(3, AF_INET, &peer);

	about.transport = VRRP_TRANSPORT_BOTH;
	ck_assert_int_eq(judge(&about, V3_IPV4), TAKEN);
	ck_assert_int_eq(judge(&about, V3_IPV4_UNICAST), TAKEN);
}
END_TEST

START_TEST(version_3_takes_another_interval_and_other_addresses)
{
	struct instance about = router(3, AF_INET);

	about.advert_interval = 100 * NSTIME_MS;
	ck_assert_int_eq(judge(&about, V3_IPV4), TAKEN);
	ck_assert_int_eq(judge_changed(&about, V3_IPV4, 31, 77), TAKEN);
}
END_TEST

/* ---- dropped -------------------------------------------------------------------------------- */

START_TEST(each_check_drops_with_its_reason)
{
	const struct instance v3 = router(3, AF_INET), v6 = router(3, AF_INET6);
	const struct instance v2 = router(2, AF_INET), v2_ipv6 = router(2, AF_INET6);
	const struct {
		const struct instance *about;
		const char *hex;
		size_t at;
		uint8_t value;
		enum vrrp_drop why;
	} rows[] = {
		{&v3, V3_IPV4, 8, 254, VRRP_DROP_TTL},
		{&v6, V3_IPV6, 7, 254, VRRP_DROP_TTL},
		{&v3, V3_IPV4, 20, 0x21, VRRP_DROP_VERSION},
		{&v3, V3_IPV4, 20, 0x41, VRRP_DROP_VERSION},
		{&v2, V2_NONE, 20, 0x31, VRRP_DROP_VERSION},
		{&v2, V2_NONE, 20, 0x11, VRRP_DROP_VERSION},
		{&v2_ipv6, V3_IPV6, 40, 0x21, VRRP_DROP_VERSION}, /* knows no IPv6 */
		{&v3, V3_IPV4, 20, 0x32, VRRP_DROP_TYPE},
		{&v3, V3_IPV4, 23, 3, VRRP_DROP_LENGTH},
		{&v3, V3_IPV4, 23, 0, VRRP_DROP_LENGTH},
		{&v2, V2_NONE, 23, 3, VRRP_DROP_LENGTH},
		{&v6, V3_IPV6, 43, 3, VRRP_DROP_LENGTH},
		{&v3, V3_IPV4, 25, 0, VRRP_DROP_INTERVAL},
		{&v6, V3_IPV6, 45, 0, VRRP_DROP_INTERVAL},
		{&v2, V2_NONE, 25, 0, VRRP_DROP_INTERVAL},
		{&v2, V2_NONE, 25, 2, VRRP_DROP_INTERVAL},
		{&v2, V2_NONE, 24, 1, VRRP_DROP_AUTH_TYPE},
		{&v2, V2_NONE, 24, 3, VRRP_DROP_AUTH_TYPE},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum vrrp_drop why = judge_changed(rows[i].about, rows[i].hex, rows[i].at,
						   rows[i].value);

		ck_assert_msg(why == rows[i].why, "row %zu: %s", i, vrrp_drop_name(why));
	}
}
END_TEST

START_TEST(a_wrong_checksum_is_dropped_in_every_version_and_family)
{
	const struct {
		const char *hex;
		uint8_t version, family;
		size_t at;
	} rows[] = {
		{V3_IPV4, 3, AF_INET, 27},
		{V2_NONE, 2, AF_INET, 27},
		{V3_IPV6, 3, AF_INET6, 47},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct instance about = router(rows[i].version, rows[i].family);
		uint8_t packet[ROOM];
		size_t size = unhex(rows[i].hex, packet);

		packet[rows[i].at]++;
		ck_assert_int_eq(judge_bytes(&about, packet, size), VRRP_DROP_CHECKSUM);
	}
}
END_TEST

START_TEST(the_earlier_check_gives_the_reason)
{
	struct instance about = router(3, AF_INET);
	uint8_t packet[ROOM];
	size_t size = unhex(V3_IPV4, packet);

	packet[25] = 0;    /* interval */
	packet[27]++;      /* checksum */
	packet[23] = 200;  /* length */
	packet[20] = 0x22; /* type, version */
	packet[8] = 1;     /* TTL */
	ck_assert_int_eq(judge_bytes(&about, packet, size), VRRP_DROP_TTL);
	packet[8] = 255;
	ck_assert_int_eq(judge_bytes(&about, packet, size), VRRP_DROP_VERSION);
	packet[20] = 0x32;
	ck_assert_int_eq(judge_bytes(&about, packet, size), VRRP_DROP_TYPE);
	packet[20] = 0x31;
	ck_assert_int_eq(judge_bytes(&about, packet, size), VRRP_DROP_LENGTH);
	packet[23] = 2;
	ck_assert_int_eq(judge_bytes(&about, packet, size), VRRP_DROP_CHECKSUM);
}
END_TEST

START_TEST(what_was_not_sent_as_the_router_wants_it_is_dropped)
{
	struct addr peer;
	struct instance multicast = router(3, AF_INET);
	struct instance unicast = unicast_router(3, AF_INET, &peer);

	ck_assert_int_eq(judge(&multicast, V3_IPV4_UNICAST), VRRP_DROP_TRANSPORT);
	ck_assert_int_eq(judge(&unicast, V3_IPV4), VRRP_DROP_TRANSPORT);
	/* its TTL is of no interest then */
	ck_assert_int_eq(judge_changed(&multicast, V3_IPV4_UNICAST, 8, 64), VRRP_DROP_TRANSPORT);
	/* to another group, to another address of this machine */
	multicast.multicast_group = address("224.0.0.181");
	ck_assert_int_eq(judge(&multicast, V3_IPV4), VRRP_DROP_TRANSPORT);
	ck_assert_int_eq(judge_changed(&unicast, V3_IPV4_UNICAST, 19, 12), VRRP_DROP_CHECKSUM);
	unicast.version = 2;
	ck_assert_int_eq(judge_changed(&unicast, V2_AH_UNICAST, 19, 12), VRRP_DROP_TRANSPORT);
}
END_TEST

START_TEST(unicast_is_taken_from_peers_alone)
{
	struct addr peer;
	struct instance about = unicast_router(2, AF_INET, &peer);

	about.authentication.type = VRRP_AUTH_AH;
	ck_assert_int_eq(judge_changed(&about, V2_AH_UNICAST, 15, 12), VRRP_DROP_SOURCE);
	about.unicast.peer_count = 0;
	ck_assert_int_eq(judge(&about, V2_AH_UNICAST), VRRP_DROP_SOURCE);
}
END_TEST

START_TEST(unicast_may_cross_as_many_routers_as_min_ttl_says)
{
	struct addr peer;
	struct instance about = unicast_router(3, AF_INET6, &peer);

	ck_assert_int_eq(judge(&about, V3_IPV6_UNICAST), VRRP_DROP_TTL); /* it has 64 */
	about.unicast.min_ttl = 64;
	ck_assert_int_eq(judge(&about, V3_IPV6_UNICAST), TAKEN);
	about.unicast.min_ttl = 65;
	ck_assert_int_eq(judge(&about, V3_IPV6_UNICAST), VRRP_DROP_TTL);
}
END_TEST

START_TEST(our_own_adverts_are_not_heard)
{
	struct instance about = router(2, AF_INET);

	ck_assert_int_eq(judge_changed(&about, V2_NONE, 15, 11), VRRP_DROP_OWN);
}
END_TEST

START_TEST(the_password_must_be_the_same_to_its_last_byte)
{
	static const struct {
		const char *key;
		enum vrrp_drop why;
	} rows[] = {
		{"secret", TAKEN},           {"secre", VRRP_DROP_AUTH},  {"secreu", VRRP_DROP_AUTH},
		{"secretx", VRRP_DROP_AUTH}, {"", VRRP_DROP_AUTH},       {NULL, VRRP_DROP_AUTH},
		{"Secret", VRRP_DROP_AUTH},  {"secret\0x", TAKEN},
	};
	struct instance about = router(2, AF_INET);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		about.authentication =
			(struct authentication){.type = VRRP_AUTH_PASS, .key = rows[i].key};
		ck_assert_msg(judge(&about, V2_PASS) == rows[i].why, "row %zu", i);
	}
	/* keepalived takes eight bytes of a longer one */
	about.authentication.key = "longpassword";
	ck_assert_int_eq(judge(&about, V2_PASS), VRRP_DROP_AUTH);
}
END_TEST

START_TEST(the_kind_of_authentication_must_be_the_same)
{
	static const char *const packets[] = {V2_NONE, V2_PASS, V2_AH};
	struct instance about = router(2, AF_INET);

	for (unsigned type = VRRP_AUTH_NONE; type <= VRRP_AUTH_AH; type++)
		for (unsigned sent = VRRP_AUTH_NONE; sent <= VRRP_AUTH_AH; sent++) {
			about.authentication =
				(struct authentication){.type = type, .key = "secret"};
			ck_assert_int_eq(judge(&about, packets[sent]),
					 sent == type ? TAKEN : VRRP_DROP_AUTH_TYPE);
		}
}
END_TEST

/* "ah" in the message without an AH header, and the reverse. */
START_TEST(a_claim_of_ah_without_its_header_is_none)
{
	struct instance about = router(2, AF_INET);

	about.authentication = (struct authentication){.type = VRRP_AUTH_AH, .key = "secret"};
	ck_assert_int_eq(judge_changed(&about, V2_NONE, 24, 2), VRRP_DROP_AUTH_TYPE);
	about.authentication.type = VRRP_AUTH_NONE;
	ck_assert_int_eq(judge_changed(&about, V2_AH, 48, 0), VRRP_DROP_AUTH_TYPE);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------ */

START_TEST(lists_of_addresses_are_compared_without_their_order)
{
	static const uint8_t one[] = {10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3};
	static const uint8_t two[] = {10, 0, 0, 3, 10, 0, 0, 1, 10, 0, 0, 2};
	static const uint8_t near[] = {10, 0, 0, 0, 10, 0, 0, 3, 10, 0, 0, 3};

	ck_assert_uint_eq(vrrp_addresses_print(AF_INET, one, 3),
			  vrrp_addresses_print(AF_INET, two, 3));
	ck_assert_uint_ne(vrrp_addresses_print(AF_INET, one, 3),
			  vrrp_addresses_print(AF_INET, near, 3));
	ck_assert_uint_ne(vrrp_addresses_print(AF_INET, one, 3),
			  vrrp_addresses_print(AF_INET, one, 2));
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp accept",
		CASE("taken", adverts_of_keepalived_are_taken_by_routers_like_it,
		     both_transports_take_either,
		     version_3_takes_another_interval_and_other_addresses),
		CASE("dropped", each_check_drops_with_its_reason,
		     a_wrong_checksum_is_dropped_in_every_version_and_family,
		     the_earlier_check_gives_the_reason,
		     what_was_not_sent_as_the_router_wants_it_is_dropped,
		     unicast_is_taken_from_peers_alone,
		     unicast_may_cross_as_many_routers_as_min_ttl_says,
		     our_own_adverts_are_not_heard, the_password_must_be_the_same_to_its_last_byte,
		     the_kind_of_authentication_must_be_the_same,
		     a_claim_of_ah_without_its_header_is_none),
		CASE("addresses", lists_of_addresses_are_compared_without_their_order));
}
