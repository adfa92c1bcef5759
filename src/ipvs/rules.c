/* See the header. A rule is an operation in ipvsadm's terms without the program's name. */
#include "ipvs/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/plan.h"

static int order(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

/* As ipvsadm sorts what it lists. */
static int by_rule(const void *a, const void *b)
{
	const struct ipvs_service_key *x = &(*(const struct ipvs_service *const *)a)->key,
				      *y = &(*(const struct ipvs_service *const *)b)->key;
	int by = order(x->fwmark, y->fwmark);

	if (!by)
		by = order(x->address.family, y->address.family);
	if (!by)
		by = order(x->protocol, y->protocol);
	return by ? by : ipvs_service_key_compare(x, y);
}

static void write_op(const struct ipvs_op *op, void (*line)(void *ctx, const char *text), void *ctx)
{
	static const size_t skip = sizeof("ipvsadm ") - 1;
	char buffer[IPVS_OP_TEXT];
	struct text text = text_of(buffer, sizeof(buffer));

	ipvs_op_format(op, &text);
	line(ctx, buffer + skip);
}

static void write_service(const struct ipvs_service *service,
			  void (*line)(void *ctx, const char *text), void *ctx)
{
	struct ipvs_op op = {.kind = IPVS_ADD_SERVICE,
			     .service = service->key,
			     .service_attr = service->attr};

	write_op(&op, line, ctx);
	op.kind = IPVS_ADD_DEST;
	for (size_t i = 0; i < service->dest_count; i++) {
		op.dest = service->dests[i].key;
		op.dest_attr = service->dests[i].attr;
		write_op(&op, line, ctx);
	}
}

int ipvs_rules_write(struct arena *arena, const struct ipvs_table *table,
		     void (*line)(void *ctx, const char *text), void *ctx)
{
	const struct ipvs_service **services = arena_array(arena, table->count, sizeof(*services));

	if (!services)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++)
		services[i] = &table->services[i];
	if (table->count)
		qsort(services, table->count, sizeof(*services), by_rule);
	for (size_t i = 0; i < table->count; i++)
		write_service(services[i], line, ctx);
	return 0;
}
