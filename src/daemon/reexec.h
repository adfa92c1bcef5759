/* This process becomes another lbhad: same pid, same children, the descriptors of the baton and no others. Signals are
 * held back from before the execution until the new program has its handlers (reexec_done): none is lost, and none ends
 * the process by its default. */
#ifndef LBHA_DAEMON_REEXEC_H
#define LBHA_DAEMON_REEXEC_H

#include <stdbool.h>

struct baton;

#define REEXEC_OPTION "--resume=" /* and the number of the baton's descriptor; a contract between releases */

/* Executes `executable` with the arguments that this program was started with. Returns only when that failed: -errno,
 * and all is as before. `signal`: to be delivered to the new program; 0: none. */
int reexec(int executable, const char *path, char *const *argv, const struct baton *baton, int baton_fd, int signal);

/* The handlers are there. */
void reexec_done(void);

#endif
