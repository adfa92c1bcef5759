/* Who else speaks for our virtual routers, told from the adverts on the wire. A packet socket sees
 * them in front of every rule of a firewall. That a peer advertises is as it should be; that it does
 * so for other addresses, in another version or interval, or beside us as a second master is not. */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "base/duration.h"
#include "ctl/exam.h"

struct hearing {
	struct exam *exam;
	const struct instance *instance;
	const struct exam_speaker *speaker;
	char source[ADDR_TEXT], mac[EXAM_MAC];
};

static size_t advertised(const struct instance *instance)
{
	size_t count = 0;

	for (size_t i = 0; i < instance->virtual_address_count; i++)
		count += instance->virtual_addresses[i].advertise;
	return count;
}

/* A number that nobody uses on that link, as far as was heard. */
static unsigned free_number(const struct exam *exam, const struct instance *instance)
{
	bool used[256] = {true};

	for (size_t i = 0; i < exam->model->instance_count; i++)
		used[exam->model->instances[i].virtual_router_id] = true;
	for (size_t i = 0; i < exam->sight->speaker_count; i++)
		used[exam->sight->speakers[i].virtual_router_id] = true;
	for (unsigned number = instance->virtual_router_id; number < 256; number++)
		if (!used[number])
			return number;
	for (unsigned number = 1; number < 256; number++)
		if (!used[number])
			return number;
	return 0;
}

static const char *edit(struct exam *exam, const char *what)
{
	return exam_text(exam, "${EDITOR:-vi} %s && lbhactl reload    # %s", exam->sight->file, what);
}

/* Another virtual router under our number. */
static void judge_stranger(struct hearing *hearing)
{
	struct exam *exam = hearing->exam;
	const struct instance *instance = hearing->instance;

	exam_say(exam, FINDING_PROBLEM, "vrrp",
		 edit(exam, exam_text(exam, "instance %s: virtual_router_id: %u, on every director",
				      instance->name, free_number(exam, instance))),
		 "another virtual router with virtual_router_id %u is on %s: %s (%s) advertises none "
		 "of the addresses of instance %s",
		 instance->virtual_router_id, instance->interface, hearing->source, hearing->mac,
		 instance->name);
}

static void judge_version(struct hearing *hearing)
{
	exam_say(hearing->exam, FINDING_PROBLEM, "vrrp",
		 edit(hearing->exam, exam_text(hearing->exam, "instance %s: version: %u",
					       hearing->instance->name, hearing->speaker->version)),
		 "%s speaks version %u for instance %s, and this director version %u: neither hears "
		 "the other",
		 hearing->source, hearing->speaker->version, hearing->instance->name,
		 hearing->instance->version);
}

static const char *auth_name(unsigned auth)
{
	return auth == VRRP_AUTH_NONE ? "none" : auth == VRRP_AUTH_PASS ? "pass"
					       : auth == VRRP_AUTH_AH	 ? "ah" : "unknown";
}

static void judge_auth(struct hearing *hearing)
{
	const struct instance *instance = hearing->instance;

	if (instance->version != 2 || hearing->speaker->auth == instance->authentication.type)
		return;
	exam_say(hearing->exam, FINDING_PROBLEM, "vrrp",
		 edit(hearing->exam, exam_text(hearing->exam, "instance %s: authentication: type: %s",
					       instance->name, auth_name(hearing->speaker->auth))),
		 "%s authenticates adverts for instance %s by %s, and this director by %s: neither "
		 "believes the other",
		 hearing->source, instance->name, auth_name(hearing->speaker->auth),
		 auth_name(instance->authentication.type));
}

/* In version 3 a backup goes by its master's interval, so another one is legal. */
static void judge_interval(struct hearing *hearing)
{
	const struct instance *instance = hearing->instance;
	nstime heard = hearing->speaker->interval;
	char theirs[DURATION_TEXT], ours[DURATION_TEXT];

	if (!heard || heard == instance->advert_interval)
		return;
	exam_say(hearing->exam, instance->version == 2 ? FINDING_PROBLEM : FINDING_WARNING, "vrrp",
		 edit(hearing->exam,
		      exam_text(hearing->exam, "instance %s: advert_interval: %s", instance->name,
				duration_format(heard, theirs))),
		 "%s advertises instance %s every %s, and this director is told %s%s",
		 hearing->source, instance->name, duration_format(heard, theirs),
		 duration_format(instance->advert_interval, ours),
		 instance->version == 2 ? ": version 2 drops what differs" : "");
}

static void judge_addresses(struct hearing *hearing)
{
	const struct instance *instance = hearing->instance;
	const struct exam_speaker *speaker = hearing->speaker;
	size_t both = exam_shared(instance, speaker), ours = advertised(instance);

	if (both == ours && both == speaker->address_count)
		return;
	exam_say(hearing->exam, FINDING_PROBLEM, "vrrp",
		 edit(hearing->exam, exam_text(hearing->exam, "instance %s: virtual_addresses, alike on "
							      "every director",
					       instance->name)),
		 "%s advertises %zu address%s for instance %s, %zu of them among the %zu of this "
		 "director: on a failover the others are lost",
		 hearing->source, speaker->address_count, speaker->address_count == 1 ? "" : "es",
		 instance->name, both, ours);
}

/* A router of the same addresses that is no director of the file. What program it is nobody knows, so
 * the command only looks. */
static void judge_unknown(struct hearing *hearing)
{
	struct exam *exam = hearing->exam;
	const struct model *model = exam->model;

	if (!model->director_count || hearing->speaker->source.family == AF_INET6)
		return;
	for (size_t i = 0; i < model->director_count; i++)
		if (!exam_sends_from_address(exam, hearing->instance, &model->directors[i]) ||
		    addr_equal(&model->directors[i].address, &hearing->speaker->source))
			return;
	for (size_t i = 0; i < hearing->instance->unicast.peer_count; i++)
		if (addr_equal(&hearing->instance->unicast.peers[i], &hearing->speaker->source))
			return;
	exam_say(exam, FINDING_WARNING, "vrrp",
		 exam_text(exam, "ssh %s \"pgrep -a 'lbhad|keepalived|vrrpd|ucarp'\"", hearing->source),
		 "%s (%s) advertises the addresses of instance %s with priority %u, and is no director "
		 "of %s",
		 hearing->source, hearing->mac, hearing->instance->name, hearing->speaker->priority,
		 exam->sight->file);
}

static void judge_peer(struct hearing *hearing)
{
	if (hearing->speaker->version != hearing->instance->version) {
		judge_version(hearing);
		return;
	}
	judge_auth(hearing);
	judge_interval(hearing);
	judge_addresses(hearing);
	judge_unknown(hearing);
}

/* Of one instance: who speaks for it. */
static void judge_masters(struct exam *exam, const struct instance *instance)
{
	const struct exam_sight *sight = exam->sight;
	const struct exam_speaker *first = NULL, *second = NULL;
	char a[ADDR_TEXT], b[ADDR_TEXT];

	for (size_t i = 0; i < sight->speaker_count; i++) {
		const struct exam_speaker *speaker = &sight->speakers[i];

		if (!exam_is_about(sight, instance, speaker) || !speaker->priority ||
		    (!speaker->ours && !exam_shared(instance, speaker)))
			continue;
		second = first ? speaker : NULL;
		first = first ? first : speaker;
	}
	if (second)
		exam_say(exam, FINDING_PROBLEM, "vrrp", "lbhactl vrrp; lbhactl doctor    # on each of them",
			 "instance %s has two masters: %s (priority %u) and %s (priority %u)",
			 instance->name, addr_format(&first->source, a), first->priority,
			 addr_format(&second->source, b), second->priority);
	else if (first)
		exam_say(exam, FINDING_OK, "vrrp", NULL,
			 "%s%s advertises instance %s with priority %u", first->ours ? "this director, " : "",
			 addr_format(&first->source, a), instance->name, first->priority);
	else if (sight->listened >= instance->advert_interval && exam_link_named(sight, instance->interface))
		exam_say(exam, sight->daemon == EXAM_DAEMON_RUNS ? FINDING_WARNING : FINDING_OK, "vrrp",
			 sight->daemon == EXAM_DAEMON_RUNS
				 ? exam_text(exam, "lbhactl vrrp %s", instance->name)
				 : NULL,
			 "nobody advertises virtual_router_id %u on %s", instance->virtual_router_id,
			 instance->interface);
}

static void judge_instance(struct exam *exam, const struct instance *instance)
{
	const struct exam_sight *sight = exam->sight;

	for (size_t i = 0; i < sight->speaker_count; i++) {
		struct hearing hearing = {exam, instance, &sight->speakers[i], "", ""};

		if (hearing.speaker->ours || !exam_is_about(sight, instance, hearing.speaker))
			continue;
		addr_format(&hearing.speaker->source, hearing.source);
		exam_mac(hearing.speaker->mac, hearing.mac);
		if (hearing.speaker->address_count && !exam_shared(instance, hearing.speaker))
			judge_stranger(&hearing);
		else
			judge_peer(&hearing);
	}
	judge_masters(exam, instance);
}

void exam_vrrp(struct exam *exam)
{
	const struct exam_sight *sight = exam->sight;

	if (!exam->model->instance_count)
		return;
	if (!sight->listened) {
		if (sight->is_root)
			exam_say(exam, FINDING_UNKNOWN, "vrrp", NULL,
				 "adverts could not be listened to: %s", strerror(-sight->listen_error));
		return;
	}
	for (size_t i = 0; i < exam->model->instance_count; i++)
		judge_instance(exam, &exam->model->instances[i]);
}
