/* The vrrp worker. */
#ifndef LBHA_VRRP_VRRP_MAIN_H
#define LBHA_VRRP_VRRP_MAIN_H

/* Runs as the worker of ROLE_VRRP, with the descriptors of core/worker.h; returns the exit status.
 * Wants CAP_NET_ADMIN and CAP_NET_RAW, and CAP_IPC_LOCK to lock its memory (without: a warning). */
int vrrp_main(void);

#endif
