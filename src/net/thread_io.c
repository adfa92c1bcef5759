/* Threads and the descriptors that wake them. */
#include "net/thread_io.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_SIZE (256 * 1024)

int thread_start(pthread_t *out, void *(*run)(void *ctx), void *ctx)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int err = pthread_attr_init(&attributes);

	if (err)
		return -err;
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(out, &attributes, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -err;
}

int wake_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void wake_up(int fd)
{
	uint64_t one = 1;

	/* a full counter (EAGAIN) is as good: the other side has not looked yet */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void wake_clear(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

bool wake_wait(int fd, int other, short events)
{
	struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = other, .events = events}};

	while (poll(polled, 2, -1) < 0 && errno == EINTR)
		;
	return polled[1].revents != 0;
}
