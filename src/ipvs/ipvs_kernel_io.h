/* The kernel's table as the worker handles it: opened when first needed, opened again when it
 * breaks, every operation counted, every refusal logged once. Whether the kernel has what the
 * worker believes it has is `in_sync`: false from the first operation that went wrong until a dump
 * agrees. */
#ifndef LBHA_IPVS_IPVS_KERNEL_IO_H
#define LBHA_IPVS_IPVS_KERNEL_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/facts.h"
#include "ipvs/plan.h"

struct arena;
struct ipvs_io;

/* Told each refused operation, with a sentence (ipvs_refusal_format). */
typedef void ipvs_kernel_refused(void *ctx, const struct ipvs_op *op, const char *words);

struct ipvs_kernel {
	struct ipvs_io *io;
	struct ipvs_io *reader; /* for dumps in pieces */
	ipvs_kernel_refused *refused; /* NULL: nobody wants to know */
	void (*alive)(void *ctx);     /* ipvs_io_tell_alive; likewise */
	void *ctx;
	uint64_t operations; /* sent so far */
	uint64_t kinds[FACT_OPERATIONS]; /* of these by kind, without a predecessor's */
	nstime silent; /* when it did not answer in time; not asked again for as long as that takes, so
			  that nobody waits for it twice in a row; 0: it answers */
	bool in_sync;
	char error[FACT_DETAIL]; /* the first refusal of the last run that had one; until a dump
				    agrees */
};

/* 0 when IPVS can be spoken to; -ENOENT: this kernel has none; -ETIMEDOUT: it has just not answered; other
 * -errno. `error` says it in
 * words. */
int ipvs_kernel_open(struct ipvs_kernel *kernel);
void ipvs_kernel_close(struct ipvs_kernel *kernel);

/* The actual table. A socket that fails is opened again once. `error` has words for the errno
 * returned. */
int ipvs_kernel_dump(struct ipvs_kernel *kernel, struct arena *arena, struct ipvs_table *out);

/* The same, but for services whose destinations are known (ipvs_io_dump_unknown). */
int ipvs_kernel_dump_unknown(struct ipvs_kernel *kernel, struct arena *arena,
			     struct ipvs_table *out,
			     const struct ipvs_service *(*known)(
				     void *ctx, const struct ipvs_service_key *key),
			     void *ctx);

/* The socket for dumps in pieces; -errno. */
int ipvs_kernel_open_reader(struct ipvs_kernel *kernel);
void ipvs_kernel_close_reader(struct ipvs_kernel *kernel);

/* The destinations of these services alone (ipvs_io_dump_dests). */
int ipvs_kernel_dump_dests(struct ipvs_kernel *kernel, struct arena *arena,
			   struct ipvs_table *services);

/* Carries operations out. False when any was refused or it is not known what happened: then in_sync
 * is false. */
bool ipvs_kernel_run(struct ipvs_kernel *kernel, const struct ipvs_op *ops, size_t count);

/* A dump agreed with what is wanted. */
void ipvs_kernel_agrees(struct ipvs_kernel *kernel);

#endif
