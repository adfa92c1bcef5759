/* See page.h. The status of a large site is many megabytes: it is cut out of its line as it is. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "exporter/exporter.h"
#include "exporter/http.h"
#include "exporter/kept.h"
#include "exporter/page.h"
#include "exporter/shared.h"

#define BEFORE "{\"ok\":true,\"result\":"
#define ERROR "{\"error\":"

static bool begins(const char *text, size_t size, const char *with)
{
	return size > strlen(with) && !memcmp(text, with, strlen(with));
}

/* {"error":TEXT} of a refusal; NULL: it is none. */
static struct shared *refusal_of(const char *line, size_t length)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	json_t *error = json_object_get(answer, "error");
	json_t *told = json_is_string(error) ? json_pack("{s:O}", "error", error) : NULL;
	char *text = told ? json_dumps(told, JSON_COMPACT) : NULL;

	json_decref(told);
	json_decref(answer);
	return text ? shared_new(text, strlen(text)) : NULL;
}

struct shared *page_status_make(UNUSED void *ctx, char *line, size_t length)
{
	size_t before = strlen(BEFORE);
	struct shared *refusal;

	if (begins(line, length, BEFORE) && line[length - 1] == '}') {
		memmove(line, line + before, length - before - 1);
		return shared_new(line, length - before - 1);
	}
	refusal = refusal_of(line, length);
	free(line);
	return refusal;
}

void page_no_answer(struct evhttp_request *request)
{
	static const char text[] = ERROR "\"lbhad does not answer\"}";
	struct shared *body = shared_new(strdup(text), strlen(text));

	if (body)
		http_reply(request, 503, PAGE_JSON, body);
	else
		http_reply_text(request, 503, "out of memory\n");
	shared_drop(body);
}

static void status_known(void *ctx, struct shared *body)
{
	if (body)
		http_reply(ctx, begins(body->text, body->size, ERROR) ? 503 : 200, PAGE_JSON, body);
	else
		page_no_answer(ctx);
}

void page_status_route(void *ctx, struct evhttp_request *request)
{
	const struct exporter *exporter = ctx;

	kept_want(exporter->status, status_known, request);
}
