/* Configurations: jobs wait in a queue; one at a time is compiled (load.h) and taken through the phases (reload.h).
 * The first one, at the start, has no workers to go through: it is in force when it compiles, and each worker is brought
 * to it on its own, as is every worker that comes back from a crash. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/codec.h"
#include "core/buildid.h"
#include "core/log.h"
#include "core/sdnotify.h"
#include "daemon/load.h"
#include "daemon/runner.h"
#include "daemon/supervisor_state.h"

#define NOBODY 65534
#define PATIENCE (60 * NSTIME_S)
#define LINES_LOGGED 20 /* of what was said about one job; whoever asked for it gets all that were kept */

static void first_reached(struct supervisor *s);

/* ---- generations ------------------------------------------------------------------------------------------- */

static void generation_clear(struct generation *generation)
{
	for (int i = 0; i < ROLE_COUNT; i++)
		if (generation->number && generation->slices[i] >= 0)
			close(generation->slices[i]);
	arena_free(generation->arena);
	*generation = (struct generation){0};
}

static int slice_read(int fd, struct arena *arena, struct model **out)
{
	struct stat about;
	void *bytes;
	int err;

	if (fstat(fd, &about) || about.st_size <= 0)
		return -EBADMSG;
	bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	err = slice_decode(bytes, (size_t)about.st_size, arena, out);
	munmap(bytes, (size_t)about.st_size);
	return err;
}

/* Takes the slices over and decodes the supervisor's own. On failure they are closed. -errno. */
static int generation_take(struct generation *generation, uint32_t number, const int slices[ROLE_COUNT])
{
	int err = -ENOMEM;

	*generation = (struct generation){.number = number, .arena = arena_new(0)};
	memcpy(generation->slices, slices, sizeof(generation->slices));
	if (generation->arena)
		err = slice_read(slices[ROLE_SUPERVISOR], generation->arena, &generation->model);
	if (!err)
		err = notify_search_init(&generation->scripts, generation->arena, generation->model);
	if (err)
		generation_clear(generation);
	return err;
}

/* The next generation is the truth from here on. */
static void generation_enter(struct supervisor *s)
{
	const struct log_global *log;

	generation_clear(&s->now);
	s->now = s->next;
	s->next = (struct generation){0};
	s->facts.generation = s->now.number;
	runner_model(s->runner, s->now.model);
	supervisor_notify_enter(s);
	workers_retry(&s->workers);
	log = &s->now.model->global.log;
	log_configure(log->level, log->format == LOG_FORMAT_JSON, log->target);
	if (s->users_known)
		supervisor_access_enter(s);
	supervisor_facts_changed(s);
}

/* ---- what is said about the job under way -------------------------------------------------------------------- */

static void lines_clear(struct supervisor *s)
{
	s->line_count = 0;
	s->lines = text_of(s->lines_buffer, sizeof(s->lines_buffer));
}

/* A line that has no room any more is counted all the same. */
static void line_keep(struct supervisor *s, const char *line)
{
	s->line_count++;
	if (s->lines.length + strlen(line) + 1 < sizeof(s->lines_buffer))
		text_add(&s->lines, "%s\n", line);
}

/* The operations of a plan are its answer, told as they come; all else is kept in case that the job fails. */
static void job_line(struct supervisor *s, const char *line, bool operation)
{
	struct job *job = s->job_running ? job_first(&s->jobs) : NULL;

	if (operation && job && job->from_control && job->kind == REQUEST_PLAN)
		supervisor_reply_line(s, job->request, line);
	else
		line_keep(s, line);
}

static void lines_tell(struct supervisor *s, const struct job *job, enum log_level level)
{
	char *rest = NULL;
	unsigned told = 0;

	for (char *at = strtok_r(s->lines.start, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest)) {
		if (told++ < LINES_LOGGED)
			log_at(level, "%s", at);
		if (job && job->from_control)
			supervisor_reply_line(s, job->request, at);
	}
	if (s->line_count > LINES_LOGGED)
		log_at(level, "… and %u more; lbhad --check shows them", s->line_count - LINES_LOGGED);
	lines_clear(s);
}

static void reload_ended(struct supervisor *s, bool done)
{
	s->facts.reload_time = clock_now();
	s->facts.reload_failed = !done;
	snprintf(s->facts.reload_error, sizeof(s->facts.reload_error), "%.*s",
		 done ? 0 : (int)strcspn(s->lines.start, "\n"), s->lines.start);
	if (done)
		log_info("reload: generation %u is in force", s->now.number);
	else
		log_warning("reload refused, generation %u stays in force:", s->now.number);
	if (s->facts.ready)
		sdnotify("READY=1"); /* the end of RELOADING=1 */
	if (done)
		supervisor_status(s, "generation %u is in force", s->now.number);
	else
		supervisor_status(s, "reload refused, generation %u stays in force: %s", s->now.number,
				  s->facts.reload_error);
	supervisor_facts_changed(s);
}

/* One that took place ends in the program that took over. */
static void upgrade_refused(struct supervisor *s)
{
	s->facts.upgrade_time = clock_now();
	s->facts.upgrade_failed = true;
	snprintf(s->facts.upgrade_text, sizeof(s->facts.upgrade_text), "%.*s",
		 (int)strcspn(s->lines.start, "\n"), s->lines.start);
	supervisor_facts_changed(s);
	log_warning("upgrade refused, build %s goes on:", build_id);
	sdnotify("READY=1"); /* the end of RELOADING=1 */
	supervisor_status(s, "upgrade refused, see the log");
}

static void job_end(struct supervisor *s, bool done)
{
	struct job job = *job_first(&s->jobs);

	timer_cancel(&s->deadline);
	if (job.kind == REQUEST_RELOAD)
		reload_ended(s, done);
	else if (job.kind == REQUEST_UPGRADE)
		upgrade_refused(s);
	if (!done)
		lines_tell(s, &job, job.kind == REQUEST_PLAN ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	if (job.from_control)
		supervisor_reply_end(s, job.request, done);
	generation_clear(&s->next);
	if (s->now.model && !s->now.model->has_services)
		rundir_leave_services(&s->rundir); /* those of a plan, of a refused reload, or of before */
	job_drop(&s->jobs);
	s->job_running = false;
	supervisor_bring(s);
	first_reached(s);
	supervisor_next(s);
}

static void job_fail(struct supervisor *s, const char *why)
{
	job_line(s, why, false);
	job_end(s, false);
}

void supervisor_job_line(struct supervisor *s, const char *line)
{
	job_line(s, line, false);
}

void supervisor_job_fail(struct supervisor *s, const char *why)
{
	job_fail(s, why);
}

/* ---- the phases ------------------------------------------------------------------------------------------------ */

static void members_send(struct supervisor *s, uint16_t type, uint32_t number, const int *slices)
{
	if (type == RECORD_PREPARE && s->reload.members & 1u << ROLE_CHECK)
		supervisor_echo(s, s->next.model);
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (s->reload.members & 1u << role)
			slot_send(&s->workers.slots[role], type, number, slices ? slices[role] : -1);
}

static void reload_do(struct supervisor *s, struct reload_step step)
{
	if (step.first)
		generation_enter(s);
	switch (step.next) {
	case RELOAD_WAIT:
		return;
	case RELOAD_PREPARE:
		members_send(s, RECORD_PREPARE, s->next.number, s->next.slices);
		timer_at(&s->deadline, clock_now() + PATIENCE);
		return;
	case RELOAD_COMMIT:
		slot_send(&s->workers.slots[step.role], RECORD_COMMIT, s->now.number, -1);
		timer_at(&s->deadline, clock_now() + PATIENCE);
		return;
	case RELOAD_APPLY:
		members_send(s, RECORD_FINISH, s->now.number, NULL);
		members_send(s, RECORD_APPLIED, s->now.number, NULL);
		job_end(s, true);
		return;
	case RELOAD_PLANNED:
		members_send(s, RECORD_ABORT, 0, NULL);
		job_end(s, true);
		return;
	case RELOAD_REFUSE:
		members_send(s, RECORD_ABORT, 0, NULL);
		job_end(s, false);
		return;
	}
}

/* A worker that does not answer is killed; its death moves the reload on. */
static void reload_late(void *ctx)
{
	struct supervisor *s = ctx;
	unsigned late = s->reload.phase == RELOAD_PREPARING ? s->reload.waiting : 1u << s->reload.committing;

	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (late & 1u << role)
			slot_kill(&s->workers.slots[role], "no answer during a reload");
}

/* Workers that are between two states of their own do not take part: they are brought afterwards. */
static unsigned reload_members(const struct supervisor *s)
{
	unsigned members = workers_live(&s->workers);

	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (s->workers.slots[role].generation != s->now.number || s->workers.slots[role].duty != SLOT_NONE)
			members &= ~(1u << role);
	return members;
}

static bool services_claimed(struct supervisor *s)
{
	if (!s->next.model->has_services || !rundir_claim_services(&s->rundir))
		return true;
	job_line(s, "another lbhad with services runs in this network namespace", false);
	return false;
}

static bool groups_known(struct supervisor *s)
{
	char why[256];

	if (supervisor_access_find(&s->next, why, sizeof(why)))
		return true;
	job_line(s, why, false);
	return false;
}

static bool all_reached(const struct supervisor *s)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (WORKERS_ALL & 1u << role && s->workers.slots[role].generation != s->now.number)
			return false;
	return true;
}

/* The start has ended when every worker was brought to the configuration. */
static void first_reached(struct supervisor *s)
{
	if (!s->now.number || s->facts.ready || s->stopping || !all_reached(s))
		return;
	supervisor_ready(s);
	supervisor_next(s);
}

int supervisor_generation_adopt(struct supervisor *s, uint32_t number, const int slices[ROLE_COUNT])
{
	int err = generation_take(&s->next, number, slices);
	char why[256];

	if (err)
		return err;
	if (!supervisor_access_find(&s->next, why, sizeof(why)))
		log_warning("%s", why);
	generation_enter(s);
	return 0;
}

/* Who runs already goes on. */
static void first_failed(struct supervisor *s, int status)
{
	if (s->takeover.baton) {
		supervisor_give_back(s, NULL);
		return;
	}
	lines_tell(s, NULL, LOG_LEVEL_ERROR);
	supervisor_stop(s, status);
}

static void first_loaded(struct supervisor *s)
{
	generation_enter(s);
	lines_tell(s, NULL, LOG_LEVEL_WARNING); /* warnings of the file */
	job_drop(&s->jobs);
	s->job_running = false;
	if (!supervisor_begin(s))
		first_failed(s, 1);
}

static void load_line(void *ctx, const char *text)
{
	job_line(ctx, text, false);
}

static uint32_t number_next(const struct supervisor *s)
{
	return (s->now.number ? s->now.number : s->first_number) + 1;
}

static void load_done(void *ctx, struct load_result *result)
{
	struct supervisor *s = ctx;
	bool first = !s->now.number, accepted = result->accepted;

	s->load = NULL;
	if (accepted && generation_take(&s->next, number_next(s), result->slices)) {
		job_line(s, "the compiled configuration cannot be read", false);
		accepted = false;
	}
	if (accepted && (!groups_known(s) || !services_claimed(s)))
		accepted = false;
	if (first && accepted) {
		first_loaded(s);
	} else if (first) {
		first_failed(s, result->unreadable ? 2 : 1);
	} else if (accepted) {
		bool plan = job_first(&s->jobs)->kind == REQUEST_PLAN;

		reload_do(s, reload_begin(&s->reload, reload_members(s), plan));
	} else {
		job_end(s, false);
	}
}

/* The compiler runs as the daemon's user; before a file has named one, as `lbha` if there is one, else as nobody. */
static void compiler_user(const struct supervisor *s, struct load_order *order)
{
	const struct passwd *user;

	order->uid = s->workers.users[ROLE_CONTROL].uid;
	order->gid = s->workers.users[ROLE_CONTROL].gid;
	if (s->users_known)
		return;
	user = getpwnam("lbha");
	order->uid = user ? user->pw_uid : NOBODY;
	order->gid = user ? user->pw_gid : NOBODY;
}

static int compile(struct supervisor *s, const char *path)
{
	static const struct load_ops ops = {.line = load_line, .done = load_done};
	struct load_order order = {.executable = s->options->lbhad,
				   .path = path,
				   .node = s->options->node,
				   .host = s->host,
				   .generation = number_next(s)};

	compiler_user(s, &order);
	return load_start(s->loop, &order, &ops, s, &s->load);
}

/* Before READY all that is asked waits: workers are on their way to the first configuration. But one that does not get
 * there may need another. */
static bool may_begin(const struct supervisor *s)
{
	bool stuck = false;

	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		stuck |= s->workers.slots[role].state == WORKER_BACKOFF && s->workers.slots[role].wait;
	if (s->takeover.baton && s->now.number)
		return false;
	return !s->stopping && !s->job_running && (!s->now.number || s->facts.ready || stuck);
}

void supervisor_next(struct supervisor *s)
{
	struct job *job = job_first(&s->jobs);

	if (!job || !may_begin(s))
		return;
	s->job_running = true;
	lines_clear(s);
	if (job->kind == REQUEST_UPGRADE && !s->takeover.baton) {
		supervisor_upgrade(s);
		return;
	}
	if (job->kind == REQUEST_RELOAD && s->now.number)
		log_info("reload of %s begins", s->options->file);
	if (job->kind == REQUEST_RELOAD && s->facts.ready)
		sdnotify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_now() / NSTIME_US));
	if (compile(s, job->path[0] ? job->path : s->options->file))
		job_fail(s, "the compiler cannot be started");
}

static void job_refuse(struct supervisor *s, const struct job *job, const char *why)
{
	if (!job->from_control)
		return;
	supervisor_reply_line(s, job->request, why);
	supervisor_reply_end(s, job->request, false);
}

void supervisor_ask(struct supervisor *s, const struct job *job)
{
	if (s->stopping)
		job_refuse(s, job, "lbhad is stopping");
	else if (!job_add(&s->jobs, job))
		job_refuse(s, job, "too many wait already");
	else
		supervisor_next(s);
}

/* ---- one worker on its own --------------------------------------------------------------------------------------- */

static void slot_bring(struct supervisor *s, struct slot *slot)
{
	if (!slot->hello || slot->duty != SLOT_NONE || slot->generation == s->now.number || slot->stopping)
		return;
	slot->duty = SLOT_PREPARING;
	slot_expect(slot, PATIENCE);
	if (slot->role == ROLE_CHECK)
		supervisor_echo(s, s->now.model);
	if (!slot->generation)
		slot_inherit(slot, s->heritage[slot->role]);
	slot_send(slot, RECORD_PREPARE, s->now.number, s->now.slices[slot->role]);
}

static bool is_member(const struct supervisor *s, const struct slot *slot)
{
	return s->reload.phase != RELOAD_IDLE && s->reload.members & 1u << slot->role;
}

void supervisor_bring(struct supervisor *s)
{
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		if (!is_member(s, &s->workers.slots[role]))
			slot_bring(s, &s->workers.slots[role]);
}

static void brought_refused(struct supervisor *s, struct slot *slot)
{
	slot->duty = SLOT_NONE;
	if (s->takeover.baton && !s->takeover.moving) {
		supervisor_give_back(s, NULL);
		return;
	}
	if (!s->job_running)
		lines_tell(s, NULL, LOG_LEVEL_ERROR);
	if (!s->facts.ready && s->now.number == 1) {
		log_error("the %s worker cannot run this configuration", role_name(slot->role));
		supervisor_stop(s, 1);
		return;
	}
	slot_kill(slot, "refuses the configuration in force");
}

void supervisor_prepared(struct supervisor *s, struct slot *slot, uint32_t number, bool accepted)
{
	if (is_member(s, slot)) {
		if (number == s->next.number)
			reload_do(s, reload_prepared(&s->reload, slot->role, accepted));
		return;
	}
	if (slot->duty != SLOT_PREPARING || slot->stopping)
		return;
	if (!accepted) {
		brought_refused(s, slot);
		return;
	}
	if (!s->job_running)
		lines_clear(s);
	if (number != s->now.number) { /* a reload has gone by meanwhile */
		slot->duty = SLOT_NONE;
		slot_bring(s, slot);
		return;
	}
	if (supervisor_heir_prepared(s, slot))
		return;
	slot->duty = SLOT_COMMITTING;
	slot_send(slot, RECORD_COMMIT, number, -1);
}

void supervisor_committed(struct supervisor *s, struct slot *slot, uint32_t number)
{
	bool member = is_member(s, slot);

	slot_reached(slot, number);
	supervisor_heritage_taken(s, slot->role);
	if (member) {
		reload_do(s, reload_committed(&s->reload, slot->role));
		return;
	}
	if (slot->duty != SLOT_COMMITTING)
		return;
	slot->duty = SLOT_NONE;
	slot_send(slot, RECORD_FINISH, number, -1);
	slot_send(slot, RECORD_APPLIED, number, -1);
	workers_link(&s->workers, slot);
	slot_bring(s, slot); /* when a reload has gone by meanwhile */
	supervisor_heir_committed(s, slot);
	first_reached(s);
}

void supervisor_line(struct supervisor *s, struct slot *slot, const char *text)
{
	log_debug("%s: %s", role_name(slot->role), text);
	if (is_member(s, slot) || !s->job_running)
		job_line(s, text, true);
}

/* The next control worker numbers its requests anew: it must not get answers to those of the dead one. */
static void askers_gone(struct supervisor *s)
{
	job_forget_askers(&s->jobs);
	supervisor_orders_forget_askers(s);
	s->said.request = 0;
	s->said.count = 0;
}

void supervisor_lost(struct supervisor *s, struct slot *slot)
{
	char line[64];

	if (is_member(s, slot) && s->reload.phase == RELOAD_PREPARING) {
		snprintf(line, sizeof(line), "the %s worker died", role_name(slot->role));
		job_line(s, line, false);
	}
	if (slot->role == ROLE_CONTROL)
		askers_gone(s);
	if (slot->role == ROLE_VRRP)
		supervisor_orders_drop(s, "the vrrp worker has died; it is started again");
	supervisor_heir_lost(s, slot);
	reload_do(s, reload_died(&s->reload, slot->role));
}

void supervisor_jobs_stop(struct supervisor *s)
{
	load_cancel(s->load);
	s->load = NULL;
	supervisor_upgrade_cancel(s);
	timer_cancel(&s->deadline);
	if (s->reload.phase != RELOAD_IDLE)
		members_send(s, RECORD_ABORT, 0, NULL);
	s->reload.phase = RELOAD_IDLE;
	s->job_running = false;
	for (; job_first(&s->jobs); job_drop(&s->jobs))
		job_refuse(s, job_first(&s->jobs), "lbhad is stopping");
	supervisor_orders_drop(s, "lbhad is stopping");
}

int supervisor_jobs_init(struct supervisor *s)
{
	lines_clear(s);
	if (gethostname(s->host, sizeof(s->host) - 1))
		s->host[0] = '\0';
	return timer_init(s->loop, &s->deadline, LOOP_NORMAL, reload_late, s);
}

void supervisor_jobs_fini(struct supervisor *s)
{
	load_cancel(s->load);
	timer_fini(&s->deadline);
	generation_clear(&s->next);
	generation_clear(&s->now);
}
