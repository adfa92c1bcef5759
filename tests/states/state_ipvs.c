/* Of the ipvs worker: a service that has lost its quorum and is answered for by its sorry server, with the traffic of
 * one server, the kernel's counters behind it, a server on its way out, and a repair that keeps coming undone. */
#include <netinet/in.h>
#include <string.h>

#include "base/carry.h"
#include "base/cleanup.h"
#include "config/model.h"
#include "ipvs/carry.h"
#include "states.h"
#include "tests/unit/suite.h"

#define AGO(seconds) (STATE_NOW - (seconds) * NSTIME_S)

static struct ipvs_service_key web(void)
{
	return (struct ipvs_service_key){
		.address = addr_from_ipv4(0xc0a808c8), .port = 80, .protocol = IPPROTO_TCP};
}

static struct endpoint server_a(void)
{
	return (struct endpoint){addr_from_ipv4(0x0a000001), 80};
}

static const struct traffic TOTAL = {1000, 20000, 10000, 3000000000, 150000000},
			    LAST = {10, 200, 100, 30000, 15000};

static void make(struct writer *out)
{
	const struct endpoint a = server_a();

	ipvs_carry_worker_put(out, &(struct ipvs_carry_worker){300, 2, AGO(5)});
	ipvs_carry_probe_put(out, &(struct ipvs_carry_probe){
					  .key = 100,
					  .verdict = VERDICT_DOWN,
					  .reason = REASON_REFUSED,
					  .is_suppressed = true,
					  .since = AGO(60),
					  .told = {.by = CHECK_AGENT, .wish = ADVICE_DRAIN},
				  });
	ipvs_carry_probe_put(out, &(struct ipvs_carry_probe){
					  .key = 101, .verdict = VERDICT_UP, .reason = REASON_PASSED, .passed = true, .since = AGO(600)});
	ipvs_carry_service_put(out, &(struct ipvs_carry_service){
					    .name = "web",
					    .state = SERVICE_SORRY,
					    .quorum = IPVS_QUORUM_LOST,
					    .sorry = true,
					    .calm_since = AGO(3),
					    .since = AGO(59),
					    .traffic = TOTAL,
				    });
	ipvs_carry_server_put(out, &(struct ipvs_carry_server){
					   .address = a, .fit = true, .ramping = AGO(4), .traffic = TOTAL});
	ipvs_carry_server_put(out, &(struct ipvs_carry_server){
					   .is_sorry = true, .address = {addr_from_ipv4(0x0a000009), 80}, .traffic = LAST});
	ipvs_carry_virtual_put(out, &(struct ipvs_carry_virtual){web(), LAST});
	ipvs_carry_dest_put(out, &(struct ipvs_carry_dest){{a.address, a.port}, LAST});
	ipvs_carry_leaver_put(out, &(struct ipvs_carry_leaver){.service = web(),
							       .dest = {addr_from_ipv4(0x0a000007), 80},
							       .deadline = STATE_NOW + 40 * NSTIME_S,
							       .name = "old"});
	ipvs_carry_contest_put(out, &(struct ipvs_carry_contest){0x1234, {.streak = 3, .last = AGO(20)}});
}

static bool same_traffic(const struct traffic *a, const struct traffic *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void expect_worker(struct reader *in)
{
	struct ipvs_carry_worker worker;

	ck_assert(ipvs_carry_worker_get(in, STATE_NOW, &worker));
	ck_assert_uint_eq(worker.operations, 300);
	ck_assert_uint_eq(worker.repairs, 2);
	ck_assert_int_eq(worker.last_read_back, AGO(5));
}

static void expect_probe(struct reader *in)
{
	struct ipvs_carry_probe probe;

	ck_assert(ipvs_carry_probe_get(in, STATE_NOW, &probe));
	ck_assert_int_eq(probe.verdict, probe.key == 100 ? VERDICT_DOWN : VERDICT_UP);
	ck_assert_int_eq(probe.reason, probe.key == 100 ? REASON_REFUSED : REASON_PASSED);
	ck_assert_int_eq(probe.is_suppressed, probe.key == 100);
	ck_assert_int_eq(probe.passed, probe.key == 101);
	ck_assert_int_eq(probe.since, probe.key == 100 ? AGO(60) : AGO(600));
	ck_assert_int_eq(probe.told.by, probe.key == 100 ? CHECK_AGENT : 0);
	ck_assert_int_eq(probe.told.wish, probe.key == 100 ? ADVICE_DRAIN : ADVICE_NO_WISH);
}

static void expect_service(struct reader *in)
{
	struct ipvs_carry_service service;

	ck_assert(ipvs_carry_service_get(in, STATE_NOW, &service));
	ck_assert_str_eq(service.name, "web");
	ck_assert_int_eq(service.state, SERVICE_SORRY);
	ck_assert_int_eq(service.quorum, IPVS_QUORUM_LOST);
	ck_assert(service.sorry && !service.panic);
	ck_assert_int_eq(service.calm_since, AGO(3));
	ck_assert_int_eq(service.since, AGO(59));
	ck_assert(same_traffic(&service.traffic, &TOTAL));
}

static void expect_server(struct reader *in)
{
	struct ipvs_carry_server server;
	const struct endpoint a = server_a();

	ck_assert(ipvs_carry_server_get(in, STATE_NOW, &server));
	ck_assert_int_eq(server.is_sorry, endpoint_compare(&server.address, &a) != 0);
	ck_assert_int_eq(server.fit, !server.is_sorry);
	ck_assert_int_eq(server.ramping, server.is_sorry ? 0 : AGO(4));
	ck_assert(same_traffic(&server.traffic, server.is_sorry ? &LAST : &TOTAL));
}

static void expect_meters(struct reader *in, uint16_t type)
{
	const struct ipvs_service_key key = web();
	const struct endpoint a = server_a();
	struct ipvs_carry_virtual virtual;
	struct ipvs_carry_dest dest;

	if (type == IPVS_CARRY_VIRTUAL) {
		ck_assert(ipvs_carry_virtual_get(in, STATE_NOW, &virtual));
		ck_assert_int_eq(ipvs_service_key_compare(&virtual.key, &key), 0);
		ck_assert(same_traffic(&virtual.last, &LAST));
		return;
	}
	ck_assert(ipvs_carry_dest_get(in, STATE_NOW, &dest));
	ck_assert_int_eq(addr_compare(&dest.key.address, &a.address), 0);
	ck_assert_uint_eq(dest.key.port, 80);
	ck_assert(same_traffic(&dest.last, &LAST));
}

static void expect_leaver(struct reader *in)
{
	const struct ipvs_service_key key = web();
	struct ipvs_carry_leaver leaver;

	ck_assert(ipvs_carry_leaver_get(in, STATE_NOW, &leaver));
	ck_assert_int_eq(ipvs_service_key_compare(&leaver.service, &key), 0);
	ck_assert_uint_eq(addr_ipv4(&leaver.dest.address), 0x0a000007);
	ck_assert_int_eq(leaver.deadline, STATE_NOW + 40 * NSTIME_S);
	ck_assert_str_eq(leaver.name, "old");
}

static void expect_contest(struct reader *in)
{
	struct ipvs_carry_contest contest;

	ck_assert(ipvs_carry_contest_get(in, STATE_NOW, &contest));
	ck_assert_uint_eq(contest.object, 0x1234);
	ck_assert_uint_eq(contest.repair.streak, 3);
	ck_assert_int_eq(contest.repair.last, AGO(20));
}

static void expect_record(struct reader *in, uint16_t type)
{
	switch (type) {
	case IPVS_CARRY_WORKER:
		expect_worker(in);
		break;
	case IPVS_CARRY_PROBE:
		expect_probe(in);
		break;
	case IPVS_CARRY_SERVICE:
		expect_service(in);
		break;
	case IPVS_CARRY_SERVER:
		expect_server(in);
		break;
	case IPVS_CARRY_VIRTUAL:
	case IPVS_CARRY_DEST:
		expect_meters(in, type);
		break;
	case IPVS_CARRY_LEAVER:
		expect_leaver(in);
		break;
	case IPVS_CARRY_CONTEST:
		expect_contest(in);
		break;
	default:
		break;
	}
}

static void expect(struct reader *in, UNUSED const char *release)
{
	unsigned seen[IPVS_CARRY_CONTEST + 1] = {0};
	struct reader value;
	uint16_t type;

	while (carry_next(in, &type, &value)) {
		expect_record(&value, type);
		if (type < COUNT_OF(seen))
			seen[type]++;
	}
	ck_assert(reader_done(in));
	for (unsigned i = 1; i < COUNT_OF(seen); i++)
		ck_assert_uint_eq(seen[i], i == IPVS_CARRY_PROBE || i == IPVS_CARRY_SERVER ? 2 : 1);
}

const struct state_role state_ipvs = {"ipvs", make, expect};
