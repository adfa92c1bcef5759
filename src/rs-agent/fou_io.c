/* fou over generic netlink. The family has no alias (net/ipv4/fou_core.c), so asking for it loads
 * nothing. But an ioctl about an interface that does not exist makes the kernel look for a module
 * of that name, if the caller may load modules (dev_load in net/core/dev_ioctl.c): so no modprobe
 * need be started. In a container that may not, the machine must have loaded it. */
#include "rs-agent/fou_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fou.h>
#include <linux/genetlink.h>
#include <linux/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/rtnl_io.h"

struct fou {
	struct rtnl *netlink;
	uint16_t family; /* its number */
};

static struct nl_msg *message_of(int type, int flags, uint8_t command)
{
	struct genlmsghdr head = {.cmd = command, .version = 1};
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (message && nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int read_family(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[CTRL_ATTR_MAX + 1];
	uint16_t *family = ctx;

	if (nlmsg_parse(message, GENL_HDRLEN, attributes, CTRL_ATTR_MAX, NULL) < 0 ||
	    !attributes[CTRL_ATTR_FAMILY_ID])
		return -EINVAL;
	*family = nla_get_u16(attributes[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

static int find_family(struct fou *fou)
{
	struct nl_msg *message = message_of(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);

	if (message && nla_put_string(message, CTRL_ATTR_FAMILY_NAME, FOU_GENL_NAME)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return rtnl_ask(fou->netlink, message, read_family, &fou->family);
}

int fou_open(struct fou **out)
{
	struct fou *fou = calloc(1, sizeof(*fou));
	int err;

	if (!fou)
		return -ENOMEM;
	err = rtnl_open_protocol(NETLINK_GENERIC, &fou->netlink);
	if (!err)
		err = find_family(fou);
	if (err) {
		fou_close(fou);
		return err;
	}
	*out = fou;
	return 0;
}

/* Errors do not matter: whether it is there now is asked next. */
static void load_module(void)
{
	struct ifreq request = {.ifr_name = "fou"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)!ioctl(fd, SIOCGIFFLAGS, &request);
	close(fd);
}

int fou_open_loaded(struct fou **out)
{
	int err = fou_open(out);

	if (err != -ENOENT)
		return err;
	load_module();
	return fou_open(out);
}

void fou_close(struct fou *fou)
{
	if (!fou)
		return;
	rtnl_close(fou->netlink);
	free(fou);
}

struct ports {
	int (*each)(void *ctx, uint8_t family, uint16_t port);
	void *ctx;
};

static int read_port(struct nlmsghdr *message, void *ctx)
{
	struct nlattr *attributes[FOU_ATTR_MAX + 1];
	struct ports *ports = ctx;
	uint8_t family = AF_INET;

	if (nlmsg_parse(message, GENL_HDRLEN, attributes, FOU_ATTR_MAX, NULL) < 0 ||
	    !attributes[FOU_ATTR_PORT] || !attributes[FOU_ATTR_TYPE])
		return -EINVAL;
	if (nla_get_u8(attributes[FOU_ATTR_TYPE]) != FOU_ENCAP_GUE)
		return 0;
	if (attributes[FOU_ATTR_AF])
		family = nla_get_u8(attributes[FOU_ATTR_AF]);
	return ports->each(ports->ctx, family, ntohs(nla_get_u16(attributes[FOU_ATTR_PORT])));
}

int fou_ports(struct fou *fou, int (*each)(void *ctx, uint8_t family, uint16_t port), void *ctx)
{
	struct ports ports = {each, ctx};

	return rtnl_ask(fou->netlink, message_of(fou->family, NLM_F_DUMP, FOU_CMD_GET), read_port,
			&ports);
}

static int order(struct fou *fou, uint8_t command, uint8_t family, uint16_t port)
{
	struct nl_msg *message = message_of(fou->family, 0, command);

	if (message && (nla_put_u16(message, FOU_ATTR_PORT, htons(port)) ||
			nla_put_u8(message, FOU_ATTR_AF, family) ||
			nla_put_u8(message, FOU_ATTR_TYPE, FOU_ENCAP_GUE))) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return rtnl_ask(fou->netlink, message, NULL, NULL);
}

int fou_port_add(struct fou *fou, uint8_t family, uint16_t port)
{
	return order(fou, FOU_CMD_ADD, family, port);
}

int fou_port_remove(struct fou *fou, uint8_t family, uint16_t port)
{
	return order(fou, FOU_CMD_DEL, family, port);
}
