/* The control worker's own part: requests in, answers from the mirror out; what others have to do for an answer
 * is in files of their own (commands: control_pending.h, looks: control_look.h).
 *
 * Nobody is answered before there is something to say: clients wait in the socket's queue until the
 * configuration is there and every worker has told all its facts once, or HUSH has passed (one of
 * them may hang). So an operator who asks while this worker is being replaced does not read that
 * the world has begun anew. */
#include "config.h"

#include "daemon/control_main.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/codec.h"
#include "config/render.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/protocol.h"
#include "core/sandbox.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "daemon/control_access.h"
#include "daemon/control_carry.h"
#include "daemon/control_clients.h"
#include "daemon/control_export.h"
#include "daemon/control_look.h"
#include "daemon/control_json.h"
#include "daemon/control_mirror.h"
#include "daemon/control_notify.h"
#include "daemon/control_names.h"
#include "daemon/control_pending.h"
#include "daemon/control_pieces.h"
#include "daemon/control_request.h"
#include "daemon/control_status.h"
#include "daemon/control_zero.h"
#include "daemon/events.h"

#define HUSH NSTIME_S
#define WATCH (10 * NSTIME_S) /* that long after a look at the traffic another is expected */
#define EVENTS_AT_ONCE 32768 /* bytes for a follower in one piece */
#define INFORMANTS (1u << ROLE_CHECK | 1u << ROLE_IPVS | 1u << ROLE_VRRP)

struct control {
	struct worker *worker;
	struct clients *clients;
	struct mirror mirror, next;
	struct events *events;
	struct event_sink sink;
	struct control_notify *notify;
	uid_t supervisor; /* the user that the supervisor runs as */
	struct control_pending *pending;
	struct log_bucket bad_facts;
	unsigned awaited; /* who has not told all its facts yet (1 << role) */
	struct loop_timer hush, settle;
	nstime heard; /* when the last fact came */
	struct fact_watch watch;
	struct control_looks *looks;
};

/* ---- configuration and facts ------------------------------------------------------ */

static int control_prepare(void *ctx, const void *slice, size_t size, UNUSED uint32_t generation)
{
	struct control *control = ctx;
	auto_arena *arena = arena_new(0);
	struct model *model;
	int err = arena ? slice_decode(slice, size, arena, &model) : -ENOMEM;

	if (!err)
		err = mirror_prepare(&control->next, model, arena);
	if (err) {
		worker_line(control->worker, "the control worker cannot take the configuration: %s",
			    strerror(-err));
		return err;
	}
	take(arena);
	return 0;
}

static void control_line(void *ctx, uint32_t ticket, const struct client_peer *peer,
			 const char *line, size_t length);
static enum client_access control_access(void *ctx, const struct client_peer *peer);

static bool client_left(void *ctx, uint32_t ticket);

static void begin_to_answer(void *ctx)
{
	struct control *control = ctx;

	if (control->clients)
		return;
	timer_cancel(&control->hush);
	control->clients = clients_new(worker_loop(control->worker), WORKER_FD_CONTROL,
				       CONTROL_LINE_LONG, control_access, control_line, control);
	if (control->clients) {
		clients_on_left(control->clients, client_left);
		return;
	}
	log_error("cannot listen on the control socket: %s", strerror(errno));
	loop_stop(worker_loop(control->worker));
}

/* What came to be since the predecessor took its last fact is told as an event. */
static void take_inheritance(struct control *control)
{
	struct statepage *page = worker_page(control->worker);
	struct control_inherited inherited;
	struct reader in;

	if (!worker_kept(control->worker, &in))
		return;
	inherited = control_carry_take(&in, clock_now(), &control->next);
	worker_kept_end(control->worker);
	if (inherited.reload.time)
		mirror_recall(&control->mirror, &inherited.reload);
	if (!inherited.events)
		return;
	events_follow(inherited.events, control->events);
	control->events = inherited.events;
	control->sink.started = inherited.past.facts_at;
	page->event_base = inherited.past.base;
	page->event = events_last(control->events);
}

/* What a fact has changed is told now. Whoever comes after us takes what came to be after facts_at for news: so it is
 * the time of the last fact that has been told. */
static void settle(void *ctx)
{
	struct control *control = ctx;

	mirror_settle(&control->mirror, clock_now());
	if (control->heard)
		worker_page(control->worker)->facts_at = control->heard;
}

static void control_commit(void *ctx)
{
	struct control *control = ctx;
	const struct log_global *log = &control->next.model->global.log;

	log_configure((enum log_level)log->level, log->format == LOG_FORMAT_JSON,
		      (enum log_target)log->target);
	worker_committed(control->worker); /* nobody has to wait for the rest */
	take_inheritance(control);
	settle(control);
	mirror_adopt(&control->mirror, &control->next);
	control_notify_model(control->notify);
	/* with an answer comes the client's next line, which may ask for a look: by now it sees what is in force */
	control_looks_end(control->looks, "another configuration has come into force meanwhile; ask again");
	if (!control->clients && !timer_armed(&control->hush))
		timer_at(&control->hush, clock_now() + HUSH);
}

static void control_abort(void *ctx)
{
	struct control *control = ctx;

	mirror_fini(&control->next);
}

static void control_release(void *ctx)
{
	struct control *control = ctx;

	settle(control);
	worker_released(control->worker);
}

/* ---- successors ------------------------------------------------------------------- */

#define LAST_BYTES (200 * NSTIME_MS)

/* Who waits for the supervisor would wait for ever: the successor does not know of it. */
static void control_leave(void *ctx, UNUSED nstime deadline)
{
	struct control *control = ctx;
	size_t size = 0;
	uint8_t *carry;

	control_pending_end(control->pending, "the daemon is being replaced; look at status for what came of it");
	control_looks_end(control->looks, "the daemon is being replaced; ask again");
	if (control->clients)
		clients_finish(control->clients, clock_now() + LAST_BYTES);
	settle(control);
	carry = control_carry_make(&control->mirror, control->events,
				   worker_page(control->worker)->facts_at, &size);
	worker_left(control->worker, carry, carry ? size : 0);
	free(carry);
}

static void control_inherit(void *ctx, struct reader *in)
{
	struct control *control = ctx;

	worker_keep(control->worker, in);
}

/* Only the supervisor speaks of itself: a worker that was taken over cannot pretend maintenance. */
static bool may_tell(int peer, uint16_t type)
{
	bool of_supervisor = type == FACT_WORKER || type == FACT_DAEMON || type == FACT_OVERRIDE ||
			     type == FACT_NOTIFY;

	return !of_supervisor || peer == ROLE_SUPERVISOR;
}

static void control_fact(void *ctx, int peer, uint16_t type, struct reader *in)
{
	struct control *control = ctx;
	nstime now = clock_now();
	unsigned suppressed;
	bool is_good;

	control->heard = now;
	if (type == FACT_SYNC && peer == ROLE_SUPERVISOR)
		mirror_synced(&control->mirror, now, clock_wall_offset());
	if (type == FACT_SYNC && control->awaited) {
		control->awaited &= ~(1u << peer);
		if (!control->awaited)
			begin_to_answer(control);
	}
	if (type == FACT_SYNC && (peer == ROLE_VRRP || peer == ROLE_IPVS))
		control_notify_all(control->notify, events_last(control->events));
	if (type == FACT_SEEN && peer == ROLE_CHECK && control_looks_seen(control->looks, in))
		return;
	is_good = may_tell(peer, type) && mirror_fact(&control->mirror, type, in, now);
	if (!control->mirror.due_count)
		worker_page(control->worker)->facts_at = now;
	else if (!timer_armed(&control->settle))
		timer_at(&control->settle, now + MIRROR_SETTLE);
	if (is_good || !log_limit(&control->bad_facts, now, &suppressed))
		return;
	log_warning("the %s worker sent a senseless fact of type %u, ignored (and %u before)",
		    role_name((enum role)peer), type, suppressed);
}

/* ---- what the supervisor says ----------------------------------------------------- */

static void control_command(void *ctx, uint16_t type, struct reader *in, int fd)
{
	struct control *control = ctx;

	if (fd >= 0)
		close(fd);
	if (control_pending_take(control->pending, type, in))
		return;
	if (type == RECORD_NOTIFY_AGAIN)
		control_notify_all(control->notify, events_last(control->events));
	else
		log_warning("the supervisor sent record %u, which the control worker does not know",
			    type);
}

/* ---- requests --------------------------------------------------------------------- */

static void render_line(void *ctx, const char *text)
{
	FILE *out = ctx;

	fprintf(out, "%s\n", text);
}

static json_t *config_json(const struct model *model, const char *text)
{
	return json_pack("{s:o, s:I, s:s}", "node", status_text(model->node), "generation",
			 (json_int_t)model->generation, "config", text);
}

static char *answer_config(const struct mirror *mirror)
{
	auto_arena *scratch = arena_new(0);
	char *text = NULL, *answer;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int err = scratch && out ? config_render(mirror->model, scratch, render_line, out)
				 : -ENOMEM;

	if (out && fclose(out))
		err = -ENOMEM;
	answer = err ? control_refusal("no memory to write the configuration", NULL)
		     : control_answer(config_json(mirror->model, text));
	free(text);
	return answer;
}

static char *answer_ping(const struct mirror *mirror)
{
	const struct model *model = mirror->model;

	return control_answer(json_pack("{s:i, s:s, s:o, s:I, s:b}", "protocol", CONTROL_PROTOCOL,
					"version", PACKAGE_VERSION, "node",
					status_text(model ? model->node : NULL), "generation",
					(json_int_t)(model ? model->generation : 0), "ready",
					mirror->daemon_known && mirror->daemon.ready));
}

/* ---- events ----------------------------------------------------------------------- */

static void keep_event(void *ctx, const struct event *event)
{
	struct control *control = ctx;

	events_add(control->events, event, clock_wall_offset());
	control_notify_event(control->notify, event, events_last(control->events));
	worker_page(control->worker)->event = events_last(control->events);
	if (control->clients)
		clients_wake(control->clients);
}

/* A predecessor has told all up to the last fact that it took; before the first one nobody was
 * there since the daemon began. */
static int events_begin(struct control *control)
{
	struct statepage *page = worker_page(control->worker);
	nstime since_epoch = clock_now() + clock_wall_offset();

	if (!page->event_base)
		page->event_base = page->event = (uint64_t)(since_epoch / NSTIME_MS);
	control->events = events_new(page->event_base, page->event);
	control->sink = (struct event_sink){
		.event = keep_event,
		.ctx = control,
		.started = page->facts_at ? page->facts_at : page->created,
	};
	control->mirror.sink = &control->sink;
	return control->events ? 0 : -ENOMEM;
}

/* What a follower gets next: many lines at once, or one that says how many it missed. */
static char *more_events(void *ctx, uint64_t *cursor)
{
	const struct control *control = ctx;
	uint64_t missed, number = events_after(control->events, *cursor, &missed);
	char *text;

	if (missed) {
		*cursor = number - 1;
		return events_missed_line(number, missed, clock_now() + clock_wall_offset());
	}
	text = events_text(control->events, &number, EVENTS_AT_ONCE);
	*cursor = number - 1;
	return text;
}

static char *answer_follow(struct control *control, uint32_t ticket,
			   const struct control_request *request)
{
	uint64_t last = events_last(control->events);
	char *answer = control_answer(
		json_pack("{s:[], s:I}", "events", "last", (json_int_t)last));

	if (clients_follow(control->clients, ticket, answer, more_events,
			   request->has_since ? request->since : last))
		return NULL;
	free(answer);
	return control_refusal("too many clients follow the events already", NULL);
}

/* ---- watching --------------------------------------------------------------------- */

/* The ipvs worker is told when the watch would soon be over, not at each look. */
static void watch(struct control *control)
{
	nstime now = clock_now();

	if (control->watch.until > now + WATCH / 2)
		return;
	control->watch.until = now + WATCH;
	worker_dirty(control->worker, 0);
}

/* The watch, and behind it the looks. */
static uint32_t fact_count(UNUSED void *ctx)
{
	return 1 + FACT_LOOKS;
}

static bool fact(void *ctx, int peer, uint32_t index, uint16_t *type, struct writer *out)
{
	const struct control *control = ctx;

	if (index && peer == ROLE_CHECK) {
		*type = FACT_LOOK;
		control_looks_put(control->looks, index - 1, out);
		return true;
	}
	if (index || peer != ROLE_IPVS)
		return false;
	*type = FACT_WATCH;
	fact_watch_put(out, &control->watch);
	return true;
}

/* ---- looks ------------------------------------------------------------------------ */

/* To a line whose answer took somebody else. */
static void answer_later(void *ctx, uint32_t ticket, char *text)
{
	struct control *control = ctx;

	if (control->clients)
		clients_answer(control->clients, ticket, text);
	else
		free(text);
}

static void look_changed(void *ctx, uint32_t place)
{
	const struct control *control = ctx;

	worker_dirty(control->worker, 1 + place);
}

static bool client_left(void *ctx, uint32_t ticket)
{
	struct control *control = ctx;

	return control_looks_left(control->looks, ticket);
}

static const struct control_looks_ops look_ops = {.answer = answer_later, .changed = look_changed};

/* ---- long answers ----------------------------------------------------------------- */

static char *more_status(void *ctx, uint64_t *cursor)
{
	const struct control *control = ctx;

	return pieces_of_status(&control->mirror, clock_now(), clock_wall_offset(), cursor);
}

static char *more_services(void *ctx, uint64_t *cursor)
{
	const struct control *control = ctx;

	return pieces_of_services(&control->mirror, clock_wall_offset(), cursor);
}

static char *more_traffic(void *ctx, uint64_t *cursor)
{
	const struct control *control = ctx;

	return pieces_of_traffic(&control->mirror, clock_wall_offset(), cursor);
}

static char *more_metrics(void *ctx, uint64_t *cursor)
{
	const struct control *control = ctx;

	return pieces_of_metrics(&control->mirror, clock_wall_offset(), cursor);
}

/* What may be long and so is told in pieces; NULL when this request is not. */
static clients_more *pieces_of(const struct control_request *request)
{
	if (request->kind == CONTROL_STATUS)
		return more_status;
	if (request->kind == CONTROL_TRAFFIC)
		return more_traffic;
	if (request->kind == CONTROL_METRICS)
		return more_metrics;
	if (request->kind == CONTROL_SERVICES && !request->service[0])
		return more_services;
	return NULL;
}

/* The answer to a request that needs nobody else. */
static char *answer_now(const struct control *control, const struct control_request *request)
{
	const struct mirror *mirror = &control->mirror;
	nstime wall = clock_wall_offset();

	switch (request->kind) {
	case CONTROL_VRRP:
		return control_answer(status_vrrp_json(mirror, wall));
	case CONTROL_SERVICES:
		return control_answer(status_services_json(mirror, request->service, wall));
	case CONTROL_CONFIG:
		return mirror->model ? answer_config(mirror)
				     : control_refusal("no configuration is loaded yet", NULL);
	case CONTROL_EVENTS:
		return control_answer(events_json(control->events, request->since,
						  clock_now() + wall));
	case CONTROL_OVERRIDES:
		return control_answer(status_overrides_json(mirror));
	case CONTROL_EXPORT:
		return export_answer(mirror, request->format);
	case CONTROL_NAMES:
		return names_answer(mirror);
	case CONTROL_STATUS: /* told in pieces */
	case CONTROL_TRAFFIC:
	case CONTROL_METRICS:
	case CONTROL_PING:
	case CONTROL_ZERO:
	case CONTROL_RELOAD:
	case CONTROL_PLAN:
	case CONTROL_STOP:
	case CONTROL_UPGRADE:
	case CONTROL_RELEASE:
	case CONTROL_CLAIM:
	case CONTROL_PRIORITY:
	case CONTROL_MAINTENANCE:
	case CONTROL_DRAIN:
	case CONTROL_DISABLE:
	case CONTROL_ENABLE:
	case CONTROL_WEIGHT:
	case CONTROL_LOG:
	case CONTROL_LOAD:
	case CONTROL_CHECK:
		break;
	}
	return answer_ping(mirror);
}

static enum client_access control_access(void *ctx, const struct client_peer *peer)
{
	const struct control *control = ctx;

	return access_of(&control->mirror, control->supervisor, peer);
}

static void control_line(void *ctx, uint32_t ticket, const struct client_peer *peer,
			 const char *line, size_t length)
{
	struct control *control = ctx;
	struct control_request request;
	char error[CONTROL_ERROR];
	clients_more *pieces;
	bool is_command, refused;
	char *answer;

	if (control_request_parse(line, length, &request, error)) {
		clients_answer(control->clients, ticket, control_refusal(error, NULL));
		return;
	}
	is_command = control_request_is_command(request.kind);
	refused = access_refused(&control->mirror, control_access(control, peer),
				 control_request_name(request.kind), is_command, error);
	if (!refused && (request.kind == CONTROL_TRAFFIC || request.watch))
		watch(control);
	pieces = refused ? NULL : pieces_of(&request);
	if (pieces) {
		clients_tell(control->clients, ticket, pieces);
		return;
	}
	if (refused)
		answer = control_refusal(error, NULL);
	else if (request.follow)
		answer = answer_follow(control, ticket, &request);
	else if (request.kind == CONTROL_CHECK)
		answer = control_looks_ask(control->looks, ticket, &request);
	else if (request.kind == CONTROL_ZERO)
		answer = zero_answer(&control->mirror, request.service, clock_now());
	else
		answer = is_command ? control_pending_send(control->pending, ticket, peer->uid, &request)
				    : answer_now(control, &request);
	if (is_command)
		log_info("%s asked for by user %u, process %d%s%s",
			 control_request_name(request.kind), (unsigned)peer->uid, (int)peer->pid,
			 refused ? ": " : "", refused ? error : "");
	control_request_fini(&request);
	if (answer || !(is_command || request.follow))
		clients_answer(control->clients, ticket, answer);
}

/* ---- life ------------------------------------------------------------------------- */

static const struct worker_ops ops = {
	.prepare = control_prepare,
	.commit = control_commit,
	.abort = control_abort,
	.release = control_release,
	.leave = control_leave,
	.inherit = control_inherit,
	.fact_count = fact_count,
	.fact = fact,
	.fact_received = control_fact,
	.command = control_command,
};

/* The socket pair to the supervisor tells who made it. */
static uid_t supervisor_user(void)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(WORKER_FD_SUPERVISOR, SOL_SOCKET, SO_PEERCRED, &who, &size) ? 0 : who.uid;
}

static void control_fini(struct control *control)
{
	timer_fini(&control->hush);
	timer_fini(&control->settle);
	control_looks_free(control->looks);
	clients_free(control->clients);
	control_pending_free(control->pending);
	mirror_fini(&control->mirror);
	mirror_fini(&control->next);
	events_free(control->events);
	control_notify_free(control->notify);
	worker_free(control->worker);
}

int control_main(void)
{
	struct control control = {
		.supervisor = supervisor_user(),
		.bad_facts = {.every = 10 * NSTIME_S, .burst = 3},
		.awaited = INFORMANTS,
	};
	int status = 1;

	control.worker = worker_new(ROLE_CONTROL, "lbhad control", &ops, &control);
	if (!control.worker)
		return 1;
	control.looks = control_looks_new(worker_loop(control.worker), &control.mirror, &look_ops, &control);
	json_object_seed(0); /* reads /dev/urandom, once, which the sandbox refuses */
	control.notify = control_notify_new(control.worker, &control.mirror);
	control.pending = control_pending_new(control.worker, &control.mirror, answer_later, &control);
	if (control.looks && control.notify && control.pending && !events_begin(&control) &&
	    !timer_init(worker_loop(control.worker), &control.settle, LOOP_NORMAL, settle,
			&control) &&
	    !timer_init(worker_loop(control.worker), &control.hush, LOOP_NORMAL, begin_to_answer,
			&control)) {
		sandbox_begin(SANDBOX_CONTROL);
		status = worker_run(control.worker);
	}
	control_fini(&control);
	return status;
}
