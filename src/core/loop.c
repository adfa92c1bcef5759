/* libevent behind four small structs; see the header. EVENT_BASE_FLAG_NO_CACHE_TIME makes relative timeouts count from
 * now and not from the start of the turn, so that a timer is never early. */
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* Callbacks of lesser priority are interrupted after this long, to see whether something urgent has
 * come meanwhile: hundreds of flooded interfaces would keep a timer waiting for as many callbacks. */
#define LOOP_TURN NSTIME_MS

struct loop {
	struct event_base *base;
};

static nstime clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSTIME_S + now.tv_nsec;
}

nstime clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

nstime clock_wall_offset(void)
{
	return clock_read(CLOCK_REALTIME) - clock_read(CLOCK_MONOTONIC);
}

struct loop *loop_new(void)
{
	static const struct timeval turn = {.tv_usec = LOOP_TURN / NSTIME_US};
	struct event_config *config = event_config_new();
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!config || !loop)
		goto fail;
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_max_dispatch_interval(config, &turn, -1, LOOP_URGENT + 1);
	loop->base = event_base_new_with_config(config);
	if (!loop->base || event_base_priority_init(loop->base, LOOP_PRIORITIES))
		goto fail;
	event_config_free(config);
	return loop;
fail:
	if (config)
		event_config_free(config);
	loop_free(loop);
	return NULL;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}

int loop_run(struct loop *loop)
{
	return event_base_dispatch(loop->base) < 0 ? -EIO : 0;
}

void loop_stop(struct loop *loop)
{
	event_base_loopbreak(loop->base);
}

/* ---- timers ------------------------------------------------------------------------------------ */

static void timer_arm(struct loop_timer *timer, nstime now)
{
	nstime left = timer->due > now ? timer->due - now : 0;
	nstime micros = (left + NSTIME_US - 1) / NSTIME_US;
	struct timeval wait = {.tv_sec = micros / 1000000, .tv_usec = micros % 1000000};

	event_add(timer->event, &wait);
}

static void timer_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *timer = arg;
	nstime now = clock_now();

	(void)fd;
	(void)what;
	if (timer->due == NSTIME_NEVER)
		return;
	if (now < timer->due) {
		timer_arm(timer, now);
		return;
	}
	timer->due = NSTIME_NEVER;
	timer->fire(timer->ctx);
}

int timer_init(struct loop *loop, struct loop_timer *timer, enum loop_priority priority, void (*fire)(void *ctx),
	       void *ctx)
{
	*timer = (struct loop_timer){.fire = fire, .ctx = ctx, .due = NSTIME_NEVER};
	timer->event = event_new(loop->base, -1, 0, timer_event, timer);
	if (!timer->event)
		return -ENOMEM;
	event_priority_set(timer->event, priority);
	return 0;
}

void timer_at(struct loop_timer *timer, nstime due)
{
	if (due == NSTIME_NEVER) {
		timer_cancel(timer);
		return;
	}
	timer->due = due;
	timer_arm(timer, clock_now());
}

void timer_cancel(struct loop_timer *timer)
{
	timer->due = NSTIME_NEVER;
	if (timer->event)
		event_del(timer->event);
}

bool timer_armed(const struct loop_timer *timer)
{
	return timer->event && timer->due != NSTIME_NEVER;
}

void timer_fini(struct loop_timer *timer)
{
	if (timer->event)
		event_free(timer->event);
	*timer = (struct loop_timer){.due = NSTIME_NEVER};
}

/* ---- descriptors --------------------------------------------------------------------------------- */

static void io_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;

	(void)fd;
	if (what & EV_READ)
		io->readable(io->ctx);
	else if (what & EV_WRITE)
		io->writable(io->ctx);
}

static struct event *io_side(struct loop *loop, struct loop_io *io, short what, enum loop_priority priority)
{
	struct event *event = event_new(loop->base, io->fd, (short)(what | EV_PERSIST), io_event, io);

	if (event)
		event_priority_set(event, priority);
	return event;
}

int io_init(struct loop *loop, struct loop_io *io, int fd, enum loop_priority priority, void (*readable)(void *ctx),
	    void (*writable)(void *ctx), void *ctx)
{
	*io = (struct loop_io){.fd = fd, .readable = readable, .writable = writable, .ctx = ctx};
	if (readable)
		io->read = io_side(loop, io, EV_READ, priority);
	if (writable)
		io->write = io_side(loop, io, EV_WRITE, priority);
	if ((readable && !io->read) || (writable && !io->write)) {
		io_fini(io);
		return -ENOMEM;
	}
	io_want_read(io, readable != NULL);
	return 0;
}

static void side_want(struct event *event, bool on)
{
	if (!event)
		return;
	if (on)
		event_add(event, NULL);
	else
		event_del(event);
}

void io_want_read(struct loop_io *io, bool on)
{
	side_want(io->read, on);
}

void io_want_write(struct loop_io *io, bool on)
{
	side_want(io->write, on);
}

void io_fini(struct loop_io *io)
{
	if (io->read)
		event_free(io->read);
	if (io->write)
		event_free(io->write);
	*io = (struct loop_io){.fd = -1};
}

/* ---- signals ---------------------------------------------------------------------------------------- */

static void signal_event(evutil_socket_t number, short what, void *arg)
{
	struct loop_signal *source = arg;

	(void)what;
	source->caught(source->ctx, (int)number);
}

int signal_init(struct loop *loop, struct loop_signal *source, int number, void (*caught)(void *ctx, int number),
		void *ctx)
{
	*source = (struct loop_signal){.caught = caught, .ctx = ctx};
	source->event = evsignal_new(loop->base, number, signal_event, source);
	if (!source->event)
		return -ENOMEM;
	return event_add(source->event, NULL) ? -EINVAL : 0;
}

void signal_fini(struct loop_signal *source)
{
	if (source->event)
		event_free(source->event);
	source->event = NULL;
}
