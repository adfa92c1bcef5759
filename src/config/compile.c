/* config_compile(): the order in which a model comes to be, and what needs no file of its own:
 * directors, global, the choice of the node. Every fault is reported and passed over, so that one
 * run shows all of them; only the end asks whether there were any. */
#include "config/compile.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"
#include "config/judge.h"
#include "config/users.h"
#include "config/value.h"

size_t config_file_max(enum config_file kind)
{
	switch (kind) {
	case CONFIG_FILE_SECRET:
		return CONFIG_SECRET_MAX;
	case CONFIG_FILE_KEY:
		return CONFIG_KEY_MAX;
	case CONFIG_FILE_CA:
	case CONFIG_FILE_CERTIFICATE:
		break;
	}
	return CONFIG_CERTIFICATES_MAX;
}

size_t config_director_count(const struct config_tree *tree)
{
	return tree->director_count;
}

const char *config_director(const struct config_tree *tree, size_t index)
{
	return index < tree->director_count ? tree->directors[index] : NULL;
}

static const char *next_director(const void *ctx, size_t index)
{
	return config_director(ctx, index);
}

static const char *find_director(const struct config_tree *tree, const char *name, size_t length)
{
	for (size_t i = 0; i < tree->director_count; i++)
		if (!strncmp(tree->directors[i], name, length) && !tree->directors[i][length])
			return tree->directors[i];
	return NULL;
}

/* An error about the file as a whole: `name` is no director, and these are. */
static void no_such_director(const struct config_tree *tree, const char *name, const char *how,
			     struct diagnostics *diagnostics)
{
	struct diagnostic where = {.severity = SEVERITY_ERROR, .file = tree->main_file};
	const char *nearest = text_nearest(name, next_director, tree);
	char list[512];
	struct text names = text_of(list, sizeof(list));

	for (size_t i = 0; i < tree->director_count; i++)
		text_add(&names, "%s%s", i ? ", " : "", tree->directors[i]);
	if (!tree->director_count)
		diagnostics_add(diagnostics, &where,
				"there is no director \"%s\": the file has no \"directors\"", name);
	else if (nearest)
		diagnostics_add(diagnostics, &where,
				"%s \"%s\"; did you mean \"%s\"? (directors: %s)", how, name,
				nearest, list);
	else
		diagnostics_add(diagnostics, &where, "%s \"%s\" (directors: %s)", how, name, list);
}

int config_pick_node(const struct config_tree *tree, const char *name, const char *host,
		     struct diagnostics *diagnostics, const char **node)
{
	const char *found = NULL;

	if (name) {
		found = find_director(tree, name, strlen(name));
		if (!found) {
			no_such_director(tree, name, "there is no director", diagnostics);
			return -ENOENT;
		}
	} else if (tree->director_count) {
		found = find_director(tree, host, strlen(host));
		if (!found)
			found = find_director(tree, host, strcspn(host, "."));
		if (!found && tree->director_count == 1)
			found = tree->directors[0];
		if (!found) {
			no_such_director(tree, host,
					 "no director is called like this host (give --node NAME):",
					 diagnostics);
			return -ENOENT;
		}
	}
	*node = found;
	return 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *build_name(struct build *build, const struct node *node, const struct path *path)
{
	static const struct schema_field field = {.type = TYPE_TEXT,
						  .size = sizeof(const char *),
						  .judge = judge_name};
	struct scalar scalar = {.text = node->text, .plain = node->plain, .quoted = node->quoted};
	char buffer[256];
	struct text why = text_of(buffer, sizeof(buffer));
	const char *name;

	if (node->bad)
		return NULL;
	if (value_parse(&field, &scalar, build->arena, &name, &why))
		return name;
	node_error(build->reader.diagnostics, node, path, "%s", buffer);
	return NULL;
}

void build_no_such(struct build *build, const char *kind, const char *name, const struct node *node,
		   const struct path *path, const char *(*names)(const void *ctx, size_t index),
		   const void *ctx)
{
	const char *nearest = text_nearest(name, names, ctx);

	node_error(build->reader.diagnostics, node, path, "there is no %s \"%s\"%s%s%s", kind, name,
		   nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		   nearest ? "\"?" : "");
}

const char *build_interface(struct build *build, const struct build_director *director,
			    const char *name, const struct origin *origin)
{
	const struct node_pair *pair;

	if (!director)
		return name;
	pair = director->interfaces ? node_find(director->interfaces, name) : NULL;
	if (pair)
		return pair->value->kind == NODE_SCALAR ? pair->value->text : name;
	for (size_t i = 0; i < build->director_count; i++) {
		const struct build_director *other = &build->directors[i];

		if (!other->interfaces || !node_find(other->interfaces, name))
			continue;
		node_error(
			build->reader.diagnostics, origin->value, origin->path,
			"\"%s\" is a logical interface of %s that %s does not have (directors.%s.interfaces)",
			name, other->model->name, director->model->name, director->model->name);
		break;
	}
	return name;
}

/* ---- directors ------------------------------------------------------------------------------ */

/* "interfaces": logical names to the kernel's. */
static const struct node *read_interfaces(struct build *build, const struct origin *origin)
{
	static const struct schema_field field = {.type = TYPE_TEXT,
						  .size = sizeof(const char *),
						  .judge = judge_interface};
	const struct node *node = origin->value;

	if (!node)
		return NULL;
	if (node->kind != NODE_MAPPING) {
		node_error(build->reader.diagnostics, node, origin->path,
			   "a mapping (logical name: interface) is expected, "
			   "not %s",
			   node_what(build->reader.diagnostics, node));
		return NULL;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct node *value = node->pairs[i].value;
		struct path path = {.up = origin->path, .key = node->pairs[i].key->text};
		struct scalar scalar = {.text = value->text,
					.plain = value->plain,
					.quoted = value->quoted};
		const char *name;
		char buffer[256];
		struct text why = text_of(buffer, sizeof(buffer));

		build_name(build, node->pairs[i].key, &path);
		if (node_is_null(value))
			node_error(build->reader.diagnostics, node->pairs[i].key, &path,
				   "has no value");
		else if (value->kind != NODE_SCALAR)
			node_error(build->reader.diagnostics, value, &path,
				   "the name of an interface is expected, not %s",
				   node_what(build->reader.diagnostics, value));
		else if (!value->bad && !value_parse(&field, &scalar, build->arena, &name, &why))
			node_error(build->reader.diagnostics, value, &path, "%s", buffer);
	}
	return node;
}

/* What it says of instances or sync groups, by their names. */
static const struct node *read_own(struct build *build, const struct origin *origin)
{
	const struct node *node = origin->value;

	if (!node || node->kind == NODE_MAPPING)
		return node;
	node_error(build->reader.diagnostics, node, origin->path,
		   "a mapping (name: {key: value}) is expected, not %s",
		   node_what(build->reader.diagnostics, node));
	return NULL;
}

static void build_director(struct build *build, const struct section_item *item,
			   struct build_director *director, struct director *model)
{
	struct level level = {.node = item->value, .path = item->path, .is_home = true};
	struct origin *origins = arena_array(build->arena, schema_director.count, sizeof(*origins));
	const char *name = build_name(build, item->key, item->path);

	model->name = name ? name : item->key->text;
	*director = (struct build_director){.model = model, .path = item->path};
	if (node_is_null(item->value)) {
		node_error(build->reader.diagnostics, item->key, item->path, "has no value");
		return;
	}
	if (!origins)
		return;
	record_read(&build->reader, &schema_director, &level, 1, model, origins);
	if (item->value->kind == NODE_MAPPING)
		director->node = item->value;
	director->interfaces =
		read_interfaces(build, origin_of(&schema_director, origins, "interfaces"));
	director->vrrp = read_own(build, origin_of(&schema_director, origins, "vrrp"));
	director->sync = read_own(build, origin_of(&schema_director, origins, "sync"));
}

static void build_directors(struct build *build)
{
	struct section_item *items =
		section_items(build->tree, "directors", build->arena, &build->director_count);
	struct model *model = build->model;

	model->directors =
		arena_array(build->arena, build->director_count, sizeof(*model->directors));
	build->directors =
		arena_array(build->arena, build->director_count, sizeof(*build->directors));
	if (!model->directors || !build->directors) {
		build->director_count = 0;
		return;
	}
	model->director_count = build->director_count;
	for (size_t i = 0; i < build->director_count; i++) {
		build_director(build, &items[i], &build->directors[i], &model->directors[i]);
		if (model->node && !strcmp(model->node, items[i].key->text))
			build->self = &build->directors[i];
	}
}

/* ---- single sections ------------------------------------------------------------------------ */

static void judge_users(struct build *build, const struct origin *origin)
{
	const struct users *users = &build->model->global.users;
	struct diagnostics *diagnostics = build->reader.diagnostics;
	struct worker_user list[WORKER_USERS];

	if (!origin->value || origin->bad)
		return;
	users_list(users, list);
	for (int i = 0; i < WORKER_USERS; i++) {
		if (!strcmp(list[i].name, "root"))
			node_error(diagnostics, origin->value, origin->path, "the %s worker cannot be root",
				   list[i].key);
		for (int j = 0; j < i; j++)
			if (!strcmp(list[i].name, list[j].name))
				node_error(diagnostics, origin->value, origin->path,
					   "%s and %s are both \"%s\": each needs a user of its own",
					   list[j].key, list[i].key, list[i].name);
	}
	if (users_of_worker(users, users->script))
		node_error(diagnostics, origin->value, origin->path,
			   "scripts need a user of their own, not \"%s\"", users->script);
}

/* All parts of global: the keys of the root section, wherever they stand. */
static void build_global(struct build *build)
{
	const struct config_section *section = tree_section(build->tree, "global");
	struct origin *origins = arena_array(build->arena, schema_global.count, sizeof(*origins));
	struct level *levels = arena_array(build->arena, section->count + 1, sizeof(*levels));
	const struct path *path = path_below(&build->reader, NULL, "global", 0);

	for (size_t i = 0; levels && i < section->count; i++)
		levels[i] = (struct level){.node = section->parts[i].value,
					   .path = path,
					   .is_home = true};
	if (!levels || !origins)
		return;
	record_read(&build->reader, &schema_global, levels, section->count, &build->model->global,
		    origins);
	judge_users(build, origin_of(&schema_global, origins, "users"));
	build->global_origins = origins;
	validate_mark_base(build, origin_of(&schema_global, origins, "ipvs"));
	validate_sysctls(build, origin_of(&schema_global, origins, "ipvs"));
	validate_exporter(build, origin_of(&schema_global, origins, "exporter"));
}

static void build_cluster(struct build *build)
{
	const struct config_section *section = tree_section(build->tree, "cluster");
	struct path path = {.key = "cluster"};

	if (section->count)
		build->model->cluster = build_name(build, section->parts[0].value, &path);
}

/* One of the defaults: read by itself once, so that its faults show even if no object uses it. */
static void build_default(struct build *build, const struct section_item *item, const char *key,
			  const struct schema_record *record, struct level *level)
{
	struct origin *origins = arena_array(build->arena, record->count, sizeof(*origins));
	void *object = arena_alloc(build->arena, record->size);

	if (strcmp(item->key->text, key) || !origins || !object)
		return;
	if (node_is_null(item->value)) {
		node_error(build->reader.diagnostics, item->key, item->path, "has no value");
		return;
	}
	*level = (struct level){.node = item->value, .path = item->path, .is_defaults = true};
	build->reader.partial = true;
	record_read(&build->reader, record, level, 1, object, origins);
	build->reader.partial = false;
	if (record == &schema_check)
		build->default_check = object;
	if (item->value->kind != NODE_MAPPING)
		level->node = NULL;
}

static void build_defaults(struct build *build)
{
	size_t count;
	struct section_item *items = section_items(build->tree, "defaults", build->arena, &count);

	for (size_t i = 0; i < count; i++) {
		if (!schema_find(&schema_defaults, items[i].key->text))
			unknown_key(&build->reader, &schema_defaults, items[i].key,
				    items[i].path->up);
		build_default(build, &items[i], "vrrp", &schema_instance, &build->vrrp_defaults);
		build_default(build, &items[i], "check", &schema_check, &build->check_defaults);
		build_default(build, &items[i], "service", &schema_service,
			      &build->service_defaults);
		build_default(build, &items[i], "real_server", &schema_real_server,
			      &build->server_defaults);
	}
}

/* A file that asks for nothing is valid, but hardly meant. */
static void warn_nothing(struct build *build)
{
	struct diagnostic where = {.severity = SEVERITY_WARNING, .file = build->tree->main_file};

	if (!tree_section(build->tree, "vrrp")->count &&
	    !tree_section(build->tree, "services")->count)
		diagnostics_add(build->reader.diagnostics, &where,
				"has neither \"vrrp\" nor \"services\": there is nothing to do");
}

struct model *config_compile(struct arena *arena, const struct config_tree *tree, const char *node,
			     uint32_t generation, struct diagnostics *diagnostics)
{
	struct build build = {.arena = arena,
			      .tree = tree,
			      .reader = {.arena = arena,
					 .diagnostics = diagnostics,
					 .files = tree->files}};
	struct model *model = arena_alloc(arena, sizeof(*model));

	if (!model)
		return NULL;
	build.model = model;
	model->generation = generation;
	model->node = node ? arena_strdup(arena, node) : NULL;
	build_cluster(&build);
	build_defaults(&build);
	build_directors(&build);
	if (node && !build.self)
		no_such_director(tree, node, "there is no director", diagnostics);
	build_global(&build);
	build_instances(&build);
	build_groups(&build);
	build_checks(&build);
	build_tracks(&build);
	validate_instances(&build);
	validate_directors(&build);
	validate_groups(&build);
	validate_tracks(&build);
	build_pools(&build);
	build_services(&build);
	build_track_services(&build);
	validate_services(&build);
	build_conn_sync(&build);
	build_instances_finish(&build);
	build_groups_finish(&build);
	build_carried(&build);
	build_instance_names(&build);
	build_nat(&build);
	build_checks_finish(&build);
	build_notifies(&build);
	warn_nothing(&build);
	model->has_services = model->service_count > 0;
	return diagnostics->errors || arena_failed(arena) ? NULL : model;
}
