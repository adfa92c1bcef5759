/* What the routes of lbha-exporter share. A route is a row of the table in exporter_main.c; what it tells of lbhad comes from
 * a kept answer, which costs lbhad one request a second at most, however many ask. */
#ifndef LBHA_EXPORTER_EXPORTER_H
#define LBHA_EXPORTER_EXPORTER_H

struct evhttp_request;
struct http;
struct kept;
struct link;
struct loop;
struct page_events;

struct exporter {
	struct loop *loop;
	struct link *link;
	struct http *http;
	struct kept *metrics, *health, *status;
	struct page_events *events;
};

/* Routes: `ctx` is a struct exporter. */
void metrics_route(void *ctx, struct evhttp_request *request);
void health_route(void *ctx, struct evhttp_request *request);

#endif
