/* See the header. */
#include "daemon/control_pending.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/channel.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/worker.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_operator.h"
#include "daemon/control_request.h"
#include "daemon/control_words.h"

#define LINES_BYTES_MAX ((size_t)8 << 20) /* of one command's answer */

struct command {
	uint32_t ticket; /* 0: free */
	enum control_kind kind;
	json_t *lines, *objects;
	size_t bytes;
};

struct control_pending {
	struct worker *worker;
	const struct mirror *mirror;
	control_pending_answer *answer;
	void *ctx;
	struct command commands[PENDING_MAX];
};

static struct command *command_find(struct control_pending *pending, uint32_t ticket)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (pending->commands[i].ticket == ticket)
			return &pending->commands[i];
	return NULL;
}

/* ---- to the supervisor -------------------------------------------------------------------- */

/* Several words, all of which hold or none. */
static void tell_words(struct control_pending *pending, uint32_t ticket, uid_t uid,
		       const struct words *words)
{
	uint8_t bytes[1024];
	struct writer out;

	for (size_t i = 0; i < words->count; i++) {
		out = writer_of(bytes, sizeof(bytes));
		put_u32(&out, ticket);
		put_bool(&out, words->rows[i].holds);
		override_put(&out, &words->rows[i].override);
		worker_tell(pending->worker, RECORD_SAY, bytes, writer_used(&out), -1);
	}
	out = writer_of(bytes, sizeof(bytes));
	put_u32(&out, ticket);
	put_u32(&out, uid);
	put_u32(&out, (uint32_t)words->count);
	worker_tell(pending->worker, RECORD_SAID, bytes, writer_used(&out), -1);
}

/* False: `error` says why not. */
static bool tell(struct control_pending *pending, uint32_t ticket, uid_t uid,
		 const struct control_request *request, char *error)
{
	uint8_t bytes[CHANNEL_RECORD_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));
	struct words words = {0};

	if (words_are_asked(request->kind)) {
		if (words_of(pending->mirror, request, clock_now() + clock_wall_offset(), &words,
			     error))
			return false;
		tell_words(pending, ticket, uid, &words);
		words_free(&words);
		return true;
	}
	if (operator_encode(pending->mirror, ticket, uid, request, &out, error))
		return false;
	worker_tell(pending->worker, RECORD_REQUEST, bytes, writer_used(&out), -1);
	return true;
}

char *control_pending_send(struct control_pending *pending, uint32_t ticket, uid_t uid,
			   const struct control_request *request)
{
	struct command *command = command_find(pending, 0);
	char error[CONTROL_ERROR];

	if (!command)
		return control_refusal("too many commands are under way; try again", NULL);
	if (!tell(pending, ticket, uid, request, error))
		return control_refusal(error, NULL);
	*command = (struct command){.ticket = ticket,
				    .kind = request->kind,
				    .lines = json_array(),
				    .objects = json_array()};
	return NULL;
}

/* ---- from it ------------------------------------------------------------------------------ */

/* The one that is under way and has room for more lines; NULL: nobody wants to know. */
static struct command *command_for_line(struct control_pending *pending, uint32_t ticket)
{
	struct command *command = ticket ? command_find(pending, ticket) : NULL;

	return command && command->bytes <= LINES_BYTES_MAX ? command : NULL;
}

static void take_line(struct control_pending *pending, struct reader *in)
{
	struct command *command = command_for_line(pending, get_u32(in));
	char line[2048];

	get_text(in, line, sizeof(line));
	if (!reader_done(in) || !command)
		return;
	command->bytes += strlen(line);
	if (command->bytes > LINES_BYTES_MAX)
		snprintf(line, sizeof(line), "the rest is left out: too many lines");
	json_array_append_new(command->lines, status_text(line));
}

static void take_object(struct control_pending *pending, struct reader *in)
{
	struct command *command = command_for_line(pending, get_u32(in));
	char name[OVERRIDE_OBJECT], what[512];
	bool done;

	get_text(in, name, sizeof(name));
	done = get_bool(in);
	get_text(in, what, sizeof(what));
	if (!reader_done(in) || !command)
		return;
	command->bytes += strlen(name) + strlen(what);
	json_array_append_new(command->objects,
			      json_pack("{s:o, s:b, s:o}", "name", status_text(name), "done", done,
					"text", status_text(what)));
}

static char *answer_of(const struct mirror *mirror, struct command *ended, bool done)
{
	operator_warn(mirror, ended->kind, ended->lines);
	if (!done)
		return control_refusal_of(control_request_refusal(ended->kind), ended->lines,
					  ended->objects);
	return control_answer(
		json_pack("{s:o, s:o}", "lines", ended->lines, "objects", ended->objects));
}

/* Its place is free before the answer lets the client's next line in. */
static void take_end(struct control_pending *pending, struct reader *in)
{
	uint32_t ticket = get_u32(in);
	struct command *command = ticket ? command_find(pending, ticket) : NULL;
	bool done = get_bool(in);
	struct command ended;

	if (!reader_done(in) || !command)
		return;
	ended = *command;
	*command = (struct command){0};
	pending->answer(pending->ctx, ended.ticket, answer_of(pending->mirror, &ended, done));
}

bool control_pending_take(struct control_pending *pending, uint16_t type, struct reader *in)
{
	if (type == RECORD_REPLY_LINE)
		take_line(pending, in);
	else if (type == RECORD_REPLY_OBJECT)
		take_object(pending, in);
	else if (type == RECORD_REPLY)
		take_end(pending, in);
	else
		return false;
	return true;
}

/* ---- life --------------------------------------------------------------------------------- */

/* They stay: what still comes of them is nobody's. */
void control_pending_end(struct control_pending *pending, const char *why)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (pending->commands[i].ticket)
			pending->answer(pending->ctx, pending->commands[i].ticket,
					control_refusal(why, NULL));
}

struct control_pending *control_pending_new(struct worker *worker, const struct mirror *mirror,
					    control_pending_answer *answer, void *ctx)
{
	struct control_pending *pending = calloc(1, sizeof(*pending));

	if (pending)
		*pending = (struct control_pending){
			.worker = worker, .mirror = mirror, .answer = answer, .ctx = ctx};
	return pending;
}

void control_pending_free(struct control_pending *pending)
{
	if (!pending)
		return;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		json_decref(pending->commands[i].lines);
		json_decref(pending->commands[i].objects);
	}
	free(pending);
}
