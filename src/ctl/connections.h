/* The kernel's connections through IPVS (/proc/net/ip_vs_conn), counted by service and server, or those
 * of one service each. lbhactl reads them itself, in lbhad's network namespace: there may be millions,
 * and nobody but who asks has work with them. Which service one belongs to is known from its listener,
 * its mark (templates of persistence have it for an address) or, for services of a mark, from the
 * server. Kernel: ip_vs_conn_seq_show, ip_vs_state_name. */
#ifndef LBHA_CTL_CONNECTIONS_H
#define LBHA_CTL_CONNECTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/addr.h"

struct connections;
struct paper;

struct connection {
	char protocol[8]; /* "tcp" */
	struct endpoint client, virtual, server;
	char state[16]; /* "established" */
	unsigned expires; /* in seconds */
	bool is_template; /* of persistence: where the client's next connections go */
};

/* A line of that file; false: it is none (the heading, a newer kernel's). */
bool connection_parse(const char *line, struct connection *out);

/* `services`: the answer to the request of that name, which must outlive it. NULL: no memory. */
struct connections *connections_new(const json_t *services);
void connections_free(struct connections *connections); /* NULL is fine */

/* The name of the service that it belongs to; NULL: not known. */
const char *connections_service(const struct connections *connections,
				const struct connection *connection);

/* -ENOMEM. */
int connections_count(struct connections *connections, const struct connection *connection);

/* What was counted: as a table, or as an array of objects (the caller's). */
void connections_show(struct connections *connections, const struct paper *paper);
json_t *connections_json(struct connections *connections);

/* One connection: as a line, or as an object. */
void connection_show(const struct paper *paper, const struct connection *connection);
json_t *connection_json(const struct connection *connection);

/* The whole: reads the connections in the network namespace of a process and prints them, counted or
 * those of the service `only`. -errno with `error` (CLIENT_ERROR bytes). */
int connections_run(int pid, const json_t *services, const char *only, const struct paper *paper,
		    bool json, char *error);

#endif
