/* The order of a plan's operations and their text. */
#include "test_ipvs.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "base/text.h"

static struct ipvs_service web(struct ipvs_dest *dests, size_t count)
{
	return (struct ipvs_service){.key = test_key("192.168.8.200:80", IPPROTO_TCP),
				     .attr = {.scheduler = "wlc", .netmask = UINT32_MAX},
				     .dests = dests,
				     .dest_count = count};
}

/* The plan between two states of one service as lines. */
static void check_plan(struct ipvs_service *desired, const struct ipvs_service *actual,
		       const char *expected)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_plan plan = {0};
	char buffer[2048];
	struct text out = text_of(buffer, sizeof(buffer));

	ck_assert_int_eq(ipvs_plan_service(arena, desired, actual, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		ipvs_op_format(&plan.ops[i], &out);
		text_add(&out, "\n");
	}
	ck_assert_str_eq(buffer, expected);
}

START_TEST(a_new_service_comes_before_its_destinations)
{
	struct ipvs_dest dests[] = {test_dest("192.168.8.20:80", 1),
				    test_dest("192.168.8.30:80", 2)};
	struct ipvs_service desired = web(dests, 2);

	dests[1].attr.forwarding = IPVS_FORWARD_NAT;
	check_plan(&desired, NULL,
		   "ipvsadm -A -t 192.168.8.200:80 -s wlc\n"
		   "ipvsadm -a -t 192.168.8.200:80 -r 192.168.8.20:80 -g -w 1\n"
		   "ipvsadm -a -t 192.168.8.200:80 -r 192.168.8.30:80 -m -w 2\n");
}
END_TEST

START_TEST(weight_goes_up_before_it_goes_down_and_removal_comes_last)
{
	struct ipvs_dest before[] = {test_dest("10.0.0.1:80", 1), test_dest("10.0.0.2:80", 0),
				     test_dest("10.0.0.3:80", 1)};
	struct ipvs_dest after[] = {test_dest("10.0.0.1:80", 0), test_dest("10.0.0.2:80", 1),
				    test_dest("10.0.0.4:80", 1)};
	struct ipvs_service desired = web(after, 3), actual = web(before, 3);

	check_plan(&desired, &actual,
		   "ipvsadm -e -t 192.168.8.200:80 -r 10.0.0.2:80 -g -w 1\n"
		   "ipvsadm -a -t 192.168.8.200:80 -r 10.0.0.4:80 -g -w 1\n"
		   "ipvsadm -e -t 192.168.8.200:80 -r 10.0.0.1:80 -g -w 0\n"
		   "ipvsadm -d -t 192.168.8.200:80 -r 10.0.0.3:80\n");
}
END_TEST

START_TEST(another_scheduler_or_forwarding_method_is_a_change_in_place)
{
	struct ipvs_dest before[] = {test_dest("10.0.0.1:80", 1)},
			 after[] = {test_dest("10.0.0.1:80", 1)};
	struct ipvs_service desired = web(after, 1), actual = web(before, 1);

	strcpy(desired.attr.scheduler, "rr");
	after[0].attr.forwarding = IPVS_FORWARD_NAT;
	check_plan(&desired, &actual,
		   "ipvsadm -E -t 192.168.8.200:80 -s rr\n"
		   "ipvsadm -e -t 192.168.8.200:80 -r 10.0.0.1:80 -m -w 1\n");
}
END_TEST

START_TEST(a_service_that_goes_is_one_operation)
{
	struct ipvs_dest dests[] = {test_dest("10.0.0.1:80", 1), test_dest("10.0.0.2:80", 1)};
	struct ipvs_service actual = web(dests, 2);

	check_plan(NULL, &actual, "ipvsadm -D -t 192.168.8.200:80\n");
}
END_TEST

START_TEST(equal_services_need_nothing)
{
	struct ipvs_dest dests[] = {test_dest("10.0.0.1:80", 1)};
	struct ipvs_service desired = web(dests, 1), actual = web(dests, 1);

	actual.attr.timeout = 300; /* without persistence it means nothing */
	actual.counters.connections = 7;
	check_plan(&desired, &actual, "");
}
END_TEST

START_TEST(all_that_a_service_can_be_has_ipvsadms_words)
{
	struct ipvs_service service = {.key = test_key("[2001:db8::1]:53", IPPROTO_UDP),
				       .attr = {.scheduler = "sh",
						.netmask = 64,
						.timeout = 360,
						.engine = "sip",
						.flags = IP_VS_SVC_F_PERSISTENT |
							 IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 |
							 IP_VS_SVC_F_ONEPACKET}};
	struct ipvs_service mark = {.key = {.fwmark = 7, .address.family = AF_INET6},
				    .attr = {.scheduler = "rr", .netmask = 128}};
	struct ipvs_dest dest = test_dest("[2001:db8::2]:53", 3);

	dest.attr.upper_threshold = 10;
	dest.attr.lower_threshold = 8;
	service.dests = &dest;
	service.dest_count = 1;
	check_plan(&service, NULL,
		   "ipvsadm -A -u [2001:db8::1]:53 -s sh -p 360 -M 64 --pe sip -o "
		   "-b sh-fallback,sh-port\n"
		   "ipvsadm -a -u [2001:db8::1]:53 -r [2001:db8::2]:53 -g -w 3 -x 10 -y 8\n");
	check_plan(&mark, NULL, "ipvsadm -A -f 7 -6 -s rr\n");
}
END_TEST

START_TEST(a_foreign_service_is_left_alone)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_service services[] = {web(NULL, 0)};
	struct ipvs_table none = {0}, actual = {services, 1};
	struct ipvs_keys nothing = {0}, ours = {&services[0].key, 1};
	struct ipvs_plan plan;

	ck_assert_int_eq(ipvs_plan_build(arena, &none, &actual, &nothing, &plan), 0);
	ck_assert_uint_eq(plan.count, 0);
	ck_assert_int_eq(ipvs_plan_build(arena, &none, &actual, &ours, &plan), 0);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_uint_eq(plan.removals, 0);
}
END_TEST

/* The one that was to take its place was refused: it is not in the kernel. */
START_TEST(a_removal_waits_while_it_would_leave_a_service_empty)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_dest before[] = {test_dest("10.0.0.1:80", 1)},
			 after[] = {test_dest("10.0.0.2:80", 1)},
			 both[] = {test_dest("10.0.0.1:80", 1), test_dest("10.0.0.2:80", 1)};
	struct ipvs_service desired = web(after, 1), actual = web(before, 1);
	struct ipvs_table wanted = {&desired, 1}, there = {&actual, 1};
	struct ipvs_keys owned = {&desired.key, 1};
	struct ipvs_plan plan;

	ck_assert_int_eq(ipvs_plan_safe_removals(arena, &wanted, &there, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 0);
	actual = web(both, 2);
	ck_assert_int_eq(ipvs_plan_safe_removals(arena, &wanted, &there, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 1);
	desired = web(after, 0);
	ck_assert_int_eq(ipvs_plan_safe_removals(arena, &wanted, &there, &owned, &plan), 0);
	ck_assert_uint_eq(plan.count, 2);
}
END_TEST

START_TEST(a_destination_that_came_too_late_moves_those_that_follow_it_where_order_matters)
{
	struct ipvs_dest before[] = {test_dest("10.0.0.1:80", 1), test_dest("10.0.0.3:80", 1),
				     test_dest("10.0.0.4:80", 1)};
	struct ipvs_dest after[] = {test_dest("10.0.0.1:80", 1), test_dest("10.0.0.2:80", 1),
				    test_dest("10.0.0.3:80", 1), test_dest("10.0.0.4:80", 1)};
	struct ipvs_service desired = web(after, 4), actual = web(before, 3);

	before[1].place = 5;
	before[2].place = 9;
	check_plan(&desired, &actual, "ipvsadm -a -t 192.168.8.200:80 -r 10.0.0.2:80 -g -w 1\n");
	strcpy(desired.attr.scheduler, "mh");
	strcpy(actual.attr.scheduler, "mh");
	check_plan(&desired, &actual,
		   "ipvsadm -a -t 192.168.8.200:80 -r 10.0.0.2:80 -g -w 1\n"
		   "ipvsadm -d -t 192.168.8.200:80 -r 10.0.0.3:80\n"
		   "ipvsadm -a -t 192.168.8.200:80 -r 10.0.0.3:80 -g -w 1\n"
		   "ipvsadm -d -t 192.168.8.200:80 -r 10.0.0.4:80\n"
		   "ipvsadm -a -t 192.168.8.200:80 -r 10.0.0.4:80 -g -w 1\n");
	for (size_t i = 1; i < 4; i++)
		ck_assert_uint_gt(after[i].place, after[i - 1].place);
	before[2].place = 2; /* found in another order */
	check_plan(&actual, &actual,
		   "ipvsadm -d -t 192.168.8.200:80 -r 10.0.0.4:80\n"
		   "ipvsadm -a -t 192.168.8.200:80 -r 10.0.0.4:80 -g -w 1\n");
	before[2].place = 2;
	before[0].attr.weight = before[1].attr.weight = 0; /* the only one that serves anybody */
	check_plan(&actual, &actual, "");
}
END_TEST

START_TEST(sorting_drops_doubles)
{
	struct ipvs_dest dests[] = {test_dest("10.0.0.2:80", 1), test_dest("10.0.0.1:80", 1),
				    test_dest("10.0.0.2:80", 1)};
	struct ipvs_service services[] = {web(dests, 3), web(NULL, 0)};
	struct ipvs_dest there = test_dest("10.0.0.2:80", 1),
			 elsewhere = test_dest("10.0.0.2:81", 1);
	struct ipvs_table table = {services, 2};

	services[0].key.port = 81;
	ipvs_table_sort(&table);
	ck_assert_uint_eq(table.count, 2);
	ck_assert_uint_eq(table.services[1].dest_count, 2);
	ck_assert_ptr_nonnull(ipvs_dest_find(&table.services[1], &there.key));
	ck_assert_ptr_null(ipvs_dest_find(&table.services[1], &elsewhere.key));
}
END_TEST

START_TEST(a_virtual_service_has_a_short_name)
{
	struct ipvs_service_key tcp = test_key("192.168.8.200:80", IPPROTO_TCP),
				mark = {.fwmark = 7};
	char buffer[128];
	struct text out = text_of(buffer, sizeof(buffer));

	mark.address.family = AF_INET;
	ipvs_service_key_format(&tcp, &out);
	text_add(&out, ", ");
	ipvs_service_key_format(&mark, &out);
	ck_assert_str_eq(buffer, "tcp 192.168.8.200:80, mark 7 ipv4");
}
END_TEST

TCase *ipvs_plan_case(void)
{
	return CASE("plan", a_new_service_comes_before_its_destinations,
		    weight_goes_up_before_it_goes_down_and_removal_comes_last,
		    another_scheduler_or_forwarding_method_is_a_change_in_place,
		    a_service_that_goes_is_one_operation, equal_services_need_nothing,
		    all_that_a_service_can_be_has_ipvsadms_words, a_foreign_service_is_left_alone,
		    a_removal_waits_while_it_would_leave_a_service_empty,
		    a_destination_that_came_too_late_moves_those_that_follow_it_where_order_matters,
		    sorting_drops_doubles, a_virtual_service_has_a_short_name);
}
