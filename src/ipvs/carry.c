/* See the header. */
#include "ipvs/carry.h"

#include "base/carry.h"
#include "base/cleanup.h"
#include "base/text.h"

#define STREAK_MAX 100 /* pauses do not grow beyond */

/* ---- parts ----------------------------------------------------------------------------------- */

static void get_name(struct reader *in, char name[FACT_NAME])
{
	get_text(in, name, FACT_NAME);
	text_clean(name);
}

static void put_service_key(struct writer *out, const struct ipvs_service_key *key)
{
	put_addr(out, &key->address);
	put_u32(out, key->fwmark);
	put_u16(out, key->port);
	put_u8(out, key->protocol);
}

static struct ipvs_service_key get_service_key(struct reader *in)
{
	struct ipvs_service_key key = {.address = get_addr(in)};

	key.fwmark = get_u32(in);
	key.port = get_u16(in);
	key.protocol = get_u8(in);
	return key;
}

static void put_dest_key(struct writer *out, const struct ipvs_dest_key *key)
{
	put_addr(out, &key->address);
	put_u16(out, key->port);
}

static struct ipvs_dest_key get_dest_key(struct reader *in)
{
	struct ipvs_dest_key key = {.address = get_addr(in)};

	key.port = get_u16(in);
	return key;
}

/* ---- the worker ------------------------------------------------------------------------------ */

void ipvs_carry_worker_put(struct writer *out, const struct ipvs_carry_worker *worker)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_WORKER);

	carry_number_put(out, worker->operations);
	carry_number_put(out, worker->repairs);
	put_time(out, worker->last_read_back);
	carry_end(out, record);
}

bool ipvs_carry_worker_get(struct reader *in, nstime now, struct ipvs_carry_worker *worker)
{
	struct ipvs_carry_worker got = {.operations = carry_number_get(in)};

	got.repairs = carry_number_get(in);
	got.last_read_back = carry_past_get(in, now);
	if (in->failed)
		return false;
	*worker = got;
	return true;
}

/* ---- probes ---------------------------------------------------------------------------------- */

#define PROBE_SUPPRESSED 1
#define PROBE_PASSED 2

void ipvs_carry_probe_put(struct writer *out, const struct ipvs_carry_probe *probe)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_PROBE);

	put_u64(out, probe->key);
	put_u8(out, (uint8_t)probe->verdict);
	put_u8(out, (uint8_t)probe->reason);
	put_u8(out, (uint8_t)((probe->is_suppressed ? PROBE_SUPPRESSED : 0) |
			      (probe->passed ? PROBE_PASSED : 0)));
	put_time(out, probe->since);
	advice_put(out, &probe->told);
	carry_end(out, record);
}

bool ipvs_carry_probe_get(struct reader *in, nstime now, struct ipvs_carry_probe *probe)
{
	struct ipvs_carry_probe got = {.key = get_u64(in), .verdict = (enum verdict)get_u8(in)};
	uint8_t flags;

	got.reason = (enum probe_reason)get_u8(in);
	flags = get_u8(in);
	got.is_suppressed = flags & PROBE_SUPPRESSED;
	got.passed = flags & PROBE_PASSED;
	got.since = carry_past_get(in, now);
	got.told = advice_get(in);
	if (in->failed || got.verdict > VERDICT_DOWN)
		return false;
	if (got.reason >= REASON_COUNT) /* of a later release */
		got.reason = REASON_NONE;
	*probe = got;
	return true;
}

/* ---- services -------------------------------------------------------------------------------- */

void ipvs_carry_service_put(struct writer *out, const struct ipvs_carry_service *service)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_SERVICE);

	put_text(out, service->name);
	put_u8(out, (uint8_t)service->state);
	put_u8(out, (uint8_t)service->quorum);
	put_bool(out, service->panic);
	put_bool(out, service->sorry);
	put_time(out, service->calm_since);
	put_time(out, service->since);
	traffic_put(out, &service->traffic);
	carry_end(out, record);
}

bool ipvs_carry_service_get(struct reader *in, nstime now, struct ipvs_carry_service *service)
{
	struct ipvs_carry_service got = {0};

	get_name(in, got.name);
	got.state = (enum service_state)get_u8(in);
	got.quorum = (enum ipvs_quorum)get_u8(in);
	got.panic = get_bool(in);
	got.sorry = get_bool(in);
	got.calm_since = carry_past_get(in, now);
	got.since = carry_past_get(in, now);
	got.traffic = traffic_get(in);
	if (in->failed || got.state > SERVICE_DOWN || got.quorum > IPVS_QUORUM_LOST)
		return false;
	*service = got;
	return true;
}

void ipvs_carry_server_put(struct writer *out, const struct ipvs_carry_server *server)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_SERVER);

	put_bool(out, server->is_sorry);
	put_endpoint(out, &server->address);
	put_bool(out, server->fit);
	put_time(out, server->ramping);
	traffic_put(out, &server->traffic);
	carry_end(out, record);
}

bool ipvs_carry_server_get(struct reader *in, nstime now, struct ipvs_carry_server *server)
{
	struct ipvs_carry_server got = {.is_sorry = get_bool(in), .address = get_endpoint(in)};

	got.fit = get_bool(in);
	got.ramping = carry_past_get(in, now);
	got.traffic = traffic_get(in);
	if (in->failed)
		return false;
	*server = got;
	return true;
}

/* ---- the kernel's counters ------------------------------------------------------------------- */

void ipvs_carry_virtual_put(struct writer *out, const struct ipvs_carry_virtual *virtual)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_VIRTUAL);

	put_service_key(out, &virtual->key);
	traffic_put(out, &virtual->last);
	carry_end(out, record);
}

bool ipvs_carry_virtual_get(struct reader *in, UNUSED nstime now, struct ipvs_carry_virtual *virtual)
{
	struct ipvs_carry_virtual got = {.key = get_service_key(in)};

	got.last = traffic_get(in);
	if (in->failed)
		return false;
	*virtual = got;
	return true;
}

void ipvs_carry_dest_put(struct writer *out, const struct ipvs_carry_dest *dest)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_DEST);

	put_dest_key(out, &dest->key);
	traffic_put(out, &dest->last);
	carry_end(out, record);
}

bool ipvs_carry_dest_get(struct reader *in, UNUSED nstime now, struct ipvs_carry_dest *dest)
{
	struct ipvs_carry_dest got = {.key = get_dest_key(in)};

	got.last = traffic_get(in);
	if (in->failed)
		return false;
	*dest = got;
	return true;
}

/* ---- who is on the way out ------------------------------------------------------------------- */

void ipvs_carry_leaver_put(struct writer *out, const struct ipvs_carry_leaver *leaver)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_LEAVER);

	put_service_key(out, &leaver->service);
	put_dest_key(out, &leaver->dest);
	put_time(out, leaver->deadline);
	put_text(out, leaver->name);
	carry_end(out, record);
}

bool ipvs_carry_leaver_get(struct reader *in, UNUSED nstime now, struct ipvs_carry_leaver *leaver)
{
	struct ipvs_carry_leaver got = {.service = get_service_key(in), .dest = get_dest_key(in)};

	got.deadline = get_time(in);
	get_name(in, got.name);
	if (in->failed || got.deadline < 0)
		return false;
	*leaver = got;
	return true;
}

/* ---- repairs --------------------------------------------------------------------------------- */

void ipvs_carry_contest_put(struct writer *out, const struct ipvs_carry_contest *contest)
{
	uint8_t *record = carry_record(out, IPVS_CARRY_CONTEST);

	put_u64(out, contest->object);
	put_u32(out, contest->repair.streak);
	put_time(out, contest->repair.last);
	carry_end(out, record);
}

bool ipvs_carry_contest_get(struct reader *in, nstime now, struct ipvs_carry_contest *contest)
{
	struct ipvs_carry_contest got = {.object = get_u64(in)};

	got.repair.streak = get_u32(in);
	got.repair.last = carry_past_get(in, now);
	if (in->failed || !got.repair.streak)
		return false;
	if (got.repair.streak > STREAK_MAX)
		got.repair.streak = STREAK_MAX;
	*contest = got;
	return true;
}
