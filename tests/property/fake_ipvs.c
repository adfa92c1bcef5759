#include "fake_ipvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "random.h"

void fake_ipvs_init(struct fake_ipvs *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->table.services = fake->services;
	for (size_t i = 0; i < FAKE_SERVICES; i++)
		fake->services[i].dests = fake->dests[i];
}

void fake_ipvs_copy(struct fake_ipvs *fake, const struct ipvs_table *table)
{
	fake_ipvs_init(fake);
	if (table->count > FAKE_SERVICES)
		abort();
	fake->table.count = table->count;
	for (size_t i = 0; i < table->count; i++) {
		struct ipvs_dest *room = fake->services[i].dests;

		if (table->services[i].dest_count > FAKE_DESTS)
			abort();
		fake->services[i] = table->services[i];
		fake->services[i].dests = room;
		memcpy(room, table->services[i].dests,
		       table->services[i].dest_count * sizeof(*room));
	}
}

static int add_service(struct fake_ipvs *fake, const struct ipvs_op *op)
{
	struct ipvs_service *last = &fake->services[fake->table.count];
	struct ipvs_dest *room = last->dests;

	if (fake->table.count == FAKE_SERVICES)
		return -ENOMEM;
	*last = (struct ipvs_service){.key = op->service, .attr = op->service_attr, .dests = room};
	fake->table.count++;
	ipvs_table_sort(&fake->table);
	return 0;
}

static int delete_service(struct fake_ipvs *fake, struct ipvs_service *service)
{
	struct ipvs_service gone = *service;
	size_t after = (size_t)(fake->services + fake->table.count - service) - 1;

	memmove(service, service + 1, after * sizeof(*service));
	fake->table.count--;
	fake->services[fake->table.count] = (struct ipvs_service){.dests = gone.dests};
	return 0;
}

static bool lacks_scheduler(const struct fake_ipvs *fake, const struct ipvs_op *op)
{
	return fake->lacks && !strcmp(fake->lacks, op->service_attr.scheduler);
}

/* The kernel has the destination last that was added last. */
static uint32_t last_place(const struct ipvs_service *service)
{
	uint32_t next = 0;

	for (size_t i = 0; i < service->dest_count; i++)
		if (service->dests[i].place >= next)
			next = service->dests[i].place + 1;
	return next;
}

static int apply_service(struct fake_ipvs *fake, const struct ipvs_op *op)
{
	struct ipvs_service *service = ipvs_table_find(&fake->table, &op->service);

	if (op->kind == IPVS_ADD_SERVICE && service)
		return -EEXIST;
	if (op->kind != IPVS_ADD_SERVICE && !service)
		return -ESRCH;
	if (op->kind == IPVS_DEL_SERVICE)
		return delete_service(fake, service);
	if (lacks_scheduler(fake, op))
		return -ENOENT;
	if (op->kind == IPVS_ADD_SERVICE)
		return add_service(fake, op);
	service->attr = op->service_attr;
	return 0;
}

static int apply_dest(struct fake_ipvs *fake, const struct ipvs_op *op)
{
	struct ipvs_service *service = ipvs_table_find(&fake->table, &op->service);
	struct ipvs_dest *dest = service ? ipvs_dest_find(service, &op->dest) : NULL, last;

	if (!service)
		return -ESRCH;
	if (op->kind == IPVS_ADD_DEST) {
		if (dest)
			return -EEXIST;
		if (service->dest_count == FAKE_DESTS)
			return -ENOMEM;
		last = (struct ipvs_dest){.key = op->dest,
					  .attr = op->dest_attr,
					  .place = last_place(service)};
		service->dests[service->dest_count++] = last;
		ipvs_service_sort(service);
		return 0;
	}
	if (!dest)
		return -ENOENT;
	if (op->kind == IPVS_SET_DEST) {
		dest->attr = op->dest_attr;
		return 0;
	}
	memmove(dest, dest + 1,
		(size_t)(service->dests + service->dest_count - dest - 1) * sizeof(*dest));
	service->dest_count--;
	return 0;
}

int fake_ipvs_apply(struct fake_ipvs *fake, const struct ipvs_op *op)
{
	int error = op->kind < IPVS_ADD_DEST ? apply_service(fake, op) : apply_dest(fake, op);

	if (!error)
		fake->applied++;
	return error;
}

int fake_ipvs_run(struct fake_ipvs *fake, const struct ipvs_op *ops, size_t count,
		  enum fake_trouble trouble, size_t at)
{
	int refused = 0, before = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_it = i == at;

		if (ipvs_plan_is_move(ops + i, count - i))
			before = refused;

		if (is_it && trouble == FAKE_LOST_REQUEST)
			return -ETIMEDOUT;
		if (is_it && trouble == FAKE_REFUSED)
			refused++;
		else
			refused += fake_ipvs_apply(fake, &ops[i]) < 0;
		if (fake->each)
			fake->each(fake->ctx, fake);
		if (is_it && trouble == FAKE_LOST_ANSWER)
			return -ETIMEDOUT;
		if (i && ipvs_plan_is_move(ops + i - 1, 2) && refused > before)
			break;
	}
	return refused;
}

/* Each element once in any order, some a second time. */
static size_t shuffle(void *out, const void *items, size_t count, size_t size)
{
	size_t total = count;

	for (size_t i = 0; i < count; i++) {
		char *at = (char *)out + i * size,
		     *other = (char *)out + random_below((unsigned)i + 1) * size;

		memmove(at, other, size);
		memcpy(other, (const char *)items + i * size, size);
	}
	for (size_t i = 0; i < count && !random_below(4); i++)
		memcpy((char *)out + total++ * size, (const char *)items + i * size, size);
	return total;
}

struct ipvs_table fake_ipvs_dump(const struct fake_ipvs *fake, struct arena *arena)
{
	size_t room = 2 * fake->table.count + 1;
	struct ipvs_table table = {.services = arena_array(arena, room, sizeof(*table.services))};

	table.count = shuffle(table.services, fake->table.services, fake->table.count,
			      sizeof(*table.services));
	for (size_t i = 0; i < table.count; i++) {
		struct ipvs_service *service = &table.services[i];
		const struct ipvs_dest *dests = service->dests;
		size_t size = sizeof(*dests);

		service->dests = arena_array(arena, 2 * service->dest_count + 1, size);
		service->dest_count = shuffle(service->dests, dests, service->dest_count, size);
	}
	return table;
}
