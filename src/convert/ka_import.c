/* keepalived.conf to lbha.conf: the order of things, the tables' walk, and what is said. See
 * ka_import.h. */
#include "convert/ka_import.h"

#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/ka_run.h"

#define SAID_MAX 512

/* ---- saying --------------------------------------------------------------------------------- */

static const char *keyword_of(const struct ka_node *node)
{
	return node->count ? node->words[0] : "?";
}

void ka_say(struct ka_run *run, const struct ka_node *node, struct draft *into,
	    enum import_severity severity, const char *format, ...)
{
	char buffer[SAID_MAX];
	struct text text = text_of(buffer, sizeof(buffer));
	va_list list;

	text_add(&text, "%.64s: ", keyword_of(node));
	va_start(list, format);
	text_addv(&text, format, list);
	va_end(list);
	text_clean(buffer);
	run->report->say(run->report->ctx, severity, node->file, node->line, buffer);
	draft_below(run->arena, into, "%s%s:%u: %s", severity == IMPORT_WARNING ? "WARNING " : "",
		    node->file, node->line, buffer);
}

/* ---- tables --------------------------------------------------------------------------------- */

static const struct ka_rule *rule_of(const struct ka_rules *rules, const char *keyword)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!strcmp(rules->rules[i].keyword, keyword))
			return &rules->rules[i];
	return NULL;
}

void ka_read_elsewhere(UNUSED struct ka_run *run, UNUSED const struct ka_node *node,
		       UNUSED void *object, UNUSED struct draft *into)
{
}

void ka_take_block(struct ka_run *run, const struct ka_node *block, const struct ka_rules *rules,
		   void *object, struct draft *into)
{
	for (const struct ka_node *at = block->first; at; at = at->next) {
		const struct ka_rule *rule = rule_of(rules, keyword_of(at));

		if (!rule)
			ka_say(run, at, into, IMPORT_WARNING, "unknown in %s", rules->block);
		else if (rule->remark)
			ka_say(run, at, into, rule->severity, "%s", rule->remark);
		if (rule && rule->apply)
			rule->apply(run, at, object, into);
	}
}

bool ka_keyword(size_t index, struct ka_keyword *out)
{
	static const struct ka_rules *const tables[] = {
		&ka_rules_top,     &ka_rules_global,  &ka_rules_instance, &ka_rules_group,
		&ka_rules_script,  &ka_rules_process, &ka_rules_service,  &ka_rules_server,
		&ka_rules_check,   &ka_rules_url,
	};

	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		const struct ka_rule *rule = &tables[i]->rules[index];

		if (index >= tables[i]->count) {
			index -= tables[i]->count;
			continue;
		}
		*out = (struct ka_keyword){tables[i]->block, rule->keyword, rule->key, rule->remark};
		return true;
	}
	return false;
}

const struct ka_node *ka_named(const struct ka_run *run, const char *keyword, const char *name)
{
	for (const struct ka_node *at = run->tree->first; at && name; at = at->next)
		if (ka_is(at, keyword) && ka_word(at, 1) && !strcmp(ka_word(at, 1), name))
			return at;
	return NULL;
}

/* ---- outside of blocks ---------------------------------------------------------------------- */

#define BLOCK(function)                                                                       \
	static void top_##function(struct ka_run *run, const struct ka_node *node,            \
				   UNUSED void *object, UNUSED struct draft *into)            \
	{                                                                                     \
		ka_take_##function(run, node);                                                \
	}
BLOCK(instance)
BLOCK(group)
BLOCK(script)
BLOCK(process)
BLOCK(service)

static const struct ka_rule top_rules[] = {
	{"global_defs", ka_read_elsewhere, "global, defaults", 0, NULL},
	{"vrrp_instance", top_instance, "vrrp", 0, NULL},
	{"vrrp_sync_group", top_group, "sync_groups", 0, NULL},
	{"vrrp_script", top_script, "checks (type: script)", 0, NULL},
	{"vrrp_track_process", top_process, "checks (type: process)", 0, NULL},
	{"virtual_server", top_service, "services", 0, NULL},
	{"virtual_server_group", ka_read_elsewhere, "services: listen", 0, NULL},
	{"SSL", ka_read_elsewhere, "check: tls", 0, NULL},
	{"interface_up_down_delays", ka_read_elsewhere, "vrrp: track: up_delay, down_delay", 0, NULL},
	{"vrrp_track_file", NULL, NULL, IMPORT_WARNING,
	 "a number in a file is no priority here; a check of type file (0 or down in it fails) or script, with a weight, says the same"},
	{"track_file", NULL, NULL, IMPORT_WARNING,
	 "a number in a file is no priority here; a check of type file (0 or down in it fails) or script, with a weight, says the same"},
	{"bfd_instance", NULL, NULL, IMPORT_WARNING,
	 "lbha does not speak BFD; adverts at 100ms or less find a dead director as fast, or FRR's bfdd beside a check of type script"},
	{"static_ipaddress", NULL, NULL, IMPORT_WARNING,
	 "fixed addresses belong into the system's network configuration"},
	{"static_routes", NULL, NULL, IMPORT_WARNING,
	 "fixed routes belong into the system's network configuration"},
	{"static_rules", NULL, NULL, IMPORT_WARNING,
	 "rules of routing belong into the system's network configuration"},
	{"track_group", NULL, NULL, IMPORT_WARNING,
	 "fixed addresses are not tracked; track the interface that they are on"},
	{"garp_group", NULL, NULL, IMPORT_NOTE,
	 "announcements are held to 4000 frames a second and interface by themselves"},
	{"linkbeat_use_polling", NULL, NULL, IMPORT_NOTE, "the kernel tells of links; nobody polls"},
	{"linkbeat_interfaces", NULL, NULL, IMPORT_NOTE, "the kernel tells of links; nobody polls"},
	{"net_namespace", NULL, NULL, IMPORT_WARNING,
	 "start lbhad in the namespace: NetworkNamespacePath= in its unit, or ip netns exec"},
	{"net_namespace_ipvs", NULL, NULL, IMPORT_WARNING,
	 "VRRP and IPVS are in one namespace; run a second lbhad in the other one"},
	{"namespace_with_ipsets", NULL, NULL, IMPORT_NOTE, "no ipsets are used"},
	{"instance", NULL, NULL, IMPORT_NOTE, "several lbhad have a --run-dir each"},
	{"use_pid_dir", NULL, NULL, IMPORT_NOTE, "there are no pid files"},
	{"child_wait_time", NULL, NULL, IMPORT_NOTE, "a stop waits until everything is released"},
};

const struct ka_rules ka_rules_top = {"outside of blocks", top_rules, COUNT_OF(top_rules)};

/* ---- files ---------------------------------------------------------------------------------- */

struct parsing {
	struct ka_files files;
	const struct import_report *report;
};

static void say_parsing(void *ctx, const char *file, uint32_t line, const char *text)
{
	const struct parsing *parsing = ctx;

	parsing->report->say(parsing->report->ctx, IMPORT_WARNING, file, line, text);
}

static int include(void *ctx, const char *including_file, const char *pattern,
		   int (*found)(void *found_ctx, const char *path, const char *bytes, size_t size),
		   void *found_ctx, char *why)
{
	const struct ka_files *files = &((const struct parsing *)ctx)->files;

	return files->include(files->ctx, including_file, pattern, found, found_ctx, why);
}

static struct ka_node *parse(struct arena *arena, const struct ka_files *files,
			     const struct ka_source *source, const struct import_report *report)
{
	struct parsing parsing = {*files, report};
	struct ka_files wrapped = {files->include ? include : NULL, say_parsing, &parsing};

	return ka_parse(arena, &wrapped, source->id, source->path, source->bytes, source->size);
}

/* The draft of one node by itself. */
static struct draft *import_one(struct arena *arena, const struct ka_files *files,
				const struct ka_source *source, const struct import_report *report)
{
	struct ka_run run = {.arena = arena, .report = report, .node = source->node};
	struct draft *directors;

	run.tree = parse(arena, files, source, report);
	run.root = draft_new(arena);
	if (!run.tree || !run.root)
		return NULL;
	directors = draft_map(arena, run.root, "directors");
	draft_map(arena, directors, source->node);
	ka_take_globals(&run);
	/* sections in the order of lbha.conf(5), whatever comes first in the file */
	draft_list(arena, run.root, "vrrp");
	draft_list(arena, run.root, "sync_groups");
	draft_map(arena, run.root, "checks");
	draft_list(arena, run.root, "services");
	ka_take_block(&run, run.tree, &ka_rules_top, NULL, run.root);
	ka_finish_groups(&run);
	return run.root;
}

/* Sections that have come to nothing; their comments go to the end. */
static void remove_empty(struct draft *root)
{
	static const char *const sections[] = {"global", "defaults", "vrrp",
					       "sync_groups", "checks", "services"};

	for (size_t i = 0; i < COUNT_OF(sections); i++) {
		const struct draft *section = draft_find(root, sections[i]);

		if (section && !section->first && !section->below)
			draft_remove(root, sections[i]);
	}
}

/* An empty line before each section, and at the head where all of it comes from. */
static void dress(struct arena *arena, struct draft *root, const struct ka_source *sources, size_t count)
{
	struct draft head = {0};

	for (size_t i = 0; i < count; i++)
		draft_above(arena, &head, "Imported from %s, the keepalived.conf of %s.", sources[i].path,
			    sources[i].node);
	draft_above(arena, &head, "Look at it with: lbhad --check -f FILE");
	for (struct draft *at = root->first; at; at = at->next) {
		struct draft_comment *comments = at->above;

		at->above = NULL;
		draft_above(arena, at, "%s", "");
		*(at->above ? &at->above->next : &at->above) = comments;
	}
	draft_follow(&head, root->first);
}

struct draft *ka_import(struct arena *arena, const struct ka_files *files,
			const struct ka_source *sources, size_t count,
			const struct import_report *report)
{
	struct draft **drafts = arena_array(arena, count, sizeof(struct draft *)), *root;

	if (!drafts)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		drafts[i] = import_one(arena, files, &sources[i], report);
		if (!drafts[i])
			return NULL;
	}
	root = ka_merge(arena, report, drafts, sources, count);
	if (!root || arena_failed(arena))
		return NULL;
	remove_empty(root);
	dress(arena, root, sources, count);
	return root;
}
