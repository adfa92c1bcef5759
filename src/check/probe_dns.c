/* Each probe has a new port and a random id; both questions are the same bytes, so that either answer is
 * taken, whichever comes. */
#include "check/probe_dns.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "check/datagram_io.h"
#include "check/dns.h"
#include "check/dns_words.h"
#include "check/flight_io.h"
#include "config/model.h"
#include "core/loop.h"

#define DATAGRAMS_PER_TURN 16

struct asking {
	struct flight *flight;
	struct loop_timer again;
	uint16_t id;
};

static size_t query_of(const struct asking *asking, uint8_t out[DNS_QUERY_MOST])
{
	struct writer query = writer_of(out, DNS_QUERY_MOST);

	dns_query_put(&query, asking->flight->check, asking->id);
	return writer_used(&query);
}

static void tell_message(const struct flight *flight, const char *what, const uint8_t *bytes, size_t size)
{
	char words[400];

	if (flight->look)
		flight_did(flight, "DNS %s: %s", what, dns_words(bytes, size, words, sizeof(words)));
}

static void dns_readable(void *ctx)
{
	struct flight *flight = ctx;
	const struct asking *asking = flight->request;
	uint8_t bytes[DATAGRAM_MOST];
	char said[OUTCOME_SAID];
	struct outcome outcome;
	size_t size;

	for (int i = 0; i < DATAGRAMS_PER_TURN && datagram_next(flight, bytes, &size); i++) {
		tell_message(flight, "answer", bytes, size);
		if (dns_judge(flight->check, asking->id, bytes, size, said, &outcome)) {
			flight_end(flight, &outcome);
			return;
		}
	}
}

static void ask_again(void *ctx)
{
	struct asking *asking = ctx;
	uint8_t query[DNS_QUERY_MOST];

	datagram_send_again(asking->flight, query, query_of(asking, query));
}

static int asking_init(struct asking *asking, struct flight *flight)
{
	asking->flight = flight;
	if (getrandom(&asking->id, sizeof(asking->id), GRND_NONBLOCK) != sizeof(asking->id))
		asking->id = (uint16_t)(clock_now() >> 10);
	return timer_init(flight->loop, &asking->again, LOOP_NORMAL, ask_again, asking);
}

static void dns_start(struct flight *flight)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	uint8_t query[DNS_QUERY_MOST];

	flight->request = asking;
	if (!asking || asking_init(asking, flight)) {
		flight_fail(flight, STEP_SOCKET, ENOMEM);
		return;
	}
	if (!datagram_open(flight, dns_readable))
		return;
	if (flight->look)
		tell_message(flight, "question", query, query_of(asking, query));
	if (!datagram_send(flight, query, query_of(asking, query)))
		return;
	timer_at(&asking->again, flight->started + flight->check->timeout / 2);
}

static void dns_stop(struct flight *flight)
{
	struct asking *asking = flight->request;

	if (asking)
		timer_fini(&asking->again);
	flight->request = NULL;
	free(asking);
}

static struct outcome dns_expired(const struct flight *flight)
{
	(void)flight;
	return (struct outcome){.reason = REASON_REPLY_TIMEOUT, .step = STEP_REPLY};
}

const struct probe_type probe_dns = {.start = dns_start, .stop = dns_stop, .expired = dns_expired};
