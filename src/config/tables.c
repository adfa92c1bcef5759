/* Every key of lbha.conf that works: one row each. A key that does not work yet is not here and so
 * is an unknown key. Order is that of lbha.conf(5) and of the rendered configuration. Rows without
 * a key are derived members. */
#include "base/cleanup.h"
#include "config/judge.h"
#include "config/model.h"
#include "config/schema.h"

#define MEMBER(record, member) \
	.offset = offsetof(struct record, member), .size = sizeof(((struct record *)0)->member)
#define ITEMS(record, member, counter)                    \
	.offset = offsetof(struct record, member),        \
	.count_offset = offsetof(struct record, counter), \
	.size = sizeof(*((struct record *)0)->member)
#define RECORD(of, rows) .name = of, .fields = rows, .count = COUNT_OF(rows)

#define HOUR (3600 * NSTIME_S)
#define DAY (24 * HOUR)

#define NAME(record)                                                                          \
	{.key = "name", .type = TYPE_TEXT, MEMBER(record, name), .judge = judge_name,         \
	 .flags = FIELD_REQUIRED | FIELD_OWN, .doc = "what commands, logs and other keys call it"}
#define DESCRIPTION(record)                                                                   \
	{.key = "description", .type = TYPE_TEXT, MEMBER(record, description),                \
	 .flags = FIELD_OWN | FIELD_LABEL, .judge = judge_text, .doc = "text for people"}

/* ---- directors ------------------------------------------------------------------------------ */

static const struct schema_field director_fields[] = {
	{.type = TYPE_TEXT, MEMBER(director, name), .flags = FIELD_ALWAYS},
	{.key = "description", .type = TYPE_TEXT, .flags = FIELD_DROP, .size = sizeof(const char *),
	 .judge = judge_text, .doc = "text for people"},
	{.key = "address", .type = TYPE_ADDRESS, MEMBER(director, address),
	 .judge = judge_host_address, .doc = "default source address of its instances"},
	{.key = "priority", .type = TYPE_NUMBER, MEMBER(director, priority), .min = 1, .max = 255,
	 .default_text = "100", .doc = "default priority of its instances"},
	{.key = "interfaces", .type = TYPE_SOURCE,
	 .doc = "logical names for its interfaces, usable wherever an interface is named"},
	{.key = "vrrp", .type = TYPE_SOURCE,
	 .doc = "by instance: keys that differ on this director"},
	{.key = "sync", .type = TYPE_SOURCE,
	 .doc = "by sync group: keys that differ on this director"},
};

const struct schema_record schema_director = {
	RECORD("director", director_fields), .size = sizeof(struct director),
};

static const struct schema_field defaults_fields[] = {
	{.key = "vrrp", .type = TYPE_SOURCE, .doc = "for every instance"},
	{.key = "check", .type = TYPE_SOURCE, .doc = "for every check"},
	{.key = "service", .type = TYPE_SOURCE, .doc = "for every service"},
	{.key = "real_server", .type = TYPE_SOURCE, .doc = "for every real server"},
};

const struct schema_record schema_defaults = {RECORD("defaults", defaults_fields)};

/* ---- global --------------------------------------------------------------------------------- */

static const struct schema_field users_fields[] = {
	{.key = "daemon", .type = TYPE_TEXT, MEMBER(users, daemon), .default_text = "lbha",
	 .judge = judge_user, .doc = "the workers without rights run as"},
	{.key = "check", .type = TYPE_TEXT, MEMBER(users, check), .default_text = "lbha-check",
	 .judge = judge_user, .doc = "the check worker runs as"},
	{.key = "script", .type = TYPE_TEXT, MEMBER(users, script), .default_text = "lbha-script",
	 .judge = judge_user, .doc = "scripts run as, unless they name a user"},
};

static const struct schema_record schema_users = {
	RECORD("users", users_fields), .size = sizeof(struct users),
};

/* The numbers are those of enum log_level (core/log.h), which the model cannot include. */
static const struct schema_word level_words[] = {
	{"error", 0}, {"warning", 1}, {"info", 2}, {"debug", 3}, {0},
};
static const struct schema_word format_words[] = {
	{"text", LOG_FORMAT_TEXT}, {"json", LOG_FORMAT_JSON}, {0},
};

static const struct schema_field log_fields[] = {
	{.key = "level", .type = TYPE_WORD, MEMBER(log_global, level), .words = level_words,
	 .default_text = "info", .doc = "least important message that is logged"},
	{.key = "format", .type = TYPE_WORD, MEMBER(log_global, format), .words = format_words,
	 .default_text = "text", .doc = "lines for people or JSON"},
};

static const struct schema_record schema_log = {
	RECORD("log", log_fields), .size = sizeof(struct log_global),
};

static const struct schema_word on_stop_words[] = {
	{"remove", ON_STOP_REMOVE}, {"keep", ON_STOP_KEEP}, {0},
};

/* Beyond this the kernel's clock ticks do not fit (ip_vs_set_timeout, HZ of 1000). */
#define TIMEOUT_MAX (24 * DAY)

#define TIMEOUT(timeout, text)                                                                \
	{.key = #timeout, .type = TYPE_DURATION, MEMBER(timeouts_global, timeout),            \
	 .max = TIMEOUT_MAX, .step = NSTIME_S, .default_text = "0", .doc = text}

static const struct schema_field timeouts_fields[] = {
	TIMEOUT(tcp, "established; 0: as the kernel has it"),
	TIMEOUT(tcp_fin, "after a FIN; 0: as the kernel has it"),
	TIMEOUT(udp, "after the last packet; 0: as the kernel has it"),
};

static const struct schema_record schema_timeouts = {
	RECORD("timeouts", timeouts_fields), .size = sizeof(struct timeouts_global),
};

/* The kernel's own numbers (IP_VS_SYNC_GROUP, IP_VS_SYNC_PORT), and the limits to which it cuts a
 * maxlen on either side and for either family. */
static const struct schema_field conn_sync_fields[] = {
	{.key = "interface", .type = TYPE_TEXT, MEMBER(ipvs_sync, interface),
	 .flags = FIELD_REQUIRED, .judge = judge_interface,
	 .doc = "where the directors tell each other of connections"},
	{.key = "id", .type = TYPE_NUMBER, MEMBER(ipvs_sync, id), .flags = FIELD_REQUIRED, .min = 1,
	 .max = 255, .doc = "the same on all directors, another for each set of directors"},
	{.key = "follow", .type = TYPE_TEXT, MEMBER(ipvs_sync, follow), .judge = judge_name,
	 .doc = "an instance: sends while it is MASTER, else receives; both: does both; default both"},
	{.type = TYPE_NUMBER, MEMBER(ipvs_sync, instance), .flags = FIELD_INDEX},
	{.key = "maxlen", .type = TYPE_NUMBER, MEMBER(ipvs_sync, maxlen), .min = 1024, .max = 65487,
	 .doc = "bytes of a message at most; default what the interface's MTU has room for"},
	{.key = "port", .type = TYPE_NUMBER, MEMBER(ipvs_sync, port), .min = 1, .max = 65535,
	 .default_text = "8848", .doc = "UDP"},
	{.key = "ttl", .type = TYPE_NUMBER, MEMBER(ipvs_sync, ttl), .min = 1, .max = 255,
	 .default_text = "1", .doc = "hop limit of what is sent"},
	{.key = "group", .type = TYPE_ADDRESS, MEMBER(ipvs_sync, group), .judge = judge_group,
	 .default_text = "224.0.0.81", .doc = "multicast group, IPv4 or IPv6"},
};

const struct schema_record schema_conn_sync = {
	RECORD("connection sync", conn_sync_fields), .size = sizeof(struct ipvs_sync),
};

static const struct schema_field sysctl_fields[] = {
	{.key = "name", .type = TYPE_TEXT, MEMBER(ipvs_sysctl, name), .flags = FIELD_ALWAYS,
	 .judge = judge_sysctl, .doc = "below net.ipv4.vs"},
	{.key = "value", .type = TYPE_NUMBER, MEMBER(ipvs_sysctl, value), .max = INT32_MAX,
	 .doc = "what the kernel shall have"},
};

static const struct schema_record schema_sysctl = {
	RECORD("sysctl", sysctl_fields), .size = sizeof(struct ipvs_sysctl),
};

static const struct schema_word foreign_words[] = {
	{"keep", FOREIGN_KEEP}, {"remove", FOREIGN_REMOVE}, {0},
};

static const struct schema_field ipvs_fields[] = {
	{.key = "timeouts", .type = TYPE_RECORD, MEMBER(ipvs_global, timeouts),
	 .record = &schema_timeouts, .doc = "how long silent connections are kept"},
	{.key = "mark_base", .type = TYPE_NUMBER, MEMBER(ipvs_global, mark_base),
	 .max = UINT32_MAX, .default_text = "0x4c420000",
	 .doc = "firewall marks of groups: the bits that all have"},
	{.key = "mark_mask", .type = TYPE_NUMBER, MEMBER(ipvs_global, mark_mask), .min = 1,
	 .max = UINT32_MAX, .default_text = "0xffff",
	 .doc = "and those that tell one from another"},
	{.key = "on_stop", .type = TYPE_WORD, MEMBER(ipvs_global, on_stop), .words = on_stop_words,
	 .default_text = "remove",
	 .doc = "what becomes of our services in the kernel when lbhad stops"},
	{.key = "sysctls", .type = TYPE_RECORD, ITEMS(ipvs_global, sysctls, sysctl_count),
	 .flags = FIELD_LIST | FIELD_MAP, .record = &schema_sysctl,
	 .doc = "values of net.ipv4.vs while lbhad has services"},
	{.key = "foreign", .type = TYPE_WORD, MEMBER(ipvs_global, foreign), .words = foreign_words,
	 .default_text = "keep",
	 .doc = "what becomes of services in the kernel that are not ours"},
	{.key = "read_back", .type = TYPE_DURATION, MEMBER(ipvs_global, read_back), .min = NSTIME_S,
	 .max = DAY, .default_text = "10s", .doc = "period of drift repair"},
	{.key = "sync", .type = TYPE_RECORD, ITEMS(ipvs_global, sync, sync_count),
	 .flags = FIELD_LIST | FIELD_SOME, .record = &schema_conn_sync,
	 .doc = "the directors tell each other of connections"},
};

const struct schema_record schema_ipvs = {
	RECORD("ipvs", ipvs_fields), .size = sizeof(struct ipvs_global),
};

static const struct schema_field global_fields[] = {
	{.key = "users", .type = TYPE_RECORD, MEMBER(global, users), .record = &schema_users},
	{.key = "log", .type = TYPE_RECORD, MEMBER(global, log), .record = &schema_log},
	{.key = "ready_timeout", .type = TYPE_DURATION, MEMBER(global, ready_timeout), .max = HOUR,
	 .default_text = "30s",
	 .doc = "a starting director does not preempt before its table and tracked checks are ready, "
		"at most this long"},
	{.key = "ipvs", .type = TYPE_RECORD, MEMBER(global, ipvs), .record = &schema_ipvs},
};

const struct schema_record schema_global = {
	RECORD("global", global_fields), .size = sizeof(struct global),
};

/* ---- vrrp ----------------------------------------------------------------------------------- */

/* Scopes as the kernel numbers them (RT_SCOPE_*). */
static const struct schema_word scope_words[] = {
	{"global", 0}, {"site", 200}, {"link", 253}, {"host", 254}, {0},
};

static const struct schema_field vip_fields[] = {
	{.key = "address", .type = TYPE_PREFIX, MEMBER(vip, address), .flags = FIELD_REQUIRED,
	 .judge = judge_vip, .doc = "address and prefix length; without a length /32 or /128"},
	{.key = "interface", .type = TYPE_TEXT, MEMBER(vip, interface), .judge = judge_interface,
	 .doc = "where it lives; default the instance's"},
	{.key = "label", .type = TYPE_TEXT, MEMBER(vip, label), .judge = judge_label,
	 .doc = "IPv4: what ip(8) and ifconfig(8) call it"},
	{.key = "scope", .type = TYPE_WORD, MEMBER(vip, scope), .words = scope_words,
	 .default_text = "global", .doc = "IPv4: where it is valid"},
	{.key = "noprefixroute", .type = TYPE_BOOL, MEMBER(vip, noprefixroute),
	 .default_text = "false", .doc = "no route to its network comes with it"},
	{.key = "advertise", .type = TYPE_BOOL, MEMBER(vip, advertise), .default_text = "true",
	 .doc = "false: owned like the others, but not named in adverts"},
};

const struct schema_record schema_vip = {
	RECORD("virtual address", vip_fields), .size = sizeof(struct vip), .short_form = "address",
};

static const struct schema_field announce_fields[] = {
	{.key = "count", .type = TYPE_NUMBER, MEMBER(announce, count), .min = 1, .max = 100,
	 .default_text = "5", .doc = "rounds of a burst"},
	{.key = "interval", .type = TYPE_DURATION, MEMBER(announce, interval), .min = NSTIME_MS,
	 .max = 60 * NSTIME_S, .default_text = "200ms", .doc = "between two rounds"},
	{.key = "again_after", .type = TYPE_DURATION, MEMBER(announce, again_after), .max = HOUR,
	 .default_text = "5s", .doc = "a second burst this long after the first; 0: none"},
	{.key = "refresh", .type = TYPE_DURATION, MEMBER(announce, refresh), .max = DAY,
	 .default_text = "60s", .doc = "a round this often while MASTER; 0: never"},
};

const struct schema_record schema_announce = {
	RECORD("announce", announce_fields), .size = sizeof(struct announce),
};

static const struct schema_word transport_words[] = {
	{"multicast", VRRP_TRANSPORT_MULTICAST},
	{"unicast", VRRP_TRANSPORT_UNICAST},
	{"both", VRRP_TRANSPORT_BOTH},
	{0},
};
static const struct schema_word checksum_words[] = {
	{"pseudo_header", VRRP_CHECKSUM_PSEUDO_HEADER}, {"rfc9568", VRRP_CHECKSUM_RFC9568}, {0},
};

static const struct schema_field unicast_fields[] = {
	{.key = "peers", .type = TYPE_ADDRESS, ITEMS(unicast, peers, peer_count),
	 .flags = FIELD_LIST | FIELD_RESOLVED, .judge = judge_host_address,
	 .doc = "directors or addresses; default all other directors"},
	{.key = "ttl", .type = TYPE_NUMBER, MEMBER(unicast, ttl), .min = 1, .max = 255,
	 .default_text = "255", .doc = "hop limit of what is sent"},
	{.key = "min_ttl", .type = TYPE_NUMBER, MEMBER(unicast, min_ttl), .min = 1, .max = 255,
	 .default_text = "255", .doc = "hop limit that a peer's advert must have left"},
};

const struct schema_record schema_unicast = {
	RECORD("unicast", unicast_fields), .size = sizeof(struct unicast),
};

static const struct schema_field route_fields[] = {
	{.key = "to", .type = TYPE_PREFIX, MEMBER(vrrp_route, to),
	 .flags = FIELD_REQUIRED | FIELD_ROUTE, .judge = judge_route,
	 .doc = "a network, an address, or default"},
	{.key = "via", .type = TYPE_ADDRESS, MEMBER(vrrp_route, via), .judge = judge_host_address,
	 .doc = "the next router; without it the network is on the link"},
	{.key = "dev", .type = TYPE_TEXT, MEMBER(vrrp_route, dev), .judge = judge_interface,
	 .doc = "interface; default the instance's"},
	{.key = "metric", .type = TYPE_NUMBER, MEMBER(vrrp_route, metric), .max = UINT32_MAX,
	 .default_text = "0", .doc = "the lowest counts; 0: the kernel's default"},
	{.key = "table", .type = TYPE_NUMBER, MEMBER(vrrp_route, table), .min = 1,
	 .max = UINT32_MAX, .default_text = "254", .doc = "number of the routing table; 254: main"},
};

const struct schema_record schema_route = {
	RECORD("route", route_fields), .size = sizeof(struct vrrp_route),
};

static const struct schema_word auth_words[] = {
	{"none", VRRP_AUTH_NONE}, {"pass", VRRP_AUTH_PASS}, {"ah", VRRP_AUTH_AH}, {0},
};

static const struct schema_field secret_file_fields[] = {
	{.key = "file", .type = TYPE_TEXT, MEMBER(secret_file, file), .flags = FIELD_REQUIRED,
	 .judge = judge_secret_file, .doc = "holds the secret; nobody else may read it"},
};

const struct schema_record schema_secret_file = {
	RECORD("secret", secret_file_fields), .size = sizeof(struct secret_file),
};

#define AUTH(type) (1u << VRRP_AUTH_##type)

static const struct schema_field authentication_fields[] = {
	{.key = "type", .type = TYPE_WORD, MEMBER(authentication, type), .words = auth_words,
	 .default_text = "none", .doc = "of version 2: none, pass or ah"},
	{.key = "key", .type = TYPE_TEXT, MEMBER(authentication, key), .flags = FIELD_SECRET,
	 .roles = 1u << ROLE_VRRP, .max = 64, .judge = judge_secret,
	 .applies = AUTH(PASS) | AUTH(AH),
	 .doc = "a text or {file: PATH}; the same on all directors"},
};

const struct schema_record schema_authentication = {
	RECORD("authentication", authentication_fields), .size = sizeof(struct authentication),
	.discriminator = "type",
};

static const struct schema_word tracker_words[] = {
	{"interface", TRACKER_INTERFACE}, {"check", TRACKER_CHECK}, {"service", TRACKER_SERVICE}, {0},
};

#define TRACKER(kind) (1u << TRACKER_##kind)

static const struct schema_field tracker_fields[] = {
	{.type = TYPE_WORD, MEMBER(tracker, kind), .words = tracker_words},
	{.key = "interface", .type = TYPE_TEXT, MEMBER(tracker, name), .flags = FIELD_ALWAYS,
	 .judge = judge_interface, .applies = TRACKER(INTERFACE),
	 .doc = "fails while it is down or away"},
	{.key = "check", .type = TYPE_TEXT, MEMBER(tracker, name), .flags = FIELD_ALWAYS,
	 .judge = judge_name, .applies = TRACKER(CHECK),
	 .doc = "fails while this check of checks says down"},
	{.type = TYPE_NUMBER, MEMBER(tracker, probe), .flags = FIELD_INDEX,
	 .applies = TRACKER(CHECK)},
	{.key = "service", .type = TYPE_TEXT, MEMBER(tracker, name), .flags = FIELD_ALWAYS,
	 .judge = judge_name, .applies = TRACKER(SERVICE),
	 .doc = "fails while this service is below its quorum"},
	{.type = TYPE_NUMBER, MEMBER(tracker, service), .flags = FIELD_INDEX,
	 .applies = TRACKER(SERVICE)},
	{.key = "hold", .type = TYPE_DURATION, MEMBER(tracker, hold), .flags = FIELD_ALWAYS,
	 .max = TRACKER_HOLD_MAX, .applies = TRACKER(SERVICE),
	 .doc = "so long must last what may move the addresses"},
	{.key = "weight", .type = TYPE_SIGNED, MEMBER(tracker, weight), .min = -254, .max = 254,
	 .doc = "below 0: added to the priority while it fails; above: while it does not"},
	{.key = "up_delay", .type = TYPE_DURATION, MEMBER(tracker, up_delay), .max = HOUR,
	 .default_text = "0s", .applies = TRACKER(INTERFACE),
	 .doc = "it must be up this long to count as up"},
	{.key = "down_delay", .type = TYPE_DURATION, MEMBER(tracker, down_delay), .max = HOUR,
	 .default_text = "0s", .applies = TRACKER(INTERFACE),
	 .doc = "it must be down this long to count as down"},
};

const struct schema_record schema_tracker = {
	RECORD("tracker", tracker_fields), .size = sizeof(struct tracker), .is_variant = true,
};

#define VERSION(number) (1u << (number))

static const struct schema_field instance_fields[] = {
	NAME(instance),
	DESCRIPTION(instance),
	{.key = "interface", .type = TYPE_TEXT, MEMBER(instance, interface),
	 .flags = FIELD_REQUIRED, .judge = judge_interface,
	 .doc = "where its addresses live and its adverts are sent"},
	{.key = "virtual_router_id", .type = TYPE_NUMBER, MEMBER(instance, virtual_router_id),
	 .flags = FIELD_REQUIRED | FIELD_OWN, .min = 1, .max = 255,
	 .doc = "unique per interface and family"},
	{.key = "version", .type = TYPE_NUMBER, MEMBER(instance, version), .min = 2, .max = 3,
	 .default_text = "3", .doc = "of VRRP; 2 is for IPv4 only"},
	{.key = "priority", .type = TYPE_NUMBER, MEMBER(instance, priority), .min = 1, .max = 255,
	 .default_text = "100",
	 .doc = "the highest living one is MASTER; 255: owner of the addresses"},
	{.key = "advert_interval", .type = TYPE_DURATION, MEMBER(instance, advert_interval),
	 .min = 10 * NSTIME_MS, .max = 255 * NSTIME_S, .step = 10 * NSTIME_MS,
	 .default_text = "1s", .doc = "between two adverts; at most 40950ms, version 2: 255s, whole seconds"},
	{.key = "virtual_addresses", .type = TYPE_RECORD,
	 ITEMS(instance, virtual_addresses, virtual_address_count),
	 .flags = FIELD_LIST | FIELD_REQUIRED | FIELD_OWN, .record = &schema_vip,
	 .doc = "what the MASTER owns"},
	{.key = "preempt", .type = TYPE_BOOL, MEMBER(instance, preempt), .default_text = "true",
	 .doc = "take over from a living MASTER of lower priority"},
	{.key = "preempt_delay", .type = TYPE_DURATION, MEMBER(instance, preempt_delay),
	 .max = HOUR, .default_text = "0s",
	 .doc = "leave a MASTER of lower priority alone for this long"},
	{.key = "startup_delay", .type = TYPE_DURATION, MEMBER(instance, startup_delay),
	 .max = HOUR, .default_text = "0s",
	 .doc = "claim nothing before the daemon has run this long"},
	{.key = "carrier_settle", .type = TYPE_DURATION, MEMBER(instance, carrier_settle),
	 .max = HOUR, .default_text = "2s",
	 .doc = "listen this long after start or carrier-up before a claim"},
	{.key = "track_own_interface", .type = TYPE_BOOL, MEMBER(instance, track_own_interface),
	 .default_text = "true", .doc = "its interface down means FAULT"},
	{.key = "accept", .type = TYPE_BOOL, MEMBER(instance, accept), .default_text = "true",
	 .doc = "false: the MASTER drops packets for its addresses unless it owns them"},
	{.key = "transport", .type = TYPE_WORD, MEMBER(instance, transport),
	 .words = transport_words, .default_text = "multicast", .doc = "how adverts travel"},
	{.key = "source", .type = TYPE_ADDRESS, MEMBER(instance, source),
	 .judge = judge_host_address,
	 .doc = "of its adverts; default the director's address, else the interface's first"},
	{.type = TYPE_BOOL, MEMBER(instance, source_given)},
	{.key = "multicast_group", .type = TYPE_ADDRESS, MEMBER(instance, multicast_group),
	 .judge = judge_vrrp_group, .flags = FIELD_ALWAYS, .doc = "where its adverts go"},
	{.key = "unicast", .type = TYPE_RECORD, MEMBER(instance, unicast),
	 .record = &schema_unicast, .doc = "peers of transport: unicast or both"},
	{.key = "authentication", .type = TYPE_RECORD, MEMBER(instance, authentication),
	 .record = &schema_authentication, .applies = VERSION(2),
	 .doc = "version 2: what shows that an advert is a peer's"},
	{.key = "checksum", .type = TYPE_WORD, MEMBER(instance, checksum), .words = checksum_words,
	 .default_text = "pseudo_header", .applies = VERSION(3),
	 .doc = "form of the checksum that is sent in IPv4; both are taken"},
	{.key = "virtual_mac", .type = TYPE_BOOL, MEMBER(instance, virtual_mac),
	 .default_text = "false", .doc = "own the virtual router's MAC address"},
	{.key = "announce", .type = TYPE_RECORD, MEMBER(instance, announce),
	 .record = &schema_announce,
	 .doc = "gratuitous ARP and unsolicited neighbour advertisements"},
	{.key = "track", .type = TYPE_RECORD, ITEMS(instance, track, track_count),
	 .flags = FIELD_LIST, .record = &schema_tracker,
	 .doc = "what lowers its priority by failing, or means FAULT"},
	{.key = "routes", .type = TYPE_RECORD, ITEMS(instance, routes, route_count),
	 .flags = FIELD_LIST, .record = &schema_route, .doc = "routes that exist while MASTER"},
	{.type = TYPE_NUMBER, MEMBER(instance, sync_group), .flags = FIELD_INDEX},
	{.type = TYPE_BOOL, MEMBER(instance, no_redirects)},
};

const struct schema_record schema_instance = {
	RECORD("instance", instance_fields), .size = sizeof(struct instance),
	.discriminator = "version",
};

static const struct schema_field sync_group_fields[] = {
	NAME(sync_group),
	DESCRIPTION(sync_group),
	{.key = "instances", .type = TYPE_TEXT, ITEMS(sync_group, names, name_count),
	 .flags = FIELD_LIST | FIELD_REQUIRED, .judge = judge_name,
	 .doc = "who are MASTER together or not at all"},
	{.type = TYPE_NUMBER, ITEMS(sync_group, instances, instance_count),
	 .flags = FIELD_LIST | FIELD_INDEX},
	{.key = "track", .type = TYPE_RECORD, ITEMS(sync_group, track, track_count),
	 .flags = FIELD_LIST, .record = &schema_tracker, .doc = "trackers that count for all of them"},
};

const struct schema_record schema_sync_group = {
	RECORD("sync group", sync_group_fields), .size = sizeof(struct sync_group),
};

/* ---- checks --------------------------------------------------------------------------------- */

#define TCP (1u << CHECK_TCP)
#define HTTP (1u << CHECK_HTTP)
#define SCRIPTS (1u << CHECK_SCRIPT)
#define FILES (1u << CHECK_FILE)
#define PROCESSES (1u << CHECK_PROCESS)
#define PINGS (1u << CHECK_ICMP)
#define UDP (1u << CHECK_UDP)
#define AGENTS (1u << CHECK_AGENT)
#define TLS (1u << CHECK_TLS)
#define DNS (1u << CHECK_DNS)
#define SMTP (1u << CHECK_SMTP)
#define GRPC (1u << CHECK_GRPC)
#define REDIS (1u << CHECK_REDIS)
#define MYSQL (1u << CHECK_MYSQL)
#define POSTGRESQL (1u << CHECK_POSTGRESQL)
#define LDAP (1u << CHECK_LDAP)
#define SOCKETS (TCP | UDP | DNS | TLS | SMTP | HTTP | GRPC | REDIS | MYSQL | POSTGRESQL | LDAP)

static const struct schema_field header_fields[] = {
	{.key = "name", .type = TYPE_TEXT, MEMBER(http_header, name), .flags = FIELD_ALWAYS,
	 .judge = judge_http_name},
	{.key = "value", .type = TYPE_TEXT, MEMBER(http_header, value), .flags = FIELD_ALWAYS,
	 .judge = judge_http_value},
};

const struct schema_record schema_http_header = {
	RECORD("header", header_fields), .size = sizeof(struct http_header),
};

static const struct schema_field expect_fields[] = {
	{.key = "status", .type = TYPE_RANGE, ITEMS(http_expect, status, status_count),
	 .flags = FIELD_LIST, .min = 100, .max = 599, .default_text = "200-299",
	 .doc = "status codes that pass, with ranges"},
	{.key = "header", .type = TYPE_RECORD, ITEMS(http_expect, header, header_count),
	 .flags = FIELD_LIST | FIELD_MAP, .record = &schema_http_header,
	 .doc = "headers that the answer must have, each with this value"},
	{.key = "body_regex", .type = TYPE_TEXT, MEMBER(http_expect, body_regex), .max = 1024,
	 .flags = FIELD_PATTERN, .judge = judge_pattern,
	 .doc = "regular expression that the body must match"},
	{.key = "not_regex", .type = TYPE_TEXT, MEMBER(http_expect, not_regex), .max = 1024,
	 .flags = FIELD_PATTERN, .judge = judge_pattern, .doc = "one that it must not match"},
	{.key = "sha256", .type = TYPE_TEXT, MEMBER(http_expect, sha256), .judge = judge_sha256,
	 .doc = "of the body, 64 hexadecimal digits"},
};

const struct schema_record schema_http_expect = {
	RECORD("expect", expect_fields), .size = sizeof(struct http_expect),
};

/* Keys of TLS: those of the record tls, and (type tls) of the check itself; `at` says where in the struct
 * their members are. */
#define TLS_ROWS(of, at, types)                                                               \
	{.key = "sni", .type = TYPE_TEXT, MEMBER(of, at sni), .judge = judge_tls_name,        \
	 .applies = types, .doc = "name that the server is asked by, and must have"},         \
	{.key = "alpn", .type = TYPE_TEXT, ITEMS(of, at alpn, at alpn_count),                 \
	 .flags = FIELD_LIST, .judge = judge_alpn, .applies = types,                          \
	 .doc = "protocols, one of which the server must choose"},                            \
	{.key = "verify", .type = TYPE_BOOL, MEMBER(of, at verify), .default_text = "true",   \
	 .applies = types, .doc = "the server's certificate must be valid, of a CA and its own"}, \
	{.key = "ca", .type = TYPE_TEXT, MEMBER(of, at ca), .judge = judge_secret_file,       \
	 .applies = types, .doc = "file of the CAs that are believed; default the system's"}, \
	{.key = "certificate", .type = TYPE_TEXT, MEMBER(of, at certificate),                 \
	 .judge = judge_secret_file, .applies = types,                                        \
	 .doc = "file of our certificate, for servers that want one"},                        \
	{.key = "key", .type = TYPE_TEXT, MEMBER(of, at key), .judge = judge_secret_file,     \
	 .applies = types, .doc = "file of its private key; nobody else may read it"},        \
	{.key = "min_days_left", .type = TYPE_NUMBER, MEMBER(of, at min_days_left),           \
	 .max = 36500, .default_text = "0", .applies = types,                                 \
	 .doc = "days that the server's certificate must still be valid"},                    \
	{.type = TYPE_NUMBER, MEMBER(of, at ca_file), .flags = FIELD_INDEX, .applies = types}, \
	{.type = TYPE_NUMBER, MEMBER(of, at certificate_file), .flags = FIELD_INDEX,          \
	 .applies = types},                                                                   \
	{.type = TYPE_NUMBER, MEMBER(of, at key_file), .flags = FIELD_INDEX, .applies = types}, \
	{.type = TYPE_NUMBER, MEMBER(of, at contents), .applies = types}

static const struct schema_field tls_fields[] = {
	TLS_ROWS(tls_options, , 0),
};

const struct schema_record schema_tls = {
	RECORD("tls", tls_fields), .size = sizeof(struct tls_options),
};

static const struct schema_word http_scheme_words[] = {
	{"http", HTTP_SCHEME_HTTP}, {"https", HTTP_SCHEME_HTTPS}, {0},
};

static const struct schema_word http_version_words[] = {
	{"1.1", HTTP_VERSION_1_1}, {"1.0", HTTP_VERSION_1_0}, {"2", HTTP_VERSION_2}, {0},
};

/* Numbers of the registry (RFC 1035 and later). */
static const struct schema_word dns_record_words[] = {
	{"A", DNS_RECORD_A}, {"AAAA", DNS_RECORD_AAAA},
	{"CAA", 257}, {"CNAME", 5}, {"DNSKEY", 48}, {"DS", 43}, {"HTTPS", 65}, {"MX", 15},
	{"NAPTR", 35}, {"NS", 2}, {"PTR", 12}, {"SOA", 6}, {"SRV", 33}, {"SVCB", 64},
	{"TLSA", 52}, {"TXT", 16}, {0},
};
static const struct schema_word dns_rcode_words[] = {
	{"noerror", 1 << 0}, {"formerr", 1 << 1}, {"servfail", 1 << 2}, {"nxdomain", 1 << 3},
	{"notimp", 1 << 4}, {"refused", 1 << 5}, {"yxdomain", 1 << 6}, {"yxrrset", 1 << 7},
	{"nxrrset", 1 << 8}, {"notauth", 1 << 9}, {"notzone", 1 << 10}, {0},
};
static const struct schema_word dns_transport_words[] = {
	{"udp", DNS_UDP}, {"tcp", DNS_TCP}, {0},
};

static const struct schema_field dns_expect_fields[] = {
	{.key = "rcode", .type = TYPE_WORDS, .flags = FIELD_ANY_CASE, MEMBER(dns_expect, rcodes),
	 .words = dns_rcode_words, .default_text = "noerror",
	 .doc = "response codes that pass, one or more"},
	{.key = "address", .type = TYPE_ADDRESS, ITEMS(dns_expect, addresses, address_count),
	 .flags = FIELD_LIST | FIELD_SOME, .doc = "one or more, all of which must be in the answer"},
};

const struct schema_record schema_dns_expect = {
	RECORD("expect", dns_expect_fields), .size = sizeof(struct dns_expect),
};

static const struct schema_word check_type_words[] = {
	{"tcp", CHECK_TCP},   {"http", CHECK_HTTP},       {"script", CHECK_SCRIPT},
	{"file", CHECK_FILE}, {"process", CHECK_PROCESS}, {"icmp", CHECK_ICMP},
	{"udp", CHECK_UDP},   {"agent", CHECK_AGENT},
	{"tls", CHECK_TLS},
	{"dns", CHECK_DNS},
	{"redis", CHECK_REDIS},
	{"mysql", CHECK_MYSQL},
	{"postgresql", CHECK_POSTGRESQL},
	{"ldap", CHECK_LDAP},
	{"smtp", CHECK_SMTP},
	{"grpc", CHECK_GRPC},
	{0},
};
static const struct schema_word via_words[] = {
	{"direct", CHECK_VIA_DIRECT}, {"vip", CHECK_VIA_VIP}, {0},
};
static const struct schema_word initial_words[] = {
	{"down", CHECK_INITIAL_DOWN}, {"up", CHECK_INITIAL_UP}, {0},
};

static const struct schema_field check_fields[] = {
	{.type = TYPE_TEXT, MEMBER(check, name), .flags = FIELD_LABEL},
	DESCRIPTION(check),
	{.key = "type", .type = TYPE_WORD, MEMBER(check, type), .flags = FIELD_REQUIRED,
	 .words = check_type_words, .doc = "what is asked"},
	{.key = "interval", .type = TYPE_DURATION, MEMBER(check, interval), .min = 10 * NSTIME_MS,
	 .max = DAY, .default_text = "5s", .doc = "from the start of one probe to the next"},
	{.key = "timeout", .type = TYPE_DURATION, MEMBER(check, timeout), .min = NSTIME_MS,
	 .max = HOUR, .default_text = "2s", .doc = "deadline of a probe as a whole"},
	{.key = "retry_interval", .type = TYPE_DURATION, MEMBER(check, retry_interval), .max = DAY,
	 .default_text = "0", .doc = "interval between failures while still up; 0: interval"},
	{.key = "rise", .type = TYPE_NUMBER, MEMBER(check, rise), .min = 1, .max = 1000,
	 .default_text = "2", .doc = "probes passed in a row that mean up"},
	{.key = "fall", .type = TYPE_NUMBER, MEMBER(check, fall), .min = 1, .max = 1000,
	 .default_text = "3", .doc = "probes failed in a row that mean down"},
	{.key = "initial", .type = TYPE_WORD, MEMBER(check, initial), .words = initial_words,
	 .default_text = "down", .doc = "state before the first probe has ended"},
	{.key = "suppress", .type = TYPE_DURATION, MEMBER(check, suppress), .max = DAY,
	 .default_text = "0", .doc = "who flaps is kept down so long, doubled each time; 0: never"},
	{.key = "max_suppress", .type = TYPE_DURATION, MEMBER(check, max_suppress), .min = NSTIME_S,
	 .max = DAY, .default_text = "5m", .doc = "longest time to be kept down; steady for so long, it "
	 "does not flap"},
	{.key = "address", .type = TYPE_ADDRESS, MEMBER(check, address),
	 .judge = judge_host_address, .applies = SOCKETS | AGENTS | PINGS | SCRIPTS,
	 .doc = "probed instead of the server's"},
	{.key = "port", .type = TYPE_NUMBER, MEMBER(check, port), .min = 1, .max = 65535,
	 .applies = SOCKETS | SCRIPTS, .doc = "probed instead of the listener's"},
	{.key = "port", .type = TYPE_NUMBER, MEMBER(check, port), .min = 1, .max = 65535,
	 .flags = FIELD_REQUIRED, .applies = AGENTS, .doc = "of the agent"},
	{.key = "bind", .type = TYPE_ADDRESS, MEMBER(check, bind), .judge = judge_host_address,
	 .applies = SOCKETS | AGENTS | PINGS, .doc = "source address of probes"},
	{.key = "interface", .type = TYPE_TEXT, MEMBER(check, interface), .judge = judge_interface,
	 .applies = SOCKETS | AGENTS | PINGS, .doc = "probes leave through it"},
	TLS_ROWS(check, tls., TLS),
	{.key = "helo", .type = TYPE_TEXT, MEMBER(check, helo), .judge = judge_helo,
	 .default_text = "localhost", .applies = SMTP, .doc = "whom we say that we are"},
	{.key = "starttls", .type = TYPE_BOOL, MEMBER(check, starttls), .default_text = "false",
	 .applies = SMTP, .doc = "the server must go on with TLS"},
	{.key = "via", .type = TYPE_WORD, MEMBER(check, via), .words = via_words,
	 .default_text = "direct", .applies = SOCKETS,
	 .doc = "vip: probes take the way of the clients; dr and tunnel"},
	{.key = "send", .type = TYPE_TEXT, MEMBER(check, send), .judge = judge_bytes,
	 .applies = TCP | UDP, .doc = "bytes for the server; \\r \\n \\t \\xHH \\\\ are escapes"},
	{.key = "expect", .type = TYPE_TEXT, MEMBER(check, expect_bytes), .judge = judge_bytes, .max = 1024,
	 .applies = TCP | UDP, .doc = "bytes that its reply must hold, escapes as in send"},
	{.key = "require_reply", .type = TYPE_BOOL, MEMBER(check, require_reply),
	 .default_text = "false", .applies = UDP, .doc = "silence is a failure, too"},
	{.key = "expect_regex", .type = TYPE_TEXT, MEMBER(check, expect_regex), .max = 1024,
	 .flags = FIELD_PATTERN, .judge = judge_pattern, .applies = TCP,
	 .doc = "a regular expression (PCRE2) that matches something in its reply"},
	{.key = "path", .type = TYPE_TEXT, MEMBER(check, path), .judge = judge_http_path,
	 .default_text = "/", .applies = HTTP, .doc = "what is fetched"},
	{.key = "method", .type = TYPE_TEXT, MEMBER(check, method), .judge = judge_http_method,
	 .default_text = "GET", .applies = HTTP, .doc = "of the request"},
	{.key = "scheme", .type = TYPE_WORD, MEMBER(check, scheme), .words = http_scheme_words,
	 .default_text = "http", .applies = HTTP, .doc = "http or https"},
	{.key = "tls", .type = TYPE_RECORD, MEMBER(check, tls), .record = &schema_tls,
	 .applies = SMTP | HTTP | GRPC,
	 .doc = "of starttls and scheme https, or that grpc speaks it: the keys of type tls"},
	{.key = "service", .type = TYPE_TEXT, MEMBER(check, service), .judge = judge_grpc_service,
	 .applies = GRPC, .doc = "that is asked about; default the server as a whole"},
	{.key = "version", .type = TYPE_WORD, MEMBER(check, version), .words = http_version_words,
	 .default_text = "1.1", .applies = HTTP, .doc = "of HTTP: 1.0, 1.1 or 2, and no other"},
	{.key = "host", .type = TYPE_TEXT, MEMBER(check, host), .judge = judge_http_host,
	 .applies = HTTP, .doc = "Host header; default the address that is probed"},
	{.key = "headers", .type = TYPE_RECORD, ITEMS(check, headers, header_count),
	 .flags = FIELD_LIST | FIELD_MAP, .record = &schema_http_header, .applies = HTTP,
	 .doc = "sent with the request"},
	{.key = "body", .type = TYPE_TEXT, MEMBER(check, body), .max = 65536, .applies = HTTP,
	 .doc = "of the request"},
	{.key = "expect", .type = TYPE_RECORD, MEMBER(check, expect), .record = &schema_http_expect,
	 .applies = HTTP, .doc = "what answer passes"},
	{.key = "follow", .type = TYPE_BOOL, MEMBER(check, follow), .default_text = "false",
	 .applies = HTTP, .doc = "redirects are followed, at the same address and port"},
	{.key = "name", .type = TYPE_TEXT, MEMBER(check, dns.name), .judge = judge_dns_name,
	 .flags = FIELD_OWN,
	 .default_text = ".", .applies = DNS, .doc = "that is asked for"},
	{.key = "record", .type = TYPE_WORD, .flags = FIELD_ANY_CASE, MEMBER(check, dns.record),
	 .words = dns_record_words, .default_text = "SOA", .applies = DNS, .doc = "its type"},
	{.key = "transport", .type = TYPE_WORD, MEMBER(check, dns.transport),
	 .words = dns_transport_words, .default_text = "udp", .applies = DNS, .doc = "udp or tcp"},
	{.key = "expect", .type = TYPE_RECORD, MEMBER(check, dns.expect),
	 .record = &schema_dns_expect, .applies = DNS, .doc = "what answer passes"},
	{.key = "command", .type = TYPE_TEXT, ITEMS(check, command, command_count),
	 .flags = FIELD_LIST | FIELD_REQUIRED | FIELD_OWN, .judge = judge_text, .applies = SCRIPTS,
	 .doc = "path of a program and its arguments; no shell"},
	{.key = "user", .type = TYPE_TEXT, MEMBER(check, account), .judge = judge_name,
	 .applies = MYSQL | POSTGRESQL, .doc = "who logs in, without a password"},
	{.key = "database", .type = TYPE_TEXT, MEMBER(check, database), .judge = judge_name,
	 .applies = POSTGRESQL, .doc = "the one to log in to; default: as the user"},
	{.key = "user", .type = TYPE_TEXT, MEMBER(check, user), .judge = judge_user,
	 .applies = SCRIPTS, .doc = "the program runs as; default global.users.script"},
	{.key = "weight_from_exit", .type = TYPE_BOOL, MEMBER(check, weight_from_exit),
	 .applies = SCRIPTS, .doc = "exit 2..255 passes and means a weight of 0..253"},
	{.key = "path", .type = TYPE_TEXT, MEMBER(check, file),
	 .flags = FIELD_REQUIRED | FIELD_OWN, .judge = judge_file, .applies = FILES,
	 .doc = "of a file that must be there"},
	{.key = "weight_from_file", .type = TYPE_BOOL, MEMBER(check, weight_from_file),
	 .applies = FILES, .doc = "its first line tells a weight, as agents do"},
	{.key = "name", .type = TYPE_TEXT, MEMBER(check, process),
	 .flags = FIELD_REQUIRED | FIELD_OWN, .judge = judge_process, .applies = PROCESSES,
	 .doc = "of processes that must run"},
	{.key = "count", .type = TYPE_NUMBER, MEMBER(check, count), .min = 1, .max = 1000000,
	 .default_text = "1", .applies = PROCESSES, .doc = "how many of them at least"},
	{.key = "count", .type = TYPE_NUMBER, MEMBER(check, count), .min = 1,
	 .max = CHECK_ICMP_COUNT_MAX, .default_text = "1", .applies = PINGS,
	 .doc = "so many echoes are sent, and all must be answered"},
};

const struct schema_record schema_check = {
	RECORD("check", check_fields), .size = sizeof(struct check), .discriminator = "type",
};

static const struct schema_field tls_file_fields[] = {
	{.type = TYPE_TEXT, MEMBER(tls_file, path), .flags = FIELD_ALWAYS},
	{.type = TYPE_TEXT, MEMBER(tls_file, text), .flags = FIELD_ALWAYS},
};

static const struct schema_record schema_tls_file = {
	RECORD("file of TLS", tls_file_fields), .size = sizeof(struct tls_file),
};

static const struct schema_field probe_fields[] = {
	{.type = TYPE_NUMBER, MEMBER(probe, check), .flags = FIELD_INDEX},
	{.type = TYPE_ENDPOINT, MEMBER(probe, target)},
	{.type = TYPE_NUMBER, MEMBER(probe, key)},
	{.type = TYPE_BOOL, MEMBER(probe, tracked)},
	{.type = TYPE_NUMBER, ITEMS(probe, instances, instance_count),
	 .flags = FIELD_LIST | FIELD_INDEX},
	{.type = TYPE_BOOL, MEMBER(probe, initially_up)},
	{.type = TYPE_ENDPOINT, MEMBER(probe, via)},
	{.type = TYPE_NUMBER, MEMBER(probe, way), .flags = FIELD_INDEX},
};

const struct schema_record schema_probe = {
	RECORD("probe", probe_fields), .size = sizeof(struct probe),
};

/* ---- services ------------------------------------------------------------------------------- */

static const struct schema_word protocol_words[] = {
	{"tcp", PROTOCOL_TCP}, {"udp", PROTOCOL_UDP}, {"sctp", PROTOCOL_SCTP}, {0},
};
/* As AF_INET and AF_INET6. */
static const struct schema_word family_words[] = {
	{"ipv4", 2}, {"ipv6", 10}, {0},
};
static const struct schema_word flag_words[] = {
	{"sh-fallback", SCHEDULER_SH_FALLBACK},
	{"sh-port", SCHEDULER_SH_PORT},
	{"mh-fallback", SCHEDULER_MH_FALLBACK},
	{"mh-port", SCHEDULER_MH_PORT},
	{0},
};
static const struct schema_word forwarding_words[] = {
	{"dr", FORWARDING_DR},
	{"nat", FORWARDING_NAT},
	{"tunnel", FORWARDING_TUNNEL},
	{"fullnat", FORWARDING_FULLNAT},
	{"local", FORWARDING_LOCAL},
	{0},
};
static const struct schema_word tunnel_type_words[] = {
	{"ipip", TUNNEL_IPIP}, {"gue", TUNNEL_GUE}, {"gre", TUNNEL_GRE}, {0},
};
static const struct schema_word tunnel_checksum_words[] = {
	{"none", TUNNEL_CHECKSUM_NONE},
	{"csum", TUNNEL_CHECKSUM_CSUM},
	{"remcsum", TUNNEL_CHECKSUM_REMCSUM},
	{0},
};
static const struct schema_word on_failure_words[] = {
	{"auto", ON_FAILURE_AUTO},
	{"quiesce", ON_FAILURE_QUIESCE},
	{"remove", ON_FAILURE_REMOVE},
	{0},
};

static const struct schema_word state_words[] = {
	{"enabled", ADMIN_ENABLED}, {"drained", ADMIN_DRAINED}, {"disabled", ADMIN_DISABLED}, {0},
};

static const struct schema_word when_words[] = {
	{"always", WHEN_ALWAYS}, {"master", WHEN_MASTER}, {0},
};

static const struct schema_field endpoint_fields[] = {
	{.key = "address", .type = TYPE_ADDRESS, MEMBER(endpoint, address),
	 .flags = FIELD_REQUIRED},
	{.key = "port", .type = TYPE_NUMBER, MEMBER(endpoint, port), .min = 1, .max = 65535},
};

const struct schema_record schema_endpoint = {
	RECORD("endpoint", endpoint_fields), .size = sizeof(struct endpoint),
};

#define TUNNEL(type) (1u << TUNNEL_##type)

static const struct schema_field tunnel_fields[] = {
	{.key = "type", .type = TYPE_WORD, MEMBER(tunnel, type), .words = tunnel_type_words,
	 .default_text = "ipip", .doc = "what packets are wrapped in"},
	{.key = "port", .type = TYPE_NUMBER, MEMBER(tunnel, port), .flags = FIELD_REQUIRED,
	 .min = 1, .max = 65535, .applies = TUNNEL(GUE), .doc = "UDP, where the servers unwrap"},
	{.key = "checksum", .type = TYPE_WORD, MEMBER(tunnel, checksum),
	 .words = tunnel_checksum_words, .default_text = "none",
	 .applies = TUNNEL(GUE) | TUNNEL(GRE), .doc = "of the outer packet"},
};

const struct schema_record schema_tunnel = {
	RECORD("tunnel", tunnel_fields), .size = sizeof(struct tunnel), .discriminator = "type",
};

static const struct schema_field real_server_fields[] = {
	{.key = "name", .type = TYPE_TEXT, MEMBER(real_server, name),
	 .flags = FIELD_OWN | FIELD_ALWAYS, .judge = judge_name,
	 .doc = "default: the address as written"},
	DESCRIPTION(real_server),
	{.key = "address", .type = TYPE_ENDPOINT, MEMBER(real_server, address),
	 .flags = FIELD_REQUIRED | FIELD_OWN, .judge = judge_endpoint,
	 .doc = "with a port if it is not the listener's"},
	{.key = "weight", .type = TYPE_NUMBER, MEMBER(real_server, weight), .max = 65535,
	 .default_text = "1", .doc = "share of the connections; 0: none"},
	{.key = "upper_threshold", .type = TYPE_NUMBER, MEMBER(real_server, upper_threshold),
	 .max = UINT32_MAX, .default_text = "0",
	 .doc = "with so many connections it gets no new ones; 0: no limit"},
	{.key = "lower_threshold", .type = TYPE_NUMBER, MEMBER(real_server, lower_threshold),
	 .max = UINT32_MAX, .default_text = "0",
	 .doc = "until it has fewer than these; 0: three quarters of upper_threshold"},
	{.key = "state", .type = TYPE_WORD, MEMBER(real_server, state), .words = state_words,
	 .default_text = "enabled",
	 .doc = "drained: weight 0, connections stay; disabled: not in the table, not checked"},
	{.key = "forwarding", .type = TYPE_WORD, MEMBER(real_server, forwarding),
	 .words = forwarding_words, .flags = FIELD_OWN | FIELD_ALWAYS,
	 .doc = "default: the service's"},
	{.key = "tunnel", .type = TYPE_RECORD, MEMBER(real_server, tunnel),
	 .record = &schema_tunnel, .flags = FIELD_OWN, .doc = "default: the service's"},
	{.type = TYPE_NUMBER, ITEMS(real_server, probes, probe_count),
	 .flags = FIELD_LIST | FIELD_INDEX},
};

const struct schema_record schema_real_server = {
	RECORD("real server", real_server_fields), .size = sizeof(struct real_server),
	.short_form = "address",
};

static const struct schema_field sorry_server_fields[] = {
	{.type = TYPE_TEXT, MEMBER(real_server, name), .flags = FIELD_ALWAYS},
	{.type = TYPE_NUMBER, MEMBER(real_server, weight)},
	{.key = "address", .type = TYPE_ENDPOINT, MEMBER(real_server, address),
	 .flags = FIELD_REQUIRED, .judge = judge_endpoint,
	 .doc = "with a port if it is not the listener's"},
	{.key = "forwarding", .type = TYPE_WORD, MEMBER(real_server, forwarding),
	 .words = forwarding_words, .flags = FIELD_ALWAYS, .doc = "default: the service's"},
	{.key = "tunnel", .type = TYPE_RECORD, MEMBER(real_server, tunnel),
	 .record = &schema_tunnel, .doc = "default: the service's"},
	{.key = "check", .type = TYPE_SOURCE, .doc = "as the service's; default: none"},
	{.type = TYPE_NUMBER, ITEMS(real_server, probes, probe_count),
	 .flags = FIELD_LIST | FIELD_INDEX},
};

const struct schema_record schema_sorry_server = {
	RECORD("sorry server", sorry_server_fields), .size = sizeof(struct real_server),
	.short_form = "address",
};

/* As ipvsadm(8) takes it: beyond a month the kernel's clock ticks might not fit. */
#define PERSISTENCE_MAX (31 * DAY)

static const struct schema_field persistence_fields[] = {
	{.key = "timeout", .type = TYPE_DURATION, MEMBER(persistence, timeout),
	 .max = PERSISTENCE_MAX, .step = NSTIME_S, .default_text = "0",
	 .doc = "so long after its last connection; 0: no persistence"},
	{.key = "prefix", .type = TYPE_NUMBER, MEMBER(persistence, prefix), .min = 1, .max = 128,
	 .doc = "all addresses with the same first bits are one client; default 32 or 128"},
	{.key = "engine", .type = TYPE_TEXT, MEMBER(persistence, engine), .judge = judge_engine,
	 .doc = "udp: sip tells clients apart by their calls"},
};

const struct schema_record schema_persistence = {
	RECORD("persistence", persistence_fields), .size = sizeof(struct persistence),
	.short_form = "timeout",
};

static const struct schema_field service_fields[] = {
	NAME(service),
	DESCRIPTION(service),
	{.key = "listen", .type = TYPE_ENDPOINT, ITEMS(service, listen, listen_count),
	 .flags = FIELD_LIST | FIELD_OWN, .judge = judge_endpoint,
	 .doc = "address and port for clients; without a port all ports, with persistence only"},
	{.key = "fwmark", .type = TYPE_NUMBER, MEMBER(service, fwmark), .flags = FIELD_OWN,
	 .min = 1, .max = UINT32_MAX,
	 .doc = "instead of listen: for packets that somebody else marks so"},
	{.key = "family", .type = TYPE_WORD, MEMBER(service, family), .flags = FIELD_OWN,
	 .words = family_words, .doc = "with fwmark: ipv4 or ipv6; default that of the addresses"},
	{.key = "addresses", .type = TYPE_ADDRESS, ITEMS(service, addresses, address_count),
	 .flags = FIELD_LIST | FIELD_SOME | FIELD_OWN, .judge = judge_way_address,
	 .doc = "with fwmark: the virtual addresses that those packets are for"},
	{.key = "group", .type = TYPE_BOOL, MEMBER(service, group), .flags = FIELD_OWN,
	 .default_text = "false",
	 .doc = "all listeners and protocols are one service, by a firewall mark of lbha's"},
	{.type = TYPE_NUMBER, MEMBER(service, mark)},
	{.key = "protocol", .type = TYPE_WORDS, MEMBER(service, protocols), .words = protocol_words,
	 .default_text = "tcp", .doc = "one or more"},
	{.key = "scheduler", .type = TYPE_TEXT, MEMBER(service, scheduler),
	 .judge = judge_scheduler, .default_text = "wlc", .doc = "how the kernel picks a server"},
	{.key = "flags", .type = TYPE_WORDS, MEMBER(service, scheduler_flags), .words = flag_words,
	 .doc = "of schedulers sh and mh; sh has sh-fallback unless flags are given, or []"},
	{.key = "forwarding", .type = TYPE_WORD, MEMBER(service, forwarding),
	 .words = forwarding_words, .default_text = "dr", .doc = "how packets reach the servers"},
	{.key = "tunnel", .type = TYPE_RECORD, MEMBER(service, tunnel), .record = &schema_tunnel,
	 .doc = "tunnel: how packets are wrapped on their way to the servers"},
	{.key = "gateway", .type = TYPE_ADDRESS, MEMBER(service, gateway),
	 .judge = judge_way_address, .doc = "nat: what lbha-rs makes the servers' default route"},
	{.key = "source", .type = TYPE_ADDRESS, ITEMS(service, source, source_count),
	 .flags = FIELD_LIST | FIELD_SOME, .judge = judge_way_address,
	 .doc = "fullnat: what replaces the client's address; default that of the way out"},
	{.key = "persistence", .type = TYPE_RECORD, MEMBER(service, persistence),
	 .record = &schema_persistence, .doc = "a client goes to the server it had last"},
	{.key = "one_packet", .type = TYPE_BOOL, MEMBER(service, one_packet),
	 .default_text = "false", .doc = "udp: each packet finds a server by itself"},
	{.key = "quorum", .type = TYPE_NUMBER, MEMBER(service, quorum), .min = 1,
	 .max = UINT32_MAX, .default_text = "1",
	 .doc = "weights of servers that are up, below which the service is down"},
	{.key = "quorum_hysteresis", .type = TYPE_NUMBER, MEMBER(service, quorum_hysteresis),
	 .max = UINT32_MAX, .default_text = "0",
	 .doc = "that much above it to come up again, and below it to go down"},
	{.key = "sorry_server", .type = TYPE_RECORD,
	 ITEMS(service, sorry_server, sorry_server_count), .flags = FIELD_LIST | FIELD_SOME,
	 .record = &schema_sorry_server, .doc = "answers alone while the service is below its quorum"},
	{.key = "panic_threshold", .type = TYPE_NUMBER, MEMBER(service, panic_threshold),
	 .flags = FIELD_PERCENT, .max = 100, .default_text = "0%",
	 .doc = "share of servers that are up, below which all are used"},
	{.key = "slow_start", .type = TYPE_DURATION, MEMBER(service, slow_start), .max = HOUR,
	 .step = NSTIME_S, .default_text = "0",
	 .doc = "a server that comes gets its weight over so long a time"},
	{.key = "on_failure", .type = TYPE_WORD, MEMBER(service, on_failure),
	 .words = on_failure_words, .default_text = "auto",
	 .doc = "weight 0 for a server that is down, or remove it"},
	{.key = "drain_timeout", .type = TYPE_DURATION, MEMBER(service, drain_timeout),
	 .flags = FIELD_FOREVER, .max = 366 * DAY, .default_text = "0s",
	 .doc = "how long a server that has left this file may keep its connections; or forever"},
	{.key = "check_when", .type = TYPE_WORD, MEMBER(service, check_when),
	 .words = when_words, .default_text = "always",
	 .doc = "master: checked only while an instance with one of its addresses is MASTER"},
	{.key = "program_when", .type = TYPE_WORD, MEMBER(service, program_when),
	 .words = when_words, .default_text = "always",
	 .doc = "master: in the kernel only while an instance with one of its addresses is MASTER"},
	{.key = "check", .type = TYPE_SOURCE,
	 .doc = "a name, a check in place, or a list: all must pass"},
	{.key = "real_servers", .type = TYPE_SOURCE, .flags = FIELD_REQUIRED,
	 .doc = "a pool's name or a list"},
	{.type = TYPE_BOOL, MEMBER(service, weight_in_percent)},
	{.type = TYPE_NUMBER, ITEMS(service, instances, instance_count),
	 .flags = FIELD_LIST | FIELD_INDEX},
	{.type = TYPE_RECORD, ITEMS(service, real_servers, real_server_count),
	 .flags = FIELD_LIST | FIELD_CHILDREN, .record = &schema_real_server},
};

const struct schema_record schema_service = {
	RECORD("service", service_fields), .size = sizeof(struct service),
};

static const struct schema_field way_fields[] = {
	{.type = TYPE_ADDRESS, MEMBER(way, server), .flags = FIELD_ALWAYS},
	{.type = TYPE_WORD, MEMBER(way, forwarding), .words = forwarding_words},
	{.type = TYPE_RECORD, MEMBER(way, tunnel), .record = &schema_tunnel},
	{.type = TYPE_WORD, MEMBER(way, family), .words = family_words, .flags = FIELD_ALWAYS},
	{.type = TYPE_NUMBER, MEMBER(way, mark)},
};

static const struct schema_record schema_way = {
	RECORD("way", way_fields), .size = sizeof(struct way),
};

/* ---- the whole ------------------------------------------------------------------------------ */

#define TO(role) (1u << ROLE_##role)
#define ALL (TO(SUPERVISOR) | TO(CONTROL) | TO(CHECK) | TO(IPVS) | TO(VRRP))

static const struct schema_field model_fields[] = {
	{.type = TYPE_NUMBER, MEMBER(model, generation), .roles = ALL},
	{.type = TYPE_TEXT, MEMBER(model, node), .roles = ALL},
	{.type = TYPE_BOOL, MEMBER(model, has_services), .roles = ALL},
	{.type = TYPE_TEXT, ITEMS(model, instance_names, instance_name_count),
	 .flags = FIELD_LIST, .roles = TO(CONTROL) | TO(CHECK) | TO(IPVS)},
	{.type = TYPE_TEXT, ITEMS(model, nat_interfaces, nat_interface_count),
	 .flags = FIELD_LIST, .roles = TO(CONTROL) | TO(IPVS)},
	{.key = "cluster", .type = TYPE_TEXT, MEMBER(model, cluster), .judge = judge_name,
	 .roles = ALL, .doc = "name of the whole, for people"},
	{.key = "include", .type = TYPE_SOURCE, .flags = FIELD_LIST,
	 .doc = "files to merge into this one"},
	{.key = "directors", .type = TYPE_RECORD, ITEMS(model, directors, director_count),
	 .flags = FIELD_LIST | FIELD_MAP, .record = &schema_director,
	 .roles = TO(SUPERVISOR) | TO(CONTROL) | TO(VRRP), .doc = "what differs between directors"},
	{.key = "defaults", .type = TYPE_SOURCE, .flags = FIELD_MAP,
	 .doc = "for every object of the file"},
	{.key = "global", .type = TYPE_RECORD, MEMBER(model, global), .record = &schema_global,
	 .roles = ALL, .doc = "the daemon itself"},
	{.key = "vrrp", .type = TYPE_RECORD, ITEMS(model, instances, instance_count),
	 .flags = FIELD_LIST, .record = &schema_instance, .roles = TO(CONTROL) | TO(VRRP),
	 .doc = "virtual routers"},
	{.key = "sync_groups", .type = TYPE_RECORD, ITEMS(model, sync_groups, sync_group_count),
	 .flags = FIELD_LIST, .record = &schema_sync_group, .roles = TO(CONTROL) | TO(VRRP),
	 .doc = "instances that are MASTER together"},
	{.key = "checks", .type = TYPE_RECORD, ITEMS(model, checks, check_count),
	 .flags = FIELD_LIST | FIELD_MAP, .record = &schema_check,
	 .roles = TO(SUPERVISOR) | TO(CONTROL) | TO(CHECK), .doc = "named checks"},
	{.type = TYPE_RECORD, ITEMS(model, tls_files, tls_file_count),
	 .flags = FIELD_LIST | FIELD_SECRET, .record = &schema_tls_file, .roles = TO(CHECK)},
	{.type = TYPE_RECORD, ITEMS(model, probes, probe_count), .flags = FIELD_LIST,
	 .record = &schema_probe,
	 .roles = TO(SUPERVISOR) | TO(CONTROL) | TO(CHECK) | TO(IPVS)},
	{.type = TYPE_RECORD, ITEMS(model, ways, way_count), .flags = FIELD_LIST,
	 .record = &schema_way, .roles = TO(CONTROL) | TO(CHECK) | TO(IPVS)},
	{.key = "pools", .type = TYPE_SOURCE, .flags = FIELD_MAP,
	 .doc = "named sets of real servers"},
	{.key = "services", .type = TYPE_RECORD, ITEMS(model, services, service_count),
	 .flags = FIELD_LIST, .record = &schema_service, .roles = TO(CONTROL) | TO(IPVS),
	 .doc = "virtual services"},
};

const struct schema_record schema_model = {
	RECORD("file", model_fields), .size = sizeof(struct model),
};
