/* What operators said, as the supervisor gives it: a list as a whole, before the first
 * configuration and on each change. It decides two things: the base priority of an instance, and
 * whether this director is in maintenance. The list is kept by name and in order, so that an
 * instance that a reload brings back finds its override. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/override.h"
#include "core/protocol.h"
#include "vrrp/priority.h"
#include "vrrp/worker_io.h"

struct said_priority {
	char name[FACT_NAME];
	uint8_t priority;
};

struct said_list {
	struct said_priority *rows; /* by name */
	size_t count, room;
	uint32_t records; /* of any kind */
	bool maintenance;
};

struct said {
	struct said_list now, next; /* in force; on its way in */
};

/* ---- the list -------------------------------------------------------------------------------- */

static void list_clear(struct said_list *list)
{
	free(list->rows);
	*list = (struct said_list){0};
}

struct said *said_new(void)
{
	return calloc(1, sizeof(struct said));
}

void said_free(struct said *said)
{
	if (!said)
		return;
	list_clear(&said->now);
	list_clear(&said->next);
	free(said);
}

static int compare(const void *a, const void *b)
{
	const struct said_priority *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int list_push(struct said_list *list, const struct override *override)
{
	size_t room = list->room ? 2 * list->room : 8;
	struct said_priority *rows, *row;

	if (strlen(override->object) >= sizeof(row->name))
		return 0; /* no instance has such a name */
	if (list->count == list->room) {
		rows = realloc(list->rows, room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->room = room;
	}
	row = &list->rows[list->count++];
	strcpy(row->name, override->object);
	row->priority = override_priority(override);
	return 0;
}

/* 0: nothing was said. */
static uint8_t priority_said(const struct vrrp_worker *worker, const char *name)
{
	const struct said_list *list = &worker->said->now;
	struct said_priority key;
	const struct said_priority *row;

	if (!list->count || strlen(name) >= sizeof(key.name))
		return 0;
	strcpy(key.name, name);
	row = bsearch(&key, list->rows, list->count, sizeof(*list->rows), compare);
	return row ? row->priority : 0;
}

/* ---- in force -------------------------------------------------------------------------------- */

uint8_t said_base(const struct router *router)
{
	uint8_t configured = router->about.priority;
	uint8_t said = priority_said(router->worker, router->about.name);

	return said && configured != VRRP_PRIORITY_OWNER ? said : configured;
}

/* What was said of each sync group, by its number: of the first member of which something was said.
 * All its members must have one priority, and a reload may have brought them together. */
static uint8_t *groups_said(const struct vrrp_worker *worker)
{
	uint8_t *said = calloc(worker->group_count + 1, 1);

	for (size_t i = 0; said && i < worker->router_count; i++) {
		const struct instance *about = &worker->routers[i]->about;

		if (about->sync_group && about->sync_group <= worker->group_count &&
		    !said[about->sync_group])
			said[about->sync_group] = priority_said(worker, about->name);
	}
	return said;
}

void said_apply(struct vrrp_worker *worker)
{
	uint8_t *groups = worker->said->now.count ? groups_said(worker) : NULL;

	for (size_t i = 0; i < worker->router_count; i++) {
		struct router *router = worker->routers[i];
		uint32_t group = router->about.sync_group;
		uint8_t base = said_base(router);

		if (groups && group && group <= worker->group_count && groups[group] &&
		    router->about.priority != VRRP_PRIORITY_OWNER)
			base = groups[group];
		router_said(router, base, worker->maintenance);
	}
	free(groups);
}

/* What was removed by others meanwhile is put back as soon as maintenance is over. */
static void maintenance_take(struct vrrp_worker *worker, bool on)
{
	if (on == worker->maintenance)
		return;
	worker->maintenance = on;
	log_info("maintenance %s", on ? "on: nothing is claimed and nothing repaired" : "off");
	for (size_t i = 0; i < worker->port_count; i++)
		worker_touch(worker, worker->ports[i]);
	routes_touch(worker);
}

/* ---- records --------------------------------------------------------------------------------- */

int said_override(struct vrrp_worker *worker, struct reader *in)
{
	struct said_list *next = &worker->said->next;
	struct override override;

	if (!override_get(in, &override))
		return -EBADMSG;
	next->records++;
	if (override.kind == OVERRIDE_MAINTENANCE)
		next->maintenance = true;
	return override.kind == OVERRIDE_PRIORITY ? list_push(next, &override) : 0;
}

int said_end(struct vrrp_worker *worker, struct reader *in)
{
	struct said *said = worker->said;
	uint32_t count = get_u32(in);

	if (!reader_done(in) || count != said->next.records) {
		list_clear(&said->next);
		return -EBADMSG;
	}
	list_clear(&said->now);
	said->now = said->next;
	said->next = (struct said_list){0};
	if (said->now.count)
		qsort(said->now.rows, said->now.count, sizeof(*said->now.rows), compare);
	maintenance_take(worker, said->now.maintenance);
	said_apply(worker);
	return 0;
}
