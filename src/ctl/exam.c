/* The frame of the examination: finders that all subjects share, and their order. See the header. */
#include "ctl/exam.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/sysctls.h"

static bool is_said(const struct findings *findings, const char *text)
{
	for (size_t i = 0; i < findings->count; i++)
		if (!strcmp(findings->items[i].text, text))
			return true;
	return false;
}

void exam_say(struct exam *exam, enum finding_severity severity, const char *subject,
	      const char *command, const char *format, ...)
{
	struct finding *room;
	const char *text;
	va_list list;

	va_start(list, format);
	text = arena_vprintf(exam->arena, format, list);
	va_end(list);
	if (!text || is_said(&exam->findings, text))
		return;
	room = arena_push(exam->arena, &exam->findings.items, &exam->findings.count, sizeof(*room));
	if (room)
		*room = (struct finding){severity, subject, text, command};
}

const char *exam_text(struct exam *exam, const char *format, ...)
{
	const char *text;
	va_list list;

	va_start(list, format);
	text = arena_vprintf(exam->arena, format, list);
	va_end(list);
	return text ? text : "";
}

const char *finding_severity_name(enum finding_severity severity)
{
	switch (severity) {
	case FINDING_OK:
		return "ok";
	case FINDING_WARNING:
		return "warning";
	case FINDING_PROBLEM:
		return "problem";
	case FINDING_UNKNOWN:
		return "unknown";
	}
	return "?";
}

size_t findings_count(const struct findings *findings, enum finding_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].severity == severity;
	return count;
}

/* ---- finders ---- */

const struct link *exam_link_named(const struct exam_sight *sight, const char *name)
{
	for (size_t i = 0; i < sight->link_count; i++)
		if (!strcmp(sight->links[i].name, name))
			return &sight->links[i];
	return NULL;
}

const struct link *exam_link(const struct exam_sight *sight, uint32_t index)
{
	for (size_t i = 0; i < sight->link_count; i++)
		if (sight->links[i].index == index)
			return &sight->links[i];
	return NULL;
}

const struct link *exam_link_of(const struct exam_sight *sight, const struct instance *instance,
				const struct vip *vip)
{
	return exam_link_named(sight, vip->interface ? vip->interface : instance->interface);
}

int64_t exam_sysctl(const struct exam_sight *sight, const char *path)
{
	for (size_t i = 0; i < sight->sysctl_count; i++)
		if (!strcmp(sight->sysctls[i].path, path))
			return sight->sysctls[i].value;
	return -1;
}

int64_t exam_conf(const struct exam_sight *sight, const char *family, const char *link,
		  const char *name)
{
	char path[SYSCTL_PATH];

	return sysctl_conf_path(path, family, link, name) ? -1 : exam_sysctl(sight, path);
}

const char *exam_write_sysctl(struct exam *exam, const char *path, int64_t value)
{
	char name[SYSCTL_PATH] = "";
	struct text out = text_of(name, sizeof(name));

	ipvs_sysctl_name(path, &out);
	return exam_text(exam, "sysctl -w %s=%" PRId64, name, value);
}

const char *exam_write_conf(struct exam *exam, const char *family, const char *link,
			    const char *name, int64_t value)
{
	char path[SYSCTL_PATH];

	return sysctl_conf_path(path, family, link, name) ? NULL : exam_write_sysctl(exam, path, value);
}

const struct route_way *exam_way_from(const struct exam_sight *sight, const struct addr *from,
				      const struct addr *to)
{
	for (size_t i = 0; i < sight->way_count; i++)
		if (addr_equal(&sight->ways[i].to, to) && addr_equal(&sight->ways[i].from, from))
			return &sight->ways[i];
	return NULL;
}

const struct route_way *exam_way(const struct exam_sight *sight, const struct addr *to)
{
	static const struct addr any;

	return exam_way_from(sight, &any, to);
}

enum exam_module_state exam_module(const struct exam_sight *sight, const char *name)
{
	for (size_t i = 0; i < sight->module_count; i++)
		if (!strcmp(sight->modules[i].name, name))
			return sight->modules[i].state;
	return EXAM_MODULE_UNKNOWN;
}

bool exam_is_ours(const struct exam_sight *sight, const struct addr *address)
{
	return address_list_has(&sight->addresses, address);
}

bool exam_has_forwarding(const struct model *model, enum forwarding forwarding)
{
	for (size_t i = 0; i < model->service_count; i++)
		for (size_t j = 0; j < service_server_count(&model->services[i]); j++)
			if (service_server(&model->services[i], j)->forwarding == forwarding)
				return true;
	return false;
}

const char *exam_mac(const uint8_t mac[LINK_MAC], char *out)
{
	snprintf(out, EXAM_MAC, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return out;
}

/* ---- all ---- */

/* What some things could not be seen for. */
static void judge_looker(struct exam *exam)
{
	if (!exam->sight->is_root)
		exam_say(exam, FINDING_UNKNOWN, "rights", "sudo lbhactl doctor",
			 "%s looks, not root: rules of firewalls, adverts on the wire, who answers for "
			 "the VIPs and other programs are not seen, or not in full",
			 exam->sight->user ? exam->sight->user : "somebody");
	if (exam->sight->daemon == EXAM_DAEMON_SILENT)
		exam_say(exam, FINDING_PROBLEM, "daemon", "journalctl -u lbha -n 50",
			 "lbhad's socket is there, but nobody answers");
	else if (exam->sight->daemon == EXAM_DAEMON_NONE)
		exam_say(exam, FINDING_WARNING, "daemon", "systemctl start lbha",
			 "no lbhad runs here; this is about %s", exam->sight->file);
	else
		exam_say(exam, FINDING_OK, "daemon", NULL, "lbhad runs and answers");
}

int exam_judge(struct arena *arena, const struct model *model, const struct exam_sight *sight,
	       struct findings *out)
{
	struct exam exam = {.arena = arena, .model = model, .sight = sight};

	judge_looker(&exam);
	exam_host(&exam);
	exam_kernel(&exam);
	exam_links(&exam);
	exam_firewall(&exam);
	exam_vrrp(&exam);
	exam_owners(&exam);
	exam_checks(&exam);
	if (arena_failed(arena))
		return -ENOMEM;
	*out = exam.findings;
	return 0;
}
