/* The status page: a picture of the cluster that a browser draws by itself (page/), and the two
 * answers that it asks for again and again. All of it is for reading, and none of it costs lbhad
 * more when more look: the status and what happened are asked for once a second at most, and only
 * while somebody looks. */
#ifndef LBHA_EXPORTER_PAGE_H
#define LBHA_EXPORTER_PAGE_H

#include <stddef.h>

struct evhttp_request;
struct link;
struct page_events;
struct shared;

/* Rows of the table of routes: all files of page/ (a test holds them against the folder), and the answers. */
#define PAGE_ROUTES \
	{"/", page_file_route}, {"/cluster.js", page_file_route}, {"/dom.js", page_file_route}, \
	{"/events.js", page_file_route}, {"/icon.svg", page_file_route}, {"/lines.js", page_file_route}, \
	{"/page.css", page_file_route}, {"/page.js", page_file_route}, {"/problems.js", page_file_route}, \
	{"/rates.js", page_file_route}, {"/services.js", page_file_route}, {"/states.js", page_file_route}, \
	{"/story.js", page_file_route}, {"/words.js", page_file_route}, \
	{"/status.json", page_status_route}, {"/events.json", page_events_route}

/* A file of the page: checked anew at each visit (ETag), loaded again only when it is another. */
void page_file_route(void *ctx, struct evhttp_request *request);

/* What `lbhactl status --json` prints. 503 with {"error"}: lbhad does not answer, or does not answer us. */
void page_status_route(void *ctx, struct evhttp_request *request);

#define PAGE_STATUS_REQUEST "{\"request\":\"status\",\"watch\":true}"
/* A kept_make (exporter/kept.h) for the answer to that: its result, which is cut out and not looked at. */
struct shared *page_status_make(void *ctx, char *line, size_t length);

/* {"events":[…],"last":N}: those after "?since=N", or all of the last PAGE_EVENTS, as lbhad tells
 * them; a first one of kind "missed" says that there were more. 503 as for the status. */
void page_events_route(void *ctx, struct evhttp_request *request);

#define PAGE_EVENTS 256

/* NULL when out of memory. */
struct page_events *page_events_new(struct link *link);
void page_events_free(struct page_events *events);

/* 503 with {"error":"lbhad does not answer"}. */
void page_no_answer(struct evhttp_request *request);

#define PAGE_JSON "application/json"

#endif
