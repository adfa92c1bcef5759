/* Folders and locks; see the header. */
#include "daemon/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "core/log.h"
#include "core/loop.h"
#include "daemon/trusted_path.h"
#include "net/file_io.h"
#include "net/owned_io.h"

#define SOCKET_NAME "control.sock"
#define PATIENCE_PREDECESSOR (60 * NSTIME_S) /* a release takes a second or two where adverts come every second */
#define PATIENCE_CHILD NSTIME_S
#define LOOK_EVERY (20 * NSTIME_MS)
#define SERVICES_LOCK "lbha/services" /* abstract: such names are per network namespace */

/* Makes one folder; its parent must exist, as /run and /var/lib do. */
static int folder_open(const char *path, int *dir)
{
	char buffer[512];
	struct text why = text_of(buffer, sizeof(buffer));
	int fd = trusted_folder(path, &why);

	if (fd < 0) {
		log_error("%s cannot be used: %s", path, buffer);
		return fd;
	}
	*dir = fd;
	return 0;
}

static int own_file(const struct rundir *rundir, const char *name, int flags)
{
	const char *why;
	int fd = file_open(rundir->dir, name, flags, &why);

	if (fd < 0)
		log_error("%s/%s: %s", rundir->run, name, why);
	return fd;
}

/* Waits for a lock: 0, -EBUSY when somebody has it all the time, or -errno. `told` is said once when it has to wait. */
static int lock_wait(int fd, nstime patience, const char *told)
{
	nstime deadline = clock_now() + patience;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		const struct timespec pause = {.tv_nsec = LOOK_EVERY};

		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_now() > deadline)
			return -EBUSY;
		if (told)
			log_warning("%s", told);
		told = NULL;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* A child that a killed supervisor had just forked holds its lock until it executes something. */
static int lock_take(struct rundir *rundir)
{
	int err;

	rundir->lock = own_file(rundir, "lock", 0);
	if (rundir->lock < 0)
		return rundir->lock;
	err = lock_wait(rundir->lock, PATIENCE_CHILD, NULL);
	if (err)
		log_error("another lbhad runs with the run folder %s", rundir->run);
	return err;
}

/* The lock on the owned file is that of all who write it: workers inherit the descriptor and thereby the lock, which
 * ends with the last of them. A daemon whose supervisor was killed may still release its addresses: two at a time would
 * take them away from one another. */
static int owned_lock(struct rundir *rundir)
{
	int err = lock_wait(rundir->owned, PATIENCE_PREDECESSOR,
			    "the start waits for workers of an earlier lbhad to release what they have");

	if (err == -EBUSY)
		log_error("a worker of an earlier lbhad has still not ended: see fuser -v %s/owned", rundir->run);
	return err;
}

static int owned_reopen(struct rundir *rundir)
{
	int fd = own_file(rundir, "owned", O_APPEND);

	if (fd < 0)
		return fd;
	close(rundir->owned);
	rundir->owned = fd;
	return owned_lock(rundir);
}

/* What an earlier daemon left behind is compacted; where there is no room for that, it goes on being appended to. */
static int owned_compact(struct rundir *rundir)
{
	auto_arena *arena = arena_new(0);
	struct owned_set set = {0};
	int err = arena ? owned_read(rundir->owned, arena, &set) : -ENOMEM;

	if (err)
		return err;
	err = owned_rewrite(rundir->dir, "owned", &set);
	if (!err)
		return owned_reopen(rundir);
	log_warning("%s/owned cannot be compacted: %s", rundir->run, strerror(-err));
	return 0;
}

static int owned_take(struct rundir *rundir)
{
	int err;

	rundir->owned = own_file(rundir, "owned", O_APPEND);
	if (rundir->owned < 0)
		return rundir->owned;
	err = owned_lock(rundir);
	if (!err)
		err = owned_compact(rundir);
	if (err)
		log_error("%s/owned: %s", rundir->run, strerror(-err));
	return err;
}

/* One that is there and cannot be read, or that others can write, ends the start: it may say that this director is in
 * maintenance. Where none can be made, on a read-only file system, nothing was ever said. */
static int state_open(struct rundir *rundir)
{
	int err = folder_open(rundir->state, &rundir->state_dir);

	if (err && !access(rundir->state, F_OK))
		return err;
	if (err)
		log_warning("overrides will hold only until lbhad ends");
	return 0;
}

int rundir_open(struct rundir *rundir, const char *run, const char *state)
{
	int err;

	*rundir = (struct rundir){.run = run,
				  .state = state,
				  .dir = -1,
				  .state_dir = -1,
				  .lock = -1,
				  .owned = -1,
				  .control = -1,
				  .services = -1};
	err = folder_open(run, &rundir->dir);
	if (!err && state)
		err = state_open(rundir);
	if (!err)
		err = lock_take(rundir);
	if (!err)
		err = owned_take(rundir);
	if (err)
		rundir_close(rundir);
	return err;
}

int rundir_open_run(struct rundir *rundir, const char *run)
{
	return rundir_open(rundir, run, NULL);
}

int rundir_listen(struct rundir *rundir)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	mode_t mask;
	int length = snprintf(name.sun_path, sizeof(name.sun_path), "%s/" SOCKET_NAME, rundir->run), err = 0;

	if (length >= (int)sizeof(name.sun_path)) {
		log_error("%s: too long a path for a socket", rundir->run);
		return -ENAMETOOLONG;
	}
	if (unlinkat(rundir->dir, SOCKET_NAME, 0) && errno != ENOENT)
		log_error("%s/" SOCKET_NAME " is in the way: %m", rundir->run);
	rundir->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	if (rundir->control < 0 || bind(rundir->control, (struct sockaddr *)&name, sizeof(name)) ||
	    listen(rundir->control, 64))
		err = -errno;
	umask(mask);
	if (err)
		log_error("%s: %s", name.sun_path, strerror(-err));
	return err;
}

/* A file has one group only. */
void rundir_admit(const struct rundir *rundir, gid_t gid, bool only)
{
	if (fchownat(rundir->dir, SOCKET_NAME, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) ||
	    fchmodat(rundir->dir, SOCKET_NAME, only ? 0660 : 0666, 0))
		log_error("%s/" SOCKET_NAME ": cannot be opened to those who may use it: %m", rundir->run);
}

int rundir_claim_services(struct rundir *rundir)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	size_t length = strlen(SERVICES_LOCK);

	if (rundir->services >= 0)
		return 0;
	memcpy(name.sun_path + 1, SERVICES_LOCK, length);
	rundir->services = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (rundir->services >= 0 &&
	    !bind(rundir->services, (struct sockaddr *)&name,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)))
		return 0;
	log_error("another lbhad with services runs in this network namespace");
	if (rundir->services >= 0)
		close(rundir->services);
	rundir->services = -1;
	return -EBUSY;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void rundir_leave_services(struct rundir *rundir)
{
	close_one(&rundir->services);
}

void rundir_close(struct rundir *rundir)
{
	if (rundir->control >= 0)
		unlinkat(rundir->dir, SOCKET_NAME, 0);
	close_one(&rundir->control);
	close_one(&rundir->services);
	close_one(&rundir->owned);
	close_one(&rundir->lock);
	close_one(&rundir->dir);
	close_one(&rundir->state_dir);
}
