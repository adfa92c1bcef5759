/* Without state of its own: the socket is all that a flight has. */
#include "check/probe_udp.h"

#include "check/datagram_io.h"
#include "check/flight_io.h"
#include "check/udp.h"

static void udp_readable(void *ctx)
{
	struct flight *flight = ctx;
	uint8_t bytes[DATAGRAM_MOST];
	char said[OUTCOME_SAID];
	struct outcome outcome;
	size_t size;

	if (!datagram_next(flight, bytes, &size))
		return;
	outcome = udp_reply(flight->check, bytes, size, said);
	flight_end(flight, &outcome);
}

static void udp_start(struct flight *flight)
{
	uint8_t payload[UDP_PAYLOAD_MOST];

	if (datagram_open(flight, udp_readable))
		datagram_send(flight, payload, udp_payload(flight->check, payload));
}

static void udp_stop(struct flight *flight)
{
	(void)flight;
}

static struct outcome udp_expired(const struct flight *flight)
{
	return udp_silence(flight->check);
}

const struct probe_type probe_udp = {.start = udp_start, .stop = udp_stop, .expired = udp_expired};
