/* See the header. To list a table that is not there is an error without a number, so all tables of
 * the family are listed: there are few. */
#include "rs-agent/arp_table_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "rs-agent/arp_filter.h"
#include "net/program_io.h"

static int run_nft(const char *const *words, const char *input, char **out, char *why)
{
	struct program_said said;
	int err = program_run(words, input, &said);

	if (err == -ENOENT)
		snprintf(why, ARP_TABLE_WHY,
			 "an ARP filter is made by the program nft, which is not there: install "
			 "the package nftables, or use --arp sysctl");
	else if (err)
		snprintf(why, ARP_TABLE_WHY, "%s", said.error);
	else
		*out = said.out;
	return err;
}

int arp_table_read(struct arena *arena, const char **out, char *why)
{
	static const char *const words[] = {"nft", "list", "ruleset", "arp", NULL};
	const char *table;
	char *ruleset;
	int err = run_nft(words, "", &ruleset, why);

	if (err)
		return err;
	table = arp_filter_listed(arena, ruleset);
	free(ruleset);
	if (!table) {
		snprintf(why, ARP_TABLE_WHY, "out of memory");
		return -ENOMEM;
	}
	*out = table;
	return 0;
}

int arp_table_write(struct arena *arena, const char *table, char *why)
{
	static const char *const words[] = {"nft", "-f", "-", NULL};
	const char *transaction = arp_filter_transaction(arena, table);
	char *said;
	int err;

	if (!transaction) {
		snprintf(why, ARP_TABLE_WHY, "out of memory");
		return -ENOMEM;
	}
	err = run_nft(words, transaction, &said, why);
	if (!err)
		free(said);
	return err;
}
