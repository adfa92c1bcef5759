/* See the header. */
#include "daemon/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/child.h"

enum kind {
	USER,
	USER_NUMBER,
	GROUP,
};

struct question {
	enum kind kind;
	const char *name;
	uid_t uid;
	int answer; /* a pipe */
};

struct answer {
	bool found;
	struct lookup_user user; /* of a group its number alone */
};

/* ---- the new process ------------------------------------------------------------------------ */

static struct answer answer_of(const struct passwd *user)
{
	struct answer answer = {.found = user != NULL};

	if (!user)
		return answer;
	answer.user.uid = user->pw_uid;
	answer.user.gid = user->pw_gid;
	snprintf(answer.user.name, sizeof(answer.user.name), "%s", user->pw_name);
	return answer;
}

static struct answer answer_of_group(const struct group *group)
{
	return (struct answer){.found = group != NULL, .user.gid = group ? group->gr_gid : 0};
}

static struct answer find(const struct question *question)
{
	switch (question->kind) {
	case USER:
		return answer_of(getpwnam(question->name));
	case USER_NUMBER:
		return answer_of(getpwuid(question->uid));
	case GROUP:
		break;
	}
	return answer_of_group(getgrnam(question->name));
}

static void look(void *ctx)
{
	const struct question *question = ctx;
	struct answer answer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	answer = find(question);
	_exit(write(question->answer, &answer, sizeof(answer)) == sizeof(answer) ? 0 : 1);
}

/* ---- we ------------------------------------------------------------------------------------- */

/* Our own signals do not make it longer. */
static int wait_for(int pipe, nstime patience)
{
	struct pollfd end = {.fd = pipe, .events = POLLIN};
	nstime deadline = clock_now() + patience;
	int ready;

	do {
		nstime left = nstime_max(deadline - clock_now(), 0);

		ready = poll(&end, 1, (int)(left / NSTIME_MS) + 1);
	} while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready ? 0 : -ETIMEDOUT;
}

static int answer_read(int pipe, nstime patience, struct answer *out)
{
	int err = wait_for(pipe, patience);

	return err ? err : read(pipe, out, sizeof(*out)) == sizeof(*out) ? 0 : -EIO;
}

static int ask_child(struct question *question, nstime patience, struct answer *out)
{
	const struct child child = {.enter = look, .ctx = question};
	int ends[2], pidfd, err = pipe2(ends, O_CLOEXEC) ? -errno : 0;
	siginfo_t how;
	pid_t pid;

	if (err)
		return err;
	question->answer = ends[1];
	err = child_start(&child, &pid, &pidfd);
	close(ends[1]); /* now its death is an answer, too */
	if (!err) {
		err = answer_read(ends[0], patience, out);
		kill(pid, SIGKILL);
		waitid(P_PIDFD, (id_t)pidfd, &how, WEXITED);
		close(pidfd);
	}
	close(ends[0]);
	return err;
}

static int ask(struct question question, nstime patience, struct lookup_user *out)
{
	struct answer answer = {0};
	int err = ask_child(&question, patience, &answer);

	if (err)
		return err;
	if (!answer.found)
		return -ENOENT;
	*out = answer.user;
	return 0;
}

int lookup_user(const char *name, nstime patience, struct lookup_user *out)
{
	return ask((struct question){.kind = USER, .name = name}, patience, out);
}

int lookup_user_number(uid_t uid, nstime patience, struct lookup_user *out)
{
	return ask((struct question){.kind = USER_NUMBER, .uid = uid}, patience, out);
}

int lookup_group(const char *name, nstime patience, gid_t *out)
{
	struct lookup_user found;
	int err = ask((struct question){.kind = GROUP, .name = name}, patience, &found);

	if (!err)
		*out = found.gid;
	return err;
}
