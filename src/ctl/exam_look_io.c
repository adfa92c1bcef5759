/* See the header. What rtnetlink and /proc/sys tell is here, the rest in files of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "ctl/exam_io.h"
#include "ipvs/sysctls.h"
#include "net/firewall_look_io.h"
#include "net/route_way_io.h"
#include "net/rtnl_io.h"
#include "net/sysctl_io.h"

/* ---- files ---- */

char *exam_read_file(struct arena *arena, const char *path, size_t most)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd < 0 ? NULL : arena_alloc(arena, most + 1);
	size_t length = 0;
	off_t size;

	if (!text) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	size = lseek(fd, 0, SEEK_END);
	lseek(fd, size > (off_t)most ? size - (off_t)most : 0, SEEK_SET);
	while (length < most) {
		ssize_t got = read(fd, text + length, most - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	close(fd);
	text[length] = '\0';
	return text;
}

/* ---- sysctls ---- */

struct sysctls {
	struct arena *arena;
	struct exam_sight *sight;
	int dir;
};

static void look_sysctl(struct sysctls *sysctls, const char *path)
{
	struct sysctl_value value = {0}, *room;

	if (strlen(path) >= sizeof(value.path) || sysctl_read(sysctls->dir, path, &value.value))
		return;
	strcpy(value.path, path);
	room = arena_push(sysctls->arena, &sysctls->sight->sysctls, &sysctls->sight->sysctl_count,
			  sizeof(*room));
	if (room)
		*room = value;
}

static void look_conf(struct sysctls *sysctls, const char *family, const char *link,
		      const char *name)
{
	char path[SYSCTL_PATH];

	if (!sysctl_conf_path(path, family, link, name))
		look_sysctl(sysctls, path);
}

static void look_links_sysctls(struct sysctls *sysctls, const char *link)
{
	look_conf(sysctls, "ipv4", link, "rp_filter");
	look_conf(sysctls, "ipv4", link, "arp_ignore");
	look_conf(sysctls, "ipv6", link, "disable_ipv6");
}

static void look_sysctls(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	static const char *const others[] = {"net/netfilter/nf_conntrack_max",
					     "net/bridge/bridge-nf-call-iptables",
					     "net/ipv4/vs/pmtu_disc"};
	struct sysctls sysctls = {arena, sight, sysctl_open()};
	struct ipvs_sysctls wanted = {0};
	int64_t count;

	if (sysctls.dir < 0)
		return;
	if (!ipvs_sysctls_wanted(arena, model, &wanted))
		for (size_t i = 0; i < wanted.count; i++)
			look_sysctl(&sysctls, wanted.wants[i].want.path);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		look_sysctl(&sysctls, others[i]);
	sight->sysctls_readonly =
		sight->is_root && sysctl_writable(sysctls.dir, "net/ipv4/ip_forward") == -EROFS;
	look_links_sysctls(&sysctls, "all");
	for (size_t i = 0; i < sight->link_count; i++)
		look_links_sysctls(&sysctls, sight->links[i].name);
	if (!sysctl_read(sysctls.dir, "net/netfilter/nf_conntrack_count", &count) && count > 0)
		sight->conntrack_count = (uint64_t)count;
	close(sysctls.dir);
}

/* ---- bridges ---- */

static void look_bridges(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	for (size_t i = 0; i < model->instance_count; i++) {
		char path[128];
		const char **room;

		snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", model->instances[i].interface);
		if (access(path, F_OK))
			continue;
		room = arena_push(arena, &sight->bridges, &sight->bridge_count, sizeof(*room));
		if (room)
			*room = model->instances[i].interface;
	}
}

/* ---- all ---- */

static int look_network(struct arena *arena, struct rtnl *rtnl, const struct model *model,
			struct exam_sight *sight)
{
	struct link *links;
	int err = rtnl_links(rtnl, arena, &links, &sight->link_count);

	if (!err)
		err = rtnl_addresses(rtnl, arena, 0, &sight->addresses);
	if (err)
		return err;
	sight->links = links;
	err = exam_ways(arena, model, sight);
	for (size_t i = 0; i < sight->way_count && !err; i++)
		route_way_look(rtnl, &sight->ways[i]);
	return err ? err : route_policy_look(rtnl, AF_INET, &sight->has_policy);
}

int exam_look(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	struct rtnl *rtnl;
	int err = rtnl_open(&rtnl);

	if (err)
		return err;
	err = look_network(arena, rtnl, model, sight);
	rtnl_close(rtnl);
	if (!err)
		err = exam_modules(arena, model, sight);
	if (err)
		return err;
	look_sysctls(arena, model, sight);
	look_bridges(arena, model, sight);
	sight->firewall_why = sight->is_root ? firewall_look(arena, &sight->firewall)
					     : "that is for root alone";
	exam_look_host(arena, model, sight);
	exam_look_files(arena, model, sight);
	err = exam_listen(arena, model, sight);
	return err ? err : arena_failed(arena) ? -ENOMEM : 0;
}
