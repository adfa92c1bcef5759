/* bench-answerer PORT [TLS_PORT CERTIFICATE]: the cheapest web server there is, so that a benchmark of probes measures
 * the prober. Listens on every address, answers whatever comes with 200, closes when the client does; on the second port
 * the same inside TLS (CERTIFICATE: PEM, with the key). */
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define EVENTS 256

static const char ANSWER[] =
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nfine\n";

/* A listener, or a connection of one. */
struct place {
	int fd;
	bool listens;
	SSL_CTX *context; /* NULL: plain */
	SSL *ssl;
};

static void watch(int poll, struct place place)
{
	struct place *kept = malloc(sizeof(*kept));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = kept};

	if (!kept || epoll_ctl(poll, EPOLL_CTL_ADD, place.fd, &event)) {
		free(kept);
		close(place.fd);
		return;
	}
	*kept = place;
}

static SSL *session(SSL_CTX *context, int fd)
{
	SSL *ssl = context ? SSL_new(context) : NULL;

	if (ssl) {
		SSL_set_fd(ssl, fd);
		SSL_set_accept_state(ssl);
	}
	return ssl;
}

static void accept_all(int poll, const struct place *listener)
{
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(poll, (struct place){.fd = fd, .ssl = session(listener->context, fd)});
}

static void end(struct place *place)
{
	SSL_free(place->ssl);
	close(place->fd);
	free(place);
}

static void answer(struct place *place)
{
	char request[4096];
	ssize_t got = read(place->fd, request, sizeof(request));

	if (got <= 0 || write(place->fd, ANSWER, sizeof(ANSWER) - 1) < 0)
		end(place);
}

/* The handshake goes by itself with the first read. */
static void answer_inside(struct place *place)
{
	char request[4096];
	int got = SSL_read(place->ssl, request, sizeof(request));

	if (got > 0)
		got = SSL_write(place->ssl, ANSWER, sizeof(ANSWER) - 1);
	if (got <= 0 && SSL_get_error(place->ssl, got) != SSL_ERROR_WANT_READ)
		end(place);
}

static int fail(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_on(const char *port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, BACKLOG))
		fail("bench-answerer");
	return fd;
}

static SSL_CTX *context_of(const char *certificate)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1)
		fail(certificate);
	return context;
}

static void serve(int poll)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(poll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			struct place *place = events[i].data.ptr;

			if (place->listens)
				accept_all(poll, place);
			else if (place->ssl)
				answer_inside(place);
			else
				answer(place);
		}
	}
}

int main(int argc, char **argv)
{
	int poll = epoll_create1(0);

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: bench-answerer PORT [TLS_PORT CERTIFICATE]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	watch(poll, (struct place){.fd = listen_on(argv[1]), .listens = true});
	if (argc == 4)
		watch(poll, (struct place){.fd = listen_on(argv[2]),
					   .listens = true,
					   .context = context_of(argv[3])});
	serve(poll);
}
