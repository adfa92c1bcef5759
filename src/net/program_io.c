/* See the header. Three pipes and poll; a program that closes its output and stays is waited for
 * until the deadline, too. */
#include "net/program_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define OUTPUT_MIB 16 /* of a list of rules as JSON, with the sets that are in use */
#define LINGER_MS 2
#define WORDS 8

struct run {
	pid_t pid;
	int in, out, error; /* our ends; -1: closed */
	const char *input;
	size_t left;
	char *text;
	size_t length;
	struct text complaint;
	struct timespec deadline;
};

/* ---- starting ---- */

static int find(const char *name, char *path, size_t room)
{
	static const char *const folders[] = {"/usr/sbin",      "/usr/bin", "/sbin", "/bin",
					      "/usr/local/sbin", "/usr/local/bin"};

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		if ((size_t)snprintf(path, room, "%s/%s", folders[i], name) < room &&
		    !access(path, X_OK))
			return 0;
	}
	return -ENOENT;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(int pipes[3][2])
{
	for (size_t i = 0; i < 3; i++)
		for (size_t end = 0; end < 2; end++)
			close_end(&pipes[i][end]);
}

/* In the new process. */
static void become(pid_t parent, const char *path, const char *const *words, int pipes[3][2])
{
	char folders[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *environment[] = {folders, locale, NULL}, *own[WORDS + 1] = {NULL};

	for (size_t i = 0; words[i] && i < WORDS; i++)
		own[i] = strdup(words[i]); /* execve's prototype knows no const */
	signal(SIGPIPE, SIG_DFL);
	/* else what we do not live to see could be done after a teardown */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* it died before that */
	if (dup2(pipes[0][0], STDIN_FILENO) >= 0 && dup2(pipes[1][1], STDOUT_FILENO) >= 0 &&
	    dup2(pipes[2][1], STDERR_FILENO) >= 0)
		execve(path, own, environment);
	_exit(127);
}

static int start(struct run *run, const char *path, const char *const *words)
{
	int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, err = 0;
	pid_t parent = getpid();

	for (size_t i = 0; i < 3 && !err; i++)
		err = pipe2(pipes[i], O_CLOEXEC) ? -errno : 0;
	if (!err) {
		run->pid = fork();
		err = run->pid < 0 ? -errno : 0;
	}
	if (err) {
		close_pipes(pipes);
		return err;
	}
	if (!run->pid)
		become(parent, path, words, pipes);
	run->in = pipes[0][1];
	run->out = pipes[1][0];
	run->error = pipes[2][0];
	pipes[0][1] = pipes[1][0] = pipes[2][0] = -1;
	close_pipes(pipes);
	fcntl(run->in, F_SETFL, O_NONBLOCK);
	return 0;
}

/* ---- talking ---- */

static int left_ms(const struct run *run)
{
	struct timespec now;
	long long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (long long)(run->deadline.tv_sec - now.tv_sec) * 1000 +
	       (run->deadline.tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? (int)left : 0;
}

static void give(struct run *run)
{
	ssize_t done = write(run->in, run->input, run->left);

	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (done > 0) {
		run->input += done;
		run->left -= (size_t)done;
	}
	if (done < 0 || !run->left)
		close_end(&run->in);
}

static int take_output(struct run *run)
{
	char bytes[4096], *more;
	ssize_t got = read(run->out, bytes, sizeof(bytes));

	if (got <= 0) {
		close_end(&run->out);
		return 0;
	}
	if (run->length + (size_t)got > (size_t)OUTPUT_MIB << 20)
		return -EFBIG;
	more = realloc(run->text, run->length + (size_t)got + 1);
	if (!more)
		return -ENOMEM;
	memcpy(more + run->length, bytes, (size_t)got);
	run->text = more;
	run->length += (size_t)got;
	more[run->length] = '\0';
	return 0;
}

static void take_error(struct run *run)
{
	char bytes[1024];
	ssize_t got = read(run->error, bytes, sizeof(bytes));

	if (got <= 0)
		close_end(&run->error);
	else
		text_add(&run->complaint, "%.*s", (int)got, bytes);
}

static int talk(struct run *run)
{
	int err = 0;

	while ((run->out >= 0 || run->error >= 0) && !err) {
		struct pollfd ends[] = {{run->in, POLLOUT, 0}, {run->out, POLLIN, 0},
					{run->error, POLLIN, 0}};
		int ready = poll(ends, COUNT_OF(ends), left_ms(run));

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (!ready)
			return -ETIMEDOUT;
		if (ready < 0)
			continue;
		if (ends[0].revents)
			give(run);
		if (ends[1].revents)
			err = take_output(run);
		if (ends[2].revents)
			take_error(run);
	}
	return err;
}

/* ---- the end ---- */

static int wait_end(struct run *run, int *status)
{
	pid_t ended;

	while (!(ended = waitpid(run->pid, status, WNOHANG))) {
		if (!left_ms(run))
			return -ETIMEDOUT;
		poll(NULL, 0, LINGER_MS);
	}
	return ended < 0 ? -errno : 0;
}

static void finish(struct run *run, int err, int *status)
{
	if (err && kill(run->pid, SIGKILL) == 0)
		while (waitpid(run->pid, status, 0) < 0 && errno == EINTR)
			continue;
	close_end(&run->in);
	close_end(&run->out);
	close_end(&run->error);
}

static int judge(const char *name, struct run *run, int err, int status, struct program_said *said)
{
	struct text out = text_of(said->error, sizeof(said->error));
	size_t line = strcspn(run->complaint.start, "\n");

	if (err == -ETIMEDOUT)
		text_add(&out, "%s did not end within %d s and was killed", name, PROGRAM_SECONDS);
	else if (err == -EFBIG)
		text_add(&out, "%s says more than %d MiB", name, OUTPUT_MIB);
	else if (err)
		text_add(&out, "cannot run %s: %s", name, strerror(-err));
	else if (WIFSIGNALED(status))
		text_add(&out, "%s was killed by signal %d", name, WTERMSIG(status));
	else if (WEXITSTATUS(status) && line)
		text_add_clean(&out, run->complaint.start, line);
	else if (WEXITSTATUS(status))
		text_add(&out, "%s ended with %d", name, WEXITSTATUS(status));
	else
		return 0;
	return err ? err : -EIO;
}

static int run_to_end(const char *path, const char *const *words, const char *input,
		      struct program_said *said)
{
	char complaint[1024];
	struct run run = {.in = -1, .out = -1, .error = -1, .input = input,
			  .left = strlen(input), .text = calloc(1, 1),
			  .complaint = text_of(complaint, sizeof(complaint))};
	int status = 0, err = run.text ? start(&run, path, words) : -ENOMEM;

	if (!err) {
		clock_gettime(CLOCK_MONOTONIC, &run.deadline);
		run.deadline.tv_sec += PROGRAM_SECONDS;
		if (!run.left)
			close_end(&run.in);
		err = talk(&run);
		if (!err)
			err = wait_end(&run, &status);
		finish(&run, err, &status);
	}
	err = judge(words[0], &run, err, status, said);
	if (err)
		free(run.text);
	else
		said->out = run.text;
	return err;
}

int program_run(const char *const *words, const char *input, struct program_said *said)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, wait = {.sa_handler = SIG_DFL};
	struct sigaction pipe_before, child_before;
	char path[128];
	int err = find(words[0], path, sizeof(path));

	if (err) {
		snprintf(said->error, sizeof(said->error), "there is no program %s", words[0]);
		return err;
	}
	sigaction(SIGPIPE, &ignore, &pipe_before);
	sigaction(SIGCHLD, &wait, &child_before); /* ignored, there would be nothing to wait for */
	err = run_to_end(path, words, input, said);
	sigaction(SIGCHLD, &child_before, NULL);
	sigaction(SIGPIPE, &pipe_before, NULL);
	return err;
}
