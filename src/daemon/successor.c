/* One child, its pipe and a deadline; see the header. What it says is read as it comes, so that it never waits for us,
 * and the beginning is kept. */
#include "daemon/successor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/child.h"
#include "core/log.h"
#include "core/loop.h"

#define WORDS 4096

struct successor {
	successor_done *done;
	void *ctx;
	pid_t pid;
	int pidfd, lines;
	struct loop_io end, output;
	struct loop_timer deadline;
	nstime patience;
	bool late;
	size_t length;
	char words[WORDS];
};

/* ---- which one ---------------------------------------------------------------------------------------------- */

static bool same_file(const char *path, const struct stat *own)
{
	struct stat about;

	return !stat(path, &about) && about.st_dev == own->st_dev && about.st_ino == own->st_ino;
}

/* As the shell found it. */
static char *along_path(const char *name, const struct stat *own)
{
	const char *folders = getenv("PATH");
	char *copy = strdup(folders ? folders : ""), *rest = NULL, *found = NULL;

	for (char *at = copy ? strtok_r(copy, ":", &rest) : NULL; at && !found; at = strtok_r(NULL, ":", &rest))
		if (*at == '/' && asprintf(&found, "%s/%s", at, name) >= 0 && !same_file(found, own)) {
			free(found);
			found = NULL;
		}
	free(copy);
	return found;
}

static char *from_here(const char *path)
{
	char here[PATH_MAX], *made;

	if (*path == '/')
		return strdup(path);
	return getcwd(here, sizeof(here)) && asprintf(&made, "%s/%s", here, path) >= 0 ? made : NULL;
}

char *successor_path(const char *argv0)
{
	char target[PATH_MAX], *path = NULL;
	struct stat own;
	ssize_t length;

	if (stat("/proc/self/exe", &own)) {
		log_warning("/proc/self/exe: %m: there is no upgrade in place");
		return NULL;
	}
	if (argv0)
		path = strchr(argv0, '/') ? from_here(argv0) : along_path(argv0, &own);
	if (path && same_file(path, &own))
		return path;
	free(path);
	length = readlink("/proc/self/exe", target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	return length > 0 ? strdup(target) : NULL;
}

int successor_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- its end ------------------------------------------------------------------------------------------------ */

static void successor_free(struct successor *successor)
{
	io_fini(&successor->end);
	io_fini(&successor->output);
	timer_fini(&successor->deadline);
	if (successor->pid > 0) {
		kill(-successor->pid, SIGKILL);
		kill(successor->pid, SIGKILL);
		waitpid(successor->pid, NULL, 0);
	}
	if (successor->pidfd >= 0)
		close(successor->pidfd);
	if (successor->lines >= 0)
		close(successor->lines);
	free(successor);
}

void successor_cancel(struct successor *successor)
{
	if (successor)
		successor_free(successor);
}

/* Takes what is there; what is too much is read and forgotten. */
static void successor_read(void *ctx)
{
	struct successor *successor = ctx;
	char spill[WORDS];
	ssize_t got;

	do {
		size_t room = sizeof(successor->words) - 1 - successor->length;

		got = read(successor->lines, room ? successor->words + successor->length : spill,
			   room ? room : sizeof(spill));
		if (got > 0 && room)
			successor->length += (size_t)got;
	} while (got > 0);
	if (!got)
		io_want_read(&successor->output, false);
}

/* Its own words, or else what its end says. */
static const char *successor_why(struct successor *successor, const siginfo_t *how)
{
	char *words = successor->words;

	words[successor->length] = '\0';
	if (successor->late)
		snprintf(words, WORDS, "the installed lbhad did not answer within %g s",
			 (double)successor->patience / NSTIME_S);
	else if (how->si_code != CLD_EXITED)
		snprintf(words, WORDS, "the installed lbhad was killed by signal %d", how->si_status);
	else if (how->si_status == 127 && !successor->length)
		snprintf(words, WORDS, "the installed lbhad cannot be started");
	else if (!successor->length)
		snprintf(words, WORDS, "the installed lbhad ended with status %d and said nothing", how->si_status);
	return words;
}

static void successor_dead(void *ctx)
{
	struct successor *successor = ctx;
	successor_done *done = successor->done;
	void *whom = successor->ctx;
	siginfo_t how = {0};
	char words[WORDS];
	bool accepted;

	if (waitid(P_PIDFD, (id_t)successor->pidfd, &how, WEXITED | WNOHANG) || !how.si_pid)
		return;
	successor->pid = 0;
	successor_read(successor);
	accepted = !successor->late && how.si_code == CLD_EXITED && !how.si_status;
	snprintf(words, sizeof(words), "%s", accepted ? "" : successor_why(successor, &how));
	successor_free(successor);
	done(whom, accepted, words);
}

static void successor_late(void *ctx)
{
	struct successor *successor = ctx;

	successor->late = true;
	kill(-successor->pid, SIGKILL);
	kill(successor->pid, SIGKILL);
}

/* ---- its start ---------------------------------------------------------------------------------------------- */

static int successor_run(struct successor *successor, const struct successor_order *order, int lines)
{
	const char *argv[] = {"lbhad", "--check", "--can-adopt", "-f", order->file,
			      order->node ? "--node" : NULL, order->node, NULL};
	struct child child = {.executable = order->executable,
			      .argv = argv,
			      .fds = {order->state, lines},
			      .fd_count = 2,
			      .uid = geteuid(),
			      .gid = getegid(),
			      .caps = {CAP_DAC_READ_SEARCH},
			      /* a unit may have taken it from us; root's own files can be read without it */
			      .cap_count = prctl(PR_CAPBSET_READ, CAP_DAC_READ_SEARCH, 0, 0, 0) == 1};

	return child_start(&child, &successor->pid, &successor->pidfd);
}

static int successor_watch(struct successor *successor, struct loop *loop)
{
	int err = timer_init(loop, &successor->deadline, LOOP_NORMAL, successor_late, successor);

	if (!err)
		err = io_init(loop, &successor->end, successor->pidfd, LOOP_NORMAL, successor_dead, NULL, successor);
	if (!err)
		err = io_init(loop, &successor->output, successor->lines, LOOP_NORMAL, successor_read, NULL, successor);
	if (!err)
		timer_at(&successor->deadline, clock_now() + successor->patience);
	return err;
}

int successor_start(struct loop *loop, const struct successor_order *order, successor_done *done, void *ctx,
		    struct successor **out)
{
	struct successor *successor = calloc(1, sizeof(*successor));
	int ends[2], err;

	if (!successor)
		return -ENOMEM;
	*successor = (struct successor){.done = done, .ctx = ctx, .patience = order->patience, .pidfd = -1, .lines = -1};
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		successor_free(successor);
		return err;
	}
	successor->lines = ends[0];
	err = successor_run(successor, order, ends[1]);
	close(ends[1]);
	if (!err)
		err = successor_watch(successor, loop);
	if (err) {
		successor_free(successor);
		return err;
	}
	*out = successor;
	return 0;
}
