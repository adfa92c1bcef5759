/* See problems.h. Degraded is: not ready, in maintenance, a worker that does not run, a refused
 * reload, a kernel that refuses or has no IPVS, an instance that is neither BACKUP nor MASTER, has
 * competition, drops what a peer may have meant, has a tracker that is down, an address that is
 * contested or missing, or a route that is; a service that is not up. That no peer was ever heard is
 * none: who boots first hears nobody, as long as all others are well. What the cause of a service or an instance names is
 * told of that, once, with all that comes of it. A notify script that has failed lately is one, too. */
#include "ctl/problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/duration.h"
#include "base/text.h"
#include "base/walltime.h"
#include "ctl/causes.h"
#include "ctl/drops.h"
#include "ctl/paper.h"
#include "ctl/problem_roots.h"

#define RECENT (60 * NSTIME_S) /* a drop is a problem that long */
#define FAILURE_RECENT (600 * NSTIME_S) /* and that a notify script failed */

#define SHOWN 3         /* services that one cause brings about, by name */
#define ROOTS_SHOWN 10

struct search {
	void (*tell)(void *ctx, const struct problem *problem);
	void *ctx;
	size_t count;
	nstime now; /* of the status */
	struct problem problem; /* to be told when it is complete */
	struct problem_roots roots;
};

static void flush(struct search *search)
{
	if (search->tell && *search->problem.text)
		search->tell(search->ctx, &search->problem);
	search->problem = (struct problem){.text = ""};
}

static void PRINTF_LIKE(2, 3) found(struct search *search, const char *format, ...)
{
	struct text out;
	va_list list;

	flush(search);
	search->count++;
	out = text_of(search->problem.text, sizeof(search->problem.text));
	va_start(list, format);
	text_addv(&out, format, list);
	va_end(list);
}

/* Of the problem that was found last: a command that helps. */
static void PRINTF_LIKE(2, 3) advise(struct search *search, const char *format, ...)
{
	struct text out = text_of(search->problem.advice, sizeof(search->problem.advice));
	va_list list;

	va_start(list, format);
	text_addv(&out, format, list);
	va_end(list);
}

/* " for 12s", or nothing where it is not known. */
static const char *lasting(const struct search *search, const json_t *object, char *out)
{
	char about[DURATION_TEXT];
	nstime since;

	*out = '\0';
	if (search->now && !walltime_parse(json_text(object, "since"), &since))
		snprintf(out, PAPER_TEXT, " for %s",
			 duration_about((search->now - since) / NSTIME_MS * NSTIME_MS, about));
	return out;
}

/* Neither warnings nor the count of errors is why a file was refused; NULL: nobody said why. */
static const char *first_reason(const json_t *lines)
{
	unsigned errors, warnings;
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) {
		const char *text = json_string_value(line);

		if (text && !strstr(text, ": warning: ") &&
		    sscanf(text, "%u error%*[s,] %u warning", &errors, &warnings) != 2)
			return text;
	}
	return NULL;
}

static void find_in_daemon(struct search *search, const json_t *status)
{
	const json_t *reload = json_object_get(status, "reload");
	const char *error = first_reason(json_object_get(reload, "errors"));

	if (!json_truth(status, "ready")) {
		found(search, "not ready yet: some worker has not taken up its work");
		advise(search, "journalctl -u lbha -e");
	}
	if (json_truth(status, "maintenance")) {
		found(search, "in maintenance: nothing is claimed and nothing repaired");
		advise(search, "lbhactl maintenance off");
	}
	if (*json_text(status, "overrides_error"))
		found(search, "the file of overrides: %s; what is said now holds only until lbhad ends",
		      json_text(status, "overrides_error"));
	if (!strcmp(json_text(reload, "result"), "refused")) {
		found(search, "the last reload was refused%s%s", error ? ": " : "",
		      error ? error : "");
		advise(search, "lbhad --check, and lbhactl reload when that is content");
	}
}

/* The compiler lives for one load: it is the one worker that may be stopped. */
static void find_in_workers(struct search *search, const json_t *workers)
{
	const json_t *worker;
	size_t at;

	json_array_foreach (workers, at, worker) {
		const char *name = json_text(worker, "name"), *state = json_text(worker, "state");

		if (!strcmp(state, "running") || !strcmp(name, "compiler"))
			continue;
		found(search, "the %s worker does not run: %s after %lld restarts%s%s", name, state,
		      json_number(worker, "restarts"),
		      *json_text(worker, "reason") ? "; the last one " : "",
		      json_text(worker, "reason"));
		advise(search, "journalctl -u lbha -e");
	}
}

static void find_in_kernel(struct search *search, const json_t *status)
{
	const json_t *ipvs = json_object_get(status, "ipvs");
	const char *error = json_text(ipvs, "error");

	if (!json_array_size(json_object_get(status, "services")))
		return;
	if (!json_truth(ipvs, "available")) {
		found(search, "no IPVS in the kernel, or not seen yet: services carry no traffic");
		advise(search, "modprobe ip_vs");
	}
	if (*error)
		found(search, "the kernel refuses: %s", error);
	error = json_text(ipvs, "contested");
	if (*error)
		found(search, "somebody else keeps undoing a repair: %s", error);
	error = json_text(json_object_get(ipvs, "sync"), "error");
	if (*error)
		found(search, "connections are not synchronised: %s", error);
}

static void find_in_notify(struct search *search, const json_t *notify)
{
	const json_t *failure = json_object_get(notify, "failure");
	nstime time;

	if (walltime_parse(json_text(failure, "time"), &time) || search->now - time > FAILURE_RECENT)
		return;
	found(search, "a notify script failed, %lld of %lld so far: %s", json_number(notify, "failed"),
	      json_number(notify, "started"), json_text(failure, "text"));
}

/* Those without a weight are the reason of a FAULT, and told there. */
static void find_in_trackers(struct search *search, const json_t *instance)
{
	const json_t *tracker;
	char lasts[PAPER_TEXT];
	size_t at;

	json_array_foreach (json_object_get(instance, "trackers"), at, tracker) {
		if (strcmp(json_text(tracker, "state"), "down") != 0 ||
		    !json_number(tracker, "weight"))
			continue;
		found(search, "instance %s: %s is down%s (%+lld): %s", json_text(instance, "name"),
		      json_text(tracker, "name"), lasting(search, tracker, lasts),
		      json_number(tracker, "effect"), json_text(tracker, "reason"));
		advise(search, "lbhactl vrrp %s", json_text(instance, "name"));
	}
}

static bool has_tracker_down(const json_t *instance)
{
	const json_t *tracker;
	size_t at;

	json_array_foreach (json_object_get(instance, "trackers"), at, tracker)
		if (!strcmp(json_text(tracker, "state"), "down"))
			return true;
	return false;
}

static bool is_in_fault(const json_t *instance)
{
	const char *state = json_text(instance, "state");

	return strcmp(state, "MASTER") != 0 && strcmp(state, "BACKUP") != 0;
}

static void find_drops(struct search *search, const json_t *instance)
{
	const struct drop_words *words = drops_mismatch(instance, search->now, RECENT);

	if (words) {
		found(search, "instance %s drops adverts from %s: %s (%lld so far)%s",
		      json_text(instance, "name"),
		      json_text(json_object_get(instance, "dropped_from"), words->reason),
		      words->what, json_number(json_object_get(instance, "dropped"), words->reason),
		      json_truth(instance, "no_peer_heard")
			      ? "; it has never heard another router: there may be two masters"
			      : "");
		advise(search, "lbhactl vrrp %s", json_text(instance, "name"));
	}
}

/* Its state and its trackers: told of their cause where that is known. */
static void find_in_state(struct search *search, const json_t *instance)
{
	const char *name = json_text(instance, "name");
	bool is_fault = is_in_fault(instance);
	char lasts[PAPER_TEXT];

	if (!is_fault && !has_tracker_down(instance))
		return;
	if (problem_roots_add(&search->roots, instance))
		return;
	if (is_fault) {
		found(search, "instance %s is in %s%s: %s", name, json_text(instance, "state"),
		      lasting(search, instance, lasts), json_text(instance, "reason"));
		if (*json_text(instance, "interface"))
			advise(search, "ip addr show %s; lbhactl vrrp %s",
			       json_text(instance, "interface"), name);
	}
	find_in_trackers(search, instance);
}

static void find_in_instance(struct search *search, const json_t *instance)
{
	const char *name = json_text(instance, "name");

	find_in_state(search, instance);
	if (json_truth(instance, "competing_master")) {
		found(search, "instance %s has a competing master: %s advertises %lld", name,
		      json_text(instance, "competitor_address"),
		      json_number(instance, "competitor_priority"));
		advise(search, "lbhactl vrrp %s, here and on that router", name);
	}
	if (*json_text(instance, "missing"))
		found(search, "instance %s has not in place: %s", name,
		      json_text(instance, "missing"));
	if (json_truth(instance, "contested"))
		found(search, "instance %s repairs in vain: %s", name,
		      json_text(instance, "repair"));
	find_drops(search, instance);
}

static void find_in_vrrp(struct search *search, const json_t *status)
{
	const json_t *instance;
	size_t at;

	json_array_foreach (json_object_get(status, "vrrp"), at, instance)
		find_in_instance(search, instance);
}

static void find_in_services(struct search *search, const json_t *services)
{
	const json_t *service;
	char lasts[PAPER_TEXT];
	size_t at;

	json_array_foreach (services, at, service) {
		const char *state = json_text(service, "state"), *name = json_text(service, "name");

		if (!strcmp(state, "up") || problem_roots_add(&search->roots, service))
			continue;
		found(search, "service %s is %s%s: %s", name, state,
		      lasting(search, service, lasts), json_text(service, "reason"));
		advise(search, "lbhactl services %s", name);
	}
}

/* ---- causes ------------------------------------------------------------------------ */

static bool is_of_service(const json_t *effect)
{
	return !strcmp(json_text(effect, "kind"), "service");
}

static bool is_mild(const json_t *effect)
{
	return !strcmp(json_text(effect, "state"), "degraded");
}

/* "web is down: quorum 0 of 1; mail is degraded: …" of services that are as mild as that; counts those that there is no
 * place for. */
static void add_services(struct text *out, const json_t *effects, bool mild, size_t *told,
			 size_t *untold)
{
	const json_t *effect;
	size_t at;

	json_array_foreach (effects, at, effect) {
		if (!is_of_service(effect) || is_mild(effect) != mild)
			continue;
		if (*told == SHOWN) {
			++*untold;
			continue;
		}
		++*told;
		text_add(out, "%sservice %s is %s: %s", out->length ? "; " : "",
			 json_text(effect, "object"), json_text(effect, "state"),
			 json_text(effect, "reason"));
	}
}

static void add_effects(struct text *out, const json_t *effects)
{
	size_t told = 0, untold = 0, at;
	const json_t *effect;

	json_array_foreach (effects, at, effect)
		if (!is_of_service(effect))
			text_add(out, "%sinstance %s is %s: %s", out->length ? "; " : "",
				 json_text(effect, "object"), json_text(effect, "state"),
				 json_text(effect, "reason"));
	add_services(out, effects, false, &told, &untold);
	add_services(out, effects, true, &told, &untold);
	if (untold)
		text_add(out, "; and %zu more service%s", untold, untold == 1 ? "" : "s");
}

/* Where to look first. */
static void advise_root(struct search *search, const json_t *link, const json_t *effect)
{
	const char *kind = json_text(link, "kind"), *object = json_text(link, "object"),
		   *state = json_text(link, "state"), *slash = strchr(object, '/');

	if (!strcmp(kind, "interface"))
		advise(search, "ip link show %s", object);
	else if (!strcmp(kind, "check"))
		advise(search, "lbhactl vrrp %s", json_text(effect, "object"));
	else if (!strcmp(kind, "server") && slash && strcmp(state, "down") != 0 &&
		 strcmp(state, "unknown") != 0)
		advise(search, "lbhactl enable %.*s %s", (int)(slash - object), object, slash + 1);
	else if (!strcmp(kind, "server") && slash)
		advise(search, "lbhactl check %.*s %s", (int)(slash - object), object, slash + 1);
}

static void tell_root(struct search *search, const json_t *root)
{
	const json_t *link = json_object_get(root, "link"),
		     *effects = json_object_get(root, "effects");
	char name[PAPER_TEXT], lasts[PAPER_TEXT];
	struct text words = text_of(name, sizeof(name)), out;
	const char *address = json_text(link, "address");

	causes_add_name(&words, link);
	if (*address && !strstr(name, address))
		text_add(&words, " (%s)", address);
	found(search, "%s is %s%s: %s", name, json_text(link, "state"),
	      lasting(search, link, lasts), json_text(link, "reason"));
	out = text_of(search->problem.effect, sizeof(search->problem.effect));
	add_effects(&out, effects);
	advise_root(search, link, json_array_get(effects, 0));
}

/* Whether something worse than a degraded service comes of it. */
static bool is_severe(const json_t *root)
{
	const json_t *effect;
	size_t at;

	json_array_foreach (json_object_get(root, "effects"), at, effect)
		if (!is_mild(effect))
			return true;
	return false;
}

static void tell_roots(struct search *search, bool severe, size_t *left)
{
	const char *key;
	json_t *root;

	json_object_foreach (search->roots.rows, key, root) {
		if (is_severe(root) != severe)
			continue;
		if (*left) {
			--*left;
			tell_root(search, root);
		} else {
			search->count++;
		}
	}
}

static void find_roots(struct search *search)
{
	size_t left = ROOTS_SHOWN, count = json_object_size(search->roots.rows);

	tell_roots(search, true, &left);
	tell_roots(search, false, &left);
	if (count <= ROOTS_SHOWN)
		return;
	found(search, "and %zu more cause%s of what is wrong with services and instances",
	      count - ROOTS_SHOWN, count - ROOTS_SHOWN == 1 ? "" : "s");
	search->count--; /* they have been counted */
	advise(search, "lbhactl services");
}

size_t problems_find(const json_t *status, void (*tell)(void *ctx, const struct problem *problem),
		     void *ctx)
{
	struct search search = {.tell = tell, .ctx = ctx, .roots = problem_roots_new()};

	walltime_parse(json_text(status, "time"), &search.now);
	find_in_daemon(&search, status);
	find_in_workers(&search, json_object_get(status, "workers"));
	find_in_kernel(&search, status);
	find_in_notify(&search, json_object_get(status, "notify"));
	find_in_vrrp(&search, status);
	find_in_services(&search, json_object_get(status, "services"));
	find_roots(&search);
	flush(&search);
	problem_roots_free(&search.roots);
	return search.count;
}
