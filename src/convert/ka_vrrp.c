/* vrrp_instance. What needs nothing but its own words goes into the draft at once; what hangs together
 * is settled when the block has been read. */
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "convert/ka_run.h"

struct instance {
	const char *name;
	bool is_master, is_strict, is_ipv6, wants_ipv6;
	bool has_peers;
	unsigned version;
	long priority; /* 0: not given */
	nstime advert_interval;
	const struct ka_node *nopreempt, *preempt_delay, *authentication, *delays;
	const char *interface;
};

/* ---- keys by themselves --------------------------------------------------------------------- */

static void take_state(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		       UNUSED struct draft *into)
{
	struct instance *instance = object;

	instance->is_master = ka_word(node, 1) && !strcmp(ka_word(node, 1), "MASTER");
}

static void take_interface(struct ka_run *run, const struct ka_node *node, void *object,
			   struct draft *into)
{
	struct instance *instance = object;

	instance->interface = ka_word(node, 1);
	if (instance->interface)
		draft_text(run->arena, into, "interface", instance->interface);
}

static void take_vrid(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		      struct draft *into)
{
	long number;

	if (ka_number(run, node, 1, 1, 255, &number, into))
		draft_value(run->arena, into, "virtual_router_id", "%ld", number);
}

static void take_priority(struct ka_run *run, const struct ka_node *node, void *object,
			  struct draft *into)
{
	struct instance *instance = object;

	ka_number(run, node, 1, 1, 255, &instance->priority, into);
}

static void take_version(struct ka_run *run, const struct ka_node *node, void *object,
			 struct draft *into)
{
	struct instance *instance = object;
	long version;

	if (ka_number(run, node, 1, 2, 3, &version, into))
		instance->version = (unsigned)version;
}

static void take_advert(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	struct instance *instance = object;

	ka_time(run, node, 1, &instance->advert_interval, into);
}

static void take_later(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		       UNUSED struct draft *into)
{
	struct instance *instance = object;

	if (ka_is(node, "nopreempt"))
		instance->nopreempt = node;
	else if (ka_is(node, "preempt"))
		instance->nopreempt = NULL; /* the last of both counts */
	else if (ka_is(node, "preempt_delay"))
		instance->preempt_delay = node;
	else if (ka_is(node, "authentication"))
		instance->authentication = node;
}

static void take_strict(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
			UNUSED struct draft *into)
{
	struct instance *instance = object;

	instance->is_strict = ka_bool(node, 1);
}

static void take_family(UNUSED struct ka_run *run, UNUSED const struct ka_node *node, void *object,
			UNUSED struct draft *into)
{
	struct instance *instance = object;

	instance->wants_ipv6 = true;
}

static void take_untracked(struct ka_run *run, UNUSED const struct ka_node *node,
			   UNUSED void *object, struct draft *into)
{
	draft_value(run->arena, into, "track_own_interface", "false");
}

static void take_accept(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			struct draft *into)
{
	draft_value(run->arena, into, "accept", ka_is(node, "accept") ? "true" : "false");
}

static void take_source(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			struct draft *into)
{
	if (ka_word(node, 1))
		draft_text(run->arena, into, "source", ka_word(node, 1));
}

static void take_group_address(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			       struct draft *into)
{
	if (ka_word(node, 1))
		draft_text(run->arena, into, "multicast_group", ka_word(node, 1));
}

static void take_vmac(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		      struct draft *into)
{
	draft_value(run->arena, into, "virtual_mac", "true");
	if (node->count > 1)
		ka_say(run, node, into, IMPORT_NOTE,
		       "the macvlan has a name of lbha's own, and the MAC address of RFC 9568");
}

/* ---- peers ---------------------------------------------------------------------------------- */

static struct draft *unicast_map(struct ka_run *run, struct draft *into)
{
	return draft_map(run->arena, into, "unicast");
}

static void take_peers(struct ka_run *run, const struct ka_node *node, void *object,
		       struct draft *into)
{
	struct instance *instance = object;
	struct draft *unicast = unicast_map(run, into), *peers;
	long least = 256, ttl;

	peers = draft_list(run->arena, unicast, "peers");
	for (const struct ka_node *at = node->first; at; at = at->next) {
		long own = 1;

		draft_text(run->arena, peers, NULL, at->words[0]);
		for (size_t i = 1; i < at->count; i += 2) {
			if (!strcmp(at->words[i], "min_ttl") &&
			    ka_number(run, at, i + 1, 1, 255, &ttl, into))
				own = ttl;
			else if (strcmp(at->words[i], "min_ttl") != 0)
				ka_say(run, at, into, IMPORT_WARNING, "%s: adverts are not held against it",
				       at->words[i]);
		}
		least = own < least ? own : least;
	}
	if (peers)
		peers->is_short = true;
	instance->has_peers = draft_count(peers) > 0;
	draft_beside(run->arena,
		     draft_value(run->arena, unicast, "min_ttl", "%ld", least < 256 ? least : 1),
		     "255, the default, refuses what was routed: better if all are on one network");
}

static void take_ttl(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		     struct draft *into)
{
	long ttl;

	if (ka_number(run, node, 1, 1, 255, &ttl, into))
		draft_value(run->arena, unicast_map(run, into), "ttl", "%ld", ttl);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static void take_addresses(struct ka_run *run, const struct ka_node *node, void *object,
			   struct draft *into)
{
	struct instance *instance = object;
	bool is_advertised = ka_is(node, "virtual_ipaddress");

	if (is_advertised && node->first && strchr(node->first->words[0], ':'))
		instance->is_ipv6 = true;
	ka_take_addresses(run, node, is_advertised, instance->is_ipv6 ? AF_INET6 : AF_INET,
			  instance->interface, into);
}

static void take_routes(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	ka_take_routes(run, node, ((struct instance *)object)->interface, into);
}

static void take_track(struct ka_run *run, const struct ka_node *node, void *object,
		       struct draft *into)
{
	ka_take_track(run, node, ((struct instance *)object)->name, into);
}

static void take_notify(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			struct draft *into)
{
	ka_take_notify_all(run, node, into, false);
}

#define NOT_NEEDED(keyword, why) {keyword, NULL, NULL, IMPORT_NOTE, why}
#define LOST(keyword, why) {keyword, NULL, NULL, IMPORT_WARNING, why}

static const struct ka_rule instance_rules[] = {
	{"state", take_state, NULL, 0, NULL},
	{"interface", take_interface, "interface", 0, NULL},
	{"virtual_router_id", take_vrid, "virtual_router_id", 0, NULL},
	{"priority", take_priority, "priority", 0, NULL},
	{"version", take_version, "version", 0, NULL},
	{"advert_int", take_advert, "advert_interval", 0, NULL},
	{"virtual_ipaddress", take_addresses, "virtual_addresses", 0, NULL},
	{"virtual_ipaddress_excluded", take_addresses, "virtual_addresses: advertise: false", 0, NULL},
	{"virtual_routes", take_routes, "routes", 0, NULL},
	{"nopreempt", take_later, "preempt: false", 0, NULL},
	{"preempt", take_later, "preempt: true", 0, NULL},
	{"preempt_delay", take_later, "preempt_delay", 0, NULL},
	{"dont_track_primary", take_untracked, "track_own_interface: false", 0, NULL},
	{"track_interface", take_track, "track: interface", 0, NULL},
	{"track_script", take_track, "track: check", 0, NULL},
	{"track_process", take_track, "track: check", 0, NULL},
	{"track_file", take_track, NULL, 0, NULL},
	{"track_bfd", take_track, NULL, 0, NULL},
	{"mcast_src_ip", take_source, "source", 0, NULL},
	{"unicast_src_ip", take_source, "source", 0, NULL},
	{"mcast_dst_ip", take_group_address, "multicast_group", 0, NULL},
	{"unicast_peer", take_peers, "transport: unicast, unicast: peers", 0, NULL},
	{"unicast_ttl", take_ttl, "unicast: ttl", 0, NULL},
	{"authentication", take_later, "authentication", 0, NULL},
	{"accept", take_accept, "accept: true", 0, NULL},
	{"no_accept", take_accept, "accept: false", 0, NULL},
	{"strict_mode", take_strict, "accept: false", IMPORT_WARNING,
	 "there is no such mode; accept: false is what is left of it"},
	{"use_vmac", take_vmac, "virtual_mac: true", 0, NULL},
	{"garp_master_delay", ka_take_announce, "announce: again_after", 0, NULL},
	{"garp_master_repeat", ka_take_announce, "announce: count", 0, NULL},
	{"garp_master_refresh", ka_take_announce, "announce: refresh", 0, NULL},
	{"native_ipv6", take_family, NULL, 0, NULL},
	{"notify", take_notify, "notify", 0, NULL},
	{"notify_master", ka_take_notify, "notify", 0, NULL},
	{"notify_backup", ka_take_notify, "notify", 0, NULL},
	{"notify_fault", ka_take_notify, "notify", 0, NULL},
	{"notify_stop", ka_take_notify, "notify", 0, NULL},
	LOST("notify_deleted", "an instance that leaves the file becomes INIT first, of which notify tells"),
	LOST("notify_master_rx_lower_pri", "notify: is told of competing_master"),
	NOT_NEEDED("notify_priority_changes", "changes of the priority are events"),
	NOT_NEEDED("smtp_alert", "lbha sends no mail; a notify script can"),
	LOST("virtual_rules", "rules of routing are not made; a notify script can, or fixed ones in the system's network configuration"),
	LOST("vrf", "name the interface that is in the VRF; lbhad can run in it: ip vrf exec"),
	NOT_NEEDED("vmac_xmit_base", "adverts leave as the network wants them: the switch sees the MAC address where it is"),
	NOT_NEEDED("use_vmac_addr", "addresses on other interfaces keep these interfaces' MAC addresses"),
	LOST("use_ipvlan", "no ipvlan; without it the addresses stand on the interface itself"),
	NOT_NEEDED("track_src_ip", "the source is looked at all the time"),
	NOT_NEEDED("check_unicast_src", "always so: only peers' adverts are taken"),
	NOT_NEEDED("unicast_fault_no_peer", "unicast without peers is an error of lbhad --check"),
	NOT_NEEDED("skip_check_adv_addr", "adverts are always looked at"),
	LOST("old_unicast_checksum", "keepalived before 1.3.6 is not understood"),
	NOT_NEEDED("v3_checksum_as_v2", "both forms are taken; what is sent is checksum:"),
	LOST("promote_secondaries", "set net.ipv4.conf.IF.promote_secondaries; lbha's own addresses come back by themselves"),
	NOT_NEEDED("linkbeat_use_polling", "the kernel tells of links; nobody polls"),
	NOT_NEEDED("garp_master_refresh_repeat", "a refresh is one round"),
	NOT_NEEDED("garp_lower_prio_delay", "as after a takeover"),
	NOT_NEEDED("garp_lower_prio_repeat", "as after a takeover"),
	LOST("garp_extra_if", "announce: refresh does it for the instance's interface"),
	LOST("vmac_garp_intvl", "announce: refresh does it"),
	LOST("down_timer_adverts", "three adverts are missed, as RFC 9568 says; a shorter advert_interval notices sooner"),
	NOT_NEEDED("lower_prio_no_advert", "a MASTER answers a lesser one as RFC 9568 says"),
	NOT_NEEDED("higher_prio_send_advert", "a MASTER that hears a greater one becomes BACKUP at once"),
	LOST("owner_ignore_adverts", "an owner that hears another owner says so (competing_master)"),
	LOST("timer_expired_backup", "a late timer is no reason to become BACKUP"),
	NOT_NEEDED("thread_timer_expired", "a late timer is no reason to become BACKUP"),
	NOT_NEEDED("kernel_rx_buf_size", "buffers are sized by the number of objects"),
	NOT_NEEDED("lvs_sync_daemon_interface", "global: ipvs: sync"),
	LOST("auth_hmac", "keepalived's own extension; only peers' adverts with a TTL of 255 are taken with unicast"),
	LOST("no_virtual_ipaddress", "an instance has at least one address; one of any kind will do"),
	NOT_NEEDED("debug", "`lbhactl vrrp NAME` explains each state; `lbhactl log debug` tells more"),
};

const struct ka_rules ka_rules_instance = {"vrrp_instance", instance_rules,
					   COUNT_OF(instance_rules)};

/* ---- what hangs together -------------------------------------------------------------------- */

static void put_version(struct ka_run *run, const struct ka_node *node, struct instance *instance,
			struct draft *into)
{
	nstime interval = instance->advert_interval, unit;

	if (instance->is_ipv6 || instance->wants_ipv6)
		instance->version = 3;
	unit = instance->version == 2 ? NSTIME_S : 10 * NSTIME_MS;
	draft_value(run->arena, into, "version", "%u", instance->version);
	if (interval % unit || interval < unit) {
		interval = (interval + unit / 2) / unit * unit;
		interval = interval < unit ? unit : interval;
		ka_say(run, node, into, IMPORT_WARNING,
		       "advert_int: version %u has steps of %s: rounded, as keepalived does",
		       instance->version, instance->version == 2 ? "1s" : "10ms");
	}
	ka_duration(run, into, "advert_interval", interval);
}

/* keepalived lets an instance that begins as MASTER preempt at once, whatever it says. */
static void put_preemption(struct ka_run *run, struct instance *instance, struct draft *into)
{
	nstime delay;

	if (instance->nopreempt && instance->is_master)
		ka_say(run, instance->nopreempt, into, IMPORT_WARNING,
		       "keepalived passes over it with state MASTER, so it is left out; write preempt: false if it is meant");
	else if (instance->nopreempt)
		draft_value(run->arena, into, "preempt", "false");
	if (instance->preempt_delay && instance->is_master)
		ka_say(run, instance->preempt_delay, into, IMPORT_WARNING,
		       "keepalived passes over it with state MASTER, so it is left out");
	else if (instance->preempt_delay && ka_time(run, instance->preempt_delay, 1, &delay, into))
		ka_duration(run, into, "preempt_delay", delay);
}

static void put_authentication(struct ka_run *run, struct instance *instance, struct draft *into)
{
	const struct ka_node *block = instance->authentication, *type, *pass;
	struct draft *map;
	bool is_ah;

	if (!block)
		return;
	type = ka_child(block, "auth_type");
	pass = ka_child(block, "auth_pass");
	if (instance->version == 3) {
		ka_say(run, block, into, IMPORT_NOTE, "version 3 has none; keepalived does not send it either");
		return;
	}
	if (!ka_word(type, 1) || !ka_word(pass, 1)) {
		ka_say(run, block, into, IMPORT_WARNING, "it needs auth_type and auth_pass");
		return;
	}
	is_ah = !strcmp(type->words[1], "AH");
	map = draft_map(run->arena, into, "authentication");
	if (!map)
		return;
	map->is_short = true;
	draft_text(run->arena, map, "type", is_ah ? "ah" : "pass");
	draft_textf(run->arena, map, "key", "%.8s", pass->words[1]);
	draft_above(run->arena, map,
		    "a secret: this file must not be readable by others (chmod 600); or key: {file: PATH}");
}

static void put_announcing(struct ka_run *run, struct instance *instance, struct draft *into)
{
	const char *group = instance->version == 3 && instance->is_ipv6 ? run->globals.group6
									: run->globals.group4;

	if (instance->has_peers)
		draft_text(run->arena, into, "transport", "unicast");
	else if (group && !draft_find(into, "multicast_group"))
		draft_text(run->arena, into, "multicast_group", group);
	if (!instance->has_peers)
		draft_remove(into, "unicast");
}

/* Delays of the own interface are a tracker of it. */
static void put_delays(struct ka_run *run, struct instance *instance, struct draft *into)
{
	struct draft *tracker;

	if (!ka_has_delays(run, instance->interface) || draft_find(into, "track_own_interface"))
		return;
	take_untracked(run, NULL, NULL, into);
	tracker = draft_item(run->arena, draft_list(run->arena, into, "track"), DRAFT_MAP);
	if (tracker)
		tracker->is_short = true;
	draft_text(run->arena, tracker, "interface", instance->interface);
	ka_track_delays(run, instance->interface, tracker);
}

void ka_take_instance(struct ka_run *run, const struct ka_node *node)
{
	struct instance instance = {.name = ka_word(node, 1),
				    .interface = ka_word(ka_child(node, "interface"), 1),
				    .version = run->globals.version,
				    .is_strict = run->globals.is_strict,
				    .advert_interval = NSTIME_S};
	struct draft *into;

	if (!instance.name) {
		ka_say(run, node, run->root, IMPORT_WARNING, "it has no name");
		return;
	}
	into = draft_item(run->arena, draft_list(run->arena, run->root, "vrrp"), DRAFT_MAP);
	draft_text(run->arena, into, "name", instance.name);
	ka_take_block(run, node, &ka_rules_instance, &instance, into);
	if (!instance.interface)
		ka_say(run, node, into, IMPORT_WARNING,
		       "it has no interface; keepalived takes that if all its addresses name theirs, lbha wants one");
	put_version(run, node, &instance, into);
	if (!instance.priority)
		instance.priority = instance.is_master ? 255 : 100;
	draft_value(run->arena, into, "priority", "%ld", instance.priority);
	put_preemption(run, &instance, into);
	put_announcing(run, &instance, into);
	put_authentication(run, &instance, into);
	put_delays(run, &instance, into);
	if (instance.is_strict && !draft_find(into, "accept"))
		draft_value(run->arena, into, "accept", "false");
}
