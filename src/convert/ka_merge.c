/* Drafts of several nodes become one: what is the same on all stands once, what differs in a virtual
 * router or a sync group stands under the directors. Services are the same on all nodes; where they are
 * not, it is said. */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/ka_run.h"

struct merging {
	struct arena *arena;
	const struct import_report *report;
	struct draft *const *drafts;
	const struct ka_source *sources;
	size_t count;
};

static void tell(const struct merging *m, size_t node, struct draft *into, const char *format, ...)
	PRINTF_LIKE(4, 5);
static void tell(const struct merging *m, size_t node, struct draft *into, const char *format, ...)
{
	char buffer[512];
	struct text text = text_of(buffer, sizeof(buffer));
	va_list list;

	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
	m->report->say(m->report->ctx, IMPORT_WARNING, m->sources[node].path, 0, buffer);
	draft_below(m->arena, into, "WARNING %s", buffer);
}

/* ---- finding -------------------------------------------------------------------------------- */

static struct draft *named(const struct draft *list, const char *name)
{
	for (struct draft *at = list ? list->first : NULL; at; at = at->next) {
		const struct draft *key = draft_find(at, "name");

		if (key && !strcmp(key->text, name))
			return at;
	}
	return NULL;
}

static struct draft *object_of(const struct merging *m, size_t node, const char *section,
			       const char *name)
{
	return named(draft_find(m->drafts[node], section), name);
}

static const char *name_of(const struct draft *object)
{
	const struct draft *name = draft_find(object, "name");

	return name ? name->text : "";
}

static struct draft *director(const struct merging *m, size_t node)
{
	return draft_map(m->arena, draft_map(m->arena, m->drafts[0], "directors"), m->sources[node].node);
}

static bool has_text(const struct draft *list, const char *text)
{
	for (const struct draft *at = list ? list->first : NULL; at; at = at->next)
		if (at->text && !strcmp(at->text, text))
			return true;
	return false;
}

/* ---- what all routers of a node have -------------------------------------------------------- */

/* The value of a key that all instances of a node have alike, or NULL. */
static const struct draft *common(const struct draft *root, const char *key)
{
	const struct draft *vrrp = draft_find(root, "vrrp"), *first = NULL;

	for (const struct draft *at = vrrp ? vrrp->first : NULL; at; at = at->next) {
		const struct draft *value = draft_find(at, key);

		if (!value || (first && !draft_equal(first, value)))
			return NULL;
		first = value;
	}
	return first;
}

/* It is the director's then. */
static void hoist(const struct merging *m, size_t node, const char *key, const char *as)
{
	const struct draft *value = common(m->drafts[node], key);
	struct draft *vrrp = draft_find(m->drafts[node], "vrrp");

	if (!value)
		return;
	draft_adopt(m->arena, director(m, node), as, value);
	for (struct draft *at = vrrp->first; at; at = at->next)
		draft_remove(at, key);
}

/* ---- peers ---------------------------------------------------------------------------------- */

static const char *source_of(const struct merging *m, size_t node, const struct draft *instance)
{
	const struct draft *source = draft_find(instance, "source");

	if (!source)
		source = draft_find(director(m, node), "address");
	return source ? source->text : NULL;
}

static struct draft *peers_of(const struct draft *instance)
{
	return draft_find(draft_find(instance, "unicast"), "peers");
}

/* Whether a node's peers and itself are all of the list. */
static bool completes(const struct merging *m, size_t node, const struct draft *instance,
		      const struct draft *all)
{
	const char *own = source_of(m, node, instance);

	if (!own || !has_text(all, own) || !peers_of(instance))
		return false;
	return draft_count(peers_of(instance)) + !has_text(peers_of(instance), own) == draft_count(all);
}

/* Whether these are the directors' addresses: the default. */
static bool are_directors(const struct merging *m, const struct draft *all)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct draft *address = draft_find(director(m, i), "address");

		if (!address || !has_text(all, address->text))
			return false;
	}
	return draft_count(all) == m->count;
}

/* Peers of all nodes in one list, from which each leaves out itself; or as they are, when they do not
 * fit together. */
static void join_peers(const struct merging *m, const char *name)
{
	struct draft all = {.kind = DRAFT_LIST, .is_short = true};

	for (size_t i = 0; i < m->count; i++) {
		const struct draft *peers = peers_of(object_of(m, i, "vrrp", name));

		for (const struct draft *at = peers ? peers->first : NULL; at; at = at->next)
			if (!has_text(&all, at->text))
				draft_text(m->arena, &all, NULL, at->text);
	}
	for (size_t i = 0; i < m->count; i++)
		if (!completes(m, i, object_of(m, i, "vrrp", name), &all))
			return;
	for (size_t i = 0; i < m->count; i++) {
		struct draft *unicast = draft_find(object_of(m, i, "vrrp", name), "unicast");

		if (are_directors(m, &all))
			draft_remove(unicast, "peers");
		else
			draft_adopt(m->arena, unicast, "peers", &all);
	}
}

/* ---- what differs --------------------------------------------------------------------------- */

static bool is_same_everywhere(const struct merging *m, const char *section, const char *name,
			       const char *key)
{
	const struct draft *first = draft_find(object_of(m, 0, section, name), key);

	for (size_t i = 1; i < m->count; i++) {
		const struct draft *object = object_of(m, i, section, name);
		const struct draft *value = draft_find(object, key);

		if (object && (!value != !first || (first && !draft_equal(first, value))))
			return false;
	}
	return true;
}

static bool is_fixed(const char *key)
{
	return !strcmp(key, "name") || !strcmp(key, "virtual_router_id") ||
	       !strcmp(key, "virtual_addresses") || !strcmp(key, "instances");
}

/* Puts a key that differs under the directors. */
static void part(const struct merging *m, const char *section, const char *below, const char *name,
		 const char *key)
{
	struct draft *base = object_of(m, 0, section, name);

	if (is_fixed(key)) {
		tell(m, 1, base, "%s differs between the nodes: that of %s is taken", key, m->sources[0].node);
		return;
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct draft *value = draft_find(object_of(m, i, section, name), key);
		struct draft *overrides = draft_map(m->arena, director(m, i), below), *map;

		map = draft_map(m->arena, overrides, name);
		if (map && value)
			map->is_short = true;
		if (value)
			draft_adopt(m->arena, map, key, value);
		if (map && !map->first)
			draft_remove(overrides, name);
		if (overrides && !overrides->first)
			draft_remove(director(m, i), below);
	}
	draft_remove(base, key);
}

static void part_object(const struct merging *m, const char *section, const char *below,
			const char *name)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct draft *object = object_of(m, i, section, name), *next;

		for (const struct draft *at = object ? object->first : NULL; at; at = next) {
			next = at->next;
			if (!is_same_everywhere(m, section, name, at->key))
				part(m, section, below, name, at->key);
		}
	}
}

/* Objects that only other nodes have. */
static void gather(const struct merging *m, const char *section)
{
	struct draft *list = draft_find(m->drafts[0], section);

	for (size_t i = 1; i < m->count; i++) {
		const struct draft *other = draft_find(m->drafts[i], section);

		for (const struct draft *at = other ? other->first : NULL; at; at = at->next) {
			struct draft *place;

			if (named(list, name_of(at)))
				continue;
			place = draft_item(m->arena, list, DRAFT_MAP);
			if (!place)
				return;
			*place = *at;
			place->next = NULL;
			tell(m, i, place, "only in the file of %s; lbha has it on every director", m->sources[i].node);
		}
	}
}

/* Objects of the first node that another has not. */
static void miss(const struct merging *m, const char *section)
{
	const struct draft *list = draft_find(m->drafts[0], section);

	for (struct draft *at = list ? list->first : NULL; at; at = at->next)
		for (size_t i = 1; i < m->count; i++)
			if (!object_of(m, i, section, name_of(at)))
				tell(m, i, at, "not in the file of %s; lbha has it on every director",
				     m->sources[i].node);
}

static void merge_objects(const struct merging *m, const char *section, const char *below)
{
	const struct draft *list;

	miss(m, section);
	gather(m, section);
	list = draft_find(m->drafts[0], section);
	for (const struct draft *at = list ? list->first : NULL; at; at = at->next) {
		if (!strcmp(section, "vrrp"))
			join_peers(m, name_of(at));
		part_object(m, section, below, name_of(at));
	}
}

/* Services, and what stands in maps: the first node's counts. */
static void compare_services(const struct merging *m)
{
	const struct draft *list;

	miss(m, "services");
	gather(m, "services");
	list = draft_find(m->drafts[0], "services");
	for (struct draft *at = list ? list->first : NULL; at; at = at->next)
		for (const struct draft *key = at->first; key; key = key->next)
			if (!is_same_everywhere(m, "services", name_of(at), key->key))
				tell(m, 1, at, "%s differs between the nodes: that of %s is taken", key->key,
				     m->sources[0].node);
}

static void merge_map(const struct merging *m, const char *section)
{
	struct draft *base;

	for (size_t i = 1; i < m->count; i++) {
		const struct draft *other = draft_find(m->drafts[i], section);

		for (const struct draft *at = other ? other->first : NULL; at; at = at->next) {
			base = draft_map(m->arena, m->drafts[0], section);
			if (!draft_find(base, at->key))
				draft_adopt(m->arena, base, at->key, at);
			else if (!draft_equal(draft_find(base, at->key), at))
				tell(m, i, base, "%s: %s differs between the nodes: that of %s is taken", section,
				     at->key, m->sources[0].node);
		}
	}
}

struct draft *ka_merge(struct arena *arena, const struct import_report *report,
		       struct draft *const *drafts, const struct ka_source *sources, size_t count)
{
	struct merging merging = {arena, report, drafts, sources, count};
	const struct merging *m = &merging;

	for (size_t i = 0; i < count; i++) {
		director(m, i);
		hoist(m, i, "source", "address");
		hoist(m, i, "priority", "priority");
	}
	if (count == 1)
		return drafts[0];
	merge_objects(m, "vrrp", "vrrp");
	merge_objects(m, "sync_groups", "sync");
	merge_map(m, "checks");
	merge_map(m, "defaults");
	merge_map(m, "global");
	compare_services(m);
	return drafts[0];
}
