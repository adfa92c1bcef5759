/* The names that commands take, and nothing else of the objects: for the completion of shells. */
#ifndef LBHA_DAEMON_CONTROL_NAMES_H
#define LBHA_DAEMON_CONTROL_NAMES_H

struct mirror;

/* {"instances":[NAME…],"services":[{"name":NAME,"servers":[NAME…]}…],"checks":[NAME…]} as an answer. */
char *names_answer(const struct mirror *mirror);

#endif
