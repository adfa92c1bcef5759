/* The monitor's other half: a thread that hears rtnetlink's multicast groups, dumps links and
 * addresses at the start and after an overrun, and passes everything on as packets of a socket
 * pair. A packet is either a mark or the kernel's messages of one read. */
#ifndef LBHA_NET_MONITOR_THREAD_IO_H
#define LBHA_NET_MONITOR_THREAD_IO_H

#include <stdint.h>

struct monitor_thread;

#define MONITOR_PACKET 65536 /* no packet is larger */

enum monitor_mark_kind {
	MONITOR_BEGIN,  /* a dump starts */
	MONITOR_END,    /* and was complete */
	MONITOR_ROUTES_BEGIN, /* a dump of our routes starts */
	MONITOR_ROUTES_END,
	MONITOR_FAILED, /* the thread has ended: error */
};

struct monitor_mark { /* smaller than a message's head, so that the two cannot be mixed up */
	uint32_t kind;
	int32_t error;
};

/* Starts the thread; *fd is where the packets come (the caller's to close, after
 * monitor_thread_free). -errno. */
int monitor_thread_new(struct monitor_thread **out, int *fd);
/* Dump our routes, now and after every overrun. Does not block. */
void monitor_thread_routes(struct monitor_thread *thread);
/* Ends the thread and waits for it; NULL is fine. */
void monitor_thread_free(struct monitor_thread *thread);

#endif
