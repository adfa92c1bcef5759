/* Life: from the first load to READY, signals, commands, the stop in good order. See supervisor_state.h for the other
 * half. A stop gives the addresses up first (vrrp, make before break) and only then what they lead to. */
#include "daemon/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/users.h"
#include "core/buildid.h"
#include "core/log.h"
#include "daemon/baton.h"
#include "daemon/reexec.h"
#include "daemon/runner.h"
#include "daemon/supervisor_state.h"
#include "daemon/takeaway.h"

#define REALTIME 10                       /* one below vrrp */
#define PATIENCE_RELEASE (120 * NSTIME_S) /* two holds of at most 40.95 s */
#define PATIENCE_END (10 * NSTIME_S)

/* ---- facts for control ----------------------------------------------------------------------------------- */

static uint32_t fact_count(void *ctx)
{
	const struct supervisor *s = ctx;

	return SUPERVISOR_FACT_OVERRIDE + (uint32_t)s->overrides.count;
}

static bool override_fact(const struct supervisor *s, uint32_t number, uint16_t *type, struct writer *out)
{
	if (number >= s->overrides.count)
		return false;
	*type = FACT_OVERRIDE;
	fact_override_put(out, &(struct fact_override){.number = number, .override = s->overrides.rows[number]});
	return true;
}

static struct fact_worker slot_fact_of(const struct slot *slot)
{
	struct fact_worker out = {.role = (uint8_t)slot->role,
				  .pid = slot->pid,
				  .restarts = slot->restarts,
				  .state = slot->state,
				  .deaths = slot->deaths,
				  .wait = slot->wait,
				  .due = slot->wait ? slot->due : 0};

	snprintf(out.reason, sizeof(out.reason), "%s", slot->how);
	return out;
}

static bool fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	struct supervisor *s = ctx;
	struct fact_worker worker;
	const struct slot *slot;

	if (index == SUPERVISOR_FACT_EXPORTER && s->exporter.told) {
		*type = FACT_WORKER;
		fact_worker_put(out, &s->exporter.fact);
		return true;
	}
	if (index == SUPERVISOR_FACT_DAEMON) {
		*type = FACT_DAEMON;
		fact_daemon_put(out, &s->facts);
		return true;
	}
	if (index == SUPERVISOR_FACT_NOTIFY) {
		*type = FACT_NOTIFY;
		supervisor_notify_fact(s, out);
		return true;
	}
	if (index >= SUPERVISOR_FACT_OVERRIDE)
		return override_fact(s, index - SUPERVISOR_FACT_OVERRIDE, type, out);
	if (index >= ROLE_COUNT || !(WORKERS_ALL & 1u << index))
		return false;
	slot = &s->workers.slots[index];
	*type = FACT_WORKER;
	worker = slot_fact_of(slot);
	fact_worker_put(out, &worker);
	return true;
}

void supervisor_facts_changed(struct supervisor *s)
{
	workers_facts_dirty(&s->workers, SUPERVISOR_FACT_DAEMON);
}

/* ---- answers to control ------------------------------------------------------------------------------------- */

static void reply(struct supervisor *s, uint16_t type, const struct writer *out)
{
	slot_send_bytes(&s->workers.slots[ROLE_CONTROL], type, out->start, writer_used(out));
}

void supervisor_reply_line(struct supervisor *s, uint32_t request, const char *line)
{
	uint8_t bytes[4096];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, request);
	put_text(&out, line);
	reply(s, RECORD_REPLY_LINE, &out);
}

void supervisor_reply_object(struct supervisor *s, uint32_t request, const char *object, bool done, const char *what)
{
	uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, request);
	put_text(&out, object);
	put_bool(&out, done);
	put_text(&out, what);
	reply(s, RECORD_REPLY_OBJECT, &out);
}

void supervisor_reply_end(struct supervisor *s, uint32_t request, bool done)
{
	uint8_t bytes[8];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, request);
	put_bool(&out, done);
	reply(s, RECORD_REPLY, &out);
}

/* ---- the start --------------------------------------------------------------------------------------------- */

static bool user_find(const char *key, const char *name, struct identity *out)
{
	const struct passwd *user = getpwnam(name);

	if (!user) {
		log_error("there is no user %s (global.users.%s): make it with systemd-sysusers, or with "
			  "useradd --system --no-create-home --shell /usr/sbin/nologin %s",
			  name, key, name);
		return false;
	}
	*out = (struct identity){user->pw_uid, user->pw_gid};
	return true;
}

/* Two names may be one user, or root's: the file's names are judged by the compiler, numbers here. */
static bool users_find(struct supervisor *s)
{
	struct identity *found = s->workers.users;
	struct worker_user list[WORKER_USERS];
	bool all = true;

	users_list(&s->now.model->global.users, list);
	for (int i = 0; i < WORKER_USERS; i++)
		all = user_find(list[i].key, list[i].name, &found[list[i].role]) && all;
	for (int i = 0; all && i < WORKER_USERS; i++) {
		if (found[list[i].role].uid == 0) {
			log_error("global.users: %s is root by its number: the %s worker cannot be root",
				  list[i].name, list[i].key);
			return false;
		}
		for (int j = 0; j < i; j++) {
			if (found[list[i].role].uid != found[list[j].role].uid)
				continue;
			log_error("global.users: %s and %s have the same number, and need to be two users",
				  list[j].name, list[i].name);
			return false;
		}
	}
	return all;
}

bool supervisor_users(struct supervisor *s)
{
	if (!users_find(s))
		return false;
	s->users_known = true;
	return true;
}

bool supervisor_begin(struct supervisor *s)
{
	struct workers *workers = &s->workers;

	if (!supervisor_users(s) || (s->rundir.control < 0 && rundir_listen(&s->rundir)))
		return false;
	supervisor_access_enter(s);
	workers->owned = s->rundir.owned;
	workers->control = s->rundir.control;
	log_info("lbhad %s is %s, generation %u of %s", build_version, s->now.model->node ? s->now.model->node : "alone",
		 s->now.number, s->options->file);
	workers_start(workers);
	return true;
}

/* Whoever started us has seen what there was to see, and may wait for our end of the pipe. What would go to standard
 * error goes to syslog from now on; a journal that global.log.target names has been there before. */
static void leave_terminal(const struct supervisor *s)
{
	const struct log_global *log = &s->now.model->global.log;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setenv("LBHA_LOG_TARGET", "syslog", 1);
	log_configure(log->level, log->format == LOG_FORMAT_JSON, log->target);
	if (null >= 0) {
		dup2(null, STDERR_FILENO);
		close(null);
	}
}

void supervisor_ready(struct supervisor *s)
{
	s->facts.ready = true;
	supervisor_heritage_end(s);
	supervisor_facts_changed(s);
	log_info("ready");
	manager_ready(s->options->ready_fd >= 0);
	supervisor_status(s, "running");
	if (s->options->to_syslog)
		leave_terminal(s);
	if (s->options->ready_fd >= 0 && write(s->options->ready_fd, "", 1) < 0)
		log_warning("whoever waited for the start is gone");
}

/* ---- the stop ------------------------------------------------------------------------------------------------ */

static bool all_ended(const struct supervisor *s)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (s->workers.slots[role].pid > 0)
			return false;
	return true;
}

static void slot_finish(struct supervisor *s, struct slot *slot)
{
	if (!s->detach.withdraws)
		slot_release(slot, PATIENCE_END);
	else if (slot->role == ROLE_IPVS)
		slot_clear(slot, PATIENCE_END);
}

/* The addresses are gone: now what they led to. */
void supervisor_stop_rest(struct supervisor *s)
{
	static const enum role rest[] = {ROLE_IPVS, ROLE_CHECK, ROLE_CONTROL};

	if (!s->ending) {
		s->ending = true;
		for (size_t i = 0; i < COUNT_OF(rest); i++)
			slot_finish(s, &s->workers.slots[rest[i]]);
	}
	if (all_ended(s))
		supervisor_notify_last(s);
}

void supervisor_stop(struct supervisor *s, int status)
{
	struct slot *vrrp = &s->workers.slots[ROLE_VRRP];

	if (status > s->status)
		s->status = status;
	if (s->stopping)
		return;
	s->stopping = true;
	manager_stopping(&s->manager);
	supervisor_detach_cancel(s);
	if (!status)
		supervisor_heritage_end(s); /* else the next one may have more luck with it */
	supervisor_jobs_stop(s);
	runner_model(s->runner, NULL);
	runner_forget(s->runner);
	slot_release(vrrp, PATIENCE_RELEASE);
	if (vrrp->pid <= 0)
		supervisor_stop_rest(s);
}

/* ---- what workers say ------------------------------------------------------------------------------------------- */

static void on_ready(void *ctx, struct slot *slot)
{
	supervisor_overrides_tell(ctx, slot);
	supervisor_bring(ctx);
}

static void on_prepared(void *ctx, struct slot *slot, uint32_t generation, bool accepted)
{
	supervisor_prepared(ctx, slot, generation, accepted);
}

static void on_committed(void *ctx, struct slot *slot, uint32_t generation)
{
	supervisor_committed(ctx, slot, generation);
}

static void on_line(void *ctx, struct slot *slot, const char *text)
{
	supervisor_line(ctx, slot, text);
}

static void on_died(void *ctx, struct slot *slot)
{
	struct supervisor *s = ctx;

	if (slot->role == ROLE_CHECK)
		runner_forget(s->runner);
	supervisor_lost(s, slot);
	if (s->detach.leaving)
		supervisor_left(s);
	else if (s->stopping && slot->pid <= 0 && (slot->role == ROLE_VRRP || s->ending))
		supervisor_stop_rest(s);
}

static void on_changed(void *ctx, struct slot *slot)
{
	struct supervisor *s = ctx;

	(void)slot;
	supervisor_status_worker(s);
	supervisor_next(s);
}

static bool request_get(struct reader *in, struct request *out)
{
	char object[OVERRIDE_OBJECT];

	out->number = get_u32(in);
	out->kind = get_u8(in);
	out->uid = get_u32(in);
	get_text(in, out->path, sizeof(out->path));
	get_text(in, out->value, sizeof(out->value));
	text_clean(get_text(in, out->comment, sizeof(out->comment)));
	out->timeout = get_time(in);
	out->count = get_u16(in);
	out->objects = *in;
	for (unsigned i = 0; i < out->count && !in->failed; i++)
		get_text(in, object, sizeof(object));
	return reader_done(in) && out->timeout >= 0;
}

static void request_job(struct supervisor *s, const struct request *request)
{
	struct job job = {.kind = request->kind, .from_control = true, .request = request->number};

	memcpy(job.path, request->path, sizeof(job.path));
	supervisor_ask(s, &job);
}

static void on_request(void *ctx, struct slot *slot, struct reader *in)
{
	struct supervisor *s = ctx;
	struct request request;

	if (!request_get(in, &request)) {
		slot_kill(slot, "sent a malformed request");
		return;
	}
	switch (request.kind) {
	case REQUEST_STOP:
		log_info("stop: asked for by lbhactl");
		supervisor_stop(s, 0);
		return;
	case REQUEST_RELOAD:
	case REQUEST_PLAN:
	case REQUEST_UPGRADE:
		request_job(s, &request);
		return;
	case REQUEST_RELEASE:
	case REQUEST_CLAIM:
		supervisor_order_request(s, &request);
		return;
	case REQUEST_PRIORITY:
	case REQUEST_MAINTENANCE:
		supervisor_override(s, &request);
		return;
	}
	slot_kill(slot, "sent an unknown request");
}

static void on_say(void *ctx, struct slot *slot, uint16_t type, struct reader *in)
{
	if (!supervisor_say(ctx, type, in))
		slot_kill(slot, "sent malformed overrides");
}

static void on_notify(void *ctx, struct slot *slot, struct reader *in)
{
	if (!supervisor_notify(ctx, in))
		slot_kill(slot, "sent a malformed notice");
}

static void on_script(void *ctx, struct slot *slot, uint16_t type, struct reader *in, int fd)
{
	supervisor_script(ctx, slot, type, in, fd);
}

static void on_order(void *ctx, struct slot *slot, uint16_t type, struct reader *in)
{
	(void)slot;
	supervisor_order_record(ctx, type, in);
}

static const struct workers_ops workers_ops = {.ready = on_ready,
					       .prepared = on_prepared,
					       .committed = on_committed,
					       .line = on_line,
					       .request = on_request,
					       .script = on_script,
					       .say = on_say,
					       .notify = on_notify,
					       .order = on_order,
					       .died = on_died,
					       .changed = on_changed,
					       .fact = fact,
					       .fact_count = fact_count};

/* ---- signals --------------------------------------------------------------------------------------------------------- */

static void log_snapshot(const struct supervisor *s)
{
	log_info("generation %u, %s", s->now.number, s->facts.ready ? "ready" : "not ready");
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		log_info("%s: %s, pid %d, %u restarts", role_name(role),
			 worker_state_name(s->workers.slots[role].state), (int)s->workers.slots[role].pid,
			 s->workers.slots[role].restarts);
}

static void on_signal(void *ctx, int number)
{
	struct supervisor *s = ctx;
	struct job job = {.kind = REQUEST_RELOAD}, upgrade = {.kind = REQUEST_UPGRADE};

	switch (number) {
	case SIGHUP:
		supervisor_ask(s, &job);
		break;
	case SIGUSR1:
		log_snapshot(s);
		break;
	case SIGUSR2:
		supervisor_ask(s, &upgrade);
		break;
	case SIGQUIT:
		if (!supervisor_takeover_signal(s, number))
			supervisor_detach(s);
		break;
	default: /* INT, TERM */
		if (supervisor_takeover_signal(s, number))
			break;
		if (!s->stopping)
			log_info("stop: signal %d", number);
		supervisor_stop(s, 0);
	}
}

static int signals_init(struct supervisor *s)
{
	static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2};
	int err = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; !err && i < COUNT_OF(numbers); i++)
		err = signal_init(s->loop, &s->signals[i], numbers[i], on_signal, s);
	return err;
}

static void realtime(void)
{
	const struct sched_param param = {.sched_priority = REALTIME};

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param))
		log_warning("SCHED_RR is refused (%m): timers may be late when the machine is busy");
}

/* For us and all workers: an interface takes sockets, a probe takes one, and a shell's soft limit knows nothing of it. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warning("the limit of descriptors cannot be raised: %m");
}

static int supervisor_init(struct supervisor *s, const struct supervisor_options *options)
{
	int err;

	s->options = options;
	s->loop = loop_new();
	if (!s->loop)
		return -ENOMEM;
	s->facts.started = clock_now();
	snprintf(s->doing, sizeof(s->doing), "starting");
	snprintf(s->facts.build, sizeof(s->facts.build), "%s", build_id);
	s->workers.loop = s->loop;
	s->workers.ops = &workers_ops;
	s->workers.ctx = s;
	s->workers.take_away = takeaway;
	s->workers.lbhad = options->lbhad;
	s->workers.checkd = options->checkd;
	s->workers.silent = s->takeover.baton ? s->takeover.baton->silent : options->to_syslog;
	s->workers.owned = s->workers.control = -1;
	err = workers_init(&s->workers);
	if (!err)
		err = supervisor_overrides_init(s);
	if (!err)
		err = supervisor_orders_init(s);
	if (!err)
		err = supervisor_jobs_init(s);
	if (!err)
		err = supervisor_scripts_init(s);
	if (!err)
		err = supervisor_notify_init(s);
	if (!err)
		err = supervisor_exporter_init(s);
	if (!err)
		err = supervisor_upgrade_init(s);
	if (!err)
		err = signals_init(s);
	if (!err)
		err = manager_init(&s->manager, s->loop);
	return err;
}

static void supervisor_fini(struct supervisor *s)
{
	supervisor_detach_cancel(s);
	for (int role = 0; role < ROLE_COUNT; role++)
		supervisor_heritage_taken(s, (enum role)role);
	supervisor_takeover_fini(s);
	supervisor_exporter_fini(s);
	workers_fini(&s->workers);
	supervisor_upgrade_fini(s);
	runner_free(s->runner);
	supervisor_notify_fini(s);
	supervisor_jobs_fini(s);
	supervisor_orders_fini(s);
	supervisor_overrides_fini(s);
	manager_fini(&s->manager);
	for (size_t i = 0; i < SUPERVISOR_SIGNALS; i++)
		signal_fini(&s->signals[i]);
	loop_free(s->loop);
}

/* A program that was executed in place of another (reexec.h) finds all open; else the folders are made and locked. */
static int folders_take(struct supervisor *s)
{
	const struct supervisor_options *options = s->options;
	int err;

	if (options->resume < 0) {
		signal(SIGHUP, SIG_IGN); /* until it means something: the file is about to be read anyway */
		return rundir_open(&s->rundir, options->run_dir, options->state_dir);
	}
	err = baton_read(options->resume, &s->takeover.baton);
	close(options->resume);
	if (err) {
		log_error("what the daemon handed over is not understood: %s", strerror(-err));
		return err;
	}
	baton_keep(s->takeover.baton, false);
	s->rundir = (struct rundir){.run = options->run_dir,
				    .state = options->state_dir,
				    .dir = s->takeover.baton->run_dir,
				    .state_dir = s->takeover.baton->state_dir,
				    .lock = s->takeover.baton->lock,
				    .owned = s->takeover.baton->owned,
				    .control = s->takeover.baton->control,
				    .services = s->takeover.baton->services};
	return 0;
}

/* Begins a life: from nothing, in the place of another build, or again after that could not take our place. */
static int supervisor_begin_with(struct supervisor *s)
{
	struct job first = {.kind = REQUEST_RELOAD};
	int err;

	realtime();
	if (s->takeover.baton && s->takeover.baton->refused)
		return supervisor_resume(s);
	if (s->takeover.baton) {
		err = supervisor_takeover(s);
		first.kind = REQUEST_UPGRADE;
		if (err)
			return err;
	} else {
		supervisor_heritage_find(s);
	}
	supervisor_ask(s, &first);
	return s->load ? 0 : -ENOMEM;
}

static int supervisor_live(struct supervisor *s)
{
	int err = supervisor_init(s, s->options);

	if (s->options->resume >= 0)
		reexec_done();
	if (!err)
		err = supervisor_begin_with(s);
	if (err && s->takeover.baton && !s->takeover.baton->refused)
		supervisor_give_back(s, strerror(-err));
	if (err) {
		log_error("cannot start: %s", strerror(-err));
		return 1;
	}
	err = loop_run(s->loop);
	log_info("lbhad has stopped");
	return err ? 1 : s->status;
}

int supervisor_run(const struct supervisor_options *options)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	int status = 1;

	if (!s)
		return 1;
	s->options = options;
	s->upgrade.executable = -1;
	memset(s->heritage, -1, sizeof(s->heritage));
	umask(022); /* groups get into the run folder; what they may not read says so itself */
	descriptors_raise();
	if (!folders_take(s))
		status = supervisor_live(s);
	supervisor_fini(s);
	rundir_close(&s->rundir);
	free(s);
	return status;
}
