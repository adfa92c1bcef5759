/* The table of net/nft.h in the kernel, by libnftables, which is opened when the first rule is wanted
 * (linked, it would cost each worker a megabyte). What libnftables lists is in its own words, so a
 * table is compared with what it listed right after the transaction. A watch tells when anybody,
 * ourselves included, touched the table. */
#ifndef LBHA_NET_NFT_IO_H
#define LBHA_NET_NFT_IO_H

#include <stdbool.h>
#include <stddef.h>

#include "core/loop.h"

/* Carries out a transaction (nft_transaction), all or nothing. 0; -ENOTSUP: there is no libnftables;
 * -EIO: it was refused. `why` then says so in one line. */
int nft_run(const char *transaction, char *why, size_t room);

/* The kernel's table as text for the caller to free, "" when there is none. Errors as nft_run(), and
 * -ENOMEM. */
int nft_list(char **out, char *why, size_t room);

struct nft_watch {
	struct loop_io io;
	int socket; /* -1: closed */
	void (*touched)(void *ctx);
	void *ctx;
};

/* Calls back from the loop when the table was touched. 0 or -errno: `watch` is closed then. */
int nft_watch_open(struct nft_watch *watch, struct loop *loop, void (*touched)(void *ctx),
		   void *ctx);
void nft_watch_close(struct nft_watch *watch);
/* Takes in what has come by now: in how many transactions the table was touched; NFT_WATCH_LOST or more
 * when some of it was lost (a table of thousands of elements is told one by one), or when nothing
 * watches. */
#define NFT_WATCH_LOST 1000
unsigned nft_watch_drain(struct nft_watch *watch);

#endif
