/* What the rules of this machine do to what a director lives by: adverts, ARP and neighbour discovery
 * for the VIPs, clients on their way to IPVS, servers' answers through nat, probes. For each of these a
 * packet as it would be is sent through the rules (net/firewall.h). One finding for each rule and kind
 * of traffic, or a table of a thousand services would be told a thousand times. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/transport.h"
#include "config/words.h"
#include "ctl/exam.h"
#include "net/firewall_words.h"

#define BEFORE_IPVS 97 /* it takes its packets at the local input with 98 (ip_vs_core.c) */
#define SEEN 64
#define ICMPV6 58
#define ECHO_REQUEST 8
#define ECHO_REPLY 0
#define ECHO_REQUEST6 128
#define ECHO_REPLY6 129
#define ESTABLISHED 2

struct traffic {
	struct exam *exam;
	const char *kind; /* "adverts to the group": also what findings are held apart by */
	const char *whose;
	struct firewall_packet packet;
	bool only_certain; /* whether a rule accepts it depends on what is not known: say nothing */
};

/* ---- one packet ---- */

/* The same rule and kind are told once. */
struct told {
	const struct firewall_chain *chains[SEEN];
	const struct firewall_rule *rules[SEEN];
	const char *kinds[SEEN];
	size_t count;
};

static bool was_told(struct told *told, const struct firewall_fate *fate, const char *kind)
{
	for (size_t i = 0; i < told->count; i++)
		if (told->chains[i] == fate->chain && told->rules[i] == fate->rule &&
		    !strcmp(told->kinds[i], kind))
			return true;
	if (told->count == SEEN)
		return true;
	told->chains[told->count] = fate->chain;
	told->rules[told->count] = fate->rule;
	told->kinds[told->count++] = kind;
	return false;
}

static void judge(struct told *told, const struct traffic *traffic, const struct firewall_fate *fate)
{
	struct exam *exam = traffic->exam;

	if (fate->verdict != FIREWALL_DROP || (traffic->only_certain && !fate->is_certain) ||
	    was_told(told, fate, traffic->kind))
		return;
	exam_say(exam, fate->is_certain ? FINDING_PROBLEM : FINDING_WARNING, "firewall",
		 firewall_let_pass(exam->arena, fate->chain, &traffic->packet), "%s %s",
		 firewall_blame(exam->arena, fate), traffic->whose);
}

static void come_in(struct told *told, const struct traffic *traffic, int64_t last)
{
	struct firewall_fate fate =
		firewall_come_in(&traffic->exam->sight->firewall, last, &traffic->packet);

	judge(told, traffic, &fate);
}

static void go_out(struct told *told, const struct traffic *traffic)
{
	struct firewall_fate fate = firewall_go_out(&traffic->exam->sight->firewall, &traffic->packet);

	judge(told, traffic, &fate);
}

static void be_forwarded(struct told *told, const struct traffic *traffic)
{
	struct firewall_fate fate = firewall_pass(&traffic->exam->sight->firewall, FIREWALL_FORWARD,
						  FIREWALL_EVERY_CHAIN, &traffic->packet);

	judge(told, traffic, &fate);
}

/* ---- adverts ---- */

static void send_advert(struct told *told, struct exam *exam, const struct instance *instance,
			const struct addr *to, const struct addr *from)
{
	struct traffic traffic = {.exam = exam, .kind = "out",
				  .packet = firewall_packet_of(firewall_family_of(instance_family(instance)))};
	char text[ADDR_TEXT];

	traffic.packet.protocol = instance->authentication.type == VRRP_AUTH_AH ? 51 : 112;
	traffic.packet.destination = *to;
	traffic.packet.source = *from;
	traffic.packet.out = instance->interface;
	traffic.packet.state = FIREWALL_STATE_NEW;
	traffic.packet.ttl = 255;
	traffic.whose = exam_text(exam, "the adverts of instance %s (protocol %d to %s)",
				  instance->name, traffic.packet.protocol, addr_format(to, text));
	go_out(told, &traffic);
}

/* IPv6 multicast comes from link-local addresses (RFC 9568 section 5.1.2.1): of which, is not known here,
 * but a rule that lets all of them in is well. */
static bool passes_from_link_local(struct traffic traffic)
{
	addr_parse("fe80::1", &traffic.packet.source);
	return firewall_come_in(&traffic.exam->sight->firewall, FIREWALL_EVERY_CHAIN, &traffic.packet)
		       .verdict != FIREWALL_DROP;
}

static void hear_advert(struct told *told, struct exam *exam, const struct instance *instance,
			const struct addr *to, const struct addr *from)
{
	struct traffic traffic = {.exam = exam, .kind = "in",
				  .packet = firewall_packet_of(firewall_family_of(instance_family(instance)))};
	char text[ADDR_TEXT];

	traffic.packet.protocol = instance->authentication.type == VRRP_AUTH_AH ? 51 : 112;
	traffic.packet.destination = *to;
	if (from)
		traffic.packet.source = *from;
	traffic.packet.in = instance->interface;
	traffic.packet.state = FIREWALL_STATE_NEW;
	traffic.packet.ttl = 255;
	traffic.whose = exam_text(exam,
				  "adverts of others for instance %s (protocol %d to %s): this director "
				  "would become a second master",
				  instance->name, traffic.packet.protocol,
				  to->family ? addr_format(to, text) : "this director");
	if (!from && to->family == AF_INET6 && passes_from_link_local(traffic))
		return;
	come_in(told, &traffic, FIREWALL_EVERY_CHAIN);
}

/* From each other router that was heard, and from each other director whose address is known. */
static void hear_adverts(struct told *told, struct exam *exam, const struct instance *instance,
			 const struct addr *to)
{
	const struct exam_sight *sight = exam->sight;
	bool any = false;

	for (size_t i = 0; i < sight->speaker_count; i++) {
		const struct exam_speaker *speaker = &sight->speakers[i];

		if (speaker->ours || !exam_is_about(sight, instance, speaker) || !exam_shared(instance, speaker))
			continue;
		hear_advert(told, exam, instance, to, &speaker->source);
		any = true;
	}
	for (size_t i = 0; i < exam->model->director_count; i++) {
		const struct director *director = &exam->model->directors[i];

		if (!exam_sends_from_address(exam, instance, director) ||
		    exam_is_ours(sight, &director->address))
			continue;
		hear_advert(told, exam, instance, to, &director->address);
		any = true;
	}
	if (!any)
		hear_advert(told, exam, instance, to, NULL);
}

static void judge_adverts(struct told *told, struct exam *exam, const struct instance *instance)
{
	const struct link *link = exam_link_named(exam->sight, instance->interface);
	struct addr here = link ? exam_source(exam, instance, link).address : (struct addr){0};

	if (instance->transport & VRRP_TRANSPORT_MULTICAST) {
		send_advert(told, exam, instance, &instance->multicast_group, &here);
		hear_adverts(told, exam, instance, &instance->multicast_group);
	}
	for (size_t i = 0; i < instance->unicast.peer_count; i++) {
		send_advert(told, exam, instance, &instance->unicast.peers[i], &here);
		hear_advert(told, exam, instance, &here, &instance->unicast.peers[i]);
	}
}

/* ---- who has the VIPs ---- */

static void judge_arp(struct told *told, struct exam *exam, const struct vip *vip, const char *link)
{
	char text[ADDR_TEXT];
	struct traffic traffic = {
		.exam = exam,
		.kind = "arp",
		.whose = exam_text(exam, "ARP requests for %s", addr_format(&vip->address.address, text)),
		.packet = firewall_packet_of(FIREWALL_ARP),
	};

	traffic.packet.in = link;
	traffic.packet.destination = vip->address.address;
	traffic.packet.arp_operation = 1;
	come_in(told, &traffic, FIREWALL_EVERY_CHAIN);
	traffic.whose = exam_text(exam, "what says by ARP that %s is here", text);
	traffic.packet = firewall_packet_of(FIREWALL_ARP);
	traffic.packet.out = link;
	traffic.packet.source = vip->address.address;
	traffic.packet.arp_operation = 2;
	go_out(told, &traffic);
}

static void judge_neighbours(struct told *told, struct exam *exam, const struct vip *vip,
			     const char *link)
{
	char text[ADDR_TEXT];
	struct traffic traffic = {
		.exam = exam,
		.kind = "nd",
		.whose = exam_text(exam, "neighbour solicitations for %s",
				   addr_format(&vip->address.address, text)),
		.packet = firewall_packet_of(FIREWALL_IPV6),
	};

	traffic.packet.protocol = ICMPV6;
	traffic.packet.icmp_type = 135;
	traffic.packet.in = link;
	traffic.packet.ttl = 255;
	come_in(told, &traffic, FIREWALL_EVERY_CHAIN);
	traffic.packet.in = NULL;
	traffic.packet.out = link;
	traffic.packet.icmp_type = 136;
	traffic.whose = exam_text(exam, "neighbour advertisements of %s", text);
	go_out(told, &traffic);
}

static void judge_vips(struct told *told, struct exam *exam, const struct instance *instance)
{
	for (size_t i = 0; i < instance->virtual_address_count; i++) {
		const struct vip *vip = &instance->virtual_addresses[i];
		const char *link = vip->interface ? vip->interface : instance->interface;

		if (vip->address.address.family == AF_INET)
			judge_arp(told, exam, vip, link);
		else
			judge_neighbours(told, exam, vip, link);
	}
}

/* ---- clients ---- */

/* Where clients of a VIP come in; NULL: not known. */
static const char *link_of_vip(const struct model *model, const struct addr *address)
{
	for (size_t i = 0; i < model->instance_count; i++)
		for (size_t j = 0; j < model->instances[i].virtual_address_count; j++) {
			const struct vip *vip = &model->instances[i].virtual_addresses[j];

			if (addr_equal(&vip->address.address, address))
				return vip->interface ? vip->interface : model->instances[i].interface;
		}
	return NULL;
}

static int protocol_number(enum protocol protocol)
{
	return transport_number(protocol_word(protocol));
}

static void judge_client(struct told *told, struct exam *exam, const struct service *service,
			 const struct endpoint *at, enum protocol protocol)
{
	struct traffic traffic = {.exam = exam, .kind = service->name,
				  .packet = firewall_packet_of(firewall_family_of(at->address.family))};
	char text[ENDPOINT_TEXT];

	traffic.packet.protocol = protocol_number(protocol);
	traffic.packet.destination = at->address;
	traffic.packet.port = at->port ? at->port : FIREWALL_NUMBER_UNKNOWN;
	traffic.packet.state = FIREWALL_STATE_NEW;
	traffic.packet.in = link_of_vip(exam->model, &at->address);
	traffic.whose = exam_text(exam, "clients of service %s (%s %s) before IPVS sees them",
				  service->name, protocol_word(protocol),
				  endpoint_format(at, text));
	come_in(told, &traffic, BEFORE_IPVS);
}

/* A nat server's answer is forwarded. Whether it is of a known connection depends on vs.conntrack. */
static void judge_answer(struct told *told, struct exam *exam, const struct service *service,
			 const struct real_server *server, enum protocol protocol)
{
	const struct route_way *way = exam_way(exam->sight, &server->address.address);
	const struct link *link = way && !way->error ? exam_link(exam->sight, way->link) : NULL;
	struct traffic traffic = {.exam = exam, .kind = "answers",
				  .packet = firewall_packet_of(firewall_family_of(server->address.address.family)),
				  .only_certain = true};
	char text[ADDR_TEXT];

	traffic.packet.protocol = protocol_number(protocol);
	traffic.packet.source = server->address.address;
	traffic.packet.source_port = server->address.port ? server->address.port
				     : service->listen_count && service->listen[0].port
					     ? service->listen[0].port
					     : FIREWALL_NUMBER_UNKNOWN;
	traffic.packet.in = link ? link->name : NULL;
	traffic.packet.out = service->listen_count
				     ? link_of_vip(exam->model, &service->listen[0].address)
				     : NULL;
	traffic.whose = exam_text(exam, "answers of %s to clients of service %s, which nat forwards",
				  addr_format(&server->address.address, text), service->name);
	traffic.packet.source_type = traffic.packet.destination_type = FIREWALL_UNICAST;
	be_forwarded(told, &traffic);
}

static void judge_service(struct told *told, struct exam *exam, const struct service *service)
{
	static const enum protocol all[] = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP};

	for (size_t p = 0; p < COUNT_OF(all); p++) {
		if (!(service->protocols & (uint32_t)all[p]))
			continue;
		for (size_t i = 0; i < service->listen_count; i++)
			judge_client(told, exam, service, &service->listen[i], all[p]);
		for (size_t i = 0; i < service->real_server_count; i++)
			if (service->real_servers[i].forwarding == FORWARDING_NAT)
				judge_answer(told, exam, service, &service->real_servers[i], all[p]);
	}
}

/* ---- probes ---- */

static int probe_protocol(const struct check *check, uint8_t family)
{
	bool is_udp = check->type == CHECK_UDP ||
		      (check->type == CHECK_DNS && check->dns.transport == DNS_UDP);

	if (check->type == CHECK_ICMP)
		return family == AF_INET6 ? ICMPV6 : 1;
	return protocol_number(is_udp ? PROTOCOL_UDP : PROTOCOL_TCP);
}

static void judge_probe(struct told *told, struct exam *exam, const struct probe *probe)
{
	const struct check *check = &exam->model->checks[probe->check];
	const struct route_way *way = exam_way(exam->sight, &probe->target.address);
	const struct link *link = way && !way->error ? exam_link(exam->sight, way->link) : NULL;
	struct traffic traffic = {.exam = exam, .kind = "probes",
				  .packet = firewall_packet_of(firewall_family_of(probe->target.address.family))};
	char text[ENDPOINT_TEXT];

	if (!probe->target.address.family || probe->via.address.family)
		return;
	traffic.packet.protocol = probe_protocol(check, probe->target.address.family);
	traffic.packet.destination = probe->target.address;
	traffic.packet.port = probe->target.port ? probe->target.port : FIREWALL_NUMBER_UNKNOWN;
	if (check->type == CHECK_ICMP)
		traffic.packet.icmp_type = traffic.packet.protocol == ICMPV6 ? ECHO_REQUEST6 : ECHO_REQUEST;
	if (exam_is_ours(exam->sight, &probe->target.address))
		traffic.packet.source_type = traffic.packet.destination_type = FIREWALL_LOCAL;
	traffic.packet.state = FIREWALL_STATE_NEW;
	traffic.packet.out = link ? link->name : NULL;
	traffic.whose = exam_text(exam, "%s probes of %s", check_type_name(check->type),
				  endpoint_format(&probe->target, text));
	go_out(told, &traffic);
	traffic.kind = "answers to probes";
	traffic.packet.source = probe->target.address;
	traffic.packet.destination = (struct addr){0};
	traffic.packet.source_port = traffic.packet.port;
	traffic.packet.port = FIREWALL_NUMBER_UNKNOWN;
	if (check->type == CHECK_ICMP)
		traffic.packet.icmp_type = traffic.packet.protocol == ICMPV6 ? ECHO_REPLY6 : ECHO_REPLY;
	traffic.packet.state = ESTABLISHED;
	traffic.packet.out = NULL;
	traffic.packet.in = link ? link->name : NULL;
	traffic.whose = exam_text(exam, "answers to %s probes of %s", check_type_name(check->type), text);
	come_in(told, &traffic, FIREWALL_EVERY_CHAIN);
}

/* ---- bridges ---- */

static const struct firewall_chain *forward_that_drops(const struct firewall *firewall)
{
	for (size_t i = 0; i < firewall->count; i++)
		if (firewall->chains[i].hook == FIREWALL_FORWARD &&
		    firewall->chains[i].family & FIREWALL_IPV4 && firewall->chains[i].drops)
			return &firewall->chains[i];
	return NULL;
}

/* Frames between ports of a bridge go through iptables, too, when br_netfilter is told so. */
static void judge_bridges(struct exam *exam)
{
	const struct firewall_chain *chain = forward_that_drops(&exam->sight->firewall);

	if (exam_sysctl(exam->sight, "net/bridge/bridge-nf-call-iptables") != 1 || !chain)
		return;
	for (size_t i = 0; i < exam->sight->bridge_count; i++)
		exam_say(exam, FINDING_WARNING, "firewall",
			 "sysctl -w net.bridge.bridge-nf-call-iptables=0",
			 "%s is a bridge, and chain %s of table %s, which drops by policy, sees what "
			 "passes between its ports (bridge-nf-call-iptables is 1)",
			 exam->sight->bridges[i], chain->name, chain->table);
}

void exam_firewall(struct exam *exam)
{
	struct told told = {.count = 0};
	size_t before = exam->findings.count;

	if (exam->sight->firewall_why)
		exam_say(exam, FINDING_UNKNOWN, "firewall", NULL,
			 "not all rules of the firewall were seen: %s", exam->sight->firewall_why);
	for (size_t i = 0; i < exam->model->instance_count; i++) {
		judge_adverts(&told, exam, &exam->model->instances[i]);
		judge_vips(&told, exam, &exam->model->instances[i]);
	}
	for (size_t i = 0; i < exam->model->service_count; i++)
		judge_service(&told, exam, &exam->model->services[i]);
	for (size_t i = 0; i < exam->model->probe_count; i++)
		judge_probe(&told, exam, &exam->model->probes[i]);
	judge_bridges(exam);
	if (exam->findings.count == before)
		exam_say(exam, FINDING_OK, "firewall", NULL,
			 "no rule is seen to drop adverts, ARP, clients or probes");
}
