/* See the header. */
#include "net/firewall_look_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/firewall_nft_io.h"
#include "net/firewall_save.h"
#include "net/program_io.h"

struct look {
	struct arena *arena;
	struct firewall *out;
	const char *why;
};

/* What a program says of itself need not have its name. */
static void fail(struct look *look, const char *program, const char *why)
{
	const char *told = strstr(why, program) ? why : arena_printf(look->arena, "%s: %s", program, why);

	look->why = look->why ? arena_printf(look->arena, "%s; %s", look->why, told)
			      : arena_strdup(look->arena, told ? told : why);
}

/* What can be done about it. */
static const char *advice(struct look *look, const char *program, int error)
{
	if (error == -ENOENT)
		return arena_printf(look->arena, " (it is in the package %s)",
				    !strcmp(program, "nft")		       ? "nftables"
				    : !strncmp(program, "arptables-legacy", 16) ? "arptables"
										: "iptables");
	if (error == -EFBIG)
		return " (nft -t list ruleset shows the rules without what is in their sets)";
	return "";
}

/* NULL after telling why. */
static char *run(struct look *look, const char *const *words)
{
	struct program_said said;
	const char *what, *why;
	int err = program_run(words, "", &said);

	if (!err)
		return said.out;
	what = advice(look, words[0], err);
	why = arena_printf(look->arena, "%s%s", said.error, what ? what : "");
	fail(look, words[0], why ? why : said.error);
	return NULL;
}

static void read_save(struct look *look, const char *program, enum firewall_family family,
		      enum firewall_tool tool)
{
	const char *const words[] = {program, NULL};
	char *text = run(look, words);

	if (text)
		(void)firewall_read_save(look->arena, text, family, tool, look->out);
	free(text);
}

static void read_nft(struct look *look)
{
	static const char *const words[] = {"nft", "-j", "-n", "list", "ruleset", NULL};
	bool has_xtables = false;
	char *text = run(look, words);

	if (text && firewall_read_nft(look->arena, text, look->out, &has_xtables) == -EINVAL)
		fail(look, "nft", "what it lists as JSON is not understood");
	free(text);
	if (!has_xtables)
		return;
	read_save(look, "iptables-nft-save", FIREWALL_IPV4, FIREWALL_IPTABLES);
	read_save(look, "ip6tables-nft-save", FIREWALL_IPV6, FIREWALL_IPTABLES);
}

/* The kernel lists the tables that are there. */
static void read_legacy(struct look *look, const char *path, const char *program,
			enum firewall_family family)
{
	FILE *names = fopen(path, "re");

	if (!names)
		return;
	if (fgetc(names) != EOF)
		read_save(look, program, family, FIREWALL_IPTABLES_LEGACY);
	fclose(names);
}

const char *firewall_look(struct arena *arena, struct firewall *out)
{
	struct look look = {.arena = arena, .out = out};

	read_nft(&look);
	read_legacy(&look, "/proc/net/ip_tables_names", "iptables-legacy-save", FIREWALL_IPV4);
	read_legacy(&look, "/proc/net/ip6_tables_names", "ip6tables-legacy-save", FIREWALL_IPV6);
	read_legacy(&look, "/proc/net/arp_tables_names", "arptables-legacy-save", FIREWALL_ARP);
	return look.why;
}
