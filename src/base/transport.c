/* See the header. */
#include "base/transport.h"

#include <netinet/in.h>
#include <string.h>

const struct transport transports[TRANSPORTS] = {
	{IPPROTO_TCP, "tcp"}, {IPPROTO_UDP, "udp"}, {IPPROTO_SCTP, "sctp"},
};

const char *transport_name(uint8_t number)
{
	size_t i = 0;

	while (i + 1 < TRANSPORTS && transports[i].number != number)
		i++;
	return transports[i].name;
}

uint8_t transport_number(const char *name)
{
	for (size_t i = 0; i < TRANSPORTS; i++)
		if (!strcmp(transports[i].name, name))
			return transports[i].number;
	return 0;
}
