/* Every key of lbha.conf that works: one row each. A key that does not work yet is not here and so
 * is an unknown key. Order is that of lbha.conf(5) and of the rendered configuration. Rows without
 * a key are derived members. Those of checks and of services have files of their own. */
#include "config/tables.h"

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
	{.key = "vrrp", .type = TYPE_TEXT, MEMBER(users, vrrp), .default_text = "lbha-vrrp",
	 .judge = judge_user, .doc = "the vrrp worker runs as"},
	{.key = "ipvs", .type = TYPE_TEXT, MEMBER(users, ipvs), .default_text = "lbha-ipvs",
	 .judge = judge_user, .doc = "the ipvs worker runs as"},
	{.key = "script", .type = TYPE_TEXT, MEMBER(users, script), .default_text = "lbha-script",
	 .judge = judge_user, .doc = "scripts run as, unless they name a user"},
};

static const struct schema_record schema_users = {
	RECORD("users", users_fields), .size = sizeof(struct users),
};

static const struct schema_field control_fields[] = {
	{.key = "read_group", .type = TYPE_TEXT, MEMBER(control_global, read_group), .judge = judge_user_group,
	 .doc = "members of this group may ask; default: that of users.daemon"},
	{.key = "write_group", .type = TYPE_TEXT, MEMBER(control_global, write_group), .judge = judge_user_group,
	 .doc = "members of this group may ask and command; default: root alone"},
};

static const struct schema_record schema_control = {
	RECORD("control", control_fields), .size = sizeof(struct control_global),
};

static const struct schema_field exporter_fields[] = {
	{.key = "listen", .type = TYPE_ENDPOINT, MEMBER(exporter_global, listen), .judge = judge_listener,
	 .doc = "address and port where it serves HTTP, without passwords or encryption (required)"},
};

const struct schema_record schema_exporter = {
	RECORD("exporter", exporter_fields), .size = sizeof(struct exporter_global),
};

/* The numbers are those of enum log_level (core/log.h), which the model cannot include. */
static const struct schema_word level_words[] = {
	{"error", 0}, {"warning", 1}, {"info", 2}, {"debug", 3}, {0},
};
static const struct schema_word format_words[] = {
	{"text", LOG_FORMAT_TEXT}, {"json", LOG_FORMAT_JSON}, {0},
};

static const struct schema_word target_words[] = {
	{"journal", 1}, {"stderr", 2}, {"syslog", 3}, {0},
};

static const struct schema_field log_fields[] = {
	{.key = "level", .type = TYPE_WORD, MEMBER(log_global, level), .words = level_words,
	 .default_text = "info", .doc = "least important message that is logged"},
	{.key = "format", .type = TYPE_WORD, MEMBER(log_global, format), .words = format_words,
	 .default_text = "text", .doc = "lines for people or JSON"},
	{.key = "target", .type = TYPE_WORD, MEMBER(log_global, target), .words = target_words,
	 .doc = "where lines go; default the journal under systemd, else stderr"},
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
	 .default_text = "8848", .doc = "UDP port of these messages"},
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

/* ---- notify scripts ------------------------------------------------------------------------- */

static const struct schema_field notify_fields[] = {
	{.key = "script", .type = TYPE_TEXT, ITEMS(notify, script, script_count),
	 .flags = FIELD_LIST | FIELD_REQUIRED | FIELD_OWN, .judge = judge_text,
	 .doc = "path of a program and its arguments; no shell"},
	{.key = "user", .type = TYPE_TEXT, MEMBER(notify, user), .judge = judge_user,
	 .doc = "it runs as; default global.users.script"},
	{.key = "timeout", .type = TYPE_DURATION, MEMBER(notify, timeout), .min = 100 * NSTIME_MS,
	 .max = HOUR, .default_text = "10s", .doc = "then it is killed, with what it started"},
};

const struct schema_record schema_notify = {
	RECORD("notify script", notify_fields), .size = sizeof(struct notify),
	.short_form = "script",
};

static const struct schema_field global_fields[] = {
	{.key = "users", .type = TYPE_RECORD, MEMBER(global, users), .record = &schema_users,
	 .doc = "whom the workers and scripts run as"},
	{.key = "control", .type = TYPE_RECORD, MEMBER(global, control), .record = &schema_control,
	 .doc = "who may use the control socket"},
	{.key = "log", .type = TYPE_RECORD, MEMBER(global, log), .record = &schema_log,
	 .doc = "what is logged, and in what form"},
	{.key = "exporter", .type = TYPE_RECORD, MEMBER(global, exporter), .record = &schema_exporter,
	 .doc = "metrics, health and the status page over HTTP; absent: none"},
	{.key = "ready_timeout", .type = TYPE_DURATION, MEMBER(global, ready_timeout), .max = HOUR,
	 .default_text = "30s",
	 .doc = "a starting director does not preempt before its table and tracked checks are ready, "
		"at most this long"},
	{.key = "ipvs", .type = TYPE_RECORD, MEMBER(global, ipvs), .record = &schema_ipvs,
	 .doc = "the kernel's load balancer as a whole"},
	NOTIFY(global, "scripts that are told of every event"),
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
	 .default_text = "none", .doc = "how an advert of version 2 shows whose it is"},
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
	 .default_text = "3", .doc = "version of VRRP; 2 is for IPv4 only"},
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
	 .doc = "source address of its adverts; default the director's address, else the interface's first"},
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
	NOTIFY(instance, "scripts that are told of its events"),
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
	NOTIFY(sync_group, "scripts that are told of its events"),
};

const struct schema_record schema_sync_group = {
	RECORD("sync group", sync_group_fields), .size = sizeof(struct sync_group),
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
	{.type = TYPE_RECORD, ITEMS(model, notifies, notifies_count), .flags = FIELD_LIST,
	 .record = &schema_notify, .roles = TO(SUPERVISOR) | TO(CONTROL)},
	{.key = "pools", .type = TYPE_SOURCE, .flags = FIELD_MAP,
	 .doc = "named sets of real servers"},
	{.key = "services", .type = TYPE_RECORD, ITEMS(model, services, service_count),
	 .flags = FIELD_LIST, .record = &schema_service, .roles = TO(CONTROL) | TO(IPVS),
	 .doc = "virtual services"},
};

const struct schema_record schema_model = {
	RECORD("file", model_fields), .size = sizeof(struct model),
};
