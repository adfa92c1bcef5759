/* Everything that may wait (the user's groups, the file system of the script) happens in the new process, where the
 * timeout already runs; the supervisor only forks. A script gets: its standard input and output, no other
 * descriptor; the user's rights and groups and, but for root, no capability and none to be had (no_new_privs:
 * neither sudo nor file capabilities work); a short environment; / as its folder; umask 022; the usual limit of 1024
 * descriptors instead of the daemon's own; and SIGKILL when the supervisor dies. */
#include "daemon/script_child.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "check/run.h"
#include "core/child.h"
#include "core/oom.h"
#include "daemon/trusted_path.h"

#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define FILES_USUAL 1024

struct entering {
	const struct script_child *script;
	pid_t supervisor;
	int report;
};

static void say(const struct entering *in, const char *text)
{
	ssize_t ignored = write(in->report, text, strlen(text));

	(void)ignored; /* the supervisor is gone: so are we */
}

static void say_error(const struct entering *in, const char *what)
{
	char text[RUN_WHY];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	say(in, text);
}

static int high(int fd)
{
	return fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* By way of high numbers: what is given may be 0, 1 or 2 itself. */
static int take_standard(const struct entering *in)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC); /* lest one of the next is 0, 1 or 2 */
	int input = high(in->script->input), output = high(in->script->output);

	if (null < 0 || input < 0 || output < 0)
		return -1;
	return dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0;
}

static int become_user(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) || setresgid(user->pw_gid, user->pw_gid, user->pw_gid))
		return -1;
	if (user->pw_uid == 0)
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOUNDS) || setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void usual_surroundings(void)
{
	struct rlimit files;

	umask(022);
	if (chdir("/"))
		_exit(127); /* there is always a root */
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur > FILES_USUAL) {
		files.rlim_cur = FILES_USUAL;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* After the change of user, which would undo it. */
static void die_with(pid_t supervisor)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(127);
}

static void execute(const struct entering *in, const char *path)
{
	char why[RUN_WHY];
	struct text text = text_of(why, sizeof(why));
	const struct script_child *script = in->script;
	const char *environment[SCRIPT_ENVIRONMENT] = {PATH};
	const char **argv = calloc(script->argc + 1, sizeof(*argv));

	if (!argv) {
		say_error(in, path);
		return;
	}
	memcpy(argv, script->argv, script->argc * sizeof(*argv));
	for (size_t i = 0; script->environment[i] && i + 2 < SCRIPT_ENVIRONMENT; i++)
		environment[i + 1] = script->environment[i];
	execve(path, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
	switch (errno) {
	case ENOENT:
		text_add(&text, "%s: the interpreter that its first line names is missing", path);
		break;
	case ENOEXEC:
		text_add(&text, "%s: is neither a program nor a script with #! in its first line", path);
		break;
	case EACCES:
		text_add(&text, "%s: may not be executed by %s", path, in->script->user);
		break;
	default:
		text_add(&text, "%s: %s", path, strerror(errno));
	}
	say(in, why);
}

static void script_enter(void *ctx)
{
	const struct entering *in = ctx;
	const char *path = in->script->argv[0], *name = in->script->user;
	char why[RUN_WHY];
	struct text text = text_of(why, sizeof(why));
	const struct passwd *user;

	if (take_standard(in)) {
		say_error(in, "standard output");
		return;
	}
	usual_surroundings();
	oom_score_set(OOM_USUAL); /* the daemon is the last that is killed; a script is not */
	user = getpwnam(name);
	if (!user) {
		text_add(&text, "there is no user %s", name);
		say(in, why);
		return;
	}
	if (become_user(user)) {
		say_error(in, name);
		return;
	}
	die_with(in->supervisor);
	if (trusted_program(path, user->pw_uid, &text))
		say(in, why);
	else
		execute(in, path);
}

int script_child_start(const struct script_child *script, pid_t *pid, int *pidfd, int *report)
{
	struct entering in = {.script = script, .supervisor = getpid()};
	const struct child child = {.enter = script_enter, .ctx = &in};
	int pipe[2], err;

	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	in.report = pipe[1];
	err = child_start(&child, pid, pidfd);
	close(pipe[1]);
	if (err)
		close(pipe[0]);
	else
		*report = pipe[0];
	return err;
}
