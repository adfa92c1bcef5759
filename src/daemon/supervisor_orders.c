/* Orders: what an operator wants done now (release, claim) goes to vrrp with a number; it tells
 * what came of each instance and then the end. vrrp keeps its own deadlines; ours is for a worker
 * that forgets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/channel.h"
#include "core/log.h"
#include "daemon/supervisor_state.h"

/* A few times the longest down interval: 3 times 40.95 s and a skew. */
#define PATIENCE_ORDER (900 * NSTIME_S)

#define NOT_THERE "the vrrp worker does not run just now; try again"

static struct order *order_find(struct supervisor *s, uint32_t number)
{
	for (size_t i = 0; i < SUPERVISOR_ORDERS; i++)
		if (s->orders[i].number == number)
			return &s->orders[i];
	return NULL;
}

static void order_end(struct supervisor *s, struct order *order)
{
	supervisor_reply_end(s, order->request, !order->failed);
	*order = (struct order){0};
}

static void order_drop(struct supervisor *s, struct order *order, const char *why)
{
	supervisor_reply_line(s, order->request, why);
	order->failed = true;
	order_end(s, order);
}

void supervisor_orders_drop(struct supervisor *s, const char *why)
{
	for (size_t i = 0; i < SUPERVISOR_ORDERS; i++)
		if (s->orders[i].number)
			order_drop(s, &s->orders[i], why);
}

void supervisor_orders_forget_askers(struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISOR_ORDERS; i++)
		s->orders[i].request = 0;
}

static void orders_late(void *ctx)
{
	struct supervisor *s = ctx;
	nstime next = NSTIME_NEVER;

	for (size_t i = 0; i < SUPERVISOR_ORDERS; i++) {
		struct order *order = &s->orders[i];

		if (order->number && order->deadline <= clock_now())
			order_drop(s, order, "the vrrp worker gave no answer");
		if (order->number)
			next = nstime_min(next, order->deadline);
	}
	timer_at(&s->orders_timer, next);
}

/* An order's record holds what a request's does: the texts are handed on as they came. */
static bool order_send(struct supervisor *s, const struct request *request, enum order_kind kind)
{
	uint8_t bytes[CHANNEL_RECORD_MAX];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, s->last_order);
	put_u8(&out, (uint8_t)kind);
	put_u16(&out, request->count);
	put_bytes(&out, request->objects.at, reader_left(&request->objects));
	if (!out.failed)
		slot_send_bytes(&s->workers.slots[ROLE_VRRP], RECORD_ORDER, bytes,
				writer_used(&out));
	return !out.failed;
}

bool supervisor_order(struct supervisor *s, const struct request *request, enum order_kind kind)
{
	const struct slot *vrrp = &s->workers.slots[ROLE_VRRP];
	struct order *order = order_find(s, 0);

	if (!order || !vrrp->hello || !vrrp->generation || vrrp->stopping)
		return false;
	s->last_order += s->last_order == UINT32_MAX ? 2 : 1; /* never 0 */
	if (!order_send(s, request, kind))
		return false;
	*order = (struct order){.number = s->last_order,
				.request = request->number,
				.deadline = clock_now() + PATIENCE_ORDER};
	if (!timer_armed(&s->orders_timer))
		timer_at(&s->orders_timer, order->deadline);
	return true;
}

void supervisor_order_request(struct supervisor *s, const struct request *request)
{
	bool release = request->kind == REQUEST_RELEASE;

	if (supervisor_order(s, request, release ? ORDER_RELEASE : ORDER_CLAIM))
		return;
	supervisor_reply_line(s, request->number, s->stopping ? "lbhad is stopping" : NOT_THERE);
	supervisor_reply_end(s, request->number, false);
}

void supervisor_order_record(struct supervisor *s, uint16_t type, struct reader *in)
{
	uint32_t number = get_u32(in);
	struct order *order = number ? order_find(s, number) : NULL;
	char object[OVERRIDE_OBJECT], what[512];
	bool done;

	if (!order)
		return; /* of an order that was given up */
	if (type == RECORD_ORDER_END) {
		order_end(s, order);
		return;
	}
	get_text(in, object, sizeof(object));
	done = get_bool(in);
	get_text(in, what, sizeof(what));
	if (!reader_done(in))
		return;
	order->failed |= !done;
	supervisor_reply_object(s, order->request, object, done, what);
}

int supervisor_orders_init(struct supervisor *s)
{
	return timer_init(s->loop, &s->orders_timer, LOOP_NORMAL, orders_late, s);
}

void supervisor_orders_fini(struct supervisor *s)
{
	timer_fini(&s->orders_timer);
}
