/* See the header. Words near enough to ours in their letters (virtual_ipaddress, nopreempt) need no row:
 * text_nearest() finds them. */
#include "config/habits.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/schema.h"
#include "config/value.h"

struct habit {
	const char *theirs, *ours;
};

/* A word may stand for several keys: the first that the record has. */
static const struct habit keys[] = {
	{"advert_int", "advert_interval"},
	{"auth_pass", "authentication"},
	{"auth_type", "authentication"},
	{"checkinterval", "interval"},
	{"checktimeout", "timeout"},
	{"connect_ip", "address"},
	{"connect_port", "port"},
	{"connect_timeout", "timeout"},
	{"delay_before_retry", "retry_interval"},
	{"delay_loop", "interval"},
	{"delay_loop", "check"},
	{"fallback", "sorry_server"},
	{"inhibit_on_failure", "on_failure"},
	{"lb_algo", "scheduler"},
	{"lb_kind", "forwarding"},
	{"lthreshold", "lower_threshold"},
	{"lvs_method", "forwarding"},
	{"lvs_sched", "scheduler"},
	{"lvs_sync_daemon", "sync"},
	{"lvs_timeouts", "timeouts"},
	{"mcast_src_ip", "source"},
	{"persistence_engine", "persistence"},
	{"persistence_granularity", "persistence"},
	{"persistence_timeout", "persistence"},
	{"persistent", "persistence"},
	{"quiescent", "on_failure"},
	{"real", "real_servers"},
	{"state", "priority"},
	{"track_interface", "track"},
	{"track_script", "track"},
	{"unicast_src_ip", "source"},
	{"use_vmac", "virtual_mac"},
	{"uthreshold", "upper_threshold"},
	{"virtual", "services"},
	{"virtual_ipaddress_excluded", "virtual_addresses"},
	{"virtual_routes", "routes"},
	{"virtual_server", "services"},
	{"vrrp_instance", "vrrp"},
	{"vrrp_script", "checks"},
	{"vrrp_sync_group", "sync_groups"},
};

/* ipvsadm's options, the column Forward of its table, and names that documents have. */
static const struct habit words[] = {
	{"-g", "dr"},
	{"-i", "tunnel"},
	{"-m", "nat"},
	{"direct", "dr"},
	{"dsr", "dr"},
	{"gate", "dr"},
	{"gatewaying", "dr"},
	{"ipip", "tunnel"},
	{"masq", "nat"},
	{"masquerading", "nat"},
	{"route", "dr"},
	{"tun", "tunnel"},
	{"tunneling", "tunnel"},
	{"connect", "tcp"},
	{"dns_check", "dns"},
	{"http_get", "http"},
	{"https", "http"},
	{"misc_check", "script"},
	{"ping", "icmp"},
	{"smtp_check", "smtp"},
	{"ssl_get", "http"},
	{"tcp_check", "tcp"},
	{"udp_check", "udp"},
};

const char *habit_key(const struct schema_record *record, const char *key)
{
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (!strcmp(keys[i].theirs, key) && schema_find(record, keys[i].ours))
			return keys[i].ours;
	return NULL;
}

static bool has_word(const struct schema_word *among, const char *word)
{
	while (among->text && strcmp(among->text, word))
		among++;
	return among->text != NULL;
}

const char *habit_word(const struct schema_word *among, const char *word)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (value_same_word(words[i].theirs, word) && has_word(among, words[i].ours))
			return words[i].ours;
	return NULL;
}
