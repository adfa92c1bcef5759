/* From lbha.conf's services, --vip or the journal to a set of wishes; see the header. Sets are
 * small (a server has few VIPs), so they are searched linearly. */
#include "rs-agent/wish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"

/* ---- one wish ---- */

static bool same_service(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_tunnel(const struct tunnel *a, const struct tunnel *b)
{
	return a->type == b->type && a->port == b->port && a->checksum == b->checksum;
}

static bool same_wish(const struct rs_wish *a, const struct rs_wish *b)
{
	return a->forwarding == b->forwarding && addr_equal(&a->vip, &b->vip) &&
	       addr_equal(&a->local, &b->local) &&
	       addr_equal(&a->gateway, &b->gateway) && same_tunnel(&a->tunnel, &b->tunnel) &&
	       same_service(a->service, b->service);
}

struct tunnel rs_tunnel_received(const struct tunnel *tunnel)
{
	struct tunnel received = {.type = tunnel->type};

	if (tunnel->type == TUNNEL_GUE)
		received.port = tunnel->port;
	if (tunnel->type == TUNNEL_GRE)
		received.checksum = tunnel->checksum;
	return received;
}

/* ---- as text ---- */

static void print_tunnel(const struct rs_wish *wish, struct text *out)
{
	char local[ADDR_TEXT];

	text_add(out, " %s", addr_format(&wish->local, local));
	switch (wish->tunnel.type) {
	case TUNNEL_IPIP:
		text_add(out, " ipip");
		return;
	case TUNNEL_GUE:
		text_add(out, " gue %u", wish->tunnel.port);
		return;
	case TUNNEL_GRE:
		text_add(out, wish->tunnel.checksum ? " gre csum" : " gre");
		return;
	}
}

static const char *way_name(enum forwarding forwarding)
{
	switch (forwarding) {
	case FORWARDING_TUNNEL:
		return "tunnel";
	case FORWARDING_NAT:
		return "nat";
	case FORWARDING_DR:
	case FORWARDING_FULLNAT:
	case FORWARDING_LOCAL:
		break;
	}
	return "dr";
}

const char *rs_wish_print(struct arena *arena, const struct rs_wish *wish)
{
	char line[OWNED_LINE], address[ADDR_TEXT];
	struct text text = text_of(line, sizeof(line));

	text_add(&text, "%s %s %s", wish->service ? wish->service : "-",
		 way_name(wish->forwarding), addr_format(&wish->vip, address));
	if (wish->forwarding == FORWARDING_TUNNEL)
		print_tunnel(wish, &text);
	if (wish->forwarding == FORWARDING_NAT)
		text_add(&text, " %s", addr_format(&wish->gateway, address));
	return arena_strdup(arena, line);
}

/* The next word, cut off; NULL at the end. */
static const char *next_word(char **rest)
{
	return *rest ? strsep(rest, " ") : NULL;
}

static bool parse_port(const char *word, uint16_t *out)
{
	char *end;
	unsigned long number = word ? strtoul(word, &end, 10) : 0;

	if (!number || number > UINT16_MAX || *end)
		return false;
	*out = (uint16_t)number;
	return true;
}

static bool parse_tunnel(char **rest, struct rs_wish *wish)
{
	const char *local = next_word(rest), *type = next_word(rest), *word;

	if (!type || addr_parse(local, &wish->local))
		return false;
	if (!strcmp(type, "ipip"))
		return true;
	if (!strcmp(type, "gue")) {
		wish->tunnel.type = TUNNEL_GUE;
		return parse_port(next_word(rest), &wish->tunnel.port);
	}
	word = next_word(rest);
	wish->tunnel.type = TUNNEL_GRE;
	wish->tunnel.checksum = word ? TUNNEL_CHECKSUM_CSUM : TUNNEL_CHECKSUM_NONE;
	return !strcmp(type, "gre") && (!word || !strcmp(word, "csum"));
}

static bool parse_way(const char *way, char **rest, struct rs_wish *wish)
{
	const char *gateway;

	if (!strcmp(way, "dr"))
		return true;
	if (!strcmp(way, "tunnel")) {
		wish->forwarding = FORWARDING_TUNNEL;
		return parse_tunnel(rest, wish);
	}
	gateway = next_word(rest);
	wish->forwarding = FORWARDING_NAT;
	return !strcmp(way, "nat") && gateway && !addr_parse(gateway, &wish->gateway);
}

int rs_wish_parse(struct arena *arena, const char *text, struct rs_wish *out)
{
	char *rest = arena_strdup(arena, text);
	const char *service = next_word(&rest), *way = next_word(&rest), *vip = next_word(&rest);
	struct rs_wish wish = {.forwarding = FORWARDING_DR};

	if (!vip || addr_parse(vip, &wish.vip) || !parse_way(way, &rest, &wish) || rest)
		return -EINVAL;
	wish.service = strcmp(service, "-") != 0 ? service : NULL;
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

bool rs_is_own(const struct address_list *own, const struct addr *address)
{
	return !addr_is_loopback(address) && address_list_has(own, address);
}

static int put_vips(struct arena *arena, const struct service *service,
		    const struct real_server *server, struct rs_wishes *set)
{
	struct rs_wish wish = {.forwarding = server->forwarding, .service = service->name};
	int err = 0;

	if (server->forwarding == FORWARDING_TUNNEL) {
		wish.local = server->address.address;
		wish.tunnel = rs_tunnel_received(&server->tunnel);
	}
	if (server->forwarding == FORWARDING_NAT)
		wish.gateway = service->gateway;
	for (size_t i = 0; i < service_vip_count(service) && !err; i++) {
		wish.vip = *service_vip(service, i);
		err = put(arena, set, &wish);
	}
	return err;
}

/* The service once for each way by which it reaches us. */
static int put_other(struct arena *arena, const struct service *service, enum forwarding forwarding,
		     struct rs_other *other)
{
	struct rs_other_service *one;

	for (size_t i = 0; i < other->count; i++)
		if (other->services[i].forwarding == forwarding &&
		    !strcmp(other->services[i].name, service->name))
			return 0;
	one = arena_push(arena, &other->services, &other->count, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = (struct rs_other_service){service->name, forwarding};
	return 0;
}

static bool needs_something(const struct service *service, const struct real_server *server)
{
	switch (server->forwarding) {
	case FORWARDING_DR:
	case FORWARDING_TUNNEL:
		return true;
	case FORWARDING_NAT:
		return service->gateway.family;
	case FORWARDING_FULLNAT:
	case FORWARDING_LOCAL:
		break;
	}
	return false;
}

static int put_service(struct arena *arena, const struct service *service,
		       const struct address_list *own, struct rs_wishes *set,
		       struct rs_other *other)
{
	int err = 0;

	for (size_t i = 0; i < service_server_count(service) && !err; i++) {
		const struct real_server *server = service_server(service, i);

		if (!rs_is_own(own, &server->address.address))
			continue;
		if (needs_something(service, server))
			err = put_vips(arena, service, server, set);
		else
			err = put_other(arena, service, server->forwarding, other);
	}
	return err;
}

int rs_wishes_of_model(struct arena *arena, const struct model *model, const char *service,
		       const struct address_list *own, struct rs_wishes *out,
		       struct rs_other *other)
{
	struct rs_wishes set = {0};
	struct rs_other rest = {0};
	int err = 0;

	for (size_t i = 0; i < model->service_count && !err; i++)
		if (!service || !strcmp(model->services[i].name, service))
			err = put_service(arena, &model->services[i], own, &set, &rest);
	if (err)
		return err;
	*out = set;
	*other = rest;
	return 0;
}

/* ---- the command line ---- */

static bool is_vip(const struct rs_given *given, const struct addr *address)
{
	for (size_t i = 0; i < given->vip_count; i++)
		if (addr_equal(&given->vips[i], address))
			return true;
	return false;
}

/* ::10.9.0.20, which the kernel gives to sit links (add_v4_addrs in net/ipv6/addrconf.c). */
static bool is_of_sit(const struct addr *address)
{
	static const uint8_t zero[12];

	return address->family == AF_INET6 && !memcmp(address->bytes, zero, sizeof(zero));
}

/* An address by which directors may know this host. */
static bool may_end_tunnels(const struct rs_given *given, const struct address *address)
{
	const struct addr *addr = &address->prefix.address;

	return !addr_is_loopback(addr) && !addr_is_link_local(addr) && !is_of_sit(addr) &&
	       address->preferred &&
	       address->scope != ADDRESS_SCOPE_HOST &&
	       address->protocol != ADDRESS_PROTOCOL_LBHA && !is_vip(given, addr);
}

static int put_given(struct arena *arena, const struct rs_given *given,
		     const struct address_list *own, const struct addr *vip, struct rs_wishes *set)
{
	struct rs_wish wish = {.forwarding = given->forwarding, .vip = *vip, .gateway = given->gateway};
	size_t before = set->count;

	if (given->forwarding != FORWARDING_TUNNEL)
		return put(arena, set, &wish);
	wish.tunnel = rs_tunnel_received(&given->tunnel);
	for (size_t i = 0; i < own->count; i++) {
		wish.local = own->items[i].prefix.address;
		if (wish.local.family != vip->family || !may_end_tunnels(given, &own->items[i]))
			continue;
		if (put(arena, set, &wish))
			return -ENOMEM;
	}
	return set->count == before ? -EADDRNOTAVAIL : 0;
}

int rs_wishes_of_vips(struct arena *arena, const struct rs_given *given,
		      const struct address_list *own, struct rs_wishes *out,
		      const struct addr **lacking)
{
	struct rs_wishes set = {0};

	for (size_t i = 0; i < given->vip_count; i++) {
		int err = put_given(arena, given, own, &given->vips[i], &set);

		*lacking = &given->vips[i];
		if (err)
			return err;
	}
	*out = set;
	return 0;
}
