/* Names of processes from /proc. One scan serves all probes for a second, since scanning costs a read
 * per process of the machine. A zombie is no running process. Where /proc hides the processes of
 * others (hidepid, seen by process 1 not being there) nothing can be said, and that is our lack. */
#include "check/probe_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/flight_io.h"
#include "check/local.h"
#include "check/outcome.h"
#include "config/model.h"

#define FRESH NSTIME_S
#define ROOM_FIRST 256

struct processes {
	char (*names)[LOCAL_COMM];
	size_t count, room;
	nstime scanned;
	int error; /* of the last scan */
};

static void *processes_new(struct loop *loop)
{
	(void)loop;
	return calloc(1, sizeof(struct processes));
}

static void processes_free(void *client)
{
	struct processes *all = client;

	free(all->names);
	free(all);
}

/* The name of a process that lives; false: it does not, or has ended meanwhile. */
static bool process_read(int proc, const char *pid, char name[LOCAL_COMM])
{
	char path[300], line[256];
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, line, sizeof(line));
		close(fd);
	}
	return got > 0 && local_stat_parse(line, (size_t)got, name);
}

static int process_add(struct processes *all, int proc, const char *pid)
{
	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : ROOM_FIRST;
		void *names = reallocarray(all->names, room, sizeof(*all->names));

		if (!names)
			return ENOMEM;
		all->names = names;
		all->room = room;
	}
	all->count += process_read(proc, pid, all->names[all->count]);
	return 0;
}

static int scan(struct processes *all)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool first = false;
	int error = 0;

	if (!proc)
		return errno;
	all->count = 0;
	while (!error && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		first |= !strcmp(entry->d_name, "1");
		error = process_add(all, dirfd(proc), entry->d_name);
	}
	closedir(proc);
	return error || first ? error : EPERM;
}

static size_t count_of(const struct processes *all, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++)
		count += local_name_matches(name, all->names[i]);
	return count;
}

static void process_start(struct flight *flight)
{
	struct processes *all = flight->client;
	struct outcome outcome = {.reason = REASON_PASSED};
	char words[OUTCOME_SAID];
	size_t count;

	flight_did(flight, "look for processes called %s", flight->check->process);
	if (!all->scanned || flight->started - all->scanned >= FRESH) {
		all->error = scan(all);
		all->scanned = flight->started;
	}
	if (all->error) {
		flight_fail(flight, STEP_SOCKET, all->error == EPERM ? ENOTSUP : all->error);
		return;
	}
	count = count_of(all, flight->check->process);
	if (count < flight->check->count)
		outcome.reason = REASON_MISSING;
	snprintf(words, sizeof(words), "%zu running, wanted %u", count, flight->check->count);
	outcome.fault = words;
	flight_end(flight, &outcome);
}

static void process_stop(struct flight *flight)
{
	(void)flight;
}

const struct probe_type probe_process = {.client_new = processes_new,
					 .client_free = processes_free,
					 .start = process_start,
					 .stop = process_stop};
