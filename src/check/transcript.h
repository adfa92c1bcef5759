/* A transcript: what one probe does, says and hears, step by step, written down for an operator who
 * asks with `lbhactl check`. Bounded: what does not fit is left out, and that is said. Bytes are
 * written as lbha.conf writes them (\r \n \t \\ \xHH), so whatever a server sends is harmless on a
 * terminal and can be pasted into a check. What lines of HTTP keep secret (credentials, cookies) is not
 * written down at all. */
#ifndef LBHA_CHECK_TRANSCRIPT_H
#define LBHA_CHECK_TRANSCRIPT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/nstime.h"

#define TRANSCRIPT_ROOM 14336 /* with its head it fits into one record of a channel */
#define TRANSCRIPT_TEXT 4096  /* of one step, with the zero */
#define TRANSCRIPT_SECRET "(secret)"

enum transcript_kind {
	TRANSCRIPT_DID, /* a sentence of ours */
	TRANSCRIPT_SENT,
	TRANSCRIPT_RECEIVED,
	TRANSCRIPT_KINDS,
};

struct transcript {
	nstime began;
	size_t used;
	bool cut;   /* there was more */
	bool hides; /* the last line of a head kept a secret, and may go on */
	uint8_t bytes[TRANSCRIPT_ROOM];
};

struct transcript_step {
	enum transcript_kind kind;
	nstime after; /* from the beginning */
	size_t left_out; /* bytes of this step that are not shown */
	char text[TRANSCRIPT_TEXT];
};

void transcript_begin(struct transcript *transcript, nstime now);

/* A sentence; foreign text in it is cleaned. */
void transcript_say(struct transcript *transcript, nstime now, const char *format, va_list list);
/* Bytes as they went or came. */
void transcript_bytes(struct transcript *transcript, nstime now, enum transcript_kind kind,
		      const void *bytes, size_t size);
/* The head of a request or an answer of HTTP, or one line of it. */
void transcript_head(struct transcript *transcript, nstime now, enum transcript_kind kind,
		     const char *bytes, size_t size);

/* The next of the steps that `in` reads (of bytes[0..used)); false at the end, or when they are none:
 * then in->failed. */
bool transcript_next(struct reader *in, struct transcript_step *out);

const char *transcript_kind_name(enum transcript_kind kind);

#endif
