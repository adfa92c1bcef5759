/* What the kernel takes for net.ipv4.vs.NAME (Documentation/networking/ipvs-sysctl.rst and vs_vars
 * in ip_vs_ctl.c). A name that is not here is the kernel's to judge. */
#include <string.h>

#include "config/build.h"

static const struct {
	const char *name;
	int64_t max;
} known[] = {
	{"backup_only", 1},
	{"cache_bypass", 1},
	{"conn_reuse_mode", 3},
	{"conntrack", 1},
	{"drop_entry", 3},
	{"drop_packet", 3},
	{"expire_nodest_conn", 1},
	{"expire_quiescent_template", 1},
	{"ignore_tunneled", 1},
	{"nat_icmp_send", 1},
	{"pmtu_disc", 1},
	{"run_estimation", 1},
	{"schedule_icmp", 1},
	{"secure_tcp", 3},
	{"sloppy_sctp", 1},
	{"sloppy_tcp", 1},
	{"snat_reroute", 1},
	{"sync_persist_mode", 1},
	{"sync_retries", 3},
	{"sync_version", 1},
};

static void validate_value(struct build *build, const struct ipvs_sysctl *sysctl,
			   const struct node *value, const struct path *path)
{
	for (size_t i = 0; sysctl->name && i < COUNT_OF(known); i++)
		if (!strcmp(known[i].name, sysctl->name) && sysctl->value > known[i].max)
			node_error(build->reader.diagnostics, value, path,
				   "must be from 0 to %lld, not %lld", (long long)known[i].max,
				   (long long)sysctl->value);
}

void validate_sysctls(struct build *build, const struct origin *ipvs)
{
	const struct ipvs_global *model = &build->model->global.ipvs;
	const struct schema_record *record = schema_find(&schema_global, "ipvs")->record;
	struct origin *inner = ipvs->value ? origin_inner(ipvs, 0) : NULL;
	const struct origin *list = inner ? origin_of(record, inner, "sysctls") : NULL;

	if (!list || !list->value || list->value->kind != NODE_MAPPING)
		return;
	for (size_t i = 0; i < list->value->count && i < model->sysctl_count; i++) {
		const struct node_pair *pair = &list->value->pairs[i];

		validate_value(build, &model->sysctls[i], pair->value,
			       path_below(&build->reader, list->path, pair->key->text, 0));
	}
}
