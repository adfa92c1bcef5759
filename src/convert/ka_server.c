/* real_server: what it inherits, its address in the way that forwarding has it, and one check for all
 * servers of a service out of one for each. */
#include "convert/ka_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* ---- times ---------------------------------------------------------------------------------- */

void ka_timing_take(struct ka_run *run, const struct ka_node *node, struct ka_timing *timing,
		    struct draft *into)
{
	if (ka_is(node, "delay_loop"))
		ka_time(run, node, 1, &timing->delay_loop, into);
	else if (ka_is(node, "connect_timeout"))
		ka_time(run, node, 1, &timing->connect_timeout, into);
	else if (ka_is(node, "delay_before_retry"))
		ka_time(run, node, 1, &timing->delay_before_retry, into);
	else if (ka_is(node, "alpha"))
		timing->alpha = ka_bool(node, 1);
	else if (!ka_is(node, "warmup"))
		ka_number(run, node, 1, 0, 999, &timing->retry, into);
}

void ka_timing_inherit(struct ka_timing *timing, const struct ka_timing *from)
{
	if (timing->delay_loop < 0)
		timing->delay_loop = from->delay_loop;
	if (timing->connect_timeout < 0)
		timing->connect_timeout = from->connect_timeout;
	if (timing->delay_before_retry < 0)
		timing->delay_before_retry = from->delay_before_retry;
	if (timing->retry < 0)
		timing->retry = from->retry;
	if (timing->alpha < 0)
		timing->alpha = from->alpha;
}

/* ---- forwarding ----------------------------------------------------------------------------- */

/* lvs_method TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum] */
static void take_tunnel(struct ka_run *run, const struct ka_node *node, struct ka_method *method,
			struct draft *into)
{
	for (size_t i = 2; i < node->count; i++) {
		const char *word = node->words[i];

		if (!strcmp(word, "type"))
			method->type = ka_word(node, ++i);
		else if (!strcmp(word, "port"))
			method->port = ka_word(node, ++i);
		else if (!strcmp(word, "nocsum"))
			method->checksum = "none";
		else if (!strcmp(word, "csum") || !strcmp(word, "remcsum"))
			method->checksum = word;
		else
			ka_say(run, node, into, IMPORT_WARNING, "%s: unknown of a tunnel", word);
	}
}

void ka_method_take(struct ka_run *run, const struct ka_node *node, struct ka_method *method,
		    struct draft *into)
{
	static const char *const names[][2] = {{"NAT", "nat"}, {"DR", "dr"}, {"TUN", "tunnel"}};
	const char *word = ka_word(node, 1);

	*method = (struct ka_method){0};
	for (size_t i = 0; word && i < COUNT_OF(names); i++)
		if (!strcmp(names[i][0], word))
			method->forwarding = names[i][1];
	if (!method->forwarding)
		ka_say(run, node, into, IMPORT_WARNING, "NAT, DR or TUN is expected");
	else if (!strcmp(word, "TUN"))
		take_tunnel(run, node, method, into);
}

static bool is_ipip(const struct ka_method *method)
{
	return !method->type || !strcmp(method->type, "ipip");
}

void ka_method_put(struct ka_run *run, const struct ka_method *method, const struct ka_method *around,
		   struct draft *into)
{
	struct draft *tunnel;

	draft_text(run->arena, into, "forwarding", method->forwarding);
	if (strcmp(method->forwarding, "tunnel") != 0 ||
	    (is_ipip(method) && (!around || is_ipip(around))))
		return;
	tunnel = draft_map(run->arena, into, "tunnel");
	if (tunnel)
		tunnel->is_short = true;
	draft_text(run->arena, tunnel, "type", method->type ? method->type : "ipip");
	if (method->port)
		draft_value(run->arena, tunnel, "port", "%d", atoi(method->port));
	if (method->checksum)
		draft_text(run->arena, tunnel, "checksum", method->checksum);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool ka_method_equal(const struct ka_method *a, const struct ka_method *b)
{
	return same(a->forwarding, b->forwarding) && same(a->type, b->type) && same(a->port, b->port) &&
	       same(a->checksum, b->checksum);
}

/* ---- the block ------------------------------------------------------------------------------ */

static void take_timing(struct ka_run *run, const struct ka_node *node, void *object,
			UNUSED struct draft *into)
{
	struct ka_server *server = object;

	ka_timing_take(run, node, &server->target.timing, server->into);
}

static void take_weight(struct ka_run *run, const struct ka_node *node, void *object,
			UNUSED struct draft *into)
{
	struct ka_server *server = object;

	ka_number(run, node, 1, 0, 65535, &server->weight, server->into);
}

static void take_method(struct ka_run *run, const struct ka_node *node, void *object,
			UNUSED struct draft *into)
{
	struct ka_server *server = object;

	ka_method_take(run, node, &server->method, server->into);
}

static void take_threshold(struct ka_run *run, const struct ka_node *node, void *object,
			   struct draft *into)
{
	struct ka_server *server = object;
	long number;

	if (ka_number(run, node, 1, 0, 0x7fffffff, &number, server->into))
		draft_value(run->arena, into, ka_is(node, "uthreshold") ? "upper_threshold" : "lower_threshold",
			    "%ld", number);
}

static void take_inhibit(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
			 UNUSED struct draft *into)
{
	((struct ka_server *)object)->inhibit = ka_bool(node, 1);
}

static void take_host(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		      UNUSED struct draft *into)
{
	((struct ka_server *)object)->target.virtualhost = ka_word(node, 1);
}


#define CHECKER(keyword, key) {keyword, ka_read_elsewhere, key, 0, NULL}

static const struct ka_rule server_rules[] = {
	{"weight", take_weight, "weight", 0, NULL},
	{"lvs_method", take_method, "forwarding, tunnel", 0, NULL},
	{"uthreshold", take_threshold, "upper_threshold", 0, NULL},
	{"lthreshold", take_threshold, "lower_threshold", 0, NULL},
	{"inhibit_on_failure", take_inhibit, "services: on_failure: quiesce", 0, NULL},
	{"alpha", take_timing, "check: initial: down", 0, NULL},
	{"retry", take_timing, "check: fall", 0, NULL},
	{"delay_before_retry", take_timing, "check: retry_interval", 0, NULL},
	{"delay_loop", take_timing, "check: interval", 0, NULL},
	{"connect_timeout", take_timing, "check: timeout", 0, NULL},
	{"warmup", ka_read_elsewhere, NULL, 0, NULL},
	{"virtualhost", take_host, "check: host", 0, NULL},
	{"notify_up", ka_read_elsewhere, "services: notify", 0, NULL},
	{"notify_down", ka_read_elsewhere, "services: notify", 0, NULL},
	{"smtp_alert", ka_read_elsewhere, NULL, 0, NULL},
	{"snmp_name", ka_read_elsewhere, NULL, 0, NULL},
	CHECKER("TCP_CHECK", "check: {type: tcp}"),
	CHECKER("HTTP_GET", "check: {type: http}, one for each url"),
	CHECKER("SSL_GET", "check: {type: http, scheme: https, tls: {verify: false}}"),
	CHECKER("SMTP_CHECK", "check: {type: smtp}"),
	CHECKER("DNS_CHECK", "check: {type: dns}"),
	CHECKER("UDP_CHECK", "check: {type: udp}"),
	CHECKER("PING_CHECK", "check: {type: icmp}"),
	CHECKER("MISC_CHECK", "check: {type: script}, or process"),
	CHECKER("FILE_CHECK", NULL),
	CHECKER("BFD_CHECK", NULL),
};

const struct ka_rules ka_rules_server = {"real_server", server_rules, COUNT_OF(server_rules)};

static bool is_checker(const struct ka_node *node)
{
	const char *word = node->words[0], *end = word + strlen(word);

	return ka_is(node, "HTTP_GET") || ka_is(node, "SSL_GET") ||
	       (end - word > 6 && !strcmp(end - 6, "_CHECK"));
}

void ka_take_server(struct ka_run *run, const struct ka_node *node, struct ka_service *service)
{
	struct ka_server *server = arena_alloc(run->arena, sizeof(*server));

	if (!server)
		return;
	*server = (struct ka_server){.node = node,
				     .service = service,
				     .target.timing = KA_TIMING_NONE,
				     .inhibit = -1,
				     .weight = -1};
	*(service->last ? &service->last->next : &service->first) = server;
	service->last = server;
}

/* ---- putting -------------------------------------------------------------------------------- */

/* Its address as lbha.conf wants it: only nat maps ports. */
static void put_address(struct ka_run *run, struct ka_server *server, struct draft *map,
			struct draft *into)
{
	struct ka_target *target = &server->target;
	struct endpoint endpoint = {target->address, 0};
	bool is_nat = !strcmp(server->method.forwarding, "nat");
	bool is_listeners = ka_port_is_listeners(into, target->port);
	char text[ENDPOINT_TEXT];

	if (is_nat && !is_listeners)
		endpoint.port = (uint16_t)target->port;
	if (!is_nat && target->port && !is_listeners)
		ka_say(run, server->node, into, IMPORT_NOTE,
		       "ports are mapped with NAT only: connections keep theirs, its checks ask port %ld",
		       target->port);
	target->is_explicit = target->port && !endpoint.port && !is_listeners;
	draft_text(run->arena, map, "address", endpoint_format(&endpoint, text));
}

static bool read_server(struct ka_run *run, struct ka_server *server, struct draft *into)
{
	const struct ka_node *node = server->node;

	if (ka_address(ka_word(node, 1), &server->target.address) &&
	    (!ka_word(node, 2) || ka_number(run, node, 2, 0, 65535, &server->target.port, into)))
		return true;
	ka_say(run, node, into, IMPORT_WARNING, "is no address and port");
	return false;
}

static void put_checks(struct ka_run *run, struct ka_server *server, struct draft *into)
{
	server->checks = draft_new(run->arena);
	if (!server->checks)
		return;
	server->checks->kind = DRAFT_LIST;
	for (const struct ka_node *at = server->node->first; at; at = at->next)
		if (is_checker(at))
			ka_take_checker(run, at, &server->target, server->checks, into);
}

static void put_server(struct ka_run *run, struct ka_server *server, struct ka_service *service,
		       struct draft *list, struct draft *into)
{
	struct draft *map = draft_item(run->arena, list, DRAFT_MAP);

	if (!map)
		return;
	map->is_short = true;
	server->into = into;
	draft_text(run->arena, map, "address", "");
	ka_take_block(run, server->node, &ka_rules_server, server, map);
	if (!server->method.forwarding)
		server->method = service->method;
	ka_timing_inherit(&server->target.timing, &service->timing);
	if (!server->target.virtualhost)
		server->target.virtualhost = service->virtualhost;
	if (server->weight < 0)
		server->weight = service->weight;
	put_address(run, server, map, into);
	service->weights += server->weight;
	if (server->weight != 1)
		draft_value(run->arena, map, "weight", "%ld", server->weight);
	if (!ka_method_equal(&server->method, &service->method))
		ka_method_put(run, &server->method, &service->method, map);
	put_checks(run, server, into);
	for (const struct ka_node *at = server->node->first; at; at = at->next)
		if (ka_is(at, "notify_up") || ka_is(at, "notify_down"))
			ka_put_server_script(run, at, draft_find(map, "address")->text, into);
	draft_flatten(map, "address");
}

/* One for all: that of the first server that has one. */
static void put_check(struct ka_run *run, struct ka_service *service, struct draft *into)
{
	const struct ka_server *first = service->first;

	while (first && (!first->checks || !first->checks->first))
		first = first->next;
	if (!first)
		return;
	for (const struct ka_server *at = service->first; at; at = at->next) {
		if (!at->checks || draft_equal(at->checks, first->checks))
			continue;
		ka_say(run, at->node, into, IMPORT_WARNING,
		       at->checks->first ? "its checks are others than those of %s; a service has one check for all its servers, and that one is taken"
					 : "it has no check, %s has; a service has one check for all its servers, and that one is taken",
		       ka_word(first->node, 1));
	}
	draft_adopt(run->arena, into, "check",
		    draft_count(first->checks) == 1 ? first->checks->first : first->checks);
}

static void put_failure(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
			struct draft *into)
{
	size_t inhibited = 0, count = 0;

	for (const struct ka_server *at = service->first; at; at = at->next, count++)
		inhibited += at->inhibit < 0 ? service->inhibit : at->inhibit == 1;
	if (inhibited && inhibited < count)
		ka_say(run, node, into, IMPORT_WARNING,
		       "inhibit_on_failure of some servers only: a service has one on_failure for all, remove is taken");
	draft_text(run->arena, into, "on_failure", inhibited && inhibited == count ? "quiesce" : "remove");
}

void ka_put_servers(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
		    struct draft *into)
{
	struct draft *list, holder = {.kind = DRAFT_LIST};

	for (struct ka_server *at = service->first; at; at = at->next)
		if (read_server(run, at, into))
			put_server(run, at, service, &holder, into);
	put_failure(run, node, service, into);
	put_check(run, service, into);
	list = draft_list(run->arena, into, "real_servers");
	if (list) {
		list->first = holder.first;
		list->last = holder.last;
	}
	if (!holder.first)
		ka_say(run, node, into, IMPORT_WARNING, "it has no real server; keepalived passes over it");
}
