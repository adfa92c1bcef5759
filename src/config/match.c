/* Two rounds: by what clients reach, then by name among those that are left. */
#include "config/match.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/table.h"
#include "base/text.h"

struct matching {
	struct arena *arena;
	const struct model *next, *old;
	uint32_t *found; /* by index in next */
	bool *taken;     /* by index in old */
};

static uint64_t mark_hash(const struct service *service)
{
	return text_hash(text_hash(TEXT_HASH, &service->fwmark, sizeof(service->fwmark)),
			 &service->family, sizeof(service->family));
}

static uint64_t endpoint_hash(const struct endpoint *endpoint)
{
	uint64_t hash = text_hash(TEXT_HASH, endpoint->address.bytes,
				  sizeof(endpoint->address.bytes));

	return text_hash(hash, &endpoint->port, sizeof(endpoint->port));
}

static uint64_t name_hash(const struct service *service)
{
	return text_hash(TEXT_HASH, service->name, strlen(service->name));
}

static bool listens_at(const struct service *service, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < service->listen_count; i++)
		if (!endpoint_compare(&service->listen[i], endpoint))
			return true;
	return false;
}

static bool settle(struct matching *m, size_t s, uint32_t old)
{
	m->taken[old] = true;
	m->found[s] = old;
	return true;
}

static bool find_mark(struct matching *m, const struct table *index, size_t s)
{
	const struct service *service = &m->next->services[s];
	size_t step = 0;
	uint32_t at;

	while (table_next(index, mark_hash(service), &step, &at)) {
		const struct service *old = &m->old->services[at];

		if (!m->taken[at] && old->fwmark == service->fwmark &&
		    old->family == service->family)
			return settle(m, s, at);
	}
	return false;
}

static bool find_listener(struct matching *m, const struct table *index, size_t s,
			  const struct endpoint *endpoint)
{
	size_t step = 0;
	uint32_t at;

	while (table_next(index, endpoint_hash(endpoint), &step, &at)) {
		const struct service *old = &m->old->services[at];

		if (!m->taken[at] && old->protocols & m->next->services[s].protocols &&
		    listens_at(old, endpoint))
			return settle(m, s, at);
	}
	return false;
}

static int by_reach(struct matching *m)
{
	struct table index;
	int err = table_init(&index, m->arena, m->old->service_count);

	for (uint32_t s = 0; s < m->old->service_count && !err; s++) {
		const struct service *service = &m->old->services[s];

		if (service->fwmark)
			err = table_add(&index, mark_hash(service), s);
		for (size_t i = 0; i < service->listen_count && !err; i++)
			err = table_add(&index, endpoint_hash(&service->listen[i]), s);
	}
	for (size_t s = 0; s < m->next->service_count && !err; s++) {
		const struct service *service = &m->next->services[s];
		bool found = service->fwmark && find_mark(m, &index, s);

		for (size_t i = 0; i < service->listen_count && !found; i++)
			found = find_listener(m, &index, s, &service->listen[i]);
	}
	return err;
}

static int by_name(struct matching *m)
{
	struct table index;
	int err = table_init(&index, m->arena, m->old->service_count);

	for (uint32_t s = 0; s < m->old->service_count && !err; s++)
		if (!m->taken[s])
			err = table_add(&index, name_hash(&m->old->services[s]), s);
	for (size_t s = 0; s < m->next->service_count && !err; s++) {
		const struct service *service = &m->next->services[s];
		size_t step = 0;
		uint32_t at;

		while (m->found[s] == SERVICE_IS_NEW &&
		       table_next(&index, name_hash(service), &step, &at))
			if (!m->taken[at] && !strcmp(service->name, m->old->services[at].name))
				settle(m, s, at);
	}
	return err;
}

int services_match(struct arena *arena, const struct model *next, const struct model *old,
		   uint32_t **out)
{
	struct matching m = {arena, next, old,
			     arena_array(arena, next->service_count + 1, sizeof(*m.found)),
			     arena_array(arena, old->service_count + 1, sizeof(*m.taken))};

	if (!m.found || !m.taken)
		return -ENOMEM;
	for (size_t s = 0; s < next->service_count; s++)
		m.found[s] = SERVICE_IS_NEW;
	if (by_reach(&m) || by_name(&m))
		return -ENOMEM;
	*out = m.found;
	return 0;
}
