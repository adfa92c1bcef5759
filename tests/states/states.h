/* Recorded states: what each release's workers have left, as bytes in tests/states/RELEASE/ROLE.carry, and what the
 * present build makes of them. Made once by that release and never again (test-states --make FOLDER): doc/HACKING.md
 * says how a release adds its own. */
#ifndef LBHA_TESTS_STATES_H
#define LBHA_TESTS_STATES_H

#include "base/cursor.h"
#include "base/nstime.h"

/* All recorded states were left then. */
#define STATE_NOW (5000 * NSTIME_S)

struct state_role {
	const char *name;                   /* of the file, before ".carry" */
	void (*make)(struct writer *out);   /* what this release leaves, behind the head */
	/* asserts that a release's (NULL: this build's), behind the head, is read as it was meant */
	void (*expect)(struct reader *in, const char *release);
};

extern const struct state_role state_check, state_control, state_ipvs, state_vrrp;

#endif
