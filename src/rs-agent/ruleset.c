/* See the header. The text is nft's own, one thing per line; what is longer than a line of ours is
 * cut, so the words that matter are looked for in its beginning. */
#include "rs-agent/ruleset.h"

#include <ctype.h>
#include <string.h>

struct ruleset ruleset_of(const char *text)
{
	return (struct ruleset){.at = text};
}

static bool next_line(struct ruleset *walk)
{
	const char *start = walk->at, *end = start + strcspn(start, "\n");
	size_t length;

	if (!*start)
		return false;
	walk->at = *end ? end + 1 : end;
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	length = (size_t)(end - start);
	if (length >= RULESET_LINE)
		length = RULESET_LINE - 1;
	memcpy(walk->line, start, length);
	walk->line[length] = '\0';
	return true;
}

static const char *take_word(const char *from, char *out, size_t room)
{
	size_t length = strcspn(from, " {"), kept = length < room ? length : room - 1;

	memcpy(out, from, kept);
	out[kept] = '\0';
	from += length;
	return from + strspn(from, " ");
}

static enum ruleset_hook hook_of(const char *line)
{
	if (strstr(line, " hook input "))
		return RULESET_INPUT;
	if (strstr(line, " hook output "))
		return RULESET_OUTPUT;
	return strstr(line, " hook prerouting ") ? RULESET_PREROUTING : RULESET_ASIDE;
}

/* A new table or chain begins. */
static bool open_block(struct ruleset_chain *chain, const char *line)
{
	if (!strncmp(line, "table ", 6)) {
		*chain = (struct ruleset_chain){0};
		take_word(take_word(line + 6, chain->family, sizeof(chain->family)), chain->table,
			  sizeof(chain->table));
		return true;
	}
	if (!strncmp(line, "chain ", 6)) {
		take_word(line + 6, chain->name, sizeof(chain->name));
		return true;
	}
	return false;
}

enum ruleset_part ruleset_next(struct ruleset *walk)
{
	struct ruleset_chain *chain = &walk->chain;

	if (walk->closed) {
		chain->name[0] = '\0';
		chain->hook = RULESET_NO_HOOK;
		chain->drops = walk->closed = false;
	}
	if (!next_line(walk))
		return RULESET_END;
	if (!strcmp(walk->line, "}")) {
		walk->closed = true;
		return RULESET_CLOSE;
	}
	if (open_block(chain, walk->line))
		return RULESET_OTHER;
	if (!strncmp(walk->line, "type ", 5) && strstr(walk->line, " hook ")) {
		chain->hook = hook_of(walk->line);
		chain->drops = strstr(walk->line, "policy drop") != NULL;
		return RULESET_OTHER;
	}
	return chain->name[0] && *walk->line && *walk->line != '#' ? RULESET_RULE : RULESET_OTHER;
}

static bool is_part(char c)
{
	return c == '.' || c == ':' || c == '-' || c == '_' || isalnum((unsigned char)c);
}

bool ruleset_has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(line, word); at; at = strstr(at + 1, word))
		if ((at == line || !is_part(at[-1])) && !is_part(at[length]))
			return true;
	return false;
}

/* ---- ARP ---- */

/* A rule of that hook about that side of a packet, which names the address, or a set after the table
 * had a line with the address. */
static bool arp_rule(const char *text, const char *address, enum ruleset_hook hook,
		     const char *side, const char *verdict)
{
	struct ruleset walk = ruleset_of(text);
	bool in_set = false;
	enum ruleset_part part;

	while ((part = ruleset_next(&walk)) != RULESET_END) {
		bool named = ruleset_has_word(walk.line, address);

		if (!strncmp(walk.line, "table ", 6))
			in_set = false;
		if (strcmp(walk.chain.family, "arp"))
			continue;
		in_set |= part == RULESET_OTHER && named;
		if (part == RULESET_RULE && walk.chain.hook == hook && strstr(walk.line, side) &&
		    strstr(walk.line, verdict) && (named || (in_set && strchr(walk.line, '@'))))
			return true;
	}
	return false;
}

bool ruleset_drops_arp_for(const char *text, const char *address)
{
	return arp_rule(text, address, RULESET_INPUT, "daddr ip", "drop");
}

/* Whatever is done with it: dropped, changed, sent to a chain that does. */
bool ruleset_hides_arp_sender(const char *text, const char *address)
{
	return arp_rule(text, address, RULESET_OUTPUT, "saddr ip", "");
}
