/* See the header. */
#include "ipvs/ipvs_nft_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "core/log.h"
#include "ipvs/contest.h"
#include "ipvs/nft.h"
#include "net/nft.h"
#include "net/owned_io.h"

#define CHANGES_LOGGED 10
#define TRIES 3

static const char *text_or_none(const char *text)
{
	return text ? text : "";
}

void ipvs_nft_init(struct ipvs_nft *nft, struct loop *loop, int fd,
		     const struct owned_set *file, void (*changed)(void *ctx), void *ctx)
{
	*nft = (struct ipvs_nft){.loop = loop, .fd = fd, .changed = changed, .ctx = ctx};
	for (size_t i = 0; i < file->count; i++) {
		const struct owned *line = &file->items[i];

		if (line->kind != OWNED_TABLE || line->gone || strcmp(line->table.name, NFT_TABLE) != 0)
			continue;
		nft->ours = true;
		nft->digest = line->table.digest;
	}
}

static void unwatch(struct ipvs_nft *nft)
{
	if (nft->watching)
		nft_watch_close(&nft->watch);
	nft->watching = false;
}

void ipvs_nft_fini(struct ipvs_nft *nft)
{
	unwatch(nft);
	free(nft->text);
	free(nft->listed);
	nft->text = nft->listed = NULL;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void on_touch(void *ctx)
{
	struct ipvs_nft *nft = ctx;

	nft->touched = true;
	nft->changed(nft->ctx);
}

static void watch(struct ipvs_nft *nft)
{
	if (nft->watching)
		return;
	nft->watching = !nft_watch_open(&nft->watch, nft->loop, on_touch, nft);
	if (!nft->watching)
		log_warning("changes of nftables rules by others are seen at each read-back only");
}

static unsigned touched(struct ipvs_nft *nft)
{
	return nft->watching ? nft_watch_drain(&nft->watch) : 0;
}

static int write_down(struct ipvs_nft *nft, bool gone)
{
	struct owned record = owned_of_table(gone, NFT_TABLE, 0);
	int error = nft->ours == !gone ? 0 : owned_append(nft->fd, &record, 1);

	if (!error && gone)
		nft->digest = 0;
	if (!error)
		nft->ours = !gone;
	return error;
}

static uint64_t digest_of(const char *text, const char *listed)
{
	return text_hash(text_hash(TEXT_HASH, text, strlen(text) + 1), listed, strlen(listed));
}

/* For the next run. Where this cannot be written the table is only made anew once more. */
static void write_digest(struct ipvs_nft *nft, const char *text)
{
	uint64_t digest = digest_of(text, nft->listed);
	struct owned record = owned_of_table(false, NFT_TABLE, digest);

	if (digest != nft->digest && !owned_append(nft->fd, &record, 1))
		nft->digest = digest;
}

static void set_error(struct ipvs_nft *nft, const char *why)
{
	struct text out = text_of(nft->error, sizeof(nft->error));

	if (strcmp(nft->error, why) != 0)
		log_error("cannot set the nftables rules: %s", why);
	text_add(&out, "%s", why);
}

/* The name is ours to use, whatever stands there. */
static void warn_of_stranger(const struct ipvs_nft *nft)
{
	char why[FACT_DETAIL], *found = NULL;

	if (nft->ours || nft_list(&found, why, sizeof(why)))
		return;
	if (*found)
		log_warning("there is a table inet " NFT_TABLE " in nftables that no run of lbhad "
			    "wrote down: it is replaced");
	free(found);
}

/* Puts the table in place and lists it, until nobody else touched it in between (as far as is known:
 * of a table too large to be told, nothing is). `made`: the transaction was carried out, whatever came
 * after it. */
static int put(struct ipvs_nft *nft, const char *transaction, bool *made, char *why, size_t room)
{
	int error = 0;

	for (int tries = 0; tries < TRIES && !error; tries++) {
		unsigned transactions;
		char *listed;

		touched(nft);
		error = nft_run(transaction, why, room);
		*made |= !error;
		if (!error)
			error = nft_list(&listed, why, room);
		if (error)
			break;
		free(nft->listed);
		nft->listed = listed;
		transactions = touched(nft);
		if (transactions <= 1 || transactions >= NFT_WATCH_LOST)
			break;
	}
	nft->touched = error != 0;
	return error;
}

static bool install(struct ipvs_nft *nft, const char *text)
{
	auto_arena *arena = arena_new(0);
	const char *transaction = arena ? nft_transaction(arena, text) : NULL;
	char why[FACT_DETAIL] = "no memory";
	int error = transaction ? 0 : -1;
	bool was_ours = nft->ours, made = false;

	if (!*text && !was_ours) {
		nft->error[0] = '\0'; /* about a table that is wanted no more */
		unwatch(nft);
		return true;
	}
	if (*text)
		watch(nft);
	if (!error && *text && (error = write_down(nft, false)))
		snprintf(why, sizeof(why), "the owned file: %s", strerror(-error));
	if (!error)
		error = put(nft, transaction, &made, why, sizeof(why));
	if (error) {
		if (!was_ours && !made)
			write_down(nft, true);
		set_error(nft, why);
		return false;
	}
	nft->error[0] = '\0';
	if (*text) {
		write_digest(nft, text);
	} else {
		write_down(nft, true);
		unwatch(nft);
	}
	return true;
}

/* Whether an earlier run left the kernel's table as it is wanted now, and nobody has changed it since:
 * then it goes on. The watch begins first, so that no change escapes both. */
static bool adopt(struct ipvs_nft *nft, const char *text)
{
	char why[FACT_DETAIL], *found;

	if (!nft->digest || nft->listed)
		return false;
	watch(nft);
	if (nft_list(&found, why, sizeof(why)))
		return false;
	if (digest_of(text, found) != nft->digest) {
		free(found);
		return false;
	}
	nft->listed = found;
	return true;
}

/* ---- from generation to generation --------------------------------------------------------------------- */

static void log_line(void *ctx, const char *text)
{
	unsigned *lines = ctx;

	if ((*lines)++ < CHANGES_LOGGED)
		log_debug("nftables table " NFT_TABLE ": %s", text);
}

/* Remembers what is wanted, in the kernel or not. */
static bool want(struct ipvs_nft *nft, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	free(nft->text);
	nft->text = copy;
	return true;
}

static void go_to(struct ipvs_nft *nft, struct arena *arena, const char *text)
{
	const char *before = text_or_none(nft->text);
	bool is_same = !strcmp(before, text);
	unsigned lines = 0;

	if (is_same && !nft->error[0] && (*text || !nft->ours))
		return;
	if (!is_same && !*before)
		warn_of_stranger(nft);
	if (*text && adopt(nft, text)) {
		if (want(nft, text))
			log_info("nftables table " NFT_TABLE ": as it was left, and as it is wanted");
		return;
	}
	if (!is_same)
		nft_text_changes(arena, before, text, log_line, &lines);
	if (!want(nft, text))
		return;
	if (!install(nft, text) || is_same)
		return;
	if (*text)
		log_info("nftables table " NFT_TABLE ": %u lines changed", lines);
	else
		log_info("nftables table " NFT_TABLE " removed: no rule is wanted any more");
}

void ipvs_nft_pass(struct ipvs_nft *nft, const struct ipvs_state *from,
		   const struct ipvs_state *to, bool is_programmed)
{
	auto_arena *arena = arena_new(0);
	const char *text = NULL;
	struct nft_rules wanted;

	if (arena && !ipvs_nft_between(arena, from ? from : to, to, is_programmed, &wanted))
		text = nft_text(arena, &wanted);
	if (text)
		go_to(nft, arena, text);
	else
		set_error(nft, "no memory");
}

void ipvs_nft_tell(const struct ipvs_state *from, const struct ipvs_state *to,
		   void (*line)(void *ctx, const char *text), void *ctx)
{
	auto_arena *arena = arena_new(0);
	struct nft_rules before, after;
	const char *old_text, *new_text;

	if (!arena || ipvs_nft_build(arena, from, &before) ||
	    ipvs_nft_build(arena, to, &after))
		return;
	old_text = nft_text(arena, &before);
	new_text = nft_text(arena, &after);
	if (old_text && new_text)
		nft_text_changes(arena, old_text, new_text, line, ctx);
}

/* ---- repair ---------------------------------------------------------------------------------- */

/* Whether the kernel has what it had after our transaction; not to know is as good as yes. */
static bool is_right(struct ipvs_nft *nft)
{
	char why[FACT_DETAIL], *now;
	bool same;

	if (nft->watching && !nft->touched)
		return true;
	nft->touched = false;
	if (nft_list(&now, why, sizeof(why))) {
		set_error(nft, why);
		return true;
	}
	same = nft->listed && !strcmp(now, nft->listed);
	free(now);
	return same;
}

static bool may_repair(struct ipvs_nft *nft, nstime now)
{
	enum contest_verdict verdict =
		contests_ask(nft->contests, contest_object("nft", NFT_TABLE), true, now);

	if (verdict != CONTEST_REPAIR)
		contests_tell(nft->contests, "the nftables table " NFT_TABLE, now);
	nft->touched |= verdict == CONTEST_WAIT; /* it is still to be done */
	return verdict != CONTEST_WAIT;
}

unsigned ipvs_nft_look(struct ipvs_nft *nft, nstime now)
{
	const char *text = text_or_none(nft->text);

	if (nft->error[0] || (!*text && nft->ours)) {
		install(nft, text);
		return 0;
	}
	if (!*text || is_right(nft) || !may_repair(nft, now))
		return 0;
	if (!install(nft, text))
		return 0;
	log_warning("somebody else changed the nftables table " NFT_TABLE "; repaired");
	return 1;
}

void ipvs_nft_remove(struct ipvs_nft *nft)
{
	if (!nft->ours)
		return;
	if (want(nft, "") && install(nft, ""))
		log_info("nftables table " NFT_TABLE " removed");
}
