/* Commands under way: each goes to the supervisor as a RECORD_REQUEST (or word by word, RECORD_SAY), which answers with
 * lines, objects and one RECORD_REPLY. A command's number is the ticket of its line, so the answer to a client that has
 * left finds nobody and is dropped. At most PENDING_MAX are under way: a supervisor that is busy cannot fill the places of
 * clients that only want to read. */
#ifndef LBHA_DAEMON_CONTROL_PENDING_H
#define LBHA_DAEMON_CONTROL_PENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cursor.h"

#define PENDING_MAX 16

struct control_pending;
struct control_request;
struct mirror;
struct worker;

/* To the line of that ticket; the text is malloc'ed and taken over. */
typedef void control_pending_answer(void *ctx, uint32_t ticket, char *text);

/* NULL when out of memory. */
struct control_pending *control_pending_new(struct worker *worker, const struct mirror *mirror,
					    control_pending_answer *answer, void *ctx);
void control_pending_free(struct control_pending *pending);

/* Hands a command to the supervisor; a refusal at once, malloc'ed, when too many are under way or it means nothing here,
 * else NULL: it is answered later. */
char *control_pending_send(struct control_pending *pending, uint32_t ticket, uid_t uid,
			   const struct control_request *request);
/* What the supervisor says of a command; false when this record is about none. */
bool control_pending_take(struct control_pending *pending, uint16_t type, struct reader *in);
/* Refuses all that are under way. */
void control_pending_end(struct control_pending *pending, const char *why);

#endif
