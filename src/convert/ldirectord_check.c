/* `check:` for what ldirectord checks by checktype and service. Where lbha has no such dialogue the next
 * best is said: a banner, a handshake, a connection. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "convert/draft.h"
#include "convert/ldirectord_import.h"

#define INTERVAL 10
#define CHECK_TIMEOUT 5
#define NEGOTIATE_TIMEOUT 30

struct ld_probe {
	struct import_run *run;
	struct draft *map; /* the service's */
	struct draft *into; /* the check's */
	const struct ld_section *section;
	const struct ld_check *check;
};

/* ---- what negotiates -------------------------------------------------------------------------- */

static void text(struct ld_probe *probe, const char *key, const char *value)
{
	if (value && *value)
		draft_text(probe->run->arena, probe->into, key, value);
}

/* Requests are kept with a slash before them by ldirectord, whatever they are for. */
static const char *bare(const char *request)
{
	return request && *request == '/' ? request + 1 : request;
}

static void verify_nothing(struct ld_probe *probe)
{
	struct draft *tls = draft_map(probe->run->arena, probe->into, "tls");

	if (tls)
		tls->is_short = true;
	draft_value(probe->run->arena, tls, "verify", "false");
}

static void put_http(struct ld_probe *probe)
{
	const struct ld_check *check = probe->check;
	struct arena *arena = probe->run->arena;
	const char *path = check->request ? check->request : "/";
	struct draft *expect;

	text(probe, "path", *path == '/' ? path : arena_printf(arena, "/%s", path));
	text(probe, "method", check->method);
	text(probe, "host", check->host);
	draft_value(arena, probe->into, "follow", "true");
	if (!check->receive || !*check->receive)
		return;
	expect = draft_map(arena, probe->into, "expect");
	draft_text(arena, expect, "body_regex", check->receive);
}

static void put_https(struct ld_probe *probe)
{
	draft_text(probe->run->arena, probe->into, "scheme", "https");
	put_http(probe);
	verify_nothing(probe);
}

static void put_tls(struct ld_probe *probe)
{
	verify_nothing(probe);
	import_say(probe->run, IMPORT_WARNING, probe->check->line, probe->map,
		   "the check ends with the TLS handshake: what is said within is not looked at");
}

static void put_dns(struct ld_probe *probe)
{
	const struct ld_check *check = probe->check;
	struct arena *arena = probe->run->arena;
	struct draft *expect;
	struct addr address;

	if (check->request && *bare(check->request)) {
		text(probe, "name", bare(check->request));
		draft_text(arena, probe->into, "record", "A");
	}
	if (!check->receive || !*check->receive)
		return;
	if (!addr_parse(check->receive, &address)) {
		expect = draft_map(arena, probe->into, "expect");
		if (expect)
			expect->is_short = true;
		draft_text(arena, expect, "address", check->receive);
		return;
	}
	import_say(probe->run, IMPORT_WARNING, check->line, probe->map,
		   "receive: a DNS check of lbha expects addresses, no pattern; any answer counts");
}

/* Only \n has a meaning in ldirectord. */
static void put_simpletcp(struct ld_probe *probe)
{
	const char *request = bare(probe->check->request);
	char buffer[1024];
	struct text out = text_of(buffer, sizeof(buffer));

	for (const char *at = request ? request : ""; *at; at++)
		text_add(&out, *at == '\\' && at[1] != 'n' ? "\\\\" : "%c", *at);
	text(probe, "send", buffer);
	text(probe, "expect_regex", probe->check->receive);
}

static void put_login(struct ld_probe *probe)
{
	text(probe, "user", probe->check->login);
	if (!strcmp(probe->check->service ? probe->check->service : "", "pgsql"))
		text(probe, "database", probe->check->database);
	if (probe->check->request)
		import_say(probe->run, IMPORT_WARNING, probe->check->line, probe->map,
			   "request: lbha probes the server's handshake, and runs no query");
}

static void put_banner(struct ld_probe *probe, const char *banner)
{
	text(probe, "expect_regex", banner);
	if (probe->check->login || probe->check->request)
		import_say(probe->run, IMPORT_WARNING, probe->check->line, probe->map,
			   "login, request: the server's greeting is what counts");
}

static void put_ftp(struct ld_probe *probe)
{
	put_banner(probe, "^220");
}

static void put_pop(struct ld_probe *probe)
{
	put_banner(probe, "^\\+OK");
}

static void put_imap(struct ld_probe *probe)
{
	put_banner(probe, "^\\* OK");
}

static void put_nntp(struct ld_probe *probe)
{
	put_banner(probe, "^20[01]");
}

static void put_other(struct ld_probe *probe)
{
	import_say(probe->run, IMPORT_WARNING, probe->check->line, probe->map,
		   "service = %.32s: lbha has no such check; whether the port answers is what counts",
		   probe->check->service ? probe->check->service : "?");
}

static const struct service_row {
	const char *name;
	uint16_t port; /* whose default it is; 0: none */
	const char *type;
	void (*put)(struct ld_probe *probe);
} services[] = {
	{"ftp", 21, "tcp", put_ftp},
	{"smtp", 25, "smtp", NULL},
	{"dns", 53, "dns", put_dns},
	{"http", 80, "http", put_http},
	{"pop", 110, "tcp", put_pop},
	{"nntp", 119, "tcp", put_nntp},
	{"imap", 143, "tcp", put_imap},
	{"ldap", 389, "ldap", NULL},
	{"https", 443, "http", put_https},
	{"submission", 587, "smtp", NULL},
	{"ldaps", 636, "tls", put_tls},
	{"imaps", 993, "tls", put_tls},
	{"pops", 995, "tls", put_tls},
	{"oracle", 1521, "tcp", put_other},
	{"radius", 1812, "udp", put_other},
	{"http_proxy", 3128, "tcp", put_other},
	{"mysql", 3306, "mysql", put_login},
	{"pgsql", 5432, "postgresql", put_login},
	{"sip", 5060, "udp", put_other},
	{"simpletcp", 0, "tcp", put_simpletcp},
};

static const struct service_row *find_service(const struct ld_section *section)
{
	const char *name = section->check.service;

	for (size_t i = 0; i < COUNT_OF(services); i++)
		if (name ? !strcmp(services[i].name, name)
			 : !section->service.mark && services[i].port &&
				   services[i].port == section->service.at.port)
			return &services[i];
	return NULL;
}

/* ---- the check --------------------------------------------------------------------------------- */

static uint16_t port_of_service(const char *name)
{
	for (size_t i = 0; name && i < COUNT_OF(services); i++)
		if (!strcmp(services[i].name, name))
			return services[i].port;
	return 0;
}

/* Where the service has no port (a mark), the check names one: that of the servers, or what is checked has one by itself. */
static uint32_t port_of(const struct ld_section *section)
{
	if (section->check.port || !section->service.mark)
		return section->check.port;
	for (size_t i = 0; i < section->service.server_count; i++)
		if (section->service.servers[i].at.port)
			return section->service.servers[i].at.port;
	return port_of_service(section->check.service);
}

static void put_command(struct ld_probe *probe)
{
	const struct virtual_service *service = &probe->section->service;
	struct arena *arena = probe->run->arena;
	struct draft *list = draft_list(arena, probe->into, "command");
	char address[ADDR_TEXT];

	draft_text(arena, list, NULL, "/bin/sh");
	draft_text(arena, list, NULL, "-c");
	draft_text(arena, list, NULL, "exec \"$0\" \"$1\" \"$2\" \"$LBHA_ADDRESS\" \"$LBHA_PORT\"");
	draft_text(arena, list, NULL, probe->check->command ? probe->check->command : "/bin/true");
	if (service->mark)
		draft_textf(arena, list, NULL, "%" PRIu32, service->mark);
	else
		draft_text(arena, list, NULL, addr_format(&service->at.address, address));
	draft_textf(arena, list, NULL, "%u", service->at.port);
}

/* Which type a section has in lbha; NULL: none. What `why` says then is meant so by the file unless it is `lost`. */
static const char *type_of(const struct ld_section *section, const struct service_row **row,
			   const char **why, bool *lost)
{
	bool is_udp = section->service.protocol == PROTOCOL_UDP;

	*row = NULL;
	switch (section->check.type) {
	case LD_CONNECT:
		if (!is_udp && section->service.mark && !port_of(section)) {
			*why = "checktype = connect without a port (checkport): the servers are pinged";
			*lost = true;
			return "icmp";
		}
		return is_udp ? "icmp" : "tcp";
	case LD_PING:
		return "icmp";
	case LD_EXTERNAL:
		return "script";
	case LD_OFF:
		*why = "checktype = off: nothing is checked, and no server is in use";
		return NULL;
	case LD_ON:
		*why = "checktype = on: nothing is checked, all servers are in use";
		return NULL;
	case LD_NEGOTIATE:
		break;
	}
	*row = find_service(section);
	*why = "service = none: nothing is checked, all servers are in use";
	if (section->service.mark && *row && !port_of(section)) {
		*why = "a service by mark whose servers have no port needs checkport: nothing is checked";
		*lost = true;
		return NULL;
	}
	return *row ? (*row)->type : NULL;
}

/* The first that is given. */
static uint32_t first_of(const uint32_t *values, size_t count, uint32_t otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (values[i])
			return values[i];
	return otherwise;
}

/* Each of the timeouts stands for the other, in a section before the whole file. */
static uint32_t timeout_of(const struct ld_settings *own, const struct ld_settings *global, bool negotiates)
{
	uint32_t check[] = {own->check_timeout, own->negotiate_timeout, global->check_timeout,
			    global->negotiate_timeout};
	uint32_t negotiate[] = {own->negotiate_timeout, own->check_timeout, global->negotiate_timeout,
				global->check_timeout};

	return negotiates ? first_of(negotiate, COUNT_OF(negotiate), NEGOTIATE_TIMEOUT)
			  : first_of(check, COUNT_OF(check), CHECK_TIMEOUT);
}

static void put_times(struct ld_probe *probe, const struct ld_settings *global, bool negotiates)
{
	const struct ld_settings *own = &probe->section->settings;
	struct arena *arena = probe->run->arena;
	uint32_t intervals[] = {own->interval, global->interval}, failures[] = {own->failures, global->failures};

	draft_textf(arena, probe->into, "interval", "%" PRIu32 "s",
		    first_of(intervals, COUNT_OF(intervals), INTERVAL));
	draft_textf(arena, probe->into, "timeout", "%" PRIu32 "s", timeout_of(own, global, negotiates));
	draft_value(arena, probe->into, "rise", "1");
	draft_value(arena, probe->into, "fall", "%" PRIu32, first_of(failures, COUNT_OF(failures), 1));
}

void ld_check_draft(struct import_run *run, struct draft *map, const struct ld_section *section,
		    const struct ld_settings *global)
{
	const struct service_row *row;
	const char *why = NULL;
	bool lost = false;
	const char *type = type_of(section, &row, &why, &lost);
	struct ld_probe probe = {.run = run, .map = map, .section = section, .check = &section->check};

	if (!type || lost)
		import_say(run, lost ? IMPORT_WARNING : IMPORT_NOTE, section->check.line, map, "%s", why);
	if (!type)
		return;
	probe.into = draft_map(run->arena, map, "check");
	draft_text(run->arena, probe.into, "type", type);
	if (section->check.type == LD_EXTERNAL)
		put_command(&probe);
	else if (row && row->put)
		row->put(&probe);
	if (port_of(section) && strcmp(type, "icmp") != 0 && strcmp(type, "script") != 0)
		draft_value(run->arena, probe.into, "port", "%" PRIu32, port_of(section));
	put_times(&probe, global, section->check.type == LD_NEGOTIATE);
}
