/* The table of rs-agent/arp_filter.h in the kernel, by the program nft: linked, libnftables would
 * be most of what lbha-rs is. */
#ifndef LBHA_RS_AGENT_ARP_TABLE_IO_H
#define LBHA_RS_AGENT_ARP_TABLE_IO_H

struct arena;

#define ARP_TABLE_WHY 320

/* The kernel's table as nft lists it, in the arena; "" when there is none. -ENOENT: there is no
 * nft; -errno. `why` (ARP_TABLE_WHY bytes) then says so in one line. */
int arp_table_read(struct arena *arena, const char **out, char *why);

/* Puts the table there in the place of what has its name, all or nothing; "" removes it. Errors as
 * arp_table_read(). */
int arp_table_write(struct arena *arena, const char *table, char *why);

#endif
