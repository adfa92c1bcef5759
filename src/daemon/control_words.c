/* See the header. */
#include "daemon/control_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/walltime.h"
#include "daemon/control_mirror.h"
#include "daemon/control_operator.h"

struct wording {
	const struct mirror *mirror;
	const struct model *model;
	const struct control_request *request;
	nstime wall;
	struct words words;
	char *error;
};

static int PRINTF_LIKE(2, 3) refuse(struct wording *w, const char *format, ...)
{
	struct text out = text_of(w->error, CONTROL_ERROR);
	va_list list;

	va_start(list, format);
	text_addv(&out, format, list);
	va_end(list);
	text_clean(w->error);
	return -EINVAL;
}

void words_free(struct words *words)
{
	free(words->rows);
	*words = (struct words){0};
}

static int push(struct wording *w, bool holds, const struct override *override)
{
	struct words *words = &w->words;
	size_t room = words->room ? 2 * words->room : 8;
	struct word *rows;

	if (words->count == words->room) {
		rows = realloc(words->rows, room * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		words->rows = rows;
		words->room = room;
	}
	words->rows[words->count++] = (struct word){.holds = holds, .override = *override};
	return 0;
}

static bool is_said(const struct mirror *mirror, enum override_kind kind, const char *object)
{
	for (size_t i = 0; i < mirror->overrides.count; i++) {
		const struct override *one = override_mirror_row(&mirror->overrides, i);

		if (one && one->kind == kind && !strcmp(one->object, object))
			return true;
	}
	return false;
}

/* ---- names ----------------------------------------------------------------------------------- */

static const char *service_at(const void *ctx, size_t index)
{
	const struct model *model = ctx;

	return index < model->service_count ? model->services[index].name : NULL;
}

static const char *server_at(const void *ctx, size_t index)
{
	const struct service *service = ctx;

	return index < service->real_server_count ? service->real_servers[index].name : NULL;
}

/* Of the servers of all services, counted through. */
static const char *any_server_at(const void *ctx, size_t index)
{
	const struct model *model = ctx;

	for (size_t s = 0; s < model->service_count; s++) {
		if (index < model->services[s].real_server_count)
			return model->services[s].real_servers[index].name;
		index -= model->services[s].real_server_count;
	}
	return NULL;
}

static const struct service *service_find(struct wording *w, const char *name)
{
	const char *near;

	for (size_t s = 0; s < w->model->service_count; s++)
		if (!strcmp(w->model->services[s].name, name))
			return &w->model->services[s];
	near = text_nearest(name, service_at, w->model);
	if (near)
		refuse(w, "no service is called \"%s\"; did you mean \"%s\"?", name, near);
	else
		refuse(w, "no service is called \"%s\"%s", name,
		       w->model->service_count ? "" : ": this node has none");
	return NULL;
}

static bool listens_on(const struct service *service, uint16_t port)
{
	for (size_t i = 0; i < service->listen_count; i++)
		if (service->listen[i].port == port)
			return true;
	return false;
}

/* A server without a port has those of the listeners. */
static bool is_at(const struct service *service, const struct real_server *server,
		  const struct endpoint *at)
{
	if (!addr_equal(&server->address.address, &at->address))
		return false;
	if (!at->port || server->address.port)
		return !at->port || server->address.port == at->port;
	return listens_on(service, at->port);
}

static void add_server(struct text *out, const struct real_server *server)
{
	char address[ENDPOINT_TEXT];

	endpoint_format(&server->address, address);
	text_add(out, "%s%s", out->length ? ", " : "", server->name);
	if (strcmp(server->name, address) != 0)
		text_add(out, " (%s)", address);
}

/* By its name, else by its address. NULL: there is none, or (then it is
 * refused) more than one. */
static const struct real_server *server_find(struct wording *w, const struct service *service,
					     const char *name, bool *ambiguous)
{
	const struct real_server *found = NULL;
	char candidates[CONTROL_ERROR];
	struct text text = text_of(candidates, sizeof(candidates));
	struct endpoint at;
	size_t count = 0;

	*ambiguous = false;
	for (size_t i = 0; i < service->real_server_count; i++)
		if (!strcmp(service->real_servers[i].name, name))
			return &service->real_servers[i];
	if (endpoint_parse(name, &at))
		return NULL;
	for (size_t i = 0; i < service->real_server_count; i++) {
		if (!is_at(service, &service->real_servers[i], &at))
			continue;
		found = &service->real_servers[i];
		add_server(&text, found);
		count++;
	}
	*ambiguous = count > 1;
	if (count > 1)
		refuse(w, "%s is %zu servers of %s: %s; name one of them", name, count,
		       service->name, candidates);
	return count == 1 ? found : NULL;
}

static int unknown_server(struct wording *w, const struct service *service, const char *name)
{
	const char *near = service ? text_nearest(name, server_at, service)
				   : text_nearest(name, any_server_at, w->model);

	return refuse(w, "no server of %s is called \"%s\" or has that address%s%s%s",
		      service ? service->name : "any service", name,
		      near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* ---- drain, disable, enable, weight ---------------------------------------------------------- */

static const struct {
	enum control_kind asked;
	enum override_kind kind;
	const char *value; /* NULL: that of the request */
} askings[] = {
	{CONTROL_DRAIN, OVERRIDE_STATE, "drained"},
	{CONTROL_DISABLE, OVERRIDE_STATE, "disabled"},
	{CONTROL_ENABLE, OVERRIDE_STATE, "enabled"},
	{CONTROL_WEIGHT, OVERRIDE_WEIGHT, NULL},
};

bool words_are_asked(enum control_kind kind)
{
	for (size_t i = 0; i < COUNT_OF(askings); i++)
		if (askings[i].asked == kind)
			return true;
	return kind == CONTROL_LOAD || kind == CONTROL_LOG;
}

static struct override override_of(const struct wording *w)
{
	const struct control_request *request = w->request;
	struct override made = {0};

	for (size_t i = 0; i < COUNT_OF(askings); i++) {
		if (askings[i].asked != request->kind)
			continue;
		made.kind = askings[i].kind;
		strcpy(made.value, askings[i].value ? askings[i].value : request->value);
	}
	memcpy(made.comment, request->comment, sizeof(made.comment));
	if (request->timeout && request->kind == CONTROL_DRAIN)
		made.deadline = nstime_after(w->wall, request->timeout);
	else if (request->timeout)
		made.until = nstime_after(w->wall, request->timeout);
	return made;
}

static int take_back(struct wording *w, struct override *override)
{
	if (override->until)
		return refuse(w, "%s is as lbha.conf has it then: that takes no timeout",
			      override->object);
	if (override->kind == OVERRIDE_WEIGHT)
		strcpy(override->value, "0"); /* it has to be one; it means nothing */
	return push(w, false, override);
}

static int say_log(struct wording *w)
{
	struct override made = {.kind = OVERRIDE_LOG, .object = OVERRIDE_DIRECTOR};
	const struct control_request *request = w->request;

	memcpy(made.value, request->value, sizeof(made.value));
	memcpy(made.comment, request->comment, sizeof(made.comment));
	if (request->timeout)
		made.until = nstime_after(w->wall, request->timeout);
	if (strcmp(made.value, "auto") != 0)
		return push(w, true, &made);
	strcpy(made.value, "info"); /* it has to be one; it means nothing */
	return push(w, false, &made);
}

/* To enable what the file has enabled is to take back what was said of it. */
static int say_of_server(struct wording *w, const struct service *service,
			 const struct real_server *server)
{
	struct override override = override_of(w);
	bool enable = w->request->kind == CONTROL_ENABLE;

	if (!override_object_of(override.object, service->name, server->name))
		return refuse(w, "its name is too long");
	if (enable && server->state == ADMIN_DISABLED && !w->request->all &&
	    !is_said(w->mirror, OVERRIDE_STATE, override.object))
		return refuse(w,
			      "lbha.conf disables %s, so nothing checks it: enable it there "
			      "and reload",
			      override.object);
	if ((enable && server->state != ADMIN_DRAINED) || !strcmp(override.value, "auto"))
		return take_back(w, &override);
	return push(w, true, &override);
}

/* What was said of a server that is no longer configured can only be taken
 * back. */
static int say_of_nobody(struct wording *w, const char *service, const char *server)
{
	struct override override = override_of(w);
	bool back = w->request->kind == CONTROL_ENABLE || !strcmp(override.value, "auto");

	if (!back || !override_object_of(override.object, service, server) ||
	    !is_said(w->mirror, override.kind, override.object))
		return 0;
	return take_back(w, &override);
}

static int say_in_one(struct wording *w)
{
	const char *name = w->request->server;
	const struct service *service;
	const struct real_server *server;
	bool ambiguous;
	int err = say_of_nobody(w, w->request->service, name);

	if (err)
		return err;
	service = service_find(w, w->request->service);
	server = service ? server_find(w, service, name, &ambiguous) : NULL;
	if (server) {
		w->words.count = 0;
		return say_of_server(w, service, server);
	}
	if (w->words.count)
		return 0;
	return service && !ambiguous ? unknown_server(w, service, name) : -EINVAL;
}

static int say_in_all(struct wording *w)
{
	const struct service *first_in = NULL;
	const struct real_server *first = NULL;
	bool ambiguous;
	int err = 0;

	for (size_t s = 0; s < w->model->service_count && !err; s++) {
		const struct service *service = &w->model->services[s];
		const struct real_server *server =
			server_find(w, service, w->request->server, &ambiguous);

		if (ambiguous)
			return -EINVAL;
		if (!server)
			continue;
		if (first && !addr_equal(&first->address.address, &server->address.address))
			return refuse(w,
				      "%s is one machine in %s and another in %s: give its "
				      "address",
				      w->request->server, first_in->name, service->name);
		first_in = first ? first_in : service;
		first = first ? first : server;
		err = say_of_server(w, service, server);
	}
	return err || first ? err : unknown_server(w, NULL, w->request->server);
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool text_of_member(const json_t *record, const char *key, char *out, size_t size)
{
	const json_t *member = json_object_get(record, key);

	if (!json_is_string(member) || json_string_length(member) >= size)
		return false;
	text_clean(strcpy(out, json_string_value(member)));
	return true;
}

static bool time_of_member(const json_t *record, const char *key, nstime *out)
{
	const json_t *member = json_object_get(record, key);

	if (!member || json_is_null(member))
		return true;
	return json_is_string(member) && !walltime_parse(json_string_value(member), out);
}

/* What is wrong with an entry; NULL: nothing. */
static const char *entry_of(const json_t *record, struct override *out)
{
	char kind[OVERRIDE_KIND];

	if (!text_of_member(record, "kind", kind, sizeof(kind)) ||
	    !override_kind_find(kind, &out->kind))
		return "it is of no kind that there is";
	if (!text_of_member(record, "object", out->object, sizeof(out->object)) ||
	    !text_of_member(record, "value", out->value, sizeof(out->value)))
		return "its object or value is missing or too long";
	if (json_object_get(record, "comment") &&
	    !text_of_member(record, "comment", out->comment, sizeof(out->comment)))
		return "its comment is no text of at most 255 bytes";
	if (!time_of_member(record, "until", &out->until) ||
	    !time_of_member(record, "deadline", &out->deadline))
		return "\"until\" or \"deadline\" is no time";
	return override_wrong(out);
}

/* For all of its sync group, as if it had been said of one of them. */
static int load_priority(struct wording *w, struct override *override)
{
	const struct instance *instance = operator_instance(w->model, override->object, w->error);
	const struct sync_group *group = instance ? model_group_of(w->model, instance) : NULL;
	int err = instance ? 0 : -EINVAL;

	if (!err && !group)
		return push(w, true, override);
	for (size_t i = 0; !err && i < group->instance_count; i++) {
		const char *name = w->model->instances[group->instances[i]].name;

		strncpy(override->object, name, sizeof(override->object) - 1);
		err = push(w, true, override);
	}
	return err;
}

/* The object has a "/" somewhere between the names of service and server. */
static int load_server(struct wording *w, const struct override *override)
{
	char service[OVERRIDE_OBJECT];
	const struct service *last = NULL;

	for (size_t s = 0; s < w->model->service_count; s++) {
		const struct service *it = &w->model->services[s];
		const char *name = override_server(override->object, it->name);

		for (size_t i = 0; name && i < it->real_server_count; i++)
			if (!strcmp(it->real_servers[i].name, name))
				return push(w, true, override);
		last = name ? it : last;
	}
	if (last)
		return unknown_server(w, last, override_server(override->object, last->name));
	strcpy(service, override->object);
	*strchr(service, '/') = '\0';
	return service_find(w, service) ? unknown_server(w, NULL, override->object) : -EINVAL;
}

static int load_one(struct wording *w, const json_t *record)
{
	struct override override = {0};
	const char *wrong = entry_of(record, &override);

	if (wrong)
		return refuse(w, "%s", wrong);
	if (override.until && override.until <= w->wall)
		return 0;
	switch (override.kind) {
	case OVERRIDE_PRIORITY:
		return load_priority(w, &override);
	case OVERRIDE_STATE:
	case OVERRIDE_WEIGHT:
		return load_server(w, &override);
	case OVERRIDE_MAINTENANCE:
	case OVERRIDE_LOG:
	case OVERRIDE_KINDS:
		break;
	}
	return push(w, true, &override);
}

/* An error names the entry that it is about. */
static int load_all(struct wording *w)
{
	const json_t *record;
	size_t at;

	json_array_foreach (w->request->overrides, at, record) {
		char why[CONTROL_ERROR];
		int err = load_one(w, record);

		if (!err)
			continue;
		memcpy(why, w->error, sizeof(why));
		return err == -EINVAL ? refuse(w, "override %zu: %s", at + 1, why) : err;
	}
	return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

int words_of(const struct mirror *mirror, const struct control_request *request, nstime wall,
	     struct words *out, char *error)
{
	static const struct model nothing;
	struct wording w = {.mirror = mirror,
			    .model = mirror->model ? mirror->model : &nothing,
			    .request = request,
			    .wall = wall,
			    .error = error};
	int err;

	error[0] = '\0';
	if (request->kind == CONTROL_LOAD)
		err = load_all(&w);
	else if (request->kind == CONTROL_LOG)
		err = say_log(&w);
	else
		err = request->all ? say_in_all(&w) : say_in_one(&w);
	if (err) {
		words_free(&w.words);
		if (err == -ENOMEM)
			refuse(&w, "no memory");
		return err;
	}
	*out = w.words;
	return 0;
}

/* It has no name of its own. */
static const struct real_server *sorry_find(const struct service *service, const char *name)
{
	const struct real_server *sorry = service->sorry_server;
	struct endpoint at;

	if (!sorry)
		return NULL;
	if (sorry->name && !strcmp(sorry->name, name))
		return sorry;
	return !endpoint_parse(name, &at) && is_at(service, sorry, &at) ? sorry : NULL;
}

const struct real_server *words_server(const struct mirror *mirror, const char *service, const char *server,
				       const struct service **in, char *error)
{
	struct wording w = {.mirror = mirror, .model = mirror->model, .error = error};
	const struct real_server *found;
	bool ambiguous;

	*in = service_find(&w, service);
	found = *in ? server_find(&w, *in, server, &ambiguous) : NULL;
	if (!*in || found || ambiguous)
		return found;
	found = sorry_find(*in, server);
	if (!found)
		unknown_server(&w, *in, server);
	return found;
}
