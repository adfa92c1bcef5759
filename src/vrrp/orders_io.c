/* What operators want done now: release, claim. An order waits for each of its routers until its
 * machine has an answer or the deadline has come; then the supervisor is told, and when nobody is
 * waited for any more, that it has ended. Two orders that want the opposite of one router do not
 * fight: the later one counts, whoever gave the earlier one is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/protocol.h"
#include "core/worker.h"
#include "vrrp/order.h"
#include "vrrp/worker_io.h"

#define ORDERS_MAX 20 /* as many as the supervisor has under way */
#define WHAT 512

struct waiting {
	struct router *router;
	bool was_master;
	bool follows; /* only because its sync group does */
};

struct order {
	uint32_t number; /* 0: none */
	enum order_kind kind;
	struct waiting *waiting;
	size_t count;
	bool open; /* still being given out: it does not end yet */
	nstime deadline;
};

struct orders {
	struct vrrp_worker *worker;
	struct order list[ORDERS_MAX];
	struct loop_timer due;
};

/* ---- answers --------------------------------------------------------------------------------- */

static void tell(struct vrrp_worker *worker, uint32_t number, const char *name, bool done,
		 const char *what)
{
	uint8_t bytes[1024];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, number);
	put_text(&out, name);
	put_bool(&out, done);
	put_text(&out, what);
	worker_tell(worker->frame, RECORD_ORDER_TOLD, bytes, writer_used(&out), -1);
}

static void end_if_done(struct vrrp_worker *worker, struct order *order)
{
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	if (!order->number || order->count || order->open)
		return;
	put_u32(&out, order->number);
	worker_tell(worker->frame, RECORD_ORDER_END, bytes, writer_used(&out), -1);
	free(order->waiting);
	*order = (struct order){0};
}

/* The order has its answer for the router at this place, which goes. */
static void answer(struct order *order, size_t place, bool done, const char *what)
{
	struct router *router = order->waiting[place].router;
	char with[WHAT + FACT_NAME];
	struct text text = text_of(with, sizeof(with));

	text_add(&text, "%s", what);
	if (order->waiting[place].follows && router->group)
		text_add(&text, " (moves with its sync group %s)", group_name(router->group));
	tell(router->worker, order->number, router->about.name, done, with);
	order->waiting[place] = order->waiting[--order->count];
	router->ordered--;
}

/* Answers each order that waits for this router and is of the kinds that `concerns` names (NULL:
 * any). */
static void answer_all(struct router *router, bool (*concerns)(enum order_kind kind), bool done,
		       const char *what)
{
	struct orders *orders = router->worker->orders;

	for (size_t i = 0; i < ORDERS_MAX && router->ordered; i++) {
		struct order *order = &orders->list[i];

		if (!order->number || (concerns && !concerns(order->kind)))
			continue;
		for (size_t j = order->count; j-- > 0;)
			if (order->waiting[j].router == router)
				answer(order, j, done, what);
		end_if_done(router->worker, order);
	}
}

static bool is_claim(enum order_kind kind)
{
	return kind == ORDER_CLAIM;
}

static bool is_release(enum order_kind kind)
{
	return kind != ORDER_CLAIM;
}

/* ---- what the machine says ------------------------------------------------------------------- */

void orders_stepped_down(struct router *router, bool yes)
{
	struct orders *orders = router->worker->orders;
	char why[FACT_DETAIL], what[WHAT];

	for (size_t i = 0; i < ORDERS_MAX && router->ordered; i++) {
		struct order *order = &orders->list[i];

		for (size_t j = order->count; j-- > 0;) {
			struct waiting waiting = order->waiting[j];
			bool done;

			if (waiting.router != router || !is_release(order->kind))
				continue;
			done = vrrp_order_release(&router->machine, waiting.was_master, yes,
						  router_why(router, why), what,
						  sizeof(what)) == VRRP_ORDER_DONE;
			answer(order, j, done, what);
		}
		end_if_done(router->worker, order);
	}
}

/* A claim of this router at this place of an order; with `late` there is an answer in any case. */
static enum vrrp_order_verdict look_at_claim(struct order *order, size_t place, bool late)
{
	struct router *router = order->waiting[place].router;
	char why[FACT_DETAIL], what[WHAT];
	enum vrrp_order_verdict verdict =
		vrrp_order_claim(&router->machine, &router->config, late, router_why(router, why),
				 what, sizeof(what));

	if (verdict != VRRP_ORDER_WAIT)
		answer(order, place, verdict == VRRP_ORDER_DONE, what);
	return verdict;
}

/* One that cannot holds back all of its group. */
static void group_fails(struct order *order, uint32_t group)
{
	for (size_t i = order->count; group && i-- > 0;)
		if (order->waiting[i].router->about.sync_group == group)
			look_at_claim(order, i, true);
}

void orders_look(struct router *router)
{
	struct orders *orders = router->worker->orders;

	for (size_t i = 0; i < ORDERS_MAX && router->ordered; i++) {
		struct order *order = &orders->list[i];

		for (size_t j = order->count; j-- > 0 && is_claim(order->kind);) {
			if (order->waiting[j].router != router)
				continue;
			if (look_at_claim(order, j, false) == VRRP_ORDER_FAILED)
				group_fails(order, router->about.sync_group);
			break;
		}
		end_if_done(router->worker, order);
	}
}

void orders_leave(struct router *router)
{
	answer_all(router, NULL, false, "a reload took it out, or lets it begin anew");
}

/* ---- time ------------------------------------------------------------------------------------ */

static void arm(struct orders *orders)
{
	nstime due = NSTIME_NEVER;

	for (size_t i = 0; i < ORDERS_MAX; i++)
		if (orders->list[i].number)
			due = nstime_min(due, orders->list[i].deadline);
	timer_at(&orders->due, due);
}

static void give_up(struct order *order)
{
	char why[FACT_DETAIL], what[WHAT];
	struct text text;

	while (order->count) {
		struct router *router = order->waiting[order->count - 1].router;

		if (is_claim(order->kind)) {
			look_at_claim(order, order->count - 1, true);
			continue;
		}
		text = text_of(what, sizeof(what));
		text_add(&text, "no end in time, it is %s, %s",
			 vrrp_state_name(router->machine.state), router_why(router, why));
		answer(order, order->count - 1, false, what);
	}
}

static void due(void *ctx)
{
	struct orders *orders = ctx;

	for (size_t i = 0; i < ORDERS_MAX; i++) {
		struct order *order = &orders->list[i];

		if (!order->number || order->deadline > clock_now())
			continue;
		give_up(order);
		end_if_done(orders->worker, order);
	}
	arm(orders);
}

/* ---- an order comes ---------------------------------------------------------------------------
 */

static void wait_for(struct order *order, struct router *router, bool follows)
{
	const struct vrrp_machine *machine = &router->machine;
	nstime now = clock_now();

	order->waiting[order->count++] =
		(struct waiting){.router = router,
				 .was_master = machine->state == VRRP_MASTER,
				 .follows = follows};
	router->ordered++;
	order->deadline = nstime_max(order->deadline,
				     now + vrrp_order_patience(machine, &router->config, now));
}

/* Whether there is nothing to wait for; then `what` says why, and *done how it ended. */
static bool is_answered(const struct order *order, const struct router *router, bool *done,
			char *what)
{
	const struct vrrp_machine *machine = &router->machine;
	struct text text = text_of(what, WHAT);
	char why[FACT_DETAIL];

	*done = order->kind == ORDER_EVACUATE;
	if (vrrp_fsm_releasing(machine) && !machine->stepping) {
		text_add(&text, "it is being released for good");
		return true;
	}
	if (machine->state == VRRP_INIT ||
	    (order->kind == ORDER_EVACUATE && machine->state != VRRP_MASTER)) {
		text_add(&text, "%s, %s", vrrp_state_name(machine->state), router_why(router, why));
		return true;
	}
	return false;
}

static void take_router(struct order *order, struct router *router, bool follows)
{
	char what[WHAT];
	bool done;

	if (is_answered(order, router, &done, what)) {
		tell(router->worker, order->number, router->about.name, done, what);
		return;
	}
	if (is_claim(order->kind))
		answer_all(router, is_release, false, "claimed again meanwhile");
	else
		answer_all(router, is_claim, false, "released meanwhile");
	wait_for(order, router, follows);
}

static struct router *router_find(const struct vrrp_worker *worker, const char *name)
{
	for (size_t i = 0; i < worker->router_count; i++)
		if (!strcmp(worker->routers[i]->about.name, name))
			return worker->routers[i];
	return NULL;
}

static bool waits_for(const struct order *order, const struct router *router)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->waiting[i].router == router)
			return true;
	return false;
}

/* A member of a sync group moves with all others. */
static void take_named(struct vrrp_worker *worker, struct order *order, const char *name)
{
	struct router *named = router_find(worker, name);

	if (!named) {
		tell(worker, order->number, name, false, "there is no such instance");
		return;
	}
	for (size_t i = 0; i < worker->router_count; i++) {
		struct router *router = worker->routers[i];
		bool moves =
			router == named || (named->about.sync_group &&
					    router->about.sync_group == named->about.sync_group);

		if (moves && !waits_for(order, router))
			take_router(order, router, router != named);
	}
}

/* A group carries out an order for all of its members: one of them is told. */
static bool group_knows(const struct vrrp_worker *worker, const struct order *order, size_t place)
{
	const struct router *router = worker->routers[place];

	for (size_t i = 0; i < place && router->group; i++)
		if (worker->routers[i]->group == router->group &&
		    waits_for(order, worker->routers[i]))
			return true;
	return false;
}

/* The machines are told when all are waited for: some answer at once, for others too. */
static void carry_out(struct vrrp_worker *worker, struct order *order)
{
	enum vrrp_input_kind kind =
		is_claim(order->kind) ? VRRP_INPUT_CLAIM : VRRP_INPUT_STEP_DOWN;

	for (size_t i = 0; i < worker->router_count && order->count; i++)
		if (waits_for(order, worker->routers[i]) && !group_knows(worker, order, i))
			router_step(worker->routers[i], (struct vrrp_input){.kind = kind});
}

static void take_routers(struct vrrp_worker *worker, struct order *order, struct reader *in)
{
	uint16_t count = get_u16(in);
	char name[FACT_NAME];

	for (unsigned i = 0; i < count && !in->failed; i++)
		take_named(worker, order, get_text(in, name, sizeof(name)));
	for (size_t i = 0; !count && i < worker->router_count; i++)
		take_router(order, worker->routers[i], false);
}

static struct order *place_find(struct orders *orders)
{
	for (size_t i = 0; i < ORDERS_MAX; i++)
		if (!orders->list[i].number)
			return &orders->list[i];
	return NULL;
}

void orders_record(struct vrrp_worker *worker, struct reader *in)
{
	struct order refused = {.number = get_u32(in)}, *order = place_find(worker->orders);
	enum order_kind kind = get_u8(in);
	struct waiting *waiting = calloc(worker->router_count + 1, sizeof(*waiting));

	if (!order || !waiting || worker->stopping) {
		free(waiting);
		tell(worker, refused.number, "", false,
		     worker->stopping ? "lbhad is stopping" : "too many orders at a time");
		end_if_done(worker, &refused);
		return;
	}
	*order = (struct order){
		.number = refused.number, .kind = kind, .waiting = waiting, .open = true};
	take_routers(worker, order, in);
	carry_out(worker, order);
	order->open = false;
	end_if_done(worker, order);
	arm(worker->orders);
}

/* ---- life --------------------------------------------------------------------------------------
 */

int orders_new(struct vrrp_worker *worker)
{
	struct orders *orders = calloc(1, sizeof(*orders));

	if (!orders)
		return -ENOMEM;
	orders->worker = worker;
	worker->orders = orders;
	return timer_init(worker_loop(worker->frame), &orders->due, LOOP_NORMAL, due, orders);
}

void orders_free(struct orders *orders)
{
	if (!orders)
		return;
	for (size_t i = 0; i < ORDERS_MAX; i++)
		free(orders->list[i].waiting);
	timer_fini(&orders->due);
	free(orders);
}
