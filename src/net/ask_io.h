/* Asks the segments who has which address, and listens for the answers. */
#ifndef LBHA_NET_ASK_IO_H
#define LBHA_NET_ASK_IO_H

#include "net/ask.h"

struct arena;

#define ASK_MS 1000 /* how long it listens at most */
#define ASK_AGAIN_MS 250
#define ASK_LEAST_MS 500 /* even if each question has its answer: a second one may come late */

/* Sends the questions (twice: the first may find a full neighbour table) and puts into `ask` what was
 * answered to them. Needs CAP_NET_RAW: -EPERM. -errno; -ENOMEM. */
int ask_all(struct arena *arena, struct ask *ask);

#endif
