/* A model to sysctls, and what becomes of one; see the header. */
#include "ipvs/sysctls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/model.h"

#define VS "net/ipv4/vs/"
#define REDIRECTS "send_redirects"
#define ACCEPT_LOCAL "accept_local"
#define RP_FILTER "rp_filter"

/* What the services of a model have in common. */
struct needs {
	bool nat, nat6, fullnat, removes, quiesces_clients;
};

static void add_server(struct needs *needs, const struct real_server *server)
{
	bool is_full = server->forwarding == FORWARDING_FULLNAT;

	if (server->forwarding != FORWARDING_NAT && !is_full)
		return;
	needs->fullnat |= is_full;
	if (server->address.address.family == AF_INET6)
		needs->nat6 = true;
	else
		needs->nat = true;
}

static struct needs needs_of(const struct model *model)
{
	struct needs needs = {0};

	for (size_t s = 0; s < model->service_count; s++) {
		const struct service *service = &model->services[s];
		bool removes = service->on_failure == ON_FAILURE_REMOVE;

		needs.removes |= removes;
		needs.quiesces_clients |= !removes && service->persistence.timeout;
		for (size_t i = 0; i < service->real_server_count; i++)
			add_server(&needs, &service->real_servers[i]);
		for (size_t i = 0; i < service->sorry_server_count; i++)
			add_server(&needs, &service->sorry_server[i]);
	}
	return needs;
}

const struct ipvs_sysctl_want *ipvs_sysctls_find(const struct ipvs_sysctls *wanted,
						 const char *path)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!strcmp(wanted->wants[i].want.path, path))
			return &wanted->wants[i];
	return NULL;
}

/* One more, unless the path is there already. */
static int want(struct arena *arena, struct ipvs_sysctls *out, const char *path,
		enum sysctl_rule rule, int64_t value, const char *why)
{
	struct ipvs_sysctl_want *added;

	if (strlen(path) >= SYSCTL_PATH)
		return -ENAMETOOLONG;
	if (ipvs_sysctls_find(out, path))
		return 0;
	added = arena_push(arena, &out->wants, &out->count, sizeof(*added));
	if (!added)
		return -ENOMEM;
	added->want = (struct sysctl_want){.rule = rule, .value = value};
	snprintf(added->want.path, sizeof(added->want.path), "%s", path);
	added->why = why;
	return 0;
}

static int want_no_redirects(struct arena *arena, const struct model *model,
			     struct ipvs_sysctls *out)
{
	static const char why[] = "servers shall answer through the director";
	char path[SYSCTL_PATH];
	int error = want(arena, out, "net/ipv4/conf/all/" REDIRECTS, SYSCTL_EXACTLY, 0, why);

	for (size_t i = 0; i < model->nat_interface_count && !error; i++) {
		error = sysctl_conf_path(path, "ipv4", model->nat_interfaces[i], REDIRECTS);
		if (!error)
			error = want(arena, out, path, SYSCTL_EXACTLY, 0, why);
	}
	return error;
}

/* What the file says, before what is only wished. */
static int want_given(struct arena *arena, const struct ipvs_global *global,
		      struct ipvs_sysctls *out)
{
	char path[SYSCTL_PATH];
	int error = 0;

	for (size_t i = 0; i < global->sysctl_count && !error; i++) {
		int length = snprintf(path, sizeof(path), VS "%s", global->sysctls[i].name);

		error = length < (int)sizeof(path)
				? want(arena, out, path, SYSCTL_EXACTLY, global->sysctls[i].value,
				       "global.ipvs.sysctls says so")
				: -ENAMETOOLONG;
	}
	return error;
}

int ipvs_sysctls_wanted(struct arena *arena, const struct model *model, struct ipvs_sysctls *out)
{
	struct needs needs = needs_of(model);
	int error = 0;

	*out = (struct ipvs_sysctls){0};
	if (!model->service_count)
		return 0;
	if (needs.nat)
		error = want(arena, out, "net/ipv4/ip_forward", SYSCTL_AT_LEAST, 1,
			     "services use nat");
	if (needs.nat6 && !error)
		error = want(arena, out, "net/ipv6/conf/all/forwarding", SYSCTL_AT_LEAST, 1,
			     "services use nat");
	if (needs.nat && !error)
		error = want_no_redirects(arena, model, out);
	if (needs.fullnat && !error)
		error = want(arena, out, VS "conntrack", SYSCTL_EXACTLY, 1, "services use fullnat");
	if (!error)
		error = want_given(arena, &model->global.ipvs, out);
	if (needs.removes && !error)
		error = want(arena, out, VS "expire_nodest_conn", SYSCTL_EXACTLY, 1,
			     "services remove servers that are down");
	if (needs.quiesces_clients && !error)
		error = want(arena, out, VS "expire_quiescent_template", SYSCTL_EXACTLY, 1,
			     "services with persistence quiesce servers that are down");
	return error;
}

int ipvs_sysctls_want_answers(struct arena *arena, struct ipvs_sysctls *out, const char *link,
			      bool is_strict)
{
	static const char why[] = "answers to probes with via: vip come in there";
	char path[SYSCTL_PATH];
	int error = sysctl_conf_path(path, "ipv4", link, ACCEPT_LOCAL);

	if (!error)
		error = want(arena, out, path, SYSCTL_AT_LEAST, 1, why);
	if (error || !is_strict)
		return error;
	error = sysctl_conf_path(path, "ipv4", link, RP_FILTER);
	return error ? error : want(arena, out, path, SYSCTL_AT_LEAST, 2, why);
}

/* ---- one of them ----------------------------------------------------------------------------- */

bool ipvs_sysctl_is_vs(const char *path)
{
	return !strncmp(path, VS, strlen(VS));
}

/* Of one link. */
static bool lets_answers_in(const char *path, const char *last)
{
	return (!strcmp(last, ACCEPT_LOCAL) || !strcmp(last, RP_FILTER)) &&
	       !strstr(path, "/conf/all/");
}

bool ipvs_sysctl_is_ours(const char *path)
{
	const char *last = strrchr(path, '/');

	return ipvs_sysctl_is_vs(path) || !strcmp(path, "net/ipv4/ip_forward") ||
	       !strcmp(path, "net/ipv6/conf/all/forwarding") ||
	       (last && (!strcmp(last + 1, REDIRECTS) || lets_answers_in(path, last + 1)));
}

struct ipvs_sysctl_step ipvs_sysctl_step(const struct sysctl_want *wanted,
					 const struct ipvs_sysctl_owned *owned, int64_t actual)
{
	bool is_right = sysctl_satisfied(wanted, actual);
	bool was_right = owned && sysctl_satisfied(wanted, owned->set);
	struct ipvs_sysctl_step step = {.write = !is_right,
					.note = !was_right,
					.is_repair = !is_right && was_right};

	if (was_right)
		step.set = owned->set;
	else
		step.set = is_right ? actual : wanted->value;
	return step;
}

void ipvs_sysctl_name(const char *path, struct text *out)
{
	char separator = strchr(path, '.') ? '/' : '.';

	for (; *path; path++)
		text_add(out, "%c", *path == '/' ? separator : *path);
}
