/* See the header. The command that sets up is told with the options that the doctor was given, so
 * that it can be copied. */
#include "rs-agent/consult_io.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "rs-agent/doctor.h"
#include "rs-agent/doctor_look_io.h"
#include "rs-agent/persist_io.h"
#include "rs-agent/report_io.h"
#include "rs-agent/store_io.h"
#include "rs-agent/wanted_io.h"

#define COMMAND 4096

/* A word for a shell. */
static void add_word(struct text *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789./:_-+,@%";

	if (*word && word[strspn(word, plain)] == '\0') {
		text_add(out, " %s", word);
		return;
	}
	text_add(out, " '");
	for (; *word; word++)
		if (*word == '\'')
			text_add(out, "'\\''");
		else
			text_add(out, "%c", *word);
	text_add(out, "'");
}

static void add_option(struct text *out, const char *name, const char *value)
{
	if (!value)
		return;
	text_add(out, " %s", name);
	add_word(out, value);
}

/* How packets come, as the options say it. */
static void add_way(struct text *out, const struct doctor_vip *vip)
{
	static const char *const tunnels[] = {
		[TUNNEL_IPIP] = "ipip", [TUNNEL_GUE] = "gue", [TUNNEL_GRE] = "gre"};
	char gateway[ADDR_TEXT];

	switch (vip->forwarding) {
	case FORWARDING_TUNNEL:
		text_add(out, " --forwarding tunnel --tunnel %s", tunnels[vip->tunnel.type]);
		if (vip->tunnel.type == TUNNEL_GUE)
			text_add(out, ":%d", vip->tunnel.port);
		else if (vip->tunnel.type == TUNNEL_GRE &&
			 vip->tunnel.checksum == TUNNEL_CHECKSUM_CSUM)
			text_add(out, ":csum");
		return;
	case FORWARDING_NAT:
		text_add(out, " --forwarding nat");
		if (vip->gateway.family)
			add_option(out, "--gateway", addr_format(&vip->gateway, gateway));
		return;
	case FORWARDING_DR:
	case FORWARDING_FULLNAT:
	case FORWARDING_LOCAL:
		return;
	}
}

static bool comes_alike(const struct doctor_vip *a, const struct doctor_vip *b)
{
	return a->forwarding == b->forwarding && addr_equal(&a->gateway, &b->gateway) &&
	       a->tunnel.type == b->tunnel.type && a->tunnel.port == b->tunnel.port &&
	       a->tunnel.checksum == b->tunnel.checksum;
}

/* VIPs by their addresses, each once. Those that come in another way than the first need a command
 * of their own, which the next look will tell. */
static void add_vips(struct text *out, const struct doctor_case *wanted)
{
	char address[ADDR_TEXT];

	for (size_t i = 0; i < wanted->vip_count; i++) {
		size_t j = 0;

		while (!addr_equal(&wanted->vips[j].address, &wanted->vips[i].address))
			j++;
		if (j == i && comes_alike(&wanted->vips[i], &wanted->vips[0]))
			add_option(out, "--vip", addr_format(&wanted->vips[i].address, address));
	}
	if (wanted->vip_count)
		add_way(out, &wanted->vips[0]);
}

static const char *setup_command(struct arena *arena, const struct consultation *about,
				 const struct doctor_case *wanted)
{
	const struct rs_options *options = about->options;
	char command[COMMAND];
	struct text out = text_of(command, sizeof(command));

	text_add(&out, "lbha-rs setup");
	if (options->given.vip_count || about->from_journal)
		add_vips(&out, wanted);
	add_option(&out, "-f", options->file);
	add_option(&out, "--service", options->service);
	if (options->arp == RS_ARP_FILTER)
		add_option(&out, "--arp", "filter");
	if (strcmp(options->state_dir, LBHA_STATEDIR))
		add_option(&out, "--state-dir", options->state_dir);
	return arena_strdup(arena, command);
}

/* ---- the case ---- */

static int case_of_command_line(struct arena *arena, const struct consultation *about,
				struct doctor_case *out)
{
	const struct addr *lacking;
	struct rs_wishes given;
	int err = rs_wishes_of_vips(arena, &about->options->given, about->addresses, &given,
				    &lacking);

	return err ? err : doctor_case_of_wishes(arena, &given, out);
}

static int case_of_journal(struct arena *arena, const struct consultation *about,
			   struct doctor_case *out)
{
	struct rs_scope scope = {.service = about->options->service};
	struct rs_wishes known, wishes;
	int err = rs_wishes_of_journal(arena, &about->store->set, &known);

	if (!err)
		err = rs_wishes_select(arena, &known, &scope, true, &wishes);
	return err ? err : doctor_case_of_wishes(arena, &wishes, out);
}

/* 0; -EINVAL: told to the report; -ENOMEM. */
static int find_case(struct arena *arena, const struct consultation *about, struct report *report,
		     struct doctor_case *out)
{
	const struct model *model;

	if (about->options->given.vip_count)
		return case_of_command_line(arena, about, out);
	if (about->from_journal)
		return case_of_journal(arena, about, out);
	model = wanted_model(arena, about->file, about->options->service, report);
	return model ? doctor_case_of_model(arena, model, about->options->service,
					    about->addresses, out)
		     : -EINVAL;
}

static enum doctor_lasting lasting(struct arena *arena, const struct rs_options *options)
{
	const char *program, *cwd, *folder;
	struct persist_found found;
	char why[PERSIST_WHY];

	if (!persist_is_at_home() || persist_places(arena, &program, &cwd) ||
	    persist_find(arena, &found, why))
		return DOCTOR_LASTING_UNKNOWN;
	folder = persist_absolute(arena, cwd, options->state_dir);
	return folder && found.is_enabled && persist_has(arena, &found, folder) == 1
		       ? DOCTOR_LASTS
		       : DOCTOR_PASSES;
}

static bool is_ill(const struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].severity == DOCTOR_PROBLEM)
			return true;
	return false;
}

static enum consult_outcome nothing(const struct consultation *about, struct report *report)
{
	if (!about->from_journal)
		return CONSULT_NOTHING;
	report_error(report,
		     about->store->standing == JOURNAL_OTHER_BOOT
			     ? "there is no %s, and what setup did went with an earlier boot"
			     : "there is no %s, and setup has done nothing here: what should be in "
			       "place is not known",
		     about->file);
	return CONSULT_FAILED;
}

enum consult_outcome consult(struct arena *arena, const struct consultation *about,
			     struct report *report)
{
	struct doctor_case wanted;
	struct doctor_sight sight;
	struct doctor_findings findings;
	int err = find_case(arena, about, report, &wanted);

	if (err == -EADDRNOTAVAIL)
		report_error(report, "this host has no address at which a tunnel could end");
	if (err == -EINVAL || err == -EADDRNOTAVAIL)
		return CONSULT_FAILED;
	if (!err && !wanted.vip_count)
		return nothing(about, report);
	if (!err) {
		wanted.journal = about->store->standing;
		wanted.lasting = lasting(arena, about->options);
		wanted.setup = setup_command(arena, about, &wanted);
		wanted.arp_filter = about->arp_filter;
		err = doctor_look(about->kernel, arena, &wanted, &sight);
	}
	if (!err)
		err = doctor_judge(arena, &wanted, &sight, &findings);
	if (err) {
		report_error(report, "cannot look at this host: %s", strerror(-err));
		return CONSULT_FAILED;
	}
	report_findings(report, &findings);
	return is_ill(&findings) ? CONSULT_ILL : CONSULT_WELL;
}
