/* See the header. */
#include "daemon/control_look.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/transcript.h"
#include "check/wanted.h"
#include "config/facts.h"
#include "config/model.h"
#include "core/loop.h"
#include "daemon/control_mirror.h"
#include "daemon/control_request.h"
#include "daemon/control_json.h"
#include "daemon/control_words.h"

#define WAITS_MOST (60 * NSTIME_S) /* of a script, until it is its turn */
#define GRACE (15 * NSTIME_S)      /* for the check worker, which may be replaced meanwhile */

/* What is looked at, and which of how many it is. */
struct object {
	const struct service *service; /* NULL: a check alone */
	const struct real_server *server;
	uint32_t probe, at, of;
};

struct place {
	uint32_t ticket; /* 0: free */
	uint32_t number;
	struct object object; /* of the mirror's model; of the one before until control_looks_end(), and not looked at */
	nstime due;
};

struct control_looks {
	const struct mirror *mirror;
	const struct control_looks_ops *ops;
	void *ctx;
	struct loop_timer timer;
	uint32_t last; /* number */
	struct place places[FACT_LOOKS];
};

/* ---- what is meant -------------------------------------------------------------------------- */

static const char *check_at(const void *ctx, size_t index)
{
	const struct model *model = ctx;

	return index < model->check_count ? (model->checks[index].name ? model->checks[index].name : "") : NULL;
}

static bool is_own(const struct model *model, const struct probe *probe, const char *name)
{
	const struct check *check = &model->checks[probe->check];

	return check->name && !strcmp(check->name, name) &&
	       (probe->tracked || check->address.family || !probe->target.address.family);
}

static bool refuse_check(const struct model *model, const char *name, char *error)
{
	struct text out = text_of(error, CONTROL_ERROR);
	const char *near = text_nearest(name, check_at, model);

	for (size_t i = 0; i < model->service_count; i++)
		if (!strcmp(model->services[i].name, name)) {
			text_add(&out, "%s is a service: name one of its servers, too", name);
			return false;
		}
	for (size_t i = 0; i < model->check_count; i++)
		if (model->checks[i].name && !strcmp(model->checks[i].name, name)) {
			text_add(&out, "check %s has no target of its own: name a service and a server", name);
			return false;
		}
	text_add(&out, "no check that is in use is called \"");
	text_add_clean(&out, name, strlen(name));
	text_add(&out, near && *near ? "\"; did you mean \"%s\"?" : "\"", near);
	return false;
}

static bool find_check(const struct model *model, const struct control_request *request,
		       struct object *out, char *error)
{
	*out = (struct object){.at = request->at};
	for (uint32_t i = 0; i < model->probe_count; i++) {
		if (!is_own(model, &model->probes[i], request->check))
			continue;
		if (out->of++ == request->at)
			out->probe = i;
	}
	return out->of ? true : refuse_check(model, request->check, error);
}

static bool find_server(const struct mirror *mirror, const struct control_request *request,
			struct object *out, char *error)
{
	struct text text = text_of(error, CONTROL_ERROR);

	*out = (struct object){.at = request->at};
	out->server = words_server(mirror, request->service, request->server, &out->service, error);
	if (!out->server)
		return false;
	out->of = (uint32_t)out->server->probe_count;
	if (request->at < out->of)
		out->probe = out->server->probes[request->at];
	if (!out->of && out->server->state == ADMIN_DISABLED)
		text_add(&text, "lbha.conf disables %s/%s, so nothing checks it", out->service->name,
			 out->server->name);
	else if (!out->of)
		text_add(&text, "%s/%s has no check", out->service->name, out->server->name);
	return out->of > 0;
}

static bool find(const struct mirror *mirror, const struct control_request *request,
		 struct object *out, char *error)
{
	struct text text = text_of(error, CONTROL_ERROR);
	bool found;

	if (!mirror->model) {
		text_add(&text, "no configuration is loaded yet");
		return false;
	}
	found = request->check[0] ? find_check(mirror->model, request, out, error)
				  : find_server(mirror, request, out, error);
	if (!found || request->at < out->of)
		return found;
	text_add(&text, "there is no probe %u: it has %u", request->at, out->of);
	return false;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void note(json_t *notes, const char *text)
{
	json_array_append_new(notes, json_string(text));
}

/* What an operator or the file has said of its server. */
static json_t *notes_json(const struct mirror *mirror, const struct object *object)
{
	const struct service *service = object->service;
	const struct mirror_service *seen;
	json_t *notes = json_array();

	if (!service)
		return notes;
	seen = &mirror->services[service - mirror->model->services];
	for (size_t i = 0; i < service_server_count(service); i++) {
		const struct mirror_server *server = &seen->servers[i];

		if (service_server(service, i) != object->server || !server->known)
			continue;
		if (server->fact.admin == ADMIN_DRAINED)
			note(notes, "the server is drained: whatever its checks say, it gets no new connections");
		if (server->fact.admin == ADMIN_DISABLED)
			note(notes, "the server is disabled: whatever its checks say, it is not used");
	}
	return notes;
}

static json_t *steps_json(struct reader *in)
{
	struct transcript_step *step = malloc(sizeof(*step));
	json_t *steps = json_array();

	while (step && transcript_next(in, step))
		json_array_append_new(
			steps, json_pack("{s:s, s:f, s:o, s:I}", "kind", transcript_kind_name(step->kind),
					 "ms", (double)(step->after / NSTIME_US) / 1000, "text",
					 status_text(step->text), "left_out", (json_int_t)step->left_out));
	free(step);
	return steps;
}

static const char *result_of(const struct fact_seen *seen)
{
	if (seen->reason == REASON_RESOURCES || seen->reason == REASON_LOCAL)
		return "none"; /* it says nothing of the server */
	return seen->passed ? "passed" : "failed";
}

static json_t *name_json(const char *name)
{
	return name ? status_text(name) : json_null();
}

static json_t *seen_json(const struct mirror *mirror, const struct object *object,
			 const struct fact_seen *seen, json_t *steps)
{
	const struct model *model = mirror->model;
	const struct probe *probe = &model->probes[object->probe];
	const struct check *check = &model->checks[probe->check];
	char wanted[512], target[ENDPOINT_TEXT] = "";

	if (probe->target.address.family)
		endpoint_format(&probe->target, target);
	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:s, s:o, s:s, s:s, s:o, s:f, s:o, s:s, s:o, s:b, s:o}",
			 "service", name_json(object->service ? object->service->name : NULL), "server",
			 name_json(object->server ? object->server->name : NULL), "at",
			 (json_int_t)object->at, "of", (json_int_t)object->of, "check",
			 name_json(check->name), "type", check_type_name(check->type), "target",
			 name_json(*target ? target : NULL), "result", result_of(seen), "reason",
			 probe_reason_name(seen->reason), "detail", status_text(seen->detail),
			 "latency_ms", (double)(seen->latency / NSTIME_US) / 1000, "wanted",
			 status_text(wanted_describe(check, wanted, sizeof(wanted))), "verdict",
			 verdict_name(mirror->probes[object->probe].fact.verdict), "notes",
			 notes_json(mirror, object), "cut", seen->cut, "steps", steps);
}

/* ---- places --------------------------------------------------------------------------------- */

static void arm(struct control_looks *looks)
{
	nstime next = NSTIME_NEVER;

	for (size_t i = 0; i < FACT_LOOKS; i++)
		if (looks->places[i].ticket)
			next = nstime_min(next, looks->places[i].due);
	timer_at(&looks->timer, next);
}

/* The end of a wish; its client's ticket. */
static uint32_t place_free(struct control_looks *looks, struct place *place)
{
	uint32_t ticket = place->ticket;

	*place = (struct place){0};
	looks->ops->changed(looks->ctx, (uint32_t)(place - looks->places));
	arm(looks);
	return ticket;
}

static void refuse(struct control_looks *looks, uint32_t ticket, const char *why)
{
	looks->ops->answer(looks->ctx, ticket, control_refusal(why, NULL));
}

static void overdue(void *ctx)
{
	struct control_looks *looks = ctx;
	nstime now = clock_now();

	for (size_t i = 0; i < FACT_LOOKS; i++)
		if (looks->places[i].ticket && looks->places[i].due <= now)
			refuse(looks, place_free(looks, &looks->places[i]),
			       "the check worker has not answered in time");
	arm(looks);
}

char *control_looks_ask(struct control_looks *looks, uint32_t ticket, const struct control_request *request)
{
	const struct check *check;
	struct object object;
	char error[CONTROL_ERROR];
	size_t at = 0;

	if (!find(looks->mirror, request, &object, error))
		return control_refusal(error, NULL);
	while (at < FACT_LOOKS && looks->places[at].ticket)
		at++;
	if (at == FACT_LOOKS)
		return control_refusal("as many probes are looked at as may be at once; try again", NULL);
	check = &looks->mirror->model->checks[looks->mirror->model->probes[object.probe].check];
	looks->last += looks->last == UINT32_MAX ? 2 : 1;
	looks->places[at] = (struct place){
		.ticket = ticket,
		.number = looks->last,
		.object = object,
		.due = clock_now() + check->timeout + GRACE +
		       (check->type == CHECK_SCRIPT ? nstime_min(check->interval, WAITS_MOST) : 0)};
	looks->ops->changed(looks->ctx, (uint32_t)at);
	arm(looks);
	return NULL;
}

void control_looks_put(const struct control_looks *looks, uint32_t place, struct writer *out)
{
	const struct place *it = &looks->places[place];

	fact_look_put(out, &(struct fact_look){
				   .place = place, .number = it->number, .probe = it->object.probe});
}

bool control_looks_seen(struct control_looks *looks, struct reader *in)
{
	struct place *place;
	struct fact_seen seen;
	struct object object;
	json_t *steps;

	if (!fact_seen_get(in, &seen))
		return false;
	place = &looks->places[seen.place];
	if (!place->ticket || place->number != seen.number)
		return true; /* nobody waits for it any more */
	steps = steps_json(in);
	if (in->failed) {
		json_decref(steps);
		return false;
	}
	object = place->object;
	looks->ops->answer(looks->ctx, place_free(looks, place),
			   control_answer(seen_json(looks->mirror, &object, &seen, steps)));
	return true;
}

bool control_looks_left(struct control_looks *looks, uint32_t ticket)
{
	bool found = false;

	for (size_t i = 0; i < FACT_LOOKS; i++) {
		if (looks->places[i].ticket != ticket)
			continue;
		place_free(looks, &looks->places[i]);
		found = true;
	}
	return found;
}

void control_looks_end(struct control_looks *looks, const char *why)
{
	uint32_t tickets[FACT_LOOKS];

	for (size_t i = 0; i < FACT_LOOKS; i++)
		tickets[i] = looks->places[i].ticket ? place_free(looks, &looks->places[i]) : 0;
	for (size_t i = 0; i < FACT_LOOKS; i++) /* who is answered may ask for another at once */
		if (tickets[i])
			refuse(looks, tickets[i], why);
}

struct control_looks *control_looks_new(struct loop *loop, const struct mirror *mirror,
					const struct control_looks_ops *ops, void *ctx)
{
	struct control_looks *looks = calloc(1, sizeof(*looks));

	if (!looks)
		return NULL;
	*looks = (struct control_looks){.mirror = mirror, .ops = ops, .ctx = ctx};
	/* a late answer to a predecessor must not be taken for one of ours */
	looks->last = (uint32_t)(clock_now() / NSTIME_US);
	if (!timer_init(loop, &looks->timer, LOOP_IDLE, overdue, looks))
		return looks;
	free(looks);
	return NULL;
}

void control_looks_free(struct control_looks *looks)
{
	if (!looks)
		return;
	timer_fini(&looks->timer);
	free(looks);
}
