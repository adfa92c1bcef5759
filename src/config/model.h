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

struct text;

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

/* Told of among the workers though it is none: lbha-exporter is a client of control's and takes part in nothing. */
#define ROLE_EXPORTER ROLE_COUNT

const char *role_name(enum role role);

/* ---- notify scripts ------------------------------------------------------------------------- */

/* A script that is told of events. Known again by its words and its user (config/notify.h). */
struct notify {
	const char **script;    /* path and arguments */
	size_t script_count;
	const char *user;       /* NULL: global.users.script */
	nstime timeout;
};

/* ---- VRRP ---------------------------------------------------------------------------------- */

/* Scopes and flags are the kernel's (RT_SCOPE_*, IFA_F_NOPREFIXROUTE). */
struct vip {
	struct prefix address;
	const char *interface;  /* the kernel's name; NULL: the instance's */
	const char *label;      /* IPv4, "eth0:1" */
	uint8_t scope;
	bool noprefixroute;
	bool advertise;         /* false: owned like the others, but not in the advert; may be of the other family */
};

/* A route that exists while MASTER. Key: to, metric, table (as the kernel's). */
struct vrrp_route {
	struct prefix to;
	struct addr via;        /* family 0: on link */
	const char *dev;        /* NULL: the instance's interface */
	uint32_t metric;        /* 0: the kernel's default */
	uint32_t table;         /* 254: main */
};

enum vrrp_transport {
	VRRP_TRANSPORT_MULTICAST = 1,
	VRRP_TRANSPORT_UNICAST = 2,
	VRRP_TRANSPORT_BOTH = 3, /* sends both, accepts either */
};

struct unicast {
	struct addr *peers;     /* resolved; never ourselves; none with multicast unless given */
	size_t peer_count;
	uint8_t ttl, min_ttl;   /* sent; asked of the peers' adverts */
};

enum vrrp_auth {
	VRRP_AUTH_NONE = 0,
	VRRP_AUTH_PASS = 1,     /* RFC 2338 section 5.3.6 */
	VRRP_AUTH_AH = 2,       /* HMAC-MD5-96 in an AH header, as keepalived speaks it */
};

#define VRRP_PASS_MAX 8 /* bytes in an advert */

/* Version 2 only. The key is a secret: it is in the slice of vrrp alone and never rendered. */
struct authentication {
	enum vrrp_auth type;
	const char *key;        /* at most 64 bytes, VRRP_PASS_MAX with pass; NULL: none, or a secret kept from us */
};

enum vrrp_checksum {
	VRRP_CHECKSUM_PSEUDO_HEADER, /* keepalived, FRR */
	VRRP_CHECKSUM_RFC9568,       /* IPv4: the message alone */
};

enum tracker_kind {
	TRACKER_INTERFACE,
	TRACKER_CHECK,
	TRACKER_SERVICE,
};

#define TRACKER_HOLD_MAX (24 * 3600 * NSTIME_S)

/* Something whose failure lowers (or raises) the priority, or means FAULT when it has no weight. */
struct tracker {
	enum tracker_kind kind;
	const char *name;       /* the interface's (kernel), the check's or the service's */
	uint32_t probe;         /* TRACKER_CHECK: index into model.probes */
	uint32_t service;       /* TRACKER_SERVICE: index into model.services */
	nstime hold;            /* TRACKER_SERVICE: what may move the address must last that long */
	int32_t weight;         /* 0: FAULT while down; < 0: added while down; > 0: added while up */
	nstime up_delay, down_delay; /* TRACKER_INTERFACE: must last that long to count */
};

/* Gratuitous ARP and unsolicited neighbour advertisements. A burst is `count` rounds over all addresses, `interval` apart; again_after later a second
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
	uint8_t version;        /* 2 (IPv4 only) or 3; the family is that of the advertised addresses */
	uint8_t priority;       /* 1..255 */
	nstime advert_interval; /* multiple of 10 ms */
	struct vip *virtual_addresses; /* link-local ones first, as RFC 9568 section 5.2.9 wants them */
	size_t virtual_address_count;
	bool preempt;
	nstime preempt_delay;   /* a lesser master is left alone this long, counted from its first advert */
	nstime startup_delay;   /* no claim before the daemon has run this long */
	nstime carrier_settle;  /* listen this long after start or carrier-up before a claim */
	bool track_own_interface;
	bool accept;            /* false: the MASTER drops what is sent to its VIPs, unless it owns them (priority 255) */
	enum vrrp_transport transport;
	struct addr source;     /* family 0: the interface's first address (IPv6: link-local) */
	bool source_given;      /* not the director's general address: no other will do */
	struct addr multicast_group;
	struct unicast unicast;
	struct authentication authentication;
	enum vrrp_checksum checksum;
	bool virtual_mac;
	bool no_redirects;      /* of its own link: what nat translates passes there */
	struct announce announce;
	struct tracker *track;
	size_t track_count;
	struct vrrp_route *routes;
	size_t route_count;
	struct notify *notify;  /* told of its own events */
	size_t notify_count;
	uint32_t sync_group;    /* number of its group in model.sync_groups + 1; 0: none */
};

/* AF_INET or AF_INET6: that of the advertised addresses, all of which have one; 0: there are none. */
uint8_t instance_family(const struct instance *instance);

/* Instances that are MASTER together or not at all; all of one priority on a director. Key: name. */
struct sync_group {
	const char *name, *description;
	const char **names;     /* of its instances, */
	size_t name_count;
	uint32_t *instances;    /* and their indices into model.instances: as many, in the same order */
	size_t instance_count;
	struct tracker *track;  /* count for every member */
	size_t track_count;
	struct notify *notify;
	size_t notify_count;
};

/* ---- checks -------------------------------------------------------------------------------- */

enum check_type {
	CHECK_TCP,
	CHECK_HTTP,
	CHECK_SCRIPT,
	CHECK_FILE,
	CHECK_PROCESS,
	CHECK_ICMP,
	CHECK_UDP,
	CHECK_AGENT,
	CHECK_TLS,
	CHECK_DNS,
	CHECK_REDIS,
	CHECK_MYSQL,
	CHECK_POSTGRESQL,
	CHECK_LDAP,
	CHECK_SMTP,
	CHECK_GRPC,
	CHECK_TYPES,
};

const char *check_type_name(enum check_type type);

/* What a probe of that type must be told. */
enum check_asks {
	CHECK_ASKS_PORT,   /* an address and a port */
	CHECK_ASKS_HOST,   /* an address */
	CHECK_ASKS_SERVER, /* whatever is known of the server, or nothing */
	CHECK_ASKS_HERE,   /* nothing: it is about this machine itself */
};

enum check_asks check_type_asks(enum check_type type);

enum check_initial {
	CHECK_INITIAL_DOWN,
	CHECK_INITIAL_UP,
};

/* How a probe reaches its server. */
enum check_via {
	CHECK_VIA_DIRECT,
	CHECK_VIA_VIP,          /* as a client's packets do: to the virtual address, handed on by IPVS */
};

struct status_range {
	uint16_t first, last; /* inclusive */
};

struct http_header {
	const char *name, *value;
};

enum http_scheme {
	HTTP_SCHEME_HTTP,
	HTTP_SCHEME_HTTPS,
};

/* Which HTTP is spoken. */
enum http_version {
	HTTP_VERSION_1_1,
	HTTP_VERSION_1_0,
	HTTP_VERSION_2,
};

#define HTTP_EXPECTED_HEADERS_MAX 32

struct http_expect {
	struct status_range *status;
	size_t status_count;
	struct http_header *header; /* HTTP_EXPECTED_HEADERS_MAX: fields that must be there with this value */
	size_t header_count;
	const char *body_regex, *not_regex; /* regular expressions for the body */
	const char *sha256;     /* of the body, 64 hexadecimal digits */
};

#define CHECK_ICMP_COUNT_MAX 20
/* A file of certificates or a private key that checks name; one for each use of a path. */
struct tls_file {
	const char *path;       /* as written */
	const char *text;       /* in PEM form */
};

/* What a TLS client shows and wants. Its files are read when lbha.conf is; what is in them lies in the slice
 * of check alone. */
struct tls_options {
	const char *sni;        /* the server's name; NULL: none is sent, and its certificate names the address */
	const char **alpn;      /* the protocols that we take */
	size_t alpn_count;
	bool verify;
	const char *ca;         /* paths; NULL: the system's */
	const char *certificate, *key; /* NULL: we have none */
	uint32_t min_days_left; /* that the server's certificate must still be valid */
	/* derived: numbers in model.tls_files, from 1 (0: none), and a hash over what is in CA and certificate:
	 * other contents are another check */
	uint32_t ca_file, certificate_file, key_file;
	uint64_t contents;
};

enum dns_transport {
	DNS_UDP,
	DNS_TCP,
};

#define DNS_PORT 53
#define DNS_RECORD_A 1
#define DNS_RECORD_AAAA 28
#define DNS_ADDRESSES_MAX 64

struct dns_expect {
	uint32_t rcodes;        /* set of 1 << RCODE */
	struct addr *addresses; /* all of them are among the answers; A and AAAA only */
	size_t address_count;
};

struct dns_check {
	const char *name;
	uint16_t record;        /* as on the wire */
	enum dns_transport transport;
	struct dns_expect expect;
};

/* What to do on the wire and how to judge it; shared by every probe that uses it. */
struct check {
	const char *name;       /* NULL for a check written in place */
	const char *description;
	enum check_type type;
	nstime interval, timeout, retry_interval; /* retry_interval: between failures before `fall`; 0: interval */
	uint32_t rise, fall;
	enum check_initial initial;
	nstime suppress, max_suppress; /* who flaps is kept down so long, doubled each time; 0: never */
	struct addr address;    /* instead of the server's */
	uint16_t port;          /* instead of the listener's; 0: not given */
	struct addr bind;       /* source address */
	const char *interface;  /* SO_BINDTODEVICE */
	enum check_via via;
	/* tcp and udp: bytes with escapes (base/escape.h) */
	const char *send, *expect_bytes;
	const char *expect_regex; /* tcp: PCRE2 */
	bool require_reply;     /* udp: silence is a failure; with expect_bytes it is anyway */
	/* tls, and what speaks over it */
	struct tls_options tls;
	/* smtp only */
	const char *helo;
	bool starttls;
	/* http only */
	const char *path, *method, *host, *body;
	enum http_scheme scheme;
	enum http_version version;
	struct http_header *headers;
	size_t header_count;
	struct http_expect expect;
	bool follow;            /* redirects to the same server */
	struct dns_check dns;   /* dns only */
	const char *service;    /* grpc only; empty: the server as a whole. It speaks TLS when tls.alpn is h2 */
	/* mysql and postgresql: who logs in (NULL: nobody in particular), postgresql: where */
	const char *account, *database;
	/* script only */
	const char **command;   /* the program's absolute path, then its arguments */
	size_t command_count;
	const char *user;       /* NULL: global.users.script */
	bool weight_from_exit;  /* status 2 to 255 passes and is a weight of 0 to 253 */
	/* file only */
	const char *file;
	bool weight_from_file;  /* its first line tells a weight, in the words of an agent */
	/* process only */
	const char *process;    /* as the kernel knows it: its first 15 bytes count */
	uint32_t count;         /* as many must run; icmp: so many echoes must be answered */
};

/* Whether it may tell a weight of its servers as a share of the configured one. */
bool check_tells_percent(const struct check *check);

/* One distinct (check, target): run once however many servers use it. Key across reloads: key. */
struct probe {
	uint32_t check;         /* index into model.checks */
	struct endpoint target; /* address and port are final; family 0: this machine itself (script, file, process) */
	uint64_t key;           /* hash over all that decides the verdict: the check's values and the target */
	bool tracked;           /* VRRP wants to know its verdict */
	uint32_t *instances;    /* runs only while one of these is MASTER (check_when); none: always */
	size_t instance_count;
	bool initially_up;      /* it counts as passed until it has ended once */
	struct endpoint via;    /* the virtual address by which it reaches the target; family 0: directly */
	uint32_t way;           /* then the number of its way in model.ways + 1; else 0 */
};

/* Whether it cannot do without the port of a listener. */
bool check_lacks_port(const struct check *check);

struct model;
/* Whether probes of that family send ICMP echoes, for which the check worker needs a raw socket. */
bool model_pings(const struct model *model, uint8_t family);

/* ---- services ------------------------------------------------------------------------------ */

/* In the order of base/transport.h. */
enum protocol {
	PROTOCOL_TCP = 1,
	PROTOCOL_UDP = 2,
	PROTOCOL_SCTP = 4,
};

/* What a scheduler is told beside its name; which one reads which: config/scheduler.h. */
enum scheduler_flag {
	SCHEDULER_SH_FALLBACK = 1, /* sh: another server for the clients of one that has weight 0 */
	SCHEDULER_SH_PORT = 2,     /* sh: the client's port counts, too */
	SCHEDULER_MH_FALLBACK = 4,
	SCHEDULER_MH_PORT = 8,
};

/* A client goes to the server it had last. */
struct persistence {
	nstime timeout;           /* whole seconds after its last connection; 0: no persistence */
	uint8_t prefix;           /* so many bits of the address are one client; 0: all */
	const char *engine;       /* what else tells clients apart: "sip"; NULL: nothing */
};

enum forwarding {
	FORWARDING_DR,
	FORWARDING_NAT,
	FORWARDING_TUNNEL,
	FORWARDING_FULLNAT,  /* nat, and the client's address is replaced, too */
	FORWARDING_LOCAL,    /* to this machine itself */
};

enum tunnel_type {
	TUNNEL_IPIP,
	TUNNEL_GUE,
	TUNNEL_GRE,
};

enum tunnel_checksum {
	TUNNEL_CHECKSUM_NONE,
	TUNNEL_CHECKSUM_CSUM,
	TUNNEL_CHECKSUM_REMCSUM, /* gue: of the inner packet, left to the other end */
};

/* How packets are wrapped on their way to a server (FORWARDING_TUNNEL). */
struct tunnel {
	enum tunnel_type type;
	uint16_t port;            /* gue: UDP, where the server listens */
	enum tunnel_checksum checksum;
};

/* When something is done. */
enum when {
	WHEN_ALWAYS,
	WHEN_MASTER,              /* while an instance that carries the service's address is MASTER */
};

enum on_failure {
	ON_FAILURE_AUTO,     /* never in a compiled model: resolved to one of the other two */
	ON_FAILURE_QUIESCE,  /* weight 0, connections stay */
	ON_FAILURE_REMOVE,
};

/* What the operator wants of a server. */
enum admin_state {
	ADMIN_ENABLED,
	ADMIN_DRAINED,       /* weight 0: connections stay, new ones go elsewhere */
	ADMIN_DISABLED,      /* not in the table, and not asked how it is */
};

const char *admin_state_name(enum admin_state state);

struct real_server {
	const char *name;         /* given, or the address as written */
	const char *description;
	struct endpoint address;  /* port 0: the listener's */
	uint32_t weight;          /* 0..65535 */
	uint32_t upper_threshold; /* no new connections from so many on; 0: no limit */
	uint32_t lower_threshold; /* until there are fewer than these; 0: three quarters of upper */
	enum admin_state state;
	enum forwarding forwarding; /* the service's, unless given */
	struct tunnel tunnel;
	uint32_t *probes;         /* indices into model.probes: all must pass; none: counts as up, unless disabled */
	size_t probe_count;
};

/* One named service: every listener × protocol is a virtual service of the kernel. Key: name. */
struct service {
	const char *name, *description;
	struct endpoint *listen;  /* port 0: all ports, with persistence only */
	size_t listen_count;
	uint32_t fwmark;          /* instead of listen: packets that somebody else has marked so; 0: none */
	uint8_t family;           /* with fwmark: AF_INET or AF_INET6 */
	struct addr *addresses;   /* with fwmark: the VIPs that those packets are for, as far as known */
	size_t address_count;
	bool group;               /* all listeners, of one family, are one service: rules of lbha's mark their packets */
	/* The firewall mark that the kernel knows the service by: fwmark, or what config/mark.h gives a group.
	   0: none, listeners are services of their own. */
	uint32_t mark;
	uint32_t protocols;       /* set of enum protocol */
	const char *scheduler;
	uint32_t scheduler_flags; /* set of enum scheduler_flag, none that the scheduler has not */
	enum forwarding forwarding;
	struct tunnel tunnel;
	struct addr gateway;      /* nat: the servers' default route, for lbha-rs */
	struct addr *source;      /* fullnat: what replaces the client's address; none: the address of the way out */
	size_t source_count;
	struct persistence persistence;
	bool one_packet;          /* udp: each packet finds a server by itself */
	uint32_t quorum;          /* weights of servers that are up, below which the service is down */
	uint32_t quorum_hysteresis; /* at most the quorum: that much above it to come up again, and
				       below it to go down */
	enum on_failure on_failure;
	struct real_server *sorry_server; /* an array of sorry_server_count: one or none */
	size_t sorry_server_count;
	uint8_t panic_threshold;  /* percent of the servers that are enabled and have a verdict; fewer up: all are used */
	nstime slow_start;        /* 0: the whole weight at once */
	nstime drain_timeout;     /* for servers that leave the file; NSTIME_NEVER: as long as they have connections */
	enum when check_when, program_when;
	bool weight_in_percent;   /* a check of its servers may tell a share of a weight */
	struct notify *notify;    /* told of its events and of its servers' */
	size_t notify_count;
	uint32_t *instances;      /* those that carry an address of it: indices into model.instances */
	size_t instance_count;
	struct real_server *real_servers;
	size_t real_server_count;
};

/* The family of a service that has a mark; of others that of their first listener. */
uint8_t service_family(const struct service *service);
/* Its virtual addresses: those of its listeners, or, with fwmark, those that were named. */
size_t service_vip_count(const struct service *service);
const struct addr *service_vip(const struct service *service, size_t index);

/* The real servers and, behind them, the sorry server. */
size_t service_server_count(const struct service *service);
const struct real_server *service_server(const struct service *service, size_t index);

/* Whether the sorry server is a real server, too: the same destination of the kernel under some listener. */
bool service_sorry_is(const struct service *service, size_t real_server);

/* ---- ways ------------------------------------------------------------------------------------ */

/* A way that probes take to a server through IPVS (check.via): packets of this director that bear the
 * mark and are for a virtual address of this family go to that server, as clients' packets do. */
struct way {
	struct addr server;
	enum forwarding forwarding; /* dr or tunnel */
	struct tunnel tunnel;
	uint8_t family;           /* of the virtual addresses: AF_INET or AF_INET6 */
	uint32_t mark;            /* no other way or service has it */
};

/* ---- the whole ------------------------------------------------------------------------------ */

struct director {
	const char *name;
	struct addr address;
	uint8_t priority;
};

struct users {
	const char *daemon, *check, *vrrp, *ipvs, *script;
};

struct control_global {
	const char *read_group, *write_group; /* NULL: that of users.daemon; none */
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
};

enum on_stop {
	ON_STOP_REMOVE,
	ON_STOP_KEEP,
};

/* How long silent connections are kept, in whole seconds; 0: as the kernel has it. */
struct timeouts_global {
	nstime tcp, tcp_fin, udp;
};

enum foreign {
	FOREIGN_KEEP,
	FOREIGN_REMOVE,
};

/* net.ipv4.vs.NAME */
struct ipvs_sysctl {
	const char *name;
	int64_t value;
};

/* Connection synchronisation (ip_vs_sync.c). */
struct ipvs_sync {
	const char *interface;    /* the kernel's name */
	uint8_t id;
	const char *follow;       /* an instance's name: sends while MASTER, else receives; NULL: does both */
	uint32_t instance;        /* its index into model.instances */
	uint16_t maxlen;          /* 0: as the interface's MTU has it */
	uint16_t port;
	uint8_t ttl;
	struct addr group;
};

struct ipvs_global {
	struct timeouts_global timeouts;
	enum foreign foreign;     /* what is done to services in the kernel that are not ours */
	uint32_t mark_base, mark_mask; /* of lbha's firewall marks (config/mark.h): no bit in common */
	struct ipvs_sysctl *sysctls;
	size_t sysctl_count;
	struct ipvs_sync *sync;   /* an array of sync_count: one or none */
	size_t sync_count;
	enum on_stop on_stop;
	nstime read_back;         /* period of drift repair */
};

/* lbha-exporter, which is no part of lbhad. */
struct exporter_global {
	struct endpoint listen;   /* family 0: there is none */
};

struct log_global {
	uint8_t level;            /* enum log_level of core/log.h: 0 error … 3 debug */
	enum log_format format;
	uint8_t target;           /* enum log_target of core/log.h: 0 the journal if it reads us, else standard error */
};

struct global {
	struct users users;
	struct log_global log;
	struct control_global control;
	struct exporter_global exporter;
	nstime ready_timeout;
	struct ipvs_global ipvs;
	struct notify *notify;    /* told of all events */
	size_t notify_count;
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
	struct sync_group *sync_groups;
	size_t sync_group_count;
	struct check *checks;
	size_t check_count;
	struct tls_file *tls_files;
	size_t tls_file_count;
	struct probe *probes;
	size_t probe_count;
	struct service *services;
	size_t service_count;
	const char **instance_names; /* of all instances, for those whose slice has only their indices */
	size_t instance_name_count;
	const char **nat_interfaces; /* where what nat and fullnat translate may pass (IPv4) */
	size_t nat_interface_count;
	struct way *ways;
	size_t way_count;
	struct notify *notifies;  /* every script that is told of anything, once */
	size_t notifies_count;
	bool has_services;        /* true in every slice when the node has services: vrrp waits for the table then */
};

/* Whether its probes speak TLS, from the beginning or later. */
bool check_speaks_tls(const struct check *check);

/* What is in a file of struct tls_options, by its number; NULL for 0. */
const char *model_tls_text(const struct model *model, uint32_t number);

/* The sync group of an instance; NULL: none. */
const struct sync_group *model_group_of(const struct model *model, const struct instance *instance);
/* The trackers that count for an instance: first its own, then those of its sync group. NULL beyond. */
size_t model_tracker_count(const struct model *model, const struct instance *instance);
const struct tracker *model_tracker(const struct model *model, const struct instance *instance, size_t index);

/* The way of a probe; NULL: it goes there directly. */
const struct way *model_way(const struct model *model, const struct probe *probe);
/* What it means that nothing comes back on it: "no reply through 192.168.8.200: is the VIP on the server's
 * lo? `lbha-rs setup`". */
#define MODEL_TUNNEL_REFUSED "nothing listens there, or its tunnel is not up: `lbha-rs setup`"
void model_explain_no_way(const struct model *model, const struct probe *probe, struct text *out);

/* Which parts a slice carries (the codec leaves the others empty):
 *   supervisor  directors, global, checks, probes, notifies (it runs the scripts)
 *   control     everything but secrets
 *   check       global, checks, probes, ways, tls_files (which hold private keys, and which nobody else has)
 *   ipvs        global, probes, services, ways
 *   vrrp        global, directors, instances, sync_groups */

#endif
