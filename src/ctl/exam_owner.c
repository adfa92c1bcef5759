/* Who answers for the VIPs, asked on their segments (ARP, neighbour discovery): one machine, and the
 * one that advertises. Another answer is a machine that has the address beside the master: a real
 * server that is not silent, a forgotten configuration, a director that nobody hears. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "ctl/exam.h"

/* A source that is ours on the link and nobody's VIP; for IPv4 0.0.0.0 (RFC 5227 section 2.1.1) does,
 * which no neighbour remembers. */
static bool find_source(const struct exam_sight *sight, uint32_t link, uint8_t family,
			struct addr *out)
{
	*out = (struct addr){.family = AF_INET};
	if (family == AF_INET)
		return true;
	for (size_t i = 0; i < sight->addresses.count; i++) {
		const struct address *address = &sight->addresses.items[i];

		if (address->link == link && address->prefix.address.family == AF_INET6 &&
		    addr_is_link_local(&address->prefix.address)) {
			*out = address->prefix.address;
			return true;
		}
	}
	return false;
}

int exam_questions(struct arena *arena, const struct model *model, const struct exam_sight *sight,
		   struct ask *out)
{
	struct ask_question *questions = NULL, *room;
	size_t count = 0;

	for (size_t i = 0; i < model->instance_count; i++)
		for (size_t j = 0; j < model->instances[i].virtual_address_count; j++) {
			const struct vip *vip = &model->instances[i].virtual_addresses[j];
			const struct link *link = exam_link_of(sight, &model->instances[i], vip);
			struct addr source;

			if (!link || !link_usable(link) || !link->arp || count == ASK_QUESTIONS ||
			    !find_source(sight, link->index, vip->address.address.family, &source))
				continue;
			room = arena_push(arena, &questions, &count, sizeof(*room));
			if (!room)
				return -ENOMEM;
			*room = (struct ask_question){link->index, vip->address.address, source, true};
		}
	*out = (struct ask){sight->links, sight->link_count, questions, count, NULL, 0};
	return 0;
}

static bool is_own_mac(const struct exam_sight *sight, const uint8_t mac[LINK_MAC])
{
	for (size_t i = 0; i < sight->link_count; i++)
		if (!memcmp(sight->links[i].mac, mac, LINK_MAC))
			return true;
	return false;
}

/* RFC 9568 section 7.3. */
static bool is_virtual_mac(const struct instance *instance, const uint8_t mac[LINK_MAC])
{
	const uint8_t head[] = {0x00, 0x00, 0x5e, 0x00};

	return !memcmp(mac, head, sizeof(head)) && (mac[4] == 1 || mac[4] == 2) &&
	       mac[5] == instance->virtual_router_id;
}

static bool advertises(const struct exam_speaker *speaker, const struct instance *instance, uint32_t link)
{
	return speaker->link == link && speaker->priority &&
	       speaker->virtual_router_id == instance->virtual_router_id &&
	       speaker->source.family == instance_family(instance);
}

/* Another machine that advertises the instance; NULL: none was heard. */
static const struct exam_speaker *master_of(const struct exam_sight *sight,
					    const struct instance *instance, uint32_t link)
{
	for (size_t i = 0; i < sight->speaker_count; i++)
		if (!sight->speakers[i].ours && advertises(&sight->speakers[i], instance, link))
			return &sight->speakers[i];
	return NULL;
}

static bool is_master_here(const struct exam_sight *sight, const struct instance *instance, uint32_t link)
{
	for (size_t i = 0; i < sight->speaker_count; i++)
		if (sight->speakers[i].ours && advertises(&sight->speakers[i], instance, link))
			return true;
	return false;
}

struct owner {
	struct exam *exam;
	const struct instance *instance;
	const struct vip *vip;
	const struct link *link;
	const struct exam_speaker *master;
	bool is_here;
	char text[ADDR_TEXT];
};

static const char *take_away(struct owner *owner, const char *mac)
{
	char prefix[PREFIX_TEXT];

	return exam_text(owner->exam, "ip address del %s dev INTERFACE    # on the machine with %s",
			 prefix_format(&owner->vip->address, prefix), mac);
}

static void judge_answer(struct owner *owner, const struct ask_answer *answer)
{
	struct exam *exam = owner->exam;
	char mac[EXAM_MAC], other[EXAM_MAC], source[ADDR_TEXT], prefix[PREFIX_TEXT];
	bool is_masters = owner->master && (!memcmp(owner->master->mac, answer->mac, LINK_MAC) ||
					    is_virtual_mac(owner->instance, answer->mac));

	/* Of two masters one is in the wrong, and not this one's to say which: exam_vrrp.c tells of them. */
	if (is_own_mac(exam->sight, answer->mac) ||
	    (is_masters && is_master_here(exam->sight, owner->instance, owner->link->index)))
		return;
	exam_mac(answer->mac, mac);
	if (owner->is_here && is_masters)
		exam_say(exam, FINDING_PROBLEM, "owner",
			 exam_text(exam, "ip address del %s dev %s",
				   prefix_format(&owner->vip->address, prefix), owner->link->name),
			 "this director has %s on %s, but %s (%s) advertises instance %s", owner->text,
			 owner->link->name, addr_format(&owner->master->source, source), mac,
			 owner->instance->name);
	else if (owner->is_here)
		exam_say(exam, FINDING_PROBLEM, "owner", take_away(owner, mac),
			 "%s answers for %s on %s, which this director has: clients reach either of them",
			 mac, owner->text, owner->link->name);
	else if (is_masters)
		exam_say(exam, FINDING_OK, "owner", NULL, "%s (%s), which advertises instance %s, answers "
			 "for %s", addr_format(&owner->master->source, source), mac,
			 owner->instance->name, owner->text);
	else if (owner->master)
		exam_say(exam, FINDING_PROBLEM, "owner", take_away(owner, mac),
			 "%s answers for %s on %s, but %s (%s) advertises instance %s", mac, owner->text,
			 owner->link->name, addr_format(&owner->master->source, source),
			 exam_mac(owner->master->mac, other), owner->instance->name);
	else
		exam_say(exam, exam->sight->listened ? FINDING_PROBLEM : FINDING_WARNING, "owner",
			 take_away(owner, mac),
			 "%s answers for %s on %s, and %s", mac, owner->text, owner->link->name,
			 exam->sight->listened ? "nobody advertises it"
					       : "whether it advertises it was not heard");
}

static void judge_vip(struct exam *exam, const struct instance *instance, const struct vip *vip)
{
	const struct exam_sight *sight = exam->sight;
	struct owner owner = {.exam = exam, .instance = instance, .vip = vip,
			      .link = exam_link_of(sight, instance, vip)};

	if (!owner.link)
		return;
	owner.master = master_of(sight, instance, owner.link->index);
	addr_format(&vip->address.address, owner.text);
	for (size_t i = 0; i < sight->addresses.count; i++) {
		const struct link *link = exam_link(sight, sight->addresses.items[i].link);

		owner.is_here |= link && !link->loopback &&
				 addr_equal(&sight->addresses.items[i].prefix.address, &vip->address.address);
	}
	for (size_t i = 0; i < sight->ask.answer_count; i++)
		if (sight->ask.answers[i].link == owner.link->index &&
		    addr_equal(&sight->ask.answers[i].address, &vip->address.address))
			judge_answer(&owner, &sight->ask.answers[i]);
}

void exam_owners(struct exam *exam)
{
	const struct exam_sight *sight = exam->sight;

	if (sight->ask_error && sight->is_root)
		exam_say(exam, FINDING_UNKNOWN, "owner", NULL,
			 "who answers for the VIPs could not be asked: %s", strerror(-sight->ask_error));
	for (size_t i = 0; i < exam->model->instance_count && !sight->ask_error; i++)
		for (size_t j = 0; j < exam->model->instances[i].virtual_address_count; j++)
			judge_vip(exam, &exam->model->instances[i],
				  &exam->model->instances[i].virtual_addresses[j]);
}
