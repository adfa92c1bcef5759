/* See the header. Trees of <search.h> find what waits and what was told; lists keep order. */
#include "daemon/notify_queue.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

TAILQ_HEAD(entries, notify_entry);

/* A script that has something to be told, or runs. */
struct turn {
	uint64_t script; /* first: what the tree compares */
	TAILQ_ENTRY(turn) link;
	struct entries entries;
	unsigned running;
};

struct told {
	uint64_t about; /* first: what the tree compares */
	uint64_t script;
	char state[NOTICE_STATE];
	uint32_t spoken_of; /* in which epoch */
	TAILQ_ENTRY(told) link;
};

/* In the tree of those that wait. */
struct waiting {
	uint64_t about; /* first */
	struct notify_entry *entry;
};

struct notify_queue {
	TAILQ_HEAD(, turn) turns; /* the one that has waited longest first */
	void *turn_tree, *waiting_tree, *told_tree;
	TAILQ_HEAD(, told) told;
	size_t waiting, bytes, told_count;
	uint64_t running[NOTIFY_AT_ONCE]; /* serials; 0: free */
	unsigned running_count;
	uint32_t epoch;
	bool starved;
};

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

/* The number that all that is in a tree begins with. */
static int by_number(const void *a, const void *b)
{
	uint64_t one, other;

	memcpy(&one, a, sizeof(one));
	memcpy(&other, b, sizeof(other));
	return one < other ? -1 : one > other;
}

static uint64_t serial_of(uint64_t script, const char *object)
{
	uint64_t hash = text_hash(TEXT_HASH, &script, sizeof(script));

	hash = text_hash(hash, object, strlen(object) + 1);
	return hash ? hash : 1;
}

static uint64_t about_of(uint64_t serial, const char *event)
{
	return text_hash(serial, event, strlen(event) + 1);
}

static void *found(void *node)
{
	return node ? *(void **)node : NULL;
}

/* ---- what was told -------------------------------------------------------------------------------------------------- */

static struct told *told_find(const struct notify_queue *queue, uint64_t about)
{
	return found(tfind(&about, &queue->told_tree, by_number));
}

static void told_drop(struct notify_queue *queue, struct told *told)
{
	tdelete(told, &queue->told_tree, by_number);
	TAILQ_REMOVE(&queue->told, told, link);
	queue->told_count--;
	free(told);
}

static struct told *told_add(struct notify_queue *queue, uint64_t script, uint64_t about)
{
	struct told *told = queue->told_count < NOTIFY_TOLD_MAX ? calloc(1, sizeof(*told)) : NULL;

	if (!told)
		return NULL;
	*told = (struct told){.about = about, .script = script, .spoken_of = queue->epoch};
	if (!tsearch(told, &queue->told_tree, by_number)) {
		free(told);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&queue->told, told, link);
	queue->told_count++;
	return told;
}

/* Who cannot remember tells once too often. */
static void tell(struct notify_queue *queue, struct notify_entry *entry)
{
	struct told *told = entry->state[0] ? told_find(queue, entry->about) : NULL;

	entry->told[0] = '\0';
	if (told)
		memcpy(entry->told, told->state, sizeof(entry->told));
	else if (entry->state[0])
		told = told_add(queue, entry->script, entry->about);
	if (told)
		memcpy(told->state, entry->state, sizeof(told->state));
}

/* ---- those that wait ------------------------------------------------------------------------------------------------ */

static struct turn *turn_of(struct notify_queue *queue, uint64_t script)
{
	struct turn *turn = found(tfind(&script, &queue->turn_tree, by_number));

	if (turn)
		return turn;
	turn = calloc(1, sizeof(*turn));
	if (!turn)
		return NULL;
	turn->script = script;
	if (!tsearch(turn, &queue->turn_tree, by_number)) {
		free(turn);
		return NULL;
	}
	TAILQ_INIT(&turn->entries);
	TAILQ_INSERT_TAIL(&queue->turns, turn, link);
	return turn;
}

static void turn_leave(struct notify_queue *queue, struct turn *turn)
{
	if (turn->running || !TAILQ_EMPTY(&turn->entries))
		return;
	tdelete(turn, &queue->turn_tree, by_number);
	TAILQ_REMOVE(&queue->turns, turn, link);
	free(turn);
}

static struct waiting *waiting_find(const struct notify_queue *queue, uint64_t about)
{
	return found(tfind(&about, &queue->waiting_tree, by_number));
}

static struct notify_entry *entry_of(uint64_t script, const struct notice *notice)
{
	struct notify_entry *entry = malloc(sizeof(*entry) + notice->size);

	if (!entry)
		return NULL;
	*entry = (struct notify_entry){.script = script, .serial = serial_of(script, notice->object), .size = notice->size};
	entry->about = about_of(entry->serial, notice->event);
	memcpy(entry->state, notice->state, sizeof(entry->state));
	memcpy(entry->body, notice->body, notice->size);
	return entry;
}

static bool has_room(const struct notify_queue *queue, size_t size)
{
	return queue->waiting < NOTIFY_WAITING_MAX && queue->bytes + size <= NOTIFY_BYTES_MAX;
}

static bool entry_wait(struct notify_queue *queue, struct notify_entry *entry, bool first)
{
	struct turn *turn = turn_of(queue, entry->script);
	struct waiting *waiting = turn ? malloc(sizeof(*waiting)) : NULL;

	if (waiting)
		*waiting = (struct waiting){.about = entry->about, .entry = entry};
	if (!waiting || !tsearch(waiting, &queue->waiting_tree, by_number)) {
		free(waiting);
		if (turn)
			turn_leave(queue, turn);
		return false;
	}
	if (first)
		TAILQ_INSERT_HEAD(&turn->entries, entry, link);
	else
		TAILQ_INSERT_TAIL(&turn->entries, entry, link);
	queue->waiting++;
	queue->bytes += entry->size;
	return true;
}

/* Takes it out; it is the caller's. */
static void entry_leave(struct notify_queue *queue, struct turn *turn, struct notify_entry *entry)
{
	struct waiting *waiting = waiting_find(queue, entry->about);

	tdelete(waiting, &queue->waiting_tree, by_number);
	free(waiting);
	TAILQ_REMOVE(&turn->entries, entry, link);
	queue->waiting--;
	queue->bytes -= entry->size;
}

/* In the place of the one that waits. */
static void entry_replace(struct notify_queue *queue, struct waiting *waiting, struct notify_entry *entry)
{
	struct notify_entry *before = waiting->entry;
	struct turn *turn = turn_of(queue, before->script); /* there: it has this entry */

	entry->coalesced = before->coalesced + 1;
	TAILQ_INSERT_BEFORE(before, entry, link);
	TAILQ_REMOVE(&turn->entries, before, link);
	queue->bytes += entry->size - before->size;
	waiting->entry = entry;
	free(before);
}

static bool is_known(const struct notify_queue *queue, const struct notice *notice, uint64_t about,
		     const struct waiting *waiting)
{
	struct told *told = told_find(queue, about);

	if (told)
		told->spoken_of = queue->epoch;
	if (!notice->present)
		return false;
	if (waiting)
		return !strcmp(waiting->entry->state, notice->state);
	return told && !strcmp(told->state, notice->state);
}

enum notify_added notify_queue_add(struct notify_queue *queue, uint64_t script, const struct notice *notice)
{
	uint64_t about = about_of(serial_of(script, notice->object), notice->event);
	struct waiting *waiting = waiting_find(queue, about);
	struct notify_entry *entry;

	if (is_known(queue, notice, about, waiting))
		return NOTIFY_KNOWN;
	entry = waiting || has_room(queue, notice->size) ? entry_of(script, notice) : NULL;
	if (entry && waiting) {
		entry_replace(queue, waiting, entry);
		return NOTIFY_MERGED;
	}
	if (entry && entry_wait(queue, entry, false))
		return NOTIFY_ADDED;
	free(entry);
	queue->starved = true;
	return NOTIFY_FULL;
}

/* ---- runs ----------------------------------------------------------------------------------------------------------- */

static bool runs(const struct notify_queue *queue, uint64_t serial)
{
	for (unsigned i = 0; i < NOTIFY_AT_ONCE; i++)
		if (queue->running[i] == serial)
			return true;
	return false;
}

static void mark(struct notify_queue *queue, uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < NOTIFY_AT_ONCE; i++) {
		if (queue->running[i] != from)
			continue;
		queue->running[i] = to;
		return;
	}
}

/* At most eight objects of it run, and few kinds of events of each wait before the first that may. */
static struct notify_entry *first_of(const struct notify_queue *queue, const struct turn *turn)
{
	struct notify_entry *entry;

	if (turn->running >= NOTIFY_PER_SCRIPT)
		return NULL;
	TAILQ_FOREACH(entry, &turn->entries, link)
		if (!runs(queue, entry->serial))
			return entry;
	return NULL;
}

struct notify_entry *notify_queue_next(struct notify_queue *queue)
{
	struct notify_entry *entry = NULL;
	struct turn *turn;

	if (queue->running_count == NOTIFY_AT_ONCE)
		return NULL;
	TAILQ_FOREACH(turn, &queue->turns, link) {
		entry = first_of(queue, turn);
		if (entry)
			break;
	}
	if (!entry)
		return NULL;
	entry_leave(queue, turn, entry);
	turn->running++;
	TAILQ_REMOVE(&queue->turns, turn, link);
	TAILQ_INSERT_TAIL(&queue->turns, turn, link);
	mark(queue, 0, entry->serial);
	queue->running_count++;
	tell(queue, entry);
	return entry;
}

static void ended(struct notify_queue *queue, const struct notify_entry *entry)
{
	struct turn *turn = turn_of(queue, entry->script); /* there: it has a run */

	mark(queue, entry->serial, 0);
	queue->running_count--;
	turn->running--;
	turn_leave(queue, turn);
}

void notify_queue_done(struct notify_queue *queue, struct notify_entry *entry)
{
	ended(queue, entry);
	free(entry);
}

static void untell(struct notify_queue *queue, const struct notify_entry *entry)
{
	struct told *told = told_find(queue, entry->about);

	if (told && entry->told[0])
		memcpy(told->state, entry->told, sizeof(told->state));
	else if (told)
		told_drop(queue, told);
}

void notify_queue_back(struct notify_queue *queue, struct notify_entry *entry)
{
	struct waiting *waiting = waiting_find(queue, entry->about);

	if (entry->state[0])
		untell(queue, entry);
	if (waiting)
		waiting->entry->coalesced += entry->coalesced + 1;
	if (waiting || !entry_wait(queue, entry, true)) {
		notify_queue_done(queue, entry);
		return;
	}
	ended(queue, entry);
}

/* ---- another configuration ------------------------------------------------------------------------------------------ */

static void turn_drop(struct notify_queue *queue, struct turn *turn)
{
	struct notify_entry *entry;

	while ((entry = TAILQ_FIRST(&turn->entries))) {
		entry_leave(queue, turn, entry);
		free(entry);
	}
	turn_leave(queue, turn);
}

void notify_queue_scripts(struct notify_queue *queue, bool (*is_there)(void *ctx, uint64_t script), void *ctx)
{
	struct turn *turn, *after_turn;
	struct told *told, *after_told;

	for (turn = TAILQ_FIRST(&queue->turns); turn; turn = after_turn) {
		after_turn = TAILQ_NEXT(turn, link);
		if (!is_there(ctx, turn->script))
			turn_drop(queue, turn);
	}
	for (told = TAILQ_FIRST(&queue->told); told; told = after_told) {
		after_told = TAILQ_NEXT(told, link);
		if (told->spoken_of + 1 < queue->epoch || !is_there(ctx, told->script))
			told_drop(queue, told);
	}
	queue->epoch++;
}

size_t notify_queue_waiting(const struct notify_queue *queue)
{
	return queue->waiting;
}

bool notify_queue_starved(struct notify_queue *queue)
{
	if (!queue->starved || queue->waiting > NOTIFY_WAITING_MAX / 2 || queue->bytes > NOTIFY_BYTES_MAX / 2)
		return false;
	queue->starved = false;
	return true;
}

/* ---- who takes over ------------------------------------------------------------------------------------------------- */

size_t notify_queue_told_size(const struct notify_queue *queue)
{
	return queue->told_count * (8 + 8 + 2 + NOTICE_STATE);
}

void notify_queue_told_put(const struct notify_queue *queue, struct writer *out)
{
	const struct told *told;

	TAILQ_FOREACH(told, &queue->told, link) {
		put_u64(out, told->about);
		put_u64(out, told->script);
		put_text(out, told->state);
	}
}

void notify_queue_told_get(struct notify_queue *queue, struct reader *in)
{
	while (reader_left(in) && !in->failed) {
		uint64_t about = get_u64(in), script = get_u64(in);
		char state[NOTICE_STATE];
		struct told *told;

		get_text(in, state, sizeof(state));
		told = in->failed || told_find(queue, about) ? NULL : told_add(queue, script, about);
		if (told)
			memcpy(told->state, state, sizeof(told->state));
	}
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

struct notify_queue *notify_queue_new(void)
{
	struct notify_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	TAILQ_INIT(&queue->turns);
	TAILQ_INIT(&queue->told);
	return queue;
}

void notify_queue_free(struct notify_queue *queue)
{
	struct turn *turn;

	if (!queue)
		return;
	while ((turn = TAILQ_FIRST(&queue->turns))) {
		turn->running = 0; /* whoever has those entries has them */
		turn_drop(queue, turn);
	}
	while (!TAILQ_EMPTY(&queue->told))
		told_drop(queue, TAILQ_FIRST(&queue->told));
	free(queue);
}
