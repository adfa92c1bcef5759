/* The generic netlink messages of IPVS as bytes: requests from operations, replies into table
 * values. Nothing here knows a socket: a batch is a run of messages in a buffer of the caller's.
 * Netlink is host order but for addresses, ports and IPv4 masks. Kernel: linux/ip_vs.h,
 * net/netfilter/ipvs/ip_vs_ctl.c (ip_vs_genl_*), linux/netlink.h. */
#ifndef LBHA_IPVS_CODEC_H
#define LBHA_IPVS_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "ipvs/plan.h"
#include "ipvs/sync.h"
#include "ipvs/timeouts.h"

#define IPVS_MESSAGE_MAX 512 /* no request is larger */

/* ---- requests: each appends one message; a full writer turns failed -------------------------- */

/* `family` is the number that the kernel gave the family "IPVS"; `ack` asks for an answer when all
 * is well (an error is always answered). */
void ipvs_encode_op(struct writer *out, uint16_t family, uint32_t seq, bool ack,
		    const struct ipvs_op *op);
/* Asks for the number of the family "IPVS"; the kernel loads ip_vs for it when it can. */
void ipvs_encode_get_family(struct writer *out, uint32_t seq);
void ipvs_encode_dump_services(struct writer *out, uint16_t family, uint32_t seq);
void ipvs_encode_dump_dests(struct writer *out, uint16_t family, uint32_t seq,
			    const struct ipvs_service_key *key);

void ipvs_encode_get_timeouts(struct writer *out, uint16_t family, uint32_t seq);
void ipvs_encode_set_timeouts(struct writer *out, uint16_t family, uint32_t seq,
			      const struct ipvs_timeouts *timeouts);

void ipvs_encode_dump_daemons(struct writer *out, uint16_t family, uint32_t seq);
/* Starts or stops a daemon. */
void ipvs_encode_sync_op(struct writer *out, uint16_t family, uint32_t seq,
			 const struct ipvs_sync_op *op);

/* ---- replies --------------------------------------------------------------------------------- */

enum netlink_kind {
	NETLINK_DATA,  /* a message with a value */
	NETLINK_DONE,  /* the end of a dump; `error` when it ended badly */
	NETLINK_ERROR, /* an answer to one request: error 0 is the acknowledgement */
	NETLINK_OTHER,
};

struct netlink_message {
	enum netlink_kind kind;
	uint32_t seq;
	uint16_t type;
	int error;           /* 0 or negative errno */
	char text[128];      /* the kernel's own words about the error (NETLINK_EXT_ACK), or "" */
	struct reader value; /* after the netlink header; points into the input */
};

/* The next message of what was received; false at the end, with *malformed telling whether the end
 * is a fault. */
bool netlink_next(struct reader *in, struct netlink_message *out, bool *malformed);

/* The value of a DATA message of our family. */
struct ipvs_message {
	uint8_t command; /* IPVS_CMD_* */
	bool has_service, has_dest; /* else what stands there means nothing */
	struct ipvs_service service; /* without destinations */
	struct ipvs_dest dest;
};

/* Attributes that this build does not know are skipped; false when the value is malformed. A
 * destination without a family of its own (before Linux 3.18) has `service_family`. */
bool ipvs_decode_message(struct reader in, uint8_t service_family, struct ipvs_message *out);
/* The answer to get_timeouts, or a request to set them; those that it does not name are 0. */
bool ipvs_decode_timeouts(struct reader in, struct ipvs_timeouts *out);
/* One answer to dump_daemons, or a request to start or stop one: sets the daemon of its role. */
bool ipvs_decode_daemon(struct reader in, struct ipvs_daemons *out);
/* The answer to get_family: false when it names no family. */
bool ipvs_decode_family(struct reader in, uint16_t *out);

#endif
