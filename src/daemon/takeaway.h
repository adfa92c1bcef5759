/* Takes what a vrrp worker has put into the kernel away without one: addresses, routes, links of virtual MAC addresses and
 * the sysctls below them, as the owned file says, which is kept. What belongs to ipvs stays. */
#ifndef LBHA_DAEMON_TAKEAWAY_H
#define LBHA_DAEMON_TAKEAWAY_H

/* `owned` is the owned file's descriptor, whose lock the caller has. Waits for the kernel. 0: nothing is left; -errno. */
int takeaway(int owned);

#endif
