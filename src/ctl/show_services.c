/* Services: a head line each, its servers as a table, reasons below those that are not up; one
 * service with every probe that decides about its servers. */
#include <string.h>

#include "base/text.h"
#include "ctl/causes.h"
#include "ctl/grid.h"
#include "ctl/paper.h"
#include "ctl/show.h"

/* "tcp 192.0.2.1:80 192.0.2.1:443, wlc, dr, weight 3 up, quorum 1" */
static const char *describe(const json_t *service, char *buffer, size_t size)
{
	struct text out = text_of(buffer, size);
	const json_t *listener, *quorum = json_object_get(service, "quorum");
	size_t at;

	text_add(&out, "%s", json_text(service, "protocol"));
	json_array_foreach (json_object_get(service, "listen"), at, listener)
		text_add(&out, " %s", json_string_value(listener));
	if (json_is_integer(json_object_get(service, "fwmark")))
		text_add(&out, " mark 0x%llx", json_number(service, "fwmark"));
	text_add(&out, ", %s, %s, weight %lld up, quorum %lld", json_text(service, "scheduler"),
		 json_text(service, "forwarding"), json_number(quorum, "have"),
		 json_number(quorum, "needed"));
	if (json_is_false(json_object_get(service, "programmed")))
		text_add(&out, ", not in the kernel: program_when");
	return buffer;
}

static void head(const struct paper *paper, const json_t *service, size_t indent)
{
	const char *name = json_text(service, "name"), *state = json_text(service, "state");
	const char *reason = json_text(service, "reason");
	char buffer[4 * PAPER_TEXT];
	struct flow flow = {.paper = paper, .at = indent, .indent = indent + 2};

	paper_put(paper, INK_PLAIN, "%*s", (int)indent, "");
	flow_put(&flow, INK_HEAD, "%s ", name);
	flow_put(&flow, paper_ink(state), "%s", state);
	if (json_is_string(json_object_get(service, "since")))
		flow_put(&flow, INK_PLAIN, " for %s",
			 paper_ago(paper, json_object_get(service, "since"), buffer));
	flow_put(&flow, INK_PLAIN, ": %s", describe(service, buffer, sizeof(buffer)));
	flow_end(&flow);
	if (strcmp(state, "up") != 0 && *reason) {
		paper_put(paper, INK_PLAIN, "%*s", (int)indent + 2, "");
		paper_fold(paper, INK_WARN, indent + 2, indent + 2, reason);
	}
}

/* Whether the name says no more than the address: servers without a name have their address for
 * one. */
static bool is_address(const char *name, const char *address)
{
	size_t length = strlen(name);

	if (*address == '[' && *name != '[')
		return !strncmp(address + 1, name, length) && address[1 + length] == ']';
	return !strncmp(address, name, length) && (address[length] == ':' || !address[length]);
}

/* The configured name before the address, unless it is the address. */
static const char *server_name(const json_t *server, char *buffer)
{
	const char *name = json_text(server, "name"), *address = json_text(server, "address");

	if (!*name || is_address(name, address))
		snprintf(buffer, PAPER_TEXT, "%s", address);
	else
		snprintf(buffer, PAPER_TEXT, "%s %s", name, address);
	return buffer;
}

/* The kernel's may be a multiple of the configured ones; then what is missing is told in percent. */
static const char *server_weight(const json_t *server, long long factor, char *buffer)
{
	long long set = json_number(server, "weight"),
		  now = json_number(server, "effective_weight");

	double whole = (double)set * (double)factor;

	if (whole == (double)now)
		snprintf(buffer, PAPER_TEXT, "%lld", set);
	else if (factor > 1 && set && now)
		snprintf(buffer, PAPER_TEXT, "%lld%% of %lld", (long long)(100 * (double)now / whole), set);
	else
		snprintf(buffer, PAPER_TEXT, "%lld of %lld", now, set);
	return buffer;
}

/* "weight 5 in place of 1 by root for 3m: new disk", in a note below the server. */
static void note_override(struct grid *grid, const struct paper *paper, const json_t *override)
{
	const json_t *until = json_object_get(override, "until"),
		     *deadline = json_object_get(override, "deadline");
	bool weight = !strcmp(json_text(override, "kind"), "weight");
	char note[4 * PAPER_TEXT], ago[PAPER_TEXT], end[PAPER_TEXT];
	struct text out = text_of(note, sizeof(note));

	text_add(&out, "%s%s in place of %s, by %s for %s", weight ? "weight " : "",
		 json_text(override, "value"), json_text(override, "configured_value"),
		 json_text(override, "by"),
		 paper_ago(paper, json_object_get(override, "since"), ago));
	if (json_is_string(until))
		text_add(&out, ", until %s", paper_time(until, end));
	if (json_is_string(deadline))
		text_add(&out, ", out of the table at the latest at %s", paper_time(deadline, end));
	if (*json_text(override, "comment"))
		text_add(&out, ": %s", json_text(override, "comment"));
	grid_note(grid, INK_WARN, "%s", note);
}

/* "told by agent: weight 30 in place of 10, drain", in a note below the server. */
static void note_told(struct grid *grid, const json_t *server)
{
	const json_t *told = json_object_get(server, "told"),
		     *maxconn = json_object_get(told, "maxconn");
	const char *weight = json_text(told, "weight"), *wish = json_text(told, "wish");
	char note[2 * PAPER_TEXT];
	struct text out = text_of(note, sizeof(note));
	const char *before = "";

	if (!json_is_object(told))
		return;
	text_add(&out, "told by %s: ", json_text(told, "by"));
	if (*weight) {
		text_add(&out, "weight %s %s %lld", weight,
			 strchr(weight, '%') ? "of" : "in place of",
			 json_number(server, "configured_weight"));
		before = ", ";
	}
	if (*wish) {
		text_add(&out, "%s%s", before, wish);
		before = ", ";
	}
	if (json_is_integer(maxconn) && json_integer_value(maxconn))
		text_add(&out, "%sat most %lld connection%s", before, json_integer_value(maxconn),
			 json_integer_value(maxconn) == 1 ? "" : "s");
	else if (json_is_integer(maxconn))
		text_add(&out, "%sany number of connections", before);
	grid_note(grid, INK_WARN, "%s", note);
}

static void server_cells(struct grid *grid, const struct paper *paper, const json_t *server,
			 const char *kind, long long factor)
{
	const char *health = json_text(server, "health"), *admin = json_text(server, "admin");
	const json_t *connections = json_object_get(server, "connections");
	bool is_enabled = !strcmp(admin, "enabled");
	const json_t *override;
	char buffer[PAPER_TEXT];
	size_t at;

	grid_cell(grid, INK_PLAIN, "%s%s", kind, server_name(server, buffer));
	grid_cell(grid, is_enabled ? paper_ink(health) : INK_WARN, "%s%s%s", health,
		  is_enabled ? "" : " ", is_enabled ? "" : admin);
	grid_cell(grid, INK_PLAIN, "%s",
		  paper_ago(paper, json_object_get(server, "since"), buffer));
	grid_cell(grid, INK_PLAIN, "%s", server_weight(server, factor, buffer));
	grid_cell(grid, INK_PLAIN, "%lld", json_number(connections, "active"));
	grid_cell(grid, INK_PLAIN, "%lld", json_number(connections, "inactive"));
	if (strcmp(health, "up") != 0 && *json_text(server, "reason"))
		grid_note(grid, INK_WARN, "%s", json_text(server, "reason"));
	note_told(grid, server);
	json_array_foreach (json_object_get(server, "overrides"), at, override)
		note_override(grid, paper, override);
}

/* No longer configured, and in the table until its connections have ended. */
static void leaver_cells(struct grid *grid, const json_t *leaver)
{
	const json_t *connections = json_object_get(leaver, "connections"),
		     *deadline = json_object_get(leaver, "deadline");
	char buffer[PAPER_TEXT];

	grid_cell(grid, INK_PLAIN, "%s", server_name(leaver, buffer));
	grid_cell(grid, INK_WARN, "leaving");
	grid_cell(grid, INK_PLAIN, "-");
	grid_cell(grid, INK_PLAIN, "0");
	grid_cell(grid, INK_PLAIN, "%lld", json_number(connections, "active"));
	grid_cell(grid, INK_PLAIN, "%lld", json_number(connections, "inactive"));
	grid_note(grid, INK_WARN, "no longer configured; leaves with its last connection%s%s",
		  json_is_string(deadline) ? ", at the latest at " : "",
		  json_is_string(deadline) ? paper_time(deadline, buffer) : "");
}

static const struct grid_column columns[] = {
	{.title = "SERVER", .folds = true},
	{.title = "HEALTH"},
	{.title = "FOR"},
	{.title = "WEIGHT", .is_number = true},
	{.title = "ACTIVE", .is_number = true},
	{.title = "INACTIVE", .is_number = true},
};

/* "tunnel " before a server that is reached in another way than its service says. */
static const char *server_way(const json_t *service, const json_t *server, char *buffer)
{
	const char *way = json_text(server, "forwarding");
	bool is_plain = !*way || !strcmp(way, json_text(service, "forwarding"));

	snprintf(buffer, PAPER_TEXT, "%s%s", is_plain ? "" : way, is_plain ? "" : " ");
	return buffer;
}

static void servers(const struct paper *paper, const json_t *service, size_t indent)
{
	char way[PAPER_TEXT];
	struct grid *grid = grid_new(columns, COUNT_OF(columns));
	const json_t *server, *sorry = json_object_get(service, "sorry_server");
	long long factor = json_number(service, "weight_factor");
	size_t at, leaving;

	json_array_foreach (json_object_get(service, "real_servers"), at, server)
		server_cells(grid, paper, server, server_way(service, server, way),
			     factor ? factor : 1);
	if (json_is_object(sorry))
		server_cells(grid, paper, sorry, "sorry ", factor ? factor : 1);
	json_array_foreach (json_object_get(service, "leaving"), leaving, server)
		leaver_cells(grid, server);
	if (at + leaving || json_is_object(sorry))
		grid_print(grid, paper, indent);
	else
		paper_put(paper, INK_WARN, "%*sno real servers\n", (int)indent, "");
	grid_free(grid);
}

void show_services(const struct paper *paper, const json_t *services, size_t indent)
{
	const json_t *service;
	size_t at;

	json_array_foreach (services, at, service) {
		if (at)
			paper_put(paper, INK_PLAIN, "\n");
		head(paper, service, indent);
		servers(paper, service, indent + 2);
	}
}

/* ---- one service ------------------------------------------------------------------ */

static void show_probe(const struct paper *paper, const json_t *probe)
{
	const char *result = json_text(probe, "result"), *detail = json_text(probe, "detail");
	const json_t *latency = json_object_get(probe, "latency_ms");
	char text[2 * PAPER_TEXT], ago[PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));

	text_add(&out, "%s to %s", json_text(probe, "type"), json_text(probe, "target"));
	if (json_is_number(latency))
		text_add(&out, ", %s ago, took %.1fms",
			 paper_ago(paper, json_object_get(probe, "time"), ago),
			 json_number_value(latency));
	if (*detail)
		text_add(&out, ": %s", detail);
	if (json_is_string(json_object_get(probe, "suppressed_until")))
		text_add(&out, ", until %s",
			 paper_time(json_object_get(probe, "suppressed_until"), ago));
	paper_put(paper, INK_PLAIN, "      ");
	paper_put(paper, paper_ink(result), "%-6s ", !strcmp(result, "none") ? "-" : result);
	paper_fold(paper, INK_PLAIN, 13, 13, text);
}

static const char *plural(long long number)
{
	return number == 1 ? "" : "s";
}

/* Of a service or a server: since the last zero if there was one. */
static void show_traffic(const struct paper *paper, const json_t *object, int indent)
{
	const json_t *zero = json_object_get(object, "stats_since_zero"),
		     *stats = json_is_object(zero) ? zero : json_object_get(object, "stats");
	long long connections = json_number(stats, "connections"),
		  packets_in = json_number(stats, "packets_in"),
		  bytes_in = json_number(stats, "bytes_in");
	struct flow flow = {.paper = paper, .at = (size_t)indent, .indent = (size_t)indent + 2};
	char buffer[PAPER_TEXT];

	paper_put(paper, INK_DIM, "%*s", indent, "");
	flow_put(&flow, INK_DIM, "%lld connection%s, %lld packet%s in, %lld out, %lld byte%s in, %lld out",
		 connections, plural(connections), packets_in, plural(packets_in),
		 json_number(stats, "packets_out"), bytes_in, plural(bytes_in),
		 json_number(stats, "bytes_out"));
	if (stats == zero)
		paper_put(paper, INK_DIM, "\n%*ssince zeroed %s ago", indent, "",
			  paper_ago(paper, json_object_get(zero, "time"), buffer));
	paper_put(paper, INK_DIM, "\n");
}

static void show_server(const struct paper *paper, const json_t *server, const char *kind)
{
	struct flow flow = {.paper = paper, .at = 2, .indent = 4};
	char buffer[PAPER_TEXT];
	const json_t *probe;
	size_t i;

	paper_put(paper, INK_PLAIN, "  ");
	flow_put(&flow, INK_PLAIN, "%s%s", kind, server_name(server, buffer));
	flow_end(&flow);
	json_array_foreach (json_object_get(server, "checks"), i, probe)
		show_probe(paper, probe);
	if (!i)
		paper_put(paper, INK_WARN, "      no check: counts as up\n");
	show_traffic(paper, server, 6);
}

/* From the roots on, where they are known. */
static void show_why(const struct paper *paper, const json_t *service)
{
	const json_t *cause = json_object_get(service, "cause");
	char text[8 * PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));

	if (!causes_count(cause))
		return;
	causes_add(&out, cause, paper);
	text_add(&out, " → %s", causes_effect(cause));
	paper_put(paper, INK_PLAIN, "  why: ");
	paper_fold(paper, INK_PLAIN, 7, 7, text);
}

void show_service(const struct paper *paper, const json_t *service)
{
	const json_t *server, *sorry = json_object_get(service, "sorry_server");
	size_t at;

	head(paper, service, 0);
	show_why(paper, service);
	servers(paper, service, 2);
	paper_put(paper, INK_HEAD, "\nTraffic\n");
	show_traffic(paper, service, 2);
	paper_put(paper, INK_HEAD, "\nLast probes and traffic\n");
	json_array_foreach (json_object_get(service, "real_servers"), at, server)
		show_server(paper, server, "");
	if (json_is_object(sorry))
		show_server(paper, sorry, "sorry ");
}
