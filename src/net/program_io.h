/* Another program, run to its end: no shell, an environment of our own, looked for in fixed folders
 * only, and not for ever. */
#ifndef LBHA_NET_PROGRAM_IO_H
#define LBHA_NET_PROGRAM_IO_H

#include <stddef.h>

#define PROGRAM_SECONDS 20 /* a busy machine may take some */

struct program_said {
	char *out; /* standard output, to be freed; terminated */
	char error[256]; /* the first line of standard error; else how it ended */
};

/* Runs `words[0]` (a name without a folder; at most eight words, then NULL) with `input` on its standard
 * input. 0: it ended with 0, and `said->out` is the caller's to free; -ENOENT: it is nowhere;
 * -ETIMEDOUT: it was killed for taking too long; -EFBIG: it said too much; -EIO: it failed; -errno. Whenever it is not 0
 * `said->error` is one line that says why. */
int program_run(const char *const *words, const char *input, struct program_said *said);

#endif
