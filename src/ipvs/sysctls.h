/* The sysctls that the ways to the servers need, and those that the file asks for:
 *   net.ipv4.ip_forward, net.ipv6.conf.all.forwarding
 *                         nat, fullnat: answers pass through the director
 *   net.ipv4.conf.*.send_redirects 0
 *                         nat, fullnat (IPv4): where clients and servers are in one network, the kernel
 *                         would tell servers to answer past the director; of `all` and of the
 *                         interfaces of the addresses. dr and tunnels forward nothing.
 *   net.ipv4.vs.conntrack fullnat: what nftables translates needs a connection of netfilter
 *   net.ipv4.vs.expire_nodest_conn
 *                         on_failure: remove, or connections of a server that is gone hang
 *   net.ipv4.vs.expire_quiescent_template
 *                         persistence with on_failure: quiesce, or clients come back to a dead server
 *   net.ipv4.conf.*.accept_local 1
 *                         via: vip (IPv4): answers to its probes come from a virtual address, which on
 *                         a MASTER is one of this machine's own; of the links towards the servers
 *   net.ipv4.conf.*.rp_filter 2
 *                         likewise, where the filter is strict (1): the address may be at home elsewhere
 * Those of expire_* are only wished: what global.ipvs.sysctls says goes before them. All that is wanted
 * is ours while it is, also what happens to stand there already; what somebody changes is put right,
 * and at the end each value is put back to what it was, unless somebody changed it. Kernel:
 * net/netfilter/ipvs/ip_vs_ctl.c (vs_vars), ip_vs_core.c; ip_forward.c. */
#ifndef LBHA_IPVS_SYSCTLS_H
#define LBHA_IPVS_SYSCTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/sysctl.h"

struct arena;
struct model;
struct text;

struct ipvs_sysctl_want {
	struct sysctl_want want;
	const char *why; /* "services use nat" */
};

/* In the order in which they are to be set, each path once. */
struct ipvs_sysctls {
	struct ipvs_sysctl_want *wants;
	size_t count;
};

/* One that is ours. */
struct ipvs_sysctl_owned {
	char path[SYSCTL_PATH];
	int64_t former, set;
	bool refused; /* the kernel did not take the value */
};

/* What a model wants; nothing without services. -ENOMEM, -ENAMETOOLONG. */
int ipvs_sysctls_wanted(struct arena *arena, const struct model *model, struct ipvs_sysctls *out);
/* What answers to probes with via: vip need of the link that they come in by. The same errors. */
int ipvs_sysctls_want_answers(struct arena *arena, struct ipvs_sysctls *out, const char *link,
			      bool is_strict);
/* NULL when the path is not among them. */
const struct ipvs_sysctl_want *ipvs_sysctls_find(const struct ipvs_sysctls *wanted,
						 const char *path);

/* Whether a path is one of those that could be wanted here: others who write to the same owned file
 * have sysctls of their own. */
bool ipvs_sysctl_is_ours(const char *path);
/* Whether it is one of IPVS itself: a kernel may lack it. */
bool ipvs_sysctl_is_vs(const char *path);

/* What to do with a wanted one that stands at `actual`; `owned` NULL: it is not ours yet. */
struct ipvs_sysctl_step {
	bool note;      /* `set` is to be written down first */
	bool write;     /* then the value */
	bool is_repair; /* somebody else has changed it */
	int64_t set;
};
struct ipvs_sysctl_step ipvs_sysctl_step(const struct sysctl_want *want,
					 const struct ipvs_sysctl_owned *owned, int64_t actual);

/* As sysctl(8) names it: "net.ipv4.ip_forward"; with slashes where a name has a dot of its own. */
void ipvs_sysctl_name(const char *path, struct text *out);

#endif
