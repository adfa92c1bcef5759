/* See the header. */
#include "vrrp/heir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/carry.h"
#include "base/text.h"
#include "config/facts.h"
#include "vrrp/priority.h"

enum {
	RECORD_LEFT = 1,     /* time deadline */
	RECORD_INSTANCE = 2, /* text name, then struct vrrp_heir from `state` on */
};

#define INSTANCE_BYTES 128 /* of a record, without the name */
#define NAME 256

uint64_t vrrp_heir_key(const char *name)
{
	return text_hash(TEXT_HASH, name, strlen(name));
}

static void heir_put(struct writer *out, const struct vrrp_heir *heir, const char *name)
{
	uint8_t *record = carry_record(out, RECORD_INSTANCE);

	put_text(out, name);
	put_u8(out, heir->state);
	put_bool(out, heir->releasing);
	put_bool(out, heir->standing);
	put_bool(out, heir->heard);
	put_time(out, heir->last_advert);
	put_addr(out, &heir->master);
	put_time(out, heir->since);
	put_u64(out, heir->transitions);
	put_u64(out, heir->sent);
	put_u64(out, heir->received);
	put_u32(out, heir->counter);
	carry_end(out, record);
}

void vrrp_heirs_put(struct writer *out, const struct vrrp_heirs *heirs, const char *const *names)
{
	uint8_t *record = carry_record(out, RECORD_LEFT);

	put_time(out, heirs->deadline);
	carry_end(out, record);
	for (size_t i = 0; i < heirs->count; i++)
		heir_put(out, &heirs->list[i], names[i]);
}

size_t vrrp_heirs_size(size_t count, size_t name_bytes)
{
	return CARRY_HEAD + INSTANCE_BYTES * (count + 1) + name_bytes;
}

static bool heir_get(struct reader *in, struct vrrp_heir *out)
{
	struct vrrp_heir heir = {0};
	char name[NAME];

	heir.key = vrrp_heir_key(get_text(in, name, sizeof(name)));
	heir.state = get_u8(in);
	heir.releasing = get_bool(in);
	heir.standing = get_bool(in);
	heir.heard = get_bool(in);
	heir.last_advert = get_time(in);
	heir.master = get_addr(in);
	heir.since = get_time(in);
	heir.transitions = get_u64(in);
	heir.sent = get_u64(in);
	heir.received = get_u64(in);
	heir.counter = get_u32(in);
	*out = heir;
	return !in->failed && heir.state <= VRRP_FAULT;
}

static int by_key(const void *a, const void *b)
{
	const struct vrrp_heir *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

int vrrp_heirs_get(struct reader *in, struct arena *arena, struct vrrp_heirs *out)
{
	struct vrrp_heirs heirs = {0};
	struct vrrp_heir heir, *place;
	struct reader value;
	uint16_t type;

	while (carry_next(in, &type, &value)) {
		if (type == RECORD_LEFT)
			heirs.deadline = get_time(&value);
		if (type != RECORD_INSTANCE || !heir_get(&value, &heir))
			continue;
		place = arena_push(arena, &heirs.list, &heirs.count, sizeof(*heirs.list));
		if (!place)
			return -ENOMEM;
		*place = heir;
	}
	if (in->failed)
		return -EBADMSG;
	if (heirs.count)
		qsort(heirs.list, heirs.count, sizeof(*heirs.list), by_key);
	*out = heirs;
	return 0;
}

const struct vrrp_heir *vrrp_heirs_find(const struct vrrp_heirs *heirs, const char *name)
{
	const struct vrrp_heir wanted = {.key = vrrp_heir_key(name)};

	if (!heirs->count)
		return NULL;
	return bsearch(&wanted, heirs->list, heirs->count, sizeof(*heirs->list), by_key);
}

nstime vrrp_heir_grace(nstime advert_interval, bool restarted)
{
	return restarted ? 3 * advert_interval - advert_interval / 4 : 2 * advert_interval;
}

nstime vrrp_lease(uint8_t version, nstime advert_interval)
{
	return nstime_max(VRRP_LEASE_MIN, vrrp_down_interval(version, VRRP_PRIORITY_LEAST,
							     advert_interval));
}

uint32_t vrrp_lease_seconds(nstime lease)
{
	return lease > 0 ? (uint32_t)((lease + NSTIME_S - 1) / NSTIME_S) : 1;
}
