/* HTTP over libcurl in our loop, for all types of checks that speak it: requests, pooled by probes in
 * flight, and what libcurl calls back. A request belongs to its flight from http_take() to
 * http_give_back(); what it asks for is filled in by http_request_io.c, and what its answer means is its
 * user's matter (struct http_user). */
#ifndef LBHA_CHECK_HTTP_CLIENT_IO_H
#define LBHA_CHECK_HTTP_CLIENT_IO_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/outcome.h"
#include "core/loop.h"

struct flight;
struct http_client;
struct http_request;
struct http_tunnel;

/* Header and body are called by libcurl from inside: false ends the transfer. Then, and when it ends
 * otherwise, `done` is called, once, from the loop; it may end the flight or send another request. */
struct http_user {
	/* Fills in what is asked for, when the way to the server stands; false when out of memory. */
	bool (*fill)(struct http_request *request);
	/* One line of the headers, the empty one at their end included; `size` is not 0. */
	bool (*header)(struct http_request *request, const char *line, size_t size);
	bool (*body)(struct http_request *request, const char *bytes, size_t size);
	void (*done)(struct http_request *request, CURLcode code);
};

struct http_request {
	struct http_request *next; /* while idle */
	struct http_client *client;
	struct flight *flight;
	struct http_tunnel *tunnel; /* https: libcurl gets an end of it, not the connection */
	CURL *easy;
	struct curl_slist *headers;
	struct loop_io io;
	bool lent;         /* libcurl has the flight's connection */
	uint32_t received; /* bytes that had come when the connection was closed */
	char *kept;        /* of the body, what http_keep() was given */
	size_t kept_size, kept_room;
	void *answer;      /* the user's notes on the answer, `answer_size` bytes, zero at first */
};

/* `answer_size`: of the user's notes, which come with each request. NULL when out of memory. */
struct http_client *http_client_new(struct loop *loop, const struct http_user *user,
				    size_t answer_size);
void http_client_free(void *client);

/* A request for this flight, its notes zero; NULL when out of memory. */
struct http_request *http_take(struct http_client *client, struct flight *flight);
/* Ends it whatever it does; its memory is kept for the next. */
void http_give_back(struct http_request *request);

/* Sends what its user fills in over the flight's connection, which is libcurl's from now on and closed
 * when the transfer is done. False when out of memory. */
bool http_send(struct http_request *request);
/* Makes ready for another one over another connection, once the first is done. */
void http_reset(struct http_request *request);

/* Keeps a piece of the body. False when all requests together keep too much, or when out of memory. */
bool http_keep(struct http_request *request, const char *bytes, size_t size);

/* Of the answer; 0 before there is one. */
uint16_t http_status(const struct http_request *request);
/* The errno that ended the transfer; 0: none did. */
int http_error(const struct http_request *request);

#endif
