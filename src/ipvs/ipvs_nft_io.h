/* The table of nftables rules that the ipvs worker owns: made, changed as a whole in one transaction,
 * watched, repaired, removed. What is wanted: ipvs/nft.h. Nothing is opened before the first rule
 * is wanted. A transaction waits for those of others, for as long as they take. The owned file has a
 * digest of what was wanted and of what the kernel made of that, so a start knows a table that is still
 * as an earlier run left it, and leaves it alone. */
#ifndef LBHA_IPVS_IPVS_NFT_IO_H
#define LBHA_IPVS_IPVS_NFT_IO_H

#include <stdbool.h>

#include "config/facts.h"
#include "core/loop.h"
#include "net/nft_io.h"
#include "net/owned.h"

struct contests;
struct ipvs_state;

struct ipvs_nft {
	struct loop *loop;
	int fd;               /* the owned file; not ours to close */
	bool ours;            /* our line stands in it */
	bool touched;         /* since it was listed last */
	char *text;           /* wanted, and in the kernel unless there is an error; NULL: none */
	char *listed;         /* what libnftables made of it */
	uint64_t digest;      /* of both, as the owned file has it; 0: it has none */
	bool watching;
	struct nft_watch watch;
	struct contests *contests; /* asked before a repair; not ours */
	char error[FACT_DETAIL];
	void (*changed)(void *ctx); /* somebody touched the table: to be looked at */
	void *ctx;
};

/* Takes what the owned file says. `changed` is called from the loop. */
void ipvs_nft_init(struct ipvs_nft *nft, struct loop *loop, int fd,
		     const struct owned_set *file, void (*changed)(void *ctx), void *ctx);
void ipvs_nft_fini(struct ipvs_nft *nft);

/* On the way from the running generation to the next: before anything of it is programmed, after all that
 * is new was, and when what is old is gone (then `from` is `to`). `from` NULL: lbhad starts, and
 * what an earlier one left is kept working. */
void ipvs_nft_pass(struct ipvs_nft *nft, const struct ipvs_state *from,
		   const struct ipvs_state *to, bool is_programmed);

/* What the step from one to the other would change, line by line. */
void ipvs_nft_tell(const struct ipvs_state *from, const struct ipvs_state *to,
		   void (*line)(void *ctx, const char *text), void *ctx);

/* Makes the kernel's table so again if it is not. Returns how many repairs that took: 0 or 1. */
unsigned ipvs_nft_look(struct ipvs_nft *nft, nstime now);

/* The stop: the table goes. */
void ipvs_nft_remove(struct ipvs_nft *nft);

#endif
