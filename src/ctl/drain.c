/* See the header. */
#include "ctl/drain.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/text.h"
#include "base/walltime.h"
#include "config/override.h"
#include "ctl/client.h"
#include "ctl/paper.h"

#define PATIENCE (10 * NSTIME_S)
#define UNSEEN_MAX 5 /* looks at which it may not be in the status */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = number;
}

/* ---- what the status says -------------------------------------------------------------------- */

static const json_t *override_of(const json_t *server, const char *object)
{
	const json_t *one;
	size_t at;

	json_array_foreach (json_object_get(server, "overrides"), at, one)
		if (!strcmp(json_text(one, "object"), object) &&
		    !strcmp(json_text(one, "value"), "drained"))
			return one;
	return NULL;
}

static struct drain_view view_of(const json_t *server, const json_t *override)
{
	const json_t *connections = json_object_get(server, "connections");
	struct drain_view view = {.stage = DRAIN_GOES_ON,
				  .active = json_number(connections, "active"),
				  .inactive = json_number(connections, "inactive"),
				  .persistent = json_number(connections, "persistent")};

	if (walltime_parse(json_text(override, "deadline"), &view.deadline))
		return (struct drain_view){.stage = DRAIN_UNSEEN}; /* of an earlier drain */
	if (!strcmp(json_text(server, "admin"), "disabled"))
		view.stage = DRAIN_OUT;
	return view;
}

struct drain_view drain_view_of(const json_t *services, const char *object)
{
	const json_t *service, *server, *override;
	size_t at, i;

	json_array_foreach (services, at, service)
		json_array_foreach (json_object_get(service, "real_servers"), i, server) {
			override = override_of(server, object);
			if (override)
				return view_of(server, override);
		}
	return (struct drain_view){.stage = DRAIN_UNSEEN};
}

/* ---- asking ---------------------------------------------------------------------------------- */

static long long connections_of(const struct drain_view *view)
{
	return view->active + view->inactive + view->persistent;
}

/* The service's name ends at one of the slashes of the object: the first that is one's. */
static bool ask(const struct drain_watch *watch, const char *object, struct drain_view *out,
		char *error)
{
	*out = (struct drain_view){.stage = DRAIN_UNSEEN};
	for (const char *slash = strchr(object, '/'); slash; slash = strchr(slash + 1, '/')) {
		json_t *request = json_pack("{s:s, s:s%}", "request", "services", "service", object,
					    (size_t)(slash - object)),
		       *answer;

		if (client_ask(watch->client, request, PATIENCE, &answer, error))
			return false;
		*out = drain_view_of(json_object_get(answer, "result"), object);
		json_decref(answer);
		if (out->stage != DRAIN_UNSEEN)
			break;
	}
	return true;
}

static nstime wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * NSTIME_S + now.tv_nsec;
}

/* ---- one object ------------------------------------------------------------------------------ */

struct drain_show {
	char name[OVERRIDE_OBJECT];
	char line[PAPER_TEXT]; /* as shown last */
	bool is_terminal, silent;
};

static void show(struct drain_show *show, const struct drain_view *view)
{
	nstime left = view->deadline - wall_now();
	char line[PAPER_TEXT], about[DURATION_TEXT];
	int length = snprintf(line, sizeof(line), "%s: %lld active, %lld inactive, %lld persistent",
			      show->name, view->active, view->inactive, view->persistent);

	if (show->silent || (!show->is_terminal && !strcmp(line, show->line)))
		return;
	strcpy(show->line, line);
	snprintf(line + length, sizeof(line) - (size_t)length, "; %s left",
		 duration_about(left > 0 ? left - left % NSTIME_S : 0, about));
	printf(show->is_terminal ? "\r\033[K%s" : "%s\n", line);
	fflush(stdout);
}

/* How it ended, as far as it was seen: the last look may be a second old. */
static void show_end(const struct drain_show *show, const struct drain_view *last)
{
	long long left = connections_of(last);
	bool is_over = last->deadline && last->deadline <= wall_now() && left;

	if (show->silent)
		return;
	printf("%s%s: out of the table", show->is_terminal ? "\r\033[K" : "", show->name);
	if (is_over)
		printf(left == 1 ? ", its time is over; %lld connection was left\n"
				 : ", its time is over; %lld connections were left\n",
		       left);
	else
		printf(", no connection is left\n");
	fflush(stdout);
}

static bool give_up(const struct drain_show *show, const char *why, char *error)
{
	if (show->is_terminal && !show->silent)
		putchar('\n');
	snprintf(error, CLIENT_ERROR, "%s %s", show->name, why);
	return false;
}

static void stop_if_interrupted(const struct drain_show *show)
{
	if (!interrupted)
		return;
	if (show->is_terminal && !show->silent)
		putchar('\n');
	fflush(stdout);
	fputs("lbhactl: the drain goes on; `lbhactl overrides` shows it\n", stderr);
	signal(interrupted, SIG_DFL);
	raise(interrupted);
}

static bool wait_for(const struct drain_watch *watch, const char *object, char *error)
{
	struct timespec second = {.tv_sec = 1};
	struct drain_show shown = {.is_terminal = isatty(STDOUT_FILENO), .silent = watch->silent};
	struct drain_view view, last = {0};
	int unseen = 0;

	snprintf(shown.name, sizeof(shown.name), "%s", object);
	text_clean(shown.name);
	for (;;) {
		if (!ask(watch, object, &view, error))
			return false;
		if (view.stage == DRAIN_OUT)
			break;
		unseen = view.stage == DRAIN_UNSEEN ? unseen + 1 : 0;
		if (unseen > UNSEEN_MAX)
			return give_up(&shown, "is not being drained any more", error);
		if (view.stage == DRAIN_GOES_ON) {
			last = view;
			show(&shown, &view);
		}
		nanosleep(&second, NULL);
		stop_if_interrupted(&shown);
	}
	show_end(&shown, &last);
	return true;
}

bool drain_wait(const struct drain_watch *watch, const json_t *objects, char *error)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	const json_t *object;
	size_t at;

	sigaction(SIGINT, &action, NULL);
	json_array_foreach (objects, at, object)
		if (!wait_for(watch, json_text(object, "name"), error))
			return false;
	signal(SIGINT, SIG_DFL);
	return true;
}
