/* The nftables table "inet lbha": which packets get a firewall mark, and whose client address is
 * replaced on the way to a real server; and which probes may leave. Pure: a list of wanted rules to the text of one transaction,
 * and to the differences between two of them.
 *
 *   marks       in prerouting at priority -150 (mangle), and in output for clients on the director
 *               itself: ahead of IPVS, which takes packets at the local input and output. The whole
 *               mark is set, since IPVS compares the whole (ip_vs_service_find). One look-up,
 *               however many there are. Fragments have no port: IPVS puts them together again before
 *               it asks, and what comes of that has the mark of the first.
 *   addresses   in postrouting of type nat, so once per connection: connections that were made to
 *               the virtual address (ct original, which IPVS leaves as it was) or carry the mark of
 *               a service, and now go to one of its servers. What else goes there, a probe or a
 *               client that knows the server's own address, is left alone.
 *   probes      in postrouting: those with via: vip leave for their server or not at all
 *               (net/nft_way.h).
 *
 * The text is ours to compare with itself only: what the kernel has is compared with what it had
 * after the transaction (net/nft_io.h). */
#ifndef LBHA_NET_NFT_H
#define LBHA_NET_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct arena;

#define NFT_TABLE "lbha"

/* Packets to an endpoint (with a port) get a mark. Key: protocol, endpoint. */
struct nft_mark {
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP */
	struct endpoint listen;
	uint32_t mark;
};

/* Connections of a service with a server come from other addresses than the client's. Key: all but
 * the sources. */
struct nft_snat {
	uint32_t mark;          /* of the service; 0: it has a listener: */
	uint8_t protocol;
	struct endpoint listen; /* port 0: all ports; with a mark the family alone */
	struct endpoint server; /* port 0: whichever */
	const struct addr *source;
	size_t source_count;    /* none: the address of the way out */
};

/* Packets with a mark leave for a server, or not at all. Key: the mark, which is of the rules' own kind. */
struct nft_way {
	uint32_t mark;
	struct addr server;
	bool wrapped; /* in packets to it (tunnel); else it is their next router */
};

struct nft_rules {
	struct nft_mark *marks;
	size_t mark_count;
	struct nft_snat *snats;
	size_t snat_count;
	struct nft_way *ways;
	size_t way_count;
	uint32_t way_base, way_mask; /* what no packet's mark has that none of the ways is for */
};

/* Sorts by key and drops doubles. */
void nft_rules_sort(struct nft_rules *rules);

/* All addresses of both; where both speak of one thing, the first counts. -ENOMEM. */
int nft_snats_merge(struct arena *arena, const struct nft_rules *first,
		    const struct nft_rules *second, struct nft_rules *out);

/* The table as text for nft(8), from its name to the last brace; "" when there is no rule. The rules
 * are sorted. NULL: no memory. */
const char *nft_text(struct arena *arena, const struct nft_rules *rules);

/* The transaction that puts a table in the place of whatever has its name; "" removes it. NULL: no
 * memory. */
const char *nft_transaction(struct arena *arena, const char *table);

/* Tells what one text has and the other has not, each line with the map or chain that it is in: "- …" of
 * the first, "+ …" of the second.
 * -ENOMEM (the arena is for scratch). */
int nft_text_changes(struct arena *arena, const char *before, const char *after,
		     void (*line)(void *ctx, const char *text), void *ctx);

#endif
