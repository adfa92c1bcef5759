/* A message is read twice: header and question say whether it is ours and how it went; the answers are
 * looked at only when addresses are expected. From the name in question aliases (CNAME) are followed within
 * the answer, as far as there are any, in whatever order they stand; more than HOPS_MOST make a loop. */
#include "check/dns.h"

#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "check/talk.h"
#include "config/model.h"

#define LABEL_MOST 63
#define HOPS_MOST 16

enum {
	TYPE_CNAME = 5,
	CLASS_IN = 1,
	IS_RESPONSE = 0x8000,
	OPCODE = 0x7800,
	TRUNCATED = 0x0200,
	RECURSION_DESIRED = 0x0100,
	RCODE = 0x000f,
};

/* ---- names ---------------------------------------------------------------------------------- */

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static bool add_label(struct dns_name *name, const uint8_t *bytes, size_t size)
{
	if (size > LABEL_MOST || name->size + 1 + size > DNS_NAME_MOST)
		return false;
	name->bytes[name->size++] = (uint8_t)size;
	for (size_t i = 0; i < size; i++)
		name->bytes[name->size++] = lower(bytes[i]);
	return true;
}

bool dns_name_of(const char *text, struct dns_name *out)
{
	struct dns_name name = {.size = 0};

	if (!strcmp(text, "."))
		text++;
	else if (!*text)
		return false;
	while (*text) {
		size_t size = strcspn(text, ".");

		if (!size || !add_label(&name, (const uint8_t *)text, size))
			return false;
		text += size;
		text += *text == '.';
	}
	if (!add_label(&name, NULL, 0))
		return false;
	*out = name;
	return true;
}

static bool same_name(const struct dns_name *a, const struct dns_name *b)
{
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

/* Labels up to the first pointer are read from `in`, what it points to from a reader of its own. */
bool dns_name_get(const uint8_t *message, struct reader *in, struct dns_name *out)
{
	struct reader from = *in, *at = in;
	size_t before = (size_t)(in->at - message); /* a pointer must point to before this */

	out->size = 0;
	for (;;) {
		const uint8_t length = get_u8(at);

		if (at->failed)
			return false;
		if (length <= LABEL_MOST) {
			const uint8_t *label = get_bytes(at, length);

			if (!label || !add_label(out, label, length))
				return false;
			if (!length)
				return true;
			continue;
		}
		if (length < 0xc0) /* reserved, or labels of an experiment (RFC 6891 section 5) */
			return false;
		const size_t target = (size_t)(length & 0x3f) << 8 | get_u8(at);

		if (at->failed || target >= before)
			return false;
		before = target;
		from = (struct reader){.at = message + target, .end = in->end};
		at = &from;
	}
}

/* ---- the question --------------------------------------------------------------------------- */

void dns_query_put(struct writer *out, const struct check *check, uint16_t id)
{
	struct dns_name name;

	if (!dns_name_of(check->dns.name, &name)) {
		out->failed = true; /* lbha.conf takes no such name */
		return;
	}
	put_u16(out, id);
	put_u16(out, RECURSION_DESIRED);
	put_u16(out, 1);
	put_u16(out, 0);
	put_u32(out, 0);
	put_bytes(out, name.bytes, name.size);
	put_u16(out, check->dns.record);
	put_u16(out, CLASS_IN);
}

/* ---- header and question of a message ------------------------------------------------------- */

struct header {
	uint16_t flags, questions, answers;
};

static unsigned rcode_of(const struct header *header)
{
	return header->flags & RCODE;
}

/* A server that refuses to look at a question need not repeat it. */
static bool is_answer(const struct check *check, const uint8_t *message, struct reader *in, uint16_t id,
		      struct header *header)
{
	struct dns_name asked, name;
	bool is_ours = get_u16(in) == id;

	header->flags = get_u16(in);
	header->questions = get_u16(in);
	header->answers = get_u16(in);
	get_u32(in);
	if (in->failed || !is_ours || (header->flags & (IS_RESPONSE | OPCODE)) != IS_RESPONSE)
		return false;
	if (!header->questions)
		return rcode_of(header) != 0;
	return header->questions == 1 && dns_name_of(check->dns.name, &asked) && dns_name_get(message, in, &name) &&
	       same_name(&asked, &name) && get_u16(in) == check->dns.record && get_u16(in) == CLASS_IN &&
	       !in->failed;
}

/* ---- answers -------------------------------------------------------------------------------- */

struct record {
	struct dns_name name;
	uint16_t type, class;
	struct reader data; /* within the message */
};

static bool get_record(const uint8_t *message, struct reader *in, struct record *out)
{
	size_t size;

	if (!dns_name_get(message, in, &out->name))
		return false;
	out->type = get_u16(in);
	out->class = get_u16(in);
	get_u32(in);
	size = get_u16(in);
	out->data = get_part(in, size);
	return !in->failed;
}

/* What was found under one name. */
struct found {
	uint64_t wanted; /* a bit for each expected address that was among them */
	unsigned count;
	struct text words; /* the addresses */
	bool has_alias;
	struct dns_name alias;
};

static void note_address(const struct check *check, struct record *record, struct found *found)
{
	const uint8_t family = check->dns.record == DNS_RECORD_A ? AF_INET : AF_INET6;
	const uint8_t *bytes = get_bytes(&record->data, addr_size(family));
	struct addr address;
	char text[ADDR_TEXT];

	if (!bytes || !reader_done(&record->data))
		return;
	address = addr_from_bytes(family, bytes);
	text_add(&found->words, "%s%s", found->count ? ", " : "", addr_format(&address, text));
	found->count++;
	for (size_t i = 0; i < check->dns.expect.address_count; i++)
		if (addr_equal(&address, &check->dns.expect.addresses[i]))
			found->wanted |= 1ull << i;
}

/* One pass over the answers; false when they cannot be read, which those of a truncated message may. */
static bool find_under(const struct check *check, const uint8_t *message, struct reader in,
		       const struct header *header, const struct dns_name *name, struct found *found)
{
	struct record record;

	for (unsigned i = 0; i < header->answers; i++) {
		if (!get_record(message, &in, &record))
			return header->flags & TRUNCATED;
		if (record.class != CLASS_IN || !same_name(&record.name, name))
			continue;
		if (record.type == check->dns.record)
			note_address(check, &record, found);
		if (record.type == TYPE_CNAME && !dns_name_get(message, &record.data, &found->alias))
			return false;
		found->has_alias |= record.type == TYPE_CNAME;
	}
	return true;
}

/* Follows aliases to where addresses are; what was found there. False: malformed, or a loop. */
static bool find_addresses(const struct check *check, const uint8_t *message, const struct reader *in,
			   const struct header *header, struct found *found)
{
	struct dns_name name;

	dns_name_of(check->dns.name, &name);
	for (int hops = 0; header->questions && hops < HOPS_MOST; hops++) {
		found->has_alias = false;
		if (!find_under(check, message, *in, header, &name, found))
			return false;
		if (found->count || !found->has_alias)
			return true;
		name = found->alias;
	}
	return !header->questions;
}

static void say_missing(const struct check *check, const struct header *header, const struct found *found,
			char said[OUTCOME_SAID])
{
	struct text words = text_of(said, OUTCOME_SAID);
	char text[ADDR_TEXT];
	size_t missing = 0;

	while (found->wanted >> missing & 1)
		missing++;
	text_add(&words, "%s is not in the answer%s%s%s",
		 addr_format(&check->dns.expect.addresses[missing], text), found->count ? " " : "",
		 found->words.start, header->flags & TRUNCATED ? " (truncated: ask by tcp)" : "");
}

static void judge_addresses(const struct check *check, const uint8_t *message, const struct reader *in,
			    const struct header *header, char said[OUTCOME_SAID], struct outcome *out)
{
	const uint64_t all = UINT64_MAX >> (64 - check->dns.expect.address_count);
	struct text words = text_of(said, OUTCOME_SAID);
	char addresses[80];
	struct found found = {.words = text_of(addresses, sizeof(addresses))};

	if (!find_addresses(check, message, in, header, &found)) {
		out->reason = REASON_PROTOCOL;
		out->fault = "malformed answer";
	} else if ((found.wanted & all) != all) {
		out->reason = REASON_MISMATCH;
		say_missing(check, header, &found, said);
	} else {
		text_add(&words, "%s", found.words.start);
	}
}

/* ---- the judgement -------------------------------------------------------------------------- */

static void add_rcode(struct text *text, unsigned rcode)
{
	static const char *const names[] = {"noerror",	"formerr",  "servfail", "nxdomain", "notimp", "refused",
					    "yxdomain", "yxrrset", "nxrrset",  "notauth",  "notzone"};

	if (rcode < COUNT_OF(names))
		text_add(text, "%s", names[rcode]);
	else
		text_add(text, "rcode %u", rcode);
}

static void say_rcode(const struct check *check, const struct header *header, bool passed,
		      char said[OUTCOME_SAID])
{
	struct text words = text_of(said, OUTCOME_SAID);
	const char *between = ", wanted ";

	add_rcode(&words, rcode_of(header));
	if (passed) {
		text_add(&words, ", %u answer%s", header->answers, header->answers == 1 ? "" : "s");
		if (header->flags & TRUNCATED)
			text_add(&words, " (truncated)");
		return;
	}
	for (unsigned rcode = 0; rcode <= RCODE; rcode++) {
		if (!(check->dns.expect.rcodes >> rcode & 1))
			continue;
		text_add(&words, "%s", between);
		add_rcode(&words, rcode);
		between = " or ";
	}
}

bool dns_judge(const struct check *check, uint16_t id, const uint8_t *bytes, size_t size,
	       char said[OUTCOME_SAID], struct outcome *out)
{
	struct reader in = reader_of(bytes, size);
	struct header header;
	bool is_wanted;

	if (!is_answer(check, bytes, &in, id, &header))
		return false;
	is_wanted = check->dns.expect.rcodes >> rcode_of(&header) & 1;
	*out = (struct outcome){.reason = is_wanted ? REASON_PASSED : REASON_STATUS,
				.step = STEP_REPLY,
				.received = (uint32_t)size,
				.fault = said};
	say_rcode(check, &header, is_wanted, said);
	if (is_wanted && check->dns.expect.address_count)
		judge_addresses(check, bytes, &in, &header, said, out);
	return true;
}

/* ---- over TCP ------------------------------------------------------------------------------- */

/* A connection has one question: nobody else can answer on it, and no id has to be guessed. */
#define TCP_ID 0x6c62

static enum talk_next ask(struct talk *talk)
{
	uint8_t *length = put_space(&talk->out, 2);
	struct writer size;

	talk->step = 1;
	if (!length)
		return TALK_MORE;
	dns_query_put(&talk->out, talk->check, TCP_ID);
	size = writer_of(length, 2);
	put_u16(&size, (uint16_t)(writer_used(&talk->out) - 2));
	return TALK_AGAIN;
}

/* What there is room for of an answer that is larger: its code stands at the beginning, addresses may be
 * behind the cut. */
static enum talk_next judge_beginning(struct talk *talk)
{
	struct outcome outcome;

	if (!dns_judge(talk->check, TCP_ID, talk->bytes + 2, talk->size - 2, talk->said, &outcome) ||
	    outcome.reason == REASON_PROTOCOL || outcome.reason == REASON_MISMATCH)
		return talk_fail(talk, REASON_TOO_LARGE, "answer larger than 16KiB");
	return outcome.reason == REASON_PASSED ? talk_pass(talk, outcome.fault)
					       : talk_fail(talk, outcome.reason, outcome.fault);
}

static enum talk_next dns_step(struct talk *talk)
{
	struct outcome outcome;
	size_t size;

	if (!talk->step)
		return ask(talk);
	if (talk->size < 2)
		return TALK_MORE;
	size = (size_t)talk->bytes[0] << 8 | talk->bytes[1];
	if (talk->size - 2 < size)
		return talk->full ? judge_beginning(talk) : TALK_MORE;
	if (!dns_judge(talk->check, TCP_ID, talk->bytes + 2, size, talk->said, &outcome)) {
		talk_take(talk, 2 + size);
		return TALK_AGAIN;
	}
	if (outcome.reason == REASON_PASSED)
		return talk_pass(talk, outcome.fault);
	return talk_fail(talk, outcome.reason, outcome.fault);
}

const struct dialogue dns_dialogue = {.step = dns_step};
