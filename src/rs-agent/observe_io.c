/* Reading comes before planning, once; a value that is missing (a link without IPv4) is left out,
 * the plan says whether it was needed. An address that appears or goes between reading and acting
 * is no failure: the wish is fulfilled. */
#include "rs-agent/observe_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/rtnl_io.h"
#include "net/sysctl_io.h"
#include "rs-agent/fou_io.h"

int kernel_open(struct kernel *kernel, char *why)
{
	int err = rtnl_open(&kernel->rtnl);

	if (err) {
		snprintf(why, KERNEL_WHY, "cannot talk to the kernel by rtnetlink: %s",
			 strerror(-err));
		return err;
	}
	kernel->sysctls = sysctl_open();
	if (kernel->sysctls < 0) {
		err = kernel->sysctls;
		snprintf(why, KERNEL_WHY, "cannot open /proc/sys: %s%s", strerror(-err),
			 err == -ENOENT ? "; lbha-rs needs /proc to be mounted" : "");
		rtnl_close(kernel->rtnl);
	}
	return err;
}

void kernel_close(struct kernel *kernel)
{
	rtnl_close(kernel->rtnl);
	close(kernel->sysctls);
}

static int observe_sysctl(const struct kernel *kernel, struct arena *arena, const char *path,
			  struct rs_actual *out)
{
	struct sysctl_value *room;
	int64_t value;
	int err;

	for (size_t i = 0; i < out->sysctl_count; i++)
		if (!strcmp(out->sysctls[i].path, path))
			return 0;
	err = sysctl_read(kernel->sysctls, path, &value);
	if (err)
		return err == -ENOENT ? 0 : err;
	room = arena_push(arena, &out->sysctls, &out->sysctl_count, sizeof(*room));
	if (!room)
		return -ENOMEM;
	room->value = value;
	snprintf(room->path, sizeof(room->path), "%s", path);
	return 0;
}

static int observe_conf(const struct kernel *kernel, struct arena *arena, const char *link,
			struct rs_actual *out)
{
	static const char *const names[] = {"arp_ignore", "arp_announce", "rp_filter"};
	char path[SYSCTL_PATH];
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(names) && !err; i++)
		if (!sysctl_conf_path(path, "ipv4", link, names[i]))
			err = observe_sysctl(kernel, arena, path, out);
	return err;
}

static int observe_sysctls(const struct kernel *kernel, struct arena *arena,
			   const struct owned_set *journal, struct rs_actual *out)
{
	int err = observe_conf(kernel, arena, "all", out);

	for (size_t i = 0; i < out->link_count && !err; i++)
		err = observe_conf(kernel, arena, out->links[i].name, out);
	for (size_t i = 0; i < journal->count && !err; i++)
		if (journal->items[i].kind == OWNED_SYSCTL)
			err = observe_sysctl(kernel, arena, journal->items[i].sysctl.path, out);
	return err;
}

static void observe_table(struct kernel *kernel, struct arena *arena,
			  const struct owned_set *journal, bool wanted, struct rs_actual *out)
{
	for (size_t i = 0; i < journal->count; i++)
		wanted |= journal->items[i].kind == OWNED_TABLE;
	if (wanted && !kernel->arp_table)
		arp_table_read(arena, &kernel->arp_table, kernel->why);
	out->arp_table = kernel->arp_table;
}

int kernel_observe(struct kernel *kernel, struct arena *arena, const struct owned_set *journal,
		   bool with_table, struct rs_actual *out, char *why)
{
	struct rs_actual actual = {0};
	struct link *links;
	int err = rtnl_links(kernel->rtnl, arena, &links, &actual.link_count);

	if (!err)
		err = rtnl_addresses(kernel->rtnl, arena, 0, &actual.addresses);
	if (err) {
		snprintf(why, KERNEL_WHY, "cannot read interfaces and addresses: %s",
			 strerror(-err));
		return err;
	}
	actual.links = links;
	for (size_t i = 0; i < actual.link_count; i++)
		if (links[i].loopback && !actual.lo)
			actual.lo = links[i].index;
	if (!actual.lo) {
		snprintf(why, KERNEL_WHY, "there is no loopback interface");
		return -ENODEV;
	}
	observe_table(kernel, arena, journal, with_table, &actual);
	err = observe_sysctls(kernel, arena, journal, &actual);
	if (err)
		snprintf(why, KERNEL_WHY, "cannot read sysctls: %s", strerror(-err));
	else
		*out = actual;
	return err;
}

struct ports {
	struct arena *arena;
	struct rs_actual *actual;
};

static int observe_port(void *ctx, uint8_t family, uint16_t port)
{
	struct ports *ports = ctx;
	struct rs_port *room = arena_push(ports->arena, &ports->actual->ports,
					  &ports->actual->port_count, sizeof(*room));

	if (!room)
		return -ENOMEM;
	*room = (struct rs_port){family, port};
	return 0;
}

int kernel_observe_ports(struct arena *arena, struct rs_actual *actual)
{
	struct ports ports = {arena, actual};
	struct fou *fou;
	int err = fou_open(&fou);

	actual->port_count = 0;
	if (err)
		return err == -ENOENT ? 0 : err;
	err = fou_ports(fou, observe_port, &ports);
	fou_close(fou);
	return err;
}

static bool is_default(const struct route *route)
{
	return !route->to.length && route->table == ROUTE_TABLE_MAIN;
}

int kernel_observe_routes(const struct kernel *kernel, struct arena *arena,
			  struct rs_actual *actual)
{
	return rtnl_routes(kernel->rtnl, arena, is_default, &actual->routes);
}
