/* Whether the installed lbhad can take this one's place: it is run as a child, with `--check --can-adopt`, and says so by
 * its exit status. It compiles the file and reads the state that it would be given, so that a binary that cannot start,
 * refuses the file or does not understand the state is found out while nothing has changed yet. It may read every file
 * and change nothing: no capability but CAP_DAC_READ_SEARCH. The loop goes on meanwhile. */
#ifndef LBHA_DAEMON_SUCCESSOR_H
#define LBHA_DAEMON_SUCCESSOR_H

#include <stdbool.h>

#include "base/nstime.h"

struct loop;
struct successor;

/* Descriptors of the child: the state, and where it says what is wrong (a text, line by line). They are a contract between
 * releases, as are the words of its command line. */
#define SUCCESSOR_FD_STATE 3
#define SUCCESSOR_FD_LINES 4

#define SUCCESSOR_PATIENCE (20 * NSTIME_S) /* thousands of instances compile in a second */

struct successor_order {
	int executable;         /* the installed lbhad, opened (successor_open) */
	const char *file;       /* lbha.conf */
	const char *node;       /* NULL: by host name */
	int state;              /* what it would be given (core/sealed.h); -1: none */
	nstime patience;        /* SUCCESSOR_PATIENCE; then it is killed, and has not accepted */
};

/* The end: accepted, or why not (one or several lines; valid during the call). Comes exactly once, from the loop. */
typedef void successor_done(void *ctx, bool accepted, const char *why);

/* The path by which this process was started, absolute and with symbolic links as they are: what is installed there later
 * is another file. malloc'ed; NULL (logged) when it cannot be found out. */
char *successor_path(const char *argv0);

/* Opens what is installed now. -errno. */
int successor_open(const char *path);

/* 0, or -errno: then nothing comes. The order's descriptors stay the caller's and are not needed afterwards. */
int successor_start(struct loop *loop, const struct successor_order *order, successor_done *done, void *ctx,
		    struct successor **out);
/* Kills it; nothing comes any more. NULL is fine. */
void successor_cancel(struct successor *successor);

#endif
