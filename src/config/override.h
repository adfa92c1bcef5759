/* An operator's word that goes before lbha.conf: who said what about which object, until when. One
 * shape for all kinds, in the state folder, in memory, between workers. At most one override per
 * (kind, object). Times are wall time (nanoseconds since the epoch): they outlive the machine's
 * clock.
 *
 *   kind         object        value
 *   priority     an instance   1..254, in place of the configured one
 *   maintenance  the director  on
 */
#ifndef LBHA_CONFIG_OVERRIDE_H
#define LBHA_CONFIG_OVERRIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/nstime.h"

#define OVERRIDE_OBJECT 160 /* each with the zero */
#define OVERRIDE_KIND 24
#define OVERRIDE_VALUE 32
#define OVERRIDE_BY 64
#define OVERRIDE_COMMENT 256

#define OVERRIDE_DIRECTOR "director" /* the object of maintenance */

enum override_kind {
	OVERRIDE_PRIORITY,
	OVERRIDE_MAINTENANCE,
	OVERRIDE_KINDS,
};

struct override {
	char object[OVERRIDE_OBJECT];
	enum override_kind kind;
	char value[OVERRIDE_VALUE];
	char by[OVERRIDE_BY];           /* the user's name */
	char comment[OVERRIDE_COMMENT]; /* "": none */
	nstime since, until;            /* until: 0 = until it is taken back */
};

const char *override_kind_name(enum override_kind kind);
/* False: no kind has that name. */
bool override_kind_find(const char *name, enum override_kind *out);

/* Why object and value do not fit the kind, in words; NULL when they do. */
const char *override_wrong(const struct override *override);

/* The priority of a sound override of that kind. */
uint8_t override_priority(const struct override *override);

/* Between processes of one build. The getter takes only what override_wrong() has nothing against,
 * and cleans texts. */
void override_put(struct writer *out, const struct override *override);
bool override_get(struct reader *in, struct override *override);

#endif
