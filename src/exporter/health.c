/* See the header. */
#include "exporter/health.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "exporter/exporter.h"
#include "exporter/http.h"
#include "exporter/kept.h"
#include "exporter/shared.h"

struct shared *health_make(UNUSED void *ctx, char *line, size_t length)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	const json_t *result = json_object_get(answer, "result");
	const char *text = json_is_true(json_object_get(result, "ready")) ? HEALTH_READY
									   : "lbhad is not ready yet\n";
	bool is_answer = json_is_true(json_object_get(answer, "ok")) && json_is_object(result);

	free(line);
	json_decref(answer);
	return is_answer ? shared_new(strdup(text), strlen(text)) : NULL;
}

static bool is_ready(const struct shared *body)
{
	return body->size == strlen(HEALTH_READY) && !memcmp(body->text, HEALTH_READY, body->size);
}

static void health_known(void *ctx, struct shared *body)
{
	struct evhttp_request *request = ctx;

	if (body)
		http_reply(request, is_ready(body) ? 200 : 503, "text/plain; charset=utf-8", body);
	else
		http_reply_text(request, 503, "lbhad does not answer\n");
}

void health_route(void *ctx, struct evhttp_request *request)
{
	const struct exporter *exporter = ctx;

	kept_want(exporter->health, health_known, request);
}
