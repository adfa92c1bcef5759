/* Default routes in a plan, for nat: answers must leave through the director. The route that was
 * there before is neither changed nor removed, ours goes before it: in IPv4 with metric 0, put
 * ahead of any other of that metric (fib_table_insert in net/ipv4/fib_trie.c); in IPv6 with metric
 * 1. So there is nothing to restore, whatever becomes of the other one meanwhile.
 *
 * Of several default routes with one metric and one scope the kernel takes another as soon as the
 * neighbour of the first is not REACHABLE (fib_select_default in net/ipv4/fib_semantics.c), which
 * it is not whenever a director takes over. So ours has the scope site, and is alone with it. */
#include <sys/socket.h>

#include "rs-agent/plan_kind.h"

static bool is_there(const struct rs_actual *actual, const struct route *route)
{
	for (size_t i = 0; i < actual->routes.count; i++)
		if (actual->routes.items[i].protocol == ROUTE_PROTOCOL_LBHA &&
		    route_equal(&actual->routes.items[i], route))
			return true;
	return false;
}

static void put(struct rs_builder *builder, enum rs_action action, const struct owned *record)
{
	struct rs_step step = {.action = action, .record = *record};

	step.record.gone = action != RS_MAKE;
	rs_builder_put(builder, &step);
}

static void want_route(struct rs_builder *builder, const struct rs_route *wanted)
{
	struct owned record = owned_of_route(false, &wanted->route, wanted->link);
	const struct owned *claim = rs_builder_known(builder, &record);
	bool ours_is_there = claim && is_there(builder->actual, &claim->route.route);

	if (ours_is_there && route_equal(&claim->route.route, &wanted->route))
		return;
	if (ours_is_there)
		put(builder, RS_UNDO, claim);
	else if (rs_actual_leads(builder->actual, &wanted->route))
		return; /* somebody else's does it */
	put(builder, RS_MAKE, &record);
}

static int want(struct rs_builder *builder)
{
	for (size_t i = 0; i < builder->desired->route_count; i++)
		want_route(builder, &builder->desired->routes[i]);
	return 0;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	const struct route *route = &record->route.route;

	for (size_t i = 0; i < builder->desired->route_count; i++)
		if (!route_compare(&builder->desired->routes[i].route, route))
			return;
	if (is_there(builder->actual, route))
		put(builder, RS_UNDO, record);
	else
		put(builder, route_find(&builder->actual->routes, route) ? RS_LEAVE : RS_FORGET,
		    record);
}

static void words(const struct rs_step *step, struct text *out)
{
	const struct route *route = &step->record.route.route;
	const char *family = route->to.address.family == AF_INET6 ? "IPv6" : "IPv4";
	char via[ADDR_TEXT];

	addr_format(&route->via, via);
	switch (step->action) {
	case RS_MAKE:
		text_add(out, "put a default route through %s on %s before any other of %s", via,
			 step->record.route.name, family);
		return;
	case RS_UNDO:
		text_add(out, "remove the default route through %s on %s", via,
			 step->record.route.name);
		return;
	case RS_LEAVE:
		text_add(out, "leave the default route of %s: somebody replaced ours through %s",
			 family, via);
		return;
	case RS_FORGET:
		text_add(out, "forget the default route through %s: it is no longer there", via);
		return;
	case RS_NOTE:
	case RS_MEND:
	case RS_REFUSE:
		return;
	}
}

static void command(const struct rs_step *step, struct text *out)
{
	const struct route *route = &step->record.route.route;
	bool ipv6 = route->to.address.family == AF_INET6;
	char via[ADDR_TEXT];

	text_add(out, "ip %sroute %s default via %s dev %s proto %u%s", ipv6 ? "-6 " : "",
		 step->action == RS_UNDO ? "delete"
		 : ipv6			 ? "add"
					 : "prepend",
		 addr_format(&route->via, via), step->record.route.name, ROUTE_PROTOCOL_LBHA,
		 ipv6 ? " metric 1" : " scope site");
}

static void object(const struct rs_step *step, struct text *out)
{
	char route[ROUTE_TEXT];

	text_add(out, "%s", route_format(&step->record.route.route, route));
}

const struct rs_kind rs_kind_route = {
	.records = RS_RECORD(OWNED_ROUTE),
	.want = want,
	.undo = undo,
	.words = words,
	.command = command,
	.object = object,
	.names = {[RS_MAKE] = "add_route", [RS_UNDO] = "remove_route"},
};
