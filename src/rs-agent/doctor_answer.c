/* Who answered for a VIP (or for the gateway of nat) on a segment. One director should, and nobody
 * else: with two answers the neighbours believe now one and now the other. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "rs-agent/doctor.h"

#define WHO 512
#define MACS 8 /* of one answer's senders; more are a flood */

/* The distinct MAC addresses that answered one question. */
struct claim {
	const struct ask_question *question;
	uint8_t macs[MACS][LINK_MAC];
	size_t count;
	char target[ADDR_TEXT];
	const char *link;
};

static bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, LINK_MAC);
}

static bool claim_has(const struct claim *claim, const uint8_t *mac)
{
	for (size_t i = 0; i < claim->count; i++)
		if (mac_equal(claim->macs[i], mac))
			return true;
	return false;
}

static struct claim claim_of(const struct doctor_sight *sight,
			     const struct ask_question *question)
{
	struct claim claim = {.question = question,
			      .link = doctor_link_name(sight, question->link)};

	addr_format(&question->target, claim.target);
	for (size_t i = 0; i < sight->answer_count; i++) {
		const struct ask_answer *answer = &sight->answers[i];

		if (answer->link == question->link && claim.count < MACS &&
		    addr_equal(&answer->address, &question->target) &&
		    !claim_has(&claim, answer->mac))
			memcpy(claim.macs[claim.count++], answer->mac, LINK_MAC);
	}
	return claim;
}

/* ---- who that is ---- */

/* 00:00:5e:00:01 (IPv4) or :02 (IPv6) and the virtual router's number (RFC 9568 section 7.3). */
static bool is_virtual_router(const uint8_t *mac)
{
	static const uint8_t start[] = {0x00, 0x00, 0x5e, 0x00};

	return !memcmp(mac, start, sizeof(start)) && (mac[4] == 1 || mac[4] == 2);
}

static const struct link *own_link(const struct doctor_sight *sight, const uint8_t *mac)
{
	for (size_t i = 0; i < sight->link_count; i++)
		if (doctor_link_asks(&sight->links[i]) && mac_equal(sight->links[i].mac, mac))
			return &sight->links[i];
	return NULL;
}

static const struct doctor_director *director_behind(const struct doctor *doctor, uint32_t link,
						     const uint8_t *mac)
{
	const struct doctor_sight *sight = doctor->sight;

	for (size_t i = 0; i < sight->answer_count; i++) {
		const struct ask_answer *answer = &sight->answers[i];
		const struct doctor_director *director =
			doctor_director(doctor->wanted, &answer->address);

		if (director && answer->link == link && mac_equal(answer->mac, mac))
			return director;
	}
	return NULL;
}

/* Another address behind the MAC address, as the kernel's neighbour table has it. */
static const struct addr *neighbour_behind(const struct doctor *doctor, uint32_t link,
					   const uint8_t *mac)
{
	const struct doctor_sight *sight = doctor->sight;

	for (size_t i = 0; i < sight->neighbour_count; i++) {
		const struct ask_answer *one = &sight->neighbours[i];

		if (one->link == link && mac_equal(one->mac, mac) &&
		    !addr_is_link_local(&one->address) &&
		    !doctor_is_vip(doctor->wanted, &one->address))
			return &one->address;
	}
	return NULL;
}

static void add_who(const struct doctor *doctor, const struct claim *claim, const uint8_t *mac,
		    struct text *out)
{
	uint32_t link = claim->question->link;
	const struct doctor_director *director = director_behind(doctor, link, mac);
	const struct link *own = own_link(doctor->sight, mac);
	const struct addr *neighbour = neighbour_behind(doctor, link, mac);
	char address[ADDR_TEXT];

	if (own)
		text_add(out, "this host itself on %s", own->name);
	else if (director)
		text_add(out, "director %s", director->name);
	else if (is_virtual_router(mac))
		text_add(out, "virtual router %d", mac[5]);
	else if (neighbour)
		text_add(out, "%s", addr_format(neighbour, address));
	else
		text_add(out, "a host");
	text_add(out, " (%02x:%02x:%02x:%02x:%02x:%02x)", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

/* ---- judgement ---- */

/* All directors can be asked on that segment and one of them answered, so whoever has another MAC
 * address is none. */
static bool directors_are_known(const struct doctor *doctor, uint32_t link)
{
	const struct doctor_sight *sight = doctor->sight;
	size_t asked = 0, answered = 0;

	for (size_t i = 0; i < sight->question_count; i++)
		asked += sight->questions[i].link == link &&
			 doctor_director(doctor->wanted, &sight->questions[i].target);
	for (size_t i = 0; i < sight->answer_count; i++)
		answered += sight->answers[i].link == link &&
			    doctor_director(doctor->wanted, &sight->answers[i].address);
	return asked == doctor->wanted->director_count && answered;
}

static const char *silence_it(struct doctor *doctor, const struct claim *claim, const uint8_t *mac)
{
	const struct addr *neighbour = neighbour_behind(doctor, claim->question->link, mac);
	char address[ADDR_TEXT];

	return doctor_text(doctor, "lbha-rs setup    # on %s",
			   neighbour ? addr_format(neighbour, address) : "that host");
}

static void judge_one(struct doctor *doctor, const struct claim *claim)
{
	uint32_t link = claim->question->link;
	const uint8_t *mac = claim->macs[0];
	char who[WHO] = "";
	struct text text = text_of(who, sizeof(who));
	bool own = own_link(doctor->sight, mac), friend = is_virtual_router(mac) ||
							  director_behind(doctor, link, mac);

	add_who(doctor, claim, mac, &text);
	if (own)
		doctor_say(doctor, DOCTOR_PROBLEM, "arp", doctor->wanted->setup,
			   "%s answers for %s on %s, as only the director may", who, claim->target,
			   claim->link);
	else if (!friend && directors_are_known(doctor, link))
		doctor_say(doctor, DOCTOR_PROBLEM, "arp", silence_it(doctor, claim, mac),
			   "%s answers for %s on %s and is no director", who, claim->target,
			   claim->link);
	else
		doctor_say(doctor, DOCTOR_OK, "arp", NULL, "%s answers for %s on %s", who,
			   claim->target, claim->link);
}

static void judge_several(struct doctor *doctor, const struct claim *claim)
{
	const uint8_t *stranger = NULL;
	char who[WHO] = "";
	struct text text = text_of(who, sizeof(who));
	bool own = false;

	for (size_t i = 0; i < claim->count; i++) {
		const uint8_t *mac = claim->macs[i];

		text_add(&text, "%s", !i ? "" : i + 1 < claim->count ? ", " : " and ");
		add_who(doctor, claim, mac, &text);
		own |= own_link(doctor->sight, mac) != NULL;
		if (!is_virtual_router(mac) &&
		    !director_behind(doctor, claim->question->link, mac))
			stranger = mac;
	}
	doctor_say(doctor, DOCTOR_PROBLEM, "arp",
		   own        ? doctor->wanted->setup
		   : stranger ? silence_it(doctor, claim, stranger)
			      : "lbhactl vrrp    # on each director: only one may be MASTER",
		   "%s all answer for %s on %s: neighbours go now to one and now to the other", who,
		   claim->target, claim->link);
}

static void judge_claim(struct doctor *doctor, const struct claim *claim)
{
	if (claim->count > 1)
		judge_several(doctor, claim);
	else if (claim->count)
		judge_one(doctor, claim);
	else if (claim->question->native &&
		 !doctor_has_address(doctor->sight, claim->question->link,
				     &claim->question->target)) /* else it would be us */
		doctor_say(doctor, DOCTOR_WARNING, "arp", "lbhactl vrrp    # on each director",
			   "nobody answers for %s on %s: no director is MASTER for it there",
			   claim->target, claim->link);
}

static bool is_served_vip(const struct doctor_case *wanted, const struct addr *address)
{
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (doctor_needs_vip(&wanted->vips[i]) &&
		    addr_equal(&wanted->vips[i].address, address))
			return true;
	return false;
}

void doctor_answers(struct doctor *doctor)
{
	const struct doctor_sight *sight = doctor->sight;

	if (sight->asking_error) {
		doctor_say(doctor, DOCTOR_WARNING, "arp", NULL,
			   "who answers for the VIPs cannot be asked: %s",
			   strerror(-sight->asking_error));
		return;
	}
	for (size_t i = 0; i < sight->question_count; i++)
		if (is_served_vip(doctor->wanted, &sight->questions[i].target)) {
			struct claim claim = claim_of(sight, &sight->questions[i]);

			judge_claim(doctor, &claim);
		}
}
