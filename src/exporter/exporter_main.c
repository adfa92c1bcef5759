/* lbha-exporter(8): what lbhad knows, over HTTP. A client of the control socket like any other; the only program that maps
 * evhttp. It has no rights of its own and needs none. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "core/buildid.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/oom.h"
#include "core/sandbox.h"
#include "exporter/exporter.h"
#include "exporter/health.h"
#include "exporter/http.h"
#include "exporter/kept.h"
#include "exporter/link.h"
#include "exporter/metrics.h"
#include "exporter/page.h"
#include "exporter/shared.h"

#define LISTEN "127.0.0.1:9480"
#define LAST_ANSWERS (3 * NSTIME_S) /* to those who wait when we are told to end */
#define LOOK (20 * NSTIME_MS)

enum exit_status {
	EXIT_FINE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_ADDRESS = 3, /* it cannot listen where it should */
};

struct arguments {
	const char *socket;
	struct endpoint listen;
	bool is_worker; /* of lbhad */
};

#define SUPERVISOR 3 /* a worker's descriptor */
#define BEAT (2 * NSTIME_S)

static const char usage[] =
	"usage: lbha-exporter [--socket PATH] [--listen ADDRESS:PORT]\n"
	"       lbha-exporter --help | --version\n"
	"\n"
	"  --socket PATH          lbhad's control socket (" LBHA_RUNDIR "/control.sock)\n"
	"  --listen ADDRESS:PORT  where to serve HTTP (" LISTEN ")\n";

static const struct http_route routes[] = {
	{"/metrics", metrics_route},
	{"/healthz", health_route},
	PAGE_ROUTES,
	{NULL, NULL},
};

/* ---- metrics -------------------------------------------------------------------------------- */

static void metrics_known(void *ctx, struct shared *body)
{
	struct shared *down = body ? NULL : metrics_down();

	if (body || down)
		http_reply(ctx, 200, METRICS_TYPE, body ? body : down);
	else
		http_reply_text(ctx, 503, "out of memory\n");
	shared_drop(down);
}

void metrics_route(void *ctx, struct evhttp_request *request)
{
	const struct exporter *exporter = ctx;

	kept_want(exporter->metrics, metrics_known, request);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct life {
	struct exporter exporter;
	const struct arguments *arguments;
	struct loop_signal terminate, interrupt;
	struct loop_io supervisor;
	struct loop_timer beat;
	struct loop_timer end;
	nstime deadline;
};

static void end_when_idle(void *ctx)
{
	struct life *life = ctx;
	nstime now = clock_now();

	if (http_is_idle(life->exporter.http) || now >= life->deadline)
		loop_stop(life->exporter.loop);
	else
		timer_at(&life->end, now + LOOK);
}

static void give_up(struct life *life)
{
	if (timer_armed(&life->end))
		return;
	http_close(life->exporter.http);
	life->deadline = clock_now() + LAST_ANSWERS;
	timer_at(&life->end, clock_now() + LOOK);
}

static void told_to_end(void *ctx, int number)
{
	(void)number;
	give_up(ctx);
}

/* lbhad says nothing to us; the end is that it wants us no more, or is no more itself. */
static void supervisor_readable(void *ctx)
{
	struct life *life = ctx;
	char word;

	if (recv(SUPERVISOR, &word, sizeof(word), MSG_DONTWAIT) == 0) {
		io_want_read(&life->supervisor, false);
		give_up(life);
	}
}

/* Its loop turns. */
static void beat(void *ctx)
{
	struct life *life = ctx;

	if (send(SUPERVISOR, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		give_up(life);
	timer_at(&life->beat, clock_now() + BEAT);
}

/* By hand it ends as any program; as a child of lbhad's when that says so, for a service manager sends its signals to
 * all that it finds. */
static int end_init(struct life *life)
{
	struct loop *loop = life->exporter.loop;
	int err = timer_init(loop, &life->end, LOOP_NORMAL, end_when_idle, life);

	if (!err && life->arguments->is_worker) {
		err = io_init(loop, &life->supervisor, SUPERVISOR, LOOP_NORMAL, supervisor_readable, NULL, life);
		if (!err)
			err = timer_init(loop, &life->beat, LOOP_NORMAL, beat, life);
		if (!err)
			timer_at(&life->beat, clock_now());
		return err;
	}
	if (!err)
		err = signal_init(loop, &life->terminate, SIGTERM, told_to_end, life);
	if (!err)
		err = signal_init(loop, &life->interrupt, SIGINT, told_to_end, life);
	return err;
}

static bool life_init(struct life *life)
{
	struct exporter *exporter = &life->exporter;

	exporter->loop = loop_new();
	if (!exporter->loop)
		return false;
	exporter->link = link_new(exporter->loop, life->arguments->socket);
	exporter->metrics = kept_new(exporter->link, "{\"request\":\"metrics\"}", metrics_make, NULL);
	exporter->health = kept_new(exporter->link, "{\"request\":\"ping\"}", health_make, NULL);
	exporter->status = kept_new(exporter->link, PAGE_STATUS_REQUEST, page_status_make, NULL);
	exporter->events = page_events_new(exporter->link);
	if (!exporter->link || !exporter->metrics || !exporter->health || !exporter->status ||
	    !exporter->events ||
	    end_init(life)) {
		log_error("out of memory");
		return false;
	}
	return true;
}

static void life_fini(struct life *life)
{
	http_free(life->exporter.http);
	kept_free(life->exporter.metrics);
	kept_free(life->exporter.health);
	kept_free(life->exporter.status);
	page_events_free(life->exporter.events);
	link_free(life->exporter.link);
	timer_fini(&life->end);
	timer_fini(&life->beat);
	io_fini(&life->supervisor);
	signal_fini(&life->terminate);
	signal_fini(&life->interrupt);
	loop_free(life->exporter.loop);
}

static int serve(const struct arguments *arguments)
{
	struct life life = {.arguments = arguments};
	struct exporter *exporter = &life.exporter;
	char text[ENDPOINT_TEXT];
	int status = EXIT_FAILED;

	if (arguments->is_worker)
		oom_score_set(OOM_FIRST); /* strangers make it grow, and it can be done without */
	signal(SIGPIPE, SIG_IGN);
	if (life_init(&life)) {
		exporter->http = http_new(exporter->loop, &arguments->listen, routes, exporter);
		status = EXIT_NO_ADDRESS;
	}
	if (exporter->http) {
		sandbox_begin(SANDBOX_EXPORTER);
		log_info("serving http://%s of %s", endpoint_format(&arguments->listen, text), arguments->socket);
		status = loop_run(exporter->loop) ? EXIT_FAILED : EXIT_FINE;
	}
	life_fini(&life);
	return status;
}

/* ---- arguments ------------------------------------------------------------------------------ */

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"listen", required_argument, NULL, 'l'},
	{"worker", required_argument, NULL, 'w'}, /* lbhad's own: LEVEL,JSON,TARGET of its log */
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/* Both come in packages of their own: an older lbhad says nothing of the target. */
static bool worker_take(struct arguments *arguments, const char *text)
{
	unsigned level, json, target = LOG_TARGET_AUTO;

	arguments->is_worker = sscanf(text, "%u,%u,%u", &level, &json, &target) >= 2 && level <= LOG_LEVEL_DEBUG &&
			       target <= LOG_TARGET_SYSLOG;
	if (arguments->is_worker)
		log_configure((enum log_level)level, json, (enum log_target)target);
	return arguments->is_worker;
}

/* False: leave with *status. */
static bool option_take(struct arguments *arguments, int option, int *status)
{
	switch (option) {
	case 's':
		arguments->socket = optarg;
		return true;
	case 'l':
		if (!endpoint_parse(optarg, &arguments->listen) && arguments->listen.port)
			return true;
		fprintf(stderr, "lbha-exporter: \"%s\" is no address with a port\n", optarg);
		break;
	case 'w':
		if (worker_take(arguments, optarg))
			return true;
		break;
	case 'h':
		fputs(usage, stdout);
		*status = EXIT_FINE;
		return false;
	case 'V':
		printf("lbha-exporter %s (build %s)\n", build_version, build_id);
		*status = EXIT_FINE;
		return false;
	}
	fputs(usage, stderr);
	*status = EXIT_USAGE;
	return false;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.socket = LBHA_RUNDIR "/control.sock"};
	int option, status;

	endpoint_parse(LISTEN, &arguments.listen);
	log_open("lbha-exporter");
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		if (!option_take(&arguments, option, &status))
			return status;
	if (optind < argc) {
		fprintf(stderr, "lbha-exporter: what is \"%s\"?\n%s", argv[optind], usage);
		return EXIT_USAGE;
	}
	return serve(&arguments);
}
