/* See page.h. Events are asked for from the last one that is known on, and the newest are kept here
 * as text: lbhad is asked for each of them once, however many look and however often. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "exporter/exporter.h"
#include "exporter/http.h"
#include "exporter/kept.h"
#include "exporter/page.h"
#include "exporter/shared.h"

struct one {
	uint64_t number;
	char *text; /* as JSON; NULL: the place is free */
};

struct page_events {
	struct kept *kept;
	char request[64]; /* what is asked next */
	struct one ring[PAGE_EVENTS];
	size_t next; /* where the next one goes: where the oldest is, once all places are taken */
	uint64_t last;
};

/* One client's question. */
struct question {
	const struct page_events *events;
	struct evhttp_request *request;
	uint64_t since;
};

static void ask_from(struct page_events *events, uint64_t last)
{
	events->last = last;
	snprintf(events->request, sizeof(events->request),
		 "{\"request\":\"events\",\"since\":%llu}", (unsigned long long)last);
}

static void forget(struct page_events *events)
{
	for (size_t i = 0; i < PAGE_EVENTS; i++) {
		free(events->ring[i].text);
		events->ring[i].text = NULL;
	}
	events->next = 0;
}

static void keep(struct page_events *events, const json_t *event)
{
	json_int_t number = json_integer_value(json_object_get(event, "seq"));
	char *text = number > 0 ? json_dumps(event, JSON_COMPACT) : NULL;
	struct one *one = &events->ring[events->next];

	if (!text)
		return;
	free(one->text);
	*one = (struct one){(uint64_t)number, text};
	events->next = (events->next + 1) % PAGE_EVENTS;
}

/* The body says nothing: what was learnt is in the ring. Numbers that go back are another lbhad's. */
static struct shared *events_make(void *ctx, char *line, size_t length)
{
	struct page_events *events = ctx;
	json_t *answer = json_loadb(line, length, 0, NULL);
	const json_t *result = json_object_get(answer, "result"), *event;
	json_int_t last = json_integer_value(json_object_get(result, "last"));
	size_t at;

	free(line);
	if (!json_is_object(result) || last < 0) {
		json_decref(answer);
		return NULL;
	}
	if ((uint64_t)last < events->last)
		forget(events);
	json_array_foreach (json_object_get(result, "events"), at, event)
		keep(events, event);
	ask_from(events, (uint64_t)last);
	json_decref(answer);
	return shared_new(strdup(""), 0);
}

/* ---- an answer ------------------------------------------------------------------------------ */

/* The oldest that is kept; SIZE_MAX: there is none. */
static size_t oldest(const struct page_events *events)
{
	if (events->ring[events->next].text)
		return events->next;
	return events->ring[0].text ? 0 : SIZE_MAX;
}

/* Whether somebody who knows those up to `since` finds here all that came behind. */
static bool is_whole(const struct page_events *events, uint64_t since)
{
	size_t first = oldest(events);

	if (!since || first == SIZE_MAX)
		return !since || since == events->last;
	return since + 1 >= events->ring[first].number && since <= events->last;
}

static void put_missed(const struct page_events *events, FILE *out)
{
	size_t first = oldest(events);
	uint64_t number = first == SIZE_MAX ? events->last : events->ring[first].number - 1;

	fprintf(out, "{\"seq\":%llu,\"event\":\"missed\",\"missed\":null}",
		(unsigned long long)number);
}

static void put_events(const struct page_events *events, uint64_t since, FILE *out)
{
	bool is_foreign = since > events->last;
	const char *before = "";
	size_t first = oldest(events);

	if (!is_whole(events, since)) {
		put_missed(events, out);
		before = ",";
	}
	for (size_t i = 0; first != SIZE_MAX && i < PAGE_EVENTS; i++) {
		const struct one *one = &events->ring[(first + i) % PAGE_EVENTS];

		if (!one->text || (one->number <= since && !is_foreign))
			continue;
		fprintf(out, "%s%s", before, one->text);
		before = ",";
	}
}

static struct shared *answer_of(const struct page_events *events, uint64_t since)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("{\"events\":[", out);
	put_events(events, since, out);
	fprintf(out, "],\"last\":%llu}", (unsigned long long)events->last);
	if (!fclose(out))
		return shared_new(text, size);
	free(text);
	return NULL;
}

static void events_known(void *ctx, struct shared *body)
{
	struct question *question = ctx;
	struct shared *answer = body ? answer_of(question->events, question->since) : NULL;

	if (answer)
		http_reply(question->request, 200, PAGE_JSON, answer);
	else
		page_no_answer(question->request);
	shared_drop(answer);
	free(question);
}

void page_events_route(void *ctx, struct evhttp_request *request)
{
	const struct exporter *exporter = ctx;
	struct question *question = malloc(sizeof(*question));
	char number[24];

	if (!question) {
		page_no_answer(request);
		return;
	}
	*question = (struct question){.events = exporter->events, .request = request};
	if (http_query(request, "since", number, sizeof(number)))
		question->since = strtoull(number, NULL, 10);
	kept_want(exporter->events->kept, events_known, question);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct page_events *page_events_new(struct link *link)
{
	struct page_events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	ask_from(events, 0);
	events->kept = kept_new(link, events->request, events_make, events);
	if (events->kept)
		return events;
	free(events);
	return NULL;
}

void page_events_free(struct page_events *events)
{
	if (!events)
		return;
	forget(events);
	kept_free(events->kept);
	free(events);
}
