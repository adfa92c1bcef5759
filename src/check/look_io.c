/* See the header. Whoever asks names place and number; the same number again (after a new link) is the
 * same wish, another one takes its place. */
#include "check/look_io.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "check/engine_io.h"
#include "check/flight_io.h"
#include "config/advice.h"
#include "config/model.h"
#include "core/loop.h"

struct place {
	struct looks *looks;
	uint32_t number;   /* 0: nobody wants anything */
	struct look *look; /* NULL: none, or out of memory */
	bool ended;
};

struct looks {
	struct engine *engine;
	void (*told)(void *ctx, uint32_t place);
	void *ctx;
	struct place places[FACT_LOOKS];
};

/* ---- what is written down ------------------------------------------------------------------- */

static void PRINTF_LIKE(2, 3) say(struct look *look, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	transcript_say(&look->transcript, clock_now(), format, list);
	va_end(list);
}

void flight_did(const struct flight *flight, const char *format, ...)
{
	va_list list;

	if (!flight->look)
		return;
	va_start(list, format);
	transcript_say(&flight->look->transcript, clock_now(), format, list);
	va_end(list);
}

void flight_sent(const struct flight *flight, const void *bytes, size_t size)
{
	if (flight->look)
		transcript_bytes(&flight->look->transcript, clock_now(), TRANSCRIPT_SENT, bytes,
				 size);
}

void flight_heard(const struct flight *flight, const void *bytes, size_t size)
{
	if (flight->look)
		transcript_bytes(&flight->look->transcript, clock_now(), TRANSCRIPT_RECEIVED, bytes,
				 size);
}

void flight_sent_head(const struct flight *flight, const char *bytes, size_t size)
{
	if (flight->look)
		transcript_head(&flight->look->transcript, clock_now(), TRANSCRIPT_SENT, bytes,
				size);
}

void flight_heard_head(const struct flight *flight, const char *bytes, size_t size)
{
	if (flight->look)
		transcript_head(&flight->look->transcript, clock_now(), TRANSCRIPT_RECEIVED, bytes,
				size);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

void look_begin(struct look *look, const struct model *model, uint32_t probe, bool held)
{
	const struct probe *it = &model->probes[probe];

	transcript_begin(&look->transcript, clock_now());
	if (held)
		say(look, it->way ? "not on the schedule now: its way through IPVS is not in place, or no "
				    "instance that carries its addresses is MASTER here"
				  : "not on the schedule now: no instance that carries its service's "
				    "addresses is MASTER here");
}

/* As the engine does with those that count. */
static enum probe_reason reason_of(const struct outcome *outcome)
{
	if (outcome->reason == REASON_PASSED && advice_spoken(&outcome->told) &&
	    outcome->told.status == ADVICE_DOWN)
		return REASON_SAYS_DOWN;
	return outcome->reason;
}

void look_end(struct look *look, const struct flight *flight, const struct outcome *outcome)
{
	struct outcome ended = *outcome;
	struct fact_seen *seen = &look->seen;

	ended.reason = reason_of(outcome);
	ended.connected = flight->connected;
	ended.latency = clock_now() - flight->started;
	seen->reason = ended.reason;
	seen->passed = ended.reason == REASON_PASSED;
	seen->latency = ended.latency;
	seen->cut = look->transcript.cut;
	outcome_describe(&ended, flight->check, seen->detail, sizeof(seen->detail));
}

/* ---- places --------------------------------------------------------------------------------- */

static void place_tell(struct place *place)
{
	struct looks *looks = place->looks;

	place->ended = true;
	looks->told(looks->ctx, (uint32_t)(place - looks->places));
}

static void look_ended(struct look *look)
{
	place_tell(look->ctx);
}

static void place_clear(struct place *place)
{
	if (place->look)
		engine_look_away(place->look);
	free(place->look);
	place->look = NULL;
	place->number = 0;
	place->ended = false;
}

/* What this machine cannot do now. */
static void place_refuse(struct place *place, const char *why)
{
	struct fact_seen *seen = &place->look->seen;

	seen->reason = REASON_RESOURCES;
	snprintf(seen->detail, sizeof(seen->detail), "here: %s", why);
	place_tell(place);
}

static void place_begin(struct place *place, const struct fact_look *wanted)
{
	struct engine *engine = place->looks->engine;
	const struct model *model = engine_model(engine);

	place->number = wanted->number;
	place->look = calloc(1, sizeof(*place->look));
	if (!place->look) {
		place_tell(place);
		return;
	}
	place->look->ended = look_ended;
	place->look->ctx = place;
	if (wanted->probe >= model->probe_count)
		place_refuse(place, "there is no such probe");
	else if (!engine_look(engine, wanted->probe, place->look))
		place_refuse(place, "as many probes are under way as may be at once");
}

void looks_take(struct looks *looks, const struct fact_look *wanted)
{
	struct place *place = &looks->places[wanted->place];

	if (place->number == wanted->number || !engine_model(looks->engine))
		return;
	place_clear(place);
	if (wanted->number)
		place_begin(place, wanted);
}

void looks_forget(struct looks *looks)
{
	for (size_t i = 0; i < FACT_LOOKS; i++)
		place_clear(&looks->places[i]);
}

bool looks_fact(const struct looks *looks, uint32_t index, struct writer *out)
{
	const struct place *place = &looks->places[index];
	static const struct fact_seen no_memory = {.reason = REASON_RESOURCES,
						   .detail = "here: out of memory"};
	struct fact_seen seen = place->look ? place->look->seen : no_memory;

	if (!place->number || !place->ended)
		return false;
	seen.place = index;
	seen.number = place->number;
	fact_seen_put(out, &seen);
	if (place->look)
		put_bytes(out, place->look->transcript.bytes, place->look->transcript.used);
	return true;
}

struct looks *looks_new(struct engine *engine, void (*told)(void *ctx, uint32_t place), void *ctx)
{
	struct looks *looks = calloc(1, sizeof(*looks));

	if (!looks)
		return NULL;
	*looks = (struct looks){.engine = engine, .told = told, .ctx = ctx};
	for (size_t i = 0; i < FACT_LOOKS; i++)
		looks->places[i].looks = looks;
	return looks;
}

void looks_free(struct looks *looks)
{
	if (!looks)
		return;
	looks_forget(looks);
	free(looks);
}
