/* Notify scripts: what makes one the same as another, also in another generation and another process. */
#ifndef LBHA_CONFIG_NOTIFY_H
#define LBHA_CONFIG_NOTIFY_H

#include <stdint.h>

struct model;
struct notify;

/* Of its path, arguments and user: the control worker names a script so, the supervisor has it in its own model, and
 * what was told to it is known again after a reload. Never 0. */
uint64_t notify_key(const struct notify *notify);

/* The script of that key among all of a model (struct model.notifies); NULL: none is configured. */
const struct notify *notify_find(const struct model *model, uint64_t key);

#endif
