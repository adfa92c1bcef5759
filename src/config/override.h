/* An operator's word that goes before lbha.conf: who said what about which object, until when. One
 * shape for all kinds, in the state folder, in memory, between workers. At most one override per
 * (kind, object). Times are wall time (nanoseconds since the epoch): they outlive the machine's
 * clock.
 *
 *   kind         object          value
 *   priority     an instance     1..254, in place of the configured one
 *   maintenance  the director    on
 *   state        SERVICE/SERVER  enabled, drained or disabled, in place of the configured one
 *   weight       SERVICE/SERVER  0..65535, in place of the configured one
 *   log          the director    error, warning, info or debug, in place of the configured level
 */
#ifndef LBHA_CONFIG_OVERRIDE_H
#define LBHA_CONFIG_OVERRIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/nstime.h"
#include "config/model.h"

#define OVERRIDE_OBJECT 160 /* each with the zero */
#define OVERRIDE_KIND 24
#define OVERRIDE_VALUE 32
#define OVERRIDE_BY 64
#define OVERRIDE_COMMENT 256

#define OVERRIDE_DIRECTOR "director" /* the object of maintenance and log */

enum override_kind {
	OVERRIDE_PRIORITY,
	OVERRIDE_MAINTENANCE,
	OVERRIDE_STATE,
	OVERRIDE_WEIGHT,
	OVERRIDE_LOG,
	OVERRIDE_KINDS,
};

struct override {
	char object[OVERRIDE_OBJECT];
	enum override_kind kind;
	char value[OVERRIDE_VALUE];
	char by[OVERRIDE_BY];           /* the user's name */
	char comment[OVERRIDE_COMMENT]; /* "": none */
	nstime since, until;            /* until: 0 = until it is taken back */
	/* of a server that is drained: then it is out of the table, connections or not, and before
	 * as soon as it has none; 0: it stays in the table */
	nstime deadline;
};

const char *override_kind_name(enum override_kind kind);
/* False: no kind has that name. */
bool override_kind_find(const char *name, enum override_kind *out);

/* Why object and value do not fit the kind, in words; NULL when they do. */
const char *override_wrong(const struct override *override);

/* The value of a sound override of that kind. */
uint8_t override_priority(const struct override *override);
enum admin_state override_state(const struct override *override);
uint32_t override_weight(const struct override *override);
uint8_t override_log_level(const struct override *override); /* as struct log_global has it */

/* Whether it is of a server: it has a service and a server in its object. */
bool override_is_of_servers(enum override_kind kind);
/* "SERVICE/SERVER"; false: too long, nothing is written. */
bool override_object_of(char out[OVERRIDE_OBJECT], const char *service, const char *server);
/* The server's name in an object of that service; NULL: it is none of that service. Names may hold
 * a "/" themselves: only the model knows where one ends. */
const char *override_server(const char *object, const char *service);

/* What is in force on a server that is configured so. What lbha.conf disables stays disabled: no
 * probe asks how it is. */
enum admin_state override_admin(enum admin_state configured, const struct override *said);

/* Between processes of one build. The getter takes only what override_wrong() has nothing against,
 * and cleans texts. */
void override_put(struct writer *out, const struct override *override);
bool override_get(struct reader *in, struct override *override);

#endif
