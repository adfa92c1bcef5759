/* Overrides: the list is ours. It is changed on request and when one ends, then written down, given
 * to the workers and told as facts. It holds although it cannot be written down: an operator who
 * says `maintenance on` at a full disk wants maintenance first; the answer, the log and the status
 * say what is missing, and writing is tried again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "daemon/baton.h"
#include "daemon/lookup.h"
#include "daemon/overrides_file.h"
#include "daemon/supervisor_state.h"

#define WHAT 256
#define LOOKING NSTIME_S /* for the name of who says something */
#define LOOK_EVERY (5 * NSTIME_S) /* wall time may jump; and a full disk may have room again */

/* ---- writing down ---------------------------------------------------------------------------- */

static void save_failed(struct supervisor *s, const char *why)
{
	char *error = s->facts.overrides_error;

	if (strcmp(error, why) != 0)
		log_error("%s/" OVERRIDES_FILE
			  " cannot be written: %s; what was said holds until lbhad ends",
			  s->options->state_dir, why);
	snprintf(error, sizeof(s->facts.overrides_error), "%s", why);
}

static void save(struct supervisor *s)
{
	bool failed = s->facts.overrides_error[0];
	int err;

	if (s->overrides_unread)
		return;
	err = s->rundir.state_dir < 0 ? -ENOENT
				      : overrides_file_write(s->rundir.state_dir, &s->overrides);
	if (err) {
		save_failed(s, err == -ENOENT ? "there is no such folder" : strerror(-err));
		return;
	}
	s->facts.overrides_error[0] = '\0';
	if (failed)
		log_info("%s/" OVERRIDES_FILE " could be written again", s->options->state_dir);
}

/* ---- telling --------------------------------------------------------------------------------- */

/* The level in place of the configured one, for us and for each worker. */
static void tell_log(const struct supervisor *s, struct slot *slot)
{
	const struct override *said = overrides_find(&s->overrides, OVERRIDE_LOG, OVERRIDE_DIRECTOR);
	uint8_t level = said ? override_log_level(said) : LOG_LEVELS;

	log_force(level);
	if (slot && slot->hello)
		slot_send_bytes(slot, RECORD_LOG, &level, 1);
}

void supervisor_overrides_tell(struct supervisor *s, struct slot *slot)
{
	uint8_t bytes[1024];
	struct writer out;

	tell_log(s, slot);
	if ((slot->role != ROLE_VRRP && slot->role != ROLE_IPVS) || !slot->hello)
		return;
	for (size_t i = 0; i < s->overrides.count; i++) {
		out = writer_of(bytes, sizeof(bytes));
		override_put(&out, &s->overrides.rows[i]);
		slot_send_bytes(slot, RECORD_OVERRIDE, bytes, writer_used(&out));
	}
	out = writer_of(bytes, sizeof(bytes));
	put_u32(&out, (uint32_t)s->overrides.count);
	slot_send_bytes(slot, RECORD_OVERRIDES_END, bytes, writer_used(&out));
}

static void timer_arm(struct supervisor *s)
{
	nstime end = overrides_next_end(&s->overrides), wait = LOOK_EVERY;

	if (end == NSTIME_NEVER && (!s->facts.overrides_error[0] || s->overrides_unread)) {
		timer_cancel(&s->overrides_timer);
		return;
	}
	if (end != NSTIME_NEVER)
		wait = nstime_min(wait, end - clock_now() - clock_wall_offset());
	timer_at(&s->overrides_timer, clock_now() + nstime_max(wait, 0));
}

static void changed(struct supervisor *s)
{
	save(s);
	for (int role = ROLE_CONTROL; role < ROLE_COUNT; role++)
		supervisor_overrides_tell(s, &s->workers.slots[role]);
	s->facts.overrides = (uint32_t)s->overrides.count;
	workers_facts_restart(&s->workers);
	timer_arm(s);
}

static void log_ended(void *ctx, const struct override *gone)
{
	(void)ctx;
	log_info("%s: %s %s, by %s, has ended", gone->object, override_kind_name(gone->kind),
		 gone->value, gone->by);
}

static void timer_fired(void *ctx)
{
	struct supervisor *s = ctx;

	if (overrides_expire(&s->overrides, clock_now() + clock_wall_offset(), log_ended, NULL)) {
		changed(s);
		return;
	}
	if (s->facts.overrides_error[0]) {
		save(s);
		supervisor_facts_changed(s);
	}
	timer_arm(s);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static void name_user(uid_t uid, char *out, size_t size)
{
	struct lookup_user user;

	if (!uid) /* needs no directory */
		snprintf(out, size, "root");
	else if (!lookup_user_number(uid, LOOKING, &user))
		snprintf(out, size, "%s", user.name);
	else
		snprintf(out, size, "user %u", (unsigned)uid);
	text_clean(out);
}

static struct override override_of(const struct request *request, enum override_kind kind,
				   const char *object)
{
	struct override made = {.kind = kind, .since = clock_now() + clock_wall_offset()};

	snprintf(made.object, sizeof(made.object), "%s", object);
	memcpy(made.value, request->value, sizeof(made.value));
	memcpy(made.comment, request->comment, sizeof(made.comment));
	name_user(request->uid, made.by, sizeof(made.by));
	if (request->timeout)
		made.until = nstime_after(made.since, request->timeout);
	return made;
}

/* Sets one; true when it holds, and `what` (WHAT bytes) says why not otherwise. */
static bool set_one(struct supervisor *s, const struct override *override, char *what)
{
	const char *wrong = override_wrong(override);
	int err = overrides_set(&s->overrides, override);

	if (err) {
		snprintf(what, WHAT, "%s",
			 wrong            ? wrong
			 : err == -ENOSPC ? "there are too many overrides already"
					  : strerror(-err));
		return false;
	}
	log_info("%s: %s %s, by %s%s%s", override->object, override_kind_name(override->kind),
		 override->value, override->by, override->comment[0] ? ": " : "",
		 override->comment);
	snprintf(what, WHAT, "%s %s", override_kind_name(override->kind), override->value);
	return true;
}

static bool remove_one(struct supervisor *s, const struct override *asked, char *what)
{
	const char *kind = override_kind_name(asked->kind);
	bool was_there = overrides_remove(&s->overrides, asked->kind, asked->object);

	if (was_there)
		log_info("%s: %s as configured again, by %s%s%s", asked->object, kind, asked->by,
			 asked->comment[0] ? ": " : "", asked->comment);
	snprintf(what, WHAT, was_there ? "%s as configured again" : "%s was as configured already",
		 kind);
	return true;
}

/* Tells whoever asked what is not as it should be, although it is done. */
static void warn(struct supervisor *s, uint32_t request)
{
	char line[4400];

	if (!s->facts.overrides_error[0])
		return;
	snprintf(line, sizeof(line),
		 "%s/" OVERRIDES_FILE " cannot be written (%s): this holds only until lbhad ends",
		 s->options->state_dir, s->facts.overrides_error);
	supervisor_reply_line(s, request, line);
}

static void set_priorities(struct supervisor *s, const struct request *request)
{
	struct reader objects = request->objects;
	bool done = true, back = !strcmp(request->value, "auto");
	char object[OVERRIDE_OBJECT], what[WHAT];

	for (unsigned i = 0; i < request->count; i++) {
		struct override asked = override_of(request, OVERRIDE_PRIORITY,
						    get_text(&objects, object, sizeof(object)));
		bool fine = back ? remove_one(s, &asked, what) : set_one(s, &asked, what);

		done &= fine;
		supervisor_reply_object(s, request->number, object, fine, what);
	}
	changed(s);
	warn(s, request->number);
	supervisor_reply_end(s, request->number, done);
}

static void maintenance_off(struct supervisor *s, const struct request *request)
{
	struct override asked = override_of(request, OVERRIDE_MAINTENANCE, OVERRIDE_DIRECTOR);
	char what[WHAT];

	if (overrides_remove(&s->overrides, asked.kind, asked.object))
		log_info("maintenance off, by %s%s%s", asked.by, asked.comment[0] ? ": " : "",
			 asked.comment);
	snprintf(what, sizeof(what), "maintenance off");
	changed(s);
	supervisor_reply_object(s, request->number, OVERRIDE_DIRECTOR, true, what);
	warn(s, request->number);
	supervisor_reply_end(s, request->number, true);
}

/* Everything is released; whoever asked is answered when that is done. */
static void evacuate(struct supervisor *s, const struct request *request)
{
	if (supervisor_order(s, request, ORDER_EVACUATE))
		return;
	supervisor_reply_line(s, request->number,
			      "the vrrp worker does not run just now; it releases when it is back");
	supervisor_reply_end(s, request->number, false);
}

/* In force first, then everything is released. */
static void maintenance_on(struct supervisor *s, const struct request *request)
{
	struct override asked = override_of(request, OVERRIDE_MAINTENANCE, OVERRIDE_DIRECTOR);
	char what[WHAT];
	bool done = set_one(s, &asked, what);

	supervisor_reply_object(s, request->number, asked.object, done, what);
	changed(s);
	warn(s, request->number);
	if (done)
		evacuate(s, request);
	else
		supervisor_reply_end(s, request->number, false);
}

void supervisor_override(struct supervisor *s, const struct request *request)
{
	if (s->stopping) {
		supervisor_reply_line(s, request->number, "lbhad is stopping");
		supervisor_reply_end(s, request->number, false);
	} else if (request->kind == REQUEST_PRIORITY) {
		set_priorities(s, request);
	} else if (!strcmp(request->value, "on")) {
		maintenance_on(s, request);
	} else {
		maintenance_off(s, request);
	}
}

/* ---- several words at once ------------------------------------------------------------------- */

static bool said_push(struct said *said, const struct said_row *row)
{
	size_t room = said->room ? 2 * said->room : 16;
	struct said_row *rows;

	if (said->count == said->room) {
		rows = said->count < 2 * OVERRIDES_MAX ? realloc(said->rows, room * sizeof(*rows))
						       : NULL;
		if (!rows)
			return false;
		said->rows = rows;
		said->room = room;
	}
	said->rows[said->count++] = *row;
	return true;
}

static void said_clear(struct said *said)
{
	free(said->rows);
	*said = (struct said){0};
}

/* All of them into a copy of the list. -errno: of the row `*at`. */
static int said_apply(const struct said *said, struct overrides *list, size_t *at)
{
	int err = 0;

	for (*at = 0; *at < said->count && !err; ++*at) {
		const struct said_row *row = &said->rows[*at];

		if (row->holds)
			err = overrides_set(list, &row->override);
		else
			overrides_remove(list, row->override.kind, row->override.object);
	}
	*at -= err != 0;
	return err;
}

/* "drained", "weight 5"; and as configured again. */
static const char *said_words(const struct said_row *row, bool was_there, char *what)
{
	const char *kind = override_kind_name(row->override.kind);

	if (!row->holds)
		snprintf(what, WHAT,
			 was_there ? "%s as configured again" : "%s was as configured already",
			 kind);
	else if (row->override.kind == OVERRIDE_STATE)
		snprintf(what, WHAT, "%s", row->override.value);
	else
		snprintf(what, WHAT, "%s %s", kind, row->override.value);
	return what;
}

/* `before` is the list as it was. */
static void said_tell(struct supervisor *s, const struct said *said, const struct overrides *before)
{
	char what[WHAT];

	for (size_t i = 0; i < said->count; i++) {
		const struct override *one = &said->rows[i].override;

		said_words(&said->rows[i], overrides_find(before, one->kind, one->object), what);
		log_info("%s: %s, by %s%s%s", one->object, what, one->by,
			 one->comment[0] ? ": " : "", one->comment);
		supervisor_reply_object(s, said->request, one->object, true, what);
	}
}

static bool said_evacuates(const struct said *said)
{
	for (size_t i = 0; i < said->count; i++)
		if (said->rows[i].holds && said->rows[i].override.kind == OVERRIDE_MAINTENANCE)
			return true;
	return false;
}

static void said_fail(struct supervisor *s, const struct said *said, size_t at, int err)
{
	char what[WHAT];

	snprintf(what, sizeof(what), "%s",
		 err == -ENOSPC ? "there are too many overrides already" : strerror(-err));
	if (at < said->count)
		supervisor_reply_object(s, said->request, said->rows[at].override.object, false,
					what);
	else
		supervisor_reply_line(s, said->request, what);
	supervisor_reply_end(s, said->request, false);
}

static void said_hold(struct supervisor *s, struct said *said)
{
	struct request evacuation = {.number = said->request, .kind = REQUEST_MAINTENANCE};
	struct overrides list = {0}, before;
	size_t at = said->count;
	int err = overrides_copy(&list, &s->overrides);

	if (!err)
		err = said_apply(said, &list, &at);
	if (err) {
		overrides_free(&list);
		said_fail(s, said, at, err);
		return;
	}
	before = s->overrides;
	s->overrides.rows = list.rows;
	s->overrides.count = list.count;
	s->overrides.room = list.room;
	said_tell(s, said, &before);
	free(before.rows);
	changed(s);
	warn(s, said->request);
	if (!said_evacuates(said))
		supervisor_reply_end(s, said->request, true);
	else
		evacuate(s, &evacuation);
}

static bool take_say(struct supervisor *s, struct reader *in)
{
	struct said_row row = {0};
	uint32_t request = get_u32(in);

	row.holds = get_bool(in);
	if (!override_get(in, &row.override))
		return false;
	if (request != s->said.request)
		said_clear(&s->said);
	s->said.request = request;
	said_push(&s->said, &row); /* one that is missing is found at the end */
	return true;
}

static void said_sign(struct said *said, uid_t uid)
{
	nstime since = clock_now() + clock_wall_offset();
	char by[OVERRIDE_BY] = "";

	name_user(uid, by, sizeof(by));
	for (size_t i = 0; i < said->count; i++) {
		said->rows[i].override.since = since;
		memcpy(said->rows[i].override.by, by, sizeof(by));
	}
}

bool supervisor_say(struct supervisor *s, uint16_t type, struct reader *in)
{
	struct said said = s->said;
	uint32_t request, count;
	uid_t uid;

	if (type == RECORD_SAY)
		return take_say(s, in);
	request = get_u32(in);
	uid = get_u32(in);
	count = get_u32(in);
	if (!reader_done(in))
		return false;
	s->said = (struct said){0};
	if (s->stopping || request != said.request || count != said.count) {
		supervisor_reply_line(s, request,
				      s->stopping ? "lbhad is stopping"
						  : "these are more overrides than fit");
		supervisor_reply_end(s, request, false);
	} else {
		said_sign(&said, uid);
		said_hold(s, &said);
	}
	said_clear(&said);
	return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void log_kept(void *ctx, unsigned line, const char *why)
{
	const struct supervisor *s = ctx;

	log_warning("%s/" OVERRIDES_FILE ":%u: not in force, but kept: %s", s->options->state_dir,
		    line, why);
}

static void log_one(const struct override *override)
{
	log_info("%s: %s %s, by %s%s%s (as before this start)", override->object,
		 override_kind_name(override->kind), override->value, override->by,
		 override->comment[0] ? ": " : "", override->comment);
}

/* What was said may not have been written down. */
static void load_baton(struct supervisor *s)
{
	const struct baton *baton = s->takeover.baton;
	struct overrides list = {0};

	if (!baton->overrides || overrides_parse(&list, baton->overrides, baton->overrides_size, NULL, NULL)) {
		log_warning("the overrides in force were not handed over: those of the file are");
		overrides_free(&list);
		return;
	}
	overrides_free(&s->overrides);
	s->overrides = list;
	save(s);
}

static void load(struct supervisor *s)
{
	char why[OVERRIDES_WHY];

	if (s->rundir.state_dir < 0) {
		snprintf(s->facts.overrides_error, sizeof(s->facts.overrides_error),
			 "there is no such folder");
		return;
	}
	if (overrides_file_read(s->rundir.state_dir, &s->overrides, log_kept, s, why)) {
		s->overrides_unread = true;
		snprintf(s->facts.overrides_error, sizeof(s->facts.overrides_error),
			 "it could not be read: %s", why);
		log_error("%s/" OVERRIDES_FILE " is not in force and will not be written over: %s",
			  s->options->state_dir, why);
	}
	if (s->takeover.baton)
		load_baton(s);
	if (overrides_expire(&s->overrides, clock_now() + clock_wall_offset(), log_ended, NULL))
		save(s);
	for (size_t i = 0; i < s->overrides.count; i++)
		log_one(&s->overrides.rows[i]);
}

int supervisor_overrides_init(struct supervisor *s)
{
	int err = timer_init(s->loop, &s->overrides_timer, LOOP_NORMAL, timer_fired, s);

	if (err)
		return err;
	load(s);
	tell_log(s, NULL);
	s->facts.overrides = (uint32_t)s->overrides.count;
	timer_arm(s);
	return 0;
}

void supervisor_overrides_fini(struct supervisor *s)
{
	timer_fini(&s->overrides_timer);
	said_clear(&s->said);
	overrides_free(&s->overrides);
}
