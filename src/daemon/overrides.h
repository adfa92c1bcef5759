/* The list of overrides and its text: what stands in <state-dir>/overrides. Decides only;
 * overrides_file.h reads and writes the file. The text is JSON, one record a line:
 *
 *   {"lbha_overrides":1}
 *   {"object":"public","kind":"priority","value":"120","by":"root","comment":"","since":"2026-…Z","until":null}
 *
 *   {"object":"web/a","kind":"state","value":"drained",…,"deadline":"2026-…Z"}
 *
 * The head names the version. A line that is not understood (of a newer lbha, or damaged by hand)
 * is kept as it is and written again, so that nothing is lost by going back to an older version and
 * forth again. */
#ifndef LBHA_DAEMON_OVERRIDES_H
#define LBHA_DAEMON_OVERRIDES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/nstime.h"
#include "config/override.h"

#define OVERRIDES_MAX 4096
#define OVERRIDES_FILE_MAX ((size_t)16 << 20)

struct overrides {
	struct override *rows; /* oldest first */
	size_t count, room;
	char *kept; /* lines that were not understood, each with its end; may hold any byte */
	size_t kept_size;
};

/* All zero is an empty list. */
void overrides_free(struct overrides *list);

/* NULL: there is none. Valid until the list changes. */
const struct override *overrides_find(const struct overrides *list, enum override_kind kind,
				      const char *object);

/* Adds one, or puts it in the place of the one of the same kind and object. -EINVAL when it is not
 * sound (override_wrong), -ENOSPC above OVERRIDES_MAX, -ENOMEM. */
int overrides_set(struct overrides *list, const struct override *override);

/* A list of its own with the same rows (without the lines that were not understood); -ENOMEM. */
int overrides_copy(struct overrides *to, const struct overrides *from);

/* False: there was none. */
bool overrides_remove(struct overrides *list, enum override_kind kind, const char *object);

/* Takes out whatever ended at or before `now` (wall time), telling each (`tell` may be NULL);
 * returns how many. */
size_t overrides_expire(struct overrides *list, nstime now,
			void (*tell)(void *ctx, const struct override *gone), void *ctx);
/* When the next one ends, wall time; NSTIME_NEVER: none does. */
nstime overrides_next_end(const struct overrides *list);

/* Reads a text into an empty list. 0; -EPROTO when it is none of ours or of another version
 * (nothing was read); -ENOMEM. `tell` (may be NULL) is told of lines that are kept without being
 * understood. */
int overrides_parse(struct overrides *list, const char *text, size_t size,
		    void (*tell)(void *ctx, unsigned line, const char *why), void *ctx);

/* The whole text, malloc'ed, and its size; NULL when out of memory. */
char *overrides_format(const struct overrides *list, size_t *size);

#endif
