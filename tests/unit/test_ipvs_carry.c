/* What an ipvs worker leaves, record by record: that it comes back, and that nothing comes that cannot be. */
#include "test_ipvs.h"

#include <netinet/in.h>
#include <string.h>

#include "base/carry.h"
#include "ipvs/carry.h"
#include "ipvs/contest.h"

#define NOW (1000 * NSTIME_S)

static uint8_t bytes[2 * IPVS_CARRY_MAX];

/* The value of the one record that `out` has. */
static struct reader value_of(const struct writer *out, uint16_t wanted)
{
	struct reader in = reader_of(bytes, writer_used(out)), value;
	uint16_t type;

	ck_assert(!out->failed);
	ck_assert_uint_le(writer_used(out), IPVS_CARRY_MAX);
	ck_assert(carry_next(&in, &type, &value));
	ck_assert_uint_eq(type, wanted);
	ck_assert(reader_done(&in));
	return value;
}

/* Put and got again it is `want`; cut anywhere it is refused; with more behind it, it is read. */
#define CHECK_RECORD(name, number, ...)                                                            \
	do {                                                                                       \
		const struct ipvs_carry_##name sent = __VA_ARGS__;                                 \
		struct ipvs_carry_##name got;                                                      \
		struct writer out = writer_of(bytes, sizeof(bytes));                               \
		struct reader value, cut;                                                          \
                                                                                                   \
		memset(&got, 0, sizeof(got));                                                      \
		ipvs_carry_##name##_put(&out, &sent);                                              \
		value = value_of(&out, number);                                                    \
		for (size_t size = 0; size < reader_left(&value); size++) {                        \
			cut = reader_of(value.at, size);                                           \
			ck_assert(!ipvs_carry_##name##_get(&cut, NOW, &got));                      \
		}                                                                                  \
		cut = reader_of(value.at, reader_left(&value) + 4);                                \
		ck_assert(ipvs_carry_##name##_get(&cut, NOW, &got));                               \
		ck_assert_uint_eq(reader_left(&cut), 4);                                           \
		out = writer_of(again, sizeof(again));                                             \
		ipvs_carry_##name##_put(&out, &got);                                               \
		ck_assert_mem_eq(again, bytes, writer_used(&out));                                 \
	} while (0)

static const struct traffic BUSY = {1, 0x100, 0x10000, UINT64_MAX, 0x1234567890};

START_TEST(every_record_comes_back_whole)
{
	static uint8_t again[2 * IPVS_CARRY_MAX];
	char longest[FACT_NAME];

	memset(longest, 'n', sizeof(longest));
	longest[FACT_NAME - 1] = '\0';
	CHECK_RECORD(worker, IPVS_CARRY_WORKER, {.operations = 300, .repairs = 2, .last_read_back = 7});
	CHECK_RECORD(probe, IPVS_CARRY_PROBE,
		     {.key = UINT64_MAX,
		      .verdict = VERDICT_DOWN,
		      .reason = REASON_NO_WAY,
		      .is_suppressed = true,
		      .since = NOW,
		      .told = {.by = CHECK_AGENT, .parts = ADVICE_WEIGHT, .weight = 7}});
	CHECK_RECORD(server, IPVS_CARRY_SERVER,
		     {.is_sorry = true,
		      .address = {test_key("[2001:db8::1]:80", 0).address, 8080},
		      .fit = true,
		      .ramping = 5,
		      .traffic = BUSY});
	CHECK_RECORD(virtual, IPVS_CARRY_VIRTUAL, {test_key("[2001:db8::1]:80", IPPROTO_UDP), BUSY});
	CHECK_RECORD(dest, IPVS_CARRY_DEST, {test_dest("10.0.0.1:81", 0).key, BUSY});
	CHECK_RECORD(contest, IPVS_CARRY_CONTEST, {.object = 77, .repair = {.streak = 4, .last = 99}});
	{
		struct ipvs_carry_service service = {.state = SERVICE_DOWN,
						     .quorum = IPVS_QUORUM_LOST,
						     .panic = true,
						     .sorry = true,
						     .calm_since = 3,
						     .since = 2,
						     .traffic = BUSY};
		struct ipvs_carry_leaver leaver = {.service = test_key("10.0.0.1:80", IPPROTO_TCP),
						   .dest = test_dest("[2001:db8::2]:81", 0).key,
						   .deadline = NSTIME_NEVER};

		memcpy(service.name, longest, sizeof(longest));
		memcpy(leaver.name, longest, sizeof(longest));
		CHECK_RECORD(service, IPVS_CARRY_SERVICE, service);
		CHECK_RECORD(leaver, IPVS_CARRY_LEAVER, leaver);
	}
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	struct ipvs_carry_probe probe = {.verdict = (enum verdict)(VERDICT_DOWN + 1)};
	struct ipvs_carry_service service = {.state = (enum service_state)(SERVICE_DOWN + 1)};
	struct ipvs_carry_leaver leaver = {.deadline = -1};
	struct ipvs_carry_contest contest = {.object = 1};
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct reader in;

	ipvs_carry_probe_put(&out, &probe);
	in = value_of(&out, IPVS_CARRY_PROBE);
	ck_assert(!ipvs_carry_probe_get(&in, NOW, &probe));
	out = writer_of(bytes, sizeof(bytes));
	ipvs_carry_service_put(&out, &service);
	in = value_of(&out, IPVS_CARRY_SERVICE);
	ck_assert(!ipvs_carry_service_get(&in, NOW, &service));
	out = writer_of(bytes, sizeof(bytes));
	ipvs_carry_leaver_put(&out, &leaver);
	in = value_of(&out, IPVS_CARRY_LEAVER);
	ck_assert(!ipvs_carry_leaver_get(&in, NOW, &leaver));
	out = writer_of(bytes, sizeof(bytes));
	ipvs_carry_contest_put(&out, &contest);
	in = value_of(&out, IPVS_CARRY_CONTEST);
	ck_assert(!ipvs_carry_contest_get(&in, NOW, &contest));
}
END_TEST

START_TEST(a_repair_that_keeps_coming_undone_goes_on_backing_off)
{
	static struct contests contests;
	const struct repair repair = {.streak = 3, .last = NOW};

	contests_init(&contests);
	contests_recall(&contests, 5, &repair, NOW + NSTIME_S);
	contests_begin(&contests, NOW + 30 * NSTIME_S);
	ck_assert_int_eq(contests_ask(&contests, 5, true, NOW + 30 * NSTIME_S), CONTEST_WAIT);
	ck_assert_int_eq(contests.due, NOW + 40 * NSTIME_S);
	contests_begin(&contests, NOW + 40 * NSTIME_S);
	ck_assert_int_eq(contests_ask(&contests, 5, true, NOW + 40 * NSTIME_S), CONTEST_AGAIN);
	ck_assert_int_eq(contests_ask(&contests, 6, true, NOW + 40 * NSTIME_S), CONTEST_REPAIR);
}
END_TEST

TCase *ipvs_carry_case(void)
{
	return CASE("carry", every_record_comes_back_whole, what_cannot_be_is_refused,
		    a_repair_that_keeps_coming_undone_goes_on_backing_off);
}
