/* Operations and virtual services as text: ipvsadm(8)'s terms for plans, a short form for people.
 * Declared in plan.h. */
#include "ipvs/plan.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/ip_vs.h>

#include "base/text.h"
#include "base/transport.h"
#include "config/scheduler.h"

static const struct {
	uint8_t number;
	const char *option;
} protocols[] = {
	{IPPROTO_TCP, "-t"},
	{IPPROTO_UDP, "-u"},
	{IPPROTO_SCTP, "--sctp-service"},
};

static const char *const commands[] = {
	[IPVS_ADD_SERVICE] = "-A", [IPVS_SET_SERVICE] = "-E", [IPVS_DEL_SERVICE] = "-D",
	[IPVS_ADD_DEST] = "-a",    [IPVS_SET_DEST] = "-e",    [IPVS_DEL_DEST] = "-d",
};

static void add_endpoint(struct text *out, const struct addr *address, uint16_t port)
{
	char buffer[ADDR_TEXT];

	addr_format(address, buffer);
	text_add(out, address->family == AF_INET6 ? "[%s]:%u" : "%s:%u", buffer, port);
}

void ipvs_service_key_words(const struct ipvs_service_key *key, struct text *out)
{
	const char *option = "-t";

	if (key->fwmark) {
		text_add(out, key->address.family == AF_INET6 ? "-f %u -6" : "-f %u", key->fwmark);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(protocols); i++)
		if (protocols[i].number == key->protocol)
			option = protocols[i].option;
	text_add(out, "%s ", option);
	add_endpoint(out, &key->address, key->port);
}

/* The scheduler's flags by ipvsadm's names, which differ by scheduler. */
static const struct {
	const char *scheduler, *names[3];
} flag_names[] = {
	{"sh", {"sh-fallback", "sh-port", "flag-3"}},
	{"mh", {"mh-fallback", "mh-port", "flag-3"}},
	{NULL, {"flag-1", "flag-2", "flag-3"}},
};

static void add_flags(struct text *out, const struct ipvs_service_attr *attr)
{
	const char *comma = " -b ";
	size_t row = 0;

	while (flag_names[row].scheduler && strcmp(flag_names[row].scheduler, attr->scheduler))
		row++;
	for (unsigned i = 0; i < COUNT_OF(flag_names[row].names); i++) {
		if (!(attr->flags & (IP_VS_SVC_F_SCHED1 << i)))
			continue;
		text_add(out, "%s%s", comma, flag_names[row].names[i]);
		comma = ",";
	}
}

/* In the order of ipvsadm-save(8). */
static void add_service_attr(struct text *out, const struct ipvs_service_key *key,
			     const struct ipvs_service_attr *attr)
{
	char mask[ADDR_TEXT];
	struct addr address = addr_from_ipv4(attr->netmask);

	text_add(out, " -s %s", attr->scheduler);
	if (attr->flags & IP_VS_SVC_F_PERSISTENT) {
		text_add(out, " -p %u", attr->timeout);
		if (key->address.family == AF_INET6 && attr->netmask != 128)
			text_add(out, " -M %u", attr->netmask);
		else if (key->address.family == AF_INET && attr->netmask != UINT32_MAX)
			text_add(out, " -M %s", addr_format(&address, mask));
	}
	if (attr->engine[0])
		text_add(out, " --pe %s", attr->engine);
	if (attr->flags & IP_VS_SVC_F_ONEPACKET)
		text_add(out, " -o");
	add_flags(out, attr);
}

static void add_tunnel(struct text *out, const struct ipvs_dest_attr *attr)
{
	static const char *const types[] = {[IPVS_TUNNEL_IPIP] = "ipip",
					    [IPVS_TUNNEL_GUE] = "gue",
					    [IPVS_TUNNEL_GRE] = "gre"};

	if (attr->tunnel >= COUNT_OF(types)) {
		text_add(out, " --tun-type %u", attr->tunnel);
		return;
	}
	text_add(out, " --tun-type %s", types[attr->tunnel]);
	if (attr->tunnel == IPVS_TUNNEL_IPIP)
		return;
	if (attr->tunnel == IPVS_TUNNEL_GUE)
		text_add(out, " --tun-port %u", attr->tunnel_port);
	if (attr->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM)
		text_add(out, " --tun-remcsum");
	else if (attr->tunnel_flags & IP_VS_TUNNEL_ENCAP_FLAG_CSUM)
		text_add(out, " --tun-csum");
	else
		text_add(out, " --tun-nocsum");
}

static void add_dest_attr(struct text *out, const struct ipvs_dest_attr *attr)
{
	static const char *const methods[] = {[IPVS_FORWARD_NAT] = "-m",
					      [IPVS_FORWARD_LOCAL] = "-g",
					      [IPVS_FORWARD_TUNNEL] = "-i",
					      [IPVS_FORWARD_DR] = "-g"};

	if (attr->forwarding < COUNT_OF(methods))
		text_add(out, " %s", methods[attr->forwarding]);
	text_add(out, " -w %u", attr->weight);
	if (attr->forwarding == IPVS_FORWARD_TUNNEL)
		add_tunnel(out, attr);
	if (attr->upper_threshold || attr->lower_threshold)
		text_add(out, " -x %u -y %u", attr->upper_threshold, attr->lower_threshold);
}

void ipvs_op_format(const struct ipvs_op *op, struct text *out)
{
	text_add(out, "ipvsadm %s ", commands[op->kind]);
	ipvs_service_key_words(&op->service, out);
	switch (op->kind) {
	case IPVS_ADD_SERVICE:
	case IPVS_SET_SERVICE:
		add_service_attr(out, &op->service, &op->service_attr);
		return;
	case IPVS_DEL_SERVICE:
		return;
	case IPVS_ADD_DEST:
	case IPVS_SET_DEST:
	case IPVS_DEL_DEST:
		break;
	}
	text_add(out, " -r ");
	add_endpoint(out, &op->dest.address, op->dest.port);
	if (op->kind != IPVS_DEL_DEST)
		add_dest_attr(out, &op->dest_attr);
}

/* "wlc (module ip_vs_wlc, CONFIG_IP_VS_WLC)"; what the kernel's configuration calls it is known of
 * those that are part of it. */
static void add_module(struct text *out, const char *name, const char *kind, bool is_known)
{
	text_add(out, "%s (%smodule ip_vs_%s%s", name, is_known ? "" : "no ", kind, name);
	if (is_known)
		text_add(out, ", CONFIG_IP_VS_%s", *kind ? "PE_" : "");
	for (; is_known && *name; name++)
		text_add(out, "%c", *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
	text_add(out, ")");
}

/* ENOENT is the kernel's word for a scheduler or engine that it cannot load (it does not say which
 * of the two), and for a destination that is not there; a missing service is ESRCH. */
static void explain_missing(const struct ipvs_op *op, struct text *out)
{
	const char *scheduler = op->service_attr.scheduler, *engine = op->service_attr.engine;

	if (op->kind != IPVS_ADD_SERVICE && op->kind != IPVS_SET_SERVICE) {
		text_add(out, "it is not there");
		return;
	}
	text_add(out, "this kernel has no scheduler ");
	add_module(out, scheduler, "", scheduler_is_known(scheduler));
	if (!*engine)
		return;
	text_add(out, " or no persistence engine ");
	add_module(out, engine, "pe_", engine_is_known(engine));
}

void ipvs_refusal_format(const struct ipvs_op *op, int error, const char *words, struct text *out)
{
	ipvs_op_format(op, out);
	text_add(out, ": ");
	switch (error) {
	case -ENOENT:
		explain_missing(op, out);
		break;
	case -ESRCH:
		text_add(out, "there is no such virtual service");
		break;
	case -EEXIST:
		text_add(out, "it is there already");
		break;
	case -EAFNOSUPPORT:
		text_add(out, "this kernel's IPVS has no IPv6 (CONFIG_IP_VS_IPV6)");
		break;
	case -EINVAL:
		text_add(out, op->kind == IPVS_ADD_DEST ? "invalid (is the loopback interface up?)"
							: "invalid");
		break;
	default:
		text_add(out, "%s", strerror(-error));
	}
	if (*words)
		text_add(out, " (%s)", words);
}

void ipvs_service_key_format(const struct ipvs_service_key *key, struct text *out)
{
	if (key->fwmark) {
		text_add(out, "mark %u %s", key->fwmark,
			 key->address.family == AF_INET6 ? "ipv6" : "ipv4");
		return;
	}
	text_add(out, "%s ", transport_name(key->protocol));
	add_endpoint(out, &key->address, key->port);
}
