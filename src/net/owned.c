/* Lines of the owned file. A field never holds a blank (addresses, numbers, interface names and
 * sysctl paths do not), so a line is words between single blanks. What this build does not
 * understand is kept, never dropped: a newer lbha may have written it, and forgetting it would
 * leave its thing in the kernel for good. */
#include "net/owned.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/transport.h"

#define WORDS_MAX 8
#define TORN "torn" /* of OWNED_TORN: no word that ends a line of ours */

struct words {
	char room[OWNED_LINE];
	const char *word[WORDS_MAX];
	size_t count;
};

/* ---- records to lines ---- */

static const char *name_or_none(const char *name)
{
	return name[0] && strcmp(name, TORN) != 0 ? name : "?";
}

static int format_route(char sign, const struct owned_route *owned, char *out)
{
	const struct route *route = &owned->route;
	char to[PREFIX_TEXT], via[ADDR_TEXT] = "-";

	if (route->via.family)
		addr_format(&route->via, via);
	return snprintf(out, OWNED_LINE,
			"%c route %" PRIu32 " %s %s %s %" PRIu32 " %" PRIu32 "\n", sign,
			route->link, name_or_none(owned->name), prefix_format(&route->to, to), via,
			route->metric, route->table);
}

static int format_service(char sign, const struct owned_service *service, char *out)
{
	char text[ENDPOINT_TEXT];

	if (service->mark)
		return snprintf(out, OWNED_LINE, "%c service mark %" PRIu32 " %s\n", sign,
				service->mark,
				service->endpoint.address.family == AF_INET6 ? "ipv6" : "ipv4");
	return snprintf(out, OWNED_LINE, "%c service %s %s\n", sign,
			transport_name(service->protocol),
			endpoint_format(&service->endpoint, text));
}

static int format_link(char sign, const struct owned_link *link, char *out)
{
	const char *parent = name_or_none(link->parent);

	if (link->alias)
		return snprintf(out, OWNED_LINE, "%c link %s %s %016" PRIx64 "\n", sign,
				link->name, parent, link->alias);
	return snprintf(out, OWNED_LINE, "%c link %s %s\n", sign, link->name, parent);
}

static int format_table(char sign, const struct owned_table *table, char *out)
{
	const char *family = table->arp ? "arp" : "inet";

	if (table->digest)
		return snprintf(out, OWNED_LINE, "%c table %s %s %016" PRIx64 "\n", sign, family,
				table->name, table->digest);
	return snprintf(out, OWNED_LINE, "%c table %s %s\n", sign, family, table->name);
}

size_t owned_format(const struct owned *record, char *out)
{
	char text[ENDPOINT_TEXT];
	char sign = record->gone ? '-' : '+';
	int length = 0;

	switch (record->kind) {
	case OWNED_ADDRESS:
	case OWNED_FOREIGN:
		length = snprintf(out, OWNED_LINE, "%c %s %" PRIu32 " %s %s\n", sign,
				  record->kind == OWNED_ADDRESS ? "address" : "foreign",
				  record->address.link, name_or_none(record->address.name),
				  prefix_format(&record->address.prefix, text));
		break;
	case OWNED_SYSCTL:
		length = snprintf(out, OWNED_LINE, "%c sysctl %s %" PRId64 " %" PRId64 "\n", sign,
				  record->sysctl.path, record->sysctl.former, record->sysctl.set);
		break;
	case OWNED_SERVICE:
		length = format_service(sign, &record->service, out);
		break;
	case OWNED_ROUTE:
		length = format_route(sign, &record->route, out);
		break;
	case OWNED_TIMEOUT:
		length = snprintf(out, OWNED_LINE, "%c timeout %s %" PRIu32 " %" PRIu32 "\n", sign,
				  record->timeout.name, record->timeout.former,
				  record->timeout.set);
		break;
	case OWNED_SYNC:
		length = snprintf(out, OWNED_LINE, "%c sync %s %" PRIu32 " %s %" PRIu32 "\n", sign,
				  record->sync.role, record->sync.link,
				  name_or_none(record->sync.name), record->sync.id);
		break;
	case OWNED_LINK:
		length = format_link(sign, &record->link, out);
		break;
	case OWNED_TABLE:
		length = format_table(sign, &record->table, out);
		break;
	case OWNED_ROUTING:
		length = snprintf(out, OWNED_LINE, "%c routing %s %" PRIu32 "\n", sign,
				  record->routing.family == AF_INET6 ? "ipv6" : "ipv4",
				  record->routing.table);
		break;
	case OWNED_PORT:
		length = snprintf(out, OWNED_LINE, "%c port %s %" PRIu16 "\n", sign,
				  record->port.family == AF_INET6 ? "ipv6" : "ipv4",
				  record->port.port);
		break;
	case OWNED_KEEP:
		length = snprintf(out, OWNED_LINE, "%c keep ipvs\n", sign);
		break;
	case OWNED_WISH:
		length = snprintf(out, OWNED_LINE, "%c wish %s\n", sign, record->line);
		break;
	case OWNED_OTHER:
		*out = '\0'; /* of any length: whoever writes the file copies it */
		break;
	}
	return (size_t)length;
}

/* ---- lines to records ---- */

static bool words_split(const char *text, struct words *out)
{
	char *at = out->room;

	if (strlen(text) >= sizeof(out->room))
		return false;
	memcpy(out->room, text, strlen(text) + 1);
	for (out->count = 0; at; out->count++) {
		if (out->count == WORDS_MAX || !*at || *at == ' ')
			return false;
		out->word[out->count] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	}
	return true;
}

static bool number_parse(const char *text, int64_t *out)
{
	char *end;
	long long value = strtoll(text, &end, 10);

	*out = value;
	return *text && !*end;
}

static bool parse_address(const struct words *words, struct owned_address *out)
{
	int64_t link;

	if (words->count != 5 || !number_parse(words->word[2], &link) || link <= 0 ||
	    link > INT32_MAX || strlen(words->word[3]) >= LINK_NAME ||
	    prefix_parse(words->word[4], &out->prefix))
		return false;
	out->link = (uint32_t)link;
	snprintf(out->name, sizeof(out->name), "%s", words->word[3]);
	return true;
}

static bool parse_sysctl(const struct words *words, struct owned_sysctl *out)
{
	if (words->count != 5 || strlen(words->word[2]) >= SYSCTL_PATH)
		return false;
	snprintf(out->path, sizeof(out->path), "%s", words->word[2]);
	return number_parse(words->word[3], &out->former) &&
	       number_parse(words->word[4], &out->set);
}

static bool number_parse_u32(const char *text, uint32_t *out)
{
	int64_t number;

	if (!number_parse(text, &number) || number < 0 || number > UINT32_MAX)
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool parse_family(const char *text, uint8_t *out)
{
	if (strcmp(text, "ipv4") != 0 && strcmp(text, "ipv6") != 0)
		return false;
	*out = text[3] == '6' ? AF_INET6 : AF_INET;
	return true;
}

static bool parse_mark(const struct words *words, struct owned_service *out)
{
	if (!parse_family(words->word[4], &out->endpoint.address.family))
		return false;
	return number_parse_u32(words->word[3], &out->mark) && out->mark;
}

static bool parse_service(const struct words *words, struct owned_service *out)
{
	if (words->count == 5 && !strcmp(words->word[2], "mark"))
		return parse_mark(words, out);
	if (words->count != 4)
		return false;
	out->protocol = transport_number(words->word[2]);
	return out->protocol && !endpoint_parse(words->word[3], &out->endpoint);
}

static bool parse_timeout(const struct words *words, struct owned_timeout *out)
{
	if (words->count != 5 || strlen(words->word[2]) >= sizeof(out->name))
		return false;
	snprintf(out->name, sizeof(out->name), "%s", words->word[2]);
	return number_parse_u32(words->word[3], &out->former) &&
	       number_parse_u32(words->word[4], &out->set);
}

static bool parse_sync(const struct words *words, struct owned_sync *out)
{
	if (words->count != 6 || strlen(words->word[2]) >= sizeof(out->role) ||
	    strlen(words->word[4]) >= LINK_NAME)
		return false;
	snprintf(out->role, sizeof(out->role), "%s", words->word[2]);
	snprintf(out->name, sizeof(out->name), "%s", words->word[4]);
	return number_parse_u32(words->word[3], &out->link) &&
	       number_parse_u32(words->word[5], &out->id);
}

static bool parse_route(const struct words *words, struct owned_route *out)
{
	struct addr via = {0};
	struct prefix to;
	uint32_t link, metric, table;

	if (words->count != 8 || !number_parse_u32(words->word[2], &link) || !link ||
	    strlen(words->word[3]) >= LINK_NAME || prefix_parse(words->word[4], &to) ||
	    (strcmp(words->word[5], "-") != 0 && addr_parse(words->word[5], &via)) ||
	    !number_parse_u32(words->word[6], &metric) || !number_parse_u32(words->word[7], &table))
		return false;
	out->route = route_ours(link, &to, &via, metric, table);
	snprintf(out->name, sizeof(out->name), "%s", words->word[3]);
	return true;
}

static bool parse_digest(const char *text, uint64_t *out)
{
	char *end;

	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	*out = strtoull(text, &end, 16);
	return *out != 0;
}

static bool parse_link(const struct words *words, struct owned_link *out)
{
	if (words->count < 4 || words->count > 5 || !link_name_valid(words->word[2]) ||
	    strlen(words->word[3]) >= LINK_NAME)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", words->word[2]);
	snprintf(out->parent, sizeof(out->parent), "%s", words->word[3]);
	return words->count == 4 || parse_digest(words->word[4], &out->alias);
}

static bool parse_table(const struct words *words, struct owned_table *out)
{
	if (words->count < 4 || words->count > 5)
		return false;
	out->arp = !strcmp(words->word[2], "arp");
	if ((!out->arp && strcmp(words->word[2], "inet") != 0) ||
	    strlen(words->word[3]) >= sizeof(out->name))
		return false;
	snprintf(out->name, sizeof(out->name), "%s", words->word[3]);
	return words->count == 4 || parse_digest(words->word[4], &out->digest);
}

static bool parse_routing(const struct words *words, struct owned_routing *out)
{
	return words->count == 4 && parse_family(words->word[2], &out->family) &&
	       number_parse_u32(words->word[3], &out->table);
}

static bool parse_port(const struct words *words, struct owned_port *out)
{
	uint32_t port;

	if (words->count != 4 || !parse_family(words->word[2], &out->family) ||
	    !number_parse_u32(words->word[3], &port) || !port || port > UINT16_MAX)
		return false;
	out->port = (uint16_t)port;
	return true;
}

static bool record_parse(const struct words *words, struct owned *record)
{
	const char *kind = words->word[1];

	if (!strcmp(kind, "address") || !strcmp(kind, "foreign")) {
		record->kind = *kind == 'a' ? OWNED_ADDRESS : OWNED_FOREIGN;
		return parse_address(words, &record->address);
	}
	if (!strcmp(kind, "sysctl")) {
		record->kind = OWNED_SYSCTL;
		return parse_sysctl(words, &record->sysctl);
	}
	if (!strcmp(kind, "service")) {
		record->kind = OWNED_SERVICE;
		return parse_service(words, &record->service);
	}
	if (!strcmp(kind, "route")) {
		record->kind = OWNED_ROUTE;
		return parse_route(words, &record->route);
	}
	if (!strcmp(kind, "timeout")) {
		record->kind = OWNED_TIMEOUT;
		return parse_timeout(words, &record->timeout);
	}
	if (!strcmp(kind, "sync")) {
		record->kind = OWNED_SYNC;
		return parse_sync(words, &record->sync);
	}
	if (!strcmp(kind, "table")) {
		record->kind = OWNED_TABLE;
		return parse_table(words, &record->table);
	}
	if (!strcmp(kind, "routing")) {
		record->kind = OWNED_ROUTING;
		return parse_routing(words, &record->routing);
	}
	if (!strcmp(kind, "port")) {
		record->kind = OWNED_PORT;
		return parse_port(words, &record->port);
	}
	if (!strcmp(kind, "keep")) {
		record->kind = OWNED_KEEP;
		return words->count == 3 && !strcmp(words->word[2], "ipvs");
	}
	if (!strcmp(kind, "wish")) {
		record->kind = OWNED_WISH;
		return true;
	}
	if (!strcmp(kind, "link")) {
		record->kind = OWNED_LINK;
		return parse_link(words, &record->link);
	}
	return false;
}

/* A cut may leave words that make sense with it: "+ link eth0-v4-51 torn". */
static bool is_torn(const struct words *words)
{
	return !strcmp(words->word[words->count - 1], TORN);
}

struct owned owned_parse_line(const char *text)
{
	struct owned record = {0};
	struct words words;
	bool understood = false;

	if (words_split(text, &words) && words.count > 2 && strlen(words.word[0]) == 1 &&
	    strchr("+-", *words.word[0])) {
		record.gone = *words.word[0] == '-';
		understood = !is_torn(&words) && record_parse(&words, &record);
		if (record.kind == OWNED_WISH)
			record.line = text + strlen("+ wish ");
	}
	return understood ? record : (struct owned){.kind = OWNED_OTHER, .line = text};
}

/* ---- the file ---- */

/* Keys in order of kind; comparing them is what makes two lines speak of the same thing. */
static int owned_compare(const struct owned *a, const struct owned *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	switch (a->kind) {
	case OWNED_ADDRESS:
	case OWNED_FOREIGN:
		if (a->address.link != b->address.link)
			return a->address.link < b->address.link ? -1 : 1;
		return address_compare_prefixes(&a->address.prefix, &b->address.prefix);
	case OWNED_SYSCTL:
		return strcmp(a->sysctl.path, b->sysctl.path);
	case OWNED_SERVICE:
		if (a->service.protocol != b->service.protocol)
			return a->service.protocol < b->service.protocol ? -1 : 1;
		if (a->service.mark != b->service.mark)
			return a->service.mark < b->service.mark ? -1 : 1;
		return endpoint_compare(&a->service.endpoint, &b->service.endpoint);
	case OWNED_ROUTE:
		return route_compare(&a->route.route, &b->route.route);
	case OWNED_LINK:
		return strcmp(a->link.name, b->link.name);
	case OWNED_TIMEOUT:
		return strcmp(a->timeout.name, b->timeout.name);
	case OWNED_SYNC:
		return strcmp(a->sync.role, b->sync.role);
	case OWNED_TABLE:
		if (a->table.arp != b->table.arp)
			return a->table.arp ? 1 : -1;
		return strcmp(a->table.name, b->table.name);
	case OWNED_ROUTING:
		if (a->routing.family != b->routing.family)
			return a->routing.family < b->routing.family ? -1 : 1;
		return (a->routing.table > b->routing.table) - (a->routing.table < b->routing.table);
	case OWNED_PORT:
		if (a->port.family != b->port.family)
			return a->port.family < b->port.family ? -1 : 1;
		return (a->port.port > b->port.port) - (a->port.port < b->port.port);
	case OWNED_KEEP:
		return 0;
	case OWNED_WISH:
	case OWNED_OTHER:
		break;
	}
	return strcmp(a->line, b->line);
}

bool owned_same(const struct owned *a, const struct owned *b)
{
	return !owned_compare(a, b);
}

struct line {
	struct owned record;
	size_t order;
};

static int line_compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = owned_compare(&x->record, &y->record);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int line_compare_order(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* All complete lines of the text, as records, in order. */
static struct line *lines_read(struct arena *arena, const char *text, size_t length, size_t *count)
{
	struct line *lines = NULL;
	const char *end;

	*count = 0;
	for (; length && (end = memchr(text, '\n', length));
	     length -= (size_t)(end + 1 - text), text = end + 1) {
		char *one = arena_text(arena, text, (size_t)(end - text));
		struct line *line;

		if (!one)
			return NULL;
		if (!*one)
			continue;
		line = arena_push(arena, &lines, count, sizeof(*lines));
		if (!line)
			return NULL;
		*line = (struct line){.record = owned_parse_line(one), .order = *count};
	}
	return lines;
}

/* Lines about one thing, sorted by age, become one record: the last counts, but a sysctl that was
 * set again without having been put back keeps the value from before the first time. */
static struct owned lines_fold(const struct line *lines, size_t count)
{
	struct owned record = lines[count - 1].record;
	const struct owned *since = NULL;

	for (size_t i = 0; i < count; i++)
		if (lines[i].record.gone)
			since = NULL;
		else if (!since)
			since = &lines[i].record;
	if (since && record.kind == OWNED_SYSCTL)
		record.sysctl.former = since->sysctl.former;
	return record;
}

int owned_parse(struct arena *arena, const char *text, size_t length, struct owned_set *out)
{
	size_t count, kept = 0;
	struct line *lines = lines_read(arena, text, length, &count);
	struct owned_set set = {0};

	if (arena_failed(arena))
		return -ENOMEM;
	if (count)
		qsort(lines, count, sizeof(*lines), line_compare);
	for (size_t i = 0, same; i < count; i += same) {
		struct line folded = lines[i];

		for (same = 1;
		     i + same < count && owned_same(&folded.record, &lines[i + same].record);)
			same++;
		folded.record = lines_fold(lines + i, same);
		if (!folded.record.gone)
			lines[kept++] = folded;
	}
	if (kept)
		qsort(lines, kept, sizeof(*lines), line_compare_order);
	set.items = arena_array(arena, kept + 1, sizeof(*set.items));
	if (!set.items)
		return -ENOMEM;
	for (; set.count < kept; set.count++)
		set.items[set.count] = lines[set.count].record;
	*out = set;
	return 0;
}

int owned_addresses(struct arena *arena, const struct owned_set *set, struct address_list *out)
{
	struct address_list list = {
		.items = arena_array(arena, set->count + 1, sizeof(*list.items))};

	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind == OWNED_ADDRESS)
			list.items[list.count++] = address_ours(set->items[i].address.link,
								&set->items[i].address.prefix);
	*out = list;
	return 0;
}

int owned_routes(struct arena *arena, const struct owned_set *set, struct route_list *out)
{
	struct route_list list = {
		.items = arena_array(arena, set->count + 1, sizeof(*list.items))};

	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind == OWNED_ROUTE)
			list.items[list.count++] = set->items[i].route.route;
	*out = list;
	return 0;
}

struct owned owned_of_address(bool gone, const struct address *address, const char *link_name)
{
	struct owned record = {.gone = gone, .kind = OWNED_ADDRESS};

	record.address.link = address->link;
	record.address.prefix = address->prefix;
	snprintf(record.address.name, sizeof(record.address.name), "%s",
		 link_name ? link_name : "");
	return record;
}

struct owned owned_of_route(bool gone, const struct route *route, const char *link_name)
{
	struct owned record = {.gone = gone, .kind = OWNED_ROUTE};

	record.route.route = *route;
	snprintf(record.route.name, sizeof(record.route.name), "%s", link_name ? link_name : "");
	return record;
}

struct owned owned_of_link(bool gone, const char *name, const char *parent)
{
	struct owned record = {.gone = gone, .kind = OWNED_LINK};

	snprintf(record.link.name, sizeof(record.link.name), "%s", name);
	snprintf(record.link.parent, sizeof(record.link.parent), "%s", parent);
	return record;
}

struct owned owned_of_sysctl(bool gone, const struct sysctl_op *op)
{
	struct owned record = {.gone = gone, .kind = OWNED_SYSCTL};

	memcpy(record.sysctl.path, op->path, sizeof(record.sysctl.path));
	record.sysctl.former = op->former;
	record.sysctl.set = op->value;
	return record;
}

struct owned owned_of_service(bool gone, uint8_t protocol, const struct endpoint *endpoint)
{
	struct owned record = {.gone = gone, .kind = OWNED_SERVICE};

	record.service.protocol = protocol;
	record.service.endpoint = *endpoint;
	return record;
}

struct owned owned_of_mark(bool gone, uint32_t mark, uint8_t family)
{
	struct owned record = {.gone = gone, .kind = OWNED_SERVICE};

	record.service.mark = mark;
	record.service.endpoint.address.family = family;
	return record;
}

struct owned owned_of_table(bool gone, const char *name, uint64_t digest)
{
	struct owned record = {.gone = gone, .kind = OWNED_TABLE, .table.digest = digest};

	snprintf(record.table.name, sizeof(record.table.name), "%s", name);
	return record;
}

struct owned owned_of_arp_table(bool gone, const char *name, uint64_t digest)
{
	struct owned record = owned_of_table(gone, name, digest);

	record.table.arp = true;
	return record;
}
