/* The compiled model of one node: plain values, no pointers to anything but its own arena. Made by config_compile()
 * from lbha.conf, cut into one slice per worker by the codec, and never changed afterwards. All names are those of
 * lbha.conf(5). Lists are an array and its count; an absent text is NULL; an absent address has family 0. */
#ifndef LBHA_CONFIG_MODEL_H
#define LBHA_CONFIG_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nstime.h"

/* Who gets a slice of the model; the supervisor reads one too. Order is the order of COMMIT. */
enum role {
	ROLE_SUPERVISOR,
	ROLE_COMPILER,
	ROLE_CONTROL,
	ROLE_CHECK,
	ROLE_IPVS,
	ROLE_VRRP,
	ROLE_COUNT,
};

const char *role_name(enum role role);

/* ---- VRRP ---------------------------------------------------------------------------------- */

struct vip {
	struct prefix address;
};

/* Gratuitous ARP. A burst is `count` rounds over all addresses, `interval` apart; again_after later a second
 * burst (0: none); one round every `refresh` while MASTER (0: never), jittered. */
struct announce {
	uint32_t count;
	nstime interval, again_after, refresh;
};

/* One VRRP virtual router (RFC 9568). Key across reloads: name. */
struct instance {
	const char *name, *description;
	const char *interface;  /* the kernel's name (logical names are resolved) */
	uint8_t virtual_router_id;
	uint8_t version;        /* 3 */
	uint8_t priority;       /* 1..255 */
	nstime advert_interval; /* multiple of 10 ms */
	struct vip *virtual_addresses;
	size_t virtual_address_count;
	bool preempt;
	nstime carrier_settle;  /* listen this long after start or carrier-up before a claim */
	bool track_own_interface;
	struct addr source;     /* family 0: the interface's first address */
	struct addr multicast_group;
	struct announce announce;
};

/* ---- checks -------------------------------------------------------------------------------- */

enum check_type {
	CHECK_TCP,
	CHECK_HTTP,
};

enum check_initial {
	CHECK_INITIAL_DOWN,
	CHECK_INITIAL_UP,
};

struct status_range {
	uint16_t first, last; /* inclusive */
};

struct http_header {
	const char *name, *value;
};

struct http_expect {
	struct status_range *status;
	size_t status_count;
};

/* What to do on the wire and how to judge it; shared by every probe that uses it. */
struct check {
	const char *name;       /* NULL for a check written in place */
	const char *description;
	enum check_type type;
	nstime interval, timeout, retry_interval; /* retry_interval: between failures before `fall`; 0: interval */
	uint32_t rise, fall;
	enum check_initial initial;
	struct addr address;    /* instead of the server's */
	uint16_t port;          /* instead of the listener's; 0: not given */
	struct addr bind;       /* source address */
	const char *interface;  /* SO_BINDTODEVICE */
	/* http only */
	const char *path, *method, *host;
	struct http_header *headers;
	size_t header_count;
	struct http_expect expect;
};

/* One distinct (check, target): run once however many servers use it. Key across reloads: key. */
struct probe {
	uint32_t check;         /* index into model.checks */
	struct endpoint target; /* address and port are final */
	uint64_t key;           /* hash over all that decides the verdict: the check's values and the target */
};

/* ---- services ------------------------------------------------------------------------------ */

enum protocol {
	PROTOCOL_TCP = 1,
	PROTOCOL_UDP = 2,
};

enum forwarding {
	FORWARDING_DR,
	FORWARDING_NAT,
};

enum on_failure {
	ON_FAILURE_AUTO,     /* never in a compiled model: resolved to one of the other two */
	ON_FAILURE_QUIESCE,  /* weight 0, connections stay */
	ON_FAILURE_REMOVE,
};

struct real_server {
	const char *name;         /* given, or the address as written */
	const char *description;
	struct endpoint address;  /* port 0: the listener's */
	uint32_t weight;          /* 0..65535 */
	enum forwarding forwarding;
	uint32_t *probes;         /* indices into model.probes: all must pass; none: counts as up */
	size_t probe_count;
};

/* One named service: every listener × protocol is a virtual service of the kernel. Key: name. */
struct service {
	const char *name, *description;
	struct endpoint *listen;
	size_t listen_count;
	uint32_t protocols;       /* set of enum protocol */
	const char *scheduler;
	enum forwarding forwarding;
	struct addr gateway;      /* nat: the servers' default route, for lbha-rs */
	enum on_failure on_failure;
	struct real_server *real_servers;
	size_t real_server_count;
};

/* ---- the whole ------------------------------------------------------------------------------ */

struct director {
	const char *name;
	struct addr address;
	uint8_t priority;
};

struct users {
	const char *daemon, *check;
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
};

enum on_stop {
	ON_STOP_REMOVE,
	ON_STOP_KEEP,
};

struct ipvs_global {
	enum on_stop on_stop;
	nstime read_back;         /* period of drift repair */
};

struct log_global {
	uint8_t level;            /* enum log_level of core/log.h: 0 error … 3 debug */
	enum log_format format;
};

struct global {
	struct users users;
	struct log_global log;
	nstime ready_timeout;
	struct ipvs_global ipvs;
};

struct model {
	uint32_t generation;
	const char *cluster;      /* NULL: not given */
	const char *node;         /* this director's name; NULL when compiled for no director (lbha-rs) */
	struct director *directors;
	size_t director_count;
	struct global global;
	struct instance *instances;
	size_t instance_count;
	struct check *checks;
	size_t check_count;
	struct probe *probes;
	size_t probe_count;
	struct service *services;
	size_t service_count;
	bool has_services;        /* true in every slice when the node has services: vrrp waits for the table then */
};

/* Which parts a slice carries (the codec leaves the others empty):
 *   supervisor  directors, global
 *   control     everything
 *   check       global, checks, probes
 *   ipvs        global, probes, services
 *   vrrp        global, directors, instances */

#endif
