/* Memory goes back to the kernel after a rush: ten thousand first probes, servers that all hang, or a
 * reload of a large file. The allocator keeps what was freed below something that lives; a flight of
 * libcurl or OpenSSL has 20 to 60 KB. */
#ifndef LBHA_CHECK_TRIM_IO_H
#define LBHA_CHECK_TRIM_IO_H

#include "core/loop.h"

struct trim {
	struct loop_timer timer;
};

/* 0 or -ENOMEM. */
int trim_init(struct trim *trim, struct loop *loop);
void trim_fini(struct trim *trim);

/* More is in use now than will be: what is free some seconds later goes back. Costs nothing when said
 * again meanwhile. */
void trim_later(struct trim *trim);

#endif
