/* The keys of services and real servers; see tables.c. */
#include "config/tables.h"

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
	 .flags = FIELD_REQUIRED, .doc = "IPv4 or IPv6"},
	{.key = "port", .type = TYPE_NUMBER, MEMBER(endpoint, port), .min = 1, .max = 65535,
	 .doc = "of TCP, UDP or SCTP"},
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
	NOTIFY(service, "scripts that are told of its events, and of its servers'"),
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

const struct schema_record schema_way = {
	RECORD("way", way_fields), .size = sizeof(struct way),
};
