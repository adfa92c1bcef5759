/* Two queues of rounds under way, urgent ones first; see the header. */
#include "vrrp/rounds.h"

void rounds_init(struct rounds *rounds)
{
	*rounds = (struct rounds){
		.pace = {.gap = NSTIME_S / ROUNDS_RATE, .burst = ROUNDS_BURST},
	};
}

static void queue_put(struct round_queue *queue, struct round *round)
{
	round->after = NULL;
	if (queue->last)
		queue->last->after = round;
	else
		queue->first = round;
	queue->last = round;
}

static void queue_remove(struct round_queue *queue, struct round *round)
{
	struct round *before = NULL, *at = queue->first;

	for (; at && at != round; at = at->after)
		before = at;
	if (!at)
		return;
	if (before)
		before->after = round->after;
	else
		queue->first = round->after;
	if (queue->last == round)
		queue->last = before;
}

static struct round_queue *queue_of(struct rounds *rounds, const struct round *round)
{
	return round->urgent ? &rounds->urgent : &rounds->others;
}

static void begin(struct rounds *rounds, struct round *round, bool urgent)
{
	round->next = 0;
	round->urgent = urgent;
	round->queued = true;
	queue_put(queue_of(rounds, round), round);
}

void rounds_stop(struct rounds *rounds, struct round *round)
{
	if (round->queued)
		queue_remove(queue_of(rounds, round), round);
	round->queued = round->urgent = false;
	round->owed = 0;
}

void rounds_start(struct rounds *rounds, struct round *round, bool urgent, unsigned most)
{
	if (!round->count)
		return;
	if (urgent && round->queued && !round->urgent)
		rounds_stop(rounds, round);
	if (!round->queued)
		begin(rounds, round, urgent);
	else if (round->owed < most)
		round->owed++;
}

static size_t left(const struct round *round)
{
	return round->count - round->next;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct round *rounds_next(const struct rounds *rounds, nstime now, size_t most, size_t *count)
{
	struct round *round = rounds->urgent.first;

	if (!round) {
		round = rounds->others.first;
		most = smaller(most, pace_allowed(&rounds->pace, now));
	}
	if (!round || !most)
		return NULL;
	*count = smaller(most, left(round));
	return round;
}

void rounds_sent(struct rounds *rounds, struct round *round, nstime now, size_t count)
{
	struct round_queue *queue = queue_of(rounds, round);

	pace_spend(&rounds->pace, now, (unsigned)count);
	round->next += count;
	queue_remove(queue, round);
	if (left(round)) {
		queue_put(queue, round);
		return;
	}
	round->queued = round->urgent = false;
	if (round->owed) {
		round->owed--;
		begin(rounds, round, false);
	}
}

nstime rounds_due(const struct rounds *rounds, nstime now, size_t most)
{
	size_t waiting = 0;

	if (rounds->urgent.first)
		return now;
	for (const struct round *at = rounds->others.first; at && waiting < most; at = at->after)
		waiting += left(at);
	return waiting ? pace_due(&rounds->pace, now, (unsigned)smaller(waiting, most))
		       : NSTIME_NEVER;
}
