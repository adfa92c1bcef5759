/* See the header. The kernel labels an IPv4 address without a label with the link's name: it is
 * said, so that a label that was taken out of the file is seen as a difference. */
#include "vrrp/vip.h"

#include <linux/if_addr.h>
#include <stdio.h>
#include <sys/socket.h>

struct address vip_address(const struct vip *vip, uint32_t link, const char *name, bool own_link)
{
	struct address address = address_ours(link, &vip->address);

	if (vip->noprefixroute ||
	    (own_link && !addr_is_link_local(&vip->address.address)))
		address.flags |= IFA_F_NOPREFIXROUTE;
	if (vip->address.address.family == AF_INET6) {
		address.preferred = 0;
		return address;
	}
	address.scope = vip->scope;
	snprintf(address.label, sizeof(address.label), "%s", vip->label ? vip->label : name);
	return address;
}
