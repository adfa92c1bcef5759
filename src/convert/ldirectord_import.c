/* See the header. A line that begins with "virtual" opens a section of the indented lines behind it; what
 * is not indented is global. Values may be in quotes; what each key means is in two tables. */
#include "convert/ldirectord_import.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/words.h"
#include "convert/draft.h"

#define LINE 4096
#define RANGE_MAX 1024 /* servers of one range */
#define INDENT 4

struct reader {
	struct import_run run;
	struct ld_settings global;
	struct ld_section *sections;
	size_t section_count;
	struct ld_section *section; /* that is read; NULL: none */
	uint32_t line;
	const char *key, *value;
	bool forks, has_told_quiescent;
};

static struct draft *place(const struct reader *reader)
{
	return reader->section ? reader->run.here : reader->run.root;
}

static void warn(struct reader *reader, const char *text)
{
	import_say(&reader->run, IMPORT_WARNING, reader->line, place(reader), "%.64s: %s", reader->key, text);
}

static const char *keep(struct reader *reader)
{
	return arena_strdup(reader->run.arena, reader->value);
}

static uint32_t number(struct reader *reader)
{
	uint32_t out = 0;

	(void)import_number(&reader->run, reader->line, reader->key, reader->value, 1, 31 * 86400, &out);
	return out;
}

/* ---- what stands in both places -------------------------------------------------------------- */

static struct ld_settings *settings(struct reader *reader)
{
	return reader->section ? &reader->section->settings : &reader->global;
}

static void take_check_timeout(struct reader *reader)
{
	settings(reader)->check_timeout = number(reader);
}

static void take_negotiate_timeout(struct reader *reader)
{
	settings(reader)->negotiate_timeout = number(reader);
}

static void take_interval(struct reader *reader)
{
	settings(reader)->interval = number(reader);
	settings(reader)->interval_line = reader->line;
}

static void take_failures(struct reader *reader)
{
	settings(reader)->failures = number(reader);
}

static void take_quiescent(struct reader *reader)
{
	settings(reader)->quiescent = keep(reader);
}

static void take_fallback(struct reader *reader)
{
	settings(reader)->fallback = keep(reader);
	settings(reader)->fallback_line = reader->line;
}

/* It is for the sections' own intervals alone, which lbha has anyway. */
static void take_fork(struct reader *reader)
{
	reader->forks = !strcmp(reader->value, "yes");
	import_say(&reader->run, IMPORT_NOTE, reader->line, place(reader), "fork: probes never wait for one another");
}

/* ---- servers --------------------------------------------------------------------------------- */

static bool read_way(const char *word, enum forwarding *out)
{
	if (!strcmp(word, "gate"))
		*out = FORWARDING_DR;
	else if (!strcmp(word, "masq"))
		*out = FORWARDING_NAT;
	else if (!strcmp(word, "ipip"))
		*out = FORWARDING_TUNNEL;
	else
		return false;
	return true;
}

/* What stands behind the address: gate|masq|ipip, a weight, two texts in quotes, l:N, u:N. */
static void take_server_words(struct reader *reader, struct virtual_server *server, struct ld_exchange *exchange,
			      char *rest)
{
	const char **texts[2] = {&exchange->request, &exchange->receive};
	size_t count = 0;

	while (*(rest += strspn(rest, " ,"))) {
		bool quoted = *rest == '"';
		char *word = rest + quoted;

		rest = word + strcspn(word, quoted ? "\"" : " ,");
		if (*rest)
			*rest++ = '\0';
		if (quoted && count < 2)
			*texts[count++] = word;
		else if (!strncmp(word, "l:", 2) || !strncmp(word, "u:", 2))
			(void)import_number(&reader->run, reader->line, "threshold", word + 2, 0, UINT32_MAX,
					    *word == 'l' ? &server->lower_threshold : &server->upper_threshold);
		else if (isdigit((unsigned char)*word))
			(void)import_number(&reader->run, reader->line, "weight", word, 0, UINT16_MAX,
					    &server->weight);
		else if (!read_way(word, &server->forwarding))
			warn(reader, "a server is reached by gate, masq or ipip");
	}
}

static void add_server(struct reader *reader, const struct endpoint *at, const char *rest)
{
	struct virtual_service *service = &reader->section->service;
	struct virtual_server *server = import_add_server(&reader->run, service, reader->line);
	struct ld_exchange *exchange = arena_push(reader->run.arena, &reader->section->exchanges,
						  &reader->section->exchange_count, sizeof(*exchange));
	char *words = arena_strdup(reader->run.arena, rest);

	if (!server || !exchange || !words)
		return;
	server->at = *at;
	*exchange = (struct ld_exchange){.line = reader->line};
	take_server_words(reader, server, exchange, words);
}

/* "192.168.6.2->192.168.6.7:80": each address from one to the other. */
static void add_range(struct reader *reader, const struct addr *first, const struct endpoint *last,
		      const char *rest)
{
	uint32_t from = addr_ipv4(first), to = addr_ipv4(&last->address);

	if (first->family != AF_INET || last->address.family != AF_INET || to < from || to - from >= RANGE_MAX) {
		warn(reader, "no range of IPv4 addresses, or of more than 1024");
		return;
	}
	for (uint32_t i = 0; i <= to - from; i++)
		add_server(reader, &(struct endpoint){addr_from_ipv4(from + i), last->port}, rest);
}

static void take_real(struct reader *reader)
{
	size_t length = strcspn(reader->value, " ");
	char *text = arena_text(reader->run.arena, reader->value, length), *arrow;
	const char *rest = reader->value + length;
	struct endpoint first, last;
	uint8_t family = reader->section->service.family;

	if (!text)
		return;
	arrow = strstr(text, "->");
	if (arrow)
		*arrow = '\0';
	if (!import_endpoint(&reader->run, reader->line, text, protocol_word(reader->section->service.protocol), family, &first))
		return;
	if (!arrow)
		add_server(reader, &first, rest);
	else if (import_endpoint(&reader->run, reader->line, arrow + 2, protocol_word(reader->section->service.protocol), family, &last))
		add_range(reader, &first.address, &last, rest);
}

/* ---- the rest of a section -------------------------------------------------------------------- */

static void take_check_type(struct reader *reader)
{
	static const struct {
		const char *name;
		enum ld_type type;
	} types[] = {
		{"negotiate", LD_NEGOTIATE}, {"connect", LD_CONNECT}, {"ping", LD_PING},
		{"external", LD_EXTERNAL},   {"off", LD_OFF},         {"on", LD_ON},
	};

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (!strcmp(types[i].name, reader->value)) {
			reader->section->check.type = types[i].type;
			return;
		}
	reader->section->check.type = LD_NEGOTIATE;
	if (!strcmp(reader->value, "external-perl")) {
		reader->section->check.type = LD_EXTERNAL;
		warn(reader, "external-perl is run as a program of its own, as external is");
	} else if (isdigit((unsigned char)reader->value[0])) {
		warn(reader, "connecting and negotiating in turn: every probe negotiates");
	} else {
		warn(reader, "no such type");
	}
}

static void take_service(struct reader *reader)
{
	reader->section->check.service = keep(reader);
}

static void take_command(struct reader *reader)
{
	reader->section->check.command = keep(reader);
}

static void take_request(struct reader *reader)
{
	reader->section->check.request = keep(reader);
}

static void take_receive(struct reader *reader)
{
	reader->section->check.receive = keep(reader);
}

static void take_method(struct reader *reader)
{
	reader->section->check.method = keep(reader);
}

static void take_host(struct reader *reader)
{
	reader->section->check.host = keep(reader);
}

static void take_login(struct reader *reader)
{
	reader->section->check.login = keep(reader);
}

static void take_database(struct reader *reader)
{
	reader->section->check.database = keep(reader);
}

static void take_check_port(struct reader *reader)
{
	(void)import_number(&reader->run, reader->line, reader->key, reader->value, 1, UINT16_MAX,
			    &reader->section->check.port);
}

static void take_scheduler(struct reader *reader)
{
	reader->section->service.scheduler = keep(reader);
}

static void take_persistent(struct reader *reader)
{
	reader->section->service.persistence = number(reader);
}

static void take_netmask(struct reader *reader)
{
	struct virtual_service *service = &reader->section->service;

	if (import_prefix(&reader->run, reader->line, reader->value, &service->prefix) &&
	    service->prefix == addr_bits(service->family))
		service->prefix = 0;
}

/* fwm is what a section with a mark has in any case. */
static void take_protocol(struct reader *reader)
{
	if (!strcmp(reader->value, "udp"))
		reader->section->service.protocol = PROTOCOL_UDP;
	else if (!strcmp(reader->value, "tcp"))
		reader->section->service.protocol = PROTOCOL_TCP;
	else if (strcmp(reader->value, "fwm") != 0 || !reader->section->service.mark)
		warn(reader, "the protocol is tcp, udp or fwm");
}

static void take_ops(struct reader *reader)
{
	reader->section->service.one_packet = !strcmp(reader->value, "yes");
}

/* Names are for letters, digits and a few signs. */
static void take_name(struct reader *reader)
{
	char *name = arena_strdup(reader->run.arena, reader->value);

	for (char *at = name; at && *at; at++)
		*at = isalnum((unsigned char)*at) || strchr("._-", *at) ? *at : '-';
	for (size_t i = 0; name && i < reader->section_count; i++)
		if (&reader->sections[i] != reader->section && reader->sections[i].service.name &&
		    !strcmp(reader->sections[i].service.name, name)) {
			warn(reader, "another service has that name");
			return;
		}
	reader->section->service.name = name;
}

static void take_comment(struct reader *reader)
{
	reader->section->service.description = keep(reader);
}

/* ---- what lbha has not ------------------------------------------------------------------------ */

static const struct key_row {
	const char *name;
	void (*apply)(struct reader *reader);
	const char *remark; /* then it is left out, and this is why */
	bool is_lost;       /* and something is: a warning */
} keys[] = {
	{"checktimeout", take_check_timeout, NULL, false},
	{"negotiatetimeout", take_negotiate_timeout, NULL, false},
	{"checkinterval", take_interval, NULL, false},
	{"failurecount", take_failures, NULL, false},
	{"checkcount", NULL, "is deprecated; `fall` (failurecount) is what decides", false},
	{"quiescent", take_quiescent, NULL, false},
	{"fallback", take_fallback, NULL, false},
	{"fallback6", take_fallback, NULL, false},
	{"autoreload", NULL, "lbha reads the file again at `lbhactl reload`, and refuses one with errors", false},
	{"logfile", NULL, "logs go to the journal, or standard error", false},
	{"supervised", NULL, "lbhad stays in the foreground unless --daemon is given", false},
	{"fork", take_fork, NULL, false},
	{"readdquiescent", NULL, "what somebody takes out of the table is put back; `lbhactl disable` keeps it out", true},
	{"cleanstop", NULL, "global.ipvs.on_stop: keep leaves the table as it is", true},
	{"maintenancedir", NULL, "`lbhactl drain` and `lbhactl disable` take servers out, over restarts", true},
	{"emailalert", NULL, "alerts are for a notify script or lbha-exporter", true},
	{"emailalertfrom", NULL, "alerts are for a notify script or lbha-exporter", false},
	{"emailalertfreq", NULL, "alerts are for a notify script or lbha-exporter", false},
	{"emailalertstatus", NULL, "alerts are for a notify script or lbha-exporter", false},
	{"smtp", NULL, "alerts are for a notify script or lbha-exporter", false},
	{"callback", NULL, "nothing is run when the file changes", true},
	{"execute", NULL, "each file is imported by itself", true},
	{"fallbackcommand", NULL, "a notify script of the service is told of its states", true},
	{"monitorfile", NULL, "`lbhactl events` has every change", true},
}, section_keys[] = {
	{"real", take_real, NULL, false},
	{"real6", take_real, NULL, false},
	{"checktype", take_check_type, NULL, false},
	{"service", take_service, NULL, false},
	{"checkcommand", take_command, NULL, false},
	{"checkport", take_check_port, NULL, false},
	{"request", take_request, NULL, false},
	{"receive", take_receive, NULL, false},
	{"httpmethod", take_method, NULL, false},
	{"virtualhost", take_host, NULL, false},
	{"login", take_login, NULL, false},
	{"passwd", NULL, "passwords are not used: lbha probes the handshake, and does not log in", true},
	{"database", take_database, NULL, false},
	{"secret", NULL, "lbha has no radius check", true},
	{"scheduler", take_scheduler, NULL, false},
	{"persistent", take_persistent, NULL, false},
	{"netmask", take_netmask, NULL, false},
	{"protocol", take_protocol, NULL, false},
	{"ops", take_ops, NULL, false},
	{"servicename", take_name, NULL, false},
	{"comment", take_comment, NULL, false},
};

static const struct key_row *find_key(const struct key_row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static void take_key(struct reader *reader)
{
	const struct key_row *row = find_key(keys, COUNT_OF(keys), reader->key);

	if (!row && reader->section)
		row = find_key(section_keys, COUNT_OF(section_keys), reader->key);
	if (!row)
		warn(reader, "unknown");
	else if (row->apply)
		row->apply(reader);
	else
		import_say(&reader->run, row->is_lost ? IMPORT_WARNING : IMPORT_NOTE, reader->line,
			   place(reader), "%s: %s", reader->key, row->remark);
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* A virtual service by address or mark; one that is wrong is left out with all its lines. */
static void open_section(struct reader *reader, bool is_ipv6)
{
	struct ld_section *section;
	const char *value = reader->value;
	bool is_mark = value[0] && strspn(value, "0123456789") == strlen(value);
	struct endpoint at = {.port = 0};
	uint32_t mark = 0;
	uint8_t family = is_ipv6 ? AF_INET6 : AF_INET;

	reader->section = NULL;
	if (is_mark ? !import_number(&reader->run, reader->line, "mark", value, 1, UINT32_MAX, &mark)
		    : !import_endpoint(&reader->run, reader->line, value, "tcp", family, &at))
		return;
	section = arena_push(reader->run.arena, &reader->sections, &reader->section_count, sizeof(*section));
	if (!section)
		return;
	section->service = (struct virtual_service){.protocol = at.port == 53 ? PROTOCOL_UDP : PROTOCOL_TCP,
						    .at = at, .mark = mark, .family = family,
						    .scheduler = "wrr", .line = reader->line};
	section->check.line = reader->line;
	reader->section = section;
}

/* "key = value" or "key=\"value\"", in place. False: it is none. */
static bool split(char *text, const char **key, const char **value)
{
	char *equals = strchr(text, '='), *end;
	size_t length;

	if (!equals)
		return false;
	*value = equals + 1 + strspn(equals + 1, " ");
	for (end = equals; end > text && end[-1] == ' '; end--)
		;
	*end = '\0';
	*key = text;
	length = strlen(*value);
	while (length && isspace((unsigned char)(*value)[length - 1]))
		((char *)(uintptr_t)*value)[--length] = '\0';
	if (length > 1 && **value == '"' && (*value)[length - 1] == '"' &&
	    !memchr(*value + 1, '"', length - 2)) {
		((char *)(uintptr_t)*value)[length - 1] = '\0';
		++*value;
	}
	return **key != '\0';
}

static void read_line(struct reader *reader, char *text)
{
	size_t indent;
	bool is_ipv6;

	text[strcspn(text, "#")] = '\0';
	for (char *at = text; *at; at++)
		*at = *at == '\r' ? ' ' : *at;
	indent = *text == '\t' ? INDENT : strspn(text, " ");
	for (char *at = text; *at; at++)
		*at = *at == '\t' ? ' ' : *at;
	text += strspn(text, " ");
	if (!*text)
		return;
	if (!split(text, &reader->key, &reader->value)) {
		reader->key = text;
		warn(reader, "no key with a value");
		return;
	}
	is_ipv6 = !strcmp(reader->key, "virtual6");
	if (indent < INDENT && (is_ipv6 || !strcmp(reader->key, "virtual"))) {
		open_section(reader, is_ipv6);
		return;
	}
	if (indent < INDENT)
		reader->section = NULL;
	else if (!reader->section)
		return; /* of a section that was left out, which has been told */
	take_key(reader);
}

/* ---- all -------------------------------------------------------------------------------------- */

static void put_fallback(struct reader *reader, struct ld_section *section)
{
	bool is_own = section->settings.fallback;
	const char *text = is_own ? section->settings.fallback : reader->global.fallback, *way;
	struct virtual_server *sorry = &section->service.sorry;
	uint32_t line = is_own ? section->settings.fallback_line : reader->global.fallback_line;
	char *at;

	if (!text)
		return;
	way = text + strcspn(text, " ");
	at = arena_text(reader->run.arena, text, (size_t)(way - text));
	way += strspn(way, " ");
	if (!at || !import_endpoint(&reader->run, line, at, "tcp", section->service.family, &sorry->at))
		return;
	sorry->line = line;
	sorry->forwarding = FORWARDING_DR;
	if (sorry->at.address.family != section->service.family)
		sorry->at.address.family = 0; /* the file's, of the other family */
	else if (addr_is_loopback(&sorry->at.address))
		sorry->forwarding = FORWARDING_LOCAL;
	else if (*way)
		(void)read_way(way, &sorry->forwarding);
}

/* The server's own request and answer, or the section's; requests are the same with and without a slash. */
static struct ld_exchange exchange_of(const struct ld_section *section, size_t index)
{
	struct ld_exchange exchange = section->exchanges[index];

	if (!exchange.request) {
		exchange.request = section->check.request;
		exchange.receive = section->check.receive;
	}
	return exchange;
}

static bool same_request(const char *a, const char *b)
{
	a = a ? a + (*a == '/') : "";
	b = b ? b + (*b == '/') : "";
	return !strcmp(a, b);
}

/* One check serves all servers of a service: what the first is asked. */
static void settle_exchange(struct reader *reader, struct ld_section *section)
{
	struct ld_exchange first;

	if (!section->exchange_count)
		return;
	first = exchange_of(section, 0);
	for (size_t i = 1; i < section->exchange_count; i++) {
		struct ld_exchange other = exchange_of(section, i);

		if (!same_request(first.request, other.request) || !same_request(first.receive, other.receive))
			import_say(&reader->run, IMPORT_WARNING, other.line, reader->run.here,
				   "real: lbha checks all servers of a service alike, as the first: this one's request is left out");
	}
	section->check.request = first.request;
	section->check.receive = first.receive;
}

/* What the code of ldirectord does, whatever its manual says. */
static const char *settle_failure(struct reader *reader, const struct ld_section *section)
{
	const char *quiescent =
		section->settings.quiescent ? section->settings.quiescent : reader->global.quiescent;

	if (!quiescent && !reader->has_told_quiescent) {
		reader->has_told_quiescent = true;
		import_say(&reader->run, IMPORT_WARNING, section->service.line, reader->run.here,
			   "quiescent is not said: ldirectord removes failed servers then, though its manual says yes (on_failure: quiesce)");
	}
	return quiescent && !strcmp(quiescent, "yes") ? "quiesce" : "remove";
}

static void settle_interval(struct reader *reader, struct ld_section *section)
{
	if (!section->settings.interval || reader->forks)
		return;
	section->settings.interval = 0;
	import_say(&reader->run, IMPORT_WARNING, section->settings.interval_line, reader->run.here,
		   "checkinterval: of a section it counts with fork=yes only: the whole file's is taken");
}

static void put_section(struct reader *reader, struct ld_section *section, uint32_t next)
{
	struct virtual_service *service = &section->service;
	const char *on_failure = settle_failure(reader, section);
	struct draft *map;

	for (size_t i = 0; i < service->server_count && section->check.type == LD_OFF; i++)
		service->servers[i].is_disabled = true;
	if (!service->persistence)
		service->prefix = 0;
	put_fallback(reader, section);
	settle_exchange(reader, section);
	settle_interval(reader, section);
	map = virtual_draft(&reader->run, service, next);
	draft_text(reader->run.arena, map, "on_failure", on_failure);
	ld_check_draft(&reader->run, map, section, &reader->global);
}

struct draft *ldirectord_import(struct arena *arena, const char *file, const char *text,
				const struct import_names *names, const struct import_report *report)
{
	struct reader reader = {.run = import_begin(arena, file, names, report)};
	char line[LINE];

	for (reader.line = 1; *text; reader.line++) {
		size_t length = strcspn(text, "\n"), kept = length < LINE ? length : LINE - 1;

		memcpy(line, text, kept);
		line[kept] = '\0';
		read_line(&reader, line);
		text += length;
		text += *text == '\n';
	}
	for (size_t i = 0; i < reader.section_count; i++)
		put_section(&reader, &reader.sections[i],
			    i + 1 < reader.section_count ? reader.sections[i + 1].service.line : 0);
	if (!reader.section_count || arena_failed(arena))
		return NULL;
	draft_above(arena, draft_find(reader.run.root, "services"),
		    "From %s. VIPs were somebody else's (heartbeat, keepalived): `vrrp:` has them here.", file);
	return reader.run.root;
}
