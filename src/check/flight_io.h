/* A flight: one probe under way, and the contract between the engine, which owns all flights, and
 * the types of probes, which know how to do one.
 *
 * The engine fills a flight and calls start(). The type works with sockets in the engine's loop and
 * ends the flight exactly once by flight_end(), which may happen inside start(). The deadline is
 * the engine's: when it comes, or when a reload removes the probe, the engine calls stop() by
 * itself; a type sets no limit of its own that ends earlier. stop() is called once per flight in
 * every case and lets go of all that the type took; the engine then closes `fd`. */
#ifndef LBHA_CHECK_FLIGHT_IO_H
#define LBHA_CHECK_FLIGHT_IO_H

#include <stdint.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/nstime.h"
#include "check/outcome.h"
#include "core/loop.h"

struct check;
struct engine;
struct flight;
struct look;
struct ssl_ctx_st;
struct patterns;

struct probe_type {
	/* What all flights of the type share, made at the first use; NULL functions: nothing.
	 * client_new gives NULL when out of memory. */
	void *(*client_new)(struct loop *loop);
	void (*client_free)(void *client);
	void (*start)(struct flight *flight);
	void (*stop)(struct flight *flight);
	/* What it means that the deadline has come; NULL: no connection, or no reply. */
	struct outcome (*expired)(const struct flight *flight);
};

struct flight {
	struct engine *engine;
	struct loop *loop;
	const struct probe_type *type;
	void *client;
	struct ssl_ctx_st *tls;    /* for checks that speak TLS; NULL: it cannot be had. Renewed as check */
	const struct check *check; /* of the committed model; the engine renews it at a reload, and */
	const struct patterns *patterns; /* its regular expressions with it */
	struct endpoint target;    /* where it connects to: the server, or (via: vip) a virtual address */
	struct addr server;        /* via: vip: whom its packets shall come to; family 0: directly */
	uint32_t mark;             /* and their mark; 0: none */
	bool tunnelled;            /* and IPVS wraps them on their way there */
	struct look *look;         /* beside the schedule, for an operator who looks on; NULL: an ordinary probe */
	uint32_t slot, probe;
	int fd;                                 /* the connection; -1: none */
	bool farewell;                          /* it has said goodbye: the server is to close first */
	struct loop_io io;                      /* watches fd while connecting, then the type's */
	void (*dialled)(struct flight *flight); /* dial_io.c: whom to call */
	nstime planned; /* when it was to start */
	nstime started, deadline;
	nstime connected; /* from the start; 0: not yet */
	void *request;    /* the type's own */
};

/* The probe begins only now, and has this long: for a type whose flights wait in line. */
void flight_begin(struct flight *flight, nstime patience);

/* The flight has ended so: the engine takes it apart, `flight` is gone after this. */
void flight_end(struct flight *flight, const struct outcome *outcome);
/* The same with an errno. */
void flight_fail(struct flight *flight, enum outcome_step step, int error);

/* What a type does, says and hears, for an operator who looks on (look_io.c); nothing for all others. */
void flight_did(const struct flight *flight, const char *format, ...) PRINTF_LIKE(2, 3);
void flight_sent(const struct flight *flight, const void *bytes, size_t size);
void flight_heard(const struct flight *flight, const void *bytes, size_t size);
/* The same of the heads of requests and answers of HTTP. */
void flight_sent_head(const struct flight *flight, const char *bytes, size_t size);
void flight_heard_head(const struct flight *flight, const char *bytes, size_t size);

#endif
