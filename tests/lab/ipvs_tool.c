/* The pure and the effect part of src/ipvs without a daemon, for lab tests: reads a wanted table
 * from standard input and makes the kernel's equal to it.
 *
 *   service tcp 192.168.8.200:80 wlc      begins a virtual service
 *   server 192.168.8.20:80 dr 1           a destination of the service before it: dr or nat, weight
 *
 * Prints the plan in ipvsadm's terms, refusals, and "operations N refused M"; times go to standard
 * error. With
 * --adopt every service in the kernel counts as owned: what is not wanted goes. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>

#include "base/arena.h"
#include "base/text.h"
#include "core/loop.h"
#include "ipvs/ipvs_io.h"

static void bad(const char *line)
{
	fprintf(stderr, "not understood: %s\n", line);
	exit(2);
}

static void read_service(struct arena *arena, struct ipvs_table *table, const char *line)
{
	struct ipvs_service *service =
		arena_push(arena, &table->services, &table->count, sizeof(*service));
	char protocol[8], address[64], scheduler[16];
	struct endpoint endpoint;

	if (!service || sscanf(line, "service %7s %63s %15s", protocol, address, scheduler) != 3 ||
	    endpoint_parse(address, &endpoint))
		bad(line);
	*service = (struct ipvs_service){
		.key = {.address = endpoint.address,
			.port = endpoint.port,
			.protocol = !strcmp(protocol, "udp") ? IPPROTO_UDP : IPPROTO_TCP},
		.attr = {.netmask = endpoint.address.family == AF_INET6 ? 128 : UINT32_MAX}};
	strcpy(service->attr.scheduler, scheduler);
	if (!strcmp(scheduler, "sh"))
		service->attr.flags = IP_VS_SVC_F_SCHED_SH_FALLBACK;
}

static void read_server(struct arena *arena, struct ipvs_table *table, const char *line)
{
	struct ipvs_service *service = table->count ? &table->services[table->count - 1] : NULL;
	struct ipvs_dest *dest;
	char address[64], method[8];
	struct endpoint endpoint;
	unsigned weight = 0;

	if (!service || sscanf(line, "server %63s %7s %u", address, method, &weight) != 3 ||
	    endpoint_parse(address, &endpoint))
		bad(line);
	dest = arena_push(arena, &service->dests, &service->dest_count, sizeof(*dest));
	if (!dest)
		bad(line);
	*dest = (struct ipvs_dest){.key = {.address = endpoint.address, .port = endpoint.port},
				   .attr = {.weight = weight,
					    .forwarding = !strcmp(method, "nat")
								  ? IPVS_FORWARD_NAT
								  : IPVS_FORWARD_DR}};
}

static struct ipvs_table read_table(struct arena *arena)
{
	struct ipvs_table table = {0};
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "service ", 8))
			read_service(arena, &table, line);
		else if (!strncmp(line, "server ", 7))
			read_server(arena, &table, line);
		else
			bad(line);
	}
	ipvs_table_sort(&table);
	return table;
}

static void print_refusal(void *ctx, const struct ipvs_op *op, int error, const char *words)
{
	char buffer[512];
	struct text out = text_of(buffer, sizeof(buffer));

	(void)ctx;
	ipvs_refusal_format(op, error, words, &out);
	printf("refused: %s\n", buffer);
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "%s: %s\n", what,
		error == -ENOENT ? "this kernel has no IPVS" : strerror(-error));
	exit(1);
}

static struct ipvs_keys all_keys(struct arena *arena, const struct ipvs_table *table)
{
	struct ipvs_keys keys = {.keys = arena_array(arena, table->count, sizeof(*keys.keys)),
				 .count = table->count};

	for (size_t i = 0; i < table->count; i++)
		keys.keys[i] = table->services[i].key;
	return keys;
}

int main(int argc, char **argv)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_table desired, actual;
	struct ipvs_keys owned = {0};
	struct ipvs_plan plan;
	struct ipvs_io *io;
	nstime start = clock_now(), dumped;
	int result = ipvs_io_open(&io);

	if (result)
		fail("open", result);
	desired = read_table(arena);
	start = clock_now();
	result = ipvs_io_dump(io, arena, &actual);
	if (result)
		fail("dump", result);
	dumped = clock_now();
	if (argc > 1 && !strcmp(argv[1], "--adopt"))
		owned = all_keys(arena, &actual);
	if (ipvs_plan_build(arena, &desired, &actual, &owned, &plan))
		fail("plan", -ENOMEM);
	for (size_t i = 0; i < plan.count && plan.count < 200; i++) {
		char buffer[IPVS_OP_TEXT];
		struct text out = text_of(buffer, sizeof(buffer));

		ipvs_op_format(&plan.ops[i], &out);
		printf("%s\n", buffer);
	}
	fprintf(stderr, "dump %lld us, plan %lld us", (long long)(dumped - start) / 1000,
		(long long)(clock_now() - dumped) / 1000);
	start = clock_now();
	result = ipvs_io_apply(io, plan.ops, plan.count, print_refusal, NULL);
	fprintf(stderr, ", apply %lld us\n", (long long)(clock_now() - start) / 1000);
	if (result < 0)
		fail("apply", result);
	printf("operations %zu refused %d\n", plan.count, result);
	ipvs_io_close(io);
	return 0;
}
