/* From wishes to objects of the kernel; see the header. */
#include "rs-agent/desired.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "rs-agent/arp_filter.h"

struct builder {
	struct arena *arena;
	const struct rs_actual *actual;
	struct rs_desired desired;
};

/* ---- addresses ---- */

static struct address vip_address(const struct addr *vip, uint32_t link)
{
	struct prefix prefix = {.address = *vip, .length = (uint8_t)addr_bits(vip->family)};
	struct address address = address_ours(link, &prefix);

	if (vip->family == AF_INET)
		address.scope = ADDRESS_SCOPE_HOST;
	return address;
}

static void put_vip(struct builder *builder, const struct rs_wish *wish)
{
	struct rs_desired *desired = &builder->desired;
	struct rs_vip vip = {vip_address(&wish->vip, builder->actual->lo), "lo", wish->service};
	struct rs_vip *room;

	for (size_t i = 0; i < desired->vip_count; i++)
		if (address_same(&desired->vips[i].address, &vip.address))
			return;
	room = arena_push(builder->arena, &desired->vips, &desired->vip_count, sizeof(vip));
	if (room)
		*room = vip;
}

/* ---- sysctls ---- */

bool rs_desired_has_ipv4(const struct rs_desired *desired)
{
	for (size_t i = 0; i < desired->vip_count; i++)
		if (desired->vips[i].address.prefix.address.family == AF_INET)
			return true;
	return false;
}

static void put_sysctl(struct builder *builder, const char *path, int64_t least)
{
	struct sysctl_want *room =
		arena_push(builder->arena, &builder->desired.sysctls,
			   &builder->desired.sysctl_count, sizeof(*room));

	if (!room)
		return;
	snprintf(room->path, sizeof(room->path), "%s", path);
	room->rule = SYSCTL_AT_LEAST;
	room->value = least;
}

/* The kernel takes the larger of `all` and the interface's own, so `all` holds for every one. */
static void put_silence(struct builder *builder)
{
	put_sysctl(builder, "net/ipv4/conf/all/arp_ignore", 1);
	put_sysctl(builder, "net/ipv4/conf/lo/arp_ignore", 1);
	put_sysctl(builder, "net/ipv4/conf/all/arp_announce", 2);
	put_sysctl(builder, "net/ipv4/conf/lo/arp_announce", 2);
}

/* ---- the table ---- */

const char *rs_desired_arp_table(struct arena *arena, const struct rs_desired *desired,
				 const struct rs_actual *actual, const struct addr *more,
				 size_t count)
{
	struct addr *vips = arena_array(arena, desired->vip_count + count + 1, sizeof(*vips));

	if (!vips)
		return NULL;
	for (size_t i = 0; i < desired->vip_count; i++)
		vips[i] = desired->vips[i].address.prefix.address;
	for (size_t i = 0; i < count; i++)
		vips[desired->vip_count + i] = more[i];
	return arp_filter_text(arena, vips, desired->vip_count + count, &actual->addresses,
			       actual->links, actual->link_count);
}

static void put_arp_table(struct builder *builder)
{
	const char *text = rs_desired_arp_table(builder->arena, &builder->desired,
						builder->actual, NULL, 0);

	if (text)
		builder->desired.arp_table = text;
}

int rs_desired_build(struct arena *arena, const struct rs_wishes *wishes,
		     const struct rs_actual *actual, struct rs_desired *out)
{
	struct builder builder = {.arena = arena, .actual = actual,
				  .desired = {.wishes = *wishes, .arp_table = ""}};

	for (size_t i = 0; i < wishes->count; i++)
		put_vip(&builder, &wishes->items[i]);
	if (wishes->arp_filter)
		put_arp_table(&builder);
	else if (rs_desired_has_ipv4(&builder.desired))
		put_silence(&builder);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = builder.desired;
	return 0;
}
