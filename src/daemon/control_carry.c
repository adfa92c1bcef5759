/* See the header. */
#include "daemon/control_carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/carry.h"
#include "base/text.h"
#include "daemon/control_mirror.h"
#include "daemon/events.h"

#define RECORD_MAX 384      /* of anything but an event */
#define NUMBER_MAX (1ull << 62) /* of events: beyond what any clock can make */
#define LINE_MAX_BYTES 8192

/* ---- records --------------------------------------------------------------------------------- */

void control_past_put(struct writer *out, const struct control_past *past)
{
	uint8_t *record = carry_record(out, CONTROL_CARRY_PAST);

	put_u64(out, past->base);
	put_u64(out, past->before);
	put_u64(out, past->last);
	put_time(out, past->facts_at);
	carry_end(out, record);
}

bool control_past_get(struct reader *in, nstime now, struct control_past *past)
{
	struct control_past got = {.base = get_u64(in), .before = get_u64(in)};

	got.last = get_u64(in);
	got.facts_at = carry_past_get(in, now);
	if (in->failed || got.base > got.before || got.before > got.last || got.last > NUMBER_MAX)
		return false;
	*past = got;
	return true;
}

void control_reload_put(struct writer *out, const struct control_reload *reload)
{
	uint8_t *record = carry_record(out, CONTROL_CARRY_RELOAD);

	put_time(out, reload->time);
	put_bool(out, reload->failed);
	put_text(out, reload->error);
	carry_end(out, record);
}

bool control_reload_get(struct reader *in, nstime now, struct control_reload *reload)
{
	struct control_reload got = {.time = carry_past_get(in, now), .failed = get_bool(in)};

	get_text(in, got.error, sizeof(got.error));
	text_clean(got.error);
	if (in->failed)
		return false;
	*reload = got;
	return true;
}

void control_traffic_put(struct writer *out, const struct control_traffic *traffic)
{
	uint8_t *record = carry_record(out, CONTROL_CARRY_TRAFFIC);

	put_text(out, traffic->service);
	put_text(out, traffic->server);
	put_endpoint(out, &traffic->address);
	traffic_put(out, &traffic->seen.total);
	traffic_put(out, &traffic->seen.told);
	traffic_put(out, &traffic->seen.zero);
	put_time(out, traffic->seen.zeroed);
	carry_end(out, record);
}

/* What came since the last zero cannot be less than nothing. */
static bool is_below(const struct traffic *a, const struct traffic *b)
{
	return a->connections <= b->connections && a->packets_in <= b->packets_in &&
	       a->packets_out <= b->packets_out && a->bytes_in <= b->bytes_in && a->bytes_out <= b->bytes_out;
}

bool control_traffic_get(struct reader *in, nstime now, struct control_traffic *traffic)
{
	struct control_traffic got = {0};

	get_text(in, got.service, sizeof(got.service));
	get_text(in, got.server, sizeof(got.server));
	got.address = get_endpoint(in);
	got.seen.total = traffic_get(in);
	got.seen.told = traffic_get(in);
	got.seen.zero = traffic_get(in);
	got.seen.zeroed = carry_past_get(in, now);
	if (in->failed || !is_below(&got.seen.zero, &got.seen.total))
		return false;
	*traffic = got;
	return true;
}

/* ---- leaving --------------------------------------------------------------------------------- */

/* Whether the next one would not come to the same by what the ipvs worker says. */
static bool says_more(const struct traffic_seen *seen)
{
	return seen->zeroed || memcmp(&seen->total, &seen->told, sizeof(seen->total)) != 0;
}

static void put_service(struct writer *out, const struct mirror *mirror, size_t s)
{
	const struct service *service = &mirror->model->services[s];
	const struct mirror_service *known = &mirror->services[s];
	struct control_traffic traffic = {.seen = known->traffic};

	snprintf(traffic.service, sizeof(traffic.service), "%s", service->name);
	if (says_more(&traffic.seen))
		control_traffic_put(out, &traffic);
	for (size_t i = 0; i < service_server_count(service); i++) {
		const struct real_server *server = service_server(service, i);

		traffic.seen = known->servers[i].traffic;
		traffic.address = server->address;
		snprintf(traffic.server, sizeof(traffic.server), "%s", server->name);
		if (says_more(&traffic.seen))
			control_traffic_put(out, &traffic);
	}
}

static void put_event(struct writer *out, uint64_t number, const char *line)
{
	uint8_t *record = carry_record(out, CONTROL_CARRY_EVENT);
	size_t length = strlen(line) - 1; /* without its end */

	put_u64(out, number);
	put_u16(out, (uint16_t)length);
	put_bytes(out, line, length);
	carry_end(out, record);
}

static size_t room_for(const struct mirror *mirror, const struct events *events)
{
	size_t room = CARRY_HEAD + 2 * RECORD_MAX;

	for (uint64_t n = events_oldest(events); n <= events_last(events); n++)
		if (events_line(events, n))
			room += CARRY_RECORD_HEAD + 10 + strlen(events_line(events, n));
	for (size_t s = 0; mirror->model && s < mirror->model->service_count; s++)
		room += (1 + service_server_count(&mirror->model->services[s])) * RECORD_MAX;
	return room;
}

uint8_t *control_carry_make(const struct mirror *mirror, const struct events *events, nstime facts_at,
			    size_t *size)
{
	size_t room = room_for(mirror, events);
	uint8_t *bytes = malloc(room);
	struct writer out = writer_of(bytes, bytes ? room : 0);
	struct control_reload reload = {mirror->daemon.reload_time, mirror->daemon.reload_failed, ""};

	if (!bytes)
		return NULL;
	carry_begin(&out);
	control_past_put(&out, &(struct control_past){events_base(events), events_oldest(events) - 1,
						      events_last(events), facts_at});
	for (uint64_t n = events_oldest(events); n <= events_last(events); n++)
		if (events_line(events, n) && strlen(events_line(events, n)) <= LINE_MAX_BYTES)
			put_event(&out, n, events_line(events, n));
	memcpy(reload.error, mirror->daemon.reload_error, sizeof(reload.error));
	if (reload.time)
		control_reload_put(&out, &reload);
	for (size_t s = 0; mirror->model && s < mirror->model->service_count; s++)
		put_service(&out, mirror, s);
	*size = writer_used(&out);
	return bytes;
}

/* ---- inheriting ------------------------------------------------------------------------------ */

/* Where the last one was found: most follow one another as they stand in the model. */
struct place {
	size_t service, server;
};

static struct traffic_seen *find_server(struct mirror *mirror, const struct control_traffic *traffic,
					struct place *at)
{
	const struct service *service = &mirror->model->services[at->service];
	size_t count = service_server_count(service);

	for (size_t tried = 0; tried < count; tried++) {
		size_t i = (at->server + tried) % count;

		if (strcmp(service_server(service, i)->name, traffic->server) != 0 ||
		    endpoint_compare(&service_server(service, i)->address, &traffic->address))
			continue;
		at->server = i + 1;
		return &mirror->services[at->service].servers[i].traffic;
	}
	return NULL;
}

static struct traffic_seen *find_traffic(struct mirror *mirror, const struct control_traffic *traffic,
					 struct place *at)
{
	const struct model *model = mirror->model;

	for (size_t tried = 0; tried < model->service_count; tried++) {
		size_t s = (at->service + tried) % model->service_count;

		if (strcmp(model->services[s].name, traffic->service) != 0)
			continue;
		if (s != at->service)
			*at = (struct place){.service = s};
		return traffic->server[0] ? find_server(mirror, traffic, at) : &mirror->services[s].traffic;
	}
	return NULL;
}

static void take_traffic(struct mirror *mirror, struct reader *in, nstime now, struct place *at)
{
	struct control_traffic traffic;
	struct traffic_seen *seen;

	if (!control_traffic_get(in, now, &traffic))
		return;
	seen = find_traffic(mirror, &traffic, at);
	if (seen)
		*seen = traffic.seen;
}

static void take_event(struct events *events, const struct control_past *past, struct reader *in)
{
	char line[LINE_MAX_BYTES + 1];
	uint64_t number = get_u64(in);

	get_text(in, line, sizeof(line));
	if (!in->failed && number <= past->last)
		events_restore(events, number, line);
}

struct control_inherited control_carry_take(struct reader *in, nstime now, struct mirror *mirror)
{
	struct control_inherited out = {0};
	struct place at = {0};
	struct reader value;
	uint16_t type;

	while (carry_next(in, &type, &value)) {
		if (type == CONTROL_CARRY_PAST && !out.events && control_past_get(&value, now, &out.past))
			out.events = events_new(out.past.base, out.past.before);
		else if (type == CONTROL_CARRY_EVENT && out.events)
			take_event(out.events, &out.past, &value);
		else if (type == CONTROL_CARRY_RELOAD)
			control_reload_get(&value, now, &out.reload);
		else if (type == CONTROL_CARRY_TRAFFIC)
			take_traffic(mirror, &value, now, &at);
	}
	if (out.events)
		events_resume(out.events, out.past.last);
	return out;
}
