/* type redis: PING, and +PONG. A server that wants a password first (-NOAUTH) answers, and so passes; all other
 * errors (-LOADING, -MASTERDOWN, -DENIED …) say that it does not serve. */
#ifndef LBHA_CHECK_REDIS_H
#define LBHA_CHECK_REDIS_H

struct dialogue;

extern const struct dialogue redis_dialogue;

#endif
