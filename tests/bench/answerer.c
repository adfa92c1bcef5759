/* bench-answerer PORT: the cheapest web server there is, so that a benchmark of probes measures the
 * prober. Listens on every address, answers whatever comes with 200, closes when the client does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define EVENTS 256

static const char ANSWER[] =
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nfine\n";

static void watch(int poll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
		close(fd);
}

static void accept_all(int poll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(poll, fd);
}

static void answer(int fd)
{
	char request[4096];
	ssize_t got = read(fd, request, sizeof(request));

	if (got <= 0 || write(fd, ANSWER, sizeof(ANSWER) - 1) < 0)
		close(fd);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, BACKLOG)) {
		perror("bench-answerer");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	int listener = listen_on((uint16_t)(argc == 2 ? atoi(argv[1]) : 0)),
	    poll = epoll_create1(0);
	struct epoll_event events[EVENTS];

	watch(poll, listener);
	for (;;) {
		int count = epoll_wait(poll, events, EVENTS, -1);

		for (int i = 0; i < count; i++)
			if (events[i].data.fd == listener)
				accept_all(poll, listener);
			else
				answer(events[i].data.fd);
	}
}
