/* See the header. Each line is a command: -A and -a (and -E, -e, which change what is there) make up the
 * table; -C empties it; --set is of the whole. Long and short names are in one table. */
#include "convert/ipvsadm_import.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "config/words.h"
#include "convert/draft.h"

#define WORDS 64
#define LINE 4096
#define PERSISTENT 300 /* of -p without a number */

struct line {
	struct import_run *run;
	uint32_t number;
	char *words[WORDS];
	size_t count, at;
	bool adds_service, adds_server, is_ipv6, is_wrong;
	struct virtual_service service; /* as far as the line names it */
	struct virtual_server server;
};

/* ---- words ---------------------------------------------------------------------------------- */

static void cut(struct line *line, char *text)
{
	char *word;

	while ((word = strsep(&text, " \t\r"))) {
		if (*word == '#')
			return;
		if (*word && line->count < WORDS)
			line->words[line->count++] = word;
	}
}

static void warn(struct line *line, const char *what, const char *word)
{
	import_say(line->run, IMPORT_WARNING, line->number, line->run->here, "%s %.128s", what, word);
	line->is_wrong = true;
}

/* The value of the option that was just taken; "" after a warning. */
static const char *value(struct line *line)
{
	if (line->at < line->count)
		return line->words[line->at++];
	warn(line, "a value is missing behind", line->words[line->count - 1]);
	return "";
}

static uint32_t number(struct line *line, const char *what, uint32_t most)
{
	uint32_t out = 0;
	const char *text = value(line);

	if (!line->is_wrong && !import_number(line->run, line->number, what, text, 0, most, &out))
		line->is_wrong = true;
	return out;
}

/* ---- options -------------------------------------------------------------------------------- */

static void take_at(struct line *line, enum protocol protocol)
{
	const char *text = value(line);

	line->service.protocol = protocol;
	if (line->is_wrong)
		return;
	line->is_wrong = !import_endpoint(line->run, line->number, text,
					  protocol_word(protocol), 0, &line->service.at);
	line->service.family = line->service.at.address.family;
}

static void take_tcp(struct line *line)
{
	take_at(line, PROTOCOL_TCP);
}

static void take_udp(struct line *line)
{
	take_at(line, PROTOCOL_UDP);
}

static void take_sctp(struct line *line)
{
	take_at(line, PROTOCOL_SCTP);
}

static void take_mark(struct line *line)
{
	line->service.mark = number(line, "mark", UINT32_MAX);
	if (!line->service.mark)
		line->is_wrong = true;
}

static void take_ipv6(struct line *line)
{
	line->is_ipv6 = true;
}

static void take_scheduler(struct line *line)
{
	line->service.scheduler = arena_strdup(line->run->arena, value(line));
}

/* The number may be left out. */
static void take_persistence(struct line *line)
{
	bool has_number = line->at < line->count && line->words[line->at][0] >= '0' &&
			  line->words[line->at][0] <= '9';

	line->service.persistence = has_number ? number(line, "timeout", 31 * 86400) : PERSISTENT;
}

static void take_mask(struct line *line)
{
	const char *text = value(line);

	if (!line->is_wrong && import_prefix(line->run, line->number, text, &line->service.prefix) &&
	    ((line->service.prefix == 32 && strchr(text, '.')) || line->service.prefix == 128))
		line->service.prefix = 0;
}

static void take_engine(struct line *line)
{
	line->service.engine = arena_strdup(line->run->arena, value(line));
}

static void take_one_packet(struct line *line)
{
	line->service.one_packet = true;
}

/* flag-1 and flag-2 are what the scheduler makes of them. */
static void take_flags(struct line *line)
{
	static const struct {
		const char *name;
		uint32_t sh, mh;
	} flags[] = {
		{"sh-fallback", SCHEDULER_SH_FALLBACK, 0}, {"sh-port", SCHEDULER_SH_PORT, 0},
		{"mh-fallback", 0, SCHEDULER_MH_FALLBACK}, {"mh-port", 0, SCHEDULER_MH_PORT},
		{"flag-1", SCHEDULER_SH_FALLBACK, SCHEDULER_MH_FALLBACK},
		{"flag-2", SCHEDULER_SH_PORT, SCHEDULER_MH_PORT},
	};
	char *list = arena_strdup(line->run->arena, value(line)), *one;
	const char *scheduler = line->service.scheduler ? line->service.scheduler : "";

	while (list && (one = strsep(&list, ","))) {
		uint32_t found = 0;

		for (size_t i = 0; i < COUNT_OF(flags); i++)
			if (!strcmp(flags[i].name, one))
				found = !strcmp(scheduler, "mh") ? flags[i].mh
					: !strcmp(scheduler, "sh") ? flags[i].sh : 0;
		line->service.flags |= found;
		if (!found)
			import_say(line->run, IMPORT_WARNING, line->number, line->run->here,
				   "scheduler %.32s has no flag %.32s; it is left out", scheduler, one);
	}
}

static void take_server(struct line *line)
{
	const char *text = value(line);

	if (!line->is_wrong)
		line->is_wrong = !import_endpoint(line->run, line->number, text, "tcp", 0, &line->server.at);
}

static void take_gate(struct line *line)
{
	line->server.forwarding = FORWARDING_DR;
}

static void take_masq(struct line *line)
{
	line->server.forwarding = FORWARDING_NAT;
}

static void take_tunnel(struct line *line)
{
	line->server.forwarding = FORWARDING_TUNNEL;
}

static void take_tunnel_type(struct line *line)
{
	const char *type = value(line);

	if (!strcmp(type, "gue"))
		line->server.tunnel.type = TUNNEL_GUE;
	else if (!strcmp(type, "gre"))
		line->server.tunnel.type = TUNNEL_GRE;
	else if (strcmp(type, "ipip") != 0)
		warn(line, "no tunnel is of type", type);
}

static void take_tunnel_port(struct line *line)
{
	line->server.tunnel.port = (uint16_t)number(line, "port", UINT16_MAX);
}

static void take_nocsum(struct line *line)
{
	line->server.tunnel.checksum = TUNNEL_CHECKSUM_NONE;
}

static void take_csum(struct line *line)
{
	line->server.tunnel.checksum = TUNNEL_CHECKSUM_CSUM;
}

static void take_remcsum(struct line *line)
{
	line->server.tunnel.checksum = TUNNEL_CHECKSUM_REMCSUM;
}

/* The kernel takes any, lbha.conf not. */
static void take_weight(struct line *line)
{
	uint32_t weight = number(line, "weight", INT32_MAX);

	if (weight > UINT16_MAX) {
		import_say(line->run, IMPORT_WARNING, line->number, line->run->here,
			   "weight %" PRIu32 " is more than lbha has: lowered to %d, the others are not", weight, UINT16_MAX);
		weight = UINT16_MAX;
	}
	line->server.weight = weight;
}

static void take_upper(struct line *line)
{
	line->server.upper_threshold = number(line, "threshold", UINT32_MAX);
}

static void take_lower(struct line *line)
{
	line->server.lower_threshold = number(line, "threshold", UINT32_MAX);
}

static void take_service(struct line *line)
{
	line->adds_service = true;
}

static void take_destination(struct line *line)
{
	line->adds_server = true;
}

static void take_clear(struct line *line)
{
	line->run->service_count = 0;
	line->run->services = NULL;
}

static void take_set(struct line *line)
{
	static const char *const keys[] = {"tcp", "tcp_fin", "udp"};
	struct arena *arena = line->run->arena;
	struct draft *timeouts = draft_map(
		arena, draft_map(arena, draft_map(arena, line->run->root, "global"), "ipvs"), "timeouts");

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		uint32_t seconds = number(line, "timeout", 31 * 86400);

		if (seconds && !line->is_wrong)
			draft_textf(arena, timeouts, keys[i], "%" PRIu32 "s", seconds);
	}
}

static void take_numeric(UNUSED struct line *line)
{
}

static const struct option_row {
	const char *brief, *name;
	void (*apply)(struct line *line);
} options[] = {
	{"-A", "--add-service", take_service},
	{"-E", "--edit-service", take_service},
	{"-a", "--add-server", take_destination},
	{"-e", "--edit-server", take_destination},
	{"-C", "--clear", take_clear},
	{"-t", "--tcp-service", take_tcp},
	{"-u", "--udp-service", take_udp},
	{NULL, "--sctp-service", take_sctp},
	{"-f", "--fwmark-service", take_mark},
	{"-6", "--ipv6", take_ipv6},
	{"-s", "--scheduler", take_scheduler},
	{"-p", "--persistent", take_persistence},
	{"-M", "--netmask", take_mask},
	{"--pe", "--persistence-engine", take_engine},
	{"-o", "--ops", take_one_packet},
	{"-O", "--one-packet", take_one_packet},
	{"-b", "--sched-flags", take_flags},
	{"-r", "--real-server", take_server},
	{"-g", "--gatewaying", take_gate},
	{"-m", "--masquerading", take_masq},
	{"-i", "--ipip", take_tunnel},
	{NULL, "--tun-type", take_tunnel_type},
	{NULL, "--tun-port", take_tunnel_port},
	{NULL, "--tun-nocsum", take_nocsum},
	{NULL, "--tun-csum", take_csum},
	{NULL, "--tun-remcsum", take_remcsum},
	{"-w", "--weight", take_weight},
	{"-x", "--u-threshold", take_upper},
	{"-y", "--l-threshold", take_lower},
	{NULL, "--set", take_set},
	{"-n", "--numeric", take_numeric},
};

static const struct option_row *option_find(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (!strcmp(options[i].name, word) ||
		    (options[i].brief && !strcmp(options[i].brief, word)))
			return &options[i];
	return NULL;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static struct virtual_service *find_service(struct line *line)
{
	const struct virtual_service *wanted = &line->service;

	for (size_t i = 0; i < line->run->service_count; i++) {
		struct virtual_service *one = &line->run->services[i];

		if (wanted->mark ? one->mark == wanted->mark && one->family == wanted->family
				 : !one->mark && one->protocol == wanted->protocol &&
					   !endpoint_compare(&one->at, &wanted->at))
			return one;
	}
	return NULL;
}

static void add_service(struct line *line)
{
	struct virtual_service *service = find_service(line), former;

	if (!service)
		service = import_add_service(line->run, line->number);
	if (!service)
		return;
	former = *service;
	*service = line->service;
	service->servers = former.servers;
	service->server_count = former.server_count;
	service->line = line->number;
	if (!service->scheduler)
		service->scheduler = "wlc";
	if (!service->persistence)
		service->prefix = 0;
	if (service->engine && !service->persistence)
		import_say(line->run, IMPORT_WARNING, line->number, line->run->here,
			   "a persistence engine without persistence is left out");
	if (!service->persistence)
		service->engine = NULL;
}

static void add_server(struct line *line)
{
	struct virtual_service *service = find_service(line);
	struct virtual_server *server = NULL;

	if (!service) {
		import_say(line->run, IMPORT_WARNING, line->number, line->run->here,
			   "a server of a service that is not there is left out");
		return;
	}
	for (size_t i = 0; i < service->server_count; i++)
		if (!endpoint_compare(&service->servers[i].at, &line->server.at))
			server = &service->servers[i];
	if (!server)
		server = import_add_server(line->run, service, line->number);
	if (server)
		*server = line->server;
}

static void do_line(struct line *line)
{
	bool has_service = line->service.mark || line->service.at.address.family;

	if (line->is_ipv6 && line->service.mark)
		line->service.family = AF_INET6;
	if (line->is_wrong || (!line->adds_service && !line->adds_server))
		return;
	if (!has_service || (line->adds_server && !line->server.at.address.family))
		warn(line, "which service or server is not said by", line->words[0]);
	else if (line->adds_service)
		add_service(line);
	else
		add_server(line);
}

static void read_line(struct import_run *run, uint32_t number, char *text)
{
	struct line line = {.run = run, .number = number,
			    .service = {.family = AF_INET, .line = number},
			    .server = {.weight = 1, .line = number}};

	cut(&line, text);
	while (line.at < line.count && line.words[line.at][0] != '-')
		line.at++; /* ipvsadm, or sudo ipvsadm */
	while (line.at < line.count && !line.is_wrong) {
		const char *word = line.words[line.at++];
		const struct option_row *row = option_find(word);

		if (row)
			row->apply(&line);
		else
			warn(&line, "lbha has no equivalent of", word);
	}
	do_line(&line);
}

struct draft *ipvsadm_import(struct arena *arena, const char *file, const char *text,
			     const struct import_names *names, const struct import_report *report)
{
	struct import_run run = import_begin(arena, file, names, report);
	char line[LINE];

	for (uint32_t number = 1; *text; number++) {
		size_t length = strcspn(text, "\n"), kept = length < LINE ? length : LINE - 1;

		memcpy(line, text, kept);
		line[kept] = '\0';
		if (length > kept)
			import_say(&run, IMPORT_WARNING, number, run.here, "too long a line is left out");
		else
			read_line(&run, number, line);
		text += length;
		text += *text == '\n';
	}
	for (size_t i = 0; i < run.service_count; i++)
		(void)virtual_draft(&run, &run.services[i],
				    i + 1 < run.service_count ? run.services[i + 1].line : 0);
	if (!run.service_count || arena_failed(arena))
		return NULL;
	draft_above(arena, draft_find(run.root, "services"),
		    "From %s. A table has no checks: every server counts as up until `check:` says how to probe it.",
		    file);
	return run.root;
}
