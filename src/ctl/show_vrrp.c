/* VRRP instances: a row each with the reason below, or one explained in sentences: why it is what it
 * is, what it would take to be something else, and what speaks against its being well. */
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "ctl/causes.h"
#include "ctl/drops.h"
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
		grid_note(grid, INK_BAD, "%s advertises %lld at the same time",
			  json_text(instance, "competitor_address"),
			  json_number(instance, "competitor_priority"));
	if (*json_text(instance, "missing"))
		grid_note(grid, INK_BAD, "not in place: %s", json_text(instance, "missing"));
	if (json_truth(instance, "no_peer_heard"))
		grid_note(grid, INK_WARN, "no other router was ever heard");
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

/* One sentence, folded; each ends its line. */
static void PRINTF_LIKE(3, 4)
	say(const struct paper *paper, enum ink ink, const char *format, ...)
{
	char text[2 * PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));
	va_list list;

	va_start(list, format);
	text_addv(&out, format, list);
	va_end(list);
	paper_fold(paper, ink, 0, 0, text);
}

/* From the roots on, where they are known. The cause of a MASTER is that of its priority, which is told below. */
static void say_why(const struct paper *paper, const json_t *instance)
{
	bool is_master = !strcmp(json_text(instance, "state"), "MASTER");
	const json_t *cause = is_master ? NULL : json_object_get(instance, "cause");
	const char *effect = causes_effect(cause);
	char text[8 * PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));

	causes_add(&out, cause, paper);
	text_add(&out, "%s%s", out.length ? " → " : "",
		 *effect ? effect : json_text(instance, "reason"));
	if (!out.length)
		return;
	paper_put(paper, INK_PLAIN, "Why: ");
	paper_fold(paper, INK_PLAIN, 5, 5, text);
}

static void say_state(const struct paper *paper, const json_t *instance)
{
	struct flow flow = {.paper = paper};
	const char *state = json_text(instance, "state");
	const json_t *since = json_object_get(instance, "since");
	char time[PAPER_TEXT], ago[PAPER_TEXT];

	flow_put(&flow, INK_HEAD, "%s", json_text(instance, "name"));
	flow_put(&flow, INK_PLAIN, " is ");
	flow_put(&flow, paper_ink(state), "%s", state);
	if (json_is_string(since))
		flow_put(&flow, INK_PLAIN, " since %s (%s)", paper_time(since, time),
			 paper_ago(paper, since, ago));
	flow_put(&flow, INK_PLAIN, ".");
	flow_end(&flow);
	say_why(paper, instance);
}

static void say_faults(const struct paper *paper, const json_t *faults, const char *reason)
{
	const json_t *fault;
	size_t at;

	if (json_array_size(faults) == 1 &&
	    !strcmp(json_string_value(json_array_get(faults, 0)), reason))
		return; /* said already */
	json_array_foreach (faults, at, fault) {
		paper_put(paper, INK_BAD, "  ! ");
		paper_fold(paper, INK_PLAIN, 4, 4, json_string_value(fault));
	}
}

static void say_master(const struct paper *paper, const json_t *instance)
{
	const char *address = json_text(instance, "master_address");

	if (!strcmp(json_text(instance, "state"), "MASTER"))
		say(paper, INK_PLAIN, "The master is this node (%s).", *address ? address : "-");
	else if (*address)
		say(paper, INK_PLAIN, "The master is %s with priority %lld.", address,
		    json_number(instance, "master_priority"));
	else
		say(paper, INK_PLAIN, "No master is known.");
}

/* ---- priority --------------------------------------------------------------------- */

/* " - 30 (gateway down: connect: refused)" for each tracker that counts; their sum. */
static long long add_effects(struct text *out, const json_t *trackers)
{
	const json_t *tracker;
	long long sum = 0;
	size_t at;

	json_array_foreach (trackers, at, tracker) {
		long long effect = json_number(tracker, "effect");

		if (!effect)
			continue;
		sum += effect;
		text_add(out, " %c %lld (%s %s: %s)", effect < 0 ? '-' : '+',
			 effect < 0 ? -effect : effect, json_text(tracker, "name"),
			 json_text(tracker, "state"), json_text(tracker, "reason"));
	}
	return sum;
}

static void say_priority(const struct paper *paper, const json_t *instance)
{
	long long now = json_number(instance, "priority"),
		  base = json_number(instance, "base_priority"),
		  configured = json_number(instance, "configured_priority"), sum;
	char effects[PAPER_TEXT];
	struct text out = text_of(effects, sizeof(effects));

	if (json_truth(instance, "maintenance")) {
		say(paper, INK_WARN,
		    "In maintenance its priority is the lowest, %lld (else %lld): it claims nothing.", now,
		    base);
		return;
	}
	sum = add_effects(&out, json_object_get(instance, "trackers"));
	if (base != 255 && base + sum != now)
		text_add(&out, ", kept within 1 and 254");
	if (out.length && base != 255)
		say(paper, now < base ? INK_WARN : INK_PLAIN, "Its priority is %lld = %lld%s.", now,
		    base, effects);
	else
		say(paper, INK_PLAIN, "Its priority is %lld.", now);
	if (base != configured)
		say(paper, INK_WARN, "An operator said %lld in place of the configured %lld.", base,
		    configured);
	say(paper, INK_PLAIN, "It %s a master of lower priority.",
	    json_truth(instance, "preempt") ? "preempts" : "does not preempt");
}

/* ---- what it would take ----------------------------------------------------------- */

/* With the trackers up it would win: then it is they who must be looked at. */
static void say_blame(const struct paper *paper, const json_t *instance)
{
	long long now = json_number(instance, "priority"),
		  base = json_number(instance, "base_priority"),
		  theirs = json_number(instance, "master_priority");

	if (now < theirs && base > theirs)
		say(paper, INK_PLAIN,
		    "It is its trackers that keep it from being MASTER: without what they take "
		    "away it would have %lld > %lld.",
		    base, theirs);
}

static void say_follower(const struct paper *paper, const json_t *instance)
{
	const char *master = json_text(instance, "master_address");

	if (json_truth(instance, "preempt"))
		say(paper, INK_PLAIN,
		    "It becomes MASTER when %s falls silent, gives up, or advertises less than "
		    "%lld.",
		    master, json_number(instance, "priority"));
	else
		say(paper, INK_PLAIN, "It becomes MASTER when %s falls silent or gives up.",
		    master);
	say_blame(paper, instance);
}

/* What ends the state that a reason stands for; %1$s: the instance, %2$s: its master. */
static const char *next_of(const char *code)
{
	static const struct {
		const char *code, *next;
	} rows[] = {
		{"listening", "It becomes MASTER when it has heard no master for long enough."},
		{"no_preempt", "It becomes MASTER when %2$s falls silent or gives up; `lbhactl "
			       "claim %1$s` takes over at once."},
		{"startup_delay", "It becomes MASTER when the delay has ended, or %2$s falls "
				  "silent."},
		{"preempt_delay", "It becomes MASTER when the delay has ended, or %2$s falls "
				  "silent."},
		{"not_ready", "It becomes MASTER when the table of services is programmed and all "
			      "its checks are known (global.ready_timeout at most), or %2$s falls "
			      "silent."},
		{"preempting", "It is about to become MASTER."},
		{"claiming", "It is about to become MASTER."},
		{"giving_up", "It is about to become MASTER."},
		{"standing_down", "It becomes MASTER at `lbhactl claim %1$s`, or when no master "
				  "is heard any more."},
		{"barred", "It claims nothing before `lbhactl maintenance off`."},
		{"sync_group", "It moves with its sync group only."},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (!strcmp(rows[i].code, code))
			return rows[i].next;
	return NULL;
}

/* Puts the names in the place of %1$s and %2$s. */
static void add_template(struct text *out, const char *template, const char *first,
			 const char *second)
{
	while (*template) {
		size_t length = strcspn(template, "%");

		text_add(out, "%.*s", (int)length, template);
		template += length;
		if (!*template)
			break;
		text_add(out, "%s", template[1] == '1' ? first : second);
		template += strlen("%1$s");
	}
}

static void say_backup(const struct paper *paper, const json_t *instance)
{
	const char *next = next_of(json_text(instance, "reason_code"));
	char text[PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));

	if (next) {
		add_template(&out, next, json_text(instance, "name"),
			     json_text(instance, "master_address"));
		paper_fold(paper, INK_PLAIN, 0, 0, text);
	} else if (*json_text(instance, "master_address")) {
		say_follower(paper, instance);
	}
}

static void say_next(const struct paper *paper, const json_t *instance)
{
	const char *state = json_text(instance, "state");

	if (!strcmp(state, "BACKUP"))
		say_backup(paper, instance);
	else if (!strcmp(state, "FAULT"))
		say(paper, INK_PLAIN, "It takes part again when none of this is so any more.");
	else if (!strcmp(state, "MASTER") && json_number(instance, "priority") < 255)
		say(paper, INK_PLAIN,
		    "It stays MASTER until another router advertises more than %lld, or as much "
		    "from a higher address.",
		    json_number(instance, "priority"));
}

/* ---- what speaks against it ------------------------------------------------------- */

static void say_competitor(const struct paper *paper, const json_t *instance)
{
	if (!json_truth(instance, "competing_master"))
		return;
	say(paper, INK_BAD,
	    "%s claims to be MASTER at the same time, with priority %lld: it does not hear this "
	    "director, or drops what it hears. Look at its own status, and at what lies between: "
	    "firewalls (IP protocol 112, with AH 51), multicast snooping, VLANs.",
	    json_text(instance, "competitor_address"),
	    json_number(instance, "competitor_priority"));
}

static void say_no_peer(const struct paper *paper, const json_t *instance)
{
	if (!json_truth(instance, "no_peer_heard"))
		return;
	say(paper, INK_WARN,
	    "It has never heard another router. That is so while all others are BACKUP or down; "
	    "if one of them is MASTER too, adverts do not get through: look at firewalls (IP "
	    "protocol 112, with AH 51), multicast snooping, VLANs, and at `transport` and "
	    "`virtual_router_id` there.");
}

/* Received, not dropped: the protocol leaves it open. */
static void say_other_addresses(const struct paper *paper, const json_t *instance)
{
	long long adverts = json_number(instance, "other_addresses");

	if (adverts)
		say(paper, INK_WARN,
		    "%lld advert%s listed other virtual addresses than its own, the last from %s: "
		    "`virtual_addresses` must be the same on all routers.",
		    adverts, adverts == 1 ? "" : "s",
		    json_text(instance, "other_addresses_from"));
}

static void say_missing(const struct paper *paper, const json_t *instance)
{
	if (*json_text(instance, "missing"))
		say(paper, INK_BAD, "Not in place: %s.", json_text(instance, "missing"));
}

static void say_repairs(const struct paper *paper, const json_t *instance)
{
	long long repairs = json_number(instance, "repairs");

	if (!repairs)
		return;
	say(paper, json_truth(instance, "contested") ? INK_BAD : INK_WARN,
	    "Repaired %lld time%s what somebody else changed in the kernel%s, last: %s.", repairs,
	    repairs == 1 ? "" : "s",
	    json_truth(instance, "contested") ? "; it keeps coming undone" : "",
	    json_text(instance, "repair"));
}

static void say_group(const struct paper *paper, const json_t *instance)
{
	const char *group = json_text(instance, "sync_group");

	if (*group)
		say(paper, INK_PLAIN,
		    "It is MASTER together with all of sync group %s, or not at all.", group);
}

static void say_trackers(const struct paper *paper, const json_t *trackers)
{
	static const struct grid_column columns[] = {
		{.title = "TRACKER"},
		{.title = "STATE"},
		{.title = "FOR"},
		{.title = "WEIGHT", .is_number = true},
		{.title = "REASON", .folds = true},
	};
	struct grid *grid = grid_new(columns, COUNT_OF(columns));
	const json_t *tracker;
	char ago[PAPER_TEXT];
	size_t at;

	json_array_foreach (trackers, at, tracker) {
		const char *state = json_text(tracker, "state");
		long long weight = json_number(tracker, "weight");

		grid_cell(grid, INK_PLAIN, "%s", json_text(tracker, "name"));
		grid_cell(grid, paper_ink(state), "%s", state);
		grid_cell(grid, INK_PLAIN, "%s",
			  paper_ago(paper, json_object_get(tracker, "since"), ago));
		if (weight)
			grid_cell(grid, INK_PLAIN, "%+lld", weight);
		else
			grid_cell(grid, INK_PLAIN, "fault");
		grid_cell(grid, INK_PLAIN, "%s", json_text(tracker, "reason"));
	}
	if (json_array_size(trackers)) {
		paper_put(paper, INK_PLAIN, "\n");
		grid_print(grid, paper, 0);
	}
	grid_free(grid);
}

/* ---- protocol and counters -------------------------------------------------------- */

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
	json_array_foreach (addresses, at, address) {
		paper_put(paper, INK_PLAIN, "  ");
		paper_fold(paper, INK_PLAIN, 2, 4, json_string_value(address));
	}
}

static void say_drop(const struct paper *paper, const json_t *instance, const char *reason,
		     long long count)
{
	const struct drop_words *words = drop_words(reason);
	const json_t *time = json_object_get(json_object_get(instance, "dropped_at"), reason);
	const char *from = json_text(json_object_get(instance, "dropped_from"), reason);
	char text[PAPER_TEXT], ago[PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));

	text_add(&out, "%lld dropped: %s", count, words->what);
	if (*from)
		text_add(&out, ", last from %s", from);
	if (json_is_string(time))
		text_add(&out, "%s %s ago", *from ? "" : ", last", paper_ago(paper, time, ago));
	if (*words->look)
		text_add(&out, " (%s)", words->look);
	paper_put(paper, INK_PLAIN, "  ");
	paper_fold(paper, words->is_mismatch ? INK_WARN : INK_PLAIN, 2, 4, text);
}

/* Only the buckets that have counted: "30 within 0.1 ms, 1 later than 100 ms". */
static void say_lateness(const struct paper *paper, const json_t *buckets)
{
	char text[PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));
	const char *bound, *below = "0";
	json_t *count;

	json_object_foreach ((json_t *)(uintptr_t)buckets, bound, count) {
		long long number = json_integer_value(count);
		bool is_last = !strcmp(bound, "inf");

		if (number)
			text_add(&out, "%s%lld %s %s ms", out.length ? ", " : "Lateness: ", number,
				 is_last ? "more than" : "below", is_last ? below : bound);
		below = bound;
	}
	if (out.length) {
		text_add(&out, ".");
		paper_fold(paper, INK_PLAIN, 0, 2, text);
	}
}

static void say_counts(const struct paper *paper, const json_t *instance)
{
	const char *reason;
	json_t *count;

	say(paper, INK_PLAIN, "Adverts: %lld sent, %lld received. Changes of state: %lld.",
	    json_number(instance, "sent"), json_number(instance, "received"),
	    json_number(instance, "transitions"));
	json_object_foreach (json_object_get(instance, "dropped"), reason, count)
		if (json_integer_value(count))
			say_drop(paper, instance, reason, json_integer_value(count));
	say_lateness(paper, json_object_get(instance, "lateness_ms"));
}

void show_instance(const struct paper *paper, const json_t *instance)
{
	say_state(paper, instance);
	say_faults(paper, json_object_get(instance, "faults"), json_text(instance, "reason"));
	say_master(paper, instance);
	say_priority(paper, instance);
	say_next(paper, instance);
	say_group(paper, instance);
	say_competitor(paper, instance);
	say_no_peer(paper, instance);
	say_other_addresses(paper, instance);
	say_missing(paper, instance);
	say_repairs(paper, instance);
	say_trackers(paper, json_object_get(instance, "trackers"));
	paper_put(paper, INK_PLAIN, "\n");
	say_protocol(paper, instance);
	say_addresses(paper, json_object_get(instance, "virtual_addresses"));
	say_counts(paper, instance);
}
