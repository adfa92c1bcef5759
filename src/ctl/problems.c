/* See problems.h. Degraded is: not ready, in maintenance, a worker that does not run, a refused
 * reload, a kernel that refuses or has no IPVS, an instance that is neither BACKUP nor MASTER, has
 * competition, drops what a peer may have meant, has a tracker that is down, an address that is
 * contested or missing, or a route that is; a service that is not up. That no peer was ever heard is
 * none: who boots first hears nobody, as long as all others are well. */
#include "ctl/problems.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/walltime.h"
#include "ctl/drops.h"
#include "ctl/paper.h"

#define RECENT (60 * NSTIME_S) /* a drop is a problem that long */

struct search {
	void (*tell)(void *ctx, const char *text);
	void *ctx;
	size_t count;
};

static void PRINTF_LIKE(2, 3) found(struct search *search, const char *format, ...)
{
	char text[PROBLEM_TEXT];
	va_list list;

	search->count++;
	if (!search->tell)
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	search->tell(search->ctx, text);
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

	if (!json_truth(status, "ready"))
		found(search, "not ready yet: some worker has not taken up its work");
	if (json_truth(status, "maintenance"))
		found(search, "in maintenance: nothing is claimed and nothing repaired");
	if (*json_text(status, "overrides_error"))
		found(search, "the file of overrides: %s; what is said now holds only until lbhad ends",
		      json_text(status, "overrides_error"));
	if (!strcmp(json_text(reload, "result"), "refused"))
		found(search, "the last reload was refused%s%s", error ? ": " : "",
		      error ? error : "");
}

/* The compiler lives for one load: it is the one worker that may be stopped. */
static void find_in_workers(struct search *search, const json_t *workers)
{
	const json_t *worker;
	size_t at;

	json_array_foreach (workers, at, worker) {
		const char *name = json_text(worker, "name"), *state = json_text(worker, "state");

		if (strcmp(state, "running") != 0 && strcmp(name, "compiler") != 0)
			found(search, "the %s worker does not run: %s after %lld restarts%s%s", name,
			      state, json_number(worker, "restarts"),
			      *json_text(worker, "reason") ? "; the last one " : "",
			      json_text(worker, "reason"));
	}
}

static void find_in_kernel(struct search *search, const json_t *status)
{
	const json_t *ipvs = json_object_get(status, "ipvs");
	const char *error = json_text(ipvs, "error");

	if (!json_array_size(json_object_get(status, "services")))
		return;
	if (!json_truth(ipvs, "available"))
		found(search, "no IPVS in the kernel, or not seen yet: services carry no traffic");
	if (*error)
		found(search, "the kernel refuses: %s", error);
	error = json_text(ipvs, "contested");
	if (*error)
		found(search, "somebody else keeps undoing a repair: %s", error);
	error = json_text(json_object_get(ipvs, "sync"), "error");
	if (*error)
		found(search, "connections are not synchronised: %s", error);
}

/* Those without a weight are the reason of a FAULT, and told there. */
static void find_in_trackers(struct search *search, const json_t *instance)
{
	const json_t *tracker;
	size_t at;

	json_array_foreach (json_object_get(instance, "trackers"), at, tracker)
		if (!strcmp(json_text(tracker, "state"), "down") && json_number(tracker, "weight"))
			found(search, "instance %s: %s is down (%+lld): %s",
			      json_text(instance, "name"), json_text(tracker, "name"),
			      json_number(tracker, "effect"), json_text(tracker, "reason"));
}

static void find_drops(struct search *search, const json_t *instance, nstime now)
{
	const struct drop_words *words = drops_mismatch(instance, now, RECENT);

	if (words)
		found(search, "instance %s drops adverts from %s: %s (%lld so far)%s",
		      json_text(instance, "name"),
		      json_text(json_object_get(instance, "dropped_from"), words->reason),
		      words->what, json_number(json_object_get(instance, "dropped"), words->reason),
		      json_truth(instance, "no_peer_heard")
			      ? "; it has never heard another router: there may be two masters"
			      : "");
}

static void find_in_instance(struct search *search, const json_t *instance, nstime now)
{
	const char *name = json_text(instance, "name"), *state = json_text(instance, "state");

	if (strcmp(state, "MASTER") != 0 && strcmp(state, "BACKUP") != 0)
		found(search, "instance %s is in %s: %s", name, state,
		      json_text(instance, "reason"));
	if (json_truth(instance, "competing_master"))
		found(search, "instance %s has a competing master: %s advertises %lld", name,
		      json_text(instance, "competitor_address"),
		      json_number(instance, "competitor_priority"));
	if (*json_text(instance, "missing"))
		found(search, "instance %s has not in place: %s", name,
		      json_text(instance, "missing"));
	if (json_truth(instance, "contested"))
		found(search, "instance %s repairs in vain: %s", name,
		      json_text(instance, "repair"));
	find_drops(search, instance, now);
	find_in_trackers(search, instance);
}

static void find_in_vrrp(struct search *search, const json_t *status)
{
	const json_t *instance;
	nstime now = 0;
	size_t at;

	walltime_parse(json_text(status, "time"), &now);
	json_array_foreach (json_object_get(status, "vrrp"), at, instance)
		find_in_instance(search, instance, now);
}

static void find_in_services(struct search *search, const json_t *services)
{
	const json_t *service;
	size_t at;

	json_array_foreach (services, at, service) {
		const char *state = json_text(service, "state");

		if (strcmp(state, "up") != 0)
			found(search, "service %s is %s: %s", json_text(service, "name"), state,
			      json_text(service, "reason"));
	}
}

size_t problems_find(const json_t *status, void (*tell)(void *ctx, const char *text), void *ctx)
{
	struct search search = {.tell = tell, .ctx = ctx};

	find_in_daemon(&search, status);
	find_in_workers(&search, json_object_get(status, "workers"));
	find_in_kernel(&search, status);
	find_in_vrrp(&search, status);
	find_in_services(&search, json_object_get(status, "services"));
	return search.count;
}
