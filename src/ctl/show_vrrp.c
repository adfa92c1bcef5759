/* VRRP instances: a row each with the reason below, or one explained in sentences. */
#include <string.h>

#include "base/text.h"
#include "ctl/grid.h"
#include "ctl/paper.h"
#include "ctl/show.h"

#define ADDRESSES_SHOWN 2

/* The first addresses, and how many more there are. */
static const char *some_addresses(const json_t *array, char *buffer)
{
	struct text out = text_of(buffer, PAPER_TEXT);
	size_t count = json_array_size(array),
	       shown = count > ADDRESSES_SHOWN + 1 ? ADDRESSES_SHOWN : count;

	for (size_t i = 0; i < shown; i++)
		text_add(&out, "%s%s", i ? " " : "", json_string_value(json_array_get(array, i)));
	if (count > shown)
		text_add(&out, " (%zu more)", count - shown);
	return buffer;
}

static const char *master_of(const json_t *instance)
{
	if (!strcmp(json_text(instance, "state"), "MASTER"))
		return "this node";
	return *json_text(instance, "master_address") ? json_text(instance, "master_address") : "-";
}

static void row(struct grid *grid, const struct paper *paper, const json_t *instance)
{
	const char *state = json_text(instance, "state"), *reason = json_text(instance, "reason");
	char buffer[PAPER_TEXT];

	grid_cell(grid, INK_PLAIN, "%s", json_text(instance, "name"));
	grid_cell(grid, paper_ink(state), "%s", state);
	grid_cell(grid, INK_PLAIN, "%s",
		  paper_ago(paper, json_object_get(instance, "since"), buffer));
	grid_cell(grid, INK_PLAIN, "%lld", json_number(instance, "priority"));
	grid_cell(grid, INK_PLAIN, "%s", master_of(instance));
	grid_cell(grid, INK_PLAIN, "%s", json_text(instance, "interface"));
	grid_cell(grid, INK_PLAIN, "%s",
		  some_addresses(json_object_get(instance, "virtual_addresses"), buffer));
	if (*reason)
		grid_note(grid, INK_DIM, "%s", reason);
	if (json_truth(instance, "competing_master"))
		grid_note(grid, INK_BAD, "another director claims to be MASTER at the same time");
}

void show_instances(const struct paper *paper, const json_t *instances, size_t indent)
{
	static const struct grid_column columns[] = {
		{.title = "INSTANCE"},
		{.title = "STATE"},
		{.title = "FOR"},
		{.title = "PRIO", .is_number = true},
		{.title = "MASTER"},
		{.title = "LINK"},
		{.title = "ADDRESSES", .folds = true},
	};
	struct grid *grid = grid_new(columns, COUNT_OF(columns));
	const json_t *instance;
	size_t at;

	json_array_foreach (instances, at, instance)
		row(grid, paper, instance);
	grid_print(grid, paper, indent);
	grid_free(grid);
}

/* ---- in words --------------------------------------------------------------------- */

static void say_state(const struct paper *paper, const json_t *instance)
{
	const char *state = json_text(instance, "state"), *reason = json_text(instance, "reason");
	const json_t *since = json_object_get(instance, "since");
	char time[PAPER_TEXT], ago[PAPER_TEXT];

	paper_put(paper, INK_HEAD, "%s", json_text(instance, "name"));
	paper_put(paper, INK_PLAIN, " is ");
	paper_put(paper, paper_ink(state), "%s", state);
	if (json_is_string(since))
		paper_put(paper, INK_PLAIN, " since %s (%s)", paper_time(since, time),
			  paper_ago(paper, since, ago));
	paper_put(paper, INK_PLAIN, ".\n");
	if (*reason) {
		paper_put(paper, INK_PLAIN, "Why: ");
		paper_fold(paper, INK_PLAIN, 5, 5, reason);
	}
}

static void say_faults(const struct paper *paper, const json_t *faults)
{
	const json_t *fault;
	size_t at;

	json_array_foreach (faults, at, fault) {
		paper_put(paper, INK_BAD, "  ! ");
		paper_fold(paper, INK_PLAIN, 4, 4, json_string_value(fault));
	}
}

static void say_master(const struct paper *paper, const json_t *instance)
{
	const char *address = json_text(instance, "master_address");

	if (json_truth(instance, "competing_master"))
		paper_put(paper, INK_BAD,
			  "Another director claims to be MASTER at the same time.\n");
	if (!strcmp(json_text(instance, "state"), "MASTER"))
		paper_put(paper, INK_PLAIN, "The master is this node (%s).\n",
			  *address ? address : "-");
	else if (*address)
		paper_put(paper, INK_PLAIN, "The master is %s with priority %lld.\n", address,
			  json_number(instance, "master_priority"));
	else
		paper_put(paper, INK_PLAIN, "No master is known.\n");
}

static void say_priority(const struct paper *paper, const json_t *instance)
{
	long long now = json_number(instance, "priority"),
		  base = json_number(instance, "base_priority"),
		  configured = json_number(instance, "configured_priority");

	paper_put(paper, INK_PLAIN, "Its priority is %lld", now);
	if (base != configured)
		paper_put(paper, INK_WARN, " (configured: %lld; the operator said %lld)", configured,
			  base);
	else if (now != base)
		paper_put(paper, INK_WARN, " (configured: %lld)", base);
	paper_put(paper, INK_PLAIN, "; it %s a master of lower priority.\n",
		  json_truth(instance, "preempt") ? "preempts" : "does not preempt");
}

static void say_protocol(const struct paper *paper, const json_t *instance)
{
	char text[PAPER_TEXT];

	snprintf(text, sizeof(text),
		 "VRRP version %lld, %s, virtual router %lld on %s, an advert every %gs.",
		 json_number(instance, "version"),
		 !strcmp(json_text(instance, "family"), "ipv6") ? "IPv6" : "IPv4",
		 json_number(instance, "virtual_router_id"), json_text(instance, "interface"),
		 json_number_value(json_object_get(instance, "advert_interval")));
	paper_fold(paper, INK_PLAIN, 0, 0, text);
}

static void say_addresses(const struct paper *paper, const json_t *addresses)
{
	const json_t *address;
	size_t at;

	paper_put(paper, INK_PLAIN, "Virtual addresses:\n");
	json_array_foreach (addresses, at, address)
		paper_put(paper, INK_PLAIN, "  %s\n", json_string_value(address));
}

/* Only the reasons for which something was dropped. */
static void say_dropped(const struct paper *paper, const json_t *dropped)
{
	char text[PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));
	const char *reason;
	json_t *count;

	json_object_foreach ((json_t *)(uintptr_t)dropped, reason, count) {
		if (json_integer_value(count))
			text_add(&out, "%s%s %lld", out.length ? ", " : "Dropped: ", reason,
				 (long long)json_integer_value(count));
	}
	paper_fold(paper, INK_PLAIN, 0, 9, out.length ? text : "Dropped: nothing");
}

static void say_counts(const struct paper *paper, const json_t *instance)
{
	paper_put(paper, INK_PLAIN, "Adverts: %lld sent, %lld received. Changes of state: %lld.\n",
		  json_number(instance, "sent"), json_number(instance, "received"),
		  json_number(instance, "transitions"));
	say_dropped(paper, json_object_get(instance, "dropped"));
}

void show_instance(const struct paper *paper, const json_t *instance)
{
	say_state(paper, instance);
	say_faults(paper, json_object_get(instance, "faults"));
	say_master(paper, instance);
	say_priority(paper, instance);
	paper_put(paper, INK_PLAIN, "\n");
	say_protocol(paper, instance);
	say_addresses(paper, json_object_get(instance, "virtual_addresses"));
	say_counts(paper, instance);
}
