/* A connection and nothing else; see dial_io.c for how it is closed. */
#include "check/probe_tcp.h"

#include "check/dial_io.h"
#include "check/flight_io.h"
#include "check/outcome.h"

static void tcp_connected(struct flight *flight)
{
	const struct outcome passed = {.reason = REASON_PASSED, .step = STEP_CONNECT};

	flight_end(flight, &passed);
}

static void tcp_start(struct flight *flight)
{
	dial_start(flight, tcp_connected);
}

static void tcp_stop(struct flight *flight)
{
	(void)flight;
}

const struct probe_type probe_tcp = {.start = tcp_start, .stop = tcp_stop};
