/* The log: one line per event on standard error, in a sentence for an operator. Under systemd (JOURNAL_STREAM) lines
 * carry the <N> priority prefix; LBHA_LOG_TARGET=syslog in the environment sends them to syslog(3). Only effects and
 * mains log. Never pass a secret. */
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

/* Sets who is speaking (kept, not copied) and where to, by the environment. */
void log_open(const char *program);
void log_configure(enum log_level level, bool json);
/* A level in place of the configured one, until it is given again; LOG_LEVELS: the configured one. */
void log_force(enum log_level level);
bool log_wants(enum log_level level);

void log_at(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

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
