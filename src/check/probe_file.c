/* One look at a file, at once: local file systems answer without waiting, and a path on one that may
 * hang (NFS) is the wrong thing to name in a check. A fifo or a device is there like any file, but
 * nothing is read from it. */
#include "check/probe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/agent.h"
#include "check/flight_io.h"
#include "check/local.h"
#include "check/outcome.h"
#include "config/model.h"

/* Not there, or nothing that we may see: a failure, unless we have run out of means to look. */
static void cannot_look(struct flight *flight, int error)
{
	struct outcome outcome = outcome_of_error(STEP_SOCKET, error);

	if (outcome.reason != REASON_RESOURCES)
		outcome = (struct outcome){.reason = REASON_MISSING, .fault = strerror(error)};
	flight_end(flight, &outcome);
}

/* The first line with a word in it; none, or one that is not whole in the head: nothing is said. */
static struct outcome weight_of(const char *head, size_t size, char *said)
{
	struct agent_reply reply = {0};
	const char *line;
	size_t length;

	if (agent_find(head, size, size < LOCAL_FILE_HEAD, &line, &length))
		reply = agent_read(line, length, true);
	return agent_outcome_of_file(&reply, said);
}

static void file_start(struct flight *flight)
{
	struct outcome outcome = {.reason = REASON_PASSED, .fault = "there"};
	char head[LOCAL_FILE_HEAD], said[OUTCOME_SAID];
	struct stat about;
	ssize_t got = 0;

	flight_did(flight, "open %s", flight->check->file);
	flight->fd = open(flight->check->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (flight->fd < 0 && errno == ENXIO) { /* a socket, or a device without a driver */
		flight_end(flight, &outcome);
		return;
	}
	if (flight->fd < 0 || fstat(flight->fd, &about)) {
		cannot_look(flight, errno);
		return;
	}
	if (S_ISREG(about.st_mode))
		got = read(flight->fd, head, sizeof(head));
	if (got < 0) {
		cannot_look(flight, errno);
		return;
	}
	if (got > 0)
		flight_heard(flight, head, (size_t)got);
	if (flight->check->weight_from_file)
		outcome = weight_of(head, (size_t)got, said);
	else if (local_file_says_down(head, (size_t)got))
		outcome = (struct outcome){.reason = REASON_SAYS_DOWN, .fault = "says down"};
	flight_end(flight, &outcome);
}

static void file_stop(struct flight *flight)
{
	(void)flight;
}

const struct probe_type probe_file = {.start = file_start, .stop = file_stop};
