/* See the header. */
#include "ctl/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "ctl/causes.h"

#define ANSWER (10 * NSTIME_S)
#define AGAIN (200 * NSTIME_MS) /* between two attempts to connect */
#define ATTEMPTS 300            /* a minute: longer than a restart takes on a large site */
#define NOTICE 10               /* attempts after which it is said that lbhad is away */

/* " [gate down: refused]": what brought it about, without what the line says itself. */
static void put_cause(const struct paper *paper, const json_t *event)
{
	const json_t *cause = json_object_get(event, "cause");
	char text[8 * PAPER_TEXT];
	struct text out = text_of(text, sizeof(text));

	if (!causes_count(cause))
		return;
	causes_add(&out, cause, NULL);
	paper_put(paper, INK_PLAIN, " [%s]", text);
}

static void put_change(const struct paper *paper, const json_t *event)
{
	const char *old = json_text(event, "old"), *new = json_text(event, "new");

	if (*old && *new)
		paper_put(paper, INK_PLAIN, ": %s → ", old);
	else if (*old)
		paper_put(paper, INK_PLAIN, ": no longer %s", old);
	else if (*new)
		paper_put(paper, INK_PLAIN, ": ");
	if (*new)
		paper_put(paper, paper_ink(new), "%s", new);
}

void show_event(const struct paper *paper, const json_t *event)
{
	const char *reason = json_text(event, "reason");
	char time[PAPER_TEXT];

	paper_put(paper, INK_DIM, "%s ", paper_time(json_object_get(event, "time"), time));
	paper_put(paper, INK_PLAIN, "%s ", json_text(event, "event"));
	paper_put(paper, INK_HEAD, "%s", json_text(event, "object"));
	put_change(paper, event);
	if (*reason && strcmp(reason, json_text(event, "new")) != 0) /* "up: up" says nothing more */
		paper_put(paper, INK_PLAIN, ": %s", reason);
	put_cause(paper, event);
	if (json_number(event, "missed"))
		paper_put(paper, INK_WARN, " (%lld missed)", json_number(event, "missed"));
	paper_put(paper, INK_PLAIN, "\n");
}

void show_events(const struct paper *paper, json_t *events, bool raw)
{
	json_t *event;
	size_t at;

	if (!raw)
		paper_clean(events);
	json_array_foreach (events, at, event) {
		if (raw) {
			json_dumpf(event, paper->out, JSON_COMPACT);
			fputc('\n', paper->out);
		} else {
			show_event(paper, event);
		}
	}
}

/* ---- following ------------------------------------------------------------------------------- */

static void take_line(struct follow *follow, const char *line, size_t length)
{
	json_t *event = json_loadb(line, length, 0, NULL);

	if (json_is_integer(json_object_get(event, "seq")))
		follow->last = (uint64_t)json_number(event, "seq");
	if (follow->raw) {
		fwrite(line, 1, length, follow->paper->out);
		fputc('\n', follow->paper->out);
	} else {
		paper_clean(event);
		show_event(follow->paper, event);
	}
	json_decref(event);
}

/* Until the connection ends: its -errno. */
static int read_on(struct follow *follow)
{
	char *line;
	size_t length;
	int err;

	for (;;) {
		err = client_line(follow->client, NSTIME_NEVER, &line, &length);
		if (err)
			return err;
		take_line(follow, line, length);
		free(line);
		if (fflush(follow->paper->out))
			return -errno;
	}
}

static json_t *request(const struct follow *follow)
{
	return json_pack("{s:s, s:b, s:I}", "request", "events", "follow", 1, "since",
			 (json_int_t)follow->last);
}

/* A connection on which events come: 0, or why there is none. */
static int connect_again(struct follow *follow, char *error)
{
	json_t *answer;
	int err;

	client_close(follow->client);
	err = client_open(follow->client, follow->socket, error);
	if (err)
		return err;
	err = client_ask(follow->client, request(follow), ANSWER, &answer, error);
	if (err)
		return err;
	if (!json_truth(answer, "ok")) {
		err = -EBUSY;
		paper_clean(answer);
		snprintf(error, CLIENT_ERROR, "%s", json_text(answer, "error"));
	}
	json_decref(answer);
	return err;
}

/* Until there is a connection again, or for a minute. */
static int wait_for_daemon(struct follow *follow, char *error)
{
	static const struct timespec pause = {.tv_nsec = AGAIN};
	int err = -ENOENT;

	for (unsigned i = 0; err && i < ATTEMPTS; i++) {
		nanosleep(&pause, NULL);
		err = connect_again(follow, error);
		if (err && i == NOTICE)
			fprintf(stderr, "lbhactl: %s; waiting for it, a minute at most\n", error);
		if (!err && i > NOTICE)
			fprintf(stderr, "lbhactl: lbhad is back\n");
	}
	return err;
}

int events_follow(struct follow *follow, char *error)
{
	int err = 0;

	while (!err) {
		err = read_on(follow);
		if (ferror(follow->paper->out)) {
			snprintf(error, CLIENT_ERROR, "cannot write: %s", strerror(-err));
			return err;
		}
		err = wait_for_daemon(follow, error);
	}
	return err;
}
