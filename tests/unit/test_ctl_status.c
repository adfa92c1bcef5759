/* The control worker's mirror and the status made of it: shapes of interface.md section 3. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_operator.h"
#include "daemon/control_pieces.h"
#include "daemon/control_status.h"
#include "golden.h"
#include "suite.h"
#include "vrrp/explain.h"

#define START (1000 * NSTIME_S)	     /* when the daemon started, on our clock */
#define WALL (1767322800 * NSTIME_S) /* 2026-01-02T03:00:00Z at point 0 */

/* ---- a model: two instances in a group, with trackers, a service of three servers with a probe each, one without checks  */

static struct addr ip(const char *text)
{
	struct addr address = {0};

	addr_parse(text, &address);
	return address;
}

static struct endpoint at(const char *text)
{
	struct endpoint endpoint = {0};

	endpoint_parse(text, &endpoint);
	return endpoint;
}

static struct vip vip(const char *text)
{
	struct vip made = {0};

	prefix_parse(text, &made.address);
	return made;
}

static struct instance instance(struct arena *arena, const char *name, uint8_t vrid,
				const char *interface)
{
	struct instance made = {.name = name,
				.interface = interface,
				.virtual_router_id = vrid,
				.version = 3,
				.priority = 150,
				.advert_interval = NSTIME_S,
				.preempt = true};

	made.virtual_addresses = arena_array(arena, 4, sizeof(*made.virtual_addresses));
	return made;
}

static void fill_instances(struct arena *arena, struct model *model)
{
	model->instance_count = 2;
	model->instances = arena_array(arena, 2, sizeof(*model->instances));
	model->instances[0] = instance(arena, "public", 51, "eth0");
	model->instances[0].virtual_address_count = 4;
	model->instances[0].virtual_addresses[0] = vip("192.168.8.200/24");
	model->instances[0].virtual_addresses[1] = vip("192.168.8.201/32");
	model->instances[0].virtual_addresses[2] = vip("192.168.8.202/32");
	model->instances[0].virtual_addresses[3] = vip("192.168.8.203/32");
	model->instances[1] = instance(arena, "inside", 52, "eth1");
	model->instances[1].virtual_address_count = 1;
	model->instances[1].virtual_addresses[0] = vip("10.0.0.100/24");
	model->instances[1].preempt = false;
}

static struct tracker tracker(enum tracker_kind kind, const char *name, int32_t weight)
{
	return (struct tracker){.kind = kind, .name = name, .weight = weight};
}

static void fill_trackers(struct arena *arena, struct model *model)
{
	struct sync_group *group = arena_array(arena, 1, sizeof(*group));
	struct instance *public = &model->instances[0];

	public->track = arena_array(arena, 2, sizeof(*public->track));
	public->track_count = 2;
	public->track[0] = tracker(TRACKER_INTERFACE, "eth2", -20);
	public->track[1] = tracker(TRACKER_CHECK, "gateway", -30);
	*group = (struct sync_group){.name = "gateway", .instance_count = 2, .track_count = 1};
	group->instances = arena_array(arena, 2, sizeof(*group->instances));
	group->instances[1] = 1;
	group->track = arena_array(arena, 1, sizeof(*group->track));
	group->track[0] = tracker(TRACKER_INTERFACE, "eth3", 0);
	model->sync_groups = group;
	model->sync_group_count = 1;
	model->instances[0].sync_group = model->instances[1].sync_group = 1;
}

static void fill_service(struct arena *arena, struct service *service, const char *name,
			 const char *listen)
{
	*service = (struct service){.name = name,
				    .protocols = PROTOCOL_TCP,
				    .scheduler = "wlc",
				    .forwarding = FORWARDING_DR,
				    .on_failure = ON_FAILURE_QUIESCE,
				    .listen_count = 1};
	service->listen = arena_array(arena, 1, sizeof(*service->listen));
	service->listen[0] = at(listen);
	service->real_servers = arena_array(arena, 3, sizeof(*service->real_servers));
}

static void add_server(struct arena *arena, struct service *service, const char *name,
		       const char *address, int probe)
{
	struct real_server *server = &service->real_servers[service->real_server_count++];

	*server = (struct real_server){.name = name, .address = at(address), .weight = 1};
	if (probe < 0)
		return;
	server->probes = arena_array(arena, 1, sizeof(*server->probes));
	server->probes[0] = (uint32_t)probe;
	server->probe_count = 1;
}

static void fill_sync(struct arena *arena, struct ipvs_global *ipvs)
{
	ipvs->sync = arena_array(arena, 1, sizeof(*ipvs->sync));
	ipvs->sync_count = 1;
	ipvs->sync[0] = (struct ipvs_sync){.interface = "eth9", .id = 51, .follow = "public"};
}

static void fill_services(struct arena *arena, struct model *model)
{
	static const char *const targets[] = {"192.168.8.20:80", "192.168.8.30:80",
					      "192.168.8.40:80"};

	model->checks = arena_array(arena, 1, sizeof(*model->checks));
	model->check_count = 1;
	model->checks[0] = (struct check){.type = CHECK_HTTP, .interval = 5 * NSTIME_S};
	model->probes = arena_array(arena, 3, sizeof(*model->probes));
	model->probe_count = 3;
	for (unsigned i = 0; i < 3; i++)
		model->probes[i] = (struct probe){
			.check = 0, .target = at(targets[i]), .key = 100 + i};
	fill_sync(arena, &model->global.ipvs);
	model->services = arena_array(arena, 2, sizeof(*model->services));
	model->service_count = 2;
	fill_service(arena, &model->services[0], "web", "192.168.8.200:80");
	add_server(arena, &model->services[0], "192.168.8.20", "192.168.8.20", 0);
	add_server(arena, &model->services[0], "b", "192.168.8.30:80", 1);
	model->services[0].real_servers[1].forwarding = FORWARDING_NAT;
	add_server(arena, &model->services[0], "192.168.8.40", "192.168.8.40", 2);
	fill_service(arena, &model->services[1], "dns6", "[2001:db8::53]:53");
	model->services[1].protocols = PROTOCOL_TCP | PROTOCOL_UDP | PROTOCOL_SCTP;
	add_server(arena, &model->services[1], "2001:db8::20", "[2001:db8::20]:53", -1);
}

static void fill_directors(struct arena *arena, struct model *model)
{
	model->directors = arena_array(arena, 2, sizeof(*model->directors));
	model->director_count = 2;
	model->directors[0] = (struct director){.name = "lb1", .address = at("192.168.8.10:1").address};
	model->directors[1] = (struct director){.name = "lb2"};
}

/* A mirror of that model, nothing known yet. */
static void mirror_make(struct mirror *mirror)
{
	struct arena *arena = arena_new(0);
	struct model *model = arena_alloc(arena, sizeof(*model));

	*model = (struct model){
		.generation = 3, .cluster = "shop", .node = "lb1", .has_services = true};
	fill_directors(arena, model);
	fill_instances(arena, model);
	fill_trackers(arena, model);
	fill_services(arena, model);
	ck_assert_int_eq(mirror_prepare(mirror, model, arena), 0);
}

/* ---- facts ------------------------------------------------------------------------ */

/* Sends a fact through its bytes, as the channel does. */
#define TELL(mirror, number, put, ...) \
	do { \
		uint8_t bytes_[2048]; \
		struct writer out_ = writer_of(bytes_, sizeof(bytes_)); \
		struct reader in_; \
		put(&out_, &(__VA_ARGS__)); \
		in_ = reader_of(bytes_, writer_used(&out_)); \
		ck_assert(mirror_fact(mirror, number, &in_, START + 735 * NSTIME_S)); \
	} while (0)

static void tell_vrrp(struct mirror *mirror)
{
	TELL(mirror, FACT_INSTANCE, fact_instance_put,
	     (struct fact_instance){.instance = 0,
				    .state = VRRP_MASTER,
				    .since = START + 4 * NSTIME_S,
				    .priority = 120,
				    .base_priority = 150,
				    .master = ip("192.168.8.10"),
				    .master_priority = 120,
				    .transitions = 2,
				    .sent = 732,
				    .received = 5,
				    .dropped = {[VRRP_DROP_TTL] = 3},
				    .dropped_from = {[VRRP_DROP_TTL] = ip("192.168.8.12")},
				    .dropped_at = {[VRRP_DROP_TTL] = START + 700 * NSTIME_S},
				    .competing_master = true,
				    .competitor = ip("192.168.8.13"),
				    .competitor_priority = 90,
				    .other_addresses = 4,
				    .other_from = ip("192.168.8.12"),
				    .repairs = 2,
				    .repair = "192.168.8.201/32 on eth0 was removed",
				    .missing = "192.0.2.1/32 on eth9: the interface does not exist",
				    .late = {720, 10, [VRRP_LATE_COUNT - 1] = 1},
				    .why = VRRP_WHY_SILENCE,
				    .reason = "no advert from 192.168.8.11 for 3.6s (prio 100)"});
	TELL(mirror, FACT_INSTANCE, fact_instance_put,
	     (struct fact_instance){.instance = 1,
				    .state = VRRP_FAULT,
				    .since = START + 700 * NSTIME_S,
				    .priority = 150,
				    .base_priority = 150,
				    .transitions = 4,
				    .why = VRRP_WHY_FAULT,
				    .reason = "eth1 is down",
				    .fault = "eth1 is down; eth1 has no address"});
}

static void tell_tracker(struct mirror *mirror, uint32_t number, enum verdict state,
			 int32_t effect, const char *reason)
{
	struct fact_tracker fact = {.tracker = number,
				    .state = state,
				    .since = START + 600 * NSTIME_S,
				    .effect = effect};

	snprintf(fact.reason, sizeof(fact.reason), "%s", reason);
	TELL(mirror, FACT_TRACKER, fact_tracker_put, fact);
}

static void tell_trackers(struct mirror *mirror)
{
	tell_tracker(mirror, 0, VERDICT_UP, 0, "up");
	tell_tracker(mirror, 1, VERDICT_DOWN, -30, "connect: refused");
	tell_tracker(mirror, 2, VERDICT_UP, 0, "up");
	TELL(mirror, FACT_GROUP, fact_group_put,
	     (struct fact_group){.state = VRRP_MASTER,
				 .since = START + 4 * NSTIME_S,
				 .reason = "all members are MASTER"});
}

static void tell_probes(struct mirror *mirror)
{
	TELL(mirror, FACT_PROBE, fact_probe_put,
	     (struct fact_probe){.probe = 0,
				 .verdict = VERDICT_UP,
				 .reason = REASON_PASSED,
				 .passed = true,
				 .since = START + NSTIME_S,
				 .time = START + 730 * NSTIME_S,
				 .latency = 1234 * NSTIME_US,
				 .detail = "status 200"});
	TELL(mirror, FACT_PROBE, fact_probe_put,
	     (struct fact_probe){.probe = 1,
				 .verdict = VERDICT_DOWN,
				 .reason = REASON_REFUSED,
				 .since = START + 720 * NSTIME_S,
				 .time = START + 731 * NSTIME_S,
				 .latency = 210 * NSTIME_US,
				 .suppressed = START + 900 * NSTIME_S,
				 .told = {.by = CHECK_SCRIPT, .parts = ADVICE_PERCENT, .weight = 50},
				 .detail = "connect: refused"});
}

static void tell_servers(struct mirror *mirror)
{
	TELL(mirror, FACT_SERVER, fact_server_put,
	     (struct fact_server){.service = 0,
				  .server = 0,
				  .health = VERDICT_UP,
				  .since = START + NSTIME_S,
				  .admin = ADMIN_DRAINED,
				  .weight = 5,
				  .deadline = WALL + START + 800 * NSTIME_S,
				  .effective_weight = 0,
				  .in_table = true,
				  .active = 3,
				  .inactive = 12,
				  .traffic.connections = 40,
				  .traffic.packets_in = 300,
				  .traffic.bytes_in = 21000,
				  .reason = "passed"});
	TELL(mirror, FACT_SERVER, fact_server_put,
	     (struct fact_server){.service = 0,
				  .server = 1,
				  .health = VERDICT_DOWN,
				  .since = START + 720 * NSTIME_S,
				  .weight = 1,
				  .told = {.by = CHECK_SCRIPT,
					   .parts = ADVICE_PERCENT | ADVICE_MAXCONN,
					   .wish = ADVICE_READY,
					   .weight = 50,
					   .maxconn = 30},
				  .in_table = true,
				  .inactive = 4,
				  .traffic.connections = 39,
				  .reason = "connect: refused"});
	TELL(mirror, FACT_SERVER, fact_server_put,
	     (struct fact_server){.service = 1,
				  .server = 0,
				  .health = VERDICT_UP,
				  .since = START,
				  .weight = 1,
				  .in_table = true,
				  .effective_weight = 1,
				  .reason = "no check"});
}

static void tell_services(struct mirror *mirror)
{
	TELL(mirror, FACT_SERVICE, fact_service_put,
	     (struct fact_service){.service = 0,
				   .state = SERVICE_DEGRADED,
				   .since = START + 720 * NSTIME_S,
				   .have = 1,
				   .needed = 1,
				   .programmed = true,
				   .reason = "b 192.168.8.30:80 is down: connect: refused"});
	TELL(mirror, FACT_SERVICE, fact_service_put,
	     (struct fact_service){
		     .service = 1, .state = SERVICE_UP, .since = START, .have = 1, .needed = 1,
		     .programmed = true});
	TELL(mirror, FACT_TABLE, fact_table_put,
	     (struct fact_table){.available = true,
				 .ready = true,
				 .operations = 7,
				 .repairs = 1,
				 .last_read_back = START + 725 * NSTIME_S,
				 .leavers = 2,
				 .sync = FACT_SYNC_SENDS,
				 .sync_error = "interface eth9 does not exist",
				 .contested = "ipvsadm -A -t 192.168.8.200:80 -s wlc"});
}

static void tell_leavers(struct mirror *mirror)
{
	TELL(mirror, FACT_LEAVER, fact_leaver_put,
	     (struct fact_leaver){.number = 0,
				  .service = 0,
				  .deadline = START + 900 * NSTIME_S,
				  .active = 2,
				  .address = at("192.168.8.99:80"),
				  .name = "old"});
	TELL(mirror, FACT_LEAVER, fact_leaver_put,
	     (struct fact_leaver){.number = 1, .service = 0, .gone = true, .name = "older"});
	TELL(mirror, FACT_LEAVER, fact_leaver_put,
	     (struct fact_leaver){.number = 2, .service = 0, .name = "of the past"});
}

static void tell_daemon(struct mirror *mirror)
{
	TELL(mirror, FACT_DAEMON, fact_daemon_put,
	     (struct fact_daemon){.started = START,
				  .generation = 3,
				  .ready = true,
				  .reload_time = START + 600 * NSTIME_S,
				  .build = "0.2.0+4711",
				  .upgrade_time = START + 660 * NSTIME_S,
				  .upgrade_text = "0.1.0+42",
				  .overrides = 4});
	TELL(mirror, FACT_WORKER, fact_worker_put,
	     (struct fact_worker){
		     .role = ROLE_CHECK, .pid = 4242, .restarts = 3, .state = WORKER_BACKOFF});
	TELL(mirror, FACT_WORKER, fact_worker_put,
	     (struct fact_worker){.role = ROLE_VRRP, .pid = 4243, .state = WORKER_RUNNING});
}

static struct override priority(const char *instance, const char *value)
{
	struct override made = {.kind = OVERRIDE_PRIORITY, .by = "root", .since = WALL + START + 500 * NSTIME_S};

	snprintf(made.object, sizeof(made.object), "%s", instance);
	snprintf(made.value, sizeof(made.value), "%s", value);
	return made;
}

static void tell_override(struct mirror *mirror, uint32_t number, struct override override)
{
	TELL(mirror, FACT_OVERRIDE, fact_override_put,
	     (struct fact_override){.number = number, .override = override});
}

static void tell_overrides(struct mirror *mirror)
{
	struct override public = priority("public", "150"), gone = priority("gone", "90"), drained, weight;

	strcpy(public.comment, "until the new lb2 has been seen to work through a whole day of shopping");
	public.until = WALL + START + 86400 * NSTIME_S;
	tell_override(mirror, 0, public);
	tell_override(mirror, 1, gone);
	drained = weight = priority("web/192.168.8.20", "drained");
	drained.kind = OVERRIDE_STATE;
	drained.deadline = WALL + START + 800 * NSTIME_S;
	strcpy(drained.comment, "new disk");
	weight.kind = OVERRIDE_WEIGHT;
	strcpy(weight.value, "5");
	tell_override(mirror, 2, drained);
	tell_override(mirror, 3, weight);
}

static void tell_all(struct mirror *mirror)
{
	tell_vrrp(mirror);
	tell_trackers(mirror);
	tell_probes(mirror);
	tell_servers(mirror);
	tell_services(mirror);
	tell_daemon(mirror);
	tell_leavers(mirror);
	tell_overrides(mirror);
}

/* The golden files hold no release's number. */
static void compare_json(const char *golden, json_t *value)
{
	char *text;

	ck_assert_str_eq(json_string_value(json_object_get(value, "version")), PACKAGE_VERSION);
	json_object_set_new(value, "version", json_string("1.2.3"));
	text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
	text = realloc(text, strlen(text) + 2);
	golden_compare(golden, strcat(text, "\n"));
	free(text);
	json_decref(value);
}

/* ---- tests ------------------------------------------------------------------------ */

START_TEST(status_has_the_shape_of_the_contract)
{
	struct mirror mirror;

	mirror_make(&mirror);
	tell_all(&mirror);
	compare_json("ctl/status.json", status_json(&mirror, START + 735 * NSTIME_S, WALL));
	mirror_fini(&mirror);
}
END_TEST

START_TEST(status_before_any_fact_says_not_reported)
{
	struct mirror mirror;

	mirror_make(&mirror);
	compare_json("ctl/status-unknown.json", status_json(&mirror, START + 735 * NSTIME_S, WALL));
	mirror_fini(&mirror);
}
END_TEST

START_TEST(status_before_any_model_is_complete_in_shape)
{
	struct mirror mirror;

	mirror_init(&mirror);
	compare_json("ctl/status-empty.json", status_json(&mirror, START + 735 * NSTIME_S, WALL));
	mirror_fini(&mirror);
}
END_TEST

START_TEST(array_requests_have_the_same_shape_as_in_status)
{
	struct mirror mirror;
	json_t *status, *vrrp, *services;

	mirror_make(&mirror);
	tell_all(&mirror);
	status = status_json(&mirror, START + 735 * NSTIME_S, WALL);
	vrrp = status_vrrp_json(&mirror, WALL);
	services = status_services_json(&mirror, NULL, WALL);
	ck_assert(json_equal(vrrp, json_object_get(status, "vrrp")));
	ck_assert(json_equal(services, json_object_get(status, "services")));
	json_decref(status);
	json_decref(vrrp);
	json_decref(services);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(facts_out_of_the_models_range_are_refused)
{
	struct mirror mirror;
	uint8_t bytes[2048];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	mirror_make(&mirror);
	fact_instance_put(&out, &(struct fact_instance){.instance = 2});
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!mirror_fact(&mirror, FACT_INSTANCE, &in, START));
	out = writer_of(bytes, sizeof(bytes));
	fact_server_put(&out, &(struct fact_server){.service = 1, .server = 1});
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!mirror_fact(&mirror, FACT_SERVER, &in, START));
	out = writer_of(bytes, sizeof(bytes));
	fact_tracker_put(&out, &(struct fact_tracker){.instance = 0, .tracker = 3});
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!mirror_fact(&mirror, FACT_TRACKER, &in, START));
	out = writer_of(bytes, sizeof(bytes));
	fact_group_put(&out, &(struct fact_group){.group = 1});
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!mirror_fact(&mirror, FACT_GROUP, &in, START));
	in = reader_of(bytes, writer_used(&out));
	ck_assert(!mirror_fact(&mirror, 60, &in, START));
	in = reader_of(bytes, 3);
	ck_assert(!mirror_fact(&mirror, FACT_TABLE, &in, START));
	ck_assert(!mirror.table_known);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(what_the_operator_wants_of_a_server_is_told)
{
	static const char *const words[] = {"enabled", "drained", "disabled"};
	struct mirror mirror;
	struct model *model;
	json_t *services, *servers;

	mirror_make(&mirror);
	model = (struct model *)(uintptr_t)mirror.model;
	model->services[0].real_servers[1].state = ADMIN_DRAINED;
	model->services[0].real_servers[2].state = ADMIN_DISABLED;
	services = status_services_json(&mirror, NULL, WALL);
	servers = json_object_get(json_array_get(services, 0), "real_servers");
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(json_string_value(json_object_get(json_array_get(servers, i),
								   "admin")),
				 words[i]);
	json_decref(services);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(a_reload_keeps_the_facts_of_what_stays)
{
	struct mirror mirror, next;
	struct model *model;

	mirror_make(&mirror);
	tell_all(&mirror);
	mirror_make(&next);
	model = (struct model *)(uintptr_t)next.model;
	model->instances[0].name = "renamed";
	model->probes[0].key = 7;
	model->services[0].real_servers[0].name = "other";
	struct real_server first = model->services[0].real_servers[1];
	model->services[0].real_servers[1] = model->services[0].real_servers[2];
	model->services[0].real_servers[2] = first;
	mirror_adopt(&mirror, &next);
	ck_assert(!mirror.instances[0].known && mirror.instances[1].known);
	ck_assert(!mirror.probes[0].known && mirror.probes[1].known);
	ck_assert(mirror.services[0].known && !mirror.services[0].servers[0].known);
	ck_assert(!mirror.services[0].servers[1].known);
	ck_assert(mirror.services[0].servers[2].known);
	ck_assert_str_eq(mirror.services[0].servers[2].fact.reason, "connect: refused");
	ck_assert_uint_eq(mirror.services[0].servers[2].fact.server, 2);
	ck_assert(mirror.daemon_known && mirror.table_known && mirror.workers[ROLE_CHECK].known);
	ck_assert_ptr_null(next.arena);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(a_reload_keeps_the_trackers_that_keep_their_name)
{
	struct mirror mirror, next;
	struct tracker *track;

	mirror_make(&mirror);
	tell_all(&mirror);
	mirror_make(&next);
	track = next.model->instances[0].track;
	track[0] = track[1];
	track[1].name = "other";
	mirror_adopt(&mirror, &next);
	ck_assert(mirror.instances[0].trackers[0].known);
	ck_assert_int_eq(mirror.instances[0].trackers[0].fact.effect, -30);
	ck_assert_uint_eq(mirror.instances[0].trackers[0].fact.tracker, 0);
	ck_assert(!mirror.instances[0].trackers[1].known);
	ck_assert(mirror.instances[0].trackers[2].known);
	ck_assert(mirror.groups[0].known);
	mirror_fini(&mirror);
}
END_TEST

/* ---- what operators say --------------------------------------------------------------------- */

static bool is_on(const struct mirror *mirror)
{
	json_t *status = status_json(mirror, START + 735 * NSTIME_S, WALL);
	bool on = json_is_true(json_object_get(status, "maintenance"));

	json_decref(status);
	return on;
}

static size_t overrides_shown(const struct mirror *mirror)
{
	json_t *array = status_overrides_json(mirror);
	size_t count = json_array_size(array);

	json_decref(array);
	return count;
}

START_TEST(overrides_are_as_many_as_the_daemon_says)
{
	struct override works = {.kind = OVERRIDE_MAINTENANCE, .object = OVERRIDE_DIRECTOR, .value = "on"};
	struct mirror mirror, next;

	mirror_make(&mirror);
	tell_override(&mirror, 0, works);
	ck_assert_uint_eq(overrides_shown(&mirror), 0);
	TELL(&mirror, FACT_DAEMON, fact_daemon_put, (struct fact_daemon){.overrides = 2});
	ck_assert_uint_eq(overrides_shown(&mirror), 1);
	ck_assert(is_on(&mirror));
	mirror_make(&next);
	mirror_adopt(&mirror, &next);
	ck_assert(is_on(&mirror));
	TELL(&mirror, FACT_DAEMON, fact_daemon_put, (struct fact_daemon){.overrides = 0});
	ck_assert(!is_on(&mirror));
	TELL(&mirror, FACT_DAEMON, fact_daemon_put, (struct fact_daemon){.overrides = 1});
	ck_assert_uint_eq(overrides_shown(&mirror), 0);
	mirror_fini(&mirror);
}
END_TEST

/* The objects of the encoded request, with blanks between; or the error. */
static const char *objects_of(const struct mirror *mirror, enum control_kind kind, const char *instance,
			      const char *value)
{
	static char told[CONTROL_ERROR];
	uint8_t bytes[16384];
	char text[4096];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct control_request request = {.kind = kind, .all = !*instance};
	struct reader in;

	strcpy(request.instance, instance);
	strcpy(request.value, value);
	if (operator_encode(mirror, 7, 1000, &request, &out, told))
		return told;
	in = reader_of(bytes, writer_used(&out));
	ck_assert_uint_eq(get_u32(&in), 7);
	get_u8(&in);
	ck_assert_uint_eq(get_u32(&in), 1000);
	get_text(&in, text, sizeof(text));
	ck_assert_str_eq(get_text(&in, text, sizeof(text)), value);
	get_text(&in, text, sizeof(text));
	get_time(&in);
	told[0] = '\0';
	for (unsigned left = get_u16(&in); left; left--)
		strcat(strcat(told, get_text(&in, text, sizeof(text))), " ");
	ck_assert(reader_done(&in));
	return told;
}

START_TEST(names_are_held_against_the_model)
{
	struct mirror mirror;

	mirror_make(&mirror);
	tell_all(&mirror);
	ck_assert_str_eq(objects_of(&mirror, CONTROL_RELEASE, "public", ""), "public ");
	ck_assert_str_eq(objects_of(&mirror, CONTROL_RELEASE, "", ""), "");
	ck_assert_str_eq(objects_of(&mirror, CONTROL_CLAIM, "pubic", ""),
			 "no instance is called \"pubic\"; did you mean \"public\"?");
	ck_assert_str_eq(objects_of(&mirror, CONTROL_PRIORITY, "xyz", "5"), "no instance is called \"xyz\"");
	mirror_fini(&mirror);
}
END_TEST

START_TEST(a_priority_is_said_of_the_whole_sync_group)
{
	struct mirror mirror;

	mirror_make(&mirror);
	tell_all(&mirror);
	ck_assert_str_eq(objects_of(&mirror, CONTROL_PRIORITY, "inside", "90"), "public inside ");
	mirror.model->instances[1].sync_group = 0;
	ck_assert_str_eq(objects_of(&mirror, CONTROL_PRIORITY, "inside", "90"), "inside ");
	mirror.model->instances[1].priority = 255;
	ck_assert_str_eq(objects_of(&mirror, CONTROL_PRIORITY, "inside", "90"),
			 "inside owns its addresses (priority 255): no override changes that");
	mirror_fini(&mirror);
}
END_TEST

START_TEST(what_is_no_longer_configured_can_be_taken_back)
{
	struct mirror mirror;

	mirror_make(&mirror);
	tell_all(&mirror);
	ck_assert_str_eq(objects_of(&mirror, CONTROL_PRIORITY, "gone", "auto"), "gone ");
	ck_assert_str_eq(objects_of(&mirror, CONTROL_PRIORITY, "gone", "90"), "no instance is called \"gone\"");
	mirror_fini(&mirror);
}
END_TEST

START_TEST(other_directors_are_named_as_not_told)
{
	static struct director directors[] = {{.name = "lb1"}, {.name = "lb2"}, {.name = "lb3"}};
	json_t *lines = json_array();
	struct mirror mirror;
	struct model model;

	mirror_make(&mirror);
	model = *mirror.model;
	model.directors = directors;
	model.director_count = 1;
	mirror.model = &model;
	operator_warn(&mirror, CONTROL_PRIORITY, lines);
	ck_assert_uint_eq(json_array_size(lines), 0);
	model.director_count = 3;
	operator_warn(&mirror, CONTROL_RELEASE, lines);
	ck_assert_uint_eq(json_array_size(lines), 0);
	operator_warn(&mirror, CONTROL_MAINTENANCE, lines);
	ck_assert_str_eq(json_string_value(json_array_get(lines, 0)),
			 "overrides are this director's own; not told: lb2, lb3");
	json_decref(lines);
	mirror_fini(&mirror);
}
END_TEST

/* The same model, with each service so many times. */
static void mirror_make_large(struct mirror *mirror, size_t times)
{
	struct mirror small;
	struct model *model;
	struct service *services;

	mirror_make(&small);
	model = arena_copy(small.arena, small.model, sizeof(*model));
	services = arena_array(small.arena, times * model->service_count, sizeof(*services));
	for (size_t i = 0; i < times * model->service_count; i++)
		services[i] = model->services[i % model->service_count];
	model->services = services;
	model->service_count *= times;
	ck_assert_int_eq(mirror_prepare(mirror, model, small.arena), 0);
}

/* Reads the line that the pieces make up; how many they were goes to *count. */
static json_t *whole(struct mirror *mirror, bool status, unsigned *count)
{
	uint64_t cursor = 0;
	char *line = strdup("");
	json_t *answer;

	for (*count = 0; cursor != UINT64_MAX; ++*count) {
		char *piece = status ? pieces_of_status(mirror, START + 735 * NSTIME_S, WALL, &cursor)
				     : pieces_of_services(mirror, WALL, &cursor);

		line = realloc(line, strlen(line) + strlen(piece) + 1);
		strcat(line, piece);
		free(piece);
	}
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	answer = json_loads(line, 0, NULL);
	free(line);
	return answer;
}

static void compare_pieces(struct mirror *mirror, unsigned least)
{
	json_t *status = status_json(mirror, START + 735 * NSTIME_S, WALL);
	unsigned count;
	json_t *answer = whole(mirror, true, &count);

	ck_assert(json_equal(json_object_get(answer, "result"), status));
	ck_assert_uint_ge(count, least);
	json_decref(answer);
	answer = whole(mirror, false, &count);
	ck_assert(json_equal(json_object_get(answer, "result"), json_object_get(status, "services")));
	ck_assert_uint_ge(count, least);
	json_decref(answer);
	json_decref(status);
}

START_TEST(the_pieces_of_a_long_answer_are_the_whole)
{
	struct mirror mirror;

	mirror_init(&mirror);
	compare_pieces(&mirror, 1);
	mirror_make(&mirror);
	tell_all(&mirror);
	compare_pieces(&mirror, 1);
	mirror_fini(&mirror);
	mirror_make_large(&mirror, 500);
	tell_all(&mirror);
	compare_pieces(&mirror, 4);
	mirror_fini(&mirror);
}
END_TEST

START_TEST(hostile_texts_become_harmless_json)
{
	json_t *text = status_text("a\033[2J\n\xff\xc3");

	ck_assert_str_eq(json_string_value(text), "a?[2J???");
	json_decref(text);
	ck_assert(json_is_null(status_text(NULL)));
}
END_TEST

int main(void)
{
	return SUITE_RUN("ctl-status",
			 CASE("status", status_has_the_shape_of_the_contract,
			      status_before_any_fact_says_not_reported,
			      status_before_any_model_is_complete_in_shape,
			      array_requests_have_the_same_shape_as_in_status,
			      the_pieces_of_a_long_answer_are_the_whole,
			      hostile_texts_become_harmless_json),
			 CASE("mirror", facts_out_of_the_models_range_are_refused,
			      what_the_operator_wants_of_a_server_is_told,
			      a_reload_keeps_the_facts_of_what_stays,
			      a_reload_keeps_the_trackers_that_keep_their_name),
			 CASE("operator", overrides_are_as_many_as_the_daemon_says, names_are_held_against_the_model,
			      a_priority_is_said_of_the_whole_sync_group,
			      what_is_no_longer_configured_can_be_taken_back, other_directors_are_named_as_not_told));
}
