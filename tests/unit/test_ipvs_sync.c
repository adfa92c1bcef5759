/* Daemons for connection synchronisation: which are wanted, and what that costs. */
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/model.h"
#include "ipvs/codec.h"
#include "ipvs/sync.h"
#include "test_ipvs.h"

static struct ipvs_sync settings;
static struct model model;
static enum mastership mastership;
static struct ipvs_daemons nothing, actual, owned;

static void setup(void)
{
	settings = (struct ipvs_sync){
		.interface = "eth1", .id = 51, .follow = "public", .port = 8848, .ttl = 1};
	addr_parse("224.0.0.81", &settings.group);
	model = (struct model){.service_count = 1,
			       .global.ipvs = {.sync = &settings, .sync_count = 1}};
	mastership = MASTERSHIP_UNKNOWN;
	actual = owned = nothing;
}

static struct ipvs_sync_plan plan_on(uint32_t link)
{
	struct ipvs_daemons wanted = ipvs_sync_wanted(&model, mastership, &actual, link);

	return ipvs_sync_plan(&wanted, &actual, &owned);
}

/* The operations in a short form: "+master -backup", with ! at a repair. */
static void check_plan(uint32_t link, const char *expected)
{
	struct ipvs_sync_plan plan = plan_on(link);
	char buffer[128] = "";
	struct text out = text_of(buffer, sizeof(buffer));

	for (size_t i = 0; i < plan.count; i++)
		text_add(&out, "%s%s%s%s", i ? " " : "", plan.ops[i].is_start ? "+" : "-",
			 ipvs_sync_role_name(plan.ops[i].role), plan.ops[i].is_repair ? "!" : "");
	ck_assert_str_eq(buffer, expected);
}

/* Carries a plan out, as the kernel does, and takes what was started for ours. */
static void apply(uint32_t link)
{
	struct ipvs_sync_plan plan = plan_on(link);

	for (size_t i = 0; i < plan.count; i++) {
		const struct ipvs_sync_op *op = &plan.ops[i];

		ck_assert_int_ne(actual.of[op->role].on, op->is_start);
		actual.of[op->role] = op->is_start ? op->daemon : nothing.of[0];
		owned.of[op->role] = actual.of[op->role];
		if (op->is_start && !op->daemon.maxlen)
			actual.of[op->role].maxlen = 1472; /* the kernel fills it in */
	}
	check_plan(link, "");
}

START_TEST(the_daemon_is_that_of_the_role_of_the_instance)
{
	mastership = MASTERSHIP_YES;
	check_plan(3, "+master");
	mastership = MASTERSHIP_NO;
	check_plan(3, "+backup");
	settings.follow = NULL;
	check_plan(3, "+master +backup");
	model.service_count = 0;
	check_plan(3, "");
}
END_TEST

START_TEST(at_a_change_of_roles_the_new_one_starts_before_the_old_one_stops)
{
	mastership = MASTERSHIP_NO;
	apply(3);
	mastership = MASTERSHIP_YES;
	check_plan(3, "+master -backup");
	apply(3);
	mastership = MASTERSHIP_NO;
	check_plan(3, "+backup -master");
}
END_TEST

START_TEST(before_vrrp_has_spoken_what_runs_stays)
{
	check_plan(3, "+backup");
	mastership = MASTERSHIP_YES;
	apply(3);
	mastership = MASTERSHIP_UNKNOWN;
	check_plan(3, "");
	owned = nothing; /* after a crash without a file */
	check_plan(3, "");
}
END_TEST

START_TEST(without_its_interface_nothing_is_started_or_stopped)
{
	mastership = MASTERSHIP_YES;
	check_plan(0, "");
	apply(3);
	check_plan(0, "");
	mastership = MASTERSHIP_NO;
	check_plan(0, "-master");
}
END_TEST

START_TEST(it_does_not_stay_on_an_interface_that_is_wanted_no_more)
{
	mastership = MASTERSHIP_YES;
	apply(3);
	settings.interface = "eth7";
	check_plan(0, "-master");
	apply(0);
	check_plan(8, "+master");
	owned = nothing; /* somebody else's */
	settings.interface = "eth1";
	actual.of[IPVS_SYNC_MASTER] = (struct ipvs_sync_daemon){.on = true, .interface = "eth2"};
	check_plan(0, "");
}
END_TEST

START_TEST(an_interface_made_anew_means_another_start)
{
	mastership = MASTERSHIP_YES;
	apply(3);
	check_plan(4, "-master +master");
	apply(4);
}
END_TEST

START_TEST(another_attribute_means_another_start)
{
	mastership = MASTERSHIP_YES;
	apply(3);
	settings.id = 52;
	check_plan(3, "-master +master");
	apply(3);
	settings.ttl = 2;
	check_plan(3, "-master +master");
	apply(3);
	settings.port = 8849;
	check_plan(3, "-master +master");
	apply(3);
	addr_parse("ff02::51", &settings.group);
	check_plan(3, "-master +master");
	apply(3);
	settings.maxlen = 1024;
	check_plan(3, "-master +master");
	apply(3);
	settings.maxlen = 0;
	check_plan(3, "-master +master");
	apply(3);
	settings.interface = "eth2";
	check_plan(3, "-master +master");
}
END_TEST

START_TEST(what_somebody_else_stopped_or_changed_is_repaired)
{
	settings.follow = NULL;
	apply(3);
	actual.of[IPVS_SYNC_MASTER] = nothing.of[0];
	check_plan(3, "+master!");
	apply(3);
	actual.of[IPVS_SYNC_BACKUP].id = 7;
	check_plan(3, "-backup +backup!");
}
END_TEST

START_TEST(what_is_there_as_it_is_wanted_is_not_touched)
{
	mastership = MASTERSHIP_NO;
	apply(3);
	owned = nothing;
	check_plan(3, "");
	actual.of[IPVS_SYNC_BACKUP].port = 0; /* a kernel that does not tell */
	actual.of[IPVS_SYNC_BACKUP].ttl = 0;
	actual.of[IPVS_SYNC_BACKUP].group.family = 0;
	check_plan(3, "");
}
END_TEST

START_TEST(what_is_not_wanted_is_stopped_if_it_is_ours)
{
	mastership = MASTERSHIP_YES;
	apply(3);
	model.global.ipvs.sync_count = 0;
	check_plan(3, "-master");
	owned.of[IPVS_SYNC_MASTER].id = 9; /* somebody else's, started after ours had ended */
	check_plan(3, "");
	owned = nothing;
	check_plan(3, "");
}
END_TEST

START_TEST(operations_are_told_in_the_terms_of_ipvsadm)
{
	struct ipvs_sync_plan plan;
	char buffer[IPVS_SYNC_OP_TEXT];
	struct text out = text_of(buffer, sizeof(buffer));

	mastership = MASTERSHIP_YES;
	settings.maxlen = 1400;
	plan = plan_on(3);
	ipvs_sync_op_format(&plan.ops[0], &out);
	ck_assert_str_eq(buffer, "ipvsadm --start-daemon master --mcast-interface eth1 --syncid 51 "
				 "--sync-maxlen 1400 --mcast-group 224.0.0.81 --mcast-port 8848 "
				 "--mcast-ttl 1");
	plan.ops[0].is_start = false;
	out = text_of(buffer, sizeof(buffer));
	ipvs_sync_op_format(&plan.ops[0], &out);
	ck_assert_str_eq(buffer, "ipvsadm --stop-daemon master");
}
END_TEST

static struct ipvs_sync_daemon there_and_back(const struct ipvs_sync_op *op)
{
	uint8_t buffer[IPVS_MESSAGE_MAX];
	struct writer out = writer_of(buffer, sizeof(buffer));
	struct ipvs_daemons daemons = nothing;
	struct netlink_message message;
	struct reader in;
	bool malformed;

	ipvs_encode_sync_op(&out, 0x20, 1, op);
	in = reader_of(buffer, writer_used(&out));
	ck_assert(netlink_next(&in, &message, &malformed));
	ck_assert(ipvs_decode_daemon(message.value, &daemons));
	message.value.end--;
	ck_assert(!ipvs_decode_daemon(message.value, &daemons));
	return daemons.of[op->role];
}

START_TEST(a_daemon_survives_encoding)
{
	static const char *const groups[] = {"224.0.0.81", "ff02::51"};

	for (int i = 0; i < 2 * (int)COUNT_OF(groups); i++) {
		struct ipvs_sync_op op = {.role = i % 2, .is_start = true};
		struct ipvs_sync_daemon same;

		op.daemon = (struct ipvs_sync_daemon){.on = true,
						      .interface = "fifteenlettersx",
						      .id = 255,
						      .maxlen = 65487,
						      .port = 8848,
						      .ttl = 7};
		addr_parse(groups[i / 2], &op.daemon.group);
		same = there_and_back(&op);
		ck_assert(same.on && same.id == 255 && same.maxlen == 65487);
		ck_assert(same.port == 8848 && same.ttl == 7);
		ck_assert_str_eq(same.interface, "fifteenlettersx");
		ck_assert(addr_equal(&same.group, &op.daemon.group));
	}
}
END_TEST

TCase *ipvs_sync_case(void)
{
	TCase *tcase = CASE("sync", the_daemon_is_that_of_the_role_of_the_instance,
			    at_a_change_of_roles_the_new_one_starts_before_the_old_one_stops,
			    before_vrrp_has_spoken_what_runs_stays,
			    without_its_interface_nothing_is_started_or_stopped,
			    it_does_not_stay_on_an_interface_that_is_wanted_no_more,
			    an_interface_made_anew_means_another_start,
			    another_attribute_means_another_start,
			    what_somebody_else_stopped_or_changed_is_repaired,
			    what_is_there_as_it_is_wanted_is_not_touched,
			    what_is_not_wanted_is_stopped_if_it_is_ours,
			    operations_are_told_in_the_terms_of_ipvsadm,
			    a_daemon_survives_encoding);

	tcase_add_checked_fixture(tcase, setup, NULL);
	return tcase;
}
