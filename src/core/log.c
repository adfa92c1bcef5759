/* Lines on standard error (text for people, JSON for collectors), to the journal or to /dev/log. One write per line, and
 * none that waits: a pager that nobody scrolls, a stopped terminal or a hanging journal must not silence a master. What
 * finds no room is counted, and the count is told when there is room again. syslog(3) waits, so it is not used. */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define MESSAGE_BYTES 1792
#define LINE_BYTES (2 * MESSAGE_BYTES + 2048) /* in JSON every byte may need an escape; names come with it */
#define SYSLOG_PATH "/dev/log"
#define JOURNAL_PATH "/run/systemd/journal/socket"
#define SYSLOG_DAEMON (3 << 3) /* the facility */
#define SETTLE_STEP (5 * NSTIME_MS)
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
	bool json, prefixed; /* prefixed: a journal reads standard error */
	enum log_target target; /* never AUTO once open */
	enum sink sink;
	int syslog_fd, journal_fd; /* -1: none */
	bool syslog_streams;
	unsigned lost;
} settings = {.program = "lbha", .level = LOG_LEVEL_INFO, .forced = LOG_LEVELS, .target = LOG_TARGET_STDERR,
	      .syslog_fd = -1, .journal_fd = -1};

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

static int connect_to(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int low = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, SYSLOG_FD), err;

	memcpy(to.sun_path, path, strlen(path) + 1);
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
	settings.syslog_fd = connect_to(SYSLOG_PATH, SOCK_DGRAM);
	if (settings.syslog_fd >= 0 || errno != EPROTOTYPE)
		return;
	settings.syslog_streams = true;
	settings.syslog_fd = connect_to(SYSLOG_PATH, SOCK_STREAM);
}

static void journal_open(void)
{
	if (settings.journal_fd >= 0)
		close(settings.journal_fd);
	settings.journal_fd = connect_to(JOURNAL_PATH, SOCK_DGRAM);
}

/* JOURNAL_STREAM is inherited by whoever is started, standard error perhaps not (systemd.exec(5)). */
static bool error_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat error;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && !fstat(STDERR_FILENO, &error) &&
	       device == error.st_dev && inode == error.st_ino;
}

/* Whoever has left the terminal (--daemon) has no standard error either. */
static enum log_target target_of(enum log_target wanted)
{
	const char *given = getenv("LBHA_LOG_TARGET");
	bool is_syslog = given && !strcmp(given, "syslog");

	if (wanted == LOG_TARGET_JOURNAL || wanted == LOG_TARGET_SYSLOG)
		return wanted;
	if (is_syslog)
		return LOG_TARGET_SYSLOG;
	return wanted == LOG_TARGET_AUTO && error_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR;
}

static void target_open(enum log_target wanted)
{
	settings.target = target_of(wanted);
	if (settings.target == LOG_TARGET_SYSLOG && settings.syslog_fd < 0)
		syslog_open();
	if (settings.target == LOG_TARGET_JOURNAL && settings.journal_fd < 0)
		journal_open();
}

void log_open(const char *program)
{
	settings.sink = error_sink();
	settings.program = program;
	settings.prefixed = getenv("JOURNAL_STREAM") != NULL;
	tzset(); /* reads the zone while a file may be opened: localtime_r(3), timegm(3) */
	target_open(LOG_TARGET_AUTO);
}

void log_configure(enum log_level level, bool json, enum log_target target)
{
	settings.level = level;
	settings.json = json;
	target_open(target);
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

/* ---- forms ------------------------------------------------------------------------------------------------- */

/* The worker's name: the last word of its program's, "lbhad" alone being the supervisor. */
static const char *worker(void)
{
	const char *blank = strrchr(settings.program, ' ');

	if (blank)
		return blank + 1;
	if (!strcmp(settings.program, "lbha-checkd"))
		return "check";
	return strcmp(settings.program, "lbhad") ? settings.program : "supervisor";
}

/* By field: a name in the journal, in JSON, and the value. */
struct field {
	const char *journal, *json, *value;
};

#define FIELDS 6

static void fields_of(const struct log_about *about, struct field out[FIELDS])
{
	static const struct log_about nothing;

	about = about ? about : &nothing;
	out[0] = (struct field){"LBHA_WORKER", "worker", worker()};
	out[1] = (struct field){"LBHA_EVENT", "event", about->event};
	out[2] = (struct field){"LBHA_INSTANCE", "instance", about->instance};
	out[3] = (struct field){"LBHA_SYNC_GROUP", "sync_group", about->sync_group};
	out[4] = (struct field){"LBHA_SERVICE", "service", about->service};
	out[5] = (struct field){"LBHA_SERVER", "server", about->server};
}

/* Of text without control characters. */
static void text_add_json(struct text *out, const char *value)
{
	for (; *value; value++)
		text_add(out, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
}

static void line_json(struct text *line, enum log_level level, const char *message, const struct log_about *about)
{
	struct field fields[FIELDS];
	char when[40], value[256];

	stamp(when, sizeof(when));
	text_add(line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,\"message\":\"", when,
		 level_names[level], settings.program, (int)getpid());
	text_add_json(line, message);
	text_add(line, "\"");
	fields_of(about, fields);
	for (size_t i = 0; i < FIELDS; i++) {
		if (!fields[i].value)
			continue;
		snprintf(value, sizeof(value), "%s", fields[i].value);
		text_clean(value);
		text_add(line, ",\"%s\":\"", fields[i].json);
		text_add_json(line, value);
		text_add(line, "\"");
	}
	text_add(line, "}");
}

/* As its native protocol has it: NAME=value, one a line; our values have no line breaks. */
static void line_journal(struct text *line, enum log_level level, const char *message, const struct log_about *about)
{
	struct field fields[FIELDS];
	const char *blank = strchr(settings.program, ' ');
	size_t name = blank ? (size_t)(blank - settings.program) : strlen(settings.program);
	bool is_ours = !strncmp(settings.program, "lbha", 4);

	text_add(line, "PRIORITY=%d\nSYSLOG_IDENTIFIER=%.*s\n", level_syslog[level], is_ours ? (int)name : 5,
		 is_ours ? settings.program : "lbhad");
	fields_of(about, fields);
	for (size_t i = 0; i < FIELDS; i++) {
		if (!fields[i].value)
			continue;
		text_add(line, "%s=", fields[i].journal);
		text_add_clean(line, fields[i].value, strlen(fields[i].value));
		text_add(line, "\n");
	}
	text_add(line, "MESSAGE=");
	if (settings.json)
		line_json(line, level, message, about);
	else
		text_add(line, "%s", message);
	text_add(line, "\n");
}

static void line_text(struct text *line, enum log_level level, const char *message)
{
	char when[40];

	if (settings.prefixed) {
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

/* The journal's socket outlives the journal; what is not there at all may come. */
static bool journal_now(const char *bytes, size_t size)
{
	if (send(settings.journal_fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (!is_gone(errno))
		return false;
	journal_open();
	return send(settings.journal_fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* What a receiver has not read yet is counted at the sender (unix(7), SIOCOUTQ). */
static bool is_read(int socket)
{
	int left = 0;

	return ioctl(socket, SIOCOUTQ, &left) || !left;
}

void log_settle(nstime patience)
{
	const struct timespec moment = {.tv_nsec = SETTLE_STEP};

	if (settings.target != LOG_TARGET_JOURNAL || settings.journal_fd < 0)
		return;
	for (nstime waited = 0; !is_read(settings.journal_fd) && waited < patience; waited += SETTLE_STEP)
		nanosleep(&moment, NULL);
	nanosleep(&moment, NULL); /* it was read just now: then comes the look */
}

static bool write_journal(enum log_level level, const char *message, const struct log_about *about)
{
	char buffer[LINE_BYTES];
	struct text line = text_of(buffer, sizeof(buffer));

	line_journal(&line, level, message, about);
	return journal_now(buffer, line.length);
}

static bool write_syslog(enum log_level level, const char *message)
{
	char buffer[LINE_BYTES];
	struct text line = text_of(buffer, sizeof(buffer));

	line_syslog(&line, level, message);
	return syslog_now(buffer, line.length);
}

static bool write_error(enum log_level level, const char *message, const struct log_about *about)
{
	char buffer[LINE_BYTES];
	struct text line = text_of(buffer, sizeof(buffer) - 1);

	if (settings.json)
		line_json(&line, level, message, about);
	else
		line_text(&line, level, message);
	buffer[line.length++] = '\n';
	return error_now(buffer, line.length);
}

/* Where there is no journal its lines go to standard error. */
static void line_write(enum log_level level, const char *message, const struct log_about *about)
{
	bool done;

	if (settings.target == LOG_TARGET_SYSLOG)
		done = write_syslog(level, message);
	else if (settings.target == LOG_TARGET_JOURNAL && write_journal(level, message, about))
		done = true;
	else if (settings.target == LOG_TARGET_JOURNAL && settings.journal_fd >= 0)
		done = false; /* it is there, and takes no more now */
	else
		done = write_error(level, message, about);
	settings.lost += !done;
}

static void tell_lost(void)
{
	unsigned lost = settings.lost;
	char message[80];

	settings.lost = 0;
	snprintf(message, sizeof(message), "%u lines of the log before this one are lost: nobody took them", lost);
	line_write(LOG_LEVEL_WARNING, message, NULL);
	if (settings.lost)
		settings.lost = lost;
}

static void log_message(enum log_level level, const struct log_about *about, const char *format, va_list list)
{
	char message[MESSAGE_BYTES];

	vsnprintf(message, sizeof(message), format, list);
	text_clean(message);
	if (settings.lost)
		tell_lost();
	line_write(level, message, about);
}

void log_at(enum log_level level, const char *format, ...)
{
	va_list list;

	if (!log_wants(level))
		return;
	va_start(list, format);
	log_message(level, NULL, format, list);
	va_end(list);
}

void log_event(enum log_level level, const struct log_about *about, const char *format, ...)
{
	va_list list;

	if (!log_wants(level))
		return;
	va_start(list, format);
	log_message(level, about, format, list);
	va_end(list);
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
