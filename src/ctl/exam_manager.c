/* Programs that manage the interfaces of VIPs, and whether they take them away. None has to give an
 * interface up: a director that nobody else configures is without an address after the next boot.
 *
 * systemd-networkd removes what it did not make when it starts or configures a link again. Addresses it
 * leaves with KeepConfiguration=static (systemd.network(5)), of routes only those of protocol static; ours
 * with KeepConfiguration=yes, which keeps all that was ever there, or ManageForeignRoutes=no
 * (networkd.conf(5); seen so with systemd 252). NetworkManager leaves addresses that others add, until
 * somebody has a connection activated or reapplied; what goes then lbhad puts back. */
#include <string.h>

#include "base/text.h"
#include "ctl/exam.h"

#define NAMES 256

/* With a virtual MAC the VIPs are on an interface of lbhad's own. */
static bool wants_link(const struct exam *exam, const struct link *link)
{
	for (size_t i = 0; i < exam->model->instance_count; i++) {
		const struct instance *instance = &exam->model->instances[i];

		for (size_t j = 0; j < instance->virtual_address_count && !instance->virtual_mac; j++)
			if (exam_link_of(exam->sight, instance, &instance->virtual_addresses[j]) == link)
				return true;
	}
	return false;
}

static bool has_routes(const struct model *model)
{
	for (size_t i = 0; i < model->instance_count; i++)
		if (model->instances[i].route_count)
			return true;
	return false;
}

/* The link of a manager of that kind that has VIPs on it; NULL: not this one. */
static const struct link *managed(const struct exam *exam, size_t at, enum exam_manager_kind kind)
{
	const struct exam_manager *manager = &exam->sight->managers[at];
	const struct link *link = exam_link(exam->sight, manager->link);

	return manager->kind == kind && link && wants_link(exam, link) ? link : NULL;
}

static const char *base_of(const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	return slash ? slash + 1 : file ? file : "FILE.network";
}

/* Links that share a file share a drop-in. */
static const char *with_dropin(struct exam *exam, const char *command, const char *base)
{
	const char *file = exam_text(exam, "/etc/systemd/network/%s.d/lbha.conf", base);

	if (strstr(command, file))
		return command;
	return exam_text(exam, "%smkdir -p /etc/systemd/network/%s.d && printf "
			       "'[Network]\\nKeepConfiguration=static\\n' > %s && ",
			 command, base, file);
}

/* All links in one finding. */
static void judge_networkd(struct exam *exam)
{
	char names[NAMES] = "";
	struct text out = text_of(names, sizeof(names));
	const char *command = "";
	bool drops_routes = false;

	for (size_t i = 0; i < exam->sight->manager_count; i++) {
		const struct exam_manager *manager = &exam->sight->managers[i];
		const struct link *link = managed(exam, i, EXAM_NETWORKD);

		drops_routes |= link && !manager->keeps_all;
		if (!link || manager->keeps)
			continue;
		text_add(&out, "%s%s by %s", out.length ? ", " : "", link->name, base_of(manager->file));
		command = with_dropin(exam, command, base_of(manager->file));
	}
	if (out.length)
		exam_say(exam, FINDING_PROBLEM, "manager", exam_text(exam, "%snetworkctl reload", command),
			 "systemd-networkd manages %s without KeepConfiguration=static: when it starts or "
			 "configures the link again it removes the VIPs",
			 names);
	if (drops_routes && has_routes(exam->model) && !exam->sight->keeps_routes)
		exam_say(exam, FINDING_WARNING, "manager",
			 "mkdir -p /etc/systemd/networkd.conf.d && printf '[Network]\\nManageForeignRoutes=no\\n' "
			 "> /etc/systemd/networkd.conf.d/lbha.conf && systemctl restart systemd-networkd",
			 "systemd-networkd removes routes that it did not make, unless ManageForeignRoutes is "
			 "no: those of instances, too");
}

static void judge_network_manager(struct exam *exam)
{
	char names[NAMES] = "";
	struct text out = text_of(names, sizeof(names));

	for (size_t i = 0; i < exam->sight->manager_count; i++) {
		const struct link *link = managed(exam, i, EXAM_NETWORK_MANAGER);

		if (link)
			text_add(&out, "%s%s", out.length ? ", " : "", link->name);
	}
	if (out.length)
		exam_say(exam, FINDING_OK, "manager", NULL,
			 "NetworkManager manages %s: it leaves the VIPs there, unless a connection is "
			 "activated or reapplied; then lbhad puts them back",
			 names);
}

void exam_managers(struct exam *exam)
{
	judge_networkd(exam);
	judge_network_manager(exam);
}
