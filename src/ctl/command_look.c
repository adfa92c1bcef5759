/* Commands that show what there is, and leave it so. */
#include "ctl/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "convert/ka_export.h"
#include "ctl/connections.h"
#include "ctl/events.h"
#include "ctl/problems.h"
#include "ctl/show.h"
#include "ctl/top.h"

/* ---- status, vrrp, services ------------------------------------------------------- */

int run_status(struct run *run, json_t *result)
{
	if (run->json) {
		if (!run->is_shown)
			print_json(result);
	} else {
		paper_clean(result);
		show_status(&run->paper, result);
	}
	return problems_find(result, NULL, NULL) ? EXIT_DEGRADED : EXIT_DONE;
}

static const char *name_at(const void *array, size_t index)
{
	return json_string_value(json_object_get(json_array_get(array, index), "name"));
}

/* The member of an array with that name; NULL after a complaint that knows a better name. */
static json_t *named(json_t *array, const char *kind, const char *name)
{
	const char *near;
	json_t *member;
	size_t at;

	json_array_foreach (array, at, member)
		if (!strcmp(json_text(member, "name"), name))
			return member;
	near = text_nearest(name, name_at, array);
	if (near)
		complain(EXIT_FAILED, "no %s is called \"%s\"; did you mean \"%s\"?", kind, name,
			 near);
	else
		complain(EXIT_FAILED, "no %s is called \"%s\"%s", kind, name,
			 json_array_size(array) ? "" : ": this node has none");
	return NULL;
}

static int run_array(struct run *run, json_t *array, const char *kind,
		     void (*show_all)(const struct paper *, const json_t *, size_t),
		     void (*show_one)(const struct paper *, const json_t *))
{
	json_t *one = NULL;

	if (run->argument) {
		one = named(array, kind, run->argument);
		if (!one)
			return EXIT_FAILED;
	}
	if (run->json && one) {
		json_t *alone = json_pack("[O]", one);

		print_json(alone);
		json_decref(alone);
		return EXIT_DONE;
	}
	if (run->json) {
		print_json(array);
		return EXIT_DONE;
	}
	paper_clean(array);
	if (one)
		show_one(&run->paper, one);
	else if (json_array_size(array))
		show_all(&run->paper, array, 0);
	return EXIT_DONE;
}

int run_vrrp(struct run *run, json_t *result)
{
	return run_array(run, result, "instance", show_instances, show_instance);
}

int run_services(struct run *run, json_t *result)
{
	return run_array(run, result, "service", show_services, show_service);
}

/* ---- config, ping ----------------------------------------------------------------- */

int run_config(struct run *run, json_t *result)
{
	if (run->json)
		print_json(result);
	else
		paper_lines(&run->paper, json_text(result, "config"));
	return EXIT_DONE;
}

int run_ping(struct run *run, json_t *result)
{
	if (run->json) {
		print_json(result);
		return EXIT_DONE;
	}
	paper_clean(result);
	printf("lbhad %s answers", json_text(result, "version"));
	if (*json_text(result, "node"))
		printf(" for %s", json_text(result, "node"));
	printf(", generation %lld\n", json_number(result, "generation"));
	return EXIT_DONE;
}

/* ---- zero ------------------------------------------------------------------------- */

int prepare_zero(const struct run *run, json_t *request)
{
	return add_text(request, "service", run->argument);
}

int run_zero(struct run *run, json_t *result)
{
	size_t count = json_array_size(json_object_get(result, "zeroed"));

	if (run->json)
		print_json(result);
	else
		printf("the traffic of %zu service%s is counted from now on\n", count,
		       count == 1 ? "" : "s");
	return EXIT_DONE;
}

/* ---- connections ------------------------------------------------------------------ */

int run_connections(struct run *run, json_t *result)
{
	char error[CLIENT_ERROR];

	paper_clean(result);
	if (run->argument && !named(result, "service", run->argument))
		return EXIT_FAILED;
	if (connections_run(run->client.pid, result, run->argument, &run->paper, run->json, error))
		return complain(EXIT_FAILED, "%s", error);
	return EXIT_DONE;
}

/* ---- top -------------------------------------------------------------------------- */

int run_top(struct run *run, json_t *result)
{
	char error[CLIENT_ERROR];

	if (run->json)
		return print_json(result), EXIT_DONE;
	if (top_run(&run->client, &run->paper, result, run->options & OPTION_ONCE, error))
		return complain(EXIT_FAILED, "%s", error);
	return EXIT_DONE;
}

/* ---- export ----------------------------------------------------------------------- */

int prepare_export(UNUSED const struct run *run, json_t *request)
{
	return add_text(request, "format", "ipvsadm");
}

int prepare_export_keepalived(UNUSED const struct run *run, json_t *request)
{
	return add_text(request, "format", "keepalived");
}

/* What keepalived cannot do is a comment in the text; who redirects that sees it here, too. */
static void print_warnings(const char *text)
{
	for (const char *at = text; at && (at = strstr(at, KA_EXPORT_WARNING)); at = strchr(at, '\n')) {
		char line[512];
		struct text clean = text_of(line, sizeof(line));

		at += strlen(KA_EXPORT_WARNING);
		text_add_clean(&clean, at, strcspn(at, "\n"));
		fprintf(stderr, "warning: %s\n", line);
	}
}

int run_export_keepalived(struct run *run, json_t *result)
{
	print_warnings(json_text(result, "text"));
	return run_export(run, result);
}

int run_export(struct run *run, json_t *result)
{
	if (run->json)
		print_json(result);
	else
		paper_lines(&run->paper, json_text(result, "text"));
	return EXIT_DONE;
}

/* ---- events ----------------------------------------------------------------------- */

int prepare_events(const struct run *run, json_t *request)
{
	if (run->options & OPTION_FOLLOW)
		json_object_set_new(request, "follow", json_true());
	if (run->options & OPTION_SINCE)
		json_object_set_new(request, "since", json_integer((json_int_t)run->since));
	return EXIT_DONE;
}

int run_events(struct run *run, json_t *result)
{
	struct follow follow = {
		.client = &run->client,
		.socket = run->socket,
		.paper = &run->paper,
		.raw = run->json,
		.last = run->options & OPTION_SINCE ? run->since
						  : (uint64_t)json_number(result, "last"),
	};
	char error[CLIENT_ERROR];
	int err;

	show_events(&run->paper, json_object_get(result, "events"), run->json);
	if (!(run->options & OPTION_FOLLOW))
		return EXIT_DONE;
	fflush(stdout);
	err = events_follow(&follow, error);
	return complain(err == -ENOENT ? EXIT_NO_DAEMON : EXIT_FAILED, "%s", error);
}
