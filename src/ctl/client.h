/* The other end of the control socket: one connection, requests and answers in turn, every wait
 * with an end. */
#ifndef LBHA_CTL_CLIENT_H
#define LBHA_CTL_CLIENT_H

#include <stddef.h>

#include <jansson.h>

#include "base/nstime.h"

#define CLIENT_ERROR 512

struct client {
	int fd;
	const char *path; /* kept, not copied */
	int pid;    /* who listens; 0: not known */
	char *text; /* received, and not yet taken */
	size_t size, room;
};

/* 0; -ENOENT when no daemon listens there; another -errno. `error` (CLIENT_ERROR bytes) gets the
 * sentence. */
int client_open(struct client *client, const char *path, char *error);
void client_close(struct client *client);

/* Sends a request (taken over) and waits for the answer, which the caller owns. What is told in pieces is
 * asked for once more, over a new connection, when lbhad hangs up within the answer: another configuration has
 * come into force meanwhile (lbha-control(7)). -ETIMEDOUT, -EPIPE when the daemon hung up instead, -EBADMSG for
 * what is no answer; `error` gets the sentence. */
int client_ask(struct client *client, json_t *request, nstime patience, json_t **answer,
	       char *error);

/* The same, with the answer as text: one line, malloc'ed, of which nothing has been looked at. */
int client_ask_text(struct client *client, json_t *request, nstime patience, char **answer,
		    size_t *length, char *error);
/* The value of such a text, which is freed; the rest as client_ask(). */
int client_take(char *text, size_t length, json_t **answer, char *error);

/* The next line behind an answer, without its end, malloc'ed; waits for it, NSTIME_NEVER: as long as
 * the connection lasts. -ETIMEDOUT, -EPIPE when the daemon hung up. */
int client_line(struct client *client, nstime patience, char **line, size_t *length);

/* Waits until the process that listens has ended (or at least hung up, where it cannot be told).
 * -ETIMEDOUT. */
int client_wait_end(struct client *client, nstime patience);

#endif
