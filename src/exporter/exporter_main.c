/* lbha-exporter(8): what lbhad knows, over HTTP. A client of the control socket like any other; the only program that maps
 * evhttp. It has no rights of its own and needs none. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "core/buildid.h"
#include "core/log.h"
#include "core/loop.h"
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
};

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
	struct loop_signal terminate, interrupt;
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

static void told_to_end(void *ctx, int number)
{
	struct life *life = ctx;

	(void)number;
	if (timer_armed(&life->end))
		return;
	http_close(life->exporter.http);
	life->deadline = clock_now() + LAST_ANSWERS;
	timer_at(&life->end, clock_now() + LOOK);
}

static bool life_init(struct life *life, const char *path, const struct endpoint *listen)
{
	struct exporter *exporter = &life->exporter;

	exporter->loop = loop_new();
	if (!exporter->loop)
		return false;
	exporter->link = link_new(exporter->loop, path);
	exporter->metrics = kept_new(exporter->link, "{\"request\":\"metrics\"}", metrics_make, NULL);
	exporter->health = kept_new(exporter->link, "{\"request\":\"ping\"}", health_make, NULL);
	exporter->status = kept_new(exporter->link, PAGE_STATUS_REQUEST, page_status_make, NULL);
	exporter->events = page_events_new(exporter->link);
	if (!exporter->link || !exporter->metrics || !exporter->health || !exporter->status ||
	    !exporter->events ||
	    timer_init(exporter->loop, &life->end, LOOP_NORMAL, end_when_idle, life) ||
	    signal_init(exporter->loop, &life->terminate, SIGTERM, told_to_end, life) ||
	    signal_init(exporter->loop, &life->interrupt, SIGINT, told_to_end, life)) {
		log_error("out of memory");
		return false;
	}
	exporter->http = http_new(exporter->loop, listen, routes, exporter);
	return exporter->http;
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
	signal_fini(&life->terminate);
	signal_fini(&life->interrupt);
	loop_free(life->exporter.loop);
}

static int serve(const char *path, const struct endpoint *listen)
{
	struct life life = {0};
	char text[ENDPOINT_TEXT];
	int status = EXIT_FAILED;

	signal(SIGPIPE, SIG_IGN);
	if (life_init(&life, path, listen)) {
		sandbox_begin(SANDBOX_EXPORTER);
		log_info("serving http://%s of %s", endpoint_format(listen, text), path);
		status = loop_run(life.exporter.loop) ? EXIT_FAILED : EXIT_FINE;
	}
	life_fini(&life);
	return status;
}

/* ---- arguments ------------------------------------------------------------------------------ */

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"listen", required_argument, NULL, 'l'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

int main(int argc, char **argv)
{
	const char *path = LBHA_RUNDIR "/control.sock", *where = LISTEN;
	struct endpoint listen;
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
		switch (option) {
		case 's':
			path = optarg;
			break;
		case 'l':
			where = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_FINE;
		case 'V':
			printf("lbha-exporter %s (build %s)\n", build_version, build_id);
			return EXIT_FINE;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc || endpoint_parse(where, &listen) || !listen.port) {
		fprintf(stderr, "lbha-exporter: %s \"%s\"\n%s",
			optind < argc ? "what is" : "no address with a port:",
			optind < argc ? argv[optind] : where, usage);
		return EXIT_USAGE;
	}
	log_open("lbha-exporter");
	return serve(path, &listen);
}
