/* Who has an address, asked on a segment (ARP, neighbour discovery): questions and answers as
 * values. Asking is ask_io.h's. */
#ifndef LBHA_NET_ASK_H
#define LBHA_NET_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "net/link.h"

#define ASK_QUESTIONS 256 /* at most, in one go */

struct ask_question {
	uint32_t link;
	struct addr target, source; /* source: ours on that link, never a virtual address; or 0.0.0.0 */
	bool native;                /* a network of ours on that link has the target in it */
};

struct ask_answer {
	uint32_t link;
	struct addr address;
	uint8_t mac[LINK_MAC];
};

/* What is asked where, and what came back: one entry for each address and MAC address. */
struct ask {
	const struct link *links;
	size_t link_count;
	const struct ask_question *questions;
	size_t question_count;
	struct ask_answer *answers;
	size_t answer_count;
};

#endif
