/* Any bytes as what the kernel says of links, addresses and routes, message after message as the monitor
 * reads them. What is taken is sound, and an address or route that is written and read again is the same. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/rtnl_message_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(bool fine)
{
	if (!fine)
		abort();
}

static bool is_refusal(int err)
{
	return err == -EINVAL || err == -ENOMSG;
}

static void check_link(struct nlmsghdr *message)
{
	struct link link = {0};
	int err = rtnl_link_read(message, &link);

	if (err) {
		demand(is_refusal(err) && !link.index);
		return;
	}
	demand(link.index && strnlen(link.name, sizeof(link.name)) < sizeof(link.name));
	demand(link_equal(&link, &link));
}

static void check_again(const struct address *address)
{
	struct nl_msg *again = rtnl_address_message(RTM_NEWADDR, NLM_F_EXCL, address);
	struct address read = {0};

	demand(again && !rtnl_address_read(nlmsg_hdr(again), &read));
	nlmsg_free(again);
	demand(address_same(address, &read) && read.protocol == address->protocol &&
	       read.scope == address->scope && addr_equal(&read.peer, &address->peer) &&
	       addr_equal(&read.broadcast, &address->broadcast) &&
	       !strcmp(read.label, address->label));
	if (address->valid != ADDRESS_FOREVER)
		demand(read.valid == address->valid && read.preferred == address->preferred);
}

static void check_address(struct nlmsghdr *message)
{
	struct address address = {0};
	char words[ADDRESS_TEXT];
	int err = rtnl_address_read(message, &address);

	if (err) {
		demand(is_refusal(err) && !address.prefix.address.family);
		return;
	}
	demand(address.prefix.length <= addr_bits(address.prefix.address.family));
	demand(strnlen(address.label, sizeof(address.label)) < sizeof(address.label));
	demand(strlen(address_format(&address, words)) < sizeof(words));
	check_again(&address);
}

static void check_route(struct nlmsghdr *message)
{
	struct route route = {0}, read = {0};
	int err = rtnl_route_read(message, &route);
	char words[ROUTE_TEXT];
	struct nl_msg *again;

	if (err) {
		demand(is_refusal(err) && !route.to.address.family);
		return;
	}
	demand(route.to.length <= addr_bits(route.to.address.family));
	demand(strlen(route_format(&route, words)) < sizeof(words));
	again = rtnl_route_message(RTM_NEWROUTE, NLM_F_EXCL, &route);
	demand(again && !rtnl_route_read(nlmsg_hdr(again), &read));
	nlmsg_free(again);
	if (route.to.length) /* the default route is written without its destination */
		demand(route_equal(&route, &read) && read.protocol == route.protocol);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct nlmsghdr *copy = malloc(size ? size : 1);
	int left = (int)size;

	demand(copy != NULL);
	memcpy(copy, bytes, size);
	for (struct nlmsghdr *message = copy; nlmsg_ok(message, left);
	     message = nlmsg_next(message, &left)) {
		check_link(message); /* whatever it says that it is */
		check_address(message);
		check_route(message);
	}
	free(copy);
	return 0;
}
