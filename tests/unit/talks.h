/* Telling a dialogue bytes in pieces: for the tests of all types that are talks. A transcript is told
 * whole, byte by byte, and split in two at every position, and must end alike. */
#ifndef LBHA_TESTS_TALKS_H
#define LBHA_TESTS_TALKS_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "check/talk.h"

/* What talks search with. */
static match_search_function *tell_search;

/* What is known of a talk that was told all there is. */
struct told {
	enum talk_next end;
	enum probe_reason reason;
	bool orderly;
	size_t said_size;       /* bytes that the client sent in all */
	uint8_t said[2 * TALK_OUT];
	char fault[OUTCOME_SAID];
	const char *awaits;
};

struct telling {
	struct talk talk;
	const struct dialogue *dialogue;
	struct told told;
	uint8_t in[TALK_IN], out[TALK_OUT];
	size_t filled;
};

/* As probe_talk.c does it, with a socket that takes everything. */
static inline void tell_step(struct telling *telling)
{
	struct talk *talk = &telling->talk;
	struct told *told = &telling->told;
	size_t sent;

	if (told->end == TALK_MORE)
		told->end = talk_next(talk, telling->dialogue);
	if (told->end == TALK_TLS) { /* which always succeeds */
		talk->secure = true;
		told->end = talk_next(talk, telling->dialogue);
	}
	sent = writer_used(&talk->out);
	ck_assert_uint_le(told->said_size + sent, sizeof(told->said));
	memcpy(told->said + told->said_size, telling->out, sent);
	told->said_size += sent;
	talk->out.at = talk->out.start;
}

static inline void tell_begin(struct telling *telling, const struct dialogue *dialogue,
			      const struct check *check)
{
	memset(telling, 0, sizeof(*telling));
	telling->dialogue = dialogue;
	talk_init(&telling->talk, check, telling->out);
	telling->talk.bytes = telling->in;
	telling->talk.search = tell_search;
	tell_step(telling);
}

static inline void tell_bytes(struct telling *telling, const void *bytes, size_t size)
{
	struct talk *talk = &telling->talk;

	while (size && telling->told.end == TALK_MORE) {
		size_t room, part;

		memmove(telling->in, talk->bytes, talk->size);
		talk->bytes = telling->in;
		room = sizeof(telling->in) - talk->size;
		part = size < room ? size : room;
		memcpy(telling->in + talk->size, bytes, part);
		talk->size += part;
		talk->full = talk->size == sizeof(telling->in);
		bytes = (const char *)bytes + part;
		size -= part;
		tell_step(telling);
	}
}

static inline const struct told *tell_end(struct telling *telling, bool closes)
{
	struct told *told = &telling->told;

	if (closes && told->end == TALK_MORE) {
		telling->talk.closed = true;
		tell_step(telling);
	}
	told->reason = told->end == TALK_PASSED ? REASON_PASSED : telling->talk.reason;
	told->orderly = telling->talk.orderly;
	told->awaits = telling->talk.awaits;
	snprintf(told->fault, sizeof(told->fault), "%s",
		 telling->talk.fault ? telling->talk.fault : "");
	return told;
}

static inline void told_equal(const struct told *a, const struct told *b, size_t split)
{
	ck_assert_msg(a->end == b->end && a->reason == b->reason && a->orderly == b->orderly &&
			      a->said_size == b->said_size &&
			      !memcmp(a->said, b->said, a->said_size) &&
			      !strcmp(a->fault, b->fault),
		      "split at %zu: %d %d \"%s\", not %d %d \"%s\"", split, (int)b->end,
		      (int)b->reason, b->fault, (int)a->end, (int)a->reason, a->fault);
}

/* Tells the transcript in every way; what came of it. */
static inline struct told tell(const struct dialogue *dialogue, const struct check *check,
			       const void *bytes, size_t size, bool closes)
{
	static struct telling telling;
	struct told whole;

	tell_begin(&telling, dialogue, check);
	tell_bytes(&telling, bytes, size);
	whole = *tell_end(&telling, closes);
	tell_begin(&telling, dialogue, check);
	for (size_t i = 0; i < size; i++)
		tell_bytes(&telling, (const char *)bytes + i, 1);
	told_equal(&whole, tell_end(&telling, closes), 1);
	for (size_t split = 0; split <= size && size < 4096; split++) {
		tell_begin(&telling, dialogue, check);
		tell_bytes(&telling, bytes, split);
		tell_bytes(&telling, (const char *)bytes + split, size - split);
		told_equal(&whole, tell_end(&telling, closes), split);
	}
	return whole;
}

#endif
