/* A notice: what the control worker tells the supervisor of an event that scripts are to hear of (RECORD_NOTIFY). It names
 * scripts by their keys (config/notify.h), so nothing can be started but what is configured; what the event is about and
 * its words are control's, and go to the script as they are: as variables LBHA_NAME with clean values, and as a text on its
 * standard input that the supervisor does not look into. Pure. */
#ifndef LBHA_DAEMON_NOTICE_H
#define LBHA_DAEMON_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define NOTICE_SCRIPTS 64    /* that one event is told to */
#define NOTICE_MEMBERS 40    /* of an event */
#define NOTICE_NAME 32       /* of a member's name, with the zero: a-z, 0-9 and _ */
#define NOTICE_VALUE 512
#define NOTICE_OBJECT 192
#define NOTICE_STATE 16
#define NOTICE_JSON 8192     /* an object without its last brace */

struct notice {
	uint64_t scripts[NOTICE_SCRIPTS];
	unsigned script_count;
	bool present;            /* how it is; of interest to those who were told otherwise, or nothing */
	char object[NOTICE_OBJECT], event[NOTICE_NAME];
	char state[NOTICE_STATE]; /* "": it is no change of a state */
	const void *body;        /* members and text, as they were encoded */
	size_t size;
};

/* Writes one: head, so many members, text. The writer overflows when there is no room. */
void notice_put_head(struct writer *out, const struct notice *notice, unsigned members);
void notice_put_member(struct writer *out, const char *name, const char *value);
void notice_put_text(struct writer *out, const char *json);

/* The body points into the reader's bytes. False: malformed. */
bool notice_get(struct reader *in, struct notice *out);

/* A body as its script gets it. */
struct notice_words {
	const char *environment[NOTICE_MEMBERS + 8]; /* into `text`; ended by NULL */
	size_t count;
	char text[NOTICE_MEMBERS * (NOTICE_NAME + 16) + 8192];
	size_t used;
	char json[NOTICE_JSON + 256];
};

/* Of a body that notice_get() has had. */
void notice_words_of(const void *body, size_t size, struct notice_words *out);
/* One more variable (LBHA_ is put before it), unless there is no room. */
void notice_add(struct notice_words *words, const char *name, const char *value);
/* One more member of the object, a text that needs no escaping (NULL: null), and a number. */
void notice_add_json_text(struct notice_words *words, const char *name, const char *value);
void notice_add_json_number(struct notice_words *words, const char *name, unsigned value);
/* Its end. */
void notice_end_json(struct notice_words *words);

#endif
