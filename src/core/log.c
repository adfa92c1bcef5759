/* Lines on standard error: text for people and the journal, JSON for collectors. One write per line, and none that
 * waits: a pager that nobody scrolls, a stopped terminal or a hanging journal must not silence a master. What finds no
 * room is counted, and the count is told when there is room again. */
#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define LINE_MAX_BYTES 2048

static struct {
	const char *program;
	enum log_level level;
	bool json, journal, syslog;
	bool is_file; /* standard error never waits for a reader */
	unsigned lost;
} settings = {.program = "lbha", .level = LOG_LEVEL_INFO};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int level_syslog[] = {3, 4, 6, 7};

void log_open(const char *program)
{
	const char *target = getenv("LBHA_LOG_TARGET");
	struct stat error;

	settings.is_file = !fstat(STDERR_FILENO, &error) && S_ISREG(error.st_mode);
	settings.program = program;
	settings.journal = getenv("JOURNAL_STREAM") != NULL;
	settings.syslog = target && !strcmp(target, "syslog");
	if (settings.syslog)
		openlog(program, LOG_PID, LOG_DAEMON);
	tzset(); /* reads the zone while a file may be opened: syslog(3), timegm(3) */
}

void log_configure(enum log_level level, bool json)
{
	settings.level = level;
	settings.json = json;
}

bool log_wants(enum log_level level)
{
	return level <= settings.level;
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

/* False: there is no room now, or nobody to read it. Not every file can be told not to wait (a terminal cannot). */
static bool write_now(char *bytes, size_t size)
{
	struct iovec part = {.iov_base = bytes, .iov_len = size};
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (!settings.is_file) {
		if (pwritev2(STDERR_FILENO, &part, 1, -1, RWF_NOWAIT) >= 0)
			return true;
		if (errno != EOPNOTSUPP && errno != ENOSYS)
			return false;
		if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
			return false;
	}
	return write(STDERR_FILENO, bytes, size) >= 0;
}

static void line_write(enum log_level level, const char *message)
{
	char buffer[LINE_MAX_BYTES];
	struct text line = text_of(buffer, sizeof(buffer) - 1);

	if (settings.json)
		line_json(&line, level, message);
	else
		line_text(&line, level, message);
	buffer[line.length] = '\n';
	if (!write_now(buffer, line.length + 1))
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
	if (settings.syslog) {
		syslog(level_syslog[level], "%s", message);
		return;
	}
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
