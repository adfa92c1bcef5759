/* Lines on standard error (text for people and the journal, JSON for collectors) or to /dev/log. One write per line, and
 * none that waits: a pager that nobody scrolls, a stopped terminal or a hanging journal must not silence a master. What
 * finds no room is counted, and the count is told when there is room again. syslog(3) waits, so it is not used. */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define LINE_MAX_BYTES 2048
#define SYSLOG_PATH "/dev/log"
#define SYSLOG_DAEMON (3 << 3) /* the facility */
#define SYSLOG_FD 64 /* or above: low numbers have a meaning in workers */

/* What standard error is. */
enum sink {
	SINK_OTHER,   /* poll(2) says whether there is room; two writers may both believe it */
	SINK_AT_ONCE, /* a write never waits: a file, or ours does not */
	SINK_SOCKET,
};

static struct {
	const char *program;
	enum log_level level, forced; /* forced: LOG_LEVELS, none is */
	bool json, journal, syslog;
	enum sink sink;
	int syslog_fd; /* -1: none */
	bool syslog_streams;
	unsigned lost;
} settings = {.program = "lbha", .level = LOG_LEVEL_INFO, .forced = LOG_LEVELS, .syslog_fd = -1};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int level_syslog[] = {3, 4, 6, 7};

/* ---- where lines go ---------------------------------------------------------------------------------------- */

/* Whether it waits is a matter of the open file, which others may share: so it is opened once more. Workers inherit ours;
 * they could not, having other users. */
static bool error_without_waiting(void)
{
	int flags = fcntl(STDERR_FILENO, F_GETFL), own;

	if (flags >= 0 && flags & O_NONBLOCK)
		return true;
	own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return false;
	dup2(own, STDERR_FILENO);
	close(own);
	return true;
}

static enum sink error_sink(void)
{
	struct stat error;

	if (fstat(STDERR_FILENO, &error))
		return SINK_OTHER;
	if (S_ISSOCK(error.st_mode))
		return SINK_SOCKET;
	return S_ISREG(error.st_mode) || error_without_waiting() ? SINK_AT_ONCE : SINK_OTHER;
}

static int syslog_connect(int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = SYSLOG_PATH};
	int low = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, SYSLOG_FD), err;

	if (low >= 0)
		close(low);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static void syslog_open(void)
{
	if (settings.syslog_fd >= 0)
		close(settings.syslog_fd);
	settings.syslog_streams = false;
	settings.syslog_fd = syslog_connect(SOCK_DGRAM);
	if (settings.syslog_fd >= 0 || errno != EPROTOTYPE)
		return;
	settings.syslog_streams = true;
	settings.syslog_fd = syslog_connect(SOCK_STREAM);
}

void log_open(const char *program)
{
	const char *target = getenv("LBHA_LOG_TARGET");

	settings.sink = error_sink();
	settings.program = program;
	settings.journal = getenv("JOURNAL_STREAM") != NULL;
	settings.syslog = target && !strcmp(target, "syslog");
	tzset(); /* reads the zone while a file may be opened: localtime_r(3), timegm(3) */
	if (settings.syslog)
		syslog_open();
}

void log_configure(enum log_level level, bool json)
{
	settings.level = level;
	settings.json = json;
}

void log_force(enum log_level level)
{
	settings.forced = level;
}

bool log_wants(enum log_level level)
{
	return level <= (settings.forced < LOG_LEVELS ? settings.forced : settings.level);
}

static void stamp(char *out, size_t size)
{
	struct timespec now;
	struct tm parts;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	length = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out + length, size - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static void text_add_json(struct text *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			text_add(out, "\\%c", *value);
		else
			text_add(out, "%c", *value);
	}
}

static void line_json(struct text *line, enum log_level level, const char *message)
{
	char when[40];

	stamp(when, sizeof(when));
	text_add(line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,\"message\":\"", when,
		 level_names[level], settings.program, (int)getpid());
	text_add_json(line, message);
	text_add(line, "\"}");
}

static void line_text(struct text *line, enum log_level level, const char *message)
{
	char when[40];

	if (settings.journal) {
		text_add(line, "<%d>%s: ", level_syslog[level], settings.program);
	} else {
		stamp(when, sizeof(when));
		text_add(line, "%s %s: ", when, settings.program);
	}
	if (level <= LOG_LEVEL_WARNING)
		text_add(line, "%s: ", level_names[level]);
	text_add(line, "%s", message);
}

/* As RFC 3164 has it; the zero ends it in a stream. */
static void line_syslog(struct text *line, enum log_level level, const char *message)
{
	char when[32] = "";
	time_t now = time(NULL);
	struct tm parts;

	if (localtime_r(&now, &parts))
		strftime(when, sizeof(when), "%b %e %T", &parts);
	text_add(line, "<%d>%s %s[%d]: %s", SYSLOG_DAEMON | level_syslog[level], when, settings.program, (int)getpid(),
		 message);
}

static bool is_gone(int error)
{
	return error == ECONNREFUSED || error == ECONNRESET || error == ENOTCONN || error == EPIPE ||
	       error == EBADF || error == EDESTADDRREQ;
}

/* The other end may have been started anew since the last line. */
static bool syslog_now(const char *bytes, size_t size)
{
	size_t whole = size + settings.syslog_streams;

	if (send(settings.syslog_fd, bytes, whole, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (!is_gone(errno))
		return false;
	syslog_open();
	whole = size + settings.syslog_streams;
	return send(settings.syslog_fd, bytes, whole, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* Kernels before 6.5 cannot be told not to wait for a pipe. */
static bool poll_and_write(const char *bytes, size_t size)
{
	struct iovec part = {.iov_base = (char *)(uintptr_t)bytes, .iov_len = size};
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (pwritev2(STDERR_FILENO, &part, 1, -1, RWF_NOWAIT) >= 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, bytes, size) >= 0;
}

/* False: there is no room now, or nobody to read it. */
static bool error_now(const char *bytes, size_t size)
{
	switch (settings.sink) {
	case SINK_AT_ONCE:
		return write(STDERR_FILENO, bytes, size) >= 0;
	case SINK_SOCKET:
		return send(STDERR_FILENO, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
	case SINK_OTHER:
		break;
	}
	return poll_and_write(bytes, size);
}

static void line_write(enum log_level level, const char *message)
{
	char buffer[LINE_MAX_BYTES];
	struct text line = text_of(buffer, sizeof(buffer) - 1);

	if (settings.syslog)
		line_syslog(&line, level, message);
	else if (settings.json)
		line_json(&line, level, message);
	else
		line_text(&line, level, message);
	if (!settings.syslog)
		buffer[line.length++] = '\n';
	if (settings.syslog ? !syslog_now(buffer, line.length) : !error_now(buffer, line.length))
		settings.lost++;
}

static void tell_lost(void)
{
	unsigned lost = settings.lost;
	char message[80];

	settings.lost = 0;
	snprintf(message, sizeof(message), "%u lines of the log before this one are lost: nobody took them", lost);
	line_write(LOG_LEVEL_WARNING, message);
	if (settings.lost)
		settings.lost = lost;
}

void log_at(enum log_level level, const char *format, ...)
{
	char message[LINE_MAX_BYTES - 256];
	va_list list;

	if (!log_wants(level))
		return;
	va_start(list, format);
	vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	text_clean(message);
	if (settings.lost)
		tell_lost();
	line_write(level, message);
}

bool log_limit(struct log_bucket *bucket, nstime now, unsigned *suppressed)
{
	nstime earned;

	if (!bucket->filled) {
		bucket->filled = now;
		bucket->tokens = bucket->burst;
	}
	earned = bucket->every > 0 ? (now - bucket->filled) / bucket->every : 0;
	if (earned > 0) {
		bucket->filled += earned * bucket->every;
		bucket->tokens = earned >= bucket->burst - bucket->tokens ? bucket->burst :
									    bucket->tokens + (unsigned)earned;
	}
	if (!bucket->tokens) {
		bucket->swallowed++;
		return false;
	}
	bucket->tokens--;
	*suppressed = bucket->swallowed;
	bucket->swallowed = 0;
	return true;
}
