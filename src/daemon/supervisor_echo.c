/* The check worker has no right to open raw sockets, which icmp checks need: they are opened here and handed
 * over, with each generation that needs them and with none that does not. A worker that has one already
 * keeps that; it closes what its generation has no use for. Its sandbox (core/sandbox.h) sees to it
 * that such a socket sends nothing but ICMP from our own addresses. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "core/protocol.h"
#include "daemon/supervisor_state.h"

static void echo_give(struct supervisor *s, uint8_t family)
{
	uint8_t bytes[8];
	struct writer out = writer_of(bytes, sizeof(bytes));
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	put_u8(&out, family);
	put_u32(&out, fd < 0 ? (uint32_t)errno : 0);
	slot_send_with(&s->workers.slots[ROLE_CHECK], RECORD_ECHO, bytes, writer_used(&out), fd);
	if (fd >= 0)
		close(fd);
}

void supervisor_echo(struct supervisor *s, const struct model *model)
{
	if (model_pings(model, AF_INET))
		echo_give(s, AF_INET);
	if (model_pings(model, AF_INET6))
		echo_give(s, AF_INET6);
}
