/* What lbhactl writes on: a stream, 80 columns, colours if it is a terminal, and the wall clock for
 * "how long ago". Texts of the daemon are cleaned once (paper_clean) before they get here, so that
 * no name can steer a terminal. */
#ifndef LBHA_CTL_PAPER_H
#define LBHA_CTL_PAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/nstime.h"

#define PAPER_WIDTH 80
#define PAPER_TEXT 512

enum ink {
	INK_PLAIN,
	INK_GOOD,
	INK_WARN,
	INK_BAD,
	INK_HEAD,
	INK_DIM,
};

struct paper {
	FILE *out;
	bool colour;
	nstime now; /* nanoseconds since the epoch */
};

enum paper_colour {
	PAPER_AUTO, /* for terminals, unless NO_COLOR says otherwise or TERM is dumb */
	PAPER_ALWAYS,
	PAPER_NEVER,
};

struct paper paper_of(FILE *out, enum paper_colour colour);
/* Whether it is a terminal, and no dumb one. */
bool paper_takes_escapes(FILE *out);

void paper_put(const struct paper *paper, enum ink ink, const char *format, ...) PRINTF_LIKE(3, 4);

/* Words folded at 80 columns; `at` columns of the first line are written already, later lines are
 * indented. Ends the line. */
void paper_fold(const struct paper *paper, enum ink ink, size_t at, size_t indent,
		const char *text);

/* Text in several inks, folded in the same way: `at` columns of the line are written already. */
struct flow {
	const struct paper *paper;
	size_t at, indent;
	bool has_text;    /* on this line */
	bool wants_blank; /* the last text ended with one */
};

void flow_put(struct flow *flow, enum ink ink, const char *format, ...) PRINTF_LIKE(3, 4);
void flow_end(struct flow *flow);

/* Columns that a UTF-8 text takes: two for some scripts, none for what combines. */
size_t paper_columns(const char *text);
/* How many bytes of it fit into so many columns. */
size_t paper_fitting(const char *text, size_t columns);

/* The ink of a state's name: MASTER and up are good, FAULT and down are bad… */
enum ink paper_ink(const char *state);

/* How long ago a time of the daemon was ("12m3s"), "-" for null; `out` has PAPER_TEXT bytes, is
 * returned. */
const char *paper_ago(const struct paper *paper, const json_t *time, char *out);
/* That time for reading: "2026-01-02 03:04:05 UTC", "-" for null. */
const char *paper_time(const json_t *time, char *out);

/* Makes every text of a JSON value safe to print, in place. */
void paper_clean(json_t *value);
/* Prints a text of several lines, each made safe. */
void paper_lines(const struct paper *paper, const char *text);

/* A text as JSON, which takes UTF-8 alone: one that is none (names of files, words of the command line, lines of logs) is made
 * safe first. NULL: out of memory. */
json_t *json_of_text(const char *text);

/* A member as text ("" when it is none), as number (0), as truth (false). */
const char *json_text(const json_t *object, const char *key);
long long json_number(const json_t *object, const char *key);
bool json_truth(const json_t *object, const char *key);

#endif
