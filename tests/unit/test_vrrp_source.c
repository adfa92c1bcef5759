/* From which address a router sends. */
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "suite.h"
#include "vrrp/source.h"

static struct addr address(const char *text)
{
	struct addr out = {0};

	ck_assert_int_eq(addr_parse(text, &out), 0);
	return out;
}

static struct prefix prefix(const char *text)
{
	struct prefix out;

	ck_assert_int_eq(prefix_parse(text, &out), 0);
	return out;
}

/* Addresses of link 2, and one of another link in front. */
struct kernel {
	struct address items[8];
	struct address_list list;
};

static void has(struct kernel *kernel, const char *text, uint32_t flags)
{
	if (!kernel->list.count)
		kernel->items[kernel->list.count++] = (struct address){
			.link = 1,
			.prefix = prefix(strchr(text, ':') ? "fe80::99/64" : "10.9.9.9/8")};
	kernel->list.items = kernel->items;
	kernel->items[kernel->list.count++] =
		(struct address){.link = 2, .prefix = prefix(text), .flags = flags};
}

static bool is_virtual(const void *ctx, const struct prefix *of)
{
	const struct instance *about = ctx;

	return !prefix_compare(of, &about->virtual_addresses[0].address);
}

/* "none", "tentative ADDRESS", "duplicate ADDRESS" or the address. */
static const char *chosen(const struct instance *about, const struct kernel *kernel)
{
	static const char *const words[] = {[VRRP_SOURCE_FOUND] = "",
					    [VRRP_SOURCE_ABSENT] = "absent ",
					    [VRRP_SOURCE_TENTATIVE] = "tentative ",
					    [VRRP_SOURCE_DUPLICATE] = "duplicate "};
	static char out[64];
	char text[ADDR_TEXT];
	struct vrrp_source source =
		vrrp_source_choose(about, &kernel->list, 2, is_virtual, about);

	if (source.state == VRRP_SOURCE_NONE)
		return "none";
	snprintf(out, sizeof(out), "%s%s", words[source.state], addr_format(&source.address, text));
	return out;
}

static struct instance router(struct vip *vip, const char *virtual)
{
	*vip = (struct vip){.address = prefix(virtual), .advertise = true};
	return (struct instance){.virtual_addresses = vip,
				 .virtual_address_count = 1,
				 .priority = 100,
				 .transport = VRRP_TRANSPORT_MULTICAST};
}

START_TEST(ipv4_takes_the_configured_address_if_it_is_there_else_the_first)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "10.0.0.200/24");

	ck_assert_str_eq(chosen(&about, &kernel), "none");
	has(&kernel, "10.0.0.200/24", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "none");
	has(&kernel, "10.0.0.10/24", 0);
	has(&kernel, "10.0.0.11/24", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "10.0.0.10");
	about.source = address("10.0.0.11");
	ck_assert_str_eq(chosen(&about, &kernel), "10.0.0.11");
	about.source = address("10.0.0.12");
	ck_assert_str_eq(chosen(&about, &kernel), "10.0.0.10");
}
END_TEST

START_TEST(no_other_address_does_where_one_was_given_for_the_instance)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "10.0.0.200/24");

	about.source = address("10.0.0.11");
	about.source_given = true;
	has(&kernel, "10.0.0.10/24", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "absent 10.0.0.11");
	has(&kernel, "10.0.0.11/24", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "10.0.0.11");
	about.source = address("10.0.0.200"); /* its own, which is only there while MASTER */
	ck_assert_str_eq(chosen(&about, &kernel), "10.0.0.10");
}
END_TEST

START_TEST(a_given_address_that_another_machine_has_is_not_replaced)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "fe80::200/64");

	about.source = address("fe80::10");
	about.source_given = true;
	has(&kernel, "fe80::10/64", IFA_F_DADFAILED);
	has(&kernel, "fe80::11/64", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "duplicate fe80::10");
}
END_TEST

START_TEST(an_owners_virtual_address_is_its_own)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "10.0.0.200/24");

	about.priority = 255;
	has(&kernel, "10.0.0.200/24", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "10.0.0.200");
}
END_TEST

START_TEST(ipv6_multicast_comes_from_a_link_local_address)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "fe80::200/64");

	has(&kernel, "fd00::10/64", 0);
	has(&kernel, "fe80::200/64", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "none");
	has(&kernel, "fe80::10/64", 0);
	has(&kernel, "fe80::11/64", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::10");
	about.source = address("fe80::11");
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::11");
	about.source = address("fd00::10"); /* somebody wants it so, and was warned */
	ck_assert_str_eq(chosen(&about, &kernel), "fd00::10");
}
END_TEST

START_TEST(ipv6_unicast_comes_from_an_address_that_its_peers_can_reach)
{
	struct addr peers[] = {address("fd00::11"), address("fe80::11")};
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "fd00::200/64");

	about.transport = VRRP_TRANSPORT_UNICAST;
	about.unicast = (struct unicast){.peers = peers, .peer_count = 2};
	has(&kernel, "fe80::10/64", 0);
	has(&kernel, "fd00::200/64", 0);
	has(&kernel, "fd00::1234/64", IFA_F_TEMPORARY);
	has(&kernel, "fd00::10/64", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "fd00::10");
	about.transport = VRRP_TRANSPORT_BOTH;
	ck_assert_str_eq(chosen(&about, &kernel), "fd00::10");
	about.unicast = (struct unicast){.peers = peers + 1, .peer_count = 1};
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::10");
	about.unicast = (struct unicast){.peers = peers, .peer_count = 1};
	about.source = address("fe80::10");
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::10");
}
END_TEST

START_TEST(an_address_is_waited_for_until_the_kernel_has_looked_for_duplicates)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "fe80::200/64");

	has(&kernel, "fe80::10/64", IFA_F_TENTATIVE);
	ck_assert_str_eq(chosen(&about, &kernel), "tentative fe80::10");
	kernel.items[1].flags = IFA_F_TENTATIVE | IFA_F_DADFAILED;
	ck_assert_str_eq(chosen(&about, &kernel), "duplicate fe80::10");
	kernel.items[1].flags = IFA_F_TENTATIVE | IFA_F_OPTIMISTIC;
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::10");
	kernel.items[1].flags = IFA_F_PERMANENT;
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::10");
}
END_TEST

START_TEST(another_address_does_unless_the_first_is_the_configured_one)
{
	struct kernel kernel = {0};
	struct vip vip;
	struct instance about = router(&vip, "fe80::200/64");

	has(&kernel, "fe80::10/64", IFA_F_TENTATIVE);
	has(&kernel, "fe80::11/64", 0);
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::11");
	about.source = address("fe80::10");
	ck_assert_str_eq(chosen(&about, &kernel), "tentative fe80::10");
	kernel.items[1].flags = IFA_F_DADFAILED;
	ck_assert_str_eq(chosen(&about, &kernel), "fe80::11");
}
END_TEST

int main(void)
{
	return SUITE_RUN(
		"vrrp source",
		CASE("choose", ipv4_takes_the_configured_address_if_it_is_there_else_the_first,
		     no_other_address_does_where_one_was_given_for_the_instance,
		     a_given_address_that_another_machine_has_is_not_replaced,
		     an_owners_virtual_address_is_its_own,
		     ipv6_multicast_comes_from_a_link_local_address,
		     ipv6_unicast_comes_from_an_address_that_its_peers_can_reach,
		     an_address_is_waited_for_until_the_kernel_has_looked_for_duplicates,
		     another_address_does_unless_the_first_is_the_configured_one));
}
