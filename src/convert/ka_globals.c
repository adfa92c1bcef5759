/* global_defs, and what else counts for everything. */
#include <string.h>

#include "base/arena.h"
#include "convert/ka_run.h"

static struct draft *global_map(struct ka_run *run, const char *key)
{
	return draft_map(run->arena, draft_map(run->arena, run->root, "global"), key);
}

static struct draft *default_vrrp(struct ka_run *run)
{
	return draft_map(run->arena, draft_map(run->arena, run->root, "defaults"), "vrrp");
}

static void take_version(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			 struct draft *into)
{
	long version;

	if (ka_number(run, node, 1, 2, 3, &version, into))
		run->globals.version = (unsigned)version;
}

static void take_group(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		       UNUSED struct draft *into)
{
	if (ka_is(node, "vrrp_mcast_group4"))
		run->globals.group4 = ka_word(node, 1);
	else
		run->globals.group6 = ka_word(node, 1);
}

static void take_strict(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			UNUSED struct draft *into)
{
	run->globals.is_strict = ka_bool(node, 1);
}

static void take_startup_delay(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			       struct draft *into)
{
	nstime delay;

	if (ka_time(run, node, 1, &delay, into))
		ka_duration(run, default_vrrp(run), "startup_delay", delay);
}

static void take_script_user(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			     UNUSED struct draft *into)
{
	if (ka_word(node, 1))
		draft_text(run->arena, global_map(run, "users"), "script", ka_word(node, 1));
}

static void take_timeouts(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			  struct draft *into)
{
	static const char *const names[][2] = {{"tcp", "tcp"}, {"tcpfin", "tcp_fin"}, {"udp", "udp"}};
	struct draft *map = draft_map(run->arena, global_map(run, "ipvs"), "timeouts");
	nstime time;

	if (map)
		map->is_short = true;
	for (size_t i = 1; i + 1 < node->count; i += 2)
		for (size_t k = 0; k < COUNT_OF(names); k++)
			if (!strcmp(node->words[i], names[k][0]) && ka_time(run, node, i + 1, &time, into))
				ka_duration(run, map, names[k][1], time);
}

static void take_flush(struct ka_run *run, UNUSED const struct ka_node *node, UNUSED void *object,
		       UNUSED struct draft *into)
{
	draft_text(run->arena, global_map(run, "ipvs"), "foreign", "remove");
}

/* lvs_sync_daemon IF [[inst] INSTANCE [[id] N]] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS] */
static void take_sync(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		      struct draft *into)
{
	static const char *const numbers[] = {"id", "maxlen", "port", "ttl"};
	struct draft *map = draft_map(run->arena, global_map(run, "ipvs"), "sync");
	const struct ka_node *instance = NULL;
	long number;

	if (!ka_word(node, 1) || !map)
		return;
	map->is_short = true;
	draft_text(run->arena, map, "interface", ka_word(node, 1));
	for (size_t i = 2; i < node->count; i++) {
		const char *word = node->words[i];
		bool is_number = false;

		for (size_t k = 0; k < COUNT_OF(numbers); k++)
			is_number |= !strcmp(word, numbers[k]);
		if (is_number && ka_number(run, node, ++i, 0, 65535, &number, into)) {
			draft_value(run->arena, map, word, "%ld", number);
		} else if (!is_number && !strcmp(word, "group") && ka_word(node, i + 1)) {
			draft_text(run->arena, map, "group", node->words[++i]);
		} else if (i == 2 || !strcmp(word, "inst")) {
			word = !strcmp(word, "inst") && ka_word(node, i + 1) ? node->words[++i] : word;
			instance = ka_named(run, "vrrp_instance", word);
			draft_text(run->arena, map, "follow", word);
		} else if (i == 3 && ka_number(run, node, 3, 0, 255, &number, into)) {
			draft_value(run->arena, map, "id", "%ld", number);
		} else if (i > 3 && !is_number) {
			ka_say(run, node, into, IMPORT_WARNING, "%s: unknown of a sync daemon", word);
		}
	}
	if (draft_find(map, "id"))
		return;
	/* keepalived takes the router's number, else 0, which is "any" to the kernel */
	ka_plain(run, map, "id",
		 ka_word(ka_child(instance, "virtual_router_id"), 1)
			 ? ka_word(ka_child(instance, "virtual_router_id"), 1)
			 : "1");
}

/* ---- announcements -------------------------------------------------------------------------- */

static struct draft *announce_map(struct ka_run *run, struct draft *into)
{
	struct draft *map = draft_map(run->arena, into, "announce");

	if (map)
		map->is_short = true;
	return map;
}

static void announce_count(struct ka_run *run, struct draft *into, long count)
{
	draft_value(run->arena, announce_map(run, into), "count", "%ld", count < 1 ? 1 : count);
}

void ka_take_announce(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
		      struct draft *into)
{
	const char *keyword = node->words[0];
	nstime time;
	long count;

	if (strstr(keyword, "repeat")) {
		if (ka_number(run, node, 1, 0, 100, &count, into))
			announce_count(run, into, count);
	} else if (ka_time(run, node, 1, &time, into)) {
		const char *key = strstr(keyword, "delay")     ? "again_after"
				  : strstr(keyword, "refresh") ? "refresh"
							       : "interval";

		if (!strcmp(key, "interval") && time < NSTIME_MS)
			time = NSTIME_MS;
		ka_duration(run, announce_map(run, into), key, time);
	}
}

static void take_announce(struct ka_run *run, const struct ka_node *node, void *object,
			  UNUSED struct draft *into)
{
	ka_take_announce(run, node, object, default_vrrp(run));
}

static void take_min_garp(struct ka_run *run, const struct ka_node *node, UNUSED void *object,
			  UNUSED struct draft *into)
{
	if (!ka_bool(node, 1))
		return;
	announce_count(run, default_vrrp(run), 1);
	draft_text(run->arena, announce_map(run, default_vrrp(run)), "again_after", "0s");
}

/* ---- the table ------------------------------------------------------------------------------ */

#define NOT_NEEDED(keyword, why) {keyword, NULL, NULL, IMPORT_NOTE, why}
#define LOST(keyword, why) {keyword, NULL, NULL, IMPORT_WARNING, why}
#define MAIL "lbha sends no mail; a notify script can (LBHA_EVENT, LBHA_OBJECT, LBHA_NEW …), or alert on lbha-exporter's metrics"
#define FIFO "no FIFO; `lbhactl events --follow --json` has all events, and goes on after a break with --since"
#define SNMP "no SNMP; lbha-exporter has the metrics, `lbhactl status --json` the states"
#define PRIORITY "the vrrp worker runs with SCHED_RR and locked memory by itself"
#define BUFFERS "buffers are sized by the number of objects"
#define ALWAYS "always so"

static const struct ka_rule global_rules[] = {
	{"vrrp_version", take_version, "vrrp: version", 0, NULL},
	{"vrrp_mcast_group4", take_group, "vrrp: multicast_group", 0, NULL},
	{"vrrp_mcast_group6", take_group, "vrrp: multicast_group", 0, NULL},
	{"vrrp_strict", take_strict, "vrrp: accept: false", IMPORT_WARNING,
	 "there is no such mode: what it refuses lbhad --check refuses or warns of; that the MASTER drops packets for its addresses is accept: false, written at each instance; take it out if clients shall reach something on the director itself"},
	{"vrrp_startup_delay", take_startup_delay, "defaults: vrrp: startup_delay", 0, NULL},
	{"vrrp_garp_master_delay", take_announce, "defaults: vrrp: announce: again_after", 0, NULL},
	{"vrrp_garp_master_repeat", take_announce, "defaults: vrrp: announce: count", 0, NULL},
	{"vrrp_garp_master_refresh", take_announce, "defaults: vrrp: announce: refresh", 0, NULL},
	{"vrrp_garp_interval", take_announce, "defaults: vrrp: announce: interval", 0, NULL},
	{"vrrp_gna_interval", take_announce, "defaults: vrrp: announce: interval", 0, NULL},
	{"vrrp_min_garp", take_min_garp, "defaults: vrrp: announce: count, again_after", 0, NULL},
	{"script_user", take_script_user, "global: users: script", 0, NULL},
	{"lvs_sync_daemon", take_sync, "global: ipvs: sync", 0, NULL},
	{"lvs_timeouts", take_timeouts, "global: ipvs: timeouts", 0, NULL},
	{"lvs_flush", take_flush, "global: ipvs: foreign: remove", 0, NULL},
	NOT_NEEDED("lvs_flush_on_stop", "the default: global: ipvs: on_stop: remove"),
	NOT_NEEDED("lvs_flush_onstop", "the default: global: ipvs: on_stop: remove"),
	NOT_NEEDED("router_id", "the host's name, or lbhad --node, says which director this is"),
	LOST("notification_email", MAIL),
	NOT_NEEDED("notification_email_from", "see notification_email"),
	NOT_NEEDED("smtp_server", "see notification_email"),
	NOT_NEEDED("smtp_helo_name", "see notification_email"),
	NOT_NEEDED("smtp_connect_timeout", "see notification_email"),
	NOT_NEEDED("smtp_alert", "see notification_email"),
	NOT_NEEDED("smtp_alert_vrrp", "see notification_email"),
	NOT_NEEDED("smtp_alert_checker", "see notification_email"),
	NOT_NEEDED("no_email_faults", "see notification_email"),
	NOT_NEEDED("no_checker_emails", "see notification_email"),
	LOST("startup_script", "a unit of its own, ordered before lbha.service (Before=), does it"),
	NOT_NEEDED("startup_script_timeout", "see startup_script"),
	LOST("shutdown_script", "ExecStopPost= in a drop-in of lbha.service does it"),
	NOT_NEEDED("shutdown_script_timeout", "see shutdown_script"),
	NOT_NEEDED("enable_script_security", ALWAYS ": no script that others can change is run"),
	NOT_NEEDED("checker_log_all_failures", "`lbhactl services NAME` has each failure's reason"),
	NOT_NEEDED("dynamic_interfaces", ALWAYS ": interfaces may come and go"),
	NOT_NEEDED("default_interface", "it is for static_ipaddress; an instance names its interface, with keepalived, too"),
	NOT_NEEDED("disable_local_igmp", "no firewall rules are needed for it"),
	NOT_NEEDED("vrrp_check_unicast_src", ALWAYS ": only peers' adverts are taken"),
	NOT_NEEDED("vrrp_skip_check_adv_addr", "adverts are always looked at; it costs nothing that counts"),
	NOT_NEEDED("vrrp_garp_master_refresh_repeat", "a refresh is one round"),
	NOT_NEEDED("vrrp_garp_lower_prio_delay", "as after a takeover"),
	NOT_NEEDED("vrrp_garp_lower_prio_repeat", "as after a takeover"),
	LOST("vrrp_garp_extra_if", "announce: refresh does it for the instance's interface"),
	LOST("vrrp_vmac_garp_intvl", "announce: refresh does it"),
	NOT_NEEDED("vrrp_lower_prio_no_advert", "a MASTER answers a lesser one as RFC 9568 says"),
	NOT_NEEDED("vrrp_higher_prio_send_advert", "a MASTER that hears a greater one becomes BACKUP at once"),
	LOST("vrrp_down_timer_adverts", "three adverts are missed, as RFC 9568 says; a shorter advert_interval notices sooner"),
	LOST("vrrp_owner_ignore_adverts", "an owner that hears another owner says so (competing_master)"),
	LOST("vrrp_delay_after_boot", "startup_delay counts from the daemon's start, carrier_settle from the link's"),
	NOT_NEEDED("vrrp_notify_priority_changes", "changes of the priority are events"),
	NOT_NEEDED("vrrp_iptables", "no firewall rules are needed; accept: false has an nftables table of its own"),
	NOT_NEEDED("vrrp_ipsets", "see vrrp_iptables"),
	NOT_NEEDED("nftables", "see vrrp_iptables"),
	NOT_NEEDED("nftables_priority", "see vrrp_iptables"),
	NOT_NEEDED("nftables_ifindex", "see vrrp_iptables"),
	NOT_NEEDED("nftables_counters", "see vrrp_iptables"),
	LOST("nftables_ipvs", "group: true at a service makes one of all its listeners, with a mark of lbha's own"),
	NOT_NEEDED("nftables_ipvs_priority", "see nftables_ipvs"),
	NOT_NEEDED("nftables_ipvs_start_fwmark", "global: ipvs: mark_base"),
	LOST("notify_fifo", FIFO),
	LOST("notify_fifo_script", FIFO),
	LOST("vrrp_notify_fifo", FIFO),
	LOST("vrrp_notify_fifo_script", FIFO),
	LOST("lvs_notify_fifo", FIFO),
	LOST("lvs_notify_fifo_script", FIFO),
	NOT_NEEDED("fifo_write_vrrp_states_on_reload", "see notify_fifo"),
	NOT_NEEDED("rs_init_notifies", "a server's first verdict is an event"),
	LOST("snmp_socket", SNMP),
	LOST("enable_traps", SNMP),
	LOST("enable_snmp_vrrp", SNMP),
	LOST("enable_snmp_keepalived", SNMP),
	LOST("enable_snmp_rfc", SNMP),
	LOST("enable_snmp_rfcv2", SNMP),
	LOST("enable_snmp_rfcv3", SNMP),
	LOST("enable_snmp_checker", SNMP),
	NOT_NEEDED("snmp_vs_stats_update_interval", SNMP),
	NOT_NEEDED("snmp_rs_stats_update_interval", SNMP),
	LOST("enable_dbus", "no D-Bus; the control socket (lbhactl --json) has all of it"),
	NOT_NEEDED("dbus_service_name", "see enable_dbus"),
	NOT_NEEDED("dbus_no_interface_name", "see enable_dbus"),
	NOT_NEEDED("vrrp_priority", PRIORITY),
	NOT_NEEDED("vrrp_rt_priority", PRIORITY),
	NOT_NEEDED("vrrp_no_swap", PRIORITY),
	NOT_NEEDED("vrrp_cpu_affinity", "CPUAffinity= in a drop-in of lbha.service"),
	NOT_NEEDED("vrrp_rlimit_rttime", PRIORITY),
	NOT_NEEDED("vrrp_rlimit_rtime", PRIORITY),
	NOT_NEEDED("checker_priority", "VRRP does not wait for checks"),
	NOT_NEEDED("checker_rt_priority", "VRRP does not wait for checks"),
	NOT_NEEDED("checker_no_swap", "VRRP does not wait for checks"),
	NOT_NEEDED("checker_cpu_affinity", "CPUAffinity= in a drop-in of lbha.service"),
	NOT_NEEDED("checker_rlimit_rttime", "VRRP does not wait for checks"),
	NOT_NEEDED("checker_rlimit_rtime", "VRRP does not wait for checks"),
	NOT_NEEDED("bfd_priority", "see bfd_instance"),
	NOT_NEEDED("bfd_rt_priority", "see bfd_instance"),
	NOT_NEEDED("bfd_no_swap", "see bfd_instance"),
	NOT_NEEDED("bfd_cpu_affinity", "see bfd_instance"),
	NOT_NEEDED("bfd_rlimit_rttime", "see bfd_instance"),
	NOT_NEEDED("bfd_rlimit_rtime", "see bfd_instance"),
	NOT_NEEDED("max_auto_priority", PRIORITY),
	NOT_NEEDED("min_auto_priority_delay", PRIORITY),
	NOT_NEEDED("vrrp_rx_bufs_policy", BUFFERS),
	NOT_NEEDED("vrrp_rx_bufs_multiplier", BUFFERS),
	NOT_NEEDED("vrrp_netlink_cmd_rcv_bufs", BUFFERS),
	NOT_NEEDED("vrrp_netlink_cmd_rcv_bufs_force", BUFFERS),
	NOT_NEEDED("vrrp_netlink_monitor_rcv_bufs", BUFFERS),
	NOT_NEEDED("vrrp_netlink_monitor_rcv_bufs_force", BUFFERS),
	NOT_NEEDED("lvs_netlink_cmd_rcv_bufs", BUFFERS),
	NOT_NEEDED("lvs_netlink_cmd_rcv_bufs_force", BUFFERS),
	NOT_NEEDED("lvs_netlink_monitor_rcv_bufs", BUFFERS),
	NOT_NEEDED("lvs_netlink_monitor_rcv_bufs_force", BUFFERS),
	NOT_NEEDED("process_monitor_rcv_bufs", BUFFERS),
	NOT_NEEDED("process_monitor_rcv_bufs_force", BUFFERS),
	NOT_NEEDED("log_unknown_vrids", "`lbhactl vrrp NAME` counts what is dropped, and why"),
	NOT_NEEDED("vmac_prefix", "the macvlan of virtual_mac has a name of lbha's own"),
	NOT_NEEDED("vmac_addr_prefix", "the macvlan of virtual_mac has a name of lbha's own"),
	NOT_NEEDED("v3_checksum_as_v2", "both forms are taken; what is sent is checksum: at an instance"),
	NOT_NEEDED("process_names", "workers have names of their own"),
	NOT_NEEDED("process_name", "workers have names of their own"),
	NOT_NEEDED("vrrp_process_name", "workers have names of their own"),
	NOT_NEEDED("checker_process_name", "workers have names of their own"),
	NOT_NEEDED("lvs_process_name", "workers have names of their own"),
	NOT_NEEDED("bfd_process_name", "workers have names of their own"),
	NOT_NEEDED("umask", "lbha writes into its own two folders only"),
	NOT_NEEDED("random_seed", "every start has another one"),
	NOT_NEEDED("reload_check_config", ALWAYS ": a file with errors changes nothing"),
	LOST("reload_time_file", "a systemd timer that runs `lbhactl reload` does it"),
	NOT_NEEDED("reload_repeat", "see reload_time_file"),
	NOT_NEEDED("reload_file", "`lbhactl reload` waits until the file is in force and says so"),
	NOT_NEEDED("include_check", ALWAYS ": an include that is not there is an error"),
	NOT_NEEDED("config_save_dir", "`lbhactl config` shows what is in force"),
	NOT_NEEDED("tmp_config_directory", "nothing is copied"),
	NOT_NEEDED("data_use_instance", "`lbhactl status --json` takes the place of dumps"),
	NOT_NEEDED("state_dump_file", "`lbhactl status --json` takes the place of dumps"),
	NOT_NEEDED("stats_dump_file", "`lbhactl status --json` takes the place of dumps"),
	NOT_NEEDED("json_dump_file", "`lbhactl status --json` takes the place of dumps"),
	NOT_NEEDED("json_version", "`lbhactl status --json` takes the place of dumps"),
	NOT_NEEDED("iproute_usr_dir", "tables of routes have numbers"),
	NOT_NEEDED("iproute_etc_dir", "tables of routes have numbers"),
	NOT_NEEDED("set_supplementary_groups", "scripts have the groups of their user"),
	NOT_NEEDED("use_symlink_paths", "scripts are named by their real paths"),
};

const struct ka_rules ka_rules_global = {"global_defs", global_rules, COUNT_OF(global_rules)};

void ka_take_globals(struct ka_run *run)
{
	struct draft *directors = draft_find(run->root, "directors");
	struct draft *global = draft_map(run->arena, run->root, "global");

	run->globals.version = 2;
	for (const struct ka_node *at = run->tree->first; at; at = at->next) {
		if (ka_is(at, "global_defs"))
			ka_take_block(run, at, &ka_rules_global, NULL, global);
		if (ka_is(at, "SSL"))
			run->globals.ssl = at;
		if (ka_is(at, "SSL") && ka_child(at, "password"))
			ka_say(run, ka_child(at, "password"), global, IMPORT_WARNING,
			       "private keys are not encrypted: openssl pkey -in KEY -out KEY, readable by root alone");
	}
	if (!global || !directors || global->first)
		return;
	directors->above = global->below;
	draft_remove(run->root, "global");
}
