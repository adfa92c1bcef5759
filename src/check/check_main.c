/* lbha-checkd: the check worker. It owns an engine and tells what comes of it: facts to the other
 * workers, one sentence per change of a verdict to the log. It has no rights and reads hostile
 * bytes; it is the only program that maps libcurl.
 *
 * Facts: a change of the verdict is sent at once. What else every probe brings (reason, time,
 * latency) is sent once a second for all probes that ended meanwhile, so that ten thousand probes
 * make a few dozen packets and no flood.
 *
 * Kept over a reload, by probe key: verdict, counters, times, flights. Probes not in the new model
 * end with it. Probes that run only while an instance is MASTER are held otherwise, and keep what was
 * known. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "check/carry_io.h"
#include "check/engine_io.h"
#include "check/look_io.h"
#include "check/merge.h"
#include "check/outcome.h"
#include "check/probe_icmp.h"
#include "check/probe_script.h"
#include "check/rights_io.h"
#include "check/run.h"
#include "check/tls_memory_io.h"
#include "config/codec.h"
#include "config/facts.h"
#include "config/model.h"
#include "config/roles.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/sandbox.h"
#include "core/worker.h"

#define REFRESH NSTIME_S

enum way_state {
	WAY_UNKNOWN, /* ipvs has not spoken */
	WAY_PLACED,
	WAY_MISSING,
};

struct checkd {
	struct worker *worker;
	struct engine *engine;
	struct scripts *scripts; /* the engine's */
	struct echoes *echoes;   /* the engine's */
	struct looks *looks;
	struct roster *prepared;
	struct roles roles, prepared_roles; /* of instances, for probes that run while MASTER */
	enum way_state *ways, *prepared_ways; /* by way, in the arena of the model */
	struct rights rights;
	bool lacks_right;
	uint8_t *ended; /* by probe: ended since the last refresh and not told */
	uint8_t *prepared_ended;
	uint32_t count;
	struct loop_timer refresh, holds;
	struct log_bucket changes, troubles;
};

/* ---- what people read ---------------------------------------------------------------------------
 */

/* "192.0.2.1:80 (health)": the check's name, or its type; alone when it is about this machine. */
static void add_probe(struct text *text, const struct model *model, uint32_t index)
{
	const struct probe *probe = &model->probes[index];
	const struct check *check = &model->checks[probe->check];
	const char *name = check->name ? check->name : check_type_name(check->type);
	char target[ENDPOINT_TEXT];

	if (probe->target.address.family)
		text_add(text, "%s (%s)", endpoint_format(&probe->target, target), name);
	else
		text_add(text, "%s", name);
}

static nstime suppressed_until(const struct subject *subject)
{
	return subject->automaton.suppressed > clock_now() ? subject->automaton.suppressed : 0;
}

static void log_change(struct checkd *checkd, uint32_t probe, enum verdict before)
{
	const struct model *model = engine_model(checkd->engine);
	const struct subject *subject = engine_subject(checkd->engine, probe);
	const struct check *check = &model->checks[model->probes[probe].check];
	char line[256], detail[FACT_DETAIL], took[DURATION_TEXT];
	struct text text = text_of(line, sizeof(line));
	unsigned swallowed;

	if (!log_limit(&checkd->changes, clock_now(), &swallowed))
		return;
	if (swallowed)
		log_info("%u more verdicts changed", swallowed);
	add_probe(&text, model, probe);
	text_add(&text, ": %s → %s: %s", verdict_name(before),
		 verdict_name(subject->automaton.verdict),
		 outcome_describe(&subject->last, check, detail, sizeof(detail)));
	if (subject->automaton.failed)
		text_add(&text, " (%u failure%s)", subject->automaton.failed,
			 subject->automaton.failed == 1 ? "" : "s");
	else
		text_add(&text, " in %s", duration_about(subject->last.latency, took));
	if (suppressed_until(subject))
		text_add(&text, ", %u times now: suppressed for %s", subject->automaton.falls,
			 duration_format(automaton_suppress(&subject->automaton, check), took));
	log_info("%s", line);
}

/* Why this machine could not probe it since its last outcome; "" when it could. */
static const char *describe_hindrance(const struct subject *subject, const struct check *check,
				      char out[FACT_DETAIL])
{
	const struct outcome outcome = outcome_of_hindrance(subject->here);

	if (!subject->here.error)
		return "";
	return outcome_describe(&outcome, check, out, FACT_DETAIL);
}

/* A probe that this machine could not make, or (told once for each such time) can make again. */
static void log_hindrance(struct checkd *checkd, uint32_t probe)
{
	const struct model *model = engine_model(checkd->engine);
	const struct subject *subject = engine_subject(checkd->engine, probe);
	const struct check *check = &model->checks[model->probes[probe].check];
	char line[256], detail[FACT_DETAIL];
	struct text text = text_of(line, sizeof(line));
	unsigned swallowed;

	if (!log_limit(&checkd->troubles, clock_now(), &swallowed))
		return;
	add_probe(&text, model, probe);
	if (subject->here.error)
		text_add(&text, ": not probed: %s; its verdict stays %s",
			 describe_hindrance(subject, check, detail),
			 verdict_name(subject->automaton.verdict));
	else
		text_add(&text, ": probed again: %s",
			 outcome_describe(&subject->last, check, detail, sizeof(detail)));
	if (swallowed)
		text_add(&text, " (and %u like this)", swallowed);
	if (subject->here.error)
		log_warning("%s", line);
	else
		log_info("%s", line);
}

/* ---- facts --------------------------------------------------------------------------------------
 */

/* Probes, and behind them what operators look at. */
static uint32_t fact_count(void *ctx)
{
	struct checkd *checkd = ctx;

	return checkd->count + FACT_LOOKS;
}

static void look_told(void *ctx, uint32_t place)
{
	struct checkd *checkd = ctx;

	worker_dirty(checkd->worker, checkd->count + place);
}

/* "status 200; suppressed for 40s: down 3 times; not probed: here: too many open files" */
static void describe(const struct subject *subject, const struct check *check,
		     char detail[FACT_DETAIL])
{
	char hold[DURATION_TEXT], why[FACT_DETAIL];
	struct text text = text_of(detail, FACT_DETAIL);

	if (subject->last.reason == REASON_NONE && subject->here.error) {
		describe_hindrance(subject, check, detail);
		return;
	}
	text.length = strlen(outcome_describe(&subject->last, check, detail, FACT_DETAIL));
	if (suppressed_until(subject))
		text_add(&text, "; suppressed for %s: down %u times",
			 duration_format(automaton_suppress(&subject->automaton, check), hold),
			 subject->automaton.falls);
	if (subject->here.error)
		text_add(&text, "; not probed: %s", describe_hindrance(subject, check, why));
}

/* That of its server, if any is known. */
static enum probe_reason reason_of(const struct subject *subject)
{
	if (subject->last.reason == REASON_NONE && subject->here.error)
		return outcome_of_hindrance(subject->here).reason;
	return subject->last.reason;
}

static bool probe_fact(struct checkd *checkd, int peer, uint32_t index, uint16_t *type, struct writer *out)
{
	const struct model *model = engine_model(checkd->engine);
	const struct subject *subject = engine_subject(checkd->engine, index);
	struct fact_probe fact = {
		.probe = index,
		.verdict = subject->automaton.verdict,
		.reason = reason_of(subject),
		.passed = subject->last.reason == REASON_PASSED,
		.since = subject->automaton.since,
		.time = subject->ended,
		.latency = subject->last.latency,
		.told = subject->told,
		.suppressed = suppressed_until(subject),
		.times = subject->times,
	};

	if (peer == ROLE_VRRP && !model->probes[index].tracked)
		return false; /* thousands of servers' probes are nothing to it */
	describe(subject, &model->checks[model->probes[index].check], fact.detail);
	*type = FACT_PROBE;
	fact_probe_put(out, &fact);
	return true;
}

static bool fact(void *ctx, int peer, uint32_t index, uint16_t *type, struct writer *out)
{
	struct checkd *checkd = ctx;

	if (index < checkd->count)
		return probe_fact(checkd, peer, index, type, out);
	*type = FACT_SEEN;
	return peer == ROLE_CONTROL && looks_fact(checkd->looks, index - checkd->count, out);
}

static void refresh(void *ctx)
{
	struct checkd *checkd = ctx;

	for (uint32_t i = 0; i < checkd->count; i++)
		if (checkd->ended[i]) {
			checkd->ended[i] = 0;
			worker_dirty(checkd->worker, i);
		}
}

static void probe_ended(void *ctx, uint32_t probe, enum verdict before, struct hindrance hindered)
{
	struct checkd *checkd = ctx;
	const struct subject *subject = engine_subject(checkd->engine, probe);

	if (subject->here.error != hindered.error)
		log_hindrance(checkd, probe);
	if (subject->automaton.verdict != before) {
		checkd->ended[probe] = 0;
		worker_dirty(checkd->worker, probe);
		log_change(checkd, probe, before);
		return;
	}
	checkd->ended[probe] = 1;
	if (!timer_armed(&checkd->refresh))
		timer_at(&checkd->refresh, clock_now() + REFRESH);
}

/* ---- generations --------------------------------------------------------------------------------
 */

static void prepared_drop(void *ctx)
{
	struct checkd *checkd = ctx;

	roster_free(checkd->prepared);
	checkd->prepared = NULL;
	free(checkd->prepared_ended);
	checkd->prepared_ended = NULL;
}

static void say_line(struct checkd *checkd, const char *what, const struct model *model,
		     uint32_t probe)
{
	char line[128];
	struct text text = text_of(line, sizeof(line));

	add_probe(&text, model, probe);
	worker_line(checkd->worker, "check: %s %s", what, line);
}

/* The plan: a line for each probe that begins or ends, none for those that stay. */
static void say_plan(struct checkd *checkd, const struct model *model, const struct merge *merge)
{
	const struct model *old = engine_model(checkd->engine);

	for (uint32_t i = 0; i < model->probe_count; i++)
		if (merge->from[i] == MERGE_NONE)
			say_line(checkd, "begin", model, i);
	for (uint32_t i = 0; old && i < old->probe_count; i++)
		if (merge->to[i] == MERGE_NONE)
			say_line(checkd, "end", old, i);
}

/* What vrrp says of the old generation's instances after this, it says again of the new one's. */
static int prepare_roles(struct checkd *checkd, struct arena *arena, const struct model *model)
{
	auto_arena *scratch = arena_new(0);
	const struct model *old = engine_model(checkd->engine);
	int error = scratch ? roles_init(&checkd->prepared_roles, arena, model) : -ENOMEM;

	if (error || !old)
		return error;
	return roles_carry(scratch, &checkd->prepared_roles, model, &checkd->roles, old);
}

static int prepare(void *ctx, const void *slice, size_t size, uint32_t generation)
{
	struct checkd *checkd = ctx;
	auto_arena *arena = arena_new(0);
	struct model *model;
	int err;

	(void)generation;
	if (!arena)
		return -ENOMEM;
	err = slice_decode(slice, size, arena, &model);
	if (err) {
		worker_line(checkd->worker, "the check worker cannot read its configuration: %s",
			    strerror(-err));
		return err;
	}
	checkd->prepared_ended = calloc(model->probe_count + 1, 1);
	checkd->prepared_ways = arena_array(arena, model->way_count, sizeof(*checkd->ways));
	if (checkd->prepared_ended && checkd->prepared_ways && !prepare_roles(checkd, arena, model))
		checkd->prepared = engine_prepare(checkd->engine, arena, model);
	if (!checkd->prepared) {
		worker_line(checkd->worker, "the check worker has no memory for %zu probes",
			    model->probe_count);
		prepared_drop(checkd);
		return -ENOMEM;
	}
	(void)take(arena); /* the roster's now */
	say_plan(checkd, model, roster_merge(checkd->prepared));
	return 0;
}

/* Raw sockets that no probe needs are a right too many. */
static void tidy_echoes(struct checkd *checkd)
{
	const struct model *model = engine_model(checkd->engine);

	if (!model || !model_pings(model, AF_INET))
		echoes_close(checkd->echoes, AF_INET);
	if (!model || !model_pings(model, AF_INET6))
		echoes_close(checkd->echoes, AF_INET6);
}

static void aborted(void *ctx)
{
	prepared_drop(ctx);
	tidy_echoes(ctx);
}

/* While nothing is known of its instances, or of its way, a probe goes on as it does. */
static void hold_probes(void *ctx)
{
	struct checkd *checkd = ctx;
	const struct model *model = engine_model(checkd->engine);

	for (uint32_t i = 0; i < model->probe_count; i++) {
		const struct probe *probe = &model->probes[i];
		enum mastership mastership = roles_mastership(&checkd->roles, probe->instances,
							      probe->instance_count);
		enum way_state way = model_way(model, probe) ? checkd->ways[probe->way - 1]
							     : WAY_PLACED;

		if (!probe->instance_count)
			mastership = MASTERSHIP_YES;
		if (mastership == MASTERSHIP_NO || way == WAY_MISSING)
			engine_hold(checkd->engine, i, true);
		else if (mastership == MASTERSHIP_YES && way == WAY_PLACED)
			engine_hold(checkd->engine, i, false);
	}
}

static void take_way(struct checkd *checkd, const struct fact_way *fact)
{
	const struct model *model = engine_model(checkd->engine);

	if (fact->way >= model->way_count)
		return;
	checkd->ways[fact->way] = fact->placed ? WAY_PLACED : WAY_MISSING;
	if (!timer_armed(&checkd->holds))
		timer_at(&checkd->holds, clock_now());
}

static void fact_received(void *ctx, int peer, uint16_t type, struct reader *in)
{
	struct checkd *checkd = ctx;
	struct fact_role role;
	struct fact_look look;
	struct fact_way way;

	if (!engine_model(checkd->engine))
		return;
	if (peer == ROLE_VRRP && type == FACT_ROLE && fact_role_get(in, &role) &&
	    roles_take(&checkd->roles, &role))
		hold_probes(checkd);
	else if (peer == ROLE_IPVS && type == FACT_WAY && fact_way_get(in, &way))
		take_way(checkd, &way);
	else if (peer == ROLE_CONTROL && type == FACT_LOOK && fact_look_get(in, &look))
		looks_take(checkd->looks, &look);
}

/* Of the first generation. */
static void take_inheritance(struct checkd *checkd)
{
	struct reader in;

	if (!worker_kept(checkd->worker, &in))
		return;
	log_info("goes on with what its predecessor knew of %zu probes",
		 roster_inherit(checkd->prepared, &in, clock_now()));
	worker_kept_end(checkd->worker);
}

static void commit(void *ctx)
{
	struct checkd *checkd = ctx;
	const struct model *model;

	worker_committed(checkd->worker); /* nothing can fail any more: ipvs need not wait */
	take_inheritance(checkd);
	looks_forget(checkd->looks);
	engine_commit(checkd->engine, take(checkd->prepared));
	model = engine_model(checkd->engine);
	free(checkd->ended);
	checkd->ended = take(checkd->prepared_ended);
	checkd->roles = checkd->prepared_roles;
	checkd->ways = take(checkd->prepared_ways);
	hold_probes(checkd);
	tidy_echoes(checkd);
	checkd->count = (uint32_t)model->probe_count;
	log_configure((enum log_level)model->global.log.level,
		      model->global.log.format == LOG_FORMAT_JSON, (enum log_target)model->global.log.target);
	checkd->lacks_right = !rights_settle(&checkd->rights, model->way_count > 0);
	scripts_committed(checkd->scripts);
}

/* Nobody loses a verdict by that: all keep what they know of a check worker that goes, until the next
 * one knows better. */
static void applied(void *ctx)
{
	struct checkd *checkd = ctx;

	if (!checkd->lacks_right)
		return;
	log_info("checks with via: vip need a right that this process has given up");
	worker_again(checkd->worker);
}

static void stop(struct checkd *checkd)
{
	looks_forget(checkd->looks);
	engine_stop(checkd->engine);
	timer_cancel(&checkd->refresh);
	timer_cancel(&checkd->holds);
}

static void release(void *ctx)
{
	struct checkd *checkd = ctx;
	struct engine_work work = engine_work(checkd->engine);
	char hurried[DURATION_TEXT], late[DURATION_TEXT];

	stop(checkd);
	log_info("released after %llu probes; the latest started %s after its time in a hurry, %s otherwise",
		 (unsigned long long)work.probes, duration_about(work.hurried_late, hurried),
		 duration_about(work.late, late));
	worker_released(checkd->worker);
}

/* ---- successors -------------------------------------------------------------------------------
 */

/* Probes under way count for nothing: the successor makes them again. */
static void leave(void *ctx, UNUSED nstime deadline)
{
	struct checkd *checkd = ctx;
	const struct roster *roster = engine_roster(checkd->engine);
	size_t size = 0;
	void *carry = NULL;

	stop(checkd);
	if (roster)
		carry = roster_carry(roster, &size);
	worker_left(checkd->worker, carry, carry ? size : 0);
	free(carry);
}

static void inherit(void *ctx, struct reader *in)
{
	struct checkd *checkd = ctx;

	worker_keep(checkd->worker, in);
}

/* ---- scripts ------------------------------------------------------------------------------------
 */

static void script_order(void *ctx, const struct run_order *order, int output)
{
	struct checkd *checkd = ctx;
	uint8_t bytes[16];
	struct writer out = writer_of(bytes, sizeof(bytes));

	run_order_put(&out, order);
	worker_tell(checkd->worker, RECORD_RUN, bytes, writer_used(&out), output);
}

static void script_cancel(void *ctx, uint32_t run)
{
	struct checkd *checkd = ctx;
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, run);
	worker_tell(checkd->worker, RECORD_RUN_CANCEL, bytes, writer_used(&out), -1);
}

static uint32_t script_generation(void *ctx)
{
	const struct checkd *checkd = ctx;

	return worker_generation(checkd->worker);
}

static const struct scripts_ops scripts_ops = {
	.order = script_order,
	.cancel = script_cancel,
	.generation = script_generation,
};

static void echo_socket(struct checkd *checkd, struct reader *in, int fd)
{
	uint8_t family = get_u8(in);
	int error = (int)get_u32(in);

	if (reader_done(in) && (family == AF_INET || family == AF_INET6))
		echoes_take(checkd->echoes, family, fd, error);
	else if (fd >= 0)
		close(fd);
}

static void command(void *ctx, uint16_t type, struct reader *in, int fd)
{
	struct checkd *checkd = ctx;

	if (type == RECORD_ECHO) {
		echo_socket(checkd, in, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (type == RECORD_RAN)
		scripts_answered(checkd->scripts, in);
}

static const struct worker_ops ops = {
	.prepare = prepare,
	.commit = commit,
	.abort = aborted,
	.applied = applied,
	.release = release,
	.leave = leave,
	.inherit = inherit,
	.fact_count = fact_count,
	.fact = fact,
	.fact_received = fact_received,
	.command = command,
};

/* ---- life ---------------------------------------------------------------------------------------
 */

static int checkd_init(struct checkd *checkd)
{
	struct loop *loop;

	checkd->changes = (struct log_bucket){.every = NSTIME_S, .burst = 100};
	checkd->troubles = (struct log_bucket){.every = 10 * NSTIME_S, .burst = 3};
	checkd->worker = worker_new(ROLE_CHECK, "lbha-checkd", &ops, checkd);
	if (!checkd->worker)
		return -EINVAL;
	loop = worker_loop(checkd->worker);
	checkd->engine = engine_new(loop, engine_bound(), probe_ended, checkd);
	checkd->scripts = checkd->engine ? scripts_new(&scripts_ops, checkd) : NULL;
	if (checkd->scripts)
		engine_client(checkd->engine, CHECK_SCRIPT, checkd->scripts);
	checkd->echoes = checkd->engine ? echoes_new(loop) : NULL;
	if (checkd->echoes)
		engine_client(checkd->engine, CHECK_ICMP, checkd->echoes);
	checkd->looks = checkd->engine ? looks_new(checkd->engine, look_told, checkd) : NULL;
	if (!checkd->scripts || !checkd->echoes || !checkd->looks ||
	    timer_init(loop, &checkd->refresh, LOOP_NORMAL, refresh, checkd) ||
	    timer_init(loop, &checkd->holds, LOOP_NORMAL, hold_probes, checkd)) {
		log_error("no memory to start");
		return -ENOMEM;
	}
	return 0;
}

static void checkd_fini(struct checkd *checkd)
{
	prepared_drop(checkd);
	looks_free(checkd->looks);
	engine_free(checkd->engine);
	timer_fini(&checkd->refresh);
	timer_fini(&checkd->holds);
	worker_free(checkd->worker);
	free(checkd->ended);
}

int main(void)
{
	struct checkd checkd = {0};
	int status = EXIT_FAILURE;

	tls_memory_watch(realloc);
	if (!checkd_init(&checkd)) {
		sandbox_begin(SANDBOX_CHECK);
		status = worker_run(checkd.worker);
	}
	checkd_fini(&checkd);
	return status;
}
