/* A binary heap with places; see the header. */
#include "check/schedule.h"

#define JITTER_PART 16

size_t schedule_size(uint32_t room)
{
	return room * (sizeof(nstime) + 2 * sizeof(uint32_t));
}

void schedule_init(struct schedule *schedule, void *memory, uint32_t room)
{
	nstime *due = memory;
	uint32_t *heap = (uint32_t *)(due + room);

	*schedule = (struct schedule){.due = due, .heap = heap, .place = heap + room, .room = room};
}

static bool earlier(const struct schedule *schedule, uint32_t a, uint32_t b)
{
	return schedule->due[schedule->heap[a]] < schedule->due[schedule->heap[b]];
}

static void put(struct schedule *schedule, uint32_t place, uint32_t item)
{
	schedule->heap[place] = item;
	schedule->place[item] = place + 1;
}

static void swap(struct schedule *schedule, uint32_t a, uint32_t b)
{
	uint32_t item = schedule->heap[a];

	put(schedule, a, schedule->heap[b]);
	put(schedule, b, item);
}

static void sift_up(struct schedule *schedule, uint32_t place)
{
	while (place && earlier(schedule, place, (place - 1) / 2)) {
		swap(schedule, place, (place - 1) / 2);
		place = (place - 1) / 2;
	}
}

static void sift_down(struct schedule *schedule, uint32_t place)
{
	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child >= schedule->count)
			return;
		if (child + 1 < schedule->count && earlier(schedule, child + 1, child))
			child++;
		if (!earlier(schedule, child, place))
			return;
		swap(schedule, place, child);
		place = child;
	}
}

static void settle(struct schedule *schedule, uint32_t place)
{
	sift_up(schedule, place);
	sift_down(schedule, place);
}

/* The last one of the heap fills the gap. */
static void take_out(struct schedule *schedule, uint32_t item)
{
	uint32_t place = schedule->place[item] - 1;
	uint32_t last = schedule->heap[--schedule->count];

	schedule->place[item] = 0;
	if (last == item)
		return;
	put(schedule, place, last);
	settle(schedule, place);
}

void schedule_set(struct schedule *schedule, uint32_t item, nstime due)
{
	if (due == NSTIME_NEVER) {
		if (schedule->place[item])
			take_out(schedule, item);
		return;
	}
	schedule->due[item] = due;
	if (!schedule->place[item])
		put(schedule, schedule->count++, item);
	settle(schedule, schedule->place[item] - 1);
}

nstime schedule_due(const struct schedule *schedule, uint32_t item)
{
	return schedule->place[item] ? schedule->due[item] : NSTIME_NEVER;
}

nstime schedule_next(const struct schedule *schedule)
{
	return schedule->count ? schedule->due[schedule->heap[0]] : NSTIME_NEVER;
}

bool schedule_take(struct schedule *schedule, nstime now, uint32_t *item, nstime *due)
{
	uint32_t first;

	if (!schedule->count)
		return false;
	first = schedule->heap[0];
	if (schedule->due[first] > now)
		return false;
	take_out(schedule, first);
	*item = first;
	if (due)
		*due = schedule->due[first];
	return true;
}

/* Spreads the bits of a number evenly (the finisher of splitmix64): keys may be poor hashes. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
	return value ^ (value >> 31);
}

/* A number from 0 to `limit`. */
static nstime scale(uint64_t bits, nstime limit)
{
	return (nstime)(bits % ((uint64_t)limit + 1));
}

nstime schedule_first(uint64_t key, nstime interval, bool hurry, nstime now)
{
	nstime window = hurry ? nstime_min(interval, SCHEDULE_HURRY) : interval;

	return nstime_after(now, scale(mix(key), window));
}

nstime schedule_settle(nstime planned, nstime delay, uint64_t random, nstime now)
{
	return nstime_max(nstime_after(planned, scale(random, delay)), now);
}

nstime schedule_again(nstime planned, nstime delay, uint64_t random, nstime now)
{
	nstime due = nstime_after(planned, delay - scale(random, delay / JITTER_PART));

	return nstime_max(due, now);
}

nstime schedule_planned(nstime due, nstime interval, nstime now)
{
	return due + (now > due ? (now - due) / interval * interval : 0);
}
