/* The text of `nft list ruleset`, walked line by line. Pure. */
#ifndef LBHA_RS_AGENT_RULESET_H
#define LBHA_RS_AGENT_RULESET_H

#include <stdbool.h>

#define RULESET_LINE 512 /* of a line is looked at */
#define RULESET_NAME 128

enum ruleset_hook {
	RULESET_NO_HOOK, /* no base chain: others jump there */
	RULESET_INPUT,
	RULESET_OUTPUT,
	RULESET_PREROUTING,
	RULESET_ASIDE, /* another, which what is for this host does not pass */
};

struct ruleset_chain {
	char family[16], table[RULESET_NAME], name[RULESET_NAME];
	enum ruleset_hook hook;
	bool drops; /* by its policy, what reaches its end */
};

enum ruleset_part {
	RULESET_END,
	RULESET_RULE,
	RULESET_CLOSE, /* of a chain, or of a table (then the chain has no name) */
	RULESET_OTHER, /* a line of a set, a head, a comment */
};

struct ruleset {
	const char *at;
	struct ruleset_chain chain; /* where the line stands */
	char line[RULESET_LINE];    /* without what surrounds it */
	bool closed;
};

struct ruleset ruleset_of(const char *text);
enum ruleset_part ruleset_next(struct ruleset *walk);

/* Whether a word stands in a line, with nothing around it that could belong to it. */
bool ruleset_has_word(const char *line, const char *word);

/* Whether a table of family arp keeps this host silent about an IPv4 address: requests for it are
 * dropped; and nothing goes out under it unchanged. */
bool ruleset_drops_arp_for(const char *text, const char *address);
bool ruleset_hides_arp_sender(const char *text, const char *address);

#endif
