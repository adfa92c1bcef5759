/* Order, equality and search of IPVS tables; see the header. */
#include "ipvs/table.h"

#include <stdlib.h>
#include <string.h>

#include <linux/ip_vs.h>

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int ipvs_service_key_compare(const struct ipvs_service_key *a, const struct ipvs_service_key *b)
{
	int by = order(a->fwmark, b->fwmark);

	if (!by)
		by = addr_compare(&a->address, &b->address);
	if (!by)
		by = order(a->port, b->port);
	return by ? by : order(a->protocol, b->protocol);
}

/* A timeout without persistence is neither programmed nor compared. */
bool ipvs_service_attr_equal(const struct ipvs_service_attr *a, const struct ipvs_service_attr *b)
{
	if (strcmp(a->scheduler, b->scheduler) || strcmp(a->engine, b->engine))
		return false;
	if (a->flags != b->flags || a->netmask != b->netmask)
		return false;
	return !(a->flags & IP_VS_SVC_F_PERSISTENT) || a->timeout == b->timeout;
}

int ipvs_dest_key_compare(const struct ipvs_dest_key *a, const struct ipvs_dest_key *b)
{
	int by = addr_compare(&a->address, &b->address);

	return by ? by : order(a->port, b->port);
}

static bool tunnel_equal(const struct ipvs_dest_attr *a, const struct ipvs_dest_attr *b)
{
	if (a->forwarding != IPVS_FORWARD_TUNNEL)
		return true;
	if (a->tunnel != b->tunnel)
		return false;
	if (a->tunnel == IPVS_TUNNEL_GUE && a->tunnel_port != b->tunnel_port)
		return false;
	return a->tunnel == IPVS_TUNNEL_IPIP || a->tunnel_flags == b->tunnel_flags;
}

bool ipvs_dest_attr_equal(const struct ipvs_dest_attr *a, const struct ipvs_dest_attr *b)
{
	return a->forwarding == b->forwarding && a->weight == b->weight &&
	       a->upper_threshold == b->upper_threshold &&
	       a->lower_threshold == b->lower_threshold && tunnel_equal(a, b);
}

static int by_dest_key(const void *a, const void *b)
{
	const struct ipvs_dest *x = a, *y = b;

	return ipvs_dest_key_compare(&x->key, &y->key);
}

static int by_service_key(const void *a, const void *b)
{
	const struct ipvs_service *x = a, *y = b;

	return ipvs_service_key_compare(&x->key, &y->key);
}

/* Keeps the first of each run of equal elements; returns how many are left. */
static size_t drop_doubles(void *items, size_t count, size_t size,
			   int (*compare)(const void *, const void *))
{
	char *start = items;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && !compare(start + (kept - 1) * size, start + i * size))
			continue;
		if (kept != i)
			memcpy(start + kept * size, start + i * size, size);
		kept++;
	}
	return kept;
}

void ipvs_service_sort(struct ipvs_service *service)
{
	if (!service->dest_count)
		return;
	qsort(service->dests, service->dest_count, sizeof(*service->dests), by_dest_key);
	service->dest_count = drop_doubles(service->dests, service->dest_count,
					   sizeof(*service->dests), by_dest_key);
}

void ipvs_table_sort(struct ipvs_table *table)
{
	if (!table->count)
		return;
	for (size_t i = 0; i < table->count; i++)
		ipvs_service_sort(&table->services[i]);
	qsort(table->services, table->count, sizeof(*table->services), by_service_key);
	table->count = drop_doubles(table->services, table->count, sizeof(*table->services),
				    by_service_key);
}

struct ipvs_service *ipvs_table_find(const struct ipvs_table *table,
				     const struct ipvs_service_key *key)
{
	struct ipvs_service wanted = {.key = *key};

	if (!table->count)
		return NULL;
	return bsearch(&wanted, table->services, table->count, sizeof(wanted), by_service_key);
}

struct ipvs_dest *ipvs_dest_find(const struct ipvs_service *service,
				 const struct ipvs_dest_key *key)
{
	struct ipvs_dest wanted = {.key = *key};

	if (!service->dest_count)
		return NULL;
	return bsearch(&wanted, service->dests, service->dest_count, sizeof(wanted), by_dest_key);
}

static bool service_equal(const struct ipvs_service *a, const struct ipvs_service *b)
{
	if (by_service_key(a, b) || !ipvs_service_attr_equal(&a->attr, &b->attr))
		return false;
	if (a->dest_count != b->dest_count)
		return false;
	for (size_t i = 0; i < a->dest_count; i++)
		if (by_dest_key(&a->dests[i], &b->dests[i]) ||
		    !ipvs_dest_attr_equal(&a->dests[i].attr, &b->dests[i].attr))
			return false;
	return true;
}

bool ipvs_table_equal(const struct ipvs_table *a, const struct ipvs_table *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!service_equal(&a->services[i], &b->services[i]))
			return false;
	return true;
}
