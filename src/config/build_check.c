/* Checks, named and in place, and the probes made from them. Two checks with the same values are
 * one: in-place checks are found again by their values, and probes are told apart by (values,
 * target), so that one target is asked once however many services, pools and names lead to it. Keys
 * of probes are hashes over these values: the same in every process and after a restart. Numbers:
 * named checks first in the order of the file, then in-place ones that are used. */
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "config/build.h"
#include "config/users.h"

const char *build_next_check(const void *ctx, size_t index)
{
	const struct build *build = ctx;

	/* named checks come first and all of them have a name */
	return index < build->check_count ? build->checks[index].model.name : NULL;
}

static bool same_values(const struct check *a, const struct check *b)
{
	return schema_equal(&schema_check, a, b, FIELD_LABEL | FIELD_INDEX);
}

/* Logical interface names: tried for every director, taken for the one the model is for. */
static void resolve_interface(struct build *build, struct build_check *check)
{
	const struct origin *origin = origin_of(&schema_check, check->origins, "interface");
	const char *name = check->model.interface;

	if (!name || !origin->value)
		return;
	for (size_t i = 0; i < build->director_count; i++) {
		const char *resolved = build_interface(build, &build->directors[i], name, origin);

		if (&build->directors[i] == build->self)
			check->model.interface = resolved;
	}
}

/* Keys of TLS that nobody will speak, and that the check itself has. */
static bool has_idle_tls(const struct build_check *check)
{
	const struct origin *tls = origin_of(&schema_check, check->origins, "tls");

	return check->model.type == CHECK_SMTP && !check->model.starttls && tls->value &&
	       !tls->is_default_level;
}

static void warn_check(struct build *build, struct build_check *check)
{
	const struct check *model = &check->model;

	if (has_idle_tls(check))
		origin_report(&build->reader, SEVERITY_WARNING,
			      origin_of(&schema_check, check->origins, "tls"), &check->self,
			      "is for starttls: true alone");
	if (model->timeout > model->interval)
		origin_report(
			&build->reader, SEVERITY_WARNING,
			origin_of(&schema_check, check->origins, "timeout"), &check->self,
			"timeout is longer than interval: the next probe starts after the last has ended");
}

static bool judge_suppress(struct build *build, struct build_check *check)
{
	char most[DURATION_TEXT];

	if (check->model.suppress <= check->model.max_suppress)
		return true;
	origin_report(&build->reader, SEVERITY_ERROR,
		      origin_of(&schema_check, check->origins, "suppress"), &check->self,
		      "is longer than max_suppress, %s",
		      duration_format(check->model.max_suppress, most));
	return false;
}

static bool judge_bind(struct build *build, struct build_check *check)
{
	const struct check *model = &check->model;
	char text[ADDR_TEXT];

	if (!model->bind.family || !model->address.family ||
	    model->bind.family == model->address.family)
		return true;
	origin_report(&build->reader, SEVERITY_ERROR,
		      origin_of(&schema_check, check->origins, "bind"), &check->self,
		      "is not of the family of %s, which is probed",
		      addr_format(&model->address, text));
	return false;
}

/* What runs is named in full, and not as one of lbhad's own users: no two sets of rights share one. */
static bool judge_script(struct build *build, struct build_check *check)
{
	const struct check *model = &check->model;

	if (model->command[0][0] != '/') {
		origin_report(&build->reader, SEVERITY_ERROR,
			      origin_of(&schema_check, check->origins, "command"), &check->self,
			      "\"%s\" is no absolute path of a program (there is no shell)",
			      model->command[0]);
		return false;
	}
	if (model->command_count == 1 && strchr(model->command[0], ' '))
		origin_report(&build->reader, SEVERITY_WARNING,
			      origin_of(&schema_check, check->origins, "command"), &check->self,
			      "is the path of one program with blanks in it; arguments are items "
			      "of a list: [/path, first, second]");
	if (users_of_worker(&build->model->global.users, model->user)) {
		origin_report(&build->reader, SEVERITY_ERROR,
			      origin_of(&schema_check, check->origins, "user"), &check->self,
			      "\"%s\" is a user of lbhad itself: give the script one of its own",
			      model->user);
		return false;
	}
	return true;
}

/* Addresses are in answers of one type for each family. */
static bool judge_dns(struct build *build, struct build_check *check)
{
	const struct dns_check *dns = &check->model.dns;
	const struct origin *list = origin_of(&schema_check, check->origins, "expect");
	const uint8_t family = dns->record == DNS_RECORD_A	? AF_INET
			       : dns->record == DNS_RECORD_AAAA ? AF_INET6
								: 0;
	char text[ADDR_TEXT];

	for (size_t i = 0; i < dns->expect.address_count; i++) {
		if (dns->expect.addresses[i].family == family)
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, list, &check->self,
			      "the address %s can only be in an answer for record: %s",
			      addr_format(&dns->expect.addresses[i], text),
			      dns->expect.addresses[i].family == AF_INET ? "A" : "AAAA");
		return false;
	}
	if (dns->expect.address_count <= DNS_ADDRESSES_MAX)
		return true;
	origin_report(&build->reader, SEVERITY_ERROR, list, &check->self, "has more than %d addresses",
		      DNS_ADDRESSES_MAX);
	return false;
}

static bool judge_expect(struct build *build, struct build_check *check)
{
	if (!check->model.expect_bytes || !check->model.expect_regex)
		return true;
	origin_report(&build->reader, SEVERITY_ERROR,
		      origin_of(&schema_check, check->origins, "expect_regex"), &check->self,
		      "expect is there already: one of the two is looked for");
	return false;
}

/* A key that nobody knows does not hide what is wrong with the others: all of those could be read. */
static bool is_readable(const struct build *build, const struct build_check *check)
{
	if (arena_failed(build->arena))
		return false;
	for (size_t i = 0; i < schema_check.count; i++)
		if (check->origins[i].bad)
			return false;
	return true;
}

/* Rules that no single key can break; all that are broken are told. */
static bool judge_check(struct build *build, struct build_check *check)
{
	const enum check_type type = check->model.type;
	bool good = judge_suppress(build, check), tls = true;

	good &= judge_bind(build, check);
	good &= judge_expect(build, check);
	good &= judge_via(build, check);
	if (type == CHECK_SCRIPT)
		good &= judge_script(build, check);
	if (type == CHECK_DNS)
		good &= judge_dns(build, check);
	if (type == CHECK_GRPC)
		tls = build_judge_grpc(build, check);
	tls = tls && build_tls(build, check);
	if (type == CHECK_HTTP)
		tls = tls && build_judge_http(build, check);
	return good && tls;
}

/* Reads a check into the next place; its number in *number. False when it is faulty. */
static bool read_check(struct build *build, const struct node *node, const struct path *path,
		       const char *name, uint32_t *number)
{
	struct level levels[2] = {{.node = node, .path = path, .is_home = true},
				  build->check_defaults};
	struct build_check *check =
		arena_push(build->arena, &build->checks, &build->check_count, sizeof(*check));
	bool good, judged;

	if (!check)
		return false;
	*number = (uint32_t)build->check_count - 1;
	check->model.name = name;
	check->same = *number;
	check->self = (struct origin){.key = node, .value = node, .path = path};
	check->origins = arena_array(build->arena, schema_check.count, sizeof(*check->origins));
	if (!check->origins)
		return false;
	good = record_read(&build->reader, &schema_check, levels, 2, &check->model, check->origins);
	resolve_interface(build, check);
	if (!good && !is_readable(build, check))
		return false;
	warn_check(build, check);
	judged = judge_check(build, check);
	return good && judged;
}

/* Finds an earlier check with the same values, or makes this one known for later ones. */
static void unify_check(struct build *build, uint32_t number)
{
	struct build_check *check = &build->checks[number];
	uint32_t other;

	check->hash = schema_hash(&schema_check, &check->model, FIELD_LABEL | FIELD_INDEX,
				  TEXT_HASH);
	for (size_t step = 0; table_next(&build->check_values, check->hash, &step, &other);)
		if (same_values(&build->checks[other].model, &check->model)) {
			check->same = other;
			return;
		}
	table_add(&build->check_values, check->hash, number);
}

void build_checks(struct build *build)
{
	size_t count;
	struct section_item *items = section_items(build->tree, "checks", build->arena, &count);

	if (table_init(&build->check_names, build->arena, count) ||
	    table_init(&build->check_values, build->arena, count) ||
	    table_init(&build->tls_paths, build->arena, 8) ||
	    table_init(&build->tls_pairs, build->arena, 8) ||
	    table_init(&build->probe_keys, build->arena, 64) ||
	    table_init(&build->way_table, build->arena, 64))
		return;
	for (size_t i = 0; i < count; i++) {
		const char *name = build_name(build, items[i].key, items[i].path);
		const struct node *node = items[i].value;
		uint32_t number = 0;

		if (node_is_null(node)) {
			node_error(build->reader.diagnostics, items[i].key, items[i].path,
				   "has no value");
			continue;
		}
		if (!name)
			name = items[i].key->text;
		if (!read_check(build, node, items[i].path, name, &number) &&
		    number < build->check_count)
			build->checks[number].self.bad = true;
		if (arena_failed(build->arena))
			return;
		build->checks[number].used = true; /* named ones stay, used or not */
		table_add(&build->check_names, text_hash(TEXT_HASH, name, strlen(name)), number);
		unify_check(build, number);
	}
}

bool build_find_check(const struct build *build, const char *name, uint32_t *number)
{
	if (!build->check_names.slots)
		return false;
	for (size_t step = 0; table_next(&build->check_names,
					 text_hash(TEXT_HASH, name, strlen(name)), &step, number);)
		if (!strcmp(build->checks[*number].model.name, name))
			return true;
	return false;
}

/* One element of a "check". */
static bool add_check(struct build *build, const struct node *node, const struct path *path,
		      uint32_t **checks, size_t *count)
{
	uint32_t number, *added;

	if (node->kind == NODE_SCALAR && !node_is_null(node)) {
		if (!build_find_check(build, node->text, &number)) {
			build_no_such(build, "check", node->text, node, path, build_next_check,
				      build);
			return false;
		}
		if (build->checks[number].self.bad)
			return false;
	} else if (node->kind == NODE_MAPPING) {
		if (!read_check(build, node, path, NULL, &number))
			return false;
		unify_check(build, number);
	} else {
		node_error(build->reader.diagnostics, node, path,
			   "the name of a check or a check is expected, not %s",
			   node_what(build->reader.diagnostics, node));
		return false;
	}
	for (size_t i = 0; i < *count; i++)
		if ((*checks)[i] == build->checks[number].same)
			return true;
	added = arena_push(build->arena, checks, count, sizeof(*added));
	if (added)
		*added = build->checks[number].same;
	return added != NULL;
}

/* Whether none of those before it is of the same name. */
static bool is_new_name(struct build *build, const struct node *list, size_t number,
			const struct path *path)
{
	const struct node *item = list->items[number];

	for (size_t i = 0; item->kind == NODE_SCALAR && i < number; i++) {
		if (list->items[i]->kind != NODE_SCALAR ||
		    strcmp(list->items[i]->text, item->text) != 0)
			continue;
		node_error(build->reader.diagnostics, item, path, "\"%s\" is there already",
			   item->text);
		return false;
	}
	return true;
}

bool build_check_list(struct build *build, const struct origin *origin, uint32_t **checks,
		      size_t *count)
{
	const struct node *node = origin->value;
	bool good = !origin->bad;

	if (!node)
		return good;
	if (node->kind != NODE_SEQUENCE)
		return add_check(build, node, origin->path, checks, count);
	if (node->count > BUILD_CHECKS_MAX) {
		node_error(build->reader.diagnostics, node, origin->path, "has more than %d checks",
			   BUILD_CHECKS_MAX);
		return false;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct path *path = path_below(&build->reader, origin->path, NULL, i);

		good &= is_new_name(build, node, i, path) &&
			add_check(build, node->items[i], path, checks, count);
	}
	return good;
}

/* ---- probes --------------------------------------------------------------------------------- */

static uint64_t hash_endpoint(uint64_t hash, const struct endpoint *endpoint)
{
	uint8_t port[2] = {(uint8_t)(endpoint->port >> 8), (uint8_t)endpoint->port};

	hash = text_hash(hash, &endpoint->address, sizeof(endpoint->address));
	return text_hash(hash, port, sizeof(port));
}

static uint64_t probe_key(const struct build *build, const struct build_check *check,
			  const struct probe *wanted)
{
	uint64_t hash = hash_endpoint(check->hash, &wanted->target);
	const char *way = wanted->way ? build->way_names[wanted->way - 1] : NULL;

	if (!way)
		return hash;
	return text_hash(hash_endpoint(hash, &wanted->via), way, strlen(way));
}

bool build_target(const struct check *check, const struct endpoint *server, struct endpoint *target)
{
	const enum check_asks asks = check_type_asks(check->type);
	struct endpoint found = {0};

	if (asks != CHECK_ASKS_HERE && server)
		found = *server;
	if (check->address.family)
		found.address = check->address;
	if (check->port)
		found.port = check->port;
	if ((asks == CHECK_ASKS_PORT || asks == CHECK_ASKS_HOST) && !found.address.family)
		return false;
	if (check->type == CHECK_DNS && !found.port)
		found.port = DNS_PORT;
	if (asks == CHECK_ASKS_PORT && !found.port)
		return false;
	if (asks == CHECK_ASKS_HOST || !found.address.family)
		found.port = 0;
	*target = found;
	return true;
}

static bool same_place(const struct probe *a, const struct probe *b)
{
	return !endpoint_compare(&a->target, &b->target) && a->way == b->way &&
	       !endpoint_compare(&a->via, &b->via);
}

bool build_probe(struct build *build, uint32_t check, const struct probe *wanted, uint32_t *out)
{
	struct model *model = build->model;
	uint64_t key = probe_key(build, &build->checks[check], wanted);
	struct probe *probe;
	uint32_t at;

	for (size_t step = 0; table_next(&build->probe_keys, key, &step, &at);) {
		probe = &model->probes[at];
		if (probe->check == check && same_place(probe, wanted)) {
			*out = at;
			return true;
		}
		key = text_hash(key, "again",
				5); /* two probes with one hash: the later one gets another key */
		step = 0;
	}
	if (model->probe_count >= BUILD_PROBES_MAX)
		return false;
	probe = arena_push(build->arena, &model->probes, &model->probe_count, sizeof(*probe));
	if (!probe)
		return false;
	*probe = (struct probe){
		.check = check,
		.target = wanted->target,
		.via = wanted->via,
		.way = wanted->way,
		.key = key,
		.initially_up = build->checks[check].model.initial == CHECK_INITIAL_UP,
	};
	*out = (uint32_t)model->probe_count - 1;
	build->checks[check].used = true;
	return table_add(&build->probe_keys, key, *out) == 0;
}

void build_checks_finish(struct build *build)
{
	struct model *model = build->model;
	uint32_t *numbers = arena_array(build->arena, build->check_count, sizeof(*numbers));
	uint32_t count = 0;

	model->checks = arena_array(build->arena, build->check_count, sizeof(*model->checks));
	if (!numbers || !model->checks)
		return;
	for (size_t i = 0; i < build->check_count; i++) {
		if (!build->checks[i].used)
			continue;
		numbers[i] = count;
		model->checks[count++] = build->checks[i].model;
	}
	model->check_count = count;
	for (size_t i = 0; i < model->probe_count; i++)
		model->probes[i].check = numbers[model->probes[i].check];
}
