/* From text to model: precedence, probes, what "auto" becomes, which node we are, what counts as
 * the same. What is said about faults is in tests/golden. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/text.h"
#include "config/compile.h"
#include "config/diff.h"
#include "config/files_io.h"
#include "config/schema.h"
#include "suite.h"

static struct arena *arena;
static struct diagnostics diagnostics;
static char said[8192];
static struct text said_text;

static void setup(void)
{
	arena = arena_new(0);
	diagnostics_init(&diagnostics, arena);
	said_text = text_of(said, sizeof(said));
}

static void teardown(void)
{
	arena_free(arena);
}

static void add_said(void *ctx, const char *line)
{
	text_add(ctx, "%s\n", line);
}

static struct config_tree *load(const char *text)
{
	static const struct config_files files;
	struct config_tree *tree =
		config_load(arena, &files, "t.conf", text, strlen(text), &diagnostics);

	ck_assert_ptr_nonnull(tree);
	return tree;
}

static struct model *compile(const char *text, const char *node)
{
	struct model *model = config_compile(arena, load(text), node, 1, &diagnostics);

	diagnostics_print(&diagnostics, add_said, &said_text);
	ck_assert_msg(model != NULL, "%s", said);
	return model;
}

#define INSTANCE                                                                                   \
	"vrrp:\n  - {name: v, interface: eth0, virtual_router_id: 1, virtual_addresses: 192.0.2.1"
#define SERVICE                                                                                    \
	"services:\n  - {name: s, listen: 192.0.2.1:80, real_servers: [192.0.2.20, 192.0.2.21]"

START_TEST(a_directors_own_key_beats_the_instance_which_beats_the_director_which_beats_defaults)
{
	static const char text[] =
		"directors:\n"
		"  a: {priority: 150, address: 192.0.2.10, vrrp: {v: {advert_interval: 3s, announce: {count: 9}}}}\n"
		"  b: {priority: 140}\n"
		"defaults: {vrrp: {advert_interval: 1s, priority: 77, preempt: false, announce: {count: 1, refresh: 0}}}\n" INSTANCE
		", advert_interval: 2s, announce: {again_after: 1s}}\n";
	const struct instance *a = compile(text, "a")->instances;
	const struct instance *b = compile(text, "b")->instances;
	char address[ADDR_TEXT];

	ck_assert_int_eq(a->advert_interval, 3 * NSTIME_S);
	ck_assert_int_eq(b->advert_interval, 2 * NSTIME_S);
	ck_assert_uint_eq(a->priority, 150);
	ck_assert_uint_eq(b->priority, 140);
	ck_assert(!a->preempt);
	ck_assert_str_eq(addr_format(&a->source, address), "192.0.2.10");
	ck_assert_uint_eq(b->source.family, 0);
	ck_assert_uint_eq(a->announce.count, 9);
	ck_assert_uint_eq(b->announce.count, 1);
	ck_assert_int_eq(a->announce.again_after, NSTIME_S);
	ck_assert_int_eq(a->announce.refresh, 0);
	ck_assert_int_eq(a->announce.interval, 200 * NSTIME_MS);
}
END_TEST

START_TEST(the_default_priority_is_used_when_the_director_has_none)
{
	static const char text[] =
		"directors: {a: {address: 192.0.2.10}}\ndefaults: {vrrp: {priority: 77}}\n" INSTANCE
		"}\n";
	const struct model *model = compile(text, "a");

	ck_assert_uint_eq(model->instances[0].priority, 77);
	ck_assert_uint_eq(model->directors[0].priority, 100);
}
END_TEST

START_TEST(logical_interfaces_become_the_directors_own)
{
	static const char text[] =
		"directors:\n"
		"  a: {interfaces: {lan: eth7}, priority: 2}\n"
		"  b: {interfaces: {lan: ens3}}\n"
		"checks: {c: {type: tcp, interface: lan}}\n"
		"vrrp: [{name: v, interface: lan, virtual_router_id: 1, virtual_addresses: 192.0.2.1}]\n";

	ck_assert_str_eq(compile(text, "a")->instances[0].interface, "eth7");
	ck_assert_str_eq(compile(text, "b")->instances[0].interface, "ens3");
	ck_assert_str_eq(compile(text, "b")->checks[0].interface, "ens3");
}
END_TEST

START_TEST(without_directors_the_file_is_for_whoever_reads_it)
{
	const struct model *model = compile(INSTANCE "}\n", NULL);

	ck_assert_uint_eq(model->instance_count, 1);
	ck_assert_uint_eq(model->instances[0].priority, 100);
	ck_assert_ptr_null(model->node);
}
END_TEST

START_TEST(nobody_in_particular_has_no_instances_but_all_services)
{
	const struct model *model =
		compile("directors: {a: {priority: 1}, b: {priority: 2}}\n" INSTANCE "}\n" SERVICE
			"}\n",
			NULL);

	ck_assert_uint_eq(model->instance_count, 0);
	ck_assert_uint_eq(model->service_count, 1);
	ck_assert(model->has_services);
}
END_TEST

static const struct way *way_to(const struct model *model, const char *server, enum forwarding forwarding)
{
	struct addr address;

	ck_assert_int_eq(addr_parse(server, &address), 0);
	for (size_t i = 0; i < model->way_count; i++)
		if (!addr_compare(&model->ways[i].server, &address) &&
		    model->ways[i].forwarding == forwarding)
			return &model->ways[i];
	return NULL;
}

START_TEST(a_server_has_one_way_per_forwarding_and_a_probe_per_listener_on_it)
{
	static const char text[] =
		"checks: {w: {type: tcp, via: vip}, x: {type: tcp, via: vip, port: 9}, d: {type: tcp}}\n"
		"services:\n"
		"  - {name: s, listen: [192.0.2.1:80, 192.0.2.1:443, 192.0.2.2:80], check: [w, d], real_servers: [192.0.2.20, 192.0.2.30]}\n"
		"  - {name: t, listen: 192.0.2.1:81, forwarding: tunnel, check: w, real_servers: 192.0.2.20}\n"
		"  - {name: p, listen: [192.0.2.3:80, 192.0.2.3:81, 192.0.2.4:80], check: x, real_servers: 192.0.2.20}\n";
	const struct model *model = compile(text, NULL);
	const struct way *dr = way_to(model, "192.0.2.20", FORWARDING_DR),
			 *tunnel = way_to(model, "192.0.2.20", FORWARDING_TUNNEL);
	const struct probe *probe = &model->probes[model->services[0].real_servers[0].probes[0]];
	char text_of_it[ENDPOINT_TEXT];

	ck_assert_uint_eq(model->way_count, 3);
	ck_assert_ptr_nonnull(dr);
	ck_assert_ptr_nonnull(tunnel);
	for (size_t i = 0; i < model->way_count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(model->ways[i].mark, model->ways[j].mark);
	/* listeners and, directly, ports */
	ck_assert_uint_eq(model->services[0].real_servers[0].probe_count, 3 + 2);
	ck_assert_uint_eq(model->services[2].real_servers[0].probe_count, 2);
	ck_assert_ptr_eq(model_way(model, probe), dr);
	ck_assert_str_eq(endpoint_format(&probe->via, text_of_it), "192.0.2.1:80");
	ck_assert_str_eq(endpoint_format(&probe->target, text_of_it), "192.0.2.20:80");
	for (size_t i = 0; i < model->probe_count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(model->probes[i].key, model->probes[j].key);
	ck_assert_ptr_null(model_way(model, &model->probes[model->services[0].real_servers[0].probes[3]]));
}
END_TEST

START_TEST(the_marks_of_ways_follow_from_servers_and_those_of_groups_from_names_alone)
{
	static const char head[] = "global: {ipvs: {mark_mask: 0xff}}\nservices:\n";
	static const char one[] = "  - {name: a, listen: 192.0.2.1:80, check: {type: tcp, via: vip}, real_servers: 192.0.2.20}\n";
	static const char other[] =
		"  - {name: b, listen: 192.0.2.9:81, check: {type: tcp, via: vip, interval: 9s}, real_servers: 192.0.2.20}\n"
		"  - {name: g, listen: [192.0.2.1:82, 192.0.2.1:83], group: true, check: {type: tcp}, real_servers: 192.0.2.20}\n";
	char first[1024], second[1024];
	const struct model *alone, *both;

	snprintf(first, sizeof(first), "%s%s", head, one);
	snprintf(second, sizeof(second), "%s%s%s", head, other, one);
	alone = compile(first, NULL);
	both = compile(second, NULL);
	ck_assert_uint_eq(both->way_count, 1);
	ck_assert_uint_ne(both->services[1].mark, both->ways[0].mark);
	ck_assert_uint_eq(alone->ways[0].mark, both->ways[0].mark);
}
END_TEST

START_TEST(one_target_is_probed_once_however_many_lead_to_it)
{
	static const char text[] =
		"checks: {a: {type: tcp}, b: {type: tcp, description: the same}, c: {type: tcp, rise: 5}}\n"
		"pools: {webs: [192.0.2.20, 192.0.2.21]}\n"
		"services:\n"
		"  - {name: s1, listen: [192.0.2.1:80, 192.0.2.2:80, 192.0.2.1:443], check: a, real_servers: webs}\n"
		"  - {name: s2, listen: 192.0.2.3:80, check: [b, {type: tcp}], real_servers: webs}\n"
		"  - {name: s3, listen: 192.0.2.4:80, check: [c, {type: tcp, address: 192.0.2.99, port: 1}], real_servers: webs}\n";
	const struct model *model = compile(text, NULL);

	/* s1: two servers × ports 80, 443; s2: the same at 80; s3: two for c, one for the address
	 * that all share */
	ck_assert_uint_eq(model->probe_count, 4 + 2 + 1);
	ck_assert(!model->probes[0].tracked);
	ck_assert_uint_eq(model->services[0].real_servers[0].probe_count, 2);
	ck_assert_uint_eq(model->services[1].real_servers[0].probe_count, 1);
	ck_assert_uint_eq(model->services[1].real_servers[1].probes[0],
			  model->services[0].real_servers[1].probes[0]);
	ck_assert_uint_eq(model->services[2].real_servers[0].probes[1],
			  model->services[2].real_servers[1].probes[1]);
	ck_assert_uint_eq(model->check_count,
			  4); /* a, b, c and the one in place that is like no other */
}
END_TEST

START_TEST(who_is_asked_without_a_port_is_probed_once_whatever_the_listeners)
{
	static const char text[] =
		"checks: {a: {type: icmp}, b: {type: icmp, bind: 192.0.2.9}}\n"
		"services:\n"
		"  - {name: s1, listen: [192.0.2.1:80, 192.0.2.2:443], check: [a, b], real_servers: 192.0.2.20}\n"
		"  - {name: s2, fwmark: 7, forwarding: nat, check: a, real_servers: [\"192.0.2.20:8\", \"192.0.2.20:9\"]}\n";
	const struct model *model = compile(text, NULL);

	ck_assert_uint_eq(model->probe_count, 2);
	ck_assert_uint_eq(model->probes[0].target.port, 0);
	ck_assert(model_pings(model, AF_INET));
	ck_assert(!model_pings(model, AF_INET6));
}
END_TEST

START_TEST(a_tracked_check_is_probed_once_with_the_services_own)
{
	static const char text[] =
		"directors: {a: {priority: 9}, b: {vrrp: {v: {track: [{check: same}]}}}}\n"
		"checks: {c: {type: tcp, address: 192.0.2.99, port: 1}, same: {type: tcp, address: 192.0.2.99, port: 1},\n"
		"         other: {type: tcp, address: 192.0.2.98, port: 1}}\n" INSTANCE
		", track: [{check: same}, {interface: eth1}, {check: c}]}\n" SERVICE ", check: c}\n"
		"sync_groups: [{name: g, instances: v, track: {check: other, weight: -8}}]\n";
	const struct model *model = compile(text, "a");
	const struct tracker *track = model->instances[0].track;
	const uint32_t service = model->services[0].real_servers[0].probes[0];
	char address[ADDR_TEXT];

	ck_assert_uint_eq(model->probe_count, 2);
	ck_assert_uint_eq(track[0].probe, service);
	ck_assert_uint_eq(track[2].probe, service);
	ck_assert_uint_ne(model->sync_groups[0].track[0].probe, service);
	ck_assert_str_eq(
		addr_format(&model->probes[model->sync_groups[0].track[0].probe].target.address,
			    address),
		"192.0.2.98");
	ck_assert_str_eq(model->checks[model->probes[service].check].name, "c");
	ck_assert(model->probes[0].tracked && model->probes[1].tracked);
}
END_TEST

START_TEST(groups_and_their_members_find_each_other)
{
	static const char text[] =
		"vrrp:\n"
		"  - {name: x, interface: eth0, virtual_router_id: 1, virtual_addresses: 192.0.2.1}\n"
		"  - {name: y, interface: eth0, virtual_router_id: 2, virtual_addresses: 192.0.2.2}\n"
		"  - {name: z, interface: eth0, virtual_router_id: 3, virtual_addresses: 192.0.2.3}\n"
		"sync_groups:\n"
		"  - {name: g, instances: [z, x]}\n";
	const struct model *model = compile(text, NULL);

	ck_assert_uint_eq(model->sync_group_count, 1);
	ck_assert_uint_eq(model->sync_groups[0].instance_count, 2);
	ck_assert_uint_eq(model->sync_groups[0].instances[0], 2);
	ck_assert_uint_eq(model->sync_groups[0].instances[1], 0);
	ck_assert_uint_eq(model->instances[0].sync_group, 1);
	ck_assert_uint_eq(model->instances[1].sync_group, 0);
	ck_assert_uint_eq(model->instances[2].sync_group, 1);
}
END_TEST

START_TEST(the_port_of_a_probe_is_the_checks_else_the_servers_else_the_listeners)
{
	static const char text[] =
		"services:\n"
		"  - {name: s1, listen: 192.0.2.1:80, forwarding: nat, check: [{type: tcp}, {type: tcp, port: 9}],\n"
		"     real_servers: [192.0.2.20, 192.0.2.21:8080]}\n";
	const struct model *model = compile(text, NULL);
	const struct real_server *servers = model->services[0].real_servers;

	ck_assert_uint_eq(model->probes[servers[0].probes[0]].target.port, 80);
	ck_assert_uint_eq(model->probes[servers[0].probes[1]].target.port, 9);
	ck_assert_uint_eq(model->probes[servers[1].probes[0]].target.port, 8080);
	ck_assert_uint_eq(model->probes[servers[1].probes[1]].target.port, 9);
}
END_TEST

START_TEST(the_key_of_a_probe_survives_everything_but_a_change_of_its_values)
{
	static const char before[] = SERVICE ", check: {type: http, path: /a}}\n";
	static const char moved[] =
		"checks: {other: {type: tcp}, named: {type: http, path: /a, description: x}}\n"
		"services:\n"
		"  - {name: first, listen: 192.0.2.1:81, check: other, real_servers: [192.0.2.20]}\n"
		"  - {name: s, listen: 192.0.2.1:80, check: named, real_servers: [192.0.2.20]}\n";
	static const char changed[] = SERVICE ", check: {type: http, path: /a, fall: 4}}\n";
	uint64_t key = compile(before, NULL)->probes[0].key;
	const struct model *model = compile(moved, NULL);

	ck_assert_uint_eq(model->probes[model->services[1].real_servers[0].probes[0]].key, key);
	ck_assert_uint_ne(compile(changed, NULL)->probes[0].key, key);
	ck_assert_msg(key == 0xc580fbff839329b2ull,
		      "keys outlive an upgrade while the rows stay: 0x%llx",
		      (unsigned long long)key);
}
END_TEST

START_TEST(auto_means_quiesce_unless_that_would_lose_clients)
{
	static const struct {
		const char *keys;
		enum on_failure wanted;
	} cases[] = {
		{"", ON_FAILURE_QUIESCE},
		{", scheduler: mh", ON_FAILURE_REMOVE},
		{", scheduler: sh", ON_FAILURE_REMOVE},
		{", scheduler: dh", ON_FAILURE_REMOVE},
		{", protocol: udp", ON_FAILURE_REMOVE},
		{", protocol: [tcp, udp]", ON_FAILURE_REMOVE},
		{", protocol: udp, on_failure: quiesce", ON_FAILURE_QUIESCE},
		{", on_failure: remove", ON_FAILURE_REMOVE},
	};
	char text[512];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		snprintf(text, sizeof(text), "%s%s}\n", SERVICE, cases[i].keys);
		ck_assert_msg(compile(text, NULL)->services[0].on_failure == cases[i].wanted, "%s",
			      cases[i].keys);
	}
}
END_TEST

START_TEST(a_server_is_called_as_it_was_written)
{
	static const char text[] =
		"services:\n"
		"  - {name: s, listen: \"[2001:db8::1]:80\", real_servers: [\"[2001:DB8::2]:80\", {address: "
		"{address: \"2001:db8::3\"}}, {name: x, address: \"2001:db8::4\"}]}\n";
	const struct real_server *servers = compile(text, NULL)->services[0].real_servers;

	ck_assert_str_eq(servers[0].name, "[2001:DB8::2]:80");
	ck_assert_str_eq(servers[1].name, "2001:db8::3");
	ck_assert_str_eq(servers[2].name, "x");
}
END_TEST

START_TEST(the_node_is_named_or_like_the_host_or_the_only_one)
{
	const struct config_tree *two =
		load("directors: {lb1: {priority: 1}, lb2.example: {priority: 2}}\n");
	const struct config_tree *one = load("directors: {lb1: {priority: 1}}\n");
	const struct config_tree *none = load("cluster: x\n");
	const char *node = "untouched";

	ck_assert_int_eq(config_pick_node(two, "lb1", "lb2.example", &diagnostics, &node), 0);
	ck_assert_str_eq(node, "lb1");
	ck_assert_int_eq(config_pick_node(two, NULL, "lb2.example", &diagnostics, &node), 0);
	ck_assert_str_eq(node, "lb2.example");
	ck_assert_int_eq(config_pick_node(two, NULL, "lb1.shop.example", &diagnostics, &node), 0);
	ck_assert_str_eq(node, "lb1");
	ck_assert_int_eq(config_pick_node(one, NULL, "elsewhere", &diagnostics, &node), 0);
	ck_assert_str_eq(node, "lb1");
	ck_assert_int_eq(config_pick_node(none, NULL, "elsewhere", &diagnostics, &node), 0);
	ck_assert_ptr_null(node);
	ck_assert_uint_eq(diagnostics.errors, 0);
	ck_assert_int_eq(config_pick_node(two, "lb3", "lb1", &diagnostics, &node), -ENOENT);
	ck_assert_int_eq(config_pick_node(two, NULL, "lb", &diagnostics, &node), -ENOENT);
	ck_assert_int_eq(config_pick_node(none, "lb3", "lb1", &diagnostics, &node), -ENOENT);
	ck_assert_ptr_null(node);
	diagnostics_print(&diagnostics, add_said, &said_text);
	ck_assert_ptr_nonnull(strstr(
		said,
		"t.conf: error: there is no director \"lb3\"; did you mean \"lb1\"? (directors: lb1, "
		"lb2.example)\n"));
	ck_assert_ptr_nonnull(
		strstr(said, "no director is called like this host (give --node NAME): \"lb\""));
}
END_TEST

START_TEST(an_unknown_node_is_an_error_of_the_compilation_too)
{
	const struct config_tree *tree = load("directors: {lb1: {priority: 1}}\n" INSTANCE "}\n");

	ck_assert_ptr_null(config_compile(arena, tree, "lb9", 1, &diagnostics));
	ck_assert_uint_eq(diagnostics.errors, 1);
}
END_TEST

START_TEST(faults_of_other_directors_show_on_this_one)
{
	const struct config_tree *tree = load(
		"directors: {lb1: {priority: 1}, lb2: {priority: 2, vrrp: {v: {priority: 300}}}}\n" INSTANCE
		"}\n");

	ck_assert_ptr_null(config_compile(arena, tree, "lb1", 1, &diagnostics));
	ck_assert_uint_eq(diagnostics.errors, 1);
	ck_assert_uint_eq(diagnostics.items[0].line, 1);
}
END_TEST

START_TEST(the_same_text_makes_an_equal_model_of_another_generation)
{
	static const char text[] =
		"cluster: x\nchecks: {c: {type: http, headers: {A: b}}}\n" INSTANCE "}\n" SERVICE
		", check: c}\n";
	struct model *a = compile(text, NULL),
		     *b = config_compile(arena, load(text), NULL, 2, &diagnostics);

	ck_assert(model_equal(a, b));
	b->services[0].real_servers[1].weight++;
	ck_assert(!model_equal(a, b));
}
END_TEST

START_TEST(descriptions_and_indices_change_nothing)
{
	static const char before[] =
		"checks: {c: {type: tcp}}\n" INSTANCE "}\n" SERVICE ", check: c}\n";
	static const char after[] =
		"checks: {z: {type: tcp, rise: 9}, c: {type: tcp, description: d}}\n" INSTANCE
		", description: d}\n"
		"services:\n"
		"  - {name: a, listen: 192.0.2.1:81, check: z, real_servers: [192.0.2.20]}\n"
		"  - {name: s, description: d, listen: 192.0.2.1:80, check: c, real_servers: [{address: 192.0.2.20, description: d}]}\n";
	const struct model *a = compile(before, NULL), *b = compile(after, NULL);

	ck_assert(instance_equal(&a->instances[0], &b->instances[0]));
	ck_assert(check_equal(&a->checks[0], &b->checks[1]));
	ck_assert(service_equal(&a->services[0], &b->services[1]));
	ck_assert(real_server_equal(&a->services[0].real_servers[0],
				    &b->services[1].real_servers[0]));
	ck_assert(!check_equal(&a->checks[0], &b->checks[0]));
	ck_assert(!service_equal(&a->services[0], &b->services[0]));
	ck_assert(!real_server_equal(&a->services[0].real_servers[0],
				     &a->services[0].real_servers[1]));
	ck_assert(global_equal(&a->global, &b->global));
}
END_TEST

/* The text of a file of the source tree. */
static char *source_file(const char *name, size_t *size)
{
	const char *top = getenv("srcdir");
	char path[512], why[CONFIG_WHY] = "", *bytes = NULL;

	snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	ck_assert_msg(!config_file_read(path, &bytes, size, why), "%s", why);
	return bytes;
}

static void check_named(const struct schema_record *record, const char *text)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct schema_field *field = &record->fields[i];
		char key[64];

		if (field->record && !(field->flags & FIELD_MAP && field->type == TYPE_RECORD &&
				       field->record->count == 2))
			check_named(field->record, text); /* names of a plain mapping are free */
		if (!field->key)
			continue;
		snprintf(key, sizeof(key), "%s:", field->key);
		ck_assert_msg(strstr(text, key) != NULL, "%s of %s", field->key, record->name);
	}
}

START_TEST(the_reference_file_names_every_key)
{
	size_t size;
	char *bytes = source_file("etc/lbha.conf", &size);
	char *text = arena_text(arena, bytes, size);

	check_named(&schema_model, text);
	check_named(&schema_defaults, text);
	free(bytes);
}
END_TEST

static int no_files(void *ctx, const char *including_file, const char *pattern,
		    int (*found)(void *found_ctx, const char *path, const char *bytes, size_t size),
		    void *found_ctx, char *why)
{
	(void)ctx, (void)including_file, (void)pattern, (void)found, (void)found_ctx, (void)why;
	return 0;
}

START_TEST(every_example_is_valid_and_not_warned_about)
{
	static const struct config_files files = {.include = no_files};
	const char *top = getenv("srcdir");
	char pattern[512];
	glob_t names = {0};

	snprintf(pattern, sizeof(pattern), "%s/etc/{lbha.conf,examples/*.conf}", top ? top : ".");
	ck_assert_int_eq(glob(pattern, GLOB_BRACE, NULL, &names), 0);
	ck_assert_uint_gt(names.gl_pathc, 4);
	for (size_t i = 0; i < names.gl_pathc; i++) {
		const char *name = names.gl_pathv[i];
		char why[CONFIG_WHY] = "", *bytes = NULL;
		struct config_tree *tree;
		size_t size;

		ck_assert_msg(!config_file_read(name, &bytes, &size, why), "%s", why);
		tree = config_load(arena, &files, name, bytes, size, &diagnostics);
		ck_assert_ptr_nonnull(tree);
		config_compile(arena, tree, config_director(tree, 0), 1, &diagnostics);
		free(bytes);
	}
	globfree(&names);
	diagnostics_print(&diagnostics, add_said, &said_text);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(a_service_knows_the_instances_that_carry_its_addresses)
{
	static const char text[] =
		"vrrp:\n"
		"  - {name: u, interface: eth0, virtual_router_id: 1, virtual_addresses: 192.0.2.9}\n"
		"  - {name: v, interface: eth0, virtual_router_id: 2, virtual_addresses: [192.0.2.1, 192.0.2.2]}\n"
		"services:\n"
		"  - {name: s, listen: [192.0.2.2:80, 192.0.2.1:80, 192.0.2.1:81], real_servers: 192.0.2.20}\n"
		"  - {name: t, listen: [192.0.2.1:82, 192.0.2.9:82], real_servers: 192.0.2.20}\n"
		"  - {name: nowhere, listen: 192.0.2.7:80, real_servers: 192.0.2.20}\n";
	const struct service *services = compile(text, NULL)->services;

	ck_assert_uint_eq(services[0].instance_count, 1);
	ck_assert_uint_eq(services[0].instances[0], 1);
	ck_assert_uint_eq(services[1].instance_count, 2);
	ck_assert_uint_eq(services[1].instances[0], 1);
	ck_assert_uint_eq(services[1].instances[1], 0);
	ck_assert_uint_eq(services[2].instance_count, 0);
}
END_TEST

START_TEST(the_model_knows_where_translated_packets_pass)
{
	static const char text[] =
		"vrrp:\n"
		"  - {name: u, interface: eth0, virtual_router_id: 1, virtual_mac: true, virtual_addresses: 192.0.2.1}\n"
		"  - {name: v, interface: eth1, virtual_router_id: 2, virtual_addresses: [10.0.0.1, {address: 192.0.2.2, interface: eth4}]}\n"
		"  - {name: w, interface: eth2, virtual_router_id: 3, virtual_mac: true, virtual_addresses: 192.0.2.3}\n"
		"  - {name: x, interface: eth3, virtual_router_id: 4, virtual_addresses: \"2001:db8::1\"}\n"
		"services:\n"
		"  - {name: s, listen: 192.0.2.1:80, forwarding: nat, gateway: 10.0.0.1, real_servers: 10.0.0.7}\n"
		"  - {name: t, listen: 192.0.2.1:81, forwarding: nat, gateway: 10.0.0.1, real_servers: 10.0.0.7}\n"
		"  - {name: d, listen: 192.0.2.3:80, real_servers: 192.0.2.20}\n"
		"  - {name: n6, listen: \"[2001:db8::1]:80\", forwarding: nat, real_servers: \"2001:db8::7\"}\n";
	static const char *const expected[] = {"eth0", "eth1", "eth4"};
	const struct model *model = compile(text, NULL);

	ck_assert_uint_eq(model->nat_interface_count, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++)
		ck_assert_str_eq(model->nat_interfaces[i], expected[i]);
	for (size_t i = 0; i < model->instance_count; i++)
		ck_assert_int_eq(model->instances[i].no_redirects, i == 0);
}
END_TEST

START_TEST(a_probe_runs_while_master_only_if_nobody_needs_it_otherwise)
{
	static const char text[] =
		"checks: {c: {type: tcp}, d: {type: tcp, address: 192.0.2.20, port: 83}}\n" INSTANCE
		", track: [{check: d}]}\n"
		"  - {name: w, interface: eth0, virtual_router_id: 2, virtual_addresses: 192.0.2.2}\n"
		"defaults: {service: {check: c, check_when: master}}\n"
		"services:\n"
		"  - {name: mine, listen: 192.0.2.1:80, real_servers: 192.0.2.20}\n"
		"  - {name: both, listen: [192.0.2.1:81, 192.0.2.2:81], real_servers: [192.0.2.20]}\n"
		"  - {name: asked, listen: 192.0.2.1:82, real_servers: 192.0.2.20}\n"
		"  - {name: always, listen: 192.0.2.2:82, check_when: always, real_servers: 192.0.2.20}\n"
		"  - {name: tracked, listen: 192.0.2.1:83, check: d, real_servers: 192.0.2.20}\n";
	const struct model *model = compile(text, NULL);
	const struct service *services = model->services;
	const struct probe *probes = model->probes;

	ck_assert_uint_eq(probes[services[0].real_servers->probes[0]].instance_count, 1);
	ck_assert_uint_eq(probes[services[0].real_servers->probes[0]].instances[0], 0);
	ck_assert_uint_eq(probes[services[1].real_servers->probes[0]].instance_count, 2);
	ck_assert_uint_eq(services[2].real_servers->probes[0], services[3].real_servers->probes[0]);
	ck_assert_uint_eq(probes[services[3].real_servers->probes[0]].instance_count, 0);
	ck_assert_uint_eq(probes[services[4].real_servers->probes[0]].instance_count, 0);
}
END_TEST

START_TEST(an_arena_that_is_too_small_gives_no_model_and_no_crash)
{
	static const char text[] =
		"directors: {a: {address: 192.0.2.10, priority: 9, sync: {g: {description: x}}}, b: {address: 192.0.2.11}}\n"
		"checks: {c: {type: http, address: 192.0.2.99, port: 1}}\n" INSTANCE
		", transport: both, unicast: {peers: [a, b]}, track: [{interface: eth1}],\n"
		"     routes: [{to: default, via: 192.0.2.254}]}\n"
		"  - {name: w, interface: eth0, virtual_router_id: 2, version: 2, authentication: {type: pass, key: x},\n"
		"     virtual_addresses: [{address: 192.0.2.2, label: y}]}\n"
		"sync_groups: [{name: g, instances: [v, w], track: {check: c, weight: -9}}]\n" SERVICE
		", check: c}\n";
	static const struct config_files files;
	bool made = false;

	for (size_t limit = 64; !made; limit += 64) {
		struct arena *small = arena_new(limit);
		struct diagnostics ignored;
		struct config_tree *tree;

		diagnostics_init(&ignored, small);
		tree = config_load(small, &files, "t.conf", text, strlen(text), &ignored);
		made = tree && config_compile(small, tree, "a", 1, &ignored);
		ck_assert(made == !arena_failed(small));
		arena_free(small);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = CASE(
		"compile",
		a_directors_own_key_beats_the_instance_which_beats_the_director_which_beats_defaults,
		the_default_priority_is_used_when_the_director_has_none,
		logical_interfaces_become_the_directors_own,
		without_directors_the_file_is_for_whoever_reads_it,
		nobody_in_particular_has_no_instances_but_all_services,
		a_server_has_one_way_per_forwarding_and_a_probe_per_listener_on_it,
			      the_marks_of_ways_follow_from_servers_and_those_of_groups_from_names_alone,
			      one_target_is_probed_once_however_many_lead_to_it,
		who_is_asked_without_a_port_is_probed_once_whatever_the_listeners,
		a_tracked_check_is_probed_once_with_the_services_own,
		groups_and_their_members_find_each_other,
		the_port_of_a_probe_is_the_checks_else_the_servers_else_the_listeners,
		the_key_of_a_probe_survives_everything_but_a_change_of_its_values,
		auto_means_quiesce_unless_that_would_lose_clients,
		a_server_is_called_as_it_was_written,
		the_node_is_named_or_like_the_host_or_the_only_one,
		an_unknown_node_is_an_error_of_the_compilation_too,
		faults_of_other_directors_show_on_this_one,
		the_same_text_makes_an_equal_model_of_another_generation,
		descriptions_and_indices_change_nothing,
		a_service_knows_the_instances_that_carry_its_addresses,
		a_probe_runs_while_master_only_if_nobody_needs_it_otherwise,
		the_model_knows_where_translated_packets_pass,
		an_arena_that_is_too_small_gives_no_model_and_no_crash);

	tcase_add_test(tcase, the_reference_file_names_every_key);
	tcase_add_test(tcase, every_example_is_valid_and_not_warned_about);
	tcase_add_checked_fixture(tcase, setup, teardown);
	return SUITE_RUN("config compile", tcase);
}
