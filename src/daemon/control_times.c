/* See the header. Probes and services are told of each other by indices in one array, made once per generation. */
#include "daemon/control_times.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

static struct times_row *row_of(const struct times_rows *rows, enum check_type type)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].type == type)
			return &rows->rows[i];
	return NULL;
}

/* Calls `each` for every pair of a service and a probe of one of its servers. */
static void pairs(struct times *times, const struct model *model,
		  void (*each)(struct times *times, uint32_t probe, uint32_t service))
{
	for (uint32_t s = 0; s < model->service_count; s++) {
		const struct service *service = &model->services[s];

		for (size_t i = 0; i < service_server_count(service); i++) {
			const struct real_server *server = service_server(service, i);

			for (size_t p = 0; p < server->probe_count; p++)
				each(times, server->probes[p], s);
		}
	}
}

static void count_pair(struct times *times, uint32_t probe, uint32_t service)
{
	(void)service;
	times->first[probe + 1]++;
}

/* While the array is filled `first` is where the next user goes; one that is there already is not put in again. */
static void put_pair(struct times *times, uint32_t probe, uint32_t service)
{
	times->users[times->first[probe]++] = service;
}

static int make_rows(struct times_rows *out, struct arena *arena, const struct model *model,
		     const struct service *service)
{
	bool has[CHECK_TYPES] = {false};

	for (size_t i = 0; i < service_server_count(service); i++) {
		const struct real_server *server = service_server(service, i);

		for (size_t p = 0; p < server->probe_count; p++) {
			enum check_type type = model->checks[model->probes[server->probes[p]].check].type;

			out->count += !has[type];
			has[type] = true;
		}
	}
	out->rows = arena_array(arena, out->count + 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	out->count = 0;
	for (unsigned type = 0; type < CHECK_TYPES; type++)
		if (has[type])
			out->rows[out->count++].type = (enum check_type)type;
	return 0;
}

int times_init(struct times *times, struct arena *arena, const struct model *model)
{
	size_t probes = model->probe_count;
	int err = 0;

	times->first = arena_array(arena, probes + 2, sizeof(*times->first));
	times->services = arena_array(arena, model->service_count + 1, sizeof(*times->services));
	if (!times->first || !times->services)
		return -ENOMEM;
	pairs(times, model, count_pair);
	for (size_t i = 0; i < probes; i++)
		times->first[i + 1] += times->first[i];
	times->users = arena_array(arena, times->first[probes] + 1, sizeof(*times->users));
	if (!times->users)
		return -ENOMEM;
	pairs(times, model, put_pair);
	memmove(times->first + 1, times->first, probes * sizeof(*times->first));
	times->first[0] = 0;
	for (size_t i = 0; i < model->service_count && !err; i++)
		err = make_rows(&times->services[i], arena, model, &model->services[i]);
	return err;
}

static uint64_t total(const struct probe_times *times)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PROBE_TIMES; i++)
		sum += times->count[i];
	return sum;
}

/* Counts that went down are of a worker that has begun anew. */
static bool goes_on(const struct probe_times *before, const struct probe_times *now)
{
	for (unsigned i = 0; i < PROBE_TIMES; i++)
		if (now->count[i] < before->count[i])
			return false;
	return now->sum >= before->sum;
}

static void row_add(struct times_row *row, const struct probe_times *before, const struct probe_times *now)
{
	for (unsigned i = 0; i < PROBE_TIMES; i++)
		row->count[i] += now->count[i] - before->count[i];
	row->sum += now->sum - before->sum;
}

void times_learn(struct times *times, const struct model *model, uint32_t probe, const struct probe_times *before,
		 const struct probe_times *now)
{
	static const struct probe_times none;
	enum check_type type = model->checks[model->probes[probe].check].type;

	if (!before && total(now) > 1)
		return; /* counted before we were there */
	if (!before || !goes_on(before, now))
		before = &none;
	for (uint32_t i = times->first[probe]; i < times->first[probe + 1]; i++) {
		bool again = i > times->first[probe] && times->users[i] == times->users[i - 1];
		struct times_row *row = again ? NULL : row_of(&times->services[times->users[i]], type);

		if (row)
			row_add(row, before, now);
	}
}

void times_carry(struct times_rows *next, const struct times_rows *old)
{
	for (size_t i = 0; i < next->count; i++) {
		const struct times_row *row = row_of(old, next->rows[i].type);

		if (row)
			next->rows[i] = *row;
	}
}
