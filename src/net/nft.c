/* See the header. Names of chains say what goes through them, so that a service more or less leaves
 * the others' lines as they were: "tcp_192.168.8.200_80", "tcp_2001-db8--200_443", "mark_0x50_ipv4". */
#include "net/nft.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/transport.h"
#include "net/nft_way.h"

/* ---- order ----------------------------------------------------------------------------------- */

static int order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int by_mark(const void *a, const void *b)
{
	const struct nft_mark *x = a, *y = b;
	int by = order(x->listen.address.family, y->listen.address.family);

	if (!by)
		by = order(x->protocol, y->protocol);
	return by ? by : endpoint_compare(&x->listen, &y->listen);
}

/* What a connection is known by: one chain for all that have it in common. */
static int by_chain(const struct nft_snat *x, const struct nft_snat *y)
{
	int by = order(x->mark, y->mark);

	if (!by)
		by = order(x->listen.address.family, y->listen.address.family);
	if (!by)
		by = order(x->protocol, y->protocol);
	return by ? by : endpoint_compare(&x->listen, &y->listen);
}

static int by_snat(const void *a, const void *b)
{
	const struct nft_snat *x = a, *y = b;
	int by = by_chain(x, y);

	return by ? by : endpoint_compare(&x->server, &y->server);
}

static int by_source(const struct nft_snat *x, const struct nft_snat *y)
{
	int by = order(x->source_count, y->source_count);

	for (size_t i = 0; i < x->source_count && !by; i++)
		by = addr_compare(&x->source[i], &y->source[i]);
	return by;
}

static size_t drop_doubles(void *items, size_t count, size_t size,
			   int (*compare)(const void *a, const void *b))
{
	char *at = items;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && !compare(at + (kept - 1) * size, at + i * size))
			continue;
		if (kept != i)
			memcpy(at + kept * size, at + i * size, size);
		kept++;
	}
	return kept;
}

void nft_rules_sort(struct nft_rules *rules)
{
	if (rules->mark_count)
		qsort(rules->marks, rules->mark_count, sizeof(*rules->marks), by_mark);
	if (rules->snat_count)
		qsort(rules->snats, rules->snat_count, sizeof(*rules->snats), by_snat);
	if (rules->way_count)
		qsort(rules->ways, rules->way_count, sizeof(*rules->ways), nft_way_order);
	rules->mark_count =
		drop_doubles(rules->marks, rules->mark_count, sizeof(*rules->marks), by_mark);
	rules->snat_count =
		drop_doubles(rules->snats, rules->snat_count, sizeof(*rules->snats), by_snat);
}

int nft_snats_merge(struct arena *arena, const struct nft_rules *first,
		    const struct nft_rules *second, struct nft_rules *out)
{
	size_t room = first->snat_count + second->snat_count, a = 0, b = 0, count = 0;
	struct nft_snat *snats = arena_array(arena, room + 1, sizeof(*snats));

	if (!snats)
		return -ENOMEM;
	while (a < first->snat_count || b < second->snat_count) {
		int by = a == first->snat_count	   ? 1
			 : b == second->snat_count ? -1
						   : by_snat(&first->snats[a], &second->snats[b]);

		b += by >= 0;
		snats[count++] = by > 0 ? second->snats[b - 1] : first->snats[a];
		a += by <= 0;
	}
	out->snats = snats;
	out->snat_count = count;
	return 0;
}

/* ---- pieces of text -------------------------------------------------------------------------- */

static const struct {
	uint8_t family;
	const char *header, *type, *name; /* in expressions, in sets, of nfproto */
} families[] = {{AF_INET, "ip", "ipv4_addr", "ipv4"}, {AF_INET6, "ip6", "ipv6_addr", "ipv6"}};

static size_t family_of(const struct addr *address)
{
	return address->family == AF_INET6;
}

/* An address as part of a chain's name. */
static void add_name(struct text *out, const struct addr *address)
{
	char text[ADDR_TEXT];

	addr_format(address, text);
	for (char *at = text; *at; at++)
		if (*at == ':')
			*at = '-';
	text_add(out, "%s", text);
}

static void add_chain_name(struct text *out, const struct nft_snat *snat)
{
	if (snat->mark) {
		text_add(out, "mark_0x%x_%s", snat->mark,
			 families[family_of(&snat->listen.address)].name);
		return;
	}
	text_add(out, "%s_", transport_name(snat->protocol));
	add_name(out, &snat->listen.address);
	text_add(out, snat->listen.port ? "_%u" : "_all", snat->listen.port);
}

/* ---- marks ----------------------------------------------------------------------------------- */

static void add_mark_map(struct text *out, const struct nft_rules *rules, size_t f)
{
	char address[ADDR_TEXT];
	bool open = false;

	for (size_t i = 0; i < rules->mark_count; i++) {
		const struct nft_mark *mark = &rules->marks[i];

		if (mark->listen.address.family != families[f].family)
			continue;
		if (!open)
			text_add(out,
				 "\tmap marks_%s {\n"
				 "\t\ttype inet_proto . %s . inet_service : mark\n"
				 "\t\telements = {\n",
				 families[f].header, families[f].type);
		open = true;
		text_add(out, "\t\t\t%s . %s . %u : 0x%08x,\n", transport_name(mark->protocol),
			 addr_format(&mark->listen.address, address), mark->listen.port,
			 mark->mark);
	}
	if (open)
		text_add(out, "\t\t}\n\t}\n");
}

static bool has_marks(const struct nft_rules *rules, size_t f)
{
	for (size_t i = 0; i < rules->mark_count; i++)
		if (rules->marks[i].listen.address.family == families[f].family)
			return true;
	return false;
}

static void add_marks(struct text *out, const struct nft_rules *rules)
{
	static const char *const hooks[] = {"prerouting", "output"};

	if (!rules->mark_count)
		return;
	for (size_t f = 0; f < COUNT_OF(families); f++)
		add_mark_map(out, rules, f);
	for (size_t h = 0; h < COUNT_OF(hooks); h++) {
		text_add(out,
			 "\tchain %s {\n"
			 "\t\ttype filter hook %s priority -150; policy accept;\n",
			 hooks[h], hooks[h]);
		for (size_t f = 0; f < COUNT_OF(families); f++)
			if (has_marks(rules, f))
				text_add(out,
					 "\t\tmeta mark set meta l4proto . %s daddr . th dport "
					 "map @marks_%s\n",
					 families[f].header, families[f].header);
		text_add(out, "\t}\n");
	}
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Several sources are spread over clients and their ports, alike on every try. */
static void add_sources(struct text *out, const struct nft_snat *snat)
{
	const char *header = families[family_of(&snat->listen.address)].header;
	char address[ADDR_TEXT];

	if (!snat->source_count) {
		text_add(out, "masquerade\n");
		return;
	}
	text_add(out, "snat %s to ", header);
	if (snat->source_count == 1) {
		text_add(out, "%s\n", addr_format(&snat->source[0], address));
		return;
	}
	text_add(out, "jhash %s saddr . th sport mod %zu seed 0x4c42 map {", header,
		 snat->source_count);
	for (size_t i = 0; i < snat->source_count; i++)
		text_add(out, "%s %zu : %s", i ? "," : "", i,
			 addr_format(&snat->source[i], address));
	text_add(out, " }\n");
}

/* One rule for those servers of a chain that have a port, or none, and the sources of `like`. */
static void add_rule(struct text *out, const struct nft_snat *snats, size_t count,
		     const struct nft_snat *like, bool with_port)
{
	const char *header = families[family_of(&like->listen.address)].header;
	char address[ADDR_TEXT];
	bool open = false;

	for (size_t i = 0; i < count; i++) {
		const struct endpoint *server = &snats[i].server;

		if (by_source(&snats[i], like) || !server->port == with_port)
			continue;
		if (!open)
			text_add(out, with_port ? "\t\t%s daddr . th dport {\n" : "\t\t%s daddr {\n",
				 header);
		open = true;
		text_add(out, "\t\t\t%s", addr_format(&server->address, address));
		text_add(out, with_port ? " . %u,\n" : ",\n", server->port);
	}
	if (!open)
		return;
	text_add(out, "\t\t} ");
	add_sources(out, like);
}

/* Whether an earlier one of the chain has the same sources, whose rules include it. */
static bool has_its_rule(const struct nft_snat *snats, size_t number)
{
	for (size_t i = 0; i < number; i++)
		if (!by_source(&snats[i], &snats[number]))
			return true;
	return false;
}

/* Exact ports first: they decide where a server is there with one and without. */
static void add_chain(struct text *out, const struct nft_snat *snats, size_t count)
{
	text_add(out, "\tchain ");
	add_chain_name(out, snats);
	text_add(out, " {\n");
	for (int with_port = 1; with_port >= 0; with_port--)
		for (size_t i = 0; i < count; i++)
			if (!has_its_rule(snats, i))
				add_rule(out, snats, count, &snats[i], with_port);
	text_add(out, "\t}\n");
}

static size_t chain_length(const struct nft_rules *rules, size_t from)
{
	size_t end = from + 1;

	while (end < rules->snat_count && !by_chain(&rules->snats[from], &rules->snats[end]))
		end++;
	return end - from;
}

/* A kind of map: connections of services with a mark, or of listeners of one protocol and family,
 * with a port or without. */
struct kind {
	bool by_mark, with_port;
	size_t family, protocol;
};

static bool is_of(const struct kind *kind, const struct nft_snat *snat)
{
	if (kind->by_mark || snat->mark)
		return kind->by_mark && snat->mark;
	return snat->protocol == transports[kind->protocol].number &&
	       snat->listen.address.family == families[kind->family].family &&
	       !snat->listen.port != kind->with_port;
}

static void add_kind_name(struct text *out, const struct kind *kind)
{
	if (kind->by_mark)
		text_add(out, "services");
	else
		text_add(out, "%s_%s%s", transports[kind->protocol].name,
			 families[kind->family].header, kind->with_port ? "" : "_all");
}

static void add_kind_head(struct text *out, const struct kind *kind)
{
	text_add(out, "\tmap ");
	add_kind_name(out, kind);
	if (kind->by_mark)
		text_add(out, " {\n\t\ttype nf_proto . mark : verdict\n");
	else
		text_add(out, " {\n\t\ttype %s%s : verdict\n", families[kind->family].type,
			 kind->with_port ? " . inet_service" : "");
	text_add(out, "\t\telements = {\n");
}

/* The map of a kind, which leads to the chains; false: there is nothing in it. */
static bool add_kind(struct text *out, const struct nft_rules *rules, const struct kind *kind)
{
	char address[ADDR_TEXT];
	bool open = false;

	for (size_t i = 0; i < rules->snat_count; i += chain_length(rules, i)) {
		const struct nft_snat *snat = &rules->snats[i];

		if (!is_of(kind, snat))
			continue;
		if (!open)
			add_kind_head(out, kind);
		open = true;
		if (snat->mark)
			text_add(out, "\t\t\t%s . 0x%08x",
				 families[family_of(&snat->listen.address)].name, snat->mark);
		else
			text_add(out, snat->listen.port ? "\t\t\t%s . %u" : "\t\t\t%s",
				 addr_format(&snat->listen.address, address), snat->listen.port);
		text_add(out, " : jump ");
		add_chain_name(out, snat);
		text_add(out, ",\n");
	}
	if (open)
		text_add(out, "\t\t}\n\t}\n");
	return open;
}

static void add_look_up(struct text *out, const struct kind *kind)
{
	const char *header = families[kind->family].header;

	if (kind->by_mark)
		text_add(out, "\t\tmeta nfproto . meta mark");
	else
		text_add(out, "\t\tmeta l4proto %s ct original %s daddr%s",
			 transports[kind->protocol].name, header,
			 kind->with_port ? " . ct original proto-dst" : "");
	text_add(out, " vmap @");
	add_kind_name(out, kind);
	text_add(out, "\n");
}

#define KINDS (1 + 2 * COUNT_OF(families) * TRANSPORTS)

/* Marks first, since IPVS looks for them first, then listeners with a port. */
static struct kind kind_of(size_t number)
{
	size_t rest = number ? number - 1 : 0;

	return (struct kind){.by_mark = !number,
			     .with_port = rest < (KINDS - 1) / 2,
			     .family = rest % COUNT_OF(families),
			     .protocol = rest / COUNT_OF(families) % TRANSPORTS};
}

static void add_snats(struct text *out, const struct nft_rules *rules)
{
	bool used[KINDS];

	if (!rules->snat_count)
		return;
	for (size_t i = 0, length; i < rules->snat_count; i += length) {
		length = chain_length(rules, i);
		add_chain(out, rules->snats + i, length);
	}
	for (size_t k = 0; k < KINDS; k++) {
		struct kind kind = kind_of(k);

		used[k] = add_kind(out, rules, &kind);
	}
	text_add(out, "\tchain postrouting {\n"
		      "\t\ttype nat hook postrouting priority 100; policy accept;\n");
	for (size_t k = 0; k < KINDS; k++) {
		struct kind kind = kind_of(k);

		if (used[k])
			add_look_up(out, &kind);
	}
	text_add(out, "\t}\n");
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* More than any text of such rules. */
static size_t room_for(const struct nft_rules *rules)
{
	size_t room = 8192 + rules->mark_count * 128 + nft_ways_room(rules);

	for (size_t i = 0; i < rules->snat_count; i++)
		room += 768 + rules->snats[i].source_count * 2 * (ADDR_TEXT + 32);
	return room;
}

const char *nft_text(struct arena *arena, const struct nft_rules *rules)
{
	size_t room = room_for(rules);
	char *buffer;
	struct text out;

	if (!rules->mark_count && !rules->snat_count && !rules->way_count)
		return "";
	buffer = arena_alloc(arena, room);
	if (!buffer)
		return NULL;
	out = text_of(buffer, room);
	text_add(&out, "table inet " NFT_TABLE " {\n");
	add_marks(&out, rules);
	add_snats(&out, rules);
	nft_ways_add(&out, rules);
	text_add(&out, "}\n");
	return out.cut ? NULL : buffer;
}

/* A table can be deleted only if it is there, so it is made first. */
const char *nft_transaction(struct arena *arena, const char *table)
{
	return arena_printf(arena, "add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\n%s",
			    table);
}

/* ---- differences ----------------------------------------------------------------------------- */

struct line {
	const char *text;
	size_t number;
	bool has_twin;
};

static int by_text(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int by = strcmp(x->text, y->text);

	return by ? by : order(x->number, y->number);
}

static int by_number(const void *a, const void *b)
{
	return order(((const struct line *)a)->number, ((const struct line *)b)->number);
}

/* The lines of a text that say something, after the name of what they are in, sorted by text. */
static struct line *lines_of(struct arena *arena, const char *text, size_t *count)
{
	struct line *lines = NULL;
	const char *within = "table";

	*count = 0;
	for (size_t length; *text; text += length + (text[length] == '\n')) {
		size_t blank = strspn(text, "\t");
		const char *inner = text + blank;
		struct line *line;

		length = strcspn(text, "\n");
		if (blank < 2 && inner[length - blank - 1] == '{') /* "chain x {" */
			within = arena_text(arena, inner, length - blank - 2);
		if (blank < 2 || length - blank < 2 || !strncmp(inner, "elements", 8))
			continue;
		line = arena_push(arena, &lines, count, sizeof(*line));
		if (!line)
			return NULL;
		line->number = *count;
		line->text = arena_printf(arena, "%s: %.*s", within ? within : "",
					  (int)(length - blank), inner);
	}
	if (arena_failed(arena))
		return NULL;
	if (*count)
		qsort(lines, *count, sizeof(*lines), by_text);
	return lines;
}

static void find_twins(struct line *a, size_t a_count, struct line *b, size_t b_count)
{
	for (size_t i = 0, j = 0; i < a_count && j < b_count;) {
		int by = strcmp(a[i].text, b[j].text);

		if (!by)
			a[i].has_twin = b[j].has_twin = true;
		i += by <= 0;
		j += by >= 0;
	}
}

static void tell(struct arena *arena, char sign, struct line *lines, size_t count,
		 void (*line)(void *ctx, const char *text), void *ctx)
{
	if (count)
		qsort(lines, count, sizeof(*lines), by_number);
	for (size_t i = 0; i < count; i++) {
		const char *text;

		if (lines[i].has_twin)
			continue;
		text = arena_printf(arena, "%c %s", sign, lines[i].text);
		if (text)
			line(ctx, text);
	}
}

int nft_text_changes(struct arena *arena, const char *before, const char *after,
		     void (*line)(void *ctx, const char *text), void *ctx)
{
	size_t old_count, new_count;
	struct line *old_lines = lines_of(arena, before, &old_count);
	struct line *new_lines = lines_of(arena, after, &new_count);

	if (arena_failed(arena))
		return -ENOMEM;
	find_twins(old_lines, old_count, new_lines, new_count);
	tell(arena, '-', old_lines, old_count, line, ctx);
	tell(arena, '+', new_lines, new_count, line, ctx);
	return 0;
}
