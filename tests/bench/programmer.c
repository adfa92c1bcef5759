/* The bare programmer: the least that an IPVS table costs on this kernel. Messages of generic netlink,
 * as many as fit into 32 KiB per send, an acknowledgement asked of the last of each; nothing is read,
 * compared or kept. Addresses are those of tests/bench/ipvs.
 *
 *   bench-programmer SERVICES SERVERS      the whole table, all servers spread over the services
 *   bench-programmer --one SERVICE SERVER  one server more under a service, by their numbers */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#define AT_ONCE 32768
#define MESSAGE_MAX 256
#define PORT 80

static struct mnl_socket *netlink;
static uint16_t family;
static uint32_t seq;
static char batch[AT_ONCE];
static size_t used;

static void fail(const char *what)
{
	fprintf(stderr, "bench-programmer: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static struct nlmsghdr *begin(void *buffer, uint16_t type, uint8_t command, uint8_t version)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *about = mnl_nlmsg_put_extra_header(head, sizeof(*about));

	head->nlmsg_type = type;
	head->nlmsg_flags = NLM_F_REQUEST;
	head->nlmsg_seq = ++seq;
	about->cmd = command;
	about->version = version;
	return head;
}

static int take_family(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int read_family(const struct nlmsghdr *head, void *data)
{
	return mnl_attr_parse(head, sizeof(struct genlmsghdr), take_family, data);
}

/* Sends what is ready and reads answers until that to the last message. */
static void finish(struct nlmsghdr *last, mnl_cb_t each, void *data)
{
	char answer[8192];
	int more = MNL_CB_OK;

	last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(netlink, batch, used) < 0)
		fail("sendto");
	while (more > MNL_CB_STOP) {
		ssize_t size = mnl_socket_recvfrom(netlink, answer, sizeof(answer));

		if (size < 0)
			fail("recvfrom");
		more = mnl_cb_run(answer, (size_t)size, 0, mnl_socket_get_portid(netlink), each, data);
	}
	if (more < 0)
		fail("the kernel's answer");
	used = 0;
}

static void find_family(void)
{
	struct nlmsghdr *head = begin(batch, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);

	mnl_attr_put_strz(head, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME);
	used = head->nlmsg_len;
	finish(head, read_family, &family);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void put_service(struct nlmsghdr *head, uint32_t service, bool whole)
{
	const struct ip_vs_flags flags = {.flags = 0, .mask = UINT32_MAX};
	uint32_t address = htonl(10u << 24 | service << 8 | 1);
	struct nlattr *nest = mnl_attr_nest_start(head, IPVS_CMD_ATTR_SERVICE);

	mnl_attr_put_u16(head, IPVS_SVC_ATTR_AF, AF_INET);
	mnl_attr_put_u16(head, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP);
	mnl_attr_put(head, IPVS_SVC_ATTR_ADDR, sizeof(address), &address);
	mnl_attr_put_u16(head, IPVS_SVC_ATTR_PORT, htons(PORT));
	if (whole) {
		mnl_attr_put_strz(head, IPVS_SVC_ATTR_SCHED_NAME, "rr");
		mnl_attr_put(head, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags);
		mnl_attr_put_u32(head, IPVS_SVC_ATTR_TIMEOUT, 0);
		mnl_attr_put_u32(head, IPVS_SVC_ATTR_NETMASK, UINT32_MAX);
	}
	mnl_attr_nest_end(head, nest);
}

static void put_dest(struct nlmsghdr *head, uint32_t server)
{
	uint32_t address = htonl((172u << 24 | 16u << 16) + server);
	struct nlattr *nest = mnl_attr_nest_start(head, IPVS_CMD_ATTR_DEST);

	mnl_attr_put_u16(head, IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
	mnl_attr_put(head, IPVS_DEST_ATTR_ADDR, sizeof(address), &address);
	mnl_attr_put_u16(head, IPVS_DEST_ATTR_PORT, htons(PORT));
	mnl_attr_put_u32(head, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_DROUTE);
	mnl_attr_put_u32(head, IPVS_DEST_ATTR_WEIGHT, 1);
	mnl_attr_put_u32(head, IPVS_DEST_ATTR_U_THRESH, 0);
	mnl_attr_put_u32(head, IPVS_DEST_ATTR_L_THRESH, 0);
	mnl_attr_nest_end(head, nest);
}

static void add(uint32_t service, bool is_server, uint32_t server, bool is_last)
{
	struct nlmsghdr *head = begin(batch + used, family, is_server ? IPVS_CMD_NEW_DEST : IPVS_CMD_NEW_SERVICE,
				      IPVS_GENL_VERSION);

	put_service(head, service, !is_server);
	if (is_server)
		put_dest(head, server);
	used += head->nlmsg_len;
	if (is_last || used + MESSAGE_MAX > AT_ONCE)
		finish(head, NULL, NULL);
}

static void add_table(uint32_t services, uint32_t servers)
{
	uint32_t server = 0;

	for (uint32_t s = 0; s < services; s++) {
		uint32_t count = servers / services + (s < servers % services);

		add(s, false, 0, !count && s + 1 == services);
		for (uint32_t i = 0; i < count; i++)
			add(s, true, server++, i + 1 == count && s + 1 == services);
	}
}

int main(int argc, char **argv)
{
	bool one = argc == 4 && !strcmp(argv[1], "--one");

	if (!one && argc != 3) {
		fprintf(stderr, "usage: bench-programmer SERVICES SERVERS | --one SERVICE SERVER\n");
		return 2;
	}
	netlink = mnl_socket_open(NETLINK_GENERIC);
	if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID))
		fail("socket");
	find_family();
	if (one)
		add((uint32_t)atol(argv[2]), true, (uint32_t)atol(argv[3]), true);
	else
		add_table((uint32_t)atol(argv[1]), (uint32_t)atol(argv[2]));
	return 0;
}
