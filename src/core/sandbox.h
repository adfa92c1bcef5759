/* What a worker may still ask of the kernel once it has started (seccomp(2)). Each has a list of system calls; any
 * other fails with EPERM, and the kernel's log names it where it keeps one. Calls that no worker has a reason for and
 * that would matter (programs, other processes, mounts, modules) end it at once instead: the supervisor starts
 * another. What was written to memory can never be executed.
 *
 * Capabilities and users (core/child.h) bound what a call that is on a list can do; the list bounds what is there to
 * be tried at all. */
#ifndef LBHA_CORE_SANDBOX_H
#define LBHA_CORE_SANDBOX_H

enum sandbox {
	SANDBOX_COMPILER, /* opens files to read: libcrypto, when certificates are to be judged */
	SANDBOX_CONTROL,  /* opens nothing, and serves clients */
	SANDBOX_CHECK,    /* opens files to read, and connections */
	SANDBOX_IPVS,     /* opens netlink, and sysctls to write */
	SANDBOX_VRRP,     /* the same, and raw and packet sockets */
	SANDBOX_EXPORTER, /* opens nothing, connects to the control socket, and serves clients */
	SANDBOXES,
};

/* For this process and all its threads, for ever. -errno when the kernel has no filters; -ENOTSUP when built with
 * a sanitizer, which needs calls of its own. */
int sandbox_enter(enum sandbox sandbox);

/* As sandbox_enter(), and whoever has secrets leaves no core file and can be traced by root alone; a failure is a warning in the log: without a filter the worker works all the same. */
void sandbox_begin(enum sandbox sandbox);

#endif
