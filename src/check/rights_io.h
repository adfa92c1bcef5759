/* What the check worker may do. Marked packets (via: vip) need CAP_NET_RAW, all else needs nothing. It
 * is started with that right alone and, at each commit, keeps it only if the model needs it; raw and
 * packet sockets are refused all the same (core/sandbox.h). A right that was given up does not come back: when a later model needs it, another worker must
 * take this one's place. */
#ifndef LBHA_CHECK_RIGHTS_IO_H
#define LBHA_CHECK_RIGHTS_IO_H

#include <stdbool.h>

struct rights {
	bool given_up;
};

/* Keeps or gives up; false: it is needed, and was given up before. What cannot be done is logged. */
bool rights_settle(struct rights *rights, bool needs_raw);

#endif
