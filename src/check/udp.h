/* What comes of a datagram that was sent: type udp as a decision. */
#ifndef LBHA_CHECK_UDP_H
#define LBHA_CHECK_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "check/outcome.h"

struct check;

#define UDP_PAYLOAD_MOST 4096 /* the most that the key takes */

/* The bytes to send into `out`; how many. Without any: an empty datagram. */
size_t udp_payload(const struct check *check, uint8_t out[UDP_PAYLOAD_MOST]);

/* What the first datagram that came back means; `said` is for words. */
struct outcome udp_reply(const struct check *check, const uint8_t *bytes, size_t size,
			 char said[OUTCOME_SAID]);

/* What it means that neither a reply nor a complaint came. */
struct outcome udp_silence(const struct check *check);

#endif
