/* check: what the worker's filter refuses, and what it must not. Each test is a process of its own. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check/confine_io.h"
#include "suite.h"

#define UPPER (1ul << 32) /* what the kernel does not look at in an int */

static void refused(long result)
{
	int error = errno;

	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(error, EPERM);
}

START_TEST(a_raw_socket_that_is_there_gets_no_header_of_our_own)
{
	static const struct {
		int family, protocol, level, option;
	} rows[] = {{AF_INET, IPPROTO_ICMP, IPPROTO_IP, IP_HDRINCL},
		    {AF_INET6, IPPROTO_ICMPV6, IPPROTO_IPV6, IPV6_HDRINCL}};
	int fds[2], on = 1;

	for (int i = 0; i < 2; i++)
		fds[i] = socket(rows[i].family, SOCK_RAW | SOCK_CLOEXEC, rows[i].protocol);
	ck_assert_int_eq(confine(), 0);
	for (int i = 0; i < 2; i++) {
		const unsigned long level = (unsigned long)rows[i].level, option = (unsigned long)rows[i].option;

		refused(setsockopt(fds[i], rows[i].level, rows[i].option, &on, sizeof(on)));
		refused(syscall(SYS_setsockopt, fds[i], level | UPPER, option | UPPER, &on, sizeof(on)));
	}
}
END_TEST

START_TEST(new_raw_and_packet_sockets_are_refused)
{
	ck_assert_int_eq(confine(), 0);
	refused(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	refused(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
	refused(socket(AF_PACKET, SOCK_DGRAM, 0));
	refused(syscall(SYS_socket, AF_INET | UPPER, SOCK_RAW | UPPER, IPPROTO_ICMP));
	refused(syscall(SYS_socket, AF_PACKET | UPPER, SOCK_RAW, 0));
	refused(socket(AF_INET, SOCK_PACKET, 0));
}
END_TEST

START_TEST(no_program_is_executed_and_no_ring_goes_around_the_filter)
{
	char *none[] = {NULL};

	ck_assert_int_eq(confine(), 0);
	refused(execve("/bin/true", none, none));
	refused(syscall(SYS_execveat, -1, "/bin/true", none, none, 0));
	refused(syscall(SYS_io_uring_setup, 1, NULL));
}
END_TEST

START_TEST(what_probes_do_is_allowed)
{
	const int on = 1;
	int fd;

	ck_assert_int_eq(confine(), 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0); /* as number 2: IP_TTL */
	ck_assert_int_ge(socket(AF_INET6, SOCK_DGRAM, 0), 0);
	ck_assert_int_ge(socket(AF_NETLINK, SOCK_RAW, 0), 0); /* libraries ask for addresses so */
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("check-confine",
			 CASE("confine", a_raw_socket_that_is_there_gets_no_header_of_our_own,
			      new_raw_and_packet_sockets_are_refused,
			      no_program_is_executed_and_no_ring_goes_around_the_filter,
			      what_probes_do_is_allowed));
}
