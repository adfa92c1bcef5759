/* Why a virtual router cannot be MASTER now: the set of causes, computed anew from what is so, with
 * a sentence for each. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "vrrp/worker_io.h"

#define RETRY_FIRST (10 * NSTIME_S) /* after a takeover that the kernel refused; doubles */
#define RETRY_LONGEST (300 * NSTIME_S)

static void fault_add(struct text *text, uint64_t *faults, uint64_t cause, const char *format, ...)
	PRINTF_LIKE(4, 5);

static void fault_add(struct text *text, uint64_t *faults, uint64_t cause, const char *format, ...)
{
	va_list list;

	*faults |= cause;
	if (text->length)
		text_add(text, "; ");
	va_start(list, format);
	text_addv(text, format, list);
	va_end(list);
}

/* Linux wants a secondary address to have the scope of the primary one of its network, and says no
 * more than EINVAL (__inet_insert_ifa in net/ipv4/devinet.c). */
static const char *hint_of(const struct held *refused)
{
	if (refused->error != -EINVAL || refused->prefix.address.family != AF_INET)
		return "";
	return " (its scope must be that of the other addresses of its network there)";
}

/* An address that the kernel refuses to a master: it gives up for a while, others may do better. */
static void look_at_refusals(struct router *router, struct text *text, uint64_t *faults)
{
	const struct held *refused = estate_refused(router);
	char address[PREFIX_TEXT];
	nstime now = clock_now();

	if (refused && router->holds && router->waiting) {
		nstime pause = RETRY_FIRST << (router->refusals < 5 ? router->refusals : 5);

		router->refusals++;
		router->retry_at = now + nstime_min(pause, RETRY_LONGEST);
	}
	if (refused && now < router->retry_at) {
		fault_add(text, faults, VRRP_FAULT_ADDRESS, "the kernel refuses %s on %s: %s%s",
			  prefix_format(&refused->prefix, address), router->port->name,
			  strerror(-refused->error), hint_of(refused));
		worker_later(router->worker, router->retry_at);
	}
}

static void add_source_fault(const struct router *router, struct text *text, uint64_t *faults)
{
	const char *name = router->port->name;
	char address[ADDR_TEXT];

	addr_format(&router->source.address, address);
	switch (router->source.state) {
	case VRRP_SOURCE_FOUND:
		break;
	case VRRP_SOURCE_NONE:
		fault_add(text, faults, VRRP_FAULT_SOURCE, "%s has no %s address to send from",
			  name, router->family == AF_INET6 ? "IPv6" : "IPv4");
		break;
	case VRRP_SOURCE_ABSENT:
		fault_add(text, faults, VRRP_FAULT_SOURCE,
			  "%s does not have %s, the source of its adverts", name, address);
		break;
	case VRRP_SOURCE_TENTATIVE:
		fault_add(text, faults, VRRP_FAULT_SOURCE,
			  "%s of %s is not usable yet: the kernel looks for duplicates of it",
			  address, name);
		break;
	case VRRP_SOURCE_DUPLICATE:
		fault_add(text, faults, VRRP_FAULT_SOURCE,
			  "%s of %s is not usable: another machine has it", address, name);
		break;
	}
}

/* Whether adverts can go out: from an address, through a socket, in one piece. */
static void look_at_sending(const struct router *router, struct text *text, uint64_t *faults)
{
	const struct port *port = router->port;
	size_t size = wire_size(router);
	int err = wire_error(router);

	add_source_fault(router, text, faults);
	if (err)
		fault_add(text, faults, VRRP_FAULT_SOCKET, "no socket for adverts on %s: %s",
			  port->name, strerror(-err));
	if (port->link.mtu && size > port->link.mtu)
		fault_add(text, faults, VRRP_FAULT_SOCKET,
			  "an advert with %u addresses has %zu bytes, the MTU of %s is %u",
			  router->wire_count, size, port->name, port->link.mtu);
}

static void add_vlink_fault(struct router *router, struct text *text, uint64_t *faults)
{
	char words[FACT_DETAIL];
	struct text wrong = text_of(words, sizeof(words));

	vlink_fault(router, &wrong);
	if (wrong.length)
		fault_add(text, faults, VRRP_FAULT_VLINK, "%s", words);
}

uint64_t router_faults(struct router *router, struct text *text)
{
	const struct port *port = router->port;
	uint64_t faults = 0;

	if (!port->link.index) {
		fault_add(text, &faults, VRRP_FAULT_ABSENT, "interface %s does not exist",
			  port->name);
		return faults;
	}
	if (router->about.track_own_interface && !link_usable(&port->link))
		fault_add(text, &faults, VRRP_FAULT_LINK, "%s %s", port->name,
			  port->link.up ? "has no carrier" : "is down");
	look_at_sending(router, text, &faults);
	look_at_refusals(router, text, &faults);
	add_vlink_fault(router, text, &faults);
	if (trackers_fault(router, text))
		faults |= VRRP_FAULT_TRACKER;
	return faults;
}
