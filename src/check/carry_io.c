/* See the header. */
#include "check/carry_io.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/cleanup.h"
#include "check/carry.h"
#include "check/engine_io.h"
#include "check/roster_io.h"
#include "config/model.h"
#include "config/search.h"

/* ---- leaving --------------------------------------------------------------------------------- */

static void put_subject(struct writer *out, const struct roster *roster, uint32_t probe)
{
	const struct subject *subject = &roster->subjects[probe];
	nstime due = schedule_due(&roster->starts, probe);
	const struct probe_carry carry = {
		.key = roster->model->probes[probe].key,
		.automaton = subject->automaton,
		.last = subject->last,
		.ended = subject->ended,
		.due = due == NSTIME_NEVER ? 0 : due,
		.here = subject->here,
		.told = subject->told,
	};

	if (probe_carry_matters(&carry))
		probe_carry_put(out, &carry);
}

void *roster_carry(const struct roster *roster, size_t *size)
{
	size_t count = roster->model->probe_count, room = CARRY_HEAD + count * PROBE_CARRY_MAX;
	uint8_t *bytes = malloc(room);
	struct writer out;

	if (!bytes)
		return NULL;
	out = writer_of(bytes, room);
	carry_begin(&out);
	for (uint32_t i = 0; i < count; i++)
		put_subject(&out, roster, i);
	*size = writer_used(&out);
	return bytes;
}

/* ---- inheriting ------------------------------------------------------------------------------ */

/* What types without words of their own say is a constant of their code, and one of few. */
static const char *keep_words(struct heirlooms *heirlooms, const char *words)
{
	char *kept;

	for (size_t i = 0; i < heirlooms->count; i++)
		if (!strcmp(heirlooms->words[i], words))
			return heirlooms->words[i];
	if (heirlooms->count == COUNT_OF(heirlooms->words))
		return NULL;
	kept = heirlooms->words[heirlooms->count++];
	memcpy(kept, words, strlen(words) + 1);
	return kept;
}

static void recall(struct roster *roster, uint32_t probe, const struct probe_carry *carry, nstime now)
{
	const struct check *check = &roster->model->checks[roster->model->probes[probe].check];
	struct subject *subject = &roster->subjects[probe];

	subject->automaton = carry->automaton;
	subject->automaton.suppressed =
		nstime_min(carry->automaton.suppressed, nstime_after(now, check->max_suppress));
	subject->ended = carry->ended;
	subject->last = carry->last;
	subject->here = carry->here;
	subject->told = carry->told;
	if (carry->last.fault && subject->said) {
		memcpy(subject->said, carry->words, sizeof(carry->words));
		subject->last.fault = subject->said;
	} else if (carry->last.fault) {
		subject->last.fault = keep_words(roster->heirlooms, carry->words);
	}
	roster->recalled[probe] = nstime_max(carry->due, 1);
}

static bool make_room(struct roster *roster)
{
	if (!roster->heirlooms)
		roster->heirlooms = calloc(1, sizeof(*roster->heirlooms));
	if (!roster->recalled)
		roster->recalled = arena_array(roster->scratch, roster->model->probe_count + 1,
					       sizeof(*roster->recalled));
	return roster->heirlooms && roster->recalled;
}

size_t roster_inherit(struct roster *roster, struct reader *in, nstime now)
{
	struct probe_search search = probe_search_of(roster->scratch, roster->model);
	struct probe_carry carry;
	struct reader value;
	size_t count = 0;
	uint16_t type;
	uint32_t at;

	if (!make_room(roster))
		return 0;
	while (carry_next(in, &type, &value)) {
		if (type != CHECK_CARRY_PROBE || !probe_carry_get(&value, now, &carry) ||
		    probe_search(&search, carry.key, &at))
			continue;
		count += !roster->recalled[at];
		recall(roster, at, &carry, now);
	}
	return count;
}
