/* NETLINK_SOCK_DIAG (sock_diag(7)), since /proc/net/tcp6 does not tell IPV6_V6ONLY. Whose a socket
 * is, is found as lsof finds it: the links in /proc/PID/fd that name its inode. */
#include "rs-agent/socket_io.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"

#define ANSWER 32768
#define STATE_CLOSE (1u << TCP_CLOSE)   /* a bound UDP socket without a peer */
#define STATE_LISTEN (1u << TCP_LISTEN)

struct lister {
	struct arena *arena;
	struct doctor_sight *sight;
	int fd;
	enum protocol protocol;
	bool ended;
	int error;
};

/* ---- listing ---- */

static int ask(const struct lister *lister, uint8_t family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} question = {
		.head = {.nlmsg_len = sizeof(question),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = family},
	};
	bool tcp = lister->protocol == PROTOCOL_TCP;

	question.body.sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	question.body.idiag_states = tcp ? STATE_LISTEN : STATE_CLOSE;
	return send(lister->fd, &question, sizeof(question), 0) < 0 ? -errno : 0;
}

static bool only_ipv6(struct inet_diag_msg *body, size_t size)
{
	struct rtattr *attribute = (struct rtattr *)(body + 1);

	for (; RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size))
		if (attribute->rta_type == INET_DIAG_SKV6ONLY)
			return *(const uint8_t *)RTA_DATA(attribute);
	return false;
}

static void keep(struct lister *lister, struct nlmsghdr *head)
{
	struct inet_diag_msg *body = NLMSG_DATA(head);
	struct doctor_sight *sight = lister->sight;
	struct doctor_socket *room;

	if (head->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return;
	room = arena_push(lister->arena, &sight->sockets, &sight->socket_count, sizeof(*room));
	if (!room)
		return;
	room->at.address = addr_from_bytes(body->idiag_family, body->id.idiag_src);
	room->at.port = ntohs(body->id.idiag_sport);
	room->protocol = lister->protocol;
	room->inode = body->idiag_inode;
	room->only_ipv6 = body->idiag_family == AF_INET6 &&
			  only_ipv6(body, head->nlmsg_len - NLMSG_LENGTH(sizeof(*body)));
}

static void take_message(struct lister *lister, struct nlmsghdr *head)
{
	const struct nlmsgerr *error = NLMSG_DATA(head);

	switch (head->nlmsg_type) {
	case NLMSG_DONE:
		lister->ended = true;
		return;
	case NLMSG_ERROR:
		lister->ended = true;
		if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(*error)))
			lister->error = error->error;
		return;
	case SOCK_DIAG_BY_FAMILY:
		keep(lister, head);
		return;
	}
}

static int list(struct lister *lister, uint8_t family)
{
	union {
		struct nlmsghdr head;
		char bytes[ANSWER];
	} answer;
	int err = ask(lister, family);

	lister->ended = err;
	while (!lister->ended) {
		ssize_t got = recv(lister->fd, &answer, sizeof(answer), 0);
		size_t left = got > 0 ? (size_t)got : 0;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		for (struct nlmsghdr *head = &answer.head;
		     NLMSG_OK(head, left) && !lister->ended; head = NLMSG_NEXT(head, left))
			take_message(lister, head);
	}
	return err ? err : lister->error;
}

static int list_protocol(struct arena *arena, struct doctor_sight *sight, enum protocol protocol)
{
	struct lister lister = {.arena = arena, .sight = sight, .protocol = protocol};
	int err;

	lister.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (lister.fd < 0)
		return -errno;
	err = list(&lister, AF_INET);
	if (!err)
		err = list(&lister, AF_INET6);
	close(lister.fd);
	return err;
}

/* ---- whose ---- */

static struct doctor_socket *socket_of(struct doctor_sight *sight, const struct doctor_case *wanted,
				       const char *target)
{
	uint64_t inode;

	if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
		return NULL;
	for (size_t i = 0; i < sight->socket_count; i++)
		if (sight->sockets[i].inode == inode && !*sight->sockets[i].program &&
		    doctor_is_near(wanted, &sight->sockets[i]))
			return &sight->sockets[i];
	return NULL;
}

static void name_socket(int proc, const char *pid, struct doctor_socket *socket)
{
	char path[64], name[DOCTOR_PROGRAM];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%.20s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	got = read(fd, name, sizeof(name) - 1);
	close(fd);
	name[got > 0 ? got : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	memcpy(socket->program, name, sizeof(name));
}

/* The open files of one process; those of others than root's are closed to everybody but root. */
static void look_process(int proc, const char *pid, const struct doctor_case *wanted,
			 struct doctor_sight *sight)
{
	char path[64], target[64];
	DIR *files;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	files = fd < 0 ? NULL : fdopendir(fd);
	if (!files) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *file; (file = readdir(files));) {
		ssize_t got = readlinkat(fd, file->d_name, target, sizeof(target) - 1);
		struct doctor_socket *socket;

		target[got > 0 ? got : 0] = '\0';
		socket = socket_of(sight, wanted, target);
		if (socket)
			name_socket(proc, pid, socket);
	}
	closedir(files);
}

static bool any_near(const struct doctor_case *wanted, const struct doctor_sight *sight)
{
	for (size_t i = 0; i < sight->socket_count; i++)
		if (doctor_is_near(wanted, &sight->sockets[i]))
			return true;
	return false;
}

static void look_processes(const struct doctor_case *wanted, struct doctor_sight *sight)
{
	DIR *proc = opendir("/proc");

	if (!proc)
		return;
	for (struct dirent *entry; (entry = readdir(proc));)
		if (isdigit((unsigned char)*entry->d_name))
			look_process(dirfd(proc), entry->d_name, wanted, sight);
	closedir(proc);
}

int sockets_look(struct arena *arena, const struct doctor_case *wanted, struct doctor_sight *sight)
{
	static const enum protocol protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(protocols) && !err; i++)
		for (size_t j = 0; j < wanted->port_count; j++)
			if (wanted->ports[j].protocol == protocols[i]) {
				err = list_protocol(arena, sight, protocols[i]);
				break;
			}
	if (!err && any_near(wanted, sight))
		look_processes(wanted, sight);
	return err;
}
