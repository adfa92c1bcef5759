/* Why a thread: while a dump is read the kernel takes its RTNL lock, which somebody who makes
 * interfaces may hold for a long time; hearing the groups does not. Events that come while a dump
 * goes on stand in the same queue and are passed on in the kernel's order, so the last message
 * about an object is always the newest.
 *
 * Of routes only ours are heard: a filter in the kernel (socket_filter) keeps all others out, so that
 * thousands of them that come and go wake nobody. What it lets through of a packet with several
 * messages is decided by the first; only dumps have several, and dumps of routes ask for ours alone.
 *
 * The thread ends when `stop` is set and `wake` was written, or on an error that it cannot mend. */
#include "net/monitor_thread_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/route.h"
#include "net/thread_io.h"

#define RECEIVE_BUFFER (4 * 1024 * 1024)

struct monitor_thread {
	pthread_t thread;
	atomic_bool stop, routes_wanted;
	bool routes; /* were asked for once */
	int wake, socket, out;
	uint32_t port, sequence; /* of our requests: answers carry both */
	_Alignas(struct nlmsghdr) uint8_t bytes[MONITOR_PACKET];
};

/* What was heard of the dump asked for. */
struct dump {
	bool asked;
	bool ended;
	bool interrupted; /* the table changed underneath: ask again */
};

/* Passes a packet on, waiting while the loop is behind; -ECANCELED when told to stop. */
static int pass_on(struct monitor_thread *thread, const void *bytes, size_t size)
{
	for (;;) {
		if (send(thread->out, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (atomic_load(&thread->stop))
			return -ECANCELED;
		wake_wait(thread->wake, thread->out, POLLOUT);
		wake_clear(thread->wake);
	}
}

static int pass_mark(struct monitor_thread *thread, enum monitor_mark_kind kind, int error)
{
	struct monitor_mark mark = {.kind = kind, .error = error};

	return pass_on(thread, &mark, sizeof(mark));
}

/* Looks only for what concerns our dump; the loop reads the rest. */
static int look_through(struct monitor_thread *thread, size_t size, struct dump *dump)
{
	int left = (int)size;

	for (struct nlmsghdr *message = (void *)thread->bytes; nlmsg_ok(message, left);
	     message = nlmsg_next(message, &left)) {
		const struct nlmsgerr *error = nlmsg_data(message);

		/* a notification carries port and number of the request that caused it */
		if (message->nlmsg_seq != thread->sequence || message->nlmsg_pid != thread->port)
			continue;
		dump->interrupted |= message->nlmsg_flags & NLM_F_DUMP_INTR;
		dump->ended |= message->nlmsg_type == NLMSG_DONE;
		if (message->nlmsg_type == NLMSG_ERROR && error->error)
			return error->error;
	}
	return 0;
}

/* One read from the kernel, passed on; none when routes are wanted while no dump goes on.
 * -ENOBUFS: something was lost. */
static int hear(struct monitor_thread *thread, struct dump *dump)
{
	ssize_t size;
	int err;

	while ((size = recv(thread->socket, thread->bytes, sizeof(thread->bytes),
			    MSG_DONTWAIT | MSG_TRUNC)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (atomic_load(&thread->stop))
			return -ECANCELED;
		if (!dump->asked && atomic_load(&thread->routes_wanted))
			return 0;
		wake_wait(thread->wake, thread->socket, POLLIN);
		wake_clear(thread->wake);
	}
	if ((size_t)size > sizeof(thread->bytes))
		return -ENOBUFS; /* cut short: as good as lost */
	err = look_through(thread, (size_t)size, dump);
	return err ? err : pass_on(thread, thread->bytes, (size_t)size);
}

static int ask_for_dump(struct monitor_thread *thread, uint16_t type, uint8_t family)
{
	struct {
		struct nlmsghdr head;
		union { /* all zero means all */
			struct ifinfomsg link;
			struct ifaddrmsg address;
			struct rtmsg route;
		} body;
	} request = {
		.head = {
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = ++thread->sequence,
		},
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	size_t body = sizeof(request.body.link);

	if (type == RTM_GETADDR) {
		body = sizeof(request.body.address);
	} else if (type == RTM_GETROUTE) {
		body = sizeof(request.body.route);
		request.body.route.rtm_family = family;
		request.body.route.rtm_protocol = ROUTE_PROTOCOL_LBHA;
	}
	request.head.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
	if (sendto(thread->socket, &request, request.head.nlmsg_len, 0, (void *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* -EAGAIN: the table changed underneath. -EBUSY: an earlier dump that was given up is still being
 * read. */
static int dump_table(struct monitor_thread *thread, uint16_t type, uint8_t family)
{
	struct dump dump = {.asked = true};
	int err = ask_for_dump(thread, type, family);

	while (!err && !dump.ended)
		err = hear(thread, &dump);
	return !err && dump.interrupted ? -EAGAIN : err;
}

static int dump_routes(struct monitor_thread *thread)
{
	int err;

	do {
		err = pass_mark(thread, MONITOR_ROUTES_BEGIN, 0);
		if (!err)
			err = dump_table(thread, RTM_GETROUTE, AF_INET);
		if (!err)
			err = dump_table(thread, RTM_GETROUTE, AF_INET6);
		if (!err)
			err = pass_mark(thread, MONITOR_ROUTES_END, 0);
	} while (err == -EAGAIN || err == -EBUSY);
	return err;
}

/* After an overrun the kernel drops all further events until the queue was empty once, and what
 * stands in the queue may speak of things whose end was lost: away with it, the dump tells all. */
static void drain(struct monitor_thread *thread)
{
	ssize_t size;

	do
		size = recv(thread->socket, thread->bytes, sizeof(thread->bytes), MSG_DONTWAIT);
	while ((size >= 0 || errno != EAGAIN) && !atomic_load(&thread->stop));
}

static int dump_all(struct monitor_thread *thread)
{
	int err = 0;

	do {
		if (err == -ENOBUFS)
			drain(thread);
		err = pass_mark(thread, MONITOR_BEGIN, 0);
		if (!err)
			err = dump_table(thread, RTM_GETLINK, AF_UNSPEC);
		if (!err)
			err = dump_table(thread, RTM_GETADDR, AF_UNSPEC);
		if (!err)
			err = pass_mark(thread, MONITOR_END, 0);
		if (!err && thread->routes)
			err = dump_routes(thread);
	} while (err == -EAGAIN || err == -ENOBUFS || err == -EBUSY);
	return err;
}

static void *monitor_run(void *ctx)
{
	struct monitor_thread *thread = ctx;
	struct dump none = {0};
	int err = dump_all(thread);

	while (!err) {
		if (atomic_exchange(&thread->routes_wanted, false)) {
			thread->routes = true;
			err = dump_routes(thread);
		} else {
			err = hear(thread, &none);
		}
		if (err == -ENOBUFS) {
			drain(thread);
			err = dump_all(thread);
		}
	}
	if (err != -ECANCELED)
		pass_mark(thread, MONITOR_FAILED, err);
	return NULL;
}

/* Of messages about routes only those with our protocol; a filter reads in the wire's order. */
static int socket_filter(int fd)
{
	const uint32_t protocol_at = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, protocol_at),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROUTE_PROTOCOL_LBHA, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = COUNT_OF(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno
										       : 0;
}

static int join(int fd)
{
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				     RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
	int on = 1, err = socket_filter(fd);

	/* without it a dump of routes tells all of them */
	if (!err && setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)))
		err = -errno;
	for (size_t i = 0; i < COUNT_OF(groups) && !err; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])))
			err = -errno;
	return err;
}

static int socket_open(uint32_t *port)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	socklen_t length = sizeof(self);
	int size = RECEIVE_BUFFER, err = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (void *)&self, sizeof(self)) || getsockname(fd, (void *)&self, &length))
		err = -errno;
	if (!err)
		err = join(fd);
	if (err)
		close(fd);
	else
		*port = self.nl_pid;
	return err ? err : fd;
}

static void thread_close(struct monitor_thread *thread)
{
	if (thread->wake >= 0)
		close(thread->wake);
	if (thread->socket >= 0)
		close(thread->socket);
	if (thread->out >= 0)
		close(thread->out);
	free(thread);
}

int monitor_thread_new(struct monitor_thread **out, int *fd)
{
	struct monitor_thread *thread = calloc(1, sizeof(*thread));
	int pair[2], err;

	if (!thread)
		return -ENOMEM;
	thread->out = -1;
	thread->wake = wake_open();
	thread->socket = socket_open(&thread->port);
	err = thread->wake < 0 ? thread->wake : thread->socket < 0 ? thread->socket : 0;
	if (!err && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		err = -errno;
	if (err) {
		thread_close(thread);
		return err;
	}
	thread->out = pair[1];
	err = thread_start(&thread->thread, monitor_run, thread);
	if (err) {
		close(pair[0]);
		thread_close(thread);
		return err;
	}
	*fd = pair[0];
	*out = thread;
	return 0;
}

void monitor_thread_routes(struct monitor_thread *thread)
{
	atomic_store(&thread->routes_wanted, true);
	wake_up(thread->wake);
}

void monitor_thread_free(struct monitor_thread *thread)
{
	if (!thread)
		return;
	atomic_store(&thread->stop, true);
	wake_up(thread->wake);
	pthread_join(thread->thread, NULL);
	thread_close(thread);
}
