/* The program behind VIP and port: a listener at that address, or at the wildcard of its family; ::
 * takes IPv4 clients, too, unless IPV6_V6ONLY (which nginx sets by default). */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/words.h"
#include "rs-agent/doctor.h"

#define PLACES 256

static bool takes(const struct doctor_socket *socket, const struct doctor_port *port)
{
	const struct addr *at = &socket->at.address;

	if (addr_equal(at, &port->at.address))
		return true;
	if (!addr_is_unspecified(at))
		return false;
	return at->family == port->at.address.family ||
	       (at->family == AF_INET6 && !socket->only_ipv6);
}

static bool has_port(const struct doctor_socket *socket, const struct doctor_port *port)
{
	return socket->protocol == port->protocol && socket->at.port == port->at.port;
}

bool doctor_is_near(const struct doctor_case *wanted, const struct doctor_socket *socket)
{
	for (size_t i = 0; i < wanted->port_count; i++)
		if (has_port(socket, &wanted->ports[i]) && !takes(socket, &wanted->ports[i]))
			return true;
	return false;
}

/* How programs are told to listen everywhere. */
static void add_advice(struct text *out, const struct doctor_socket *socket,
		       const struct doctor_port *port)
{
	static const struct {
		const char *program, *before, *after;
	} known[] = {
		{"nginx", "listen ", ";"},
		{"apache2", "Listen ", ""},
		{"httpd", "Listen ", ""},
		{"haproxy", "bind :", ""},
		{"lighttpd", "server.port = ", ""},
	};
	const char *ipv6 = port->at.address.family == AF_INET6 ? "[::]:" : "";

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (!strcmp(socket->program, known[i].program)) {
			text_add(out, "; %s: %s%s%d%s", socket->program, known[i].before, ipv6,
				 port->at.port, known[i].after);
			return;
		}
	text_add(out, "; let it listen on all addresses");
}

static void judge_elsewhere(struct doctor *doctor, const struct doctor_port *port,
			    const struct doctor_socket *socket, const char *places)
{
	char at[ENDPOINT_TEXT], advice[128] = "", program[DOCTOR_PROGRAM];
	struct text text = text_of(advice, sizeof(advice));

	snprintf(program, sizeof(program), "%s", socket->program);
	text_clean(program);
	add_advice(&text, socket, port);
	doctor_say(doctor, DOCTOR_PROBLEM, "listen", NULL,
		   "%s listens on %s only, not on %s (%s)%s", *program ? program : "a program",
		   places, endpoint_format(&port->at, at), protocol_word(port->protocol), advice);
}

static void judge_port(struct doctor *doctor, const struct doctor_port *port)
{
	const struct doctor_sight *sight = doctor->sight;
	const struct doctor_socket *near = NULL;
	char places[PLACES] = "", at[ENDPOINT_TEXT];
	struct text text = text_of(places, sizeof(places));

	for (size_t i = 0; i < sight->socket_count; i++) {
		const struct doctor_socket *socket = &sight->sockets[i];

		if (!has_port(socket, port))
			continue;
		if (takes(socket, port)) {
			doctor_say(doctor, DOCTOR_OK, "listen", NULL, "a program listens on %s (%s)",
				   endpoint_format(&port->at, at), protocol_word(port->protocol));
			return;
		}
		near = near ? near : socket;
		text_add(&text, "%s%s%s", text.length ? " and " : "",
			 endpoint_format(&socket->at, at),
			 socket->only_ipv6 ? " (IPv6 alone)" : "");
	}
	if (near)
		judge_elsewhere(doctor, port, near, places);
	else
		doctor_say(doctor, DOCTOR_PROBLEM, "listen", NULL,
			   "nothing listens on %s (%s)%s%s: start the program",
			   endpoint_format(&port->at, at), protocol_word(port->protocol),
			   port->service ? " for service " : "", port->service ? port->service : "");
}

void doctor_listeners(struct doctor *doctor)
{
	if (doctor->sight->sockets_error && doctor->wanted->port_count) {
		doctor_say(doctor, DOCTOR_WARNING, "listen", "ss -lntu",
			   "which programs listen cannot be told: %s",
			   strerror(-doctor->sight->sockets_error));
		return;
	}
	for (size_t i = 0; i < doctor->wanted->port_count; i++)
		judge_port(doctor, &doctor->wanted->ports[i]);
}
