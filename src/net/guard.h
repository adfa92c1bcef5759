/* A guard of nftables: a table of our own that drops what is sent to given addresses of this
 * machine. Pure: addresses in, the bytes of one netlink transaction out.
 *
 * It stands at the local input behind IPVS (priority 101; net/netfilter/ipvs/ip_vs_core.c hooks in
 * at 98 and 99, and takes there what belongs to its services), so that a service on such an
 * address works and all else is dropped. ARP never comes here; neighbour discovery is let through,
 * for the address must be answered for.
 *
 * The table is owned by the socket that makes it (NFT_TABLE_F_OWNER, Linux 5.12): nobody else can
 * change it or flush it, and the kernel removes it when the socket closes, however the process
 * ends. */
#ifndef LBHA_NET_GUARD_H
#define LBHA_NET_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"

#define GUARD_PRIORITY 101
#define GUARD_NAME 32 /* room for a table's name */

/* Bytes that a transaction for so many addresses takes at most. */
size_t guard_size(size_t count);

/* The transaction that makes the table, with all it holds, in the place of an earlier one of the
 * same name (`replaces`). Its messages are numbered from `sequence` on; the last number, whose
 * acknowledgement is asked for, comes back in *last. */
void guard_put(struct writer *out, const char *table, bool replaces, const struct addr *addresses,
	       size_t count, uint32_t sequence, uint32_t *last);

#endif
