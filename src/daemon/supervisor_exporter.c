/* lbha-exporter, which serves strangers and so has nothing: a user of its own without rights, a socket through which it says
 * that it lives and hears that we do not, and what everybody gets who may ask control. It takes part in no load, reload
 * or stop: it may be missing, hang or die at any time, and that is said (log, status, one event) and nothing more. Its
 * program is looked up by name at each start, since its package may come and go by itself: one whose file is no longer
 * what has that name is let go. What it speaks with control is a protocol that only grows. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/child.h"
#include "core/log.h"
#include "core/packet.h"
#include "daemon/backoff.h"
#include "daemon/lookup.h"
#include "daemon/supervisor_state.h"

#define USER "lbha-exporter"
#define PATIENCE (10 * NSTIME_S)   /* as with the heart of a worker; it says something every 2 s */
#define LAST_ANSWERS (5 * NSTIME_S)
#define LAST_MOMENT 200            /* milliseconds, for which we wait */
#define LOOKING NSTIME_S           /* for the user; nothing else goes on meanwhile */
#define MISSING (30 * NSTIME_S)    /* what lacks is not there a second later */
#define CANNOT_LISTEN 3            /* its exit status; it has logged why */

static void told(struct supervisor *s, enum worker_state state)
{
	s->exporter.fact.state = state;
	s->exporter.fact.pid = s->exporter.pid;
	workers_facts_dirty(&s->workers, SUPERVISOR_FACT_EXPORTER);
}

/* ---- its end -------------------------------------------------------------------------------- */

static void forget(struct exporter_child *it)
{
	io_fini(&it->words);
	io_fini(&it->watch);
	timer_cancel(&it->timer);
	if (it->life >= 0)
		close(it->life);
	close(it->pidfd);
	it->pid = 0;
	it->life = it->pidfd = -1;
}

/* It is started after a while; `why` it does not run goes into the log, once, and the status. */
static void start_later(struct supervisor *s, nstime wait, const char *why)
{
	struct exporter_child *it = &s->exporter;
	nstime now = clock_now();

	it->fact.wait = wait;
	it->fact.due = wait ? now + wait : 0;
	if (strcmp(it->fact.reason, why) != 0)
		log_warning("the exporter %s; no metrics and no status page until it runs, all else goes on", why);
	snprintf(it->fact.reason, sizeof(it->fact.reason), "%s", why);
	told(s, WORKER_BACKOFF);
	timer_at(&it->timer, now + wait);
}

static void start_again(struct supervisor *s, const char *how)
{
	struct fact_worker *fact = &s->exporter.fact;

	fact->deaths = backoff_deaths(fact->deaths, clock_now() - s->exporter.started);
	fact->restarts++;
	start_later(s, backoff_wait(fact->deaths), how);
}

static void words_of_end(const struct exporter_child *it, const siginfo_t *how, char *out, size_t size)
{
	if (it->doom)
		snprintf(out, size, "%s and was killed", it->doom);
	else if (how->si_code == CLD_EXITED && how->si_status == CANNOT_LISTEN)
		snprintf(out, size, "cannot listen on %s (global.exporter)", it->where);
	else if (how->si_code == CLD_EXITED)
		snprintf(out, size, "exited with status %d", how->si_status);
	else
		snprintf(out, size, "was killed by signal %d", how->si_status);
}

static bool is_wanted(const struct supervisor *s)
{
	return s->now.model && s->now.model->global.exporter.listen.address.family && !s->stopping;
}

static void exporter_start(struct supervisor *s);

static void exporter_dead(void *ctx)
{
	struct supervisor *s = ctx;
	struct exporter_child *it = &s->exporter;
	siginfo_t how = {0};
	char words[FACT_WORKER_REASON];
	bool ended = it->life < 0 && !it->doom;

	if (waitid(P_PIDFD, (id_t)it->pidfd, &how, WEXITED | WNOHANG) || !how.si_pid)
		return;
	words_of_end(it, &how, words, sizeof(words));
	forget(it);
	if (!is_wanted(s))
		told(s, WORKER_STOPPED);
	else if (ended)
		exporter_start(s); /* with what is in force by now */
	else
		start_again(s, words);
}

/* It hears the end of its socket, closes its own, and gives those who wait their answers. */
static void exporter_let_go(struct supervisor *s)
{
	struct exporter_child *it = &s->exporter;

	if (it->pid <= 0 || it->life < 0)
		return;
	io_fini(&it->words);
	close(it->life);
	it->life = -1;
	timer_at(&it->timer, clock_now() + LAST_ANSWERS);
}

void supervisor_exporter_end(struct supervisor *s)
{
	struct exporter_child *it = &s->exporter;
	struct pollfd end = {.fd = it->pidfd, .events = POLLIN};
	siginfo_t how;

	if (it->pid <= 0)
		return;
	exporter_let_go(s);
	if (poll(&end, 1, LAST_MOMENT) <= 0)
		kill(it->pid, SIGKILL);
	waitid(P_PIDFD, (id_t)it->pidfd, &how, WEXITED);
	forget(it);
}

/* ---- its life ------------------------------------------------------------------------------- */

static void program_path(char *out, size_t size)
{
	const char *libexec = getenv("LBHA_LIBEXECDIR");

	snprintf(out, size, "%s/lbha-exporter", libexec ? libexec : LBHA_LIBEXECDIR);
}

/* Its package was replaced or removed. While it runs nobody else can have the number of its file. */
static bool program_is_another(const struct exporter_child *it)
{
	char path[4096];
	struct stat file;

	program_path(path, sizeof(path));
	if (stat(path, &file))
		return errno == ENOENT;
	return file.st_dev != it->program_device || file.st_ino != it->program_inode;
}

static void exporter_speaks(void *ctx)
{
	struct supervisor *s = ctx;
	struct exporter_child *it = &s->exporter;
	char word[16];

	ssize_t got = recv(it->life, word, sizeof(word), MSG_DONTWAIT);

	if (got <= 0) {
		io_want_read(&it->words, got < 0); /* at its end: the pidfd tells */
		return;
	}
	it->fact.wait = it->fact.due = 0;
	timer_at(&it->timer, clock_now() + PATIENCE);
	if (it->fact.state != WORKER_RUNNING)
		told(s, WORKER_RUNNING);
	if (program_is_another(it)) {
		log_info("the exporter ends: its program was replaced or removed; what is installed now is started");
		exporter_let_go(s);
	}
}

static int program_open(struct exporter_child *it, char *why, size_t size)
{
	char path[4096];
	struct stat file;
	int fd;

	program_path(path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		snprintf(why, size, "was not found: is the package lbha-exporter installed?");
	else if (fd < 0)
		snprintf(why, size, "cannot be opened: %s", strerror(errno));
	if (fd >= 0 && !fstat(fd, &file)) {
		it->program_device = file.st_dev;
		it->program_inode = file.st_ino;
	}
	return fd;
}

/* A user who has no other part in this. */
static bool user_find(const struct supervisor *s, struct child *child, char *why, size_t size)
{
	struct lookup_user user;
	int err = lookup_user(USER, LOOKING, &user);

	if (err == -ENOENT)
		snprintf(why, size, "has no user to run as: there is no " USER " (systemd-sysusers makes it)");
	else if (err)
		snprintf(why, size, "has no user to run as: " USER " cannot be looked up: %s", strerror(-err));
	if (err)
		return false;
	for (int role = 0; role < ROLE_COUNT; role++) {
		if (user.uid != 0 && (!s->workers.users[role].uid || s->workers.users[role].uid != user.uid))
			continue;
		snprintf(why, size, "has no user of its own: " USER " is root, or a worker's, by its number");
		return false;
	}
	child->uid = user.uid;
	child->gid = user.gid;
	return true;
}

static int exporter_watch(struct supervisor *s)
{
	struct exporter_child *it = &s->exporter;
	int err = io_init(s->loop, &it->watch, it->pidfd, LOOP_NORMAL, exporter_dead, NULL, s);

	if (!err)
		err = io_init(s->loop, &it->words, it->life, LOOP_NORMAL, exporter_speaks, NULL, s);
	timer_at(&it->timer, clock_now() + PATIENCE);
	return err;
}

/* -errno, or 0 and it runs; `child` has all but its arguments and descriptors. */
static int exporter_bear(struct supervisor *s, struct child *child)
{
	struct exporter_child *it = &s->exporter;
	const struct log_global *log = &s->now.model->global.log;
	char socket[4096], worker[32];
	const char *argv[] = {"lbha-exporter", "--socket", socket, "--listen", it->where, worker, NULL};
	int pair[2], err = packet_pair(pair);

	if (err)
		return err;
	snprintf(socket, sizeof(socket), "%s/control.sock", s->rundir.run);
	snprintf(worker, sizeof(worker), "--worker=%u,%u,%u", log->level, log->format == LOG_FORMAT_JSON, log->target);
	child->argv = argv;
	child->fds[0] = pair[1];
	child->fd_count = 1;
	err = child_start(child, &it->pid, &it->pidfd);
	close(pair[1]);
	if (err) {
		close(pair[0]);
		return err;
	}
	it->life = pair[0];
	return exporter_watch(s);
}

static void exporter_start(struct supervisor *s)
{
	struct exporter_child *it = &s->exporter;
	struct child child = {.silent = s->workers.silent};
	char why[FACT_WORKER_REASON];
	int err;

	it->started = clock_now();
	it->listen = s->now.model->global.exporter.listen;
	it->log = s->now.model->global.log;
	it->doom = NULL;
	endpoint_format(&it->listen, it->where);
	child.executable = program_open(it, why, sizeof(why));
	if (child.executable < 0 || !user_find(s, &child, why, sizeof(why))) {
		if (child.executable >= 0)
			close(child.executable);
		start_later(s, MISSING, why);
		return;
	}
	supervisor_access_exporter(s, child.uid);
	err = exporter_bear(s, &child);
	close(child.executable);
	if (!err) {
		told(s, WORKER_STARTING);
		return;
	}
	if (it->pid > 0)
		supervisor_exporter_end(s);
	snprintf(why, sizeof(why), "cannot be started: %s", strerror(-err));
	start_later(s, MISSING, why);
}

/* The timer has three meanings: to start it, that it says nothing, that it does not end. */
static void exporter_timer(void *ctx)
{
	struct supervisor *s = ctx;
	struct exporter_child *it = &s->exporter;

	if (it->pid > 0) {
		it->doom = it->life < 0 ? "did not end" : "hung";
		kill(it->pid, SIGKILL);
	} else if (is_wanted(s)) {
		exporter_start(s);
	}
}

/* ---- what the configuration in force wants -------------------------------------------------- */

static bool is_as_wanted(const struct exporter_child *it, const struct global *global)
{
	return !endpoint_compare(&it->listen, &global->exporter.listen) && it->log.level == global->log.level &&
	       it->log.format == global->log.format && it->log.target == global->log.target;
}

void supervisor_exporter_enter(struct supervisor *s)
{
	struct exporter_child *it = &s->exporter;

	if (!is_wanted(s)) {
		if (it->pid <= 0) /* else it is the patience with its end */
			timer_cancel(&it->timer);
		exporter_let_go(s);
		supervisor_access_exporter(s, FACT_NO_GROUP);
		if (it->told && it->pid <= 0)
			told(s, WORKER_STOPPED);
		return;
	}
	it->told = true;
	if (it->pid > 0 && it->life >= 0 && !is_as_wanted(it, &s->now.model->global))
		exporter_let_go(s);
	else if (it->pid <= 0)
		exporter_start(s); /* whatever it waited for may be there by now */
}

int supervisor_exporter_init(struct supervisor *s)
{
	s->facts.exporter_user = FACT_NO_GROUP;
	s->exporter = (struct exporter_child){.life = -1, .pidfd = -1, .fact = {.role = ROLE_EXPORTER, .state = WORKER_STOPPED}};
	return timer_init(s->loop, &s->exporter.timer, LOOP_NORMAL, exporter_timer, s);
}

void supervisor_exporter_fini(struct supervisor *s)
{
	supervisor_exporter_end(s);
	timer_fini(&s->exporter.timer);
}
