/* The first look at 3 a.m.: which node, what is wrong (if anything), who is MASTER of what, how the
 * services are. */
#include <string.h>

#include "base/text.h"
#include "ctl/paper.h"
#include "ctl/problems.h"
#include "ctl/show.h"

static void show_problem(void *ctx, const struct problem *problem)
{
	const struct paper *paper = ctx;

	paper_put(paper, INK_BAD, "  ! ");
	paper_fold(paper, INK_PLAIN, 4, 4, problem->text);
	if (*problem->effect) {
		paper_put(paper, INK_WARN, "    → ");
		paper_fold(paper, INK_PLAIN, 6, 6, problem->effect);
	}
	if (*problem->advice) {
		paper_put(paper, INK_DIM, "    try: ");
		paper_fold(paper, INK_PLAIN, 9, 9, problem->advice);
	}
}

static void show_head(const struct paper *paper, const json_t *status)
{
	const char *node = json_text(status, "node"), *cluster = json_text(status, "cluster");
	char ago[PAPER_TEXT];
	bool is_ready = json_truth(status, "ready");
	struct flow flow = {.paper = paper, .indent = 2};

	flow_put(&flow, INK_HEAD, "%s%s%s", *node ? node : "this node", *cluster ? " of " : "",
		 cluster);
	flow_put(&flow, INK_PLAIN, ": lbha %s, generation %lld, running for %s, ",
		 json_text(status, "version"), json_number(status, "generation"),
		 paper_ago(paper, json_object_get(status, "started"), ago));
	flow_put(&flow, is_ready ? INK_GOOD : INK_WARN, "%s", is_ready ? "ready" : "not ready");
	flow_end(&flow);
}

static bool has_happened(const json_t *status, const char *what)
{
	const char *result = json_text(json_object_get(status, what), "result");

	return *result && strcmp(result, "none") != 0;
}

static void show_reload(const struct paper *paper, const json_t *reload)
{
	const char *result = json_text(reload, "result");
	char ago[PAPER_TEXT];

	if (strcmp(result, "none") != 0 && *result)
		paper_put(paper, INK_PLAIN, "last reload %s, %s ago\n", result,
			  paper_ago(paper, json_object_get(reload, "time"), ago));
}

static void show_upgrade(const struct paper *paper, const json_t *upgrade)
{
	const char *result = json_text(upgrade, "result");
	const json_t *errors = json_object_get(upgrade, "errors");
	const char *why = json_string_value(json_array_get(errors, 0));
	struct flow flow = {.paper = paper, .indent = 2};
	char ago[PAPER_TEXT];

	if (!*result || !strcmp(result, "none"))
		return;
	paper_ago(paper, json_object_get(upgrade, "time"), ago);
	if (why)
		flow_put(&flow, INK_WARN, "upgrade refused %s ago: %s", ago, why);
	else
		flow_put(&flow, INK_PLAIN, "upgraded from build %s %s ago",
			 json_text(upgrade, "from"), ago);
	flow_end(&flow);
}

static void show_group(const struct paper *paper, const json_t *group)
{
	const char *state = json_text(group, "state");
	char members[4 * PAPER_TEXT], ago[PAPER_TEXT];
	struct text out = text_of(members, sizeof(members));
	const json_t *since = json_object_get(group, "since"), *member;
	struct flow flow = {.paper = paper, .at = 2, .indent = 4};
	size_t at;

	json_array_foreach (json_object_get(group, "instances"), at, member)
		text_add(&out, "%s%s", at ? ", " : "", json_string_value(member));
	paper_put(paper, INK_PLAIN, "  ");
	flow_put(&flow, INK_PLAIN, "%s is ", json_text(group, "name"));
	flow_put(&flow, paper_ink(state), "%s", state);
	if (json_is_string(since))
		flow_put(&flow, INK_PLAIN, " for %s", paper_ago(paper, since, ago));
	flow_end(&flow);
	paper_put(paper, INK_PLAIN, "    ");
	paper_fold(paper, INK_PLAIN, 4, 4, members);
	paper_put(paper, INK_PLAIN, "    ");
	paper_fold(paper, INK_DIM, 4, 4, json_text(group, "reason"));
}

void show_status(const struct paper *paper, const json_t *status)
{
	const json_t *instances = json_object_get(status, "vrrp"), *group,
		     *overrides = json_object_get(status, "overrides"),
		     *groups = json_object_get(status, "sync_groups"),
		     *services = json_object_get(status, "services");
	size_t at;

	show_head(paper, status);
	if (problems_find(status, NULL, NULL)) {
		paper_put(paper, INK_HEAD, "Not as it should be\n");
		problems_find(status, show_problem, (void *)(uintptr_t)paper);
		if (has_happened(status, "reload") || has_happened(status, "upgrade"))
			paper_put(paper, INK_PLAIN, "\n");
	}
	show_reload(paper, json_object_get(status, "reload"));
	show_upgrade(paper, json_object_get(status, "upgrade"));
	if (json_array_size(overrides)) {
		paper_put(paper, INK_HEAD, "\nOverrides\n");
		show_overrides(paper, overrides, 2);
	}
	if (json_array_size(instances)) {
		paper_put(paper, INK_HEAD, "\nVRRP\n");
		show_instances(paper, instances, 2);
	}
	if (json_array_size(groups)) {
		paper_put(paper, INK_HEAD, "\nSync groups\n");
		json_array_foreach (groups, at, group)
			show_group(paper, group);
	}
	if (json_array_size(services)) {
		paper_put(paper, INK_HEAD, "\nServices\n");
		show_services(paper, services, 2);
	}
}
