/* One datagram per call; abstract names begin with '@'. The socket is kept: whether READY=1 gets through must not depend
 * on a free descriptor at that moment. */
#include "core/sdnotify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TRIES 4

static int kept = -1;

void sdnotify_open(void)
{
	if (kept < 0 && getenv("NOTIFY_SOCKET"))
		kept = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* What cannot be sent the manager will miss by its own timeout. */
static bool send_to(const struct sockaddr_un *to, socklen_t size, const char *message)
{
	for (int i = 0; i < TRIES; i++) {
		if (sendto(kept, message, strlen(message), MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)to,
			   size) >= 0)
			return true;
		if (errno != EINTR && errno != ENOMEM && errno != ENOBUFS)
			break;
	}
	return false;
}

bool sdnotify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char message[512];
	va_list list;
	size_t length;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
		return true;
	length = strlen(path);
	memcpy(to.sun_path, path, length);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	va_start(list, format);
	vsnprintf(message, sizeof(message), format, list);
	va_end(list);
	sdnotify_open();
	return kept >= 0 && send_to(&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length), message);
}

nstime sdnotify_watchdog_period(void)
{
	const char *micros = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!micros || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoll(micros, NULL, 10) * NSTIME_US / 2;
}
