/* lbhad as process 1 of a container. That one has duties which nobody else has: it inherits every orphan and must reap it,
 * signals that it does not handle do not end it, and all processes end with it in the same moment. */
#ifndef LBHA_DAEMON_FIRST_H
#define LBHA_DAEMON_FIRST_H

/* Returns at once, in the process that is to be the daemon: ourselves, unless we are process 1; then a child of it.
 * Process 1 never returns. It reaps, hands signals on to the daemon, and exits with the daemon's status (128 and the signal
 * that ended it): when all others have ended too, since the workers of a daemon that was killed still release. */
void first_process(void);

#endif
