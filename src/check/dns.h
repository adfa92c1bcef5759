/* DNS as a probe needs it (RFC 1035): one question, and what a message means as its answer. All that comes
 * in is foreign: names may be compressed, and a pointer must point to before the name that it stands in, so
 * that following them ends. A message that is no answer to our question (another id, another question, no
 * answer at all) is nobody's failure: whoever asks goes on waiting.
 *
 * No EDNS, so an answer over UDP has 512 bytes at most; one that was truncated is judged by what is there. */
#ifndef LBHA_CHECK_DNS_H
#define LBHA_CHECK_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "check/outcome.h"

struct check;
struct dialogue;

#define DNS_NAME_MOST 255 /* RFC 1035 section 2.3.4: on the wire, with lengths and the root */
#define DNS_QUERY_MOST (12 + DNS_NAME_MOST + 4)

/* A name as on the wire, in lower case, without pointers: two that are equal are equal bytes. */
struct dns_name {
	uint8_t bytes[DNS_NAME_MOST];
	uint8_t size;
};

/* The name at the reader, which goes on behind it; `message` is where pointers count from. False: it is none. */
bool dns_name_get(const uint8_t *message, struct reader *in, struct dns_name *out);

/* From text ("www.example.org", with or without a last dot; "." is the root); false: it is none. */
bool dns_name_of(const char *text, struct dns_name *out);

/* The question of a check (dns.name, dns.record), with recursion desired, since resolvers need it. */
void dns_query_put(struct writer *out, const struct check *check, uint16_t id);

/* Whether a message is the answer to that question, and then what comes of it; `said` is for words. */
bool dns_judge(const struct check *check, uint16_t id, const uint8_t *bytes, size_t size,
	       char said[OUTCOME_SAID], struct outcome *out);

/* The same over TCP, where each message has its length before it (section 4.2.2). */
extern const struct dialogue dns_dialogue;

#endif
