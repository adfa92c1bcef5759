/* bench-prober TYPE PORT SERVERS RATE SECONDS [CA NAME]: the least that probing costs. RATE times a second it connects to
 * the next of 127.1.0.1, 127.1.0.2, … (SERVERS of them) and, by TYPE:
 *
 *   tcp    closes again
 *   http   asks for / and reads the answer
 *   tls    shakes hands in full, with the server's certificate verified by CA and NAME
 *   https  does the one inside the other
 *
 * It decides nothing, keeps nothing and has no deadline. At the end it prints how many probes passed, how many did
 * not, and by how many ms the latest was late. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
			      "Accept: */*\r\nConnection: close\r\n\r\n";

struct probe {
	int fd;
	SSL *ssl; /* NULL: plain */
	bool asked;
	size_t filled;
	char answer[1024];
};

static struct {
	bool asks;
	SSL_CTX *context;
	char *name; /* not const: a macro of OpenSSL would cast that away */
	uint16_t port;
	unsigned servers;
	int poll;
	unsigned long passed, failed;
	double latest;
} bench;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void end(struct probe *probe, bool passed)
{
	++*(passed ? &bench.passed : &bench.failed);
	if (passed && probe->ssl)
		SSL_shutdown(probe->ssl);
	SSL_free(probe->ssl);
	close(probe->fd);
	free(probe);
}

static void give(struct probe *probe)
{
	const int size = sizeof(REQUEST) - 1;

	probe->asked = true;
	if (probe->ssl)
		SSL_write(probe->ssl, REQUEST, size);
	else if (write(probe->fd, REQUEST, size) != size)
		probe->filled = sizeof(probe->answer);
}

/* More of the answer; 0 at its end, negative when there is none yet. */
static ssize_t more(struct probe *probe)
{
	char *at = probe->answer + probe->filled;
	size_t room = sizeof(probe->answer) - 1 - probe->filled;

	return probe->ssl ? SSL_read(probe->ssl, at, (int)room) : read(probe->fd, at, room);
}

static bool is_whole(const char *answer)
{
	const char *length = strstr(answer, "Content-Length: "), *body = strstr(answer, "\r\n\r\n");

	return length && body && strlen(body + 4) >= strtoul(length + 16, NULL, 10);
}

static void take(struct probe *probe)
{
	ssize_t got;

	while ((got = more(probe)) > 0) {
		probe->filled += (size_t)got;
		probe->answer[probe->filled] = '\0';
		if (is_whole(probe->answer)) {
			end(probe, !strncmp(probe->answer, "HTTP/1.1 200 ", 13));
			return;
		}
	}
	if (!got)
		end(probe, false);
}

/* False: not yet, or it has ended. */
static bool is_shaken(struct probe *probe)
{
	int done = SSL_is_init_finished(probe->ssl) ? 1 : SSL_connect(probe->ssl);
	int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(probe->ssl, done);

	if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ)
		end(probe, false);
	return done == 1;
}

static void turn(struct probe *probe, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP)) {
		end(probe, false);
		return;
	}
	if (probe->ssl && !is_shaken(probe))
		return;
	if (!bench.asks) {
		end(probe, true);
		return;
	}
	if (!probe->asked)
		give(probe);
	else
		take(probe);
}

/* As lbha-checkd's: it is closed with a reset, which leaves no TIME_WAIT. */
static int dial(unsigned number)
{
	const struct linger reset = {.l_onoff = 1};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(bench.port),
				 .sin_addr.s_addr = htonl(0x7f010001 + number)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		fail("socket");
	connect(fd, (struct sockaddr *)&to, sizeof(to));
	return fd;
}

static void start(unsigned number)
{
	struct probe *probe = malloc(sizeof(*probe));
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = probe};

	if (!probe)
		fail("malloc");
	*probe = (struct probe){.fd = dial(number)};
	if (bench.context) {
		probe->ssl = SSL_new(bench.context);
		SSL_set_fd(probe->ssl, probe->fd);
		SSL_set1_host(probe->ssl, bench.name);
		SSL_set_tlsext_host_name(probe->ssl, bench.name);
	}
	if (epoll_ctl(bench.poll, EPOLL_CTL_ADD, probe->fd, &event))
		fail("epoll_ctl");
}

static SSL_CTX *context_of(const char *ca)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context || SSL_CTX_load_verify_file(context, ca) != 1)
		fail(ca);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	return context;
}

static void run(double rate, double seconds)
{
	struct epoll_event events[EVENTS];
	double begun = now(), passed, late;

	for (unsigned long number = 0; (passed = now() - begun) < seconds;) {
		int count;

		late = passed - (double)number / rate;
		bench.latest = late > bench.latest ? late : bench.latest;
		for (; (double)number < rate * passed; number++)
			start((unsigned)(number % bench.servers));
		count = epoll_wait(bench.poll, events, EVENTS, 1);
		for (int i = 0; i < count; i++)
			turn(events[i].data.ptr, events[i].events);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6 && argc != 8) {
		fprintf(stderr, "usage: bench-prober TYPE PORT SERVERS RATE SECONDS [CA NAME]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	bench.asks = !strncmp(argv[1], "http", 4);
	bench.port = (uint16_t)atoi(argv[2]);
	bench.servers = (unsigned)atoi(argv[3]);
	if (argc == 8) {
		bench.context = context_of(argv[6]);
		bench.name = argv[7];
	}
	bench.poll = epoll_create1(EPOLL_CLOEXEC);
	run(atof(argv[4]), atof(argv[5]));
	printf("%lu %lu %.0f\n", bench.passed, bench.failed, 1e3 * bench.latest);
	return 0;
}
