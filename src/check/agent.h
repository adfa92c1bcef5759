/* What an agent says: HAProxy's agent-check words, one line of them, separated by blanks or commas, in
 * any case and any order, with a description behind a "#":
 *
 *   75%                        a share of the configured weight (0%: no new connections)
 *   ready, drain, maint        in use again; no new connections; out of the table
 *   up; down, fail(ed), stopped    it passes; it fails
 *   maxconn:30                 so many connections it can bear (0: as many as come)
 *
 * Of two words about the same thing the last one counts. What a line says nothing of stays as it was told
 * before (config/advice.h), so an agent that has said "down" has to say "up". A file that tells a weight is
 * read likewise, and may have it as a number. */
#ifndef LBHA_CHECK_AGENT_H
#define LBHA_CHECK_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "check/outcome.h"

#define AGENT_LINE_MAX 512 /* bytes, with its end */

struct agent_reply {
	struct advice told;           /* its `by` is not set */
	const char *words;          /* the line up to the description, without blanks around it, */
	size_t words_length;
	const char *comment;        /* the description, */
	size_t comment_length;
	const char *unknown;        /* and the first word that is none; NULL: there is none */
	size_t unknown_length;
};

/* Whether a line stands whole in the bytes: it ends with a carriage return, a line feed or a zero byte, or with
 * the last byte there is (`ended`). Lines without a word before it are skipped. Its place in *line and *length,
 * untouched otherwise. */
bool agent_find(const char *bytes, size_t size, bool ended, const char **line, size_t *length);

/* Reads a line; the reply points into it. `numbers`: a plain number is a weight. */
struct agent_reply agent_read(const char *line, size_t length, bool numbers);

/* What it means to the check of an agent, of a file; with words in `said` (OUTCOME_SAID bytes). An agent that
 * says nothing we know has failed; a file has not. */
struct outcome agent_outcome(const struct agent_reply *reply, char *said);
struct outcome agent_outcome_of_file(const struct agent_reply *reply, char *said);

/* type agent: takes the line that comes by itself when the connection stands; nothing is sent. */
struct dialogue;
extern const struct dialogue agent_dialogue;

#endif
