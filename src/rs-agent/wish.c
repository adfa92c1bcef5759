/* From lbha.conf's services, --vip or the journal to a set of wishes; see the header. Sets are small
 * (a server has few VIPs), so they are searched linearly. */
#include "rs-agent/wish.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* ---- one wish ---- */

static bool same_service(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_wish(const struct rs_wish *a, const struct rs_wish *b)
{
	return a->forwarding == b->forwarding && addr_equal(&a->vip, &b->vip) &&
	       same_service(a->service, b->service);
}

const char *rs_wish_print(struct arena *arena, const struct rs_wish *wish)
{
	char vip[ADDR_TEXT];

	return arena_printf(arena, "%s dr %s", wish->service ? wish->service : "-",
			    addr_format(&wish->vip, vip));
}

/* Cuts the next word off; NULL at the end. */
static char *next_word(char **rest)
{
	return *rest ? strsep(rest, " ") : NULL;
}

int rs_wish_parse(struct arena *arena, const char *text, struct rs_wish *out)
{
	char *rest = arena_strdup(arena, text);
	const char *service = next_word(&rest), *way = next_word(&rest), *vip = next_word(&rest);
	struct rs_wish wish = {.forwarding = FORWARDING_DR};

	if (!vip || rest || strcmp(way, "dr") || addr_parse(vip, &wish.vip))
		return -EINVAL;
	wish.service = strcmp(service, "-") ? service : NULL;
	*out = wish;
	return 0;
}

/* ---- sets ---- */

static int put(struct arena *arena, struct rs_wishes *set, const struct rs_wish *wish)
{
	struct rs_wish *room;

	for (size_t i = 0; i < set->count; i++)
		if (same_wish(&set->items[i], wish))
			return 0;
	room = arena_push(arena, &set->items, &set->count, sizeof(*room));
	if (!room)
		return -ENOMEM;
	*room = *wish;
	return 0;
}

int rs_wishes_of_journal(struct arena *arena, const struct owned_set *journal,
			 struct rs_wishes *out)
{
	struct rs_wishes set = {0};

	for (size_t i = 0; i < journal->count; i++) {
		struct rs_wish wish;

		if (journal->items[i].kind == OWNED_WISH &&
		    !rs_wish_parse(arena, journal->items[i].line, &wish) &&
		    put(arena, &set, &wish))
			return -ENOMEM;
	}
	*out = set;
	return arena_failed(arena) ? -ENOMEM : 0;
}

bool rs_scope_is_all(const struct rs_scope *scope)
{
	return !scope->service && !scope->vip_count;
}

static bool is_within(const struct rs_scope *scope, const struct rs_wish *wish)
{
	if (scope->service && !same_service(scope->service, wish->service))
		return false;
	for (size_t i = 0; i < scope->vip_count; i++)
		if (addr_equal(&scope->vips[i], &wish->vip))
			return true;
	return !scope->vip_count;
}

int rs_wishes_select(struct arena *arena, const struct rs_wishes *all,
		     const struct rs_scope *scope, bool within, struct rs_wishes *out)
{
	struct rs_wishes set = {0};

	for (size_t i = 0; i < all->count; i++)
		if (is_within(scope, &all->items[i]) == within && put(arena, &set, &all->items[i]))
			return -ENOMEM;
	*out = set;
	return 0;
}

int rs_wishes_add(struct arena *arena, const struct rs_wishes *a, const struct rs_wishes *b,
		  struct rs_wishes *out)
{
	struct rs_wishes set = {0};

	for (size_t i = 0; i < a->count; i++)
		if (put(arena, &set, &a->items[i]))
			return -ENOMEM;
	for (size_t i = 0; i < b->count; i++)
		if (put(arena, &set, &b->items[i]))
			return -ENOMEM;
	*out = set;
	return 0;
}

/* ---- the model ---- */

static bool is_own(const struct address_list *own, const struct addr *address)
{
	if (addr_is_loopback(address))
		return false;
	for (size_t i = 0; i < own->count; i++)
		if (addr_equal(&own->items[i].prefix.address, address))
			return true;
	return false;
}

/* Whether we are a real server of the service with that forwarding. */
static bool serves(const struct service *service, const struct address_list *own,
		   enum forwarding forwarding)
{
	for (size_t i = 0; i < service_server_count(service); i++)
		if (service_server(service, i)->forwarding == forwarding &&
		    is_own(own, &service_server(service, i)->address.address))
			return true;
	return false;
}

static int put_service(struct arena *arena, const struct service *service, struct rs_wishes *set)
{
	for (size_t i = 0; i < service_vip_count(service); i++) {
		struct rs_wish wish = {FORWARDING_DR, *service_vip(service, i), service->name};
		int err = put(arena, set, &wish);

		if (err)
			return err;
	}
	return 0;
}

/* The service once for each way, other than dr, by which it reaches us. */
static int put_others(struct arena *arena, const struct service *service,
		      const struct address_list *own, struct rs_other *other)
{
	static const enum forwarding ways[] = {FORWARDING_NAT, FORWARDING_TUNNEL,
					       FORWARDING_FULLNAT};

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct rs_other_service *one;

		if (!serves(service, own, ways[i]))
			continue;
		one = arena_push(arena, &other->services, &other->count, sizeof(*one));
		if (!one)
			return -ENOMEM;
		*one = (struct rs_other_service){service->name, ways[i]};
	}
	return 0;
}

int rs_wishes_of_model(struct arena *arena, const struct model *model, const char *service,
		       const struct address_list *own, struct rs_wishes *out,
		       struct rs_other *other)
{
	struct rs_wishes set = {0};
	struct rs_other rest = {0};
	int err = 0;

	for (size_t i = 0; i < model->service_count && !err; i++) {
		const struct service *one = &model->services[i];

		if (service && strcmp(one->name, service))
			continue;
		if (serves(one, own, FORWARDING_DR))
			err = put_service(arena, one, &set);
		if (!err)
			err = put_others(arena, one, own, &rest);
	}
	if (err)
		return err;
	*out = set;
	*other = rest;
	return 0;
}
