/* See control_pieces.h. The cursor is the generation that is told (its upper half) and the number of the next service,
 * plus one: the services come last, so all else stands in the first piece. */
#include "daemon/control_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/control_live.h"
#include "daemon/control_metrics.h"
#include "daemon/control_mirror.h"
#include "daemon/control_request.h"
#include "daemon/control_status.h"

#define PIECE 65536 /* bytes, from which on the next service waits for the next piece */

/* A text that grows. */
struct piece {
	char *text;
	size_t size, room;
	bool failed;
};

static bool piece_grow(struct piece *piece, size_t more)
{
	size_t room = piece->room ? piece->room : PIECE + PIECE / 2;
	char *grown;

	while (room < piece->size + more)
		room *= 2;
	grown = realloc(piece->text, room);
	if (!grown)
		return false;
	piece->text = grown;
	piece->room = room;
	return true;
}

static void piece_text(struct piece *piece, const char *text, size_t size)
{
	if (piece->failed || (piece->size + size > piece->room && !piece_grow(piece, size))) {
		piece->failed = true;
		return;
	}
	memcpy(piece->text + piece->size, text, size);
	piece->size += size;
}

static int take_part(const char *part, size_t size, void *ctx)
{
	struct piece *piece = ctx;

	piece_text(piece, part, size);
	return piece->failed ? -1 : 0;
}

static void piece_json(struct piece *piece, json_t *json)
{
	if (!json || json_dump_callback(json, take_part, piece, CONTROL_JSON))
		piece->failed = true;
	json_decref(json);
}

static uint32_t generation_of(const struct mirror *mirror)
{
	return mirror->model ? mirror->model->generation : 0;
}

/* As many services as a piece holds, and what ends the line after the last. */
static void piece_services(struct piece *piece, const struct mirror *mirror, nstime wall,
			   json_t *(*one)(const struct mirror *, size_t, nstime), const char *end,
			   uint64_t *cursor)
{
	size_t count = mirror->model ? mirror->model->service_count : 0;
	size_t next = *cursor ? (uint32_t)*cursor - 1 : 0;

	if (*cursor && *cursor >> 32 != generation_of(mirror)) {
		piece->failed = true;
		return;
	}
	while (next < count && !piece->failed && piece->size < PIECE) {
		if (next)
			piece_text(piece, ",", 1);
		piece_json(piece, one(mirror, next++, wall));
	}
	*cursor = (uint64_t)generation_of(mirror) << 32 | (next + 1);
	if (next < count)
		return;
	piece_text(piece, end, strlen(end));
	*cursor = UINT64_MAX;
}

/* The beginning of an answer: an object that stays open. */
static void piece_open(struct piece *piece, json_t *object)
{
	char *text = object ? json_dumps(object, CONTROL_JSON) : NULL;

	json_decref(object);
	if (text)
		piece_text(piece, text, strlen(text) - 1);
	else
		piece->failed = true;
	free(text);
}

static char *piece_end(struct piece *piece)
{
	piece_text(piece, "", 1);
	if (!piece->failed)
		return piece->text;
	free(piece->text);
	return NULL;
}

char *pieces_of_status(const struct mirror *mirror, nstime now, nstime wall, uint64_t *cursor)
{
	static const char before[] = "{\"ok\":true,\"result\":", services[] = ",\"services\":[";
	struct piece piece = {0};

	if (!*cursor) {
		piece_text(&piece, before, strlen(before));
		piece_open(&piece, status_rest_json(mirror, now, wall));
		piece_text(&piece, services, strlen(services));
	}
	piece_services(&piece, mirror, wall, status_service_json, "]}}\n", cursor);
	return piece_end(&piece);
}

char *pieces_of_traffic(const struct mirror *mirror, nstime wall, uint64_t *cursor)
{
	static const char before[] = "{\"ok\":true,\"result\":", services[] = ",\"services\":[";
	struct piece piece = {0};

	if (!*cursor) {
		piece_text(&piece, before, strlen(before));
		piece_open(&piece, live_time_json(mirror, wall));
		piece_text(&piece, services, strlen(services));
	}
	piece_services(&piece, mirror, wall, live_service_json, "]}}\n", cursor);
	return piece_end(&piece);
}

char *pieces_of_metrics(const struct mirror *mirror, nstime wall, uint64_t *cursor)
{
	static const char before[] = "{\"ok\":true,\"result\":", services[] = ",\"services\":[";
	struct piece piece = {0};

	if (!*cursor) {
		piece_text(&piece, before, strlen(before));
		piece_open(&piece, metrics_rest_json(mirror, wall));
		piece_text(&piece, services, strlen(services));
	}
	piece_services(&piece, mirror, wall, metrics_service_json, "]}}\n", cursor);
	return piece_end(&piece);
}

char *pieces_of_services(const struct mirror *mirror, nstime wall, uint64_t *cursor)
{
	static const char before[] = "{\"ok\":true,\"result\":[";
	struct piece piece = {0};

	if (!*cursor)
		piece_text(&piece, before, strlen(before));
	piece_services(&piece, mirror, wall, status_service_json, "]}\n", cursor);
	return piece_end(&piece);
}
