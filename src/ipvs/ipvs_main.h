/* The ipvs worker: makes the kernel's IPVS table what the model and the verdicts of the check
 * worker want, keeps it so, and tells others how services fare. */
#ifndef LBHA_IPVS_IPVS_MAIN_H
#define LBHA_IPVS_IPVS_MAIN_H

/* Runs the worker in the process that the supervisor started for it (core/worker.h), with
 * CAP_NET_ADMIN. Returns the exit status. */
int ipvs_main(void);

#endif
