/* lbhad --withdraw: takes away what an lbhad that is no more has left in the kernel, without reading lbha.conf: for
 * ExecStopPost=, and for hands. */
#ifndef LBHA_DAEMON_WITHDRAW_H
#define LBHA_DAEMON_WITHDRAW_H

/* Whether all that was ours is gone: 0; also when there was nothing, or when it is left to the next lbhad on purpose. 1
 * (logged): it is not, or an lbhad runs there. `lbhad` is the executable, opened. */
int withdraw_run(const char *run_dir, int lbhad);

#endif
