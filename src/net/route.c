/* The plan for routes (see the header). Everything desired, owned or actual becomes one entry per
 * key that says in which of the three it is; routes of different keys have nothing to do with one
 * another, so each entry gives at most one operation. */
#include "net/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"

static struct addr network(const struct prefix *prefix)
{
	struct addr net = prefix->address;
	unsigned bits = prefix->length;

	for (size_t i = 0; i < sizeof(net.bytes); i++) {
		unsigned keep = bits >= 8 ? 8 : bits;

		net.bytes[i] &= (uint8_t)(0xff00 >> keep);
		bits -= keep;
	}
	return net;
}

struct route route_ours(uint32_t link, const struct prefix *to, const struct addr *via,
			uint32_t metric, uint32_t table)
{
	if (!metric && to->address.family == AF_INET6)
		metric = ROUTE_METRIC_IPV6;
	return (struct route){
		.to = {.address = network(to), .length = to->length},
		.table = table,
		.metric = metric,
		.via = *via,
		.link = link,
		.protocol = ROUTE_PROTOCOL_LBHA,
	};
}

int route_compare(const struct route *a, const struct route *b)
{
	int order = prefix_compare(&a->to, &b->to);

	if (order)
		return order;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return (a->metric > b->metric) - (a->metric < b->metric);
}

bool route_equal(const struct route *a, const struct route *b)
{
	return !route_compare(a, b) && a->link == b->link && addr_equal(&a->via, &b->via);
}

const struct route *route_find(const struct route_list *list, const struct route *wanted)
{
	for (size_t i = 0; i < list->count; i++)
		if (!route_compare(&list->items[i], wanted))
			return &list->items[i];
	return NULL;
}

const char *route_format(const struct route *route, char *out)
{
	struct text text = text_of(out, ROUTE_TEXT);
	char to[PREFIX_TEXT], via[ADDR_TEXT];
	uint32_t usual = route->to.address.family == AF_INET6 ? ROUTE_METRIC_IPV6 : 0;

	text_add(&text, "%s", prefix_format(&route->to, to));
	if (route->via.family)
		text_add(&text, " via %s", addr_format(&route->via, via));
	if (route->metric != usual)
		text_add(&text, " metric %u", route->metric);
	if (route->table != ROUTE_TABLE_MAIN)
		text_add(&text, " table %u", route->table);
	return out;
}

/* ---- the plan ---- */

struct entry {
	const struct route *desired, *owned, *actual; /* NULL: not there */
	const struct route *any;                      /* for the key */
	size_t order;
};

static struct entry *put(struct entry *entries, size_t *count, const struct route *route)
{
	struct entry *entry = &entries[*count];

	entry->any = route;
	entry->order = (*count)++;
	return entry;
}

static int compare_keys(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = route_compare(x->any, y->any);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int compare_orders(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* One entry per key, in the order of the first mention. */
static size_t merge(struct entry *entries, size_t count)
{
	size_t kept = 0;

	qsort(entries, count, sizeof(*entries), compare_keys);
	for (size_t i = 0; i < count; i++) {
		struct entry *last = kept ? &entries[kept - 1] : NULL;

		if (!last || route_compare(last->any, entries[i].any)) {
			entries[kept++] = entries[i];
			continue;
		}
		last->desired = last->desired ? last->desired : entries[i].desired;
		last->owned = last->owned ? last->owned : entries[i].owned;
		last->actual = last->actual ? last->actual : entries[i].actual;
	}
	qsort(entries, kept, sizeof(*entries), compare_orders);
	return kept;
}

static void emit(struct route_plan *plan, enum route_action action, const struct route *route)
{
	plan->ops[plan->count++] = (struct route_op){.action = action, .route = *route};
}

static void emit_make(struct route_plan *plan, const struct entry *entry)
{
	if (!entry->desired)
		return;
	if (!entry->actual)
		emit(plan, ROUTE_ADD, entry->desired);
	else if (!route_equal(entry->desired, entry->actual))
		emit(plan, ROUTE_CHANGE, entry->desired);
	else if (!entry->owned)
		emit(plan, ROUTE_ADOPT, entry->desired);
}

static void emit_break(struct route_plan *plan, const struct entry *entry)
{
	if (!entry->desired && entry->owned)
		emit(plan, entry->actual ? ROUTE_REMOVE : ROUTE_FORGET,
		     entry->actual ? entry->actual : entry->owned);
}

int route_plan_build(struct arena *arena, const struct route_list *desired,
		     const struct route_list *owned, const struct route_list *actual,
		     struct route_plan *out)
{
	size_t room = desired->count + owned->count + actual->count, count = 0;
	struct entry *entries = arena_array(arena, room + 1, sizeof(*entries));
	struct route_plan plan = {.ops = arena_array(arena, room + 1, sizeof(*plan.ops))};

	if (!entries || !plan.ops)
		return -ENOMEM;
	for (size_t i = 0; i < desired->count; i++)
		put(entries, &count, &desired->items[i])->desired = &desired->items[i];
	for (size_t i = 0; i < owned->count; i++)
		put(entries, &count, &owned->items[i])->owned = &owned->items[i];
	for (size_t i = 0; i < actual->count; i++)
		put(entries, &count, &actual->items[i])->actual = &actual->items[i];
	count = merge(entries, count);
	for (size_t i = 0; i < count; i++)
		emit_make(&plan, &entries[i]);
	for (size_t i = count; i-- > 0;)
		emit_break(&plan, &entries[i]);
	*out = plan;
	return 0;
}
