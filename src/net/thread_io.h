/* The two helper threads of this folder (monitor, rtnl writer) are started alike: no signals, a
 * small stack. */
#ifndef LBHA_NET_THREAD_IO_H
#define LBHA_NET_THREAD_IO_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread that takes no signals, with 256 KiB of stack (everything may be locked into
 * memory). -errno. */
int thread_start(pthread_t *out, void *(*run)(void *ctx), void *ctx);

/* An eventfd, non-blocking; -errno. */
int wake_open(void);
void wake_up(int fd);
void wake_clear(int fd);
/* Sleeps until the wake descriptor or another one (-1: none) is ready for `events`; whether the
 * other one is. */
bool wake_wait(int fd, int other, short events);

#endif
