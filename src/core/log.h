/* The log: one line per message, in a sentence for an operator. It goes to the journal in its own protocol, with fields
 * (systemd.journal-fields(7)), when standard error leads there or global.log.target says so; to standard error, with the
 * <N> priority prefix where that is the journal's; or to syslog (global.log.target, LBHA_LOG_TARGET=syslog in the
 * environment). Only effects and mains log. Never pass a secret. */
#ifndef LBHA_CORE_LOG_H
#define LBHA_CORE_LOG_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/nstime.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVELS,
};

/* As struct log_global has it. */
enum log_target {
	LOG_TARGET_AUTO,
	LOG_TARGET_JOURNAL,
	LOG_TARGET_STDERR,
	LOG_TARGET_SYSLOG,
};

/* Sets who is speaking (kept, not copied) and where to, by the environment. */
void log_open(const char *program);
void log_configure(enum log_level level, bool json, enum log_target target);
/* A level in place of the configured one, until it is given again; LOG_LEVELS: the configured one. */
void log_force(enum log_level level);
bool log_wants(enum log_level level);

void log_at(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* For whoever is about to end: waits, for at most `patience`, until the journal has taken what was said. It looks up who
 * speaks when it reads a line, and one whose process is gone by then is in no unit: `journalctl -u` does not show it
 * (systemd issue 2913). With other targets there is nothing to wait for. Blocks. */
void log_settle(nstime patience);

/* What a message is about: fields of the journal (LBHA_EVENT, LBHA_INSTANCE …) and members of JSON lines. NULL: nothing
 * of that kind. `event` is an event's name as in lbhactl(8). */
struct log_about {
	const char *event, *instance, *sync_group, *service, *server;
};
void log_event(enum log_level level, const struct log_about *about, const char *format, ...) PRINTF_LIKE(3, 4);

/* A bucket for messages that repeat: at most `burst` at once and one more every `every`. log_limit says whether to
 * speak now; *suppressed is how many were swallowed since the last that was let through. */
struct log_bucket {
	nstime every;
	unsigned burst;
	nstime filled;
	unsigned tokens, swallowed;
};
bool log_limit(struct log_bucket *bucket, nstime now, unsigned *suppressed);

#endif
