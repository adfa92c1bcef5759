/* See the header. A chain is built from its roots on: whatever has been added and leads nowhere yet leads to the next
 * object that is closed over it. */
#include "daemon/cause.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "daemon/control_mirror.h"

const char *cause_kind_name(enum cause_kind kind)
{
	static const char *const names[] = {
		[CAUSE_SERVER] = "server",       [CAUSE_SERVICE] = "service",
		[CAUSE_CHECK] = "check",         [CAUSE_INTERFACE] = "interface",
		[CAUSE_INSTANCE] = "instance",   [CAUSE_GROUP] = "sync_group",
		[CAUSE_OVERRIDE] = "override",   [CAUSE_WORKER] = "worker",
	};

	return names[kind];
}

static void PRINTF_LIKE(3, 4) fill(char *out, size_t size, const char *format, ...)
{
	struct text text = text_of(out, size);
	va_list list;

	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
}

static void begin(struct cause *cause)
{
	cause->count = cause->kept = 0;
	cause->left_out = 0;
}

/* The last place is the effect's. */
static size_t room(const struct cause *cause)
{
	return CAUSE_LINKS - 1 - cause->kept - cause->count;
}

/* Keeps places for links to come, as many as there are, and counts those that get none. */
static size_t keep(struct cause *cause, size_t wanted)
{
	size_t kept = wanted < room(cause) ? wanted : room(cause);

	cause->kept += kept;
	cause->left_out += (unsigned)(wanted - kept);
	return kept;
}

/* A new link behind the others, in a place that was kept. */
static struct cause_link *add_kept(struct cause *cause, enum cause_kind kind, const char *state,
				   nstime since)
{
	struct cause_link *link = &cause->links[cause->count++];

	cause->kept--;
	*link = (struct cause_link){.kind = kind, .since = since, .leads_to = CAUSE_NONE};
	fill(link->state, sizeof(link->state), "%s", state);
	return link;
}

/* NULL: there is no room. */
static struct cause_link *add(struct cause *cause, enum cause_kind kind, const char *state,
			      nstime since)
{
	return keep(cause, 1) ? add_kept(cause, kind, state, since) : NULL;
}

/* What found no room and would lead to this one. However long the reason is, this is its end. */
static void say_left_out(struct cause_link *link, unsigned count)
{
	char more[32];
	size_t end = strlen(link->reason), size;

	if (!count)
		return;
	fill(more, sizeof(more), "; %u more cause%s", count, count == 1 ? "" : "s");
	size = strlen(more) + 1;
	if (end > sizeof(link->reason) - size)
		end = sizeof(link->reason) - size;
	memcpy(link->reason + end, more, size);
}

/* All from `first` on that lead nowhere yet lead to the link that was added last. */
static void close_over(struct cause *cause, size_t first)
{
	for (size_t i = first; i + 1 < cause->count; i++)
		if (cause->links[i].leads_to == CAUSE_NONE)
			cause->links[i].leads_to = cause->count - 1;
}

/* The effect: there is always room for it. */
static struct cause_link *end(struct cause *cause, enum cause_kind kind, const char *state,
			      nstime since, const char *object)
{
	struct cause_link *link = &cause->links[cause->count++];

	*link = (struct cause_link){.kind = kind, .since = since, .leads_to = CAUSE_NONE};
	fill(link->state, sizeof(link->state), "%s", state);
	fill(link->object, sizeof(link->object), "%s", object);
	close_over(cause, 0);
	return link;
}

/* A worker that does not run is why nothing is known. */
static void add_worker(struct cause *cause, const struct mirror *mirror, enum role role)
{
	const struct mirror_worker *worker = &mirror->workers[role];
	struct cause_link *link;

	if (!worker->known || worker->fact.state == WORKER_RUNNING)
		return;
	link = add(cause, CAUSE_WORKER, worker_state_name(worker->fact.state), 0);
	if (!link)
		return;
	fill(link->object, sizeof(link->object), "%s", role_name(role));
	fill(link->reason, sizeof(link->reason), "%s",
	     worker->fact.reason[0] ? worker->fact.reason : "not started yet");
}

static const struct override *override_of(const struct mirror *mirror, enum override_kind kind,
					  const char *object)
{
	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *one = override_mirror_row(&mirror->overrides, i);

		if (one && one->kind == kind && !strcmp(one->object, object))
			return one;
	}
	return NULL;
}

/* "by root: new disk" */
static void say_who(const struct override *override, char *out)
{
	fill(out, CAUSE_REASON, "by %s%s%s", override->by, override->comment[0] ? ": " : "",
	     override->comment);
}

/* ---- services ------------------------------------------------------------------------------- */

/* A server that does not serve: which, and since when. */
struct missing {
	size_t server;
	nstime since;
};

static int older(const void *a, const void *b)
{
	const struct missing *x = a, *y = b;
	nstime p = x->since ? x->since : NSTIME_NEVER, q = y->since ? y->since : NSTIME_NEVER;

	if (p != q)
		return p < q ? -1 : 1;
	return x->server < y->server ? -1 : 1;
}

static bool is_below_quorum(const struct fact_service *fact)
{
	return fact->have < fact->needed || fact->state == SERVICE_DOWN ||
	       fact->state == SERVICE_SORRY || fact->state == SERVICE_PANIC;
}

static enum admin_state admin_of(const struct mirror_server *seen, const struct real_server *server)
{
	return seen->known ? seen->fact.admin : server->state;
}

/* Servers that somebody took out are why only when what is left is too little. */
static bool does_not_serve(const struct mirror_server *seen, const struct real_server *server,
			   bool is_below)
{
	if (admin_of(seen, server) != ADMIN_ENABLED)
		return is_below;
	return !seen->known || seen->fact.health != VERDICT_UP;
}

/* Puts the oldest into `rows` and counts the rest into *others. */
static size_t find_missing(const struct mirror *mirror, size_t number, struct missing *rows,
			   unsigned *others)
{
	const struct service *service = &mirror->model->services[number];
	const struct mirror_service *seen = &mirror->services[number];
	bool is_below = is_below_quorum(&seen->fact);
	size_t count = 0;

	*others = 0;
	for (size_t i = 0; i < service->real_server_count; i++) {
		if (!does_not_serve(&seen->servers[i], &service->real_servers[i], is_below))
			continue;
		rows[count++] =
			(struct missing){.server = i, .since = seen->servers[i].fact.since};
		qsort(rows, count, sizeof(*rows), older);
		if (count > CAUSE_ROOTS) {
			count = CAUSE_ROOTS;
			++*others;
		}
	}
	return count;
}

/* Who took it out: an operator, one of its checks, or the file. */
static void say_admin(const struct mirror *mirror, struct cause_link *link,
		      const struct mirror_server *seen, enum admin_state admin)
{
	const struct override *said = override_of(mirror, OVERRIDE_STATE, link->object);

	fill(link->state, sizeof(link->state), "%s", admin_state_name(admin));
	link->since = 0;
	if (said) {
		link->since = said->since;
		link->is_wall = true;
		say_who(said, link->reason);
	} else if (seen->fact.told.wish) {
		fill(link->reason, sizeof(link->reason), "told by its %s check",
		     check_type_name(seen->fact.told.by));
	} else {
		fill(link->reason, sizeof(link->reason), "so configured");
	}
}

static void add_server(struct cause *cause, const struct mirror *mirror, size_t number,
		       size_t place)
{
	const struct service *service = &mirror->model->services[number];
	const struct real_server *server = &service->real_servers[place];
	const struct mirror_server *seen = &mirror->services[number].servers[place];
	enum admin_state admin = admin_of(seen, server);
	struct cause_link *link =
		add_kept(cause, CAUSE_SERVER, verdict_name(seen->fact.health), seen->fact.since);

	fill(link->object, sizeof(link->object), "%s/%s", service->name, server->name);
	link->address = server->address;
	if (admin != ADMIN_ENABLED)
		say_admin(mirror, link, seen, admin);
	else
		fill(link->reason, sizeof(link->reason), "%s",
		     seen->known && seen->fact.reason[0] ? seen->fact.reason : "no verdict yet");
}

/* "quorum 1 of 2", or how many of them serve where that is enough. */
static void say_service(struct cause_link *link, const struct service *service,
			const struct fact_service *fact, size_t missing, unsigned others)
{
	struct text out = text_of(link->reason, sizeof(link->reason));
	size_t all = service->real_server_count, up = all - missing - others;

	if (!all)
		text_add(&out, "no real server");
	else if (is_below_quorum(fact))
		text_add(&out, "quorum %llu of %u", (unsigned long long)fact->have, fact->needed);
	else
		text_add(&out, "%zu of %zu servers up, quorum met", up, all);
	if (fact->state == SERVICE_PANIC)
		text_add(&out, ", all servers are used");
	if (fact->state == SERVICE_SORRY)
		text_add(&out, ", the sorry server answers");
	if (others)
		text_add(&out, "; %u more server%s", others, others == 1 ? "" : "s");
}

/* The roots of a service, the oldest first; how many there is no room for is in *others. */
static size_t add_servers(struct cause *cause, const struct mirror *mirror, size_t number,
			  unsigned *others)
{
	struct missing rows[CAUSE_ROOTS + 1];
	size_t found = find_missing(mirror, number, rows, others);
	size_t count = found < room(cause) ? found : room(cause);

	*others += (unsigned)(found - count);
	keep(cause, count);
	for (size_t i = 0; i < count; i++)
		add_server(cause, mirror, number, rows[i].server);
	return count;
}

void cause_of_service(const struct mirror *mirror, size_t number, struct cause *out)
{
	const struct service *service = &mirror->model->services[number];
	const struct mirror_service *seen = &mirror->services[number];
	struct cause_link *link;
	unsigned others;
	size_t missing;

	begin(out);
	if (seen->known && seen->fact.state == SERVICE_UP)
		return;
	if (!seen->known) {
		add_worker(out, mirror, ROLE_IPVS);
		link = end(out, CAUSE_SERVICE, "down", 0, service->name);
		fill(link->reason, sizeof(link->reason), "not reported yet");
		return;
	}
	missing = add_servers(out, mirror, number, &others);
	link = end(out, CAUSE_SERVICE, service_state_name(seen->fact.state), seen->fact.since,
		   service->name);
	say_service(link, service, &seen->fact, missing, others);
	if (!missing && service->real_server_count) /* the kernel refuses it, say */
		fill(link->reason, sizeof(link->reason), "%s", seen->fact.reason);
}

/* ---- trackers ------------------------------------------------------------------------------- */

/* A service that an instance tracks, with its servers; the place of its own is kept. */
static void add_service(struct cause *cause, const struct mirror *mirror, size_t number)
{
	const struct service *service = &mirror->model->services[number];
	const struct mirror_service *seen = &mirror->services[number];
	size_t first = cause->count, missing;
	struct cause_link *link;
	unsigned others;

	missing = add_servers(cause, mirror, number, &others);
	link = add_kept(cause, CAUSE_SERVICE, service_state_name(seen->fact.state), seen->fact.since);
	fill(link->object, sizeof(link->object), "%s", service->name);
	say_service(link, service, &seen->fact, missing, others);
	close_over(cause, first);
}

static void add_tracker(struct cause *cause, const struct mirror *mirror,
			const struct tracker *tracker, const struct fact_tracker *fact)
{
	bool is_check = tracker->kind == TRACKER_CHECK;
	struct cause_link *link;

	if (tracker->kind == TRACKER_SERVICE && tracker->service < mirror->model->service_count) {
		add_service(cause, mirror, tracker->service);
		return;
	}
	link = add_kept(cause, is_check ? CAUSE_CHECK : CAUSE_INTERFACE, verdict_name(fact->state),
			fact->since);
	fill(link->object, sizeof(link->object), "%s", tracker->name);
	fill(link->reason, sizeof(link->reason), "%s", fact->reason);
}

static bool is_down(const struct mirror_tracker *seen)
{
	return seen->known && seen->fact.state == VERDICT_DOWN;
}

/* How many of an instance are down, from number `from` to below `to`. */
static size_t count_down(const struct mirror *mirror, size_t instance, size_t from, size_t to)
{
	size_t count = 0;

	for (size_t i = from; i < to; i++)
		count += is_down(&mirror->instances[instance].trackers[i]);
	return count;
}

/* They all come before what leads to them. */
static void add_trackers(struct cause *cause, const struct mirror *mirror, size_t instance,
			 size_t from, size_t to)
{
	const struct model *model = mirror->model;
	const struct mirror_tracker *trackers = mirror->instances[instance].trackers;
	size_t kept = keep(cause, count_down(mirror, instance, from, to));

	for (size_t i = from; i < to && kept; i++) {
		if (!is_down(&trackers[i]))
			continue;
		kept--;
		add_tracker(cause, mirror, model_tracker(model, &model->instances[instance], i),
			    &trackers[i].fact);
	}
}

/* ---- instances ------------------------------------------------------------------------------ */

static void add_priority(struct cause *cause, const struct mirror *mirror, size_t instance)
{
	const struct instance *one = &mirror->model->instances[instance];
	const struct override *said = override_of(mirror, OVERRIDE_PRIORITY, one->name);
	char state[CAUSE_STATE];
	struct cause_link *link;

	if (!said || override_priority(said) == one->priority)
		return;
	fill(state, sizeof(state), "priority %s", said->value);
	link = add(cause, CAUSE_OVERRIDE, state, said->since);
	if (!link)
		return;
	link->is_wall = true;
	fill(link->object, sizeof(link->object), "%s", said->object);
	say_who(said, link->reason);
}

static void add_maintenance(struct cause *cause, const struct mirror *mirror)
{
	const struct override *said = override_of(mirror, OVERRIDE_MAINTENANCE, OVERRIDE_DIRECTOR);
	struct cause_link *link = said ? add(cause, CAUSE_OVERRIDE, "on", said->since) : NULL;

	if (!link)
		return;
	link->is_wall = true;
	fill(link->object, sizeof(link->object), "maintenance");
	say_who(said, link->reason);
}

/* The reason as the vrrp worker gave it, with the name of a director before its address. */
static void add_reason(struct text *out, const struct model *model,
		       const struct fact_instance *fact)
{
	const char *reason = fact->state == VRRP_FAULT && fact->fault[0] ? fact->fault : fact->reason;
	char address[ADDR_TEXT];
	const char *at;

	for (size_t i = 0; i < model->director_count; i++) {
		const struct director *director = &model->directors[i];
		size_t length;

		if (!director->address.family)
			continue;
		addr_format(&director->address, address);
		length = strlen(address);
		at = strstr(reason, address);
		if (!at || (at > reason && at[-1] != ' ') || (at[length] && at[length] != ' '))
			continue;
		text_add(out, "%.*s%s (%s)%s", (int)(at - reason), reason, director->name, address,
			 at + length);
		return;
	}
	text_add(out, "%s", reason);
}

/* "; 40 = 100 - 60 (web)" where trackers count. */
static void add_sum(struct text *out, const struct model *model, size_t instance,
		    const struct mirror_instance *seen)
{
	const struct instance *one = &model->instances[instance];
	bool is_first = true;

	if (seen->fact.maintenance || seen->fact.base_priority == 255)
		return;
	for (size_t i = 0; i < model_tracker_count(model, one); i++) {
		const struct fact_tracker *fact = &seen->trackers[i].fact;

		if (!seen->trackers[i].known || !fact->effect)
			continue;
		if (is_first)
			text_add(out, "%s%u = %u", out->length ? "; " : "", seen->fact.priority,
				 seen->fact.base_priority);
		text_add(out, " %c %d (%s)", fact->effect < 0 ? '-' : '+', abs(fact->effect),
			 model_tracker(model, one, i)->name);
		is_first = false;
	}
}

/* Of a MASTER it is not its state that asks for a cause but its priority. */
static void say_instance(struct cause_link *link, const struct mirror *mirror, size_t instance)
{
	const struct mirror_instance *seen = &mirror->instances[instance];
	struct text out = text_of(link->reason, sizeof(link->reason));

	if (seen->fact.state != VRRP_MASTER)
		add_reason(&out, mirror->model, &seen->fact);
	add_sum(&out, mirror->model, instance, seen);
	if (!out.length)
		text_add(&out, "priority %u in place of %u", seen->fact.priority,
			 mirror->model->instances[instance].priority);
}

/* Whether a reason begins as the vrrp worker's words for "because of that other member" (vrrp_group_explain_member). */
static bool begins_with(const char *reason, const char *words, const char *name)
{
	size_t length = strlen(words), rest = strlen(name);

	return !strncmp(reason, words, length) && !strncmp(reason + length, name, rest) &&
	       reason[length + rest] == ':';
}

/* The member of its group because of which an instance is in its state; CAUSE_NONE: itself. */
static size_t decides(const struct mirror *mirror, size_t instance)
{
	const struct model *model = mirror->model;
	const struct sync_group *group = model_group_of(model, &model->instances[instance]);
	const char *reason = mirror->instances[instance].fact.reason;

	for (size_t i = 0; group && i < group->instance_count; i++) {
		const char *name = model->instances[group->instances[i]].name;

		if (group->instances[i] != instance && (begins_with(reason, "with ", name) ||
							begins_with(reason, "waiting for ", name)))
			return group->instances[i];
	}
	return CAUSE_NONE;
}

/* Whether something is wrong of a member of a group alone. */
static bool ails(const struct mirror *mirror, size_t instance)
{
	const struct mirror_instance *seen = &mirror->instances[instance];

	return seen->known && (seen->fact.state == VRRP_FAULT ||
			       count_down(mirror, instance, 0, mirror->model->instances[instance].track_count));
}

/* One that does, with what is wrong of it: why all others move. Its own place is kept. */
static void add_member(struct cause *cause, const struct mirror *mirror, size_t instance)
{
	const struct mirror_instance *seen = &mirror->instances[instance];
	size_t first = cause->count;
	unsigned before = cause->left_out;
	struct cause_link *link;

	cause->left_out = 0;
	add_trackers(cause, mirror, instance, 0, mirror->model->instances[instance].track_count);
	link = add_kept(cause, CAUSE_INSTANCE, vrrp_state_name(seen->fact.state), seen->fact.since);
	fill(link->object, sizeof(link->object), "%s", mirror->model->instances[instance].name);
	say_instance(link, mirror, instance);
	say_left_out(link, cause->left_out);
	cause->left_out = before;
	close_over(cause, first);
}

/* A member that moves all others, not one that is moved. */
static bool moves(const struct mirror *mirror, size_t instance)
{
	return decides(mirror, instance) == CAUSE_NONE && ails(mirror, instance);
}

static void add_members(struct cause *cause, const struct mirror *mirror, const struct sync_group *group)
{
	size_t count = 0, kept;

	for (size_t i = 0; i < group->instance_count; i++)
		count += moves(mirror, group->instances[i]);
	kept = keep(cause, count);
	for (size_t i = 0; i < group->instance_count && kept; i++) {
		if (!moves(mirror, group->instances[i]))
			continue;
		kept--;
		add_member(cause, mirror, group->instances[i]);
	}
}

/* Whether a MASTER has all that it is configured to have. */
static bool is_well(const struct instance *instance, const struct fact_instance *fact)
{
	return fact->state == VRRP_MASTER && fact->priority >= instance->priority;
}

void cause_of_instance(const struct mirror *mirror, size_t number, struct cause *out)
{
	const struct instance *instance = &mirror->model->instances[number];
	const struct mirror_instance *seen = &mirror->instances[number];
	size_t mover = seen->known ? decides(mirror, number) : CAUSE_NONE;
	struct cause_link *link;
	bool is_moved;

	begin(out);
	if (seen->known && is_well(instance, &seen->fact))
		return;
	if (!seen->known)
		add_worker(out, mirror, ROLE_VRRP);
	if (seen->known && seen->fact.maintenance)
		add_maintenance(out, mirror);
	add_priority(out, mirror, number);
	is_moved = mover != CAUSE_NONE && ails(mirror, mover) && keep(out, 1);
	add_trackers(out, mirror, number, 0, model_tracker_count(mirror->model, instance));
	if (is_moved)
		add_member(out, mirror, mover);
	link = end(out, CAUSE_INSTANCE, vrrp_state_name(seen->fact.state), seen->fact.since,
		   instance->name);
	if (seen->known)
		say_instance(link, mirror, number);
	else
		fill(link->reason, sizeof(link->reason), "not reported yet");
	say_left_out(link, out->left_out);
}

void cause_of_group(const struct mirror *mirror, size_t number, struct cause *out)
{
	const struct model *model = mirror->model;
	const struct sync_group *group = &model->sync_groups[number];
	const struct mirror_group *seen = &mirror->groups[number];
	struct cause_link *link;

	begin(out);
	if (seen->known && seen->fact.state == VRRP_MASTER)
		return;
	if (!seen->known)
		add_worker(out, mirror, ROLE_VRRP);
	add_members(out, mirror, group);
	if (group->instance_count) /* the group's own count for every member: once is enough */
		add_trackers(out, mirror, group->instances[0],
			     model->instances[group->instances[0]].track_count,
			     model_tracker_count(model, &model->instances[group->instances[0]]));
	link = end(out, CAUSE_GROUP, vrrp_state_name(seen->fact.state), seen->fact.since,
		   group->name);
	fill(link->reason, sizeof(link->reason), "%s",
	     seen->known ? seen->fact.reason : "not reported yet");
	say_left_out(link, out->left_out);
}
