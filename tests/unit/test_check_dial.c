/* What the kernel tells of a connection: that the end of it is no byte that was received. */
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/dial_io.h"
#include "suite.h"

/* Both ends of a connection over loopback. */
static void connect_two(int *client, int *server)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&here, &size), 0);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(*client, (struct sockaddr *)&here, sizeof(here)), 0);
	*server = accept(listener, NULL, NULL);
	ck_assert_int_ge(*server, 0);
	close(listener);
}

static void wait_for(int fd, short what)
{
	struct pollfd one = {.fd = fd, .events = what};

	ck_assert_int_eq(poll(&one, 1, 5000), 1);
	ck_assert(one.revents & what);
}

START_TEST(the_end_of_a_connection_is_no_byte)
{
	int client, server;

	connect_two(&client, &server);
	ck_assert_uint_eq(dial_received(client), 0);
	close(server);
	wait_for(client, POLLRDHUP);
	ck_assert_uint_eq(dial_received(client), 0);
	ck_assert_int_eq(send(client, "x", 1, MSG_NOSIGNAL), 1); /* nobody is there: a reset */
	wait_for(client, POLLERR);
	ck_assert_uint_eq(dial_received(client), 0);
	close(client);
}
END_TEST

START_TEST(bytes_are_counted_read_or_not)
{
	char bytes[3];
	int client, server;

	connect_two(&client, &server);
	ck_assert_int_eq(send(server, "hello", 5, 0), 5);
	wait_for(client, POLLIN);
	ck_assert_uint_eq(dial_received(client), 5);
	ck_assert_int_eq(read(client, bytes, sizeof(bytes)), 3);
	ck_assert_uint_eq(dial_received(client), 5);
	close(server);
	wait_for(client, POLLRDHUP);
	ck_assert_uint_eq(dial_received(client), 5);
	close(client);
}
END_TEST

START_TEST(of_what_is_no_connection_nothing_is_known)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_uint_eq(dial_received(fd), 0);
	ck_assert_uint_eq(dial_received(-1), 0);
	close(fd);
}
END_TEST

int main(void)
{
	return SUITE_RUN("check-dial",
			 CASE("received", the_end_of_a_connection_is_no_byte, bytes_are_counted_read_or_not,
			      of_what_is_no_connection_nothing_is_known));
}
