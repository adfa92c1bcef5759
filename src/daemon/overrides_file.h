/* <state-dir>/overrides on disk. It is replaced as a whole: written beside, made safe (fsync of
 * file and folder), renamed. What could not be read is never written over. */
#ifndef LBHA_DAEMON_OVERRIDES_FILE_H
#define LBHA_DAEMON_OVERRIDES_FILE_H

#include "daemon/overrides.h"

#define OVERRIDES_FILE "overrides"
#define OVERRIDES_WHY 128

/* Reads the file of the folder `dir` into an empty list; no file is an empty list. A negative errno
 * with `why` (OVERRIDES_WHY bytes) in words: no regular file of ours alone, too large, of another
 * version, unreadable. */
int overrides_file_read(int dir, struct overrides *list,
			void (*tell)(void *ctx, unsigned line, const char *why), void *ctx,
			char *why);

/* A negative errno when the file is as it was before (or, if only the folder could not be made
 * safe, perhaps new). */
int overrides_file_write(int dir, const struct overrides *list);

#endif
