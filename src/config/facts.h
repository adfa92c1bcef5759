/* Facts: what workers tell one another. A fact is a level, never an edge: the present value of one object, sent
 * when it has changed and all of them after every (re)connection. Indices are those of the model of the generation
 * that stands in the packet's header (core/channel.h). Each struct has a put (append to a packet) and a get (false
 * when malformed, e.g. not all consumed). Flows: doc/ARCHITECTURE.md section 2. */
#ifndef LBHA_CONFIG_FACTS_H
#define LBHA_CONFIG_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cursor.h"
#include "base/nstime.h"
#include "config/override.h"
#include "config/advice.h"

#define FACT_BUILD 64
#define FACT_DETAIL 160 /* room for a text that explains, with the zero */
#define FACT_NAME 64

enum fact_type {
	FACT_SYNC = 1,     /* no value: all facts of the sender were sent */
	FACT_PROBE,        /* check → ipvs, control; to vrrp those that it tracks */
	FACT_INSTANCE,     /* vrrp → control */
	FACT_TABLE,        /* ipvs → vrrp, control */
	FACT_SERVICE,      /* ipvs → vrrp, control */
	FACT_SERVER,       /* ipvs → control */
	FACT_WORKER,       /* supervisor → control */
	FACT_DAEMON,       /* supervisor → control */
	FACT_GROUP,        /* vrrp → control */
	FACT_TRACKER,      /* vrrp → control */
	FACT_OVERRIDE,     /* supervisor → control */
	FACT_ROLE,         /* vrrp → ipvs, check */
	FACT_TRAFFIC,      /* ipvs → control */
	FACT_WATCH,        /* control → ipvs */
	FACT_LEAVER,       /* ipvs → control */
	FACT_WAY,          /* ipvs → check */
	FACT_NOTIFY,       /* supervisor → control */
	FACT_LOOK,         /* control → check */
	FACT_SEEN,         /* check → control */
};

/* ---- check ----------------------------------------------------------------------------------- */

/* Of a probe, a server, a tracker. One table: verdict_name(). */
enum verdict {
	VERDICT_UNKNOWN, /* no probe has ended yet */
	VERDICT_UP,
	VERDICT_DOWN,
};

/* Why the last probe ended as it did. One table: probe_reason_name(). */
enum probe_reason {
	REASON_NONE,             /* not probed yet */
	REASON_PASSED,
	REASON_REFUSED,          /* connection refused */
	REASON_UNREACHABLE,      /* no route, host or network unreachable */
	REASON_CONNECT_TIMEOUT,  /* no connection before the deadline */
	REASON_REPLY_TIMEOUT,    /* connected, no (complete) answer before the deadline */
	REASON_RESET,            /* connection reset or closed early */
	REASON_PROTOCOL,         /* the answer is not what the protocol says */
	REASON_STATUS,           /* http, dns, grpc: another status (response code) than wanted */
	REASON_TOO_LARGE,        /* the answer exceeds the size cap */
	REASON_RESOURCES,        /* here: no descriptor, port or memory; never counts against the server */
	REASON_LOCAL,            /* here: bind address, interface or permission */
	REASON_EXIT,             /* script: ended with another status than 0 */
	REASON_KILLED,           /* script: ended by a signal */
	REASON_TIMEOUT,          /* script: not done before the deadline, killed */
	REASON_NOT_STARTED,      /* script: could not be started; counts as a failure of what it checks */
	REASON_MISSING,          /* file, process: not there, or too few of them */
	REASON_SAYS_DOWN,        /* file, server: it says so */
	REASON_MISMATCH,         /* the answer does not hold what is expected */
	REASON_TLS,              /* no TLS, or none that both take */
	REASON_CERTIFICATE,      /* TLS: of the server, and not good enough */
	REASON_MATCH_LIMIT,      /* whether it does takes too much work to find out */
	REASON_NO_WAY,           /* via: vip: nothing came back; not connected before the deadline */
	REASON_COUNT,
};

const char *verdict_name(enum verdict verdict);
const char *probe_reason_name(enum probe_reason reason);

/* How long probes took that told something of the server: one count per bucket, the last for all that took longer. They only
 * grow as long as the probe and its worker live. */
#define PROBE_TIMES 13

struct probe_times {
	uint32_t count[PROBE_TIMES];
	uint64_t sum;                /* nanoseconds */
};

/* The bucket's upper bound, inclusive; NSTIME_NEVER for the last. */
nstime probe_times_bound(unsigned bucket);
void probe_times_add(struct probe_times *times, nstime took);

struct fact_probe {
	uint32_t probe;              /* index into model.probes */
	enum verdict verdict;
	enum probe_reason reason;    /* of the last finished probe */
	bool passed;                 /* the last finished probe; meaningless while reason is NONE */
	nstime since;                /* when the verdict came to be */
	nstime time, latency;        /* of the last finished probe */
	struct advice told;            /* of the server, all that stands */
	nstime suppressed;           /* kept down until then, as it flaps; 0: it is not */
	struct probe_times times;
	char detail[FACT_DETAIL];    /* "connect: refused", "status 503, wanted 200-299" */
};

/* What came of a probe beside the schedule that somebody has asked for by a fact_look. Behind it in its record
 * stands what was done, step by step (check/transcript.h). */
struct fact_seen {
	uint32_t place, number;      /* as asked */
	bool passed;
	bool cut;                    /* not all steps are there */
	enum probe_reason reason;
	nstime latency;              /* of the whole probe */
	char detail[FACT_DETAIL];    /* as that of a fact_probe */
};

/* ---- vrrp ------------------------------------------------------------------------------------ */

enum vrrp_state {
	VRRP_INIT,
	VRRP_BACKUP,
	VRRP_MASTER,
	VRRP_FAULT,
};

const char *vrrp_state_name(enum vrrp_state state);

/* Why an advertisement was dropped (RFC 9568 section 7.1; version 2: RFC 2338). One table:
 * vrrp_drop_name(). */
enum vrrp_drop {
	VRRP_DROP_TTL,
	VRRP_DROP_VERSION,   /* not the one of the instance */
	VRRP_DROP_TYPE,
	VRRP_DROP_LENGTH,    /* shorter than it says, without an address, or too long for any */
	VRRP_DROP_CHECKSUM,
	VRRP_DROP_VRID,      /* for no instance of this interface: counted by all of them */
	VRRP_DROP_TRANSPORT, /* unicast where only multicast is wanted, or the reverse; to another address or group */
	VRRP_DROP_OWN,       /* from our own address */
	VRRP_DROP_SOURCE,    /* unicast from somebody who is no peer */
	VRRP_DROP_AUTH_TYPE, /* version 2: not the authentication of the instance */
	VRRP_DROP_AUTH,      /* version 2: wrong password or integrity check value */
	VRRP_DROP_REPLAY,    /* AH: its counter was seen already */
	VRRP_DROP_INTERVAL,  /* 0; version 2: not the one of the instance */
	VRRP_DROP_HEADER,    /* not a well-formed IP packet */
	VRRP_DROP_QUEUE,     /* lost before they were read: the interface's queue was full (all instances) */
	VRRP_DROP_COUNT,
};

const char *vrrp_drop_name(enum vrrp_drop reason);

/* How late adverts left: one count per bucket, the last for all that were later still. */
#define VRRP_LATE_COUNT 7

/* The bucket's upper bound, exclusive; NSTIME_NEVER for the last. */
nstime vrrp_late_bound(unsigned bucket);
/* The bucket of an advert that left so long after its time. */
unsigned vrrp_late_bucket(nstime late);

struct fact_instance {
	uint32_t instance;           /* index into model.instances */
	enum vrrp_state state;
	nstime since;
	uint8_t priority;            /* effective */
	uint8_t base_priority;       /* before the trackers: configured, or the operator's */
	struct addr master;          /* who is MASTER, as far as known (self included); family 0: unknown */
	uint8_t master_priority;
	uint64_t transitions, sent, received;
	uint64_t dropped[VRRP_DROP_COUNT];
	struct addr dropped_from[VRRP_DROP_COUNT]; /* the last sender, where dropped is not 0 */
	nstime dropped_at[VRRP_DROP_COUNT];        /* and when that was */
	bool competing_master;       /* MASTER, and a lesser one advertises too: */
	struct addr competitor;      /* who, or who did last; family 0: nobody yet */
	uint8_t competitor_priority;
	bool no_peer_heard;          /* MASTER because it has never heard another router */
	uint64_t other_addresses;    /* received though they list other virtual addresses than ours */
	struct addr other_from;      /* the last sender of such; family 0: nobody */
	uint64_t repairs;            /* of what somebody else took away in the kernel */
	bool contested;              /* a repair keeps coming undone */
	bool maintenance;            /* it claims nothing, and its priority is the lowest */
	uint64_t late[VRRP_LATE_COUNT];
	uint64_t late_sum;           /* nanoseconds, of all of them */
	char repair[FACT_DETAIL];    /* the last repair, or what is contested, in words */
	char missing[FACT_DETAIL];   /* MASTER: what it has not in the kernel, and why; empty: nothing */
	uint8_t why;                 /* enum vrrp_why: the reason as a word, see vrrp_why_name() */
	char reason[FACT_DETAIL];    /* and in words: "192.168.8.10 advertises 150 > 100" */
	char fault[FACT_DETAIL];     /* causes of FAULT, "; " between them; empty: none */
};

/* What ipvs and check need to know of an instance. */
struct fact_role {
	uint32_t instance;           /* index into model.instances */
	enum vrrp_state state;
};

struct fact_group {
	uint32_t group;              /* index into model.sync_groups */
	enum vrrp_state state;
	nstime since;
	char reason[FACT_DETAIL];
};

struct fact_tracker {
	uint32_t instance;           /* index into model.instances */
	uint32_t tracker;            /* first its own, then those of its sync group, in the order of the model */
	enum verdict state;          /* unknown: nothing was heard of it yet; takes nothing away */
	nstime since;
	int32_t effect;              /* what it adds to the priority now */
	char reason[FACT_DETAIL];    /* why it is down (or up): "connect: refused", "eth1 has no carrier" */
};

/* ---- ipvs ------------------------------------------------------------------------------------ */

/* What is asked of IPVS, in the order of enum ipvs_op_kind, and at the end what concerns connection synchronisation. */
#define FACT_OPERATIONS 7
const char *fact_operation_name(unsigned kind);

struct fact_table {
	bool available;              /* the kernel has IPVS */
	bool ready;                  /* every server has a verdict and the table was programmed */
	uint64_t operations;         /* sent to the kernel since the worker's start */
	uint64_t repairs;            /* of these, to undo what somebody else did */
	uint64_t kinds[FACT_OPERATIONS]; /* of these, since this worker's start */
	nstime last_read_back;       /* 0: never */
	uint32_t leavers;            /* how many there are: facts with a higher number are of the past */
	char error[FACT_DETAIL];     /* the last refusal that still stands; empty: none */
	uint8_t sync;                /* connections: set of enum fact_sync, those that run for us */
	char sync_error[FACT_DETAIL]; /* why not as wanted; empty: it is, or nothing is wanted */
	char contested[FACT_DETAIL]; /* a repair that keeps coming undone; empty: none */
};

enum fact_sync {
	FACT_SYNC_SENDS = 1,
	FACT_SYNC_RECEIVES = 2,
};

enum service_state {
	SERVICE_UP,                  /* all enabled servers are up */
	SERVICE_DEGRADED,            /* some are not */
	SERVICE_PANIC,               /* so few are that all are used, whatever their checks say */
	SERVICE_SORRY,               /* below quorum: the sorry server answers */
	SERVICE_DOWN,                /* below quorum */
};

const char *service_state_name(enum service_state state);

struct fact_service {
	uint32_t service;            /* index into model.services */
	enum service_state state;
	nstime since;
	uint64_t have;               /* weights of servers that are up, */
	uint32_t needed;             /* against the quorum */
	enum verdict quorum;         /* up: met; down: lost, or panic; unknown: a verdict has been missing ever since */
	bool programmed;             /* it shall be in the kernel; with program_when: master while MASTER */
	char reason[FACT_DETAIL];
};

/* What went through IPVS. Numbers only grow as long as the worker lives, whatever becomes of the kernel's own
 * (ipvs/traffic.h). */
struct traffic {
	uint64_t connections, packets_in, packets_out, bytes_in, bytes_out;
};

/* In facts and in carries (base/carry.h), so this form never changes. */
void traffic_put(struct writer *out, const struct traffic *traffic);
struct traffic traffic_get(struct reader *in);

/* Of a service, summed over its virtual services. */
struct fact_traffic {
	uint32_t service;            /* index into model.services */
	struct traffic traffic;
};

struct fact_server {
	uint32_t service, server;    /* index into model.services, then into its real_servers */
	enum verdict health;         /* of all its checks together */
	nstime since;
	enum admin_state admin;      /* in force: the operator's word, else its checks', else lbha.conf's */
	uint32_t weight;             /* likewise; what `told` has in percent is a share of it */
	struct advice told;            /* what of its checks' words is in force */
	nstime deadline;             /* drained: then it is out of the table, since the epoch; 0: it stays */
	uint32_t effective_weight;   /* as programmed, 0 when not in the table */
	bool in_table;
	uint64_t active, inactive, persistent;                          /* connections, summed over listeners */
	struct traffic traffic;
	char reason[FACT_DETAIL];
};

/* A destination that the model has no server for any more, on its way out of the table. */
struct fact_leaver {
	uint32_t number;             /* of fact_table.leavers */
	uint32_t service;            /* index into model.services */
	bool gone;
	nstime deadline;             /* our clock; NSTIME_NEVER: it has none */
	uint64_t active, inactive, persistent;
	struct endpoint address;
	char name[FACT_NAME];
};

/* Whether probes can take a way. */
struct fact_way {
	uint32_t way;                /* index into model.ways */
	bool placed;                 /* all of it was in the kernel when that was looked at last */
};

/* ---- control --------------------------------------------------------------------------------- */

/* Somebody looks at the traffic as it goes. */
struct fact_watch {
	nstime until;                /* 0: nobody does */
};

#define FACT_LOOKS 4 /* places: so many at once */

/* Somebody wants to see a probe of his own. */
struct fact_look {
	uint32_t place;              /* below FACT_LOOKS */
	uint32_t number;             /* of the wish, another for each; 0: nobody wants anything (any more) */
	uint32_t probe;              /* index into model.probes */
};

/* ---- supervisor ------------------------------------------------------------------------------- */

enum worker_state {
	WORKER_STARTING,
	WORKER_RUNNING,
	WORKER_BACKOFF,              /* died; will be started again */
	WORKER_STOPPED,
};

const char *worker_state_name(enum worker_state state);

#define FACT_WORKER_REASON 128

struct fact_worker {
	uint8_t role;                /* enum role of config/model.h, or ROLE_EXPORTER */
	int32_t pid;                 /* 0: none */
	uint32_t restarts;
	enum worker_state state;
	uint32_t deaths;             /* in a row, each soon after the start */
	nstime wait, due;            /* before the start that is to come, or just came: how long, until when; 0: none */
	char reason[FACT_WORKER_REASON]; /* how the last one ended, in words behind its name; "": none did */
};

struct fact_daemon {
	nstime started;
	uint32_t generation;
	bool ready;
	nstime reload_time;          /* last attempt; 0: none */
	bool reload_failed;
	char reload_error[FACT_DETAIL];
	char build[FACT_BUILD];      /* that runs */
	nstime upgrade_time;         /* last attempt; 0: none */
	bool upgrade_failed;
	char upgrade_text[FACT_DETAIL]; /* why it failed; else the build that ran before */
	uint32_t overrides;          /* how many there are: facts with a higher number are of the past */
	char overrides_error[FACT_DETAIL]; /* why they are not written down; empty: they are */
	uint32_t read_group, write_group; /* who may ask control, and command; FACT_NO_GROUP: nobody besides */
	uint32_t exporter_user;      /* who may ask, too; FACT_NO_GROUP: nobody */
};

#define FACT_NO_GROUP UINT32_MAX

/* Notify scripts. */
struct fact_notify {
	uint32_t scripts;            /* that are configured */
	uint32_t running, waiting;
	uint64_t started, failed, coalesced, lost;
	nstime failed_at;            /* the last one; 0: never */
	char failure[FACT_DETAIL];
};

struct fact_override {
	uint32_t number;             /* of fact_daemon.overrides */
	struct override override;
};

void fact_probe_put(struct writer *out, const struct fact_probe *fact);
bool fact_probe_get(struct reader *in, struct fact_probe *fact);
void fact_instance_put(struct writer *out, const struct fact_instance *fact);
bool fact_instance_get(struct reader *in, struct fact_instance *fact);
void fact_role_put(struct writer *out, const struct fact_role *fact);
bool fact_role_get(struct reader *in, struct fact_role *fact);
void fact_group_put(struct writer *out, const struct fact_group *fact);
bool fact_group_get(struct reader *in, struct fact_group *fact);
void fact_tracker_put(struct writer *out, const struct fact_tracker *fact);
bool fact_tracker_get(struct reader *in, struct fact_tracker *fact);
void fact_table_put(struct writer *out, const struct fact_table *fact);
bool fact_table_get(struct reader *in, struct fact_table *fact);
void fact_service_put(struct writer *out, const struct fact_service *fact);
bool fact_service_get(struct reader *in, struct fact_service *fact);
void fact_traffic_put(struct writer *out, const struct fact_traffic *fact);
bool fact_traffic_get(struct reader *in, struct fact_traffic *fact);
void fact_watch_put(struct writer *out, const struct fact_watch *fact);
bool fact_watch_get(struct reader *in, struct fact_watch *fact);
void fact_look_put(struct writer *out, const struct fact_look *fact);
bool fact_look_get(struct reader *in, struct fact_look *fact);
/* The transcript is put behind it, and is what is left of `in` after it. */
void fact_seen_put(struct writer *out, const struct fact_seen *fact);
bool fact_seen_get(struct reader *in, struct fact_seen *fact);
void fact_server_put(struct writer *out, const struct fact_server *fact);
bool fact_server_get(struct reader *in, struct fact_server *fact);
void fact_leaver_put(struct writer *out, const struct fact_leaver *fact);
bool fact_leaver_get(struct reader *in, struct fact_leaver *fact);
void fact_way_put(struct writer *out, const struct fact_way *fact);
bool fact_way_get(struct reader *in, struct fact_way *fact);
void fact_worker_put(struct writer *out, const struct fact_worker *fact);
bool fact_worker_get(struct reader *in, struct fact_worker *fact);
void fact_daemon_put(struct writer *out, const struct fact_daemon *fact);
bool fact_daemon_get(struct reader *in, struct fact_daemon *fact);
void fact_notify_put(struct writer *out, const struct fact_notify *fact);
bool fact_notify_get(struct reader *in, struct fact_notify *fact);
void fact_override_put(struct writer *out, const struct fact_override *fact);
bool fact_override_get(struct reader *in, struct fact_override *fact);

#endif
