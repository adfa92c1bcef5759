/* virtual_server and virtual_server_group. One block may become several services: marks and addresses of
 * a group, or addresses of two families, are services of their own. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/ka_server.h"

#define RANGE_MAX 256 /* addresses of one range */

static void take_timing(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	ka_timing_take(run, node, &((struct ka_service *)object)->timing, into);
}

static void take_scheduler(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			   struct draft *into)
{
	if (ka_word(node, 1))
		draft_text(run->arena, into, "scheduler", ka_word(node, 1));
	for (size_t i = 2; i < node->count; i++)
		ka_take_flag(run, node, node->words[i], into);
}

void ka_take_flag(struct ka_run *run, const struct ka_node *node, const char *word, struct draft *into)
{
	static const char *const names[] = {"sh-port", "sh-fallback", "mh-port", "mh-fallback"};
	struct draft *flags;

	if (!strcmp(word, "ops")) {
		draft_value(run->arena, into, "one_packet", "true");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], word)) {
			flags = draft_list(run->arena, into, "flags");
			draft_text(run->arena, flags, NULL, word);
			if (flags)
				flags->is_short = true;
			return;
		}
	ka_say(run, node, into, IMPORT_WARNING, "%s: write it as sh-port, sh-fallback, mh-port or mh-fallback", word);
}

static void take_flag(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		      struct draft *into)
{
	ka_take_flag(run, node, node->words[0], into);
}

static void take_method(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	ka_method_take(run, node, &((struct ka_service *)object)->method, into);
}

static void take_sorry_method(struct ka_run *run, const struct ka_node *node, void *object,
			      struct draft *into)
{
	ka_method_take(run, node, &((struct ka_service *)object)->sorry_method, into);
}

/* What is wanted when the whole block has been read. */
static void take_later(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		       UNUSED struct draft *into)
{
	struct ka_service *service = object;

	if (ka_is(node, "protocol"))
		service->protocol = node;
	else if (ka_is(node, "persistence_timeout"))
		service->persistence = node;
	else if (ka_is(node, "persistence_granularity"))
		service->granularity = node;
	else if (ka_is(node, "persistence_engine"))
		service->engine = node;
	else if (ka_is(node, "sorry_server"))
		service->sorry = node;
	else if (ka_is(node, "quorum_up"))
		service->quorum_up = node;
	else if (ka_is(node, "quorum_down"))
		service->quorum_down = node;
	else if (ka_is(node, "virtualhost"))
		service->virtualhost = ka_word(node, 1);
	else if (ka_is(node, "inhibit_on_failure"))
		service->inhibit = ka_bool(node, 1);
}

static void take_number(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	struct ka_service *service = object;
	long *out = ka_is(node, "quorum")       ? &service->quorum
		    : ka_is(node, "hysteresis") ? &service->hysteresis
						: &service->weight;

	ka_number(run, node, 1, 0, 0x7fffffff, out, into);
}

static void take_name(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		      UNUSED struct draft *into)
{
	((struct ka_service *)object)->name = ka_word(node, 1);
}

static void take_family(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			struct draft *into)
{
	draft_text(run->arena, into, "family",
		   ka_word(node, 1) && !strcmp(node->words[1], "inet6") ? "ipv6" : "ipv4");
}

static void take_suspend(struct ka_run *run, UNUSED const struct ka_node *node, UNUSED void *object,
			 struct draft *into)
{
	draft_text(run->arena, into, "check_when", "master");
}

static void take_server(struct ka_run *run, const struct ka_node *node, void *object,
			UNUSED struct draft *into)
{
	ka_take_server(run, node, object);
}

#define NOT_NEEDED(keyword, why) {keyword, NULL, NULL, IMPORT_NOTE, why}
#define LOST(keyword, why) {keyword, NULL, NULL, IMPORT_WARNING, why}

static const struct ka_rule service_rules[] = {
	{"protocol", take_later, "protocol", 0, NULL},
	{"lb_algo", take_scheduler, "scheduler, flags", 0, NULL},
	{"lvs_sched", take_scheduler, "scheduler, flags", 0, NULL},
	{"lb_kind", take_method, "forwarding, tunnel", 0, NULL},
	{"lvs_method", take_method, "forwarding, tunnel", 0, NULL},
	{"ops", take_flag, "one_packet: true", 0, NULL},
	{"sh-port", take_flag, "flags", 0, NULL},
	{"sh-fallback", take_flag, "flags", 0, NULL},
	{"mh-port", take_flag, "flags", 0, NULL},
	{"mh-fallback", take_flag, "flags", 0, NULL},
	{"flag-1", take_flag, NULL, 0, NULL},
	{"flag-2", take_flag, NULL, 0, NULL},
	{"flag-3", take_flag, NULL, 0, NULL},
	{"persistence_timeout", take_later, "persistence: timeout", 0, NULL},
	{"persistence_granularity", take_later, "persistence: prefix", 0, NULL},
	{"persistence_engine", take_later, "persistence: engine", 0, NULL},
	{"ip_family", take_family, "family", 0, NULL},
	{"delay_loop", take_timing, "check: interval", 0, NULL},
	{"connect_timeout", take_timing, "check: timeout", 0, NULL},
	{"retry", take_timing, "check: fall", 0, NULL},
	{"delay_before_retry", take_timing, "check: retry_interval", 0, NULL},
	{"alpha", take_timing, "check: initial: down", 0, NULL},
	{"warmup", take_timing, NULL, IMPORT_NOTE, "first probes are spread over a second at most"},
	{"omega", NULL, NULL, IMPORT_NOTE, "a stop releases everything and tells of it"},
	{"quorum", take_number, "quorum", 0, NULL},
	{"hysteresis", take_number, "quorum_hysteresis", 0, NULL},
	{"weight", take_number, "real_servers: weight", 0, NULL},
	{"quorum_up", take_later, "notify", 0, NULL},
	{"quorum_down", take_later, "notify", 0, NULL},
	{"sorry_server", take_later, "sorry_server", 0, NULL},
	{"sorry_server_lvs_method", take_sorry_method, "sorry_server: forwarding", 0, NULL},
	{"sorry_server_inhibit", NULL, NULL, IMPORT_NOTE, "the others are there before a sorry server leaves"},
	{"inhibit_on_failure", take_later, "on_failure: quiesce", 0, NULL},
	{"ha_suspend", take_suspend, "check_when: master", 0, NULL},
	{"virtualhost", take_later, "check: host", 0, NULL},
	{"snmp_name", take_name, "name", 0, NULL},
	{"real_server", take_server, "real_servers", 0, NULL},
	NOT_NEEDED("smtp_alert", "lbha sends no mail; a notify script can"),
	NOT_NEEDED("hashed", "a word without a meaning for the kernel"),
};

const struct ka_rules ka_rules_service = {"virtual_server", service_rules, COUNT_OF(service_rules)};

/* ---- where clients connect ------------------------------------------------------------------ */

static void add_endpoint(struct ka_run *run, struct draft *list, const struct addr *address, long port)
{
	struct endpoint endpoint = {*address, (uint16_t)port};
	char text[ENDPOINT_TEXT];

	draft_text(run->arena, list, NULL, endpoint_format(&endpoint, text));
}

static void next_address(struct addr *address)
{
	size_t at = addr_size(address->family);

	while (at-- && !++address->bytes[at])
		;
}

/* Addresses of an entry of a group, ADDRESS[-END|/LENGTH] [PORT]. */
static void add_range(struct ka_run *run, const struct ka_node *entry, struct draft *list,
		      struct draft *into)
{
	struct addr address, last;
	const char *why = ka_range_parse(entry->words[0], &address, &last);
	long port = 0;
	int left = RANGE_MAX;

	if (why) {
		ka_say(run, entry, into, IMPORT_WARNING, "%s", why);
		return;
	}
	if (ka_word(entry, 1) && !ka_number(run, entry, 1, 0, 65535, &port, into))
		return;
	for (; left && addr_compare(&address, &last) < 0; left--, next_address(&address))
		add_endpoint(run, list, &address, port);
	if (left)
		add_endpoint(run, list, &last, port);
	else
		ka_say(run, entry, into, IMPORT_WARNING,
		       "only the first %d addresses are taken; for a whole network mark its packets, and write fwmark: in the place of listen:",
		       RANGE_MAX);
}

static bool is_mark(const struct ka_node *entry)
{
	return ka_is(entry, "fwmark");
}

/* Listeners of the addresses of a group. */
static bool add_group_listeners(struct ka_run *run, const struct ka_node *group, struct draft *into)
{
	struct draft *list = NULL;

	for (const struct ka_node *at = group->first; at; at = at->next) {
		if (is_mark(at))
			continue;
		list = list ? list : draft_list(run->arena, into, "listen");
		add_range(run, at, list, into);
	}
	if (list)
		list->is_short = true;
	return list && list->first;
}

/* Whether every listener has this port. */
static bool all_have_port(const struct draft *into, long port)
{
	const struct draft *listen = draft_find(into, "listen");
	struct endpoint endpoint;

	if (!listen)
		return false;
	if (listen->kind != DRAFT_LIST)
		return !endpoint_parse(listen->text, &endpoint) && endpoint.port == port;
	for (const struct draft *at = listen->first; at; at = at->next)
		if (endpoint_parse(at->text, &endpoint) || endpoint.port != port)
			return false;
	return true;
}

bool ka_port_is_listeners(const struct draft *service, long port)
{
	return all_have_port(service, port);
}

/* ---- what hangs together -------------------------------------------------------------------- */

static void put_protocol(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
			 struct draft *into)
{
	const char *word = ka_word(service->protocol, 1);
	static const char *const names[] = {"tcp", "udp", "sctp"};

	if (!draft_find(into, "listen"))
		return;
	for (size_t i = 0; word && i < COUNT_OF(names); i++)
		if (!strcasecmp(word, names[i])) {
			draft_text(run->arena, into, "protocol", names[i]);
			return;
		}
	draft_text(run->arena, into, "protocol", "udp");
	ka_say(run, service->protocol ? service->protocol : node, into, IMPORT_WARNING,
	       "without a protocol keepalived takes UDP; write tcp if that was meant");
}

/* The bits of a client's address that count: a netmask for IPv4, a number for IPv6. */
static long prefix_of(const struct ka_node *node)
{
	struct addr mask;
	long bits = 0;

	if (!ka_address(ka_word(node, 1), &mask) || mask.family != AF_INET)
		return ka_word(node, 1) ? strtol(node->words[1], NULL, 10) : 0;
	for (uint32_t left = addr_ipv4(&mask); left & 0x80000000u; left <<= 1)
		bits++;
	return bits;
}

static void put_persistence(struct ka_run *run, const struct ka_node *node,
			    struct ka_service *service, struct draft *into)
{
	struct draft *map;
	long timeout = 360;

	if (!service->persistence && !all_have_port(into, 0))
		return;
	if (!service->persistence)
		ka_say(run, node, into, IMPORT_NOTE,
		       "without a port all ports are one service, and keepalived makes it persistent: 360s");
	else if (ka_word(service->persistence, 1) &&
		 !ka_number(run, service->persistence, 1, 1, 2678400, &timeout, into))
		return;
	map = draft_map(run->arena, into, "persistence");
	if (!map)
		return;
	map->is_short = true;
	ka_duration(run, map, "timeout", timeout * NSTIME_S);
	if (service->granularity && prefix_of(service->granularity) > 0)
		draft_value(run->arena, map, "prefix", "%ld", prefix_of(service->granularity));
	if (ka_word(service->engine, 1))
		draft_text(run->arena, map, "engine", service->engine->words[1]);
}

/* What lbhad would refuse. */
static void drop_impossible(struct ka_run *run, const struct ka_node *node, struct draft *into)
{
	const struct draft *forwarding = draft_find(into, "forwarding"), *protocol = draft_find(into, "protocol");

	if (draft_find(into, "one_packet") && !strcmp(forwarding->text, "nat")) {
		ka_say(run, node, into, IMPORT_WARNING,
		       "ops: with NAT answers would come from the servers' own addresses; left out");
		draft_remove(into, "one_packet");
	}
	if (draft_find(into, "one_packet") && protocol && strcmp(protocol->text, "udp") != 0) {
		ka_say(run, node, into, IMPORT_NOTE, "ops: for UDP alone, as with keepalived; left out");
		draft_remove(into, "one_packet");
	}
	if (draft_find(into, "check_when") && !ka_child(run->tree, "vrrp_instance")) {
		ka_say(run, node, into, IMPORT_WARNING,
		       "ha_suspend: no vrrp_instance has the address, so it would never be checked; left out");
		draft_remove(into, "check_when");
	}
}

static void put_quorum(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
		       struct draft *into)
{
	if (service->quorum > service->weights) {
		ka_say(run, node, into, IMPORT_NOTE,
		       "quorum: more than all weights together: lowered to their sum, as keepalived does");
		service->quorum = service->weights;
	}
	if (service->quorum > 1)
		draft_value(run->arena, into, "quorum", "%ld", service->quorum);
	if (service->hysteresis >= service->quorum)
		service->hysteresis = service->quorum - 1;
	if (service->hysteresis > 0)
		draft_value(run->arena, into, "quorum_hysteresis", "%ld", service->hysteresis);
}

static void put_sorry(struct ka_run *run, struct ka_service *service, struct draft *into)
{
	const struct ka_node *node = service->sorry;
	struct endpoint endpoint = {0};
	const struct ka_method *method = service->sorry_method.forwarding ? &service->sorry_method
									  : &service->method;
	char text[ENDPOINT_TEXT];
	struct draft *map;
	long port = 0;

	if (!node)
		return;
	if (!ka_address(ka_word(node, 1), &endpoint.address) ||
	    (ka_word(node, 2) && !ka_number(run, node, 2, 0, 65535, &port, into))) {
		ka_say(run, node, into, IMPORT_WARNING, "is no address and port");
		return;
	}
	if (strcmp(method->forwarding, "nat") != 0 || all_have_port(into, port))
		port = 0;
	endpoint.port = (uint16_t)port;
	endpoint_format(&endpoint, text);
	if (!service->sorry_method.forwarding) {
		draft_text(run->arena, into, "sorry_server", text);
		return;
	}
	map = draft_map(run->arena, into, "sorry_server");
	if (map)
		map->is_short = true;
	draft_text(run->arena, map, "address", text);
	ka_method_put(run, method, &service->method, map);
}

/* keepalived's names are addresses; a service of lbha has a name. */
static void put_name(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
		     struct draft *into, const char *mark)
{
	const struct draft *services = draft_find(run->root, "services");
	const struct draft *listen = draft_find(into, "listen"), *protocol = draft_find(into, "protocol");
	char text[80];
	struct text name = text_of(text, sizeof(text));

	if (service->name)
		text_add(&name, "%.48s", service->name);
	else if (ka_is(node, "virtual_server") && ka_word(node, 2) && !strcmp(node->words[1], "group"))
		text_add(&name, "%.48s", node->words[2]);
	else if (mark)
		text_add(&name, "fwmark-%.16s", mark);
	else
		text_add(&name, "%s", listen->kind == DRAFT_LIST ? listen->first->text : listen->text);
	if (mark && service->name)
		text_add(&name, "-%.16s", mark);
	for (const struct draft *at = services ? services->first : NULL; at; at = at->next)
		if (at != into && draft_find(at, "name") && !strcmp(draft_find(at, "name")->text, text)) {
			text_add(&name, "/%s", protocol ? protocol->text : mark ? mark : "2");
			break;
		}
	draft_text(run->arena, into, "name", text);
}

/* sh without flags has sh-fallback with lbha, and none with keepalived. */
static void put_flags(struct ka_run *run, struct draft *into)
{
	const struct draft *scheduler = draft_find(into, "scheduler");
	struct draft *flags;

	if (!scheduler || strcmp(scheduler->text, "sh") != 0 || draft_find(into, "flags"))
		return;
	flags = draft_list(run->arena, into, "flags");
	if (flags)
		flags->is_short = true;
}

static void take_rest(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
		      struct draft *into)
{
	ka_take_block(run, node, &ka_rules_service, service, into);
	put_flags(run, into);
	if (!service->method.forwarding)
		service->method.forwarding = "nat";
	ka_method_put(run, &service->method, NULL, into);
	put_protocol(run, node, service, into);
	put_persistence(run, node, service, into);
	drop_impossible(run, node, into);
	ka_put_servers(run, node, service, into);
	put_quorum(run, node, service, into);
	put_sorry(run, service, into);
	ka_put_quorum_scripts(run, service, into);
}

static struct draft *new_service(struct ka_run *run)
{
	struct draft *into =
		draft_item(run->arena, draft_list(run->arena, run->root, "services"), DRAFT_MAP);

	/* the first key, known at last */
	draft_text(run->arena, into, "name", "");
	return into;
}

#define SERVICE {.timing = KA_TIMING_NONE, .quorum = 1, .weight = 1}

static void take_mark(struct ka_run *run, const struct ka_node *node, const char *mark,
		      const char *family)
{
	struct ka_service service = SERVICE;
	struct draft *into = new_service(run);

	service.has_mark = true;
	ka_plain(run, into, "fwmark", mark);
	if (family)
		draft_text(run->arena, into, "family", !strcmp(family, "inet6") ? "ipv6" : "ipv4");
	take_rest(run, node, &service, into);
	put_name(run, node, &service, into, mark);
}

static void take_group(struct ka_run *run, const struct ka_node *node)
{
	const struct ka_node *group = ka_named(run, "virtual_server_group", ka_word(node, 2));
	struct ka_service service = SERVICE;
	struct draft *into;

	if (!group) {
		ka_say(run, node, run->root, IMPORT_WARNING, "there is no virtual_server_group of this name");
		return;
	}
	into = new_service(run);
	if (add_group_listeners(run, group, into)) {
		take_rest(run, node, &service, into);
		put_name(run, node, &service, into, NULL);
	} else {
		draft_drop_last(draft_find(run->root, "services"));
	}
	for (const struct ka_node *at = group->first; at; at = at->next)
		if (is_mark(at) && ka_word(at, 1))
			take_mark(run, node, ka_word(at, 1), ka_word(at, 2));
}

static void take_address(struct ka_run *run, const struct ka_node *node)
{
	struct ka_service service = SERVICE;
	struct endpoint endpoint = {0};
	char text[ENDPOINT_TEXT];
	struct draft *into;
	long port = 0;

	if (!ka_address(ka_word(node, 1), &endpoint.address) ||
	    (ka_word(node, 2) && !ka_number(run, node, 2, 0, 65535, &port, run->root))) {
		ka_say(run, node, run->root, IMPORT_WARNING, "is no address and port");
		return;
	}
	endpoint.port = (uint16_t)port;
	into = new_service(run);
	draft_text(run->arena, into, "listen", endpoint_format(&endpoint, text));
	take_rest(run, node, &service, into);
	draft_remove(into, "family");
	put_name(run, node, &service, into, NULL);
}

void ka_take_service(struct ka_run *run, const struct ka_node *node)
{
	const char *kind = ka_word(node, 1);

	if (kind && !strcmp(kind, "fwmark") && ka_word(node, 2))
		take_mark(run, node, ka_word(node, 2), NULL);
	else if (kind && !strcmp(kind, "group") && ka_word(node, 2))
		take_group(run, node);
	else
		take_address(run, node);
}
