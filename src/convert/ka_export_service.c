/* Services and their checks as virtual_server blocks: one for each listener and protocol. */
#include <string.h>
#include <sys/socket.h>

#include "base/escape.h"
#include "base/text.h"
#include "convert/ka_export_line.h"

/* ---- checks --------------------------------------------------------------------------------- */

/* How often it asks, and how long until it believes. */
static void export_patience(struct ka_out *out, const struct check *check)
{
	ka_line(out, "retry %u", check->fall - 1);
	ka_seconds(out, "delay_before_retry", check->retry_interval ? check->retry_interval : check->interval);
	ka_seconds(out, "delay_loop", check->interval < NSTIME_S ? NSTIME_S : check->interval);
	if (check->initial == CHECK_INITIAL_DOWN)
		ka_line(out, "alpha");
	if (check->rise > 1)
		ka_warn(out, "rise: %u: keepalived takes one success", check->rise);
}

static void export_times(struct ka_out *out, const struct check *check)
{
	ka_seconds(out, "connect_timeout", check->timeout < NSTIME_S ? NSTIME_S : check->timeout);
	export_patience(out, check);
}

static void export_connection(struct ka_out *out, const struct check *check, const struct probe *probe)
{
	char address[ADDR_TEXT];

	ka_line(out, "connect_ip %s", addr_format(&probe->target.address, address));
	if (check->type != CHECK_ICMP)
		ka_line(out, "connect_port %u", probe->target.port);
	if (check->bind.family)
		ka_line(out, "bindto %s", addr_format(&check->bind, address));
	if (check->interface)
		ka_line(out, "bind_if %s", check->interface);
	export_times(out, check);
	if (check->via == CHECK_VIA_VIP)
		ka_warn(out, "via: vip: keepalived asks servers directly");
}

static bool is_quotable(const char *text)
{
	return !strpbrk(text, "\"\n");
}

static void export_status(struct ka_out *out, const struct http_expect *expect)
{
	char text[512] = "";
	struct text codes = text_of(text, sizeof(text));

	for (size_t i = 0; i < expect->status_count; i++)
		text_add(&codes, expect->status[i].first == expect->status[i].last ? " %u" : " %u-%u",
			 expect->status[i].first, expect->status[i].last);
	ka_line(out, "status_code%s", text);
}

/* In keepalived's quotes. A quote in it is written as a number: behind its backslash a brace would end the line. */
static void export_regex(struct ka_out *out, const char *regex)
{
	char quoted[2048];
	struct text text = text_of(quoted, sizeof(quoted));

	for (const char *at = regex; *at; at++) {
		const char *form = *at == '\\' ? "\\%c"
				   : *at == '"' || (unsigned char)*at < 0x20 ? "\\%03o"
									       : "%c";

		text_add(&text, form, (unsigned char)*at);
	}
	if (text.cut)
		ka_warn(out, "a regular expression that is too long for keepalived: left out");
	else
		ka_line(out, "regex \"%s\"", quoted);
}

static void export_expressions(struct ka_out *out, const struct http_expect *expect)
{
	if (expect->body_regex && expect->not_regex)
		ka_warn(out, "not_regex: keepalived has one expression, body_regex is it");
	else if (expect->not_regex)
		ka_line(out, "regex_no_match");
	if (expect->body_regex || expect->not_regex)
		export_regex(out, expect->body_regex ? expect->body_regex : expect->not_regex);
}

static void export_http(struct ka_out *out, const struct check *check, const struct probe *probe)
{
	bool is_tls = check->scheme == HTTP_SCHEME_HTTPS;

	ka_open(out, "%s {", is_tls ? "SSL_GET" : "HTTP_GET");
	ka_line(out, "http_protocol %s", check->version == HTTP_VERSION_1_0 ? "1.0" : "1.1");
	if (check->version == HTTP_VERSION_2 || strcmp(check->method, "GET") != 0 || check->header_count ||
	    check->body || check->follow || check->expect.header_count || check->expect.sha256)
		ka_warn(out, "keepalived asks with GET alone, and looks at the status and the body's text");
	if (is_tls && check->tls.verify)
		ka_warn(out, "keepalived verifies no certificate");
	if (is_tls && check->tls.sni)
		ka_line(out, "enable_sni");
	ka_open(out, "url {");
	ka_line(out, is_quotable(check->path) ? "path \"%s\"" : "path %s", check->path);
	if (check->host)
		ka_line(out, "virtualhost \"%s\"", check->host);
	export_status(out, &check->expect);
	export_expressions(out, &check->expect);
	ka_close(out);
	export_connection(out, check, probe);
	ka_close(out);
}

static void export_udp(struct ka_out *out, const struct check *check, const struct probe *probe)
{
	uint8_t bytes[1024];
	char hex[2 * sizeof(bytes) + 1] = "";
	struct text text = text_of(hex, sizeof(hex));
	size_t size = check->send ? escape_decode(check->send, bytes, sizeof(bytes)) : 0;

	ka_open(out, "UDP_CHECK {");
	for (size_t i = 0; i < size; i++)
		text_add(&text, "%02x", bytes[i]);
	if (size)
		ka_line(out, "payload %s", hex);
	if (check->require_reply || check->expect_bytes)
		ka_line(out, "require_reply");
	if (check->expect_bytes)
		ka_warn(out, "expect: any reply passes with keepalived");
	export_connection(out, check, probe);
	ka_close(out);
}

static const char *dns_type(uint16_t record)
{
	switch (record) {
	case DNS_RECORD_A:
		return "A";
	case DNS_RECORD_AAAA:
		return "AAAA";
	case 2:
		return "NS";
	case 5:
		return "CNAME";
	case 15:
		return "MX";
	case 16:
		return "TXT";
	default:
		return "SOA";
	}
}

static void export_dns(struct ka_out *out, const struct check *check, const struct probe *probe)
{
	ka_open(out, "DNS_CHECK {");
	ka_line(out, "type %s", dns_type(check->dns.record));
	ka_line(out, "name %s", check->dns.name);
	if (check->dns.expect.address_count || check->dns.expect.rcodes != 1)
		ka_warn(out, "expect: keepalived takes any answer without an error");
	export_connection(out, check, probe);
	ka_close(out);
}

static void export_misc(struct ka_out *out, const struct check *check)
{
	char text[1024];

	if (!ka_quote_command(check, text, sizeof(text))) {
		ka_warn(out, "check: a command with quotes: write a script for it");
		return;
	}
	ka_open(out, "MISC_CHECK {");
	ka_line(out, "misc_path \"%s\"", text);
	ka_warn(out, "the command gets no LBHA_ADDRESS and LBHA_PORT from keepalived");
	ka_seconds(out, "misc_timeout", check->timeout < NSTIME_S ? NSTIME_S : check->timeout);
	if (check->weight_from_exit)
		ka_line(out, "misc_dynamic");
	if (check->user)
		ka_line(out, "user %s", check->user);
	export_patience(out, check);
	ka_close(out);
}

static void export_simple(struct ka_out *out, const char *keyword, const struct check *check,
			  const struct probe *probe)
{
	ka_open(out, "%s {", keyword);
	if (check->type == CHECK_SMTP)
		ka_line(out, "helo_name %s", check->helo);
	if (check->type == CHECK_SMTP && check->starttls)
		ka_warn(out, "starttls: keepalived does not go on with TLS");
	export_connection(out, check, probe);
	ka_close(out);
}

static void export_probe(struct ka_out *out, const struct probe *probe)
{
	const struct check *check = &out->model->checks[probe->check];

	switch (check->type) {
	case CHECK_HTTP:
		export_http(out, check, probe);
		return;
	case CHECK_UDP:
		export_udp(out, check, probe);
		return;
	case CHECK_DNS:
		export_dns(out, check, probe);
		return;
	case CHECK_SCRIPT:
		export_misc(out, check);
		return;
	case CHECK_ICMP:
		export_simple(out, "PING_CHECK", check, probe);
		return;
	case CHECK_SMTP:
		export_simple(out, "SMTP_CHECK", check, probe);
		return;
	case CHECK_FILE:
	case CHECK_PROCESS:
		ka_warn(out, "a check of type %s: keepalived has none for a server", check_type_name(check->type));
		return;
	case CHECK_TCP:
	case CHECK_AGENT:
	case CHECK_TLS:
	case CHECK_GRPC:
	case CHECK_REDIS:
	case CHECK_MYSQL:
	case CHECK_POSTGRESQL:
	case CHECK_LDAP:
	case CHECK_TYPES:
		break;
	}
	if (check->type != CHECK_TCP || check->send || check->expect_bytes || check->expect_regex)
		ka_warn(out, "a check of type %s: keepalived only looks whether the port takes a connection",
			check_type_name(check->type));
	export_simple(out, "TCP_CHECK", check, probe);
}

/* ---- servers -------------------------------------------------------------------------------- */

static const char *method(enum forwarding forwarding, const struct tunnel *tunnel, char *text, size_t size)
{
	static const char *const types[] = {"ipip", "gue", "gre"};
	static const char *const checksums[] = {"nocsum", "csum", "remcsum"};
	struct text out = text_of(text, size);

	switch (forwarding) {
	case FORWARDING_DR:
	case FORWARDING_LOCAL:
		text_add(&out, "DR");
		return text;
	case FORWARDING_NAT:
	case FORWARDING_FULLNAT:
		text_add(&out, "NAT");
		return text;
	case FORWARDING_TUNNEL:
		break;
	}
	text_add(&out, "TUN type %s", types[tunnel->type]);
	if (tunnel->type == TUNNEL_GUE)
		text_add(&out, " port %u", tunnel->port);
	if (tunnel->type != TUNNEL_IPIP)
		text_add(&out, " %s", checksums[tunnel->checksum]);
	return text;
}

/* Whether a probe is about this listener: with several of them a check without a port asks each one's. */
static bool is_about(struct ka_out *out, const struct probe *probe, const struct endpoint *listen,
		     unsigned port)
{
	return !listen || !probe->target.port || probe->target.port == port ||
	       out->model->checks[probe->check].port;
}

static void export_server(struct ka_out *out, const struct service *service, const struct endpoint *listen,
			  const struct real_server *server)
{
	char address[ADDR_TEXT], text[64], around[64];
	unsigned port = server->address.port ? server->address.port : listen ? listen->port : 0;

	if (server->state == ADMIN_DISABLED) {
		ka_warn(out, "%s: disabled: left out", server->name);
		return;
	}
	ka_open(out, "real_server %s %u {", addr_format(&server->address.address, address), port);
	ka_line(out, "weight %u", server->state == ADMIN_DRAINED ? 0 : server->weight);
	method(server->forwarding, &server->tunnel, text, sizeof(text));
	if (strcmp(text, method(service->forwarding, &service->tunnel, around, sizeof(around))) != 0)
		ka_line(out, "lvs_method %s", text);
	if (server->forwarding == FORWARDING_FULLNAT)
		ka_warn(out, "fullnat: the rule that replaces the client's address is yours to make");
	if (server->upper_threshold)
		ka_line(out, "uthreshold %u", server->upper_threshold);
	if (server->lower_threshold)
		ka_line(out, "lthreshold %u", server->lower_threshold);
	if (service->on_failure == ON_FAILURE_QUIESCE)
		ka_line(out, "inhibit_on_failure");
	for (size_t i = 0; i < server->probe_count; i++)
		if (is_about(out, &out->model->probes[server->probes[i]], listen, port))
			export_probe(out, &out->model->probes[server->probes[i]]);
	ka_close(out);
}

/* ---- services ------------------------------------------------------------------------------- */

static void export_persistence(struct ka_out *out, const struct service *service)
{
	const struct persistence *persistence = &service->persistence;
	char mask[ADDR_TEXT];
	struct addr address;

	if (!persistence->timeout)
		return;
	ka_line(out, "persistence_timeout %lld", (long long)(persistence->timeout / NSTIME_S));
	if (persistence->prefix && service_family(service) == AF_INET6) {
		ka_line(out, "persistence_granularity %u", persistence->prefix);
	} else if (persistence->prefix) {
		address = addr_from_ipv4(persistence->prefix >= 32 ? 0xffffffffu
								   : ~(0xffffffffu >> persistence->prefix));
		ka_line(out, "persistence_granularity %s", addr_format(&address, mask));
	}
	if (persistence->engine)
		ka_line(out, "persistence_engine %s", persistence->engine);
}

static void export_flags(struct ka_out *out, const struct service *service)
{
	static const struct {
		uint32_t flag;
		const char *keyword;
	} flags[] = {
		{SCHEDULER_SH_FALLBACK, "sh-fallback"}, {SCHEDULER_SH_PORT, "sh-port"},
		{SCHEDULER_MH_FALLBACK, "mh-fallback"}, {SCHEDULER_MH_PORT, "mh-port"},
	};

	ka_line(out, "lvs_sched %s", service->scheduler);
	for (size_t i = 0; i < COUNT_OF(flags); i++)
		if (service->scheduler_flags & flags[i].flag)
			ka_line(out, "%s", flags[i].keyword);
	if (service->one_packet)
		ka_line(out, "ops");
}

static void export_policy(struct ka_out *out, const struct service *service)
{
	if (service->quorum > 1)
		ka_line(out, "quorum %u", service->quorum);
	if (service->quorum_hysteresis)
		ka_line(out, "hysteresis %u", service->quorum_hysteresis);
	if (service->check_when == WHEN_MASTER)
		ka_line(out, "ha_suspend");
	if (service->program_when == WHEN_MASTER)
		ka_warn(out, "program_when: master: keepalived programs services always");
	if (service->panic_threshold)
		ka_warn(out, "panic_threshold: keepalived has none");
	if (service->slow_start)
		ka_warn(out, "slow_start: keepalived has none");
	if (service->notify_count)
		ka_warn(out, "notify: its scripts want lbhad's variables; quorum_up and its like are commands");
}

static void export_sorry(struct ka_out *out, const struct service *service, const struct endpoint *listen)
{
	const struct real_server *sorry = service->sorry_server;
	char address[ADDR_TEXT], text[64];

	if (!service->sorry_server_count)
		return;
	ka_line(out, "sorry_server %s %u", addr_format(&sorry->address.address, address),
		sorry->address.port ? sorry->address.port : listen ? listen->port : 0);
	ka_line(out, "sorry_server_lvs_method %s",
		method(sorry->forwarding, &sorry->tunnel, text, sizeof(text)));
}

static void export_virtual(struct ka_out *out, const struct service *service, const struct endpoint *listen,
			   const char *protocol)
{
	char address[ADDR_TEXT], text[64];

	ka_line(out, "# %s", service->name);
	if (listen)
		ka_open(out, "virtual_server %s %u {", addr_format(&listen->address, address), listen->port);
	else
		ka_open(out, "virtual_server fwmark %u {", service->mark);
	if (listen)
		ka_line(out, "protocol %s", protocol);
	else
		ka_line(out, "ip_family %s", service->family == AF_INET6 ? "inet6" : "inet");
	ka_line(out, "lvs_method %s", method(service->forwarding, &service->tunnel, text, sizeof(text)));
	export_flags(out, service);
	export_persistence(out, service);
	export_policy(out, service);
	export_sorry(out, service, listen);
	for (size_t i = 0; i < service->real_server_count; i++)
		export_server(out, service, listen, &service->real_servers[i]);
	ka_close(out);
}

void ka_export_service(struct ka_out *out, const struct service *service)
{
	static const struct {
		uint32_t protocol;
		const char *name;
	} protocols[] = {{PROTOCOL_TCP, "TCP"}, {PROTOCOL_UDP, "UDP"}, {PROTOCOL_SCTP, "SCTP"}};

	if (service->group)
		ka_warn(out, "group: true: mark the packets of its listeners with %u yourself", service->mark);
	if (service->mark) {
		export_virtual(out, service, NULL, NULL);
		return;
	}
	for (size_t i = 0; i < service->listen_count; i++)
		for (size_t k = 0; k < COUNT_OF(protocols); k++)
			if (service->protocols & protocols[k].protocol)
				export_virtual(out, service, &service->listen[i], protocols[k].name);
}
