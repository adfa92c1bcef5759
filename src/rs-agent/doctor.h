/* What is wrong with a real server, in sentences that an operator understands, each with the
 * command that mends it. Pure: from what the services want of this host (struct doctor_case) and
 * what was seen on it and on its segments (struct doctor_sight) to findings. One file per subject:
 *   doctor_journal.c   whether what setup did still holds
 *   doctor_address.c   the VIPs, and how they are there
 *   doctor_silence.c   arp_ignore and arp_announce in effect, or the ARP filter
 *   doctor_answer.c    who answers for the VIPs on the segment
 *   doctor_tunnel.c    the ends of tunnels
 *   doctor_route.c     the way of the answers, and reverse path filters
 *   doctor_listen.c    the program behind VIP and port
 *   doctor_firewall.c  rules that may drop what comes */
#ifndef LBHA_RS_AGENT_DOCTOR_H
#define LBHA_RS_AGENT_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "config/model.h"
#include "net/address.h"
#include "net/ask.h"
#include "net/firewall.h"
#include "net/link.h"
#include "net/route_way.h"
#include "net/sysctl.h"
#include "rs-agent/actual.h"
#include "rs-agent/journal.h"
#include "rs-agent/wish.h"

struct arena;

enum doctor_severity {
	DOCTOR_OK,
	DOCTOR_WARNING, /* may be meant so, or cannot be told for certain */
	DOCTOR_PROBLEM,
};

struct doctor_finding {
	enum doctor_severity severity;
	const char *subject; /* "address", "silence", "arp", "route", "listen", "tunnel", "firewall", "journal" */
	const char *text;    /* a sentence without full stop */
	const char *command; /* for a shell; NULL: none mends it. In capitals what we cannot know */
};

struct doctor_findings {
	struct doctor_finding *items;
	size_t count;
};

/* ---- what is wanted ---- */

/* One VIP of one service, as it reaches this host. */
struct doctor_vip {
	struct addr address;
	const char *service; /* NULL: from --vip or the journal */
	enum forwarding forwarding;
	struct addr gateway; /* nat; family 0: not given */
	struct addr local;   /* tunnel: to which the directors send; family 0: not known */
	struct tunnel tunnel;
};

/* Where a program has to listen. */
struct doctor_port {
	struct endpoint at; /* dr and tunnel: the VIP's; nat and fullnat: our own address */
	enum protocol protocol;
	const char *service;
};

struct doctor_director {
	const char *name;
	struct addr address;
};

/* Whether it is set up again after a boot. */
enum doctor_lasting {
	DOCTOR_LASTING_UNKNOWN, /* no systemd here, or not ours to ask */
	DOCTOR_LASTS,
	DOCTOR_PASSES,
};

struct doctor_case {
	struct doctor_vip *vips; /* by service: one address may be there more than once */
	size_t vip_count;
	struct doctor_port *ports;
	size_t port_count;
	struct doctor_director *directors; /* none: not known */
	size_t director_count;
	const char *setup; /* the command that sets up what this is about */
	bool arp_filter;   /* silence by a table of nftables, not by sysctls */
	enum journal_standing journal;
	enum doctor_lasting lasting;
};

/* All services of the model (the one called `service`, if not NULL) in which one of the addresses
 * `own` is a real server. -ENOMEM. */
int doctor_case_of_model(struct arena *arena, const struct model *model, const char *service,
			 const struct address_list *own, struct doctor_case *out);

/* The VIPs of wishes (from the journal, or --vip), of which no more is known. -ENOMEM. */
int doctor_case_of_wishes(struct arena *arena, const struct rs_wishes *wishes,
			  struct doctor_case *out);

/* ---- what is there ---- */

#define DOCTOR_PROGRAM 16 /* as /proc/PID/comm has it */

/* A socket that waits for clients. */
struct doctor_socket {
	struct endpoint at; /* address 0.0.0.0 or ::, too */
	enum protocol protocol;
	bool only_ipv6; /* of ::, without IPv4 clients */
	uint64_t inode;
	char program[DOCTOR_PROGRAM]; /* empty: not known */
};

/* A link that takes packets out of tunnels. */
struct doctor_tunnel {
	uint32_t link;
	char kind[LINK_NAME];      /* "ipip" */
	struct addr local, remote; /* family 0: any */
	bool checksum;             /* gre: takes packets with one, and no others */
	uint64_t packets, errors;  /* received */
};

struct doctor_sight {
	const struct link *links;
	size_t link_count;
	struct address_list addresses;
	struct sysctl_value *sysctls;
	size_t sysctl_count;
	struct route_way *ways;
	size_t way_count;
	struct ask_question *questions; /* that were asked */
	size_t question_count;
	struct ask_answer *answers; /* and from the neighbour table: who is behind a MAC address */
	size_t answer_count;
	struct ask_answer *neighbours;
	size_t neighbour_count;
	struct doctor_tunnel *tunnels;
	size_t tunnel_count;
	struct rs_port *gue; /* where the kernel takes it off */
	size_t gue_count;
	int asking_error; /* -errno: nobody could be asked */
	struct doctor_socket *sockets;
	size_t socket_count;
	int sockets_error;   /* -errno: they could not be listed */
	struct firewall firewall;
	const char *firewall_why; /* some rules were not read: why, a sentence; NULL: all were */
};

/* Stands for any client of that family in questions about routes: TEST-NET-2 (RFC 5737) or the
 * documentation prefix (RFC 3849), which nobody has. */
struct addr doctor_client(uint8_t family);

/* The ways that have to be looked up, into `sight->ways` with from and to alone. -ENOMEM. */
int doctor_ways(struct arena *arena, const struct doctor_case *wanted, struct doctor_sight *sight);
/* The questions that have to be asked, into `sight->questions`; links, addresses and ways must be
 * there. -ENOMEM. */
int doctor_questions(struct arena *arena, const struct doctor_case *wanted,
		     struct doctor_sight *sight);

/* Whether a socket has protocol and port of one of the case's, but not its address: then its
 * program's name is of interest. */
bool doctor_is_near(const struct doctor_case *wanted, const struct doctor_socket *socket);

/* All findings. -ENOMEM. */
int doctor_judge(struct arena *arena, const struct doctor_case *wanted,
		 const struct doctor_sight *sight, struct doctor_findings *out);

/* ---- among the files of doctor ---- */

struct doctor {
	struct arena *arena;
	const struct doctor_case *wanted;
	const struct doctor_sight *sight;
	struct doctor_findings findings;
};

/* Adds a finding; `command` is copied, NULL is none. */
void doctor_say(struct doctor *doctor, enum doctor_severity severity, const char *subject,
		const char *command, const char *format, ...) PRINTF_LIKE(5, 6);
/* Text in the arena, for a command; NULL when out of memory. */
const char *doctor_text(struct doctor *doctor, const char *format, ...) PRINTF_LIKE(2, 3);

void doctor_journal(struct doctor *doctor);
void doctor_addresses(struct doctor *doctor);
void doctor_silence(struct doctor *doctor);
void doctor_answers(struct doctor *doctor);
void doctor_tunnels(struct doctor *doctor);
void doctor_routes(struct doctor *doctor);
void doctor_listeners(struct doctor *doctor);
void doctor_firewall(struct doctor *doctor);

/* Whether packets for the VIP itself come here (dr, tunnel), not translated ones. */
bool doctor_needs_vip(const struct doctor_vip *vip);
/* The same address has been dealt with as an earlier one of the case that needs the VIP. */
bool doctor_seen(const struct doctor_case *wanted, size_t index);
bool doctor_is_vip(const struct doctor_case *wanted, const struct addr *address);
const struct doctor_director *doctor_director(const struct doctor_case *wanted,
					      const struct addr *address);
/* This host is a director, too, and has VIPs on its interfaces while it is MASTER. */
bool doctor_here(const struct doctor *doctor);
bool doctor_has_address(const struct doctor_sight *sight, uint32_t link, const struct addr *address);
const struct link *doctor_link(const struct doctor_sight *sight, uint32_t index);
/* "another interface" when it has gone. */
const char *doctor_link_name(const struct doctor_sight *sight, uint32_t index);
/* Up, not loopback, and neighbours are asked there. */
bool doctor_link_asks(const struct link *link);
const struct route_way *doctor_way(const struct doctor_sight *sight, const struct addr *from,
				    const struct addr *to);
/* The way of answers to clients; NULL: it was not looked up. */
const struct route_way *doctor_way_back(const struct doctor *doctor, const struct doctor_vip *vip);
/* Packets of clients come in where the directors are. Where those are not known: where the VIP's own
 * network is. */
bool doctor_comes_in_by(const struct doctor *doctor, const struct addr *at, uint32_t link);
/* Requests for an IPv4 address that come in by a link are dropped by rules. */
bool doctor_drops_arp_for(const struct doctor_sight *sight, const char *link, const struct addr *address);
/* net/<family>/conf/<link>/<name>; -1 when there is none. */
int64_t doctor_conf(const struct doctor_sight *sight, const char *family, const char *link,
		    const char *name);
/* "net.ipv4.conf.eth0.rp_filter=2", as sysctl(8) takes it. */
const char *doctor_setting(struct doctor *doctor, const char *link, const char *name, int64_t value);
/* What the kernel goes by for IPv4 (IN_DEV_MAXCONF): the larger of all's and the link's. */
int64_t doctor_conf_in_effect(const struct doctor_sight *sight, const char *link,
			      const char *name);

#endif
