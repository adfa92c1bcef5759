/* libevent behind three small structs, and a heap of timers; see the header. EVENT_BASE_FLAG_NO_CACHE_TIME makes relative
 * timeouts count from now and not from the start of the turn, so that a timer is never early. */
#include "core/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "core/log.h"

/* Callbacks of lesser priority are interrupted after this long, to see whether something urgent has
 * come meanwhile: hundreds of flooded interfaces would keep a timer waiting for as many callbacks. */
#define LOOP_TURN NSTIME_MS
#define WATCH_AGAIN (20 * NSTIME_MS)

/* The timers of one priority: a heap with the next one first, and one event of libevent for all.
 * There may be thousands of timers, and an event each would be most of what they cost. */
struct timer_queue {
	struct event_base *base;
	struct event *event;
	nstime armed; /* when the event fires; NSTIME_NEVER: it does not */
	bool firing;
	bool yields;  /* to what is more urgent */
	struct loop_timer **heap;
	size_t count, room, known; /* armed; places; timers there are */
};

struct loop {
	struct event_base *base;
	struct timer_queue queues[LOOP_PRIORITIES];
	struct loop_io *late; /* those that the kernel would not watch */
	struct loop_timer again;
};

static bool trying_again; /* what libevent says of it was said before */

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

static int queue_init(struct timer_queue *queue, struct event_base *base, int priority);
static void watch_again(void *ctx);

/* What libevent would print on standard error. */
static void say(int severity, const char *text)
{
	int err = errno;

	if (severity >= EVENT_LOG_WARN && !trying_again)
		log_warning("%s", text);
	errno = err;
}

struct loop *loop_new(void)
{
	static const struct timeval turn = {.tv_usec = LOOP_TURN / NSTIME_US};
	struct event_config *config = event_config_new();
	struct loop *loop = calloc(1, sizeof(*loop));

	event_set_log_callback(say);
	if (!config || !loop)
		goto fail;
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_max_dispatch_interval(config, &turn, -1, LOOP_URGENT + 1);
	loop->base = event_base_new_with_config(config);
	if (!loop->base || event_base_priority_init(loop->base, LOOP_PRIORITIES))
		goto fail;
	for (int i = 0; i < LOOP_PRIORITIES; i++)
		if (queue_init(&loop->queues[i], loop->base, i))
			goto fail;
	if (timer_init(loop, &loop->again, LOOP_NORMAL, watch_again, loop))
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
	for (int i = 0; i < LOOP_PRIORITIES; i++) {
		if (loop->queues[i].event)
			event_free(loop->queues[i].event);
		free(loop->queues[i].heap);
	}
	if (loop->base)
		event_base_free(loop->base);
	free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
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

static void heap_put(struct timer_queue *queue, size_t place, struct loop_timer *timer)
{
	queue->heap[place] = timer;
	timer->place = place;
}

/* The timer at `place` goes to where it belongs. */
static void heap_sift(struct timer_queue *queue, size_t place)
{
	struct loop_timer *timer = queue->heap[place], **heap = queue->heap;

	while (place && heap[(place - 1) / 2]->due > timer->due) {
		heap_put(queue, place, heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (size_t child; (child = 2 * place + 1) < queue->count; place = child) {
		if (child + 1 < queue->count && heap[child + 1]->due < heap[child]->due)
			child++;
		if (heap[child]->due >= timer->due)
			break;
		heap_put(queue, place, heap[child]);
	}
	heap_put(queue, place, timer);
}

static void heap_remove(struct timer_queue *queue, struct loop_timer *timer)
{
	struct loop_timer *last = queue->heap[--queue->count];

	timer->due = NSTIME_NEVER;
	if (last == timer)
		return;
	heap_put(queue, timer->place, last);
	heap_sift(queue, last->place);
}

/* libevent's event for the next timer; one that comes too early does no harm. */
static void queue_arm(struct timer_queue *queue)
{
	nstime next = queue->count ? queue->heap[0]->due : NSTIME_NEVER, left, micros;
	struct timeval wait;

	if (queue->firing || next >= queue->armed)
		return;
	left = nstime_max(next - clock_now(), 0);
	micros = (left + NSTIME_US - 1) / NSTIME_US;
	wait = (struct timeval){.tv_sec = micros / 1000000, .tv_usec = micros % 1000000};
	queue->armed = next;
	event_add(queue->event, &wait);
}

/* All that are due now; those that are set meanwhile have a later point, so the turn ends. */
static void queue_fire(evutil_socket_t fd, short what, void *arg)
{
	struct timer_queue *queue = arg;
	nstime begun = clock_now();

	(void)fd;
	(void)what;
	queue->firing = true;
	while (queue->count && queue->heap[0]->due <= begun &&
	       !event_base_got_break(queue->base)) {
		struct loop_timer *timer = queue->heap[0];

		heap_remove(queue, timer);
		timer->fire(timer->ctx);
		if (queue->yields && clock_now() - begun > LOOP_TURN)
			break;
	}
	queue->firing = false;
	queue->armed = NSTIME_NEVER;
	queue_arm(queue);
}

static int queue_init(struct timer_queue *queue, struct event_base *base, int priority)
{
	*queue = (struct timer_queue){
		.base = base, .armed = NSTIME_NEVER, .yields = priority != LOOP_URGENT};
	queue->event = event_new(base, -1, 0, queue_fire, queue);
	if (!queue->event)
		return -ENOMEM;
	event_priority_set(queue->event, priority);
	return 0;
}

int timer_init(struct loop *loop, struct loop_timer *timer, enum loop_priority priority, void (*fire)(void *ctx),
	       void *ctx)
{
	struct timer_queue *queue = &loop->queues[priority];

	*timer = (struct loop_timer){.due = NSTIME_NEVER};
	if (queue->known == queue->room) {
		size_t room = queue->room ? 2 * queue->room : 16;
		struct loop_timer **heap = realloc(queue->heap, room * sizeof(struct loop_timer *));

		if (!heap)
			return -ENOMEM;
		queue->heap = heap;
		queue->room = room;
	}
	queue->known++;
	*timer = (struct loop_timer){.queue = queue, .fire = fire, .ctx = ctx, .due = NSTIME_NEVER};
	return 0;
}

void timer_at(struct loop_timer *timer, nstime due)
{
	struct timer_queue *queue = timer->queue;
	bool armed = timer_armed(timer);

	if (due == NSTIME_NEVER) {
		timer_cancel(timer);
		return;
	}
	timer->due = nstime_max(due, clock_now());
	if (!armed)
		heap_put(queue, queue->count++, timer);
	heap_sift(queue, timer->place);
	queue_arm(queue);
}

void timer_cancel(struct loop_timer *timer)
{
	if (timer_armed(timer))
		heap_remove(timer->queue, timer);
}

bool timer_armed(const struct loop_timer *timer)
{
	return timer->queue && timer->due != NSTIME_NEVER;
}

void timer_fini(struct loop_timer *timer)
{
	timer_cancel(timer);
	if (timer->queue)
		timer->queue->known--;
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

/* False where the kernel would not. */
static bool side_want(struct event *event, bool on)
{
	return !event || !(on ? event_add(event, NULL) : event_del(event));
}

static void io_late(struct loop_io *io)
{
	if (io->late)
		return;
	io->late = true;
	io->next_late = io->loop->late;
	io->loop->late = io;
	if (!timer_armed(&io->loop->again))
		timer_at(&io->loop->again, clock_now() + WATCH_AGAIN);
}

static void watch_again(void *ctx)
{
	struct loop *loop = ctx;
	struct loop_io *late = loop->late;

	loop->late = NULL;
	trying_again = true;
	while (late) {
		struct loop_io *io = late;

		late = io->next_late;
		io->late = false;
		if (!side_want(io->read, io->wants_read) || !side_want(io->write, io->wants_write))
			io_late(io);
	}
	trying_again = false;
	if (!loop->late)
		log_info("all descriptors are watched again");
}

static void io_forget_late(struct loop_io *io)
{
	struct loop_io **at = &io->loop->late;

	while (*at != io)
		at = &(*at)->next_late;
	*at = io->next_late;
}

int io_init(struct loop *loop, struct loop_io *io, int fd, enum loop_priority priority, void (*readable)(void *ctx),
	    void (*writable)(void *ctx), void *ctx)
{
	*io = (struct loop_io){.loop = loop, .fd = fd, .readable = readable, .writable = writable, .ctx = ctx};
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

void io_want_read(struct loop_io *io, bool on)
{
	io->wants_read = on;
	if (!side_want(io->read, on))
		io_late(io);
}

void io_want_write(struct loop_io *io, bool on)
{
	io->wants_write = on;
	if (!side_want(io->write, on))
		io_late(io);
}

void io_fini(struct loop_io *io)
{
	if (io->late)
		io_forget_late(io);
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
