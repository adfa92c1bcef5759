/* The event loop: thin over libevent, with EVENT_BASE_FLAG_PRECISE_TIMER (timers may not be late by the kernel's
 * clock granularity: VRRP depends on it). Structs are embedded in their owners and must be cancelled (or the loop
 * freed) before they go; callbacks may cancel or re-arm anything, their own source included. After init nothing
 * allocates. Single-threaded. */
#ifndef LBHA_CORE_LOOP_H
#define LBHA_CORE_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/nstime.h"

struct event;
struct event_base;
struct loop;
struct timer_queue;

enum loop_priority {
	LOOP_URGENT, /* protocol timers: others are interrupted for them, between two callbacks */
	LOOP_NORMAL,
	LOOP_IDLE,   /* statistics, status */
	LOOP_PRIORITIES,
};

struct loop_timer {
	struct timer_queue *queue;
	size_t place; /* in it */
	void (*fire)(void *ctx);
	void *ctx;
	nstime due;   /* NSTIME_NEVER while not armed */
};

struct loop_io {
	struct loop *loop;
	struct event *read, *write;
	struct loop_io *next_late; /* not watched as wanted; see io_init() */
	bool wants_read, wants_write, late;
	int fd;
	void (*readable)(void *ctx);
	void (*writable)(void *ctx);
	void *ctx;
};

struct loop_signal {
	struct event *event;
	void (*caught)(void *ctx, int number);
	void *ctx;
};

/* NULL when libevent cannot make a base. */
struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* For what libevent itself serves (evhttp). */
struct event_base *loop_base(struct loop *loop);

/* Runs until loop_stop(); 0, or -EIO when libevent fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* CLOCK_MONOTONIC now: the only clock of the program (wall time is for display alone). */
nstime clock_now(void);
/* CLOCK_REALTIME minus CLOCK_MONOTONIC now: add it to a point to show it as wall time. */
nstime clock_wall_offset(void);

/* A timer that is not armed. -ENOMEM. */
int timer_init(struct loop *loop, struct loop_timer *timer, enum loop_priority priority, void (*fire)(void *ctx),
	       void *ctx);
/* Fires once at the point `due` (at once when it has passed); replaces an earlier setting. NSTIME_NEVER cancels. */
void timer_at(struct loop_timer *timer, nstime due);
void timer_cancel(struct loop_timer *timer);
bool timer_armed(const struct loop_timer *timer);
void timer_fini(struct loop_timer *timer); /* cancels and frees; a zeroed struct is fine */

/* Watches a descriptor (which the caller owns); starts with reading on when `readable` is given, writing off. Where the
 * kernel has no memory to watch one, or watches too many, it is asked again until it does, and that is told once. */
int io_init(struct loop *loop, struct loop_io *io, int fd, enum loop_priority priority, void (*readable)(void *ctx),
	    void (*writable)(void *ctx), void *ctx);
void io_want_read(struct loop_io *io, bool on);
void io_want_write(struct loop_io *io, bool on);
void io_fini(struct loop_io *io); /* stops watching; does not close */

int signal_init(struct loop *loop, struct loop_signal *source, int number, void (*caught)(void *ctx, int number),
		void *ctx);
void signal_fini(struct loop_signal *source);

#endif
