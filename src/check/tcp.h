/* type tcp with something to say: sends `send`, and passes when what comes holds `expect`, or a match of
 * `expect_regex`, anywhere in its first TALK_IN bytes. Without these it passes when `send` has gone. */
#ifndef LBHA_CHECK_TCP_H
#define LBHA_CHECK_TCP_H

#include <stdbool.h>

struct check;
struct dialogue;

extern const struct dialogue tcp_dialogue;

/* Whether a check of type tcp is more than a connection. */
bool tcp_talks(const struct check *check);

#endif
