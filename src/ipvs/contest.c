/* See the header. */
#include "ipvs/contest.h"

#include <string.h>

#include "base/text.h"

void contests_init(struct contests *contests)
{
	memset(contests, 0, sizeof(*contests));
	contests->due = NSTIME_NEVER;
}

void contests_begin(struct contests *contests, nstime now)
{
	contests->due = NSTIME_NEVER;
	if (now >= contests->until)
		contests->words[0] = '\0';
}

/* ---- one object ------------------------------------------------------------------------------ */

uint64_t contest_object(const char *kind, const char *name)
{
	uint64_t hash = text_hash(TEXT_HASH, kind, strlen(kind) + 1);

	return text_hash(hash, name, strlen(name));
}

static bool is_free(const struct contest *contest, nstime now)
{
	return !contest->repair.streak || now > repair_forgotten(&contest->repair);
}

/* What is known of an object; else a place for it that nobody needs, or the one of all the rest. */
static struct contest *find(struct contests *contests, uint64_t object, nstime now)
{
	struct contest *set = contests->objects[object % CONTEST_SETS], *place = NULL;

	for (size_t i = 0; i < CONTEST_WAYS; i++) {
		if (set[i].object == object && set[i].repair.streak)
			return &set[i];
		if (!place && is_free(&set[i], now))
			place = &set[i];
	}
	if (!place)
		return &contests->rest;
	*place = (struct contest){.object = object};
	return place;
}

enum contest_verdict contests_ask(struct contests *contests, uint64_t object, bool is_repair,
				  nstime now)
{
	struct contest *contest = find(contests, object, now);
	struct repair *repair = &contest->repair;
	bool is_known = repair->streak > 0;

	if (is_known && repair->last != now && repair_due(repair, now) > now) {
		contests->due = nstime_min(contests->due, repair_due(repair, now));
		contests->until = nstime_max(contests->until, repair_forgotten(repair));
		return CONTEST_WAIT;
	}
	if (repair->last != now && (is_known || is_repair))
		repair_done(repair, now);
	if (!repair_contested(repair, now))
		return CONTEST_REPAIR;
	contests->until = nstime_max(contests->until, repair_forgotten(repair));
	return CONTEST_AGAIN;
}

void contests_recall(struct contests *contests, uint64_t object, const struct repair *repair, nstime now)
{
	struct contest *contest = find(contests, object, now);

	if (contest != &contests->rest)
		contest->repair = *repair;
}

void contests_tell(struct contests *contests, const char *words, nstime now)
{
	struct text text;

	if (contests->told == now && contests->words[0])
		return;
	contests->told = now;
	text = text_of(contests->words, sizeof(contests->words));
	text_add(&text, "%s", words);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static uint64_t hash_address(uint64_t hash, const struct addr *address, uint16_t port)
{
	hash = text_hash(hash, &address->family, sizeof(address->family));
	hash = text_hash(hash, address->bytes, addr_size(address->family));
	return text_hash(hash, &port, sizeof(port));
}

static uint64_t service_object(const struct ipvs_op *op)
{
	uint64_t hash = text_hash(TEXT_HASH, &op->service.fwmark, sizeof(op->service.fwmark));

	hash = text_hash(hash, &op->service.protocol, sizeof(op->service.protocol));
	return hash_address(hash, &op->service.address, op->service.port);
}

static uint64_t object_of(const struct ipvs_op *op)
{
	uint64_t service = service_object(op);

	return op->kind < IPVS_ADD_DEST ? service
					: hash_address(service, &op->dest.address, op->dest.port);
}

static bool must_wait(struct contests *contests, const struct ipvs_op *op, bool is_repair,
		      nstime now)
{
	char buffer[IPVS_OP_TEXT];
	struct text text = text_of(buffer, sizeof(buffer));
	struct contest *service = find(contests, service_object(op), now);
	enum contest_verdict verdict;

	if (op->kind >= IPVS_ADD_DEST && service->missed == now)
		return service->waits;
	verdict = contests_ask(contests, object_of(op), is_repair, now);
	if (op->kind == IPVS_ADD_SERVICE) {
		service->missed = now;
		service->waits = verdict == CONTEST_WAIT;
	}
	if (verdict == CONTEST_REPAIR)
		return false;
	if (contests->told != now) {
		ipvs_op_format(op, &text);
		contests_tell(contests, buffer, now);
	}
	return verdict == CONTEST_WAIT;
}

size_t contests_filter(struct contests *contests, struct ipvs_plan *plan, bool is_repair,
		       nstime now)
{
	size_t kept = 0, removals = 0, count = plan->count;

	for (size_t i = 0; i < count; i++) {
		if (i == plan->removals)
			removals = kept;
		if (!must_wait(contests, &plan->ops[i], is_repair, now))
			plan->ops[kept++] = plan->ops[i];
	}
	plan->removals = plan->removals < count ? removals : kept;
	plan->count = kept;
	return count - kept;
}
