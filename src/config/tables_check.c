/* The keys of checks; see tables.c. */
#include "config/tables.h"

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
	 .flags = FIELD_LIST | FIELD_FULL, .min = 100, .max = 599, .default_text = "200-299",
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
	 .doc = "SHA-256 of the body, 64 hexadecimal digits"},
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
	 .words = check_type_words, .doc = "what is done and asked"},
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
	 .flags = FIELD_REQUIRED, .applies = AGENTS, .doc = "port of the agent"},
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
	 .default_text = "/", .applies = HTTP, .doc = "path that is fetched, with its query"},
	{.key = "method", .type = TYPE_TEXT, MEMBER(check, method), .judge = judge_http_method,
	 .default_text = "GET", .applies = HTTP, .doc = "method of the request"},
	{.key = "scheme", .type = TYPE_WORD, MEMBER(check, scheme), .words = http_scheme_words,
	 .default_text = "http", .applies = HTTP, .doc = "https: over TLS"},
	{.key = "tls", .type = TYPE_RECORD, MEMBER(check, tls), .record = &schema_tls,
	 .applies = SMTP | HTTP | GRPC,
	 .doc = "TLS of starttls, of scheme https, or that grpc speaks it: the keys of type tls"},
	{.key = "service", .type = TYPE_TEXT, MEMBER(check, service), .judge = judge_grpc_service,
	 .applies = GRPC, .doc = "service that is asked about; default the server as a whole"},
	{.key = "version", .type = TYPE_WORD, MEMBER(check, version), .words = http_version_words,
	 .default_text = "1.1", .applies = HTTP, .doc = "version of HTTP that is spoken, and no other"},
	{.key = "host", .type = TYPE_TEXT, MEMBER(check, host), .judge = judge_http_host,
	 .applies = HTTP, .doc = "Host header; default the address that is probed"},
	{.key = "headers", .type = TYPE_RECORD, ITEMS(check, headers, header_count),
	 .flags = FIELD_LIST | FIELD_MAP, .record = &schema_http_header, .applies = HTTP,
	 .doc = "sent with the request"},
	{.key = "body", .type = TYPE_TEXT, MEMBER(check, body), .max = 65536, .applies = HTTP,
	 .doc = "body of the request"},
	{.key = "expect", .type = TYPE_RECORD, MEMBER(check, expect), .record = &schema_http_expect,
	 .applies = HTTP, .doc = "what answer passes"},
	{.key = "follow", .type = TYPE_BOOL, MEMBER(check, follow), .default_text = "false",
	 .applies = HTTP, .doc = "redirects are followed, at the same address and port"},
	{.key = "name", .type = TYPE_TEXT, MEMBER(check, dns.name), .judge = judge_dns_name,
	 .flags = FIELD_OWN,
	 .default_text = ".", .applies = DNS, .doc = "name that is asked for"},
	{.key = "record", .type = TYPE_WORD, .flags = FIELD_ANY_CASE, MEMBER(check, dns.record),
	 .words = dns_record_words, .default_text = "SOA", .applies = DNS, .doc = "type of the records that are asked for"},
	{.key = "transport", .type = TYPE_WORD, MEMBER(check, dns.transport),
	 .words = dns_transport_words, .default_text = "udp", .applies = DNS, .doc = "by what the question goes"},
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
	 .doc = "path of a file that must be there"},
	{.key = "weight_from_file", .type = TYPE_BOOL, MEMBER(check, weight_from_file),
	 .applies = FILES, .doc = "its first line tells a weight, as agents do"},
	{.key = "name", .type = TYPE_TEXT, MEMBER(check, process),
	 .flags = FIELD_REQUIRED | FIELD_OWN, .judge = judge_process, .applies = PROCESSES,
	 .doc = "name of processes that must run"},
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

const struct schema_record schema_tls_file = {
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
