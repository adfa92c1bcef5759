/* A list of what is refused, not of what is allowed: the libraries that probe change their system calls
 * with every release. Calls that no rule names cost nothing (the kernel keeps a bitmap of them). */
#include "check/confine_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define SOCKET_TYPE 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
/* The kernel looks at the lower half of an int only, and so must a rule. */
#define IS(argument, number) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)(number))
#define REFUSE SCMP_ACT_ERRNO(EPERM)

static int refuse_calls(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(io_uring_setup)};
	int err = 0;

	for (size_t i = 0; !err && i < COUNT_OF(calls); i++)
		err = seccomp_rule_add(filter, REFUSE, calls[i], 0);
	return err;
}

/* Netlink sockets are raw by name, too, and libraries use them. */
static int refuse_sockets(scmp_filter_ctx filter)
{
	static const int families[] = {AF_INET, AF_INET6};
	int err = seccomp_rule_add(filter, REFUSE, SCMP_SYS(socket), 1, IS(0, AF_PACKET));

	for (size_t i = 0; !err && i < COUNT_OF(families); i++)
		err = seccomp_rule_add(filter, REFUSE, SCMP_SYS(socket), 2,
				       IS(0, families[i]),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_RAW));
	if (!err) /* an old name for a packet socket */
		err = seccomp_rule_add(filter, REFUSE, SCMP_SYS(socket), 1,
				       SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_PACKET));
	return err;
}

static int refuse_option(scmp_filter_ctx filter, int level, int option)
{
	return seccomp_rule_add(filter, REFUSE, SCMP_SYS(setsockopt), 2, IS(1, level), IS(2, option));
}

int confine(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = filter ? 0 : -ENOMEM;

	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = refuse_calls(filter);
	if (!err)
		err = refuse_sockets(filter);
	if (!err)
		err = refuse_option(filter, IPPROTO_IP, IP_HDRINCL);
	if (!err)
		err = refuse_option(filter, IPPROTO_IPV6, IPV6_HDRINCL);
	/* with CAP_NET_RAW (check/rights_io.h) they would let us speak as anybody */
	if (!err)
		err = refuse_option(filter, IPPROTO_IP, IP_TRANSPARENT);
	if (!err)
		err = refuse_option(filter, IPPROTO_IPV6, IPV6_TRANSPARENT);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
