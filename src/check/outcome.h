/* How one probe ended, as a value; what that means (errno to reason) and how it is told to a
 * person. Nothing here touches a socket: the effects fill in what they saw.
 *
 * Reasons fall in three kinds. PASSED; failures, which count against the server; and what went
 * wrong on this machine (RESOURCES: no descriptor, port or memory; LOCAL: bind address, interface,
 * permission), which never does: a director that is out of descriptors must not empty the table. */
#ifndef LBHA_CHECK_OUTCOME_H
#define LBHA_CHECK_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nstime.h"
#include "config/facts.h"

struct check;
struct status_range;

#define OUTCOME_SAID 120 /* room for what a script, file or process said, with the zero */

/* Where in its life a probe was when it ended. */
enum outcome_step {
	STEP_SOCKET,    /* asking the kernel for a socket */
	STEP_INTERFACE, /* tying it to an interface */
	STEP_MARK,      /* via: vip: giving it its mark and an address of this machine */
	STEP_BIND,      /* giving it a source address */
	STEP_CONNECT,
	STEP_SEND,  /* no connection: giving a datagram to the kernel */
	STEP_REPLY, /* connected: speaking the protocol */
};

struct outcome {
	enum probe_reason reason;
	enum outcome_step step;
	int error;         /* errno that ended it; 0: none */
	uint16_t status;   /* http: the status; 0: none was read */
	uint32_t received; /* bytes of the answer, as far as known */
	struct advice told;  /* of the server, by this probe; the engine sets who says it */
	const char *fault; /* PROTOCOL, TOO_LARGE: what is wrong with the answer; REPLY_TIMEOUT, RESET: what
			    * was awaited ("greeting"); talks, script, file and process: what there was to
			    * say, passed or not. Static, or kept by the engine. */
	nstime connected;  /* from the start until the connection stood; 0: it never did */
	nstime latency;    /* from the start until the end */
};

/* An outcome of the kernel's errno at that step. */
struct outcome outcome_of_error(enum outcome_step step, int error);

/* What kept this machine from probing, as a subject remembers it beside its server's last outcome. */
struct hindrance {
	int16_t error; /* errno; 0: nothing did */
	uint8_t step;  /* enum outcome_step */
};

/* Of an outcome that is RESOURCES or LOCAL; else none. */
struct hindrance hindrance_of(const struct outcome *outcome);

/* As outcome_of_error(). */
struct outcome outcome_of_hindrance(struct hindrance hindrance);

/* Whether it counts against the server (rise and fall see it). */
bool outcome_counts(enum probe_reason reason);

/* The outcome when the deadline passes: CONNECT_TIMEOUT, or REPLY_TIMEOUT after a connection. */
struct outcome outcome_of_deadline(nstime connected, uint32_t received);

/* http: PASSED or STATUS. Without ranges 200-299 is wanted. */
struct outcome outcome_of_status(const struct check *check, uint16_t status);

/* "connect: refused", "status 503, wanted 200-299", "no reply within 1s (connected after 2ms)": one
 * line, cut to `size`; returns out. */
const char *outcome_describe(const struct outcome *outcome, const struct check *check, char *out,
			     size_t size);

#endif
