/* The frame of the diagnosis: finders that all subjects share, and their order, which is that of a
 * packet's way: first whether the VIP is there, last what may drop it. See the header. */
#include "rs-agent/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"

void doctor_say(struct doctor *doctor, enum doctor_severity severity, const char *subject,
		const char *command, const char *format, ...)
{
	struct doctor_finding *room = arena_push(doctor->arena, &doctor->findings.items,
						 &doctor->findings.count, sizeof(*room));
	va_list list;

	if (!room)
		return;
	va_start(list, format);
	*room = (struct doctor_finding){
		.severity = severity,
		.subject = subject,
		.text = arena_vprintf(doctor->arena, format, list),
		.command = command ? arena_strdup(doctor->arena, command) : NULL,
	};
	va_end(list);
}

const char *doctor_text(struct doctor *doctor, const char *format, ...)
{
	const char *text;
	va_list list;

	va_start(list, format);
	text = arena_vprintf(doctor->arena, format, list);
	va_end(list);
	return text;
}

/* ---- finders ---- */

bool doctor_needs_vip(const struct doctor_vip *vip)
{
	return vip->forwarding == FORWARDING_DR || vip->forwarding == FORWARDING_TUNNEL;
}

bool doctor_seen(const struct doctor_case *wanted, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (doctor_needs_vip(&wanted->vips[i]) &&
		    addr_equal(&wanted->vips[i].address, &wanted->vips[index].address))
			return true;
	return false;
}

bool doctor_is_vip(const struct doctor_case *wanted, const struct addr *address)
{
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (addr_equal(&wanted->vips[i].address, address))
			return true;
	return false;
}

const struct doctor_director *doctor_director(const struct doctor_case *wanted,
					      const struct addr *address)
{
	for (size_t i = 0; i < wanted->director_count; i++)
		if (addr_equal(&wanted->directors[i].address, address))
			return &wanted->directors[i];
	return NULL;
}

bool doctor_here(const struct doctor *doctor)
{
	const struct address_list *own = &doctor->sight->addresses;

	for (size_t i = 0; i < own->count; i++)
		if (doctor_director(doctor->wanted, &own->items[i].prefix.address))
			return true;
	return false;
}

bool doctor_has_address(const struct doctor_sight *sight, uint32_t link, const struct addr *address)
{
	for (size_t i = 0; i < sight->addresses.count; i++)
		if (sight->addresses.items[i].link == link &&
		    addr_equal(&sight->addresses.items[i].prefix.address, address))
			return true;
	return false;
}

const struct link *doctor_link(const struct doctor_sight *sight, uint32_t index)
{
	for (size_t i = 0; i < sight->link_count; i++)
		if (sight->links[i].index == index)
			return &sight->links[i];
	return NULL;
}

const char *doctor_link_name(const struct doctor_sight *sight, uint32_t index)
{
	const struct link *link = doctor_link(sight, index);

	return link ? link->name : "another interface";
}

bool doctor_link_asks(const struct link *link)
{
	return link->up && link->arp && !link->loopback;
}

const struct route_way *doctor_way(const struct doctor_sight *sight, const struct addr *from,
				    const struct addr *to)
{
	for (size_t i = 0; i < sight->way_count; i++)
		if (addr_equal(&sight->ways[i].from, from) && addr_equal(&sight->ways[i].to, to))
			return &sight->ways[i];
	return NULL;
}

int64_t doctor_conf(const struct doctor_sight *sight, const char *family, const char *link,
		    const char *name)
{
	char path[SYSCTL_PATH];

	if (sysctl_conf_path(path, family, link, name))
		return -1;
	for (size_t i = 0; i < sight->sysctl_count; i++)
		if (!strcmp(sight->sysctls[i].path, path))
			return sight->sysctls[i].value;
	return -1;
}

const char *doctor_setting(struct doctor *doctor, const char *link, const char *name, int64_t value)
{
	char path[SYSCTL_PATH], key[SYSCTL_PATH];

	if (sysctl_conf_path(path, "ipv4", link, name))
		return "";
	return doctor_text(doctor, "%s=%" PRId64, sysctl_key(path, key), value);
}

int64_t doctor_conf_in_effect(const struct doctor_sight *sight, const char *link, const char *name)
{
	int64_t all = doctor_conf(sight, "ipv4", "all", name),
		own = doctor_conf(sight, "ipv4", link, name);

	return own > all ? own : all;
}

int doctor_judge(struct arena *arena, const struct doctor_case *wanted,
		 const struct doctor_sight *sight, struct doctor_findings *out)
{
	struct doctor doctor = {.arena = arena, .wanted = wanted, .sight = sight};

	doctor_journal(&doctor);
	doctor_addresses(&doctor);
	doctor_silence(&doctor);
	doctor_answers(&doctor);
	doctor_tunnels(&doctor);
	doctor_routes(&doctor);
	doctor_listeners(&doctor);
	doctor_firewall(&doctor);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = doctor.findings;
	return 0;
}
