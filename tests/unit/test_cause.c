/* Causes: tables of facts, and the chain that is made of them (daemon/cause.h). */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "daemon/cause.h"
#include "daemon/control_mirror.h"
#include "suite.h"

#define SERVERS 10

/* ---- a cluster: public and inside in a group; web with ten servers, tracked by public ------------ */

static struct addr ip(const char *text)
{
	struct addr address = {0};

	addr_parse(text, &address);
	return address;
}

static void make_service(struct arena *arena, struct service *service, const char *name)
{
	static const char *const names[SERVERS] = {"s0", "s1", "s2", "s3", "s4",
						   "s5", "s6", "s7", "s8", "s9"};

	*service = (struct service){.name = name, .protocols = PROTOCOL_TCP, .real_server_count = 2};
	service->real_servers = arena_array(arena, SERVERS, sizeof(*service->real_servers));
	for (size_t i = 0; i < SERVERS; i++)
		service->real_servers[i] =
			(struct real_server){.name = names[i], .weight = 1};
	service->real_servers[0].address.address = ip("192.168.8.20");
	service->real_servers[1].address.address = ip("192.168.8.30");
}

static struct model *make_model(struct arena *arena)
{
	struct model *model = arena_alloc(arena, sizeof(*model));

	*model = (struct model){.instance_count = 2, .sync_group_count = 1, .service_count = 2,
				.director_count = 2};
	model->directors = arena_array(arena, 2, sizeof(*model->directors));
	model->directors[0] = (struct director){.name = "lb1", .address = ip("192.168.8.1")};
	model->directors[1] = (struct director){.name = "lb2", .address = ip("192.168.8.11")};
	model->services = arena_array(arena, 2, sizeof(*model->services));
	make_service(arena, &model->services[0], "web");
	make_service(arena, &model->services[1], "mail");
	model->instances = arena_array(arena, 2, sizeof(*model->instances));
	model->instances[0] = (struct instance){.name = "public", .priority = 100, .sync_group = 1};
	model->instances[1] = (struct instance){.name = "inside", .priority = 100, .sync_group = 1};
	model->instances[0].track = arena_array(arena, 2, sizeof(struct tracker));
	model->instances[0].track_count = 2;
	model->instances[0].track[0] =
		(struct tracker){.kind = TRACKER_SERVICE, .name = "web", .weight = -60};
	model->instances[0].track[1] =
		(struct tracker){.kind = TRACKER_CHECK, .name = "gateway", .weight = -20};
	model->instances[1].track = arena_array(arena, 1, sizeof(struct tracker));
	model->instances[1].track_count = 1;
	model->instances[1].track[0] = (struct tracker){.kind = TRACKER_INTERFACE, .name = "eth1"};
	model->sync_groups = arena_array(arena, 1, sizeof(*model->sync_groups));
	model->sync_groups[0] = (struct sync_group){.name = "gw", .instance_count = 2};
	model->sync_groups[0].instances = arena_array(arena, 2, sizeof(uint32_t));
	model->sync_groups[0].instances[1] = 1;
	return model;
}

static struct mirror mirror;

static void begin(void)
{
	struct arena *arena = arena_new(0);

	mirror_init(&mirror);
	ck_assert_int_eq(mirror_prepare(&mirror, make_model(arena), arena), 0);
}

static void stop(void)
{
	mirror_fini(&mirror);
}

static void server_is(size_t service, size_t server, enum verdict health, nstime since,
		      const char *reason)
{
	struct mirror_server *it = &mirror.services[service].servers[server];

	it->known = true;
	it->fact = (struct fact_server){.health = health, .since = since * NSTIME_S, .weight = 1};
	snprintf(it->fact.reason, sizeof(it->fact.reason), "%s", reason);
}

static void service_is(size_t service, enum service_state state, uint64_t have, uint32_t needed)
{
	mirror.services[service].known = true;
	mirror.services[service].fact = (struct fact_service){
		.state = state, .have = have, .needed = needed, .since = 50 * NSTIME_S};
}

static void instance_is(size_t instance, enum vrrp_state state, uint8_t priority, uint8_t base,
			const char *reason)
{
	struct mirror_instance *it = &mirror.instances[instance];

	it->known = true;
	it->fact = (struct fact_instance){.state = state,
					  .priority = priority,
					  .base_priority = base,
					  .since = 60 * NSTIME_S};
	snprintf(it->fact.reason, sizeof(it->fact.reason), "%s", reason);
}

static void tracker_is(size_t instance, size_t tracker, enum verdict state, int effect,
		       const char *reason)
{
	struct mirror_tracker *it = &mirror.instances[instance].trackers[tracker];

	it->known = true;
	it->fact = (struct fact_tracker){.state = state, .effect = effect, .since = 40 * NSTIME_S};
	snprintf(it->fact.reason, sizeof(it->fact.reason), "%s", reason);
}

static void said(enum override_kind kind, const char *object, const char *value, const char *comment)
{
	struct fact_override fact = {.number = (uint32_t)mirror.overrides.count};

	fact.override.kind = kind;
	fact.override.since = NSTIME_S;
	snprintf(fact.override.object, sizeof(fact.override.object), "%s", object);
	snprintf(fact.override.value, sizeof(fact.override.value), "%s", value);
	snprintf(fact.override.by, sizeof(fact.override.by), "root");
	snprintf(fact.override.comment, sizeof(fact.override.comment), "%s", comment);
	override_mirror_count(&mirror.overrides, fact.number + 1);
	ck_assert(override_mirror_take(&mirror.overrides, &fact));
}

/* "server web/s0 down (refused) >1; service web down (quorum 0 of 1)" */
static void chain_is(const struct cause *cause, const char *wanted)
{
	char got[4096];
	struct text out = text_of(got, sizeof(got));

	for (size_t i = 0; i < cause->count; i++) {
		const struct cause_link *link = &cause->links[i];

		text_add(&out, "%s%s %s %s (%s)", i ? "; " : "", cause_kind_name(link->kind),
			 link->object, link->state, link->reason);
		if (link->leads_to != CAUSE_NONE)
			text_add(&out, " >%zu", link->leads_to);
	}
	ck_assert_str_eq(got, wanted);
}

static void of_service(size_t service, const char *wanted)
{
	struct cause cause;

	cause_of_service(&mirror, service, &cause);
	chain_is(&cause, wanted);
}

static void of_instance(size_t instance, const char *wanted)
{
	struct cause cause;

	cause_of_instance(&mirror, instance, &cause);
	chain_is(&cause, wanted);
}

/* ---- services ------------------------------------------------------------------------------- */

START_TEST(what_is_well_has_no_cause)
{
	server_is(0, 0, VERDICT_UP, 1, "passed");
	server_is(0, 1, VERDICT_UP, 1, "passed");
	service_is(0, SERVICE_UP, 2, 1);
	instance_is(0, VRRP_MASTER, 100, 100, "no master heard for 3.6s");
	of_service(0, "");
	of_instance(0, "");
}
END_TEST

START_TEST(a_service_below_quorum_is_because_of_its_servers_the_oldest_first)
{
	server_is(0, 0, VERDICT_DOWN, 30, "connect: refused");
	server_is(0, 1, VERDICT_DOWN, 20, "connect: timed out");
	service_is(0, SERVICE_DOWN, 0, 1);
	of_service(0, "server web/s1 down (connect: timed out) >2; server web/s0 down (connect: refused) >2; "
		      "service web down (quorum 0 of 1)");
}
END_TEST

START_TEST(a_degraded_service_has_its_quorum)
{
	server_is(0, 0, VERDICT_UP, 1, "passed");
	server_is(0, 1, VERDICT_DOWN, 20, "connect: timed out");
	service_is(0, SERVICE_DEGRADED, 1, 1);
	of_service(0, "server web/s1 down (connect: timed out) >1; service web degraded (1 of 2 servers up, quorum met)");
}
END_TEST

START_TEST(a_server_that_an_operator_drained_is_why_when_what_is_left_is_too_little)
{
	server_is(0, 0, VERDICT_UP, 1, "passed");
	server_is(0, 1, VERDICT_DOWN, 20, "connect: timed out");
	mirror.services[0].servers[0].fact.admin = ADMIN_DRAINED;
	service_is(0, SERVICE_DEGRADED, 1, 1);
	of_service(0, "server web/s1 down (connect: timed out) >1; service web degraded (1 of 2 servers up, quorum met)");
	service_is(0, SERVICE_SORRY, 0, 1);
	said(OVERRIDE_STATE, "web/s0", "drained", "new disk");
	of_service(0, "server web/s0 drained (by root: new disk) >2; server web/s1 down (connect: timed out) >2; "
		      "service web sorry (quorum 0 of 1, the sorry server answers)");
}
END_TEST

START_TEST(many_servers_are_counted_and_not_told_one_by_one)
{
	struct arena *arena = arena_new(0);
	struct model *model = make_model(arena);

	model->services[0].real_server_count = SERVERS; /* the mirror has room for what its model has */
	mirror_fini(&mirror);
	ck_assert_int_eq(mirror_prepare(&mirror, model, arena), 0);
	for (size_t i = 0; i < SERVERS; i++)
		server_is(0, i, VERDICT_DOWN, (nstime)(100 - i), "no route");
	service_is(0, SERVICE_DOWN, 0, 1);
	of_service(0, "server web/s9 down (no route) >4; server web/s8 down (no route) >4; server web/s7 down (no route) >4; "
		      "server web/s6 down (no route) >4; service web down (quorum 0 of 1; 6 more servers)");
}
END_TEST

START_TEST(what_a_dead_worker_has_not_told_is_because_of_it)
{
	mirror.workers[ROLE_IPVS].known = true;
	mirror.workers[ROLE_IPVS].fact =
		(struct fact_worker){.state = WORKER_BACKOFF, .reason = "killed by signal 9"};
	of_service(0, "worker ipvs backoff (killed by signal 9) >1; service web down (not reported yet)");
}
END_TEST

/* ---- instances ------------------------------------------------------------------------------ */

START_TEST(an_instance_is_backup_because_of_the_servers_of_a_service_it_tracks)
{
	server_is(0, 0, VERDICT_DOWN, 20, "connect: refused");
	server_is(0, 1, VERDICT_DOWN, 30, "timeout");
	service_is(0, SERVICE_DOWN, 0, 1);
	tracker_is(0, 0, VERDICT_DOWN, -60, "below quorum");
	instance_is(0, VRRP_BACKUP, 40, 100, "192.168.8.11 advertises 110 > 40");
	of_instance(0, "server web/s0 down (connect: refused) >2; server web/s1 down (timeout) >2; "
		       "service web down (quorum 0 of 1) >3; "
		       "instance public BACKUP (lb2 (192.168.8.11) advertises 110 > 40; 40 = 100 - 60 (web))");
}
END_TEST

START_TEST(each_branch_leads_to_what_it_brings_about)
{
	server_is(0, 0, VERDICT_DOWN, 20, "connect: refused");
	server_is(0, 1, VERDICT_UP, 30, "passed");
	service_is(0, SERVICE_DOWN, 1, 2);
	tracker_is(0, 0, VERDICT_DOWN, -60, "below quorum");
	tracker_is(0, 1, VERDICT_DOWN, -20, "no reply");
	instance_is(0, VRRP_MASTER, 20, 100, "no master heard for 3.6s");
	of_instance(0, "server web/s0 down (connect: refused) >1; service web down (quorum 1 of 2) >3; "
		       "check gateway down (no reply) >3; "
		       "instance public MASTER (20 = 100 - 60 (web) - 20 (gateway))");
}
END_TEST

START_TEST(a_fault_is_because_of_what_is_down)
{
	tracker_is(1, 0, VERDICT_DOWN, 0, "eth1 has no carrier");
	instance_is(1, VRRP_FAULT, 100, 100, "eth1 has no carrier");
	of_instance(1, "interface eth1 down (eth1 has no carrier) >1; instance inside FAULT (eth1 has no carrier)");
}
END_TEST

START_TEST(a_member_that_moved_with_its_group_is_because_of_the_other)
{
	struct cause cause;

	tracker_is(1, 0, VERDICT_DOWN, 0, "eth1 has no carrier");
	instance_is(1, VRRP_FAULT, 100, 100, "eth1 has no carrier");
	instance_is(0, VRRP_BACKUP, 100, 100, "with inside: eth1 has no carrier");
	of_instance(0, "interface eth1 down (eth1 has no carrier) >1; instance inside FAULT (eth1 has no carrier) >2; "
		       "instance public BACKUP (with inside: eth1 has no carrier)");
	mirror.groups[0].known = true;
	mirror.groups[0].fact.state = VRRP_FAULT;
	snprintf(mirror.groups[0].fact.reason, FACT_DETAIL, "inside: eth1 has no carrier");
	cause_of_group(&mirror, 0, &cause);
	chain_is(&cause, "interface eth1 down (eth1 has no carrier) >1; "
			 "instance inside FAULT (eth1 has no carrier) >2; "
			 "sync_group gw FAULT (inside: eth1 has no carrier)");
}
END_TEST

START_TEST(what_operators_said_is_a_root)
{
	said(OVERRIDE_PRIORITY, "public", "30", "");
	instance_is(0, VRRP_BACKUP, 30, 30, "192.168.8.11 advertises 110 > 30");
	of_instance(0, "override public priority 30 (by root) >1; "
		       "instance public BACKUP (lb2 (192.168.8.11) advertises 110 > 30)");
	instance_is(0, VRRP_MASTER, 30, 30, "no master heard for 3.6s");
	of_instance(0, "override public priority 30 (by root) >1; instance public MASTER (priority 30 in place of 100)");
	said(OVERRIDE_MAINTENANCE, OVERRIDE_DIRECTOR, "on", "new kernel");
	mirror.instances[1].known = true;
	instance_is(1, VRRP_BACKUP, 1, 100, "maintenance");
	mirror.instances[1].fact.maintenance = true;
	of_instance(1, "override maintenance on (by root: new kernel) >1; instance inside BACKUP (maintenance)");
}
END_TEST

START_TEST(an_address_that_only_begins_like_a_directors_has_no_name)
{
	instance_is(0, VRRP_BACKUP, 100, 100, "192.168.8.112 advertises 110 > 100");
	of_instance(0, "instance public BACKUP (192.168.8.112 advertises 110 > 100)");
	instance_is(0, VRRP_BACKUP, 100, 100, "192.168.8.1 advertises 110 > 100");
	of_instance(0, "instance public BACKUP (lb1 (192.168.8.1) advertises 110 > 100)");
}
END_TEST

START_TEST(a_chain_ends_with_its_effect_however_much_there_is)
{
	struct cause cause;

	mirror.model->instances[0].track[1] =
		(struct tracker){.kind = TRACKER_SERVICE, .name = "mail", .service = 1, .weight = -20};
	for (size_t service = 0; service < 2; service++) {
		server_is(service, 0, VERDICT_DOWN, 20, "refused");
		server_is(service, 1, VERDICT_DOWN, 20, "refused");
		service_is(service, SERVICE_DOWN, 0, 1);
		tracker_is(0, service, VERDICT_DOWN, -10, "below quorum");
	}
	tracker_is(1, 0, VERDICT_DOWN, 0, "eth1 has no carrier");
	instance_is(1, VRRP_FAULT, 100, 100, "eth1 has no carrier");
	instance_is(0, VRRP_BACKUP, 80, 100, "waiting for inside: eth1 has no carrier");
	cause_of_instance(&mirror, 0, &cause);
	ck_assert_uint_le(cause.count, CAUSE_LINKS);
	ck_assert_str_eq(cause.links[cause.count - 1].object, "public");
	for (size_t i = 0; i + 1 < cause.count; i++)
		ck_assert_uint_gt(cause.links[i].leads_to, i);
	ck_assert_uint_eq(cause.links[cause.count - 1].leads_to, CAUSE_NONE);
}
END_TEST

/* ---- more than there is room for --------------------------------------------------------------- */

#define MANY 20

/* `count` services of four servers each, all down and all tracked by public. */
static void many_are_down(size_t count)
{
	static char names[MANY][8];
	struct arena *arena = arena_new(0);
	struct model *model = make_model(arena);
	struct instance *public = &model->instances[0];

	model->service_count = public->track_count = count;
	model->services = arena_array(arena, count, sizeof(*model->services));
	public->track = arena_array(arena, count, sizeof(*public->track));
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "w%zu", i);
		make_service(arena, &model->services[i], names[i]);
		model->services[i].real_server_count = 4;
		public->track[i] = (struct tracker){.kind = TRACKER_SERVICE, .name = names[i],
						    .service = (uint32_t)i, .weight = -5};
	}
	mirror_fini(&mirror);
	ck_assert_int_eq(mirror_prepare(&mirror, model, arena), 0);
	for (size_t i = 0; i < count; i++) {
		for (size_t server = 0; server < 4; server++)
			server_is(i, server, VERDICT_DOWN, 20, "refused");
		service_is(i, SERVICE_DOWN, 0, 1);
		tracker_is(0, i, VERDICT_DOWN, -5, "below quorum");
	}
	instance_is(0, VRRP_FAULT, 100, 100, "w0 is below quorum");
}

/* The number in "...; 3 more servers"; 0: none is said. */
static size_t more(const struct cause_link *link, const char *what)
{
	const char *at = strstr(link->reason, what);
	unsigned count = 0;

	while (at && at > link->reason && *at != ';')
		at--;
	return at && sscanf(at, "; %u more", &count) == 1 ? count : 0;
}

static size_t led_to(const struct cause *cause, size_t number)
{
	size_t count = 0;

	for (size_t i = 0; i < number; i++)
		count += cause->links[i].leads_to == number;
	return count;
}

START_TEST(nothing_is_left_out_uncounted_and_no_link_skips_another)
{
	for (size_t count = 1; count <= MANY; count++) {
		struct cause cause;
		size_t last;

		many_are_down(count);
		cause_of_instance(&mirror, 0, &cause);
		last = cause.count - 1;
		ck_assert_uint_le(cause.count, CAUSE_LINKS);
		ck_assert_str_eq(cause.links[last].object, "public");
		ck_assert_uint_eq(led_to(&cause, last) + more(&cause.links[last], " more cause"), count);
		for (size_t i = 0; i < last; i++) {
			const struct cause_link *link = &cause.links[i];
			bool is_service = link->kind == CAUSE_SERVICE;

			ck_assert_uint_eq(cause.links[link->leads_to].kind,
					  is_service ? CAUSE_INSTANCE : CAUSE_SERVICE);
			if (is_service)
				ck_assert_uint_eq(led_to(&cause, i) + more(link, " more server"), 4);
		}
	}
}
END_TEST

START_TEST(servers_give_way_to_services)
{
	many_are_down(3);
	of_instance(0, "server w0/s0 down (refused) >4; server w0/s1 down (refused) >4; server w0/s2 down (refused) >4; "
		       "server w0/s3 down (refused) >4; service w0 down (quorum 0 of 1) >11; "
		       "server w1/s0 down (refused) >9; server w1/s1 down (refused) >9; server w1/s2 down (refused) >9; "
		       "server w1/s3 down (refused) >9; service w1 down (quorum 0 of 1) >11; "
		       "service w2 down (quorum 0 of 1; 4 more servers) >11; "
		       "instance public FAULT (w0 is below quorum; 100 = 100 - 5 (w0) - 5 (w1) - 5 (w2))");
}
END_TEST

START_TEST(the_member_that_moves_all_others_is_told_whatever_else_there_is)
{
	struct cause cause;

	many_are_down(MANY);
	instance_is(0, VRRP_BACKUP, 100, 100, "with inside: eth1 has no carrier");
	tracker_is(1, 0, VERDICT_DOWN, 0, "eth1 has no carrier");
	instance_is(1, VRRP_FAULT, 100, 100, "eth1 has no carrier");
	cause_of_instance(&mirror, 0, &cause);
	ck_assert_uint_eq(cause.count, CAUSE_LINKS);
	ck_assert_str_eq(cause.links[CAUSE_LINKS - 2].object, "inside");
	ck_assert_str_eq(cause.links[CAUSE_LINKS - 2].reason, "eth1 has no carrier; 1 more cause");
	ck_assert_uint_eq(more(&cause.links[CAUSE_LINKS - 1], " more cause"), MANY - (CAUSE_LINKS - 2));
	cause_of_group(&mirror, 0, &cause);
	ck_assert_str_eq(cause.links[cause.count - 1].object, "gw");
	ck_assert_str_eq(cause.links[cause.count - 2].object, "inside");
}
END_TEST

START_TEST(what_was_left_out_is_said_behind_the_longest_reason)
{
	char reason[FACT_DETAIL];
	struct cause cause;

	many_are_down(MANY);
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	instance_is(0, VRRP_FAULT, 100, 100, reason);
	cause_of_instance(&mirror, 0, &cause);
	ck_assert_uint_eq(more(&cause.links[CAUSE_LINKS - 1], " more cause"), MANY - (CAUSE_LINKS - 1));
	ck_assert_uint_lt(strlen(cause.links[CAUSE_LINKS - 1].reason), CAUSE_REASON);
}
END_TEST

int main(void)
{
	TCase *services = CASE("services", what_is_well_has_no_cause,
			       a_service_below_quorum_is_because_of_its_servers_the_oldest_first,
			       a_degraded_service_has_its_quorum,
			       a_server_that_an_operator_drained_is_why_when_what_is_left_is_too_little,
			       many_servers_are_counted_and_not_told_one_by_one,
			       what_a_dead_worker_has_not_told_is_because_of_it);
	TCase *instances = CASE("instances",
				an_instance_is_backup_because_of_the_servers_of_a_service_it_tracks,
				each_branch_leads_to_what_it_brings_about,
				a_fault_is_because_of_what_is_down,
				a_member_that_moved_with_its_group_is_because_of_the_other,
				what_operators_said_is_a_root,
				an_address_that_only_begins_like_a_directors_has_no_name,
				a_chain_ends_with_its_effect_however_much_there_is);

	TCase *bounds = CASE("bounds", nothing_is_left_out_uncounted_and_no_link_skips_another,
			     servers_give_way_to_services,
			     the_member_that_moves_all_others_is_told_whatever_else_there_is,
			     what_was_left_out_is_said_behind_the_longest_reason);

	tcase_add_checked_fixture(services, begin, stop);
	tcase_add_checked_fixture(instances, begin, stop);
	tcase_add_checked_fixture(bounds, begin, stop);
	return SUITE_RUN("cause", services, instances, bounds);
}
