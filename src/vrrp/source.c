/* See the header. */
#include "vrrp/source.h"

#include <linux/if_addr.h>
#include <sys/socket.h>

static bool all_link_local(const struct unicast *unicast)
{
	for (size_t i = 0; i < unicast->peer_count; i++)
		if (!addr_is_link_local(&unicast->peers[i]))
			return false;
	return true;
}

static bool wants_link_local(const struct instance *about)
{
	return !(about->transport & VRRP_TRANSPORT_UNICAST) || all_link_local(&about->unicast);
}

static enum vrrp_source_state state_of(const struct address *address)
{
	if (address->flags & IFA_F_DADFAILED)
		return VRRP_SOURCE_DUPLICATE;
	if ((address->flags & IFA_F_TENTATIVE) && !(address->flags & IFA_F_OPTIMISTIC))
		return VRRP_SOURCE_TENTATIVE;
	return VRRP_SOURCE_FOUND;
}

static bool is_own_virtual(const struct instance *about, const struct addr *address)
{
	for (size_t i = 0; i < about->virtual_address_count; i++)
		if (addr_equal(&about->virtual_addresses[i].address.address, address))
			return true;
	return false;
}

static bool is_demanded(const struct instance *about)
{
	return about->source_given && !is_own_virtual(about, &about->source);
}

static bool is_candidate(const struct instance *about, const struct address *address)
{
	const struct addr *candidate = &address->prefix.address;

	if (is_demanded(about))
		return addr_equal(candidate, &about->source);
	if (candidate->family == AF_INET || addr_equal(candidate, &about->source))
		return true;
	return addr_is_link_local(candidate) == wants_link_local(about) &&
	       !(address->flags & IFA_F_TEMPORARY); /* RFC 8981 */
}

/* The configured one before others, one of use before one that is not yet; between equals the
 * earlier. */
static unsigned worth(const struct instance *about, const struct address *address)
{
	bool configured = addr_equal(&address->prefix.address, &about->source);

	switch (state_of(address)) {
	case VRRP_SOURCE_FOUND:
		return configured ? 5 : 3;
	case VRRP_SOURCE_TENTATIVE:
		return configured ? 4 : 2;
	case VRRP_SOURCE_DUPLICATE:
	case VRRP_SOURCE_NONE:
	case VRRP_SOURCE_ABSENT:
		break;
	}
	return 1;
}

struct vrrp_source vrrp_source_choose(const struct instance *about,
				      const struct address_list *addresses, uint32_t link,
				      bool (*is_virtual)(const void *ctx,
							 const struct prefix *prefix),
				      const void *ctx)
{
	struct vrrp_source best = {.state = VRRP_SOURCE_NONE};
	uint8_t family = instance_family(about);
	unsigned most = 0;

	if (is_demanded(about))
		best = (struct vrrp_source){.state = VRRP_SOURCE_ABSENT, .address = about->source};
	for (size_t i = 0; i < addresses->count; i++) {
		const struct address *address = &addresses->items[i];
		const struct addr *candidate = &address->prefix.address;

		if (address->link != link || candidate->family != family ||
		    !is_candidate(about, address) || worth(about, address) <= most)
			continue;
		if (about->priority != 255 && !addr_equal(candidate, &about->source) &&
		    is_virtual(ctx, &address->prefix))
			continue;
		most = worth(about, address);
		best = (struct vrrp_source){.state = state_of(address),
					    .address = address->prefix.address};
	}
	return best;
}
