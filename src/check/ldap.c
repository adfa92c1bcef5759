/* BER as LDAP uses it (RFC 4511 section 5.1): one-byte tags, definite lengths. Active Directory writes
 * short lengths in the long form. */
#include "check/ldap.h"

#include "check/talk.h"

#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_ENUMERATED 0x0a
#define TAG_SEQUENCE 0x30
#define TAG_BIND_RESPONSE 0x61
#define TAG_NOTICE 0x78 /* an ExtendedResponse that nobody asked for: of disconnection */

/* The beginning of an element: how long its head is (0: not complete) and its body. False when that is
 * not to be had from anybody. */
static bool ber_head(const uint8_t *bytes, size_t size, size_t *head, size_t *body)
{
	size_t count;

	*head = *body = 0;
	if (size < 2)
		return true;
	count = bytes[1] & 0x80 ? bytes[1] & 0x7f : 0;
	if (bytes[1] == 0x80 || count > 4)
		return false;
	if (size < 2 + count)
		return true;
	*body = count ? 0 : bytes[1];
	for (size_t i = 0; i < count; i++)
		*body = *body << 8 | bytes[2 + i];
	*head = 2 + count;
	return *body <= TALK_IN - *head;
}

/* The body of the next element, which must be of that kind; failed otherwise. */
static struct reader ber_get(struct reader *in, uint8_t tag)
{
	size_t head = 0, body = 0, left = reader_left(in);

	if (in->failed || !left || in->at[0] != tag || !ber_head(in->at, left, &head, &body) || !head)
		in->failed = true;
	get_bytes(in, head);
	return get_part(in, body);
}

/* Whether a server that answers so could serve those who say who they are. */
static const char *wants_a_name(unsigned code)
{
	switch (code) {
	case 8:
		return "answers, and wants stronger authentication";
	case 13:
		return "answers, and wants TLS";
	case 48:
		return "answers, and lets nobody in without a name";
	default:
		return NULL;
	}
}

static const char *code_name(unsigned code)
{
	switch (code) {
	case 1:
		return "operations error";
	case 2:
		return "protocol error";
	case 51:
		return "busy";
	case 52:
		return "unavailable";
	case 53:
		return "unwilling to perform";
	default:
		return "refused";
	}
}

static enum talk_next leave(struct talk *talk, const char *words)
{
	static const uint8_t unbind[] = {0x30, 0x05, 0x02, 0x01, 0x02, 0x42, 0x00};

	put_bytes(&talk->out, unbind, sizeof(unbind));
	return talk_pass(talk, words);
}

/* An LDAPMessage: its number, and the answer. */
static enum talk_next judge(struct talk *talk, struct reader message)
{
	struct reader number = ber_get(&message, TAG_INTEGER), answer, code, name, words;
	uint8_t tag = reader_left(&message) ? message.at[0] : 0;
	char quote[TALK_QUOTE];
	unsigned result;

	answer = ber_get(&message, tag == TAG_NOTICE ? TAG_NOTICE : TAG_BIND_RESPONSE);
	code = ber_get(&answer, TAG_ENUMERATED);
	result = get_u8(&code);
	name = ber_get(&answer, TAG_OCTETS);
	words = ber_get(&answer, TAG_OCTETS);
	if (number.failed || message.failed || answer.failed || !reader_done(&code) || name.failed ||
	    words.failed)
		return talk_fail(talk, REASON_PROTOCOL, "reply is not LDAP");
	if (tag == TAG_BIND_RESPONSE && !result)
		return leave(talk, "bound");
	if (tag == TAG_BIND_RESPONSE && wants_a_name(result))
		return leave(talk, wants_a_name(result));
	talk_quote(words.at, reader_left(&words), quote);
	return talk_fail_saying(talk, REASON_SAYS_DOWN, "%s (result code %u)%s%s", code_name(result),
				result, *quote ? ": " : "", quote);
}

static enum talk_next ldap_step(struct talk *talk)
{
	static const uint8_t bind[] = {0x30, 0x0c, 0x02, 0x01, 0x01, 0x60, 0x07,
				       0x02, 0x01, 0x03, 0x04, 0x00, 0x80, 0x00};
	size_t head, body;

	if (!talk->step) {
		talk->step = 1;
		talk->awaits = "bind response";
		put_bytes(&talk->out, bind, sizeof(bind));
	}
	if ((talk->size && talk->bytes[0] != TAG_SEQUENCE) ||
	    !ber_head(talk->bytes, talk->size, &head, &body))
		return talk_fail(talk, REASON_PROTOCOL, "reply is not LDAP");
	if (!head || talk->size < head + body)
		return TALK_MORE;
	return judge(talk, reader_of(talk->bytes + head, body));
}

const struct dialogue ldap_dialogue = {.step = ldap_step};
