/* The look at the kernel that is due every global.ipvs.read_back, a little at a time (ipvs/reading.h):
 * between two turns whatever else is due has its turn. It only finds out whether there is anything to
 * mend. Whatever makes it senseless (another generation, a look at everything at once) ends it
 * without a word, and what goes wrong with it is left to a look at everything. */
#include "ipvs/ipvs_worker_io.h"

#include <errno.h>

#include "base/arena.h"
#include "core/log.h"
#include "ipvs/ipvs_io.h"

#define TURN (5 * NSTIME_MS)   /* a turn ends with the first packet after that */
#define PAUSE (10 * NSTIME_MS) /* when the kernel has nothing to say yet */

bool ipvs_reading_is_under_way(const struct ipvs_worker *ipvs)
{
	return ipvs->look.is_under_way;
}

void ipvs_reading_abandon(struct ipvs_worker *ipvs)
{
	if (!ipvs->look.is_under_way)
		return;
	ipvs->look.is_under_way = false;
	timer_cancel(&ipvs->look.timer);
	ipvs_kernel_close_reader(&ipvs->kernel); /* it may be in the middle of an answer */
}

void ipvs_reading_fini(struct ipvs_worker *ipvs)
{
	timer_fini(&ipvs->look.timer);
	arena_free(ipvs->look.list);
	arena_free(ipvs->look.scratch);
}

/* Empties one of the arenas, which is kept from look to look. */
static int empty(struct arena **arena)
{
	if (*arena)
		arena_reset(*arena);
	else
		*arena = arena_new(0);
	return *arena ? 0 : -ENOMEM;
}

static int begin(struct ipvs_worker *ipvs)
{
	struct ipvs_look *look = &ipvs->look;
	int error = empty(&look->list);

	if (!error)
		error = empty(&look->scratch);
	if (!error)
		error = ipvs_reading_begin(&look->reading, &ipvs->running->state, look->list,
					   look->scratch);
	if (!error)
		error = ipvs_kernel_open_reader(&ipvs->kernel);
	return error ? error : ipvs_io_ask_services(ipvs->kernel.reader);
}

void ipvs_reading_start(struct ipvs_worker *ipvs, bool compares, bool counts)
{
	struct ipvs_look *look = &ipvs->look;

	look->is_under_way = true;
	look->again = false;
	look->service = NULL;
	look->begun = look->heard = clock_now();
	look->effort = 0;
	if (begin(ipvs)) {
		ipvs_reading_abandon(ipvs);
		ipvs_apply_read_back(ipvs);
		return;
	}
	look->reading.compares = compares;
	look->reading.counts = counts;
	timer_at(&look->timer, clock_now());
}

static struct ipvs_service *room_for_service(void *ctx)
{
	return ipvs_reading_list(ctx);
}

static int list(struct ipvs_worker *ipvs)
{
	struct ipvs_reading *reading = &ipvs->look.reading;
	struct ipvs_state *state = &ipvs->running->state;
	int result = ipvs_io_take_services(ipvs->kernel.reader, room_for_service, reading);

	if (result)
		return result;
	ipvs_reading_listed(reading, state,
			    ipvs_apply_removes_foreign(ipvs->running->model) ? NULL
									      : &ipvs->ownership.set);
	return 1;
}

/* Asks for the next service, or takes a packet of the one that was asked for. */
static int read_service(struct ipvs_worker *ipvs)
{
	struct ipvs_look *look = &ipvs->look;
	struct ipvs_state *state = &ipvs->running->state;
	int result;

	if (!look->service) {
		look->service = ipvs_reading_next(&look->reading, state, ipvs->kernel.operations);
		if (!look->service)
			return 0;
		result = ipvs_io_ask_dests(ipvs->kernel.reader, &look->service->key);
	} else {
		result = ipvs_io_take_dests(ipvs->kernel.reader, look->scratch, look->service);
		if (result)
			return result;
		look->service = NULL;
		result = ipvs_reading_read(&look->reading, state, ipvs->kernel.operations);
	}
	return result ? result : 1;
}

/* One packet. 1: there is more; 0: that was all; -errno, -EAGAIN among them. */
static int advance(struct ipvs_worker *ipvs)
{
	return ipvs->look.reading.is_listed ? read_service(ipvs) : list(ipvs);
}

/* The kernel answers within the request; when it does not, others have their turn. */
static int wait_for_kernel(struct ipvs_look *look)
{
	if (clock_now() - look->heard > IPVS_IO_PATIENCE)
		return -ETIMEDOUT;
	timer_at(&look->timer, clock_now() + PAUSE);
	return 1;
}

void ipvs_reading_turn(void *ctx)
{
	struct ipvs_worker *ipvs = ctx;
	struct ipvs_look *look = &ipvs->look;
	nstime begun = clock_now(), now = begun;
	int result = 1;

	ipvs->happened++; /* counters */
	while (result == 1 && now - begun < TURN) {
		result = advance(ipvs);
		now = clock_now();
		if (result >= 0)
			look->heard = now;
	}
	look->effort += now - begun;
	if (ipvs->running->state.marked_count && !timer_armed(&ipvs->settle))
		timer_at(&ipvs->settle, now);
	if (result == 1)
		timer_at(&look->timer, now);
	else if (result == -EAGAIN)
		result = wait_for_kernel(look);
	if (result == 1)
		return;
	look->is_under_way = false;
	if (result) {
		log_debug("the look at the kernel's table broke off: error %d", -result);
		ipvs_kernel_close_reader(&ipvs->kernel);
		ipvs_apply_read_back(ipvs);
		return;
	}
	ipvs_apply_looked(ipvs);
}
