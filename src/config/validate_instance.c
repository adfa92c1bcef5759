/* What the keys of one instance must be to one another: family and version, adverts that fit,
 * transport and peers, addresses and routes. Held for every director, since overrides can break it
 * on one only. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/duration.h"
#include "config/build.h"

#define ADVERTISED_MAX 255 /* the count in an advert is one byte, RFC 9568 section 5.2.5 */
#define INTERVAL_MAX (40950 * NSTIME_MS) /* 12 bits of centiseconds, RFC 9568 section 5.2.7 */
#define MTU 1500           /* the interface's own is known only where it is: judged there again */

/* Sizes in an advert: heads of IP and VRRP, the authentication data of version 2, an AH header. */
#define IPV4_HEAD 20
#define IPV6_HEAD 40
#define VRRP_HEAD 8
#define AUTH_DATA 8
#define AH_HEAD 24

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

static void report(struct build *build, enum severity severity, const struct origin *at,
		   const char *format, ...) PRINTF_LIKE(4, 5);

static void report(struct build *build, enum severity severity, const struct origin *at,
		   const char *format, ...)
{
	const char *text;
	va_list list;

	va_start(list, format);
	text = arena_vprintf(build->arena, format, list);
	va_end(list);
	if (text && at->value)
		node_report(build->reader.diagnostics, severity, at->value, at->path, "%s", text);
}

#define complain(build, at, ...) report(build, SEVERITY_ERROR, at, __VA_ARGS__)
#define warn(build, at, ...) report(build, SEVERITY_WARNING, at, __VA_ARGS__)


/* ---- addresses ------------------------------------------------------------------------------ */

static void check_vip(struct build *build, struct build_instance *instance, size_t number)
{
	const struct vip *vip = &instance->model.virtual_addresses[number];
	struct origin at = instance_item(build, instance, "virtual_addresses", number);
	uint8_t family = vip->address.address.family;

	if (vip->advertise && family != instance->family) {
		complain(build, &at,
			 "is not of the instance's family, which is %s: make an instance of its "
			 "own, or write advertise: false",
			 family_name(instance->family));
	} else if (family == AF_INET6 && vip->label) {
		at = instance_item_key(build, instance, "virtual_addresses", number, "label");
		complain(build, &at, "is for IPv4: IPv6 addresses have no labels");
	} else if (family == AF_INET6 && vip->scope) {
		at = instance_item_key(build, instance, "virtual_addresses", number, "scope");
		complain(build, &at,
			 "is for IPv4: the scope of an IPv6 address lies in the address");
	}
}

/* The first and the last address of an IPv4 network mean all of its hosts (RFC 1122 section 3.2.1.3;
 * with /31 and /32 they do not, RFC 3021). */
static void check_ends(struct build *build, struct build_instance *instance, size_t number)
{
	const struct prefix *vip = &instance->model.virtual_addresses[number].address;
	struct origin at = instance_item(build, instance, "virtual_addresses", number);
	uint32_t host, mask;

	if (vip->address.family != AF_INET || vip->length > 30)
		return;
	memcpy(&host, vip->address.bytes, sizeof(host));
	mask = UINT32_MAX >> vip->length;
	host = ntohl(host) & mask;
	if (!host || host == mask)
		warn(build, &at, "is the %s address of its network /%u, which is no host's",
		     host ? "last" : "first", vip->length);
}

/* A director that gives up its own address when another one becomes MASTER cannot be reached. */
static void check_own_address(struct build *build, struct build_instance *instance, size_t number)
{
	const struct director *director = instance->director ? instance->director->model : NULL;
	const struct vip *vip = &instance->model.virtual_addresses[number];
	struct origin at;

	if (!director || instance->model.priority == 255 ||
	    !addr_equal(&vip->address.address, &director->address))
		return;
	at = instance_item(build, instance, "virtual_addresses", number);
	warn(build, &at,
	     "is the address of %s itself, which loses it while another director is MASTER; an "
	     "address that is not only virtual wants priority 255 on its owner",
	     director->name);
}

/* On a loopback the prefix of an address is no network that it is in: all of it becomes this machine's own,
 * and what it was to be sent there never leaves (fib_add_ifaddr() in net/ipv4/fib_frontend.c). */
static void check_loopback(struct build *build, struct build_instance *instance, size_t number)
{
	const struct vip *vip = &instance->model.virtual_addresses[number];
	const char *interface = vip->interface ? vip->interface : instance->model.interface;
	unsigned bits = addr_bits(vip->address.address.family);
	struct origin at;

	if (!interface || strcmp(interface, "lo") || vip->address.length == bits)
		return;
	at = instance_item(build, instance, "virtual_addresses", number);
	warn(build, &at,
	     "on lo a prefix length of /%u makes the whole network this machine's own: write /%u",
	     vip->address.length, bits);
}

/* How many addresses an advert of this instance has room for. */
static size_t advert_room(const struct build_instance *instance)
{
	const struct instance *model = &instance->model;
	size_t head = instance->family == AF_INET6 ? IPV6_HEAD : IPV4_HEAD, room;

	head += VRRP_HEAD;
	if (model->version == 2)
		head += AUTH_DATA;
	if (model->authentication.type == VRRP_AUTH_AH)
		head += AH_HEAD;
	room = (MTU - head) / addr_size(instance->family);
	return room < ADVERTISED_MAX ? room : ADVERTISED_MAX;
}

static void check_vips(struct build *build, struct build_instance *instance)
{
	const struct instance *model = &instance->model;
	const struct origin *list = instance_place(instance, "virtual_addresses");
	size_t advertised = 0;

	if (!instance->family) {
		if (!list->bad && list != &instance->self) /* without the key it is said to be missing */
			complain(build, list, "no address is advertised: adverts need one");
		return;
	}
	for (size_t i = 0; i < model->virtual_address_count; i++) {
		const struct vip *vip = &model->virtual_addresses[i];

		if (!vip->address.address.family)
			continue;
		check_vip(build, instance, i);
		check_own_address(build, instance, i);
		check_ends(build, instance, i);
		check_loopback(build, instance, i);
		advertised += vip->advertise;
	}
	if (advertised > advert_room(instance))
		complain(build, list,
			 "has %zu addresses to advertise; an advert (%s, %d bytes) has room for "
			 "%zu: make a second instance, or write advertise: false at some",
			 advertised, family_name(instance->family), MTU, advert_room(instance));
}

/* ---- version and times ---------------------------------------------------------------------- */

static void check_interval(struct build *build, struct build_instance *instance)
{
	const struct instance *model = &instance->model;
	const char *name = model->name ? model->name : "?";
	char text[DURATION_TEXT], longest[DURATION_TEXT];

	duration_format(model->advert_interval, text);
	if (model->version == 2 && model->advert_interval % NSTIME_S)
		complain(build, instance_place(instance, "advert_interval"),
			 "\"%s\" is of version 2, which knows whole seconds from 1s to 255s, not "
			 "%s",
			 name, text);
	else if (model->version != 2 && model->advert_interval > INTERVAL_MAX)
		complain(build, instance_place(instance, "advert_interval"),
			 "\"%s\" is of version 3, whose adverts are at most %s apart, not %s",
			 name, duration_format(INTERVAL_MAX, longest), text);
}

static void check_version(struct build *build, struct build_instance *instance)
{
	if (instance->model.version == 2 && instance->family == AF_INET6)
		complain(build, instance_place(instance, "version"),
			 "version 2 is for IPv4 only; IPv6 needs version 3");
	check_interval(build, instance);
}

static void check_preemption(struct build *build, struct build_instance *instance)
{
	const struct instance *model = &instance->model;

	if (!model->preempt && model->preempt_delay)
		warn(build, instance_place(instance, "preempt_delay"),
		     "has no effect with preempt: false");
}

static void check_authentication(struct build *build, struct build_instance *instance)
{
	const struct authentication *authentication = &instance->model.authentication;
	struct origin *inner =
		origin_inner(origin_of(&schema_instance, instance->origins, "authentication"), 0);
	const struct origin *key = inner ? origin_of(&schema_authentication, inner, "key") : NULL;

	if (authentication->type == VRRP_AUTH_NONE || !key || key->bad)
		return;
	if (!key->value)
		complain(build, instance_place(instance, "authentication"),
			 "the key \"key\" is missing");
	else if (authentication->type == VRRP_AUTH_PASS && authentication->key &&
		 strlen(authentication->key) > VRRP_PASS_MAX)
		complain(build, key, "is longer than the %d bytes that an advert carries",
			 VRRP_PASS_MAX);
}

/* ---- transport ------------------------------------------------------------------------------ */

static void check_family(struct build *build, struct build_instance *instance, const char *key,
			 const struct addr *address)
{
	char text[ADDR_TEXT];

	if (address->family && instance->family && address->family != instance->family)
		complain(build, instance_place(instance, key),
			 "%s is not of the instance's family, which is %s",
			 addr_format(address, text), family_name(instance->family));
}

/* What is said of the other transport does nothing here; in defaults it is meant for others. */
static void warn_idle(struct build *build, struct build_instance *instance, const char *key,
		      const char *transport)
{
	const struct origin *at = origin_of(&schema_instance, instance->origins, key);

	if (at->value && !at->is_default_level)
		warn(build, at, "has no effect with transport: %s", transport);
}

static void check_peers(struct build *build, struct build_instance *instance)
{
	struct origin *inner =
		origin_inner(origin_of(&schema_instance, instance->origins, "unicast"), 0);
	const struct origin *list = inner ? origin_of(&schema_unicast, inner, "peers") : NULL;
	const char *name = instance->director ? instance->director->model->name : "this node";

	if (instance->model.unicast.peer_count || instance->peers_bad || !instance->family ||
	    !instance->good)
		return;
	if (list && list->value)
		complain(build, list, "%s has no peer: %s", name,
			 list->value->kind == NODE_SEQUENCE && !list->value->count
				 ? "the list is empty"
				 : "none but itself is named");
	else
		complain(build, instance_place(instance, "transport"),
			 "%s has no peer: no other director has an %s address, and unicast.peers "
			 "is not given",
			 name, family_name(instance->family));
}

static void check_transport(struct build *build, struct build_instance *instance)
{
	const struct instance *model = &instance->model;

	check_family(build, instance, "source", &model->source);
	check_family(build, instance, "multicast_group", &model->multicast_group);
	if (model->source.family == AF_INET6 && instance->family == AF_INET6 &&
	    !addr_is_link_local(&model->source) && (model->transport & VRRP_TRANSPORT_MULTICAST))
		warn(build, instance_place(instance, "source"),
		     "multicast adverts of IPv6 come from link-local addresses (RFC 9568 section "
		     "5.1.2.1): peers may refuse this one");
	if (model->transport & VRRP_TRANSPORT_UNICAST)
		check_peers(build, instance);
	else
		warn_idle(build, instance, "unicast", "multicast");
	if (!(model->transport & VRRP_TRANSPORT_MULTICAST))
		warn_idle(build, instance, "multicast_group", "unicast");
}

/* ---- routes --------------------------------------------------------------------------------- */

static void check_route(struct build *build, struct build_instance *instance, size_t number)
{
	const struct vrrp_route *route = &instance->model.routes[number];
	uint8_t family = route->to.address.family;
	struct origin at = instance_item_key(build, instance, "routes", number, "via");
	char text[ADDR_TEXT];

	if (!route->via.family || !family)
		return;
	if (route->via.family != family)
		complain(build, &at, "%s is not of the family of the network, which is %s",
			 addr_format(&route->via, text), family_name(family));
}

static void check_interface(struct build *build, struct build_instance *instance)
{
	const struct instance *model = &instance->model;

	if (build->director_count > 1 && model->interface && !strcmp(model->interface, "lo"))
		warn(build, instance_place(instance, "interface"),
		     "no other director hears adverts on lo: name the interface that they share; an "
		     "address may be on lo by an interface of its own ({address: , interface: lo})");
}

void validate_instance(struct build *build, struct build_instance *instance)
{
	check_interface(build, instance);
	check_vips(build, instance);
	check_version(build, instance);
	check_preemption(build, instance);
	check_authentication(build, instance);
	check_transport(build, instance);
	for (size_t i = 0; i < instance->model.route_count; i++)
		check_route(build, instance, i);
}
