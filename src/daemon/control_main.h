/* The control worker: answers operators on the control socket from a mirror of all facts, and hands
 * their commands to the supervisor. It has no rights, and waits for nobody: it answers when every
 * other worker hangs. */
#ifndef LBHA_DAEMON_CONTROL_MAIN_H
#define LBHA_DAEMON_CONTROL_MAIN_H

/* Runs the worker in the process that the supervisor started for it, already without rights; it
 * listens on WORKER_FD_CONTROL. Returns the exit status. */
int control_main(void);

#endif
