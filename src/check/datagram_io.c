/* Without IP_RECVERR a socket hears of closed ports alone. With it each ICMP error lies in a queue with
 * its type, code and sender (ip(7)); of the errno that it also leaves behind not much can be told: a
 * filter's refusal would look like one of this machine. */
#include "check/datagram_io.h"

#include <errno.h>
#include <time.h> /* linux/errqueue.h leaves it to us */
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/icmp.h"
#include "check/outcome.h"
#include "core/loop.h"

bool datagram_open(struct flight *flight, void (*readable)(void *flight))
{
	const bool is_ipv4 = flight->target.address.family == AF_INET;
	const int on = 1;

	if (!dial_datagram(flight))
		return false;
	if (setsockopt(flight->fd, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, is_ipv4 ? IP_RECVERR : IPV6_RECVERR, &on,
		       sizeof(on))) {
		flight_fail(flight, STEP_SOCKET, errno);
		return false;
	}
	if (io_init(flight->loop, &flight->io, flight->fd, LOOP_NORMAL, readable, NULL, flight)) {
		flight_fail(flight, STEP_SOCKET, ENOMEM);
		return false;
	}
	return true;
}

bool datagram_send(struct flight *flight, const void *bytes, size_t size)
{
	if (send(flight->fd, bytes, size, MSG_NOSIGNAL) >= 0) {
		flight_sent(flight, bytes, size);
		return true;
	}
	flight_fail(flight, STEP_SEND, errno == EAGAIN ? ENOBUFS : errno);
	return false;
}

void datagram_send_again(struct flight *flight, const void *bytes, size_t size)
{
	flight_did(flight, "once more, since nothing has come");
	if (send(flight->fd, bytes, size, MSG_NOSIGNAL) < 0)
		return; /* an ICMP error that is waiting, or a lack of buffers that the first send did not meet */
}

/* ---- the error queue ------------------------------------------------------------------------ */

struct complaint {
	struct sock_extended_err error;
	struct addr source;
};

static struct addr address_of(const struct sockaddr *from)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;

	if (from->sa_family == AF_INET)
		return addr_from_bytes(AF_INET, &in->sin_addr);
	if (from->sa_family == AF_INET6)
		return addr_from_bytes(AF_INET6, &in6->sin6_addr);
	return (struct addr){0};
}

static bool take_control(struct msghdr *message, struct complaint *out)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		struct sockaddr_storage from = {0};
		size_t size = at->cmsg_len - CMSG_LEN(0);

		if (!(at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_RECVERR) &&
		    !(at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_RECVERR))
			continue;
		if (size < sizeof(out->error))
			return false;
		memcpy(&out->error, CMSG_DATA(at), sizeof(out->error));
		size -= sizeof(out->error);
		memcpy(&from, CMSG_DATA(at) + sizeof(out->error), size < sizeof(from) ? size : sizeof(from));
		out->source = address_of((struct sockaddr *)&from);
		return true;
	}
	return false;
}

/* False: the queue is empty. */
static bool complaint_next(int fd, struct complaint *out)
{
	_Alignas(struct cmsghdr) char control[512];
	struct msghdr message = {.msg_control = control, .msg_controllen = sizeof(control)};

	*out = (struct complaint){0};
	return recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0 && take_control(&message, out);
}

/* True: that was the end of the flight. */
static bool complaint_ends(struct flight *flight, const struct complaint *complaint)
{
	const uint8_t origin = complaint->error.ee_origin;
	const uint8_t family = origin == SO_EE_ORIGIN_ICMP6 ? AF_INET6 : AF_INET;
	struct icmp_complaint means;
	char words[OUTCOME_SAID], who[ADDR_TEXT];
	struct text said = text_of(words, sizeof(words));
	struct outcome outcome = {.step = STEP_REPLY, .fault = words};

	if (origin != SO_EE_ORIGIN_ICMP && origin != SO_EE_ORIGIN_ICMP6)
		return false;
	means = icmp_complaint(family, complaint->error.ee_type, complaint->error.ee_code);
	if (means.reason == REASON_NONE)
		return false;
	text_add(&said, "%s", means.text);
	if (complaint->source.family && !addr_equal(&complaint->source, &flight->target.address))
		text_add(&said, ", says %s", addr_format(&complaint->source, who));
	outcome.reason = means.reason;
	flight_end(flight, &outcome);
	return true;
}

bool datagram_next(struct flight *flight, void *bytes, size_t *size)
{
	struct complaint complaint;
	ssize_t got = recv(flight->fd, bytes, DATAGRAM_MOST, 0);

	if (got < 0 && errno != EAGAIN && errno != EINTR) /* the errno of a complaint, now told */
		got = recv(flight->fd, bytes, DATAGRAM_MOST, 0);
	if (got >= 0) {
		*size = (size_t)got;
		flight_heard(flight, bytes, *size);
		return true;
	}
	while (complaint_next(flight->fd, &complaint))
		if (complaint_ends(flight, &complaint))
			return false;
	return false;
}
