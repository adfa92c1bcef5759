/* The rules of this machine, from the programs that list them: nft as JSON; iptables-save for tables
 * of iptables, whose matches nft does not know; the legacy ones only where the kernel has legacy tables,
 * since asking would make some. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "ctl/exam_io.h"
#include "net/firewall_nft_io.h"
#include "net/firewall_save.h"
#include "net/program_io.h"

struct rules {
	struct arena *arena;
	struct exam_sight *sight;
};

static void fail(struct rules *rules, const char *who, const char *why)
{
	if (!rules->sight->firewall_why)
		rules->sight->firewall_why = arena_printf(rules->arena, "%s: %s", who, why);
}

/* NULL after telling why. */
static char *run(struct rules *rules, const char *const *words)
{
	struct program_said said;

	if (!program_run(words, "", &said))
		return said.out;
	fail(rules, words[0], said.error);
	return NULL;
}

static void read_save(struct rules *rules, const char *program, enum firewall_family family,
		      enum firewall_tool tool)
{
	const char *const words[] = {program, NULL};
	char *text = run(rules, words);

	if (text)
		(void)firewall_read_save(rules->arena, text, family, tool, &rules->sight->firewall);
	free(text);
}

static void read_nft(struct rules *rules)
{
	static const char *const words[] = {"nft", "-j", "-n", "list", "ruleset", NULL};
	bool has_xtables = false;
	char *text = run(rules, words);

	if (text && firewall_read_nft(rules->arena, text, &rules->sight->firewall, &has_xtables) == -EINVAL)
		fail(rules, "nft", "what it lists as JSON is not understood");
	free(text);
	if (!has_xtables)
		return;
	read_save(rules, "iptables-nft-save", FIREWALL_IPV4, FIREWALL_IPTABLES);
	read_save(rules, "ip6tables-nft-save", FIREWALL_IPV6, FIREWALL_IPTABLES);
}

/* The kernel lists tables that are there by their names. */
static bool has_legacy(struct rules *rules, const char *path)
{
	const char *names = exam_read_file(rules->arena, path, 256);

	return names && *names;
}

void exam_look_rules(struct arena *arena, struct exam_sight *sight)
{
	struct rules rules = {arena, sight};

	if (!sight->is_root) {
		sight->firewall_why = "that is for root alone";
		return;
	}
	read_nft(&rules);
	if (has_legacy(&rules, "/proc/net/ip_tables_names"))
		read_save(&rules, "iptables-legacy-save", FIREWALL_IPV4, FIREWALL_IPTABLES_LEGACY);
	if (has_legacy(&rules, "/proc/net/ip6_tables_names"))
		read_save(&rules, "ip6tables-legacy-save", FIREWALL_IPV6, FIREWALL_IPTABLES_LEGACY);
	if (has_legacy(&rules, "/proc/net/arp_tables_names"))
		read_save(&rules, "arptables-legacy-save", FIREWALL_ARP, FIREWALL_IPTABLES_LEGACY);
}
