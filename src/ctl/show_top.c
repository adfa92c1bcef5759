/* See the header. */
#include "ctl/show_top.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/paper.h"

#define NAME_WIDTH 27
#define STATE_WIDTH 9

struct row {
	const json_t *object;
	const char *name;
	double active, inactive;
	double rate, in, out; /* a second; negative: not known */
};

const char *top_number(double value, char *out)
{
	static const char units[] = {0, 'k', 'M', 'G', 'T', 'P'};
	bool has_tenths = value < 9.95 && value > (double)(long long)value;
	size_t unit = 0;

	if (value < 0)
		return strcpy(out, "-");
	while (value >= 999.5 && unit + 1 < COUNT_OF(units)) {
		value /= 1000;
		unit++;
		has_tenths = value < 99.95;
	}
	snprintf(out, TOP_NUMBER, "%.*f%.1s", has_tenths, value, unit ? &units[unit] : "");
	return out;
}

/* ---- rows --------------------------------------------------------------------------- */

static double rate(const json_t *now, const json_t *before, const char *key, double seconds)
{
	const json_t *is = json_object_get(now, "stats"), *was = json_object_get(before, "stats");
	long long more = json_number(is, key) - json_number(was, key);

	if (!before || seconds <= 0)
		return -1;
	return more > 0 ? (double)more / seconds : 0;
}

static struct row row_of(const json_t *now, const json_t *before, double seconds)
{
	const json_t *connections = json_object_get(now, "connections");

	return (struct row){.object = now,
			    .name = json_text(now, "name"),
			    .active = (double)json_number(connections, "active"),
			    .inactive = (double)json_number(connections, "inactive"),
			    .rate = rate(now, before, "connections", seconds),
			    .in = rate(now, before, "bytes_in", seconds),
			    .out = rate(now, before, "bytes_out", seconds)};
}

/* The object of that name: at the same place, but after a reload. */
static const json_t *same(const json_t *array, size_t at, const char *name)
{
	const json_t *there = json_array_get(array, at);
	size_t i;

	if (there && !strcmp(json_text(there, "name"), name))
		return there;
	json_array_foreach (array, i, there)
		if (!strcmp(json_text(there, "name"), name))
			return there;
	return NULL;
}

static double key_of(const struct row *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_ACTIVE:
		return row->active;
	case TOP_RATE:
		return row->rate;
	case TOP_IN:
		return row->in;
	case TOP_OUT:
		return row->out;
	case TOP_NAME:
		break;
	}
	return 0;
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct row *x = a, *y = b;
	const struct top_view *view = ctx;
	double p = key_of(x, view->sort), q = key_of(y, view->sort);
	int order = strcmp(x->name, y->name);

	if (p != q)
		order = p > q ? -1 : 1;
	return view->reverse ? -order : order;
}

/* The rows of an array in their order, malloc'ed; NULL: none. */
static struct row *rows_of(const json_t *now, const json_t *before, double seconds,
			   const struct top_view *view)
{
	size_t count = json_array_size(now), at;
	struct row *rows = calloc(count ? count : 1, sizeof(*rows));
	const json_t *object;

	if (!rows)
		return NULL;
	json_array_foreach (now, at, object)
		rows[at] = row_of(object, same(before, at, json_text(object, "name")), seconds);
	qsort_r(rows, count, sizeof(*rows), compare, (void *)(uintptr_t)view);
	return rows;
}

/* ---- lines -------------------------------------------------------------------------- */

/* A name in its column, cut where it is too long. */
static void put_name(const struct paper *paper, enum ink ink, const char *indent, const char *name)
{
	size_t width = NAME_WIDTH - strlen(indent), columns = paper_columns(name), bytes;
	char part[PAPER_TEXT];

	if (columns <= width) {
		paper_put(paper, ink, "%s%s%*s", indent, name, (int)(width - columns), "");
		return;
	}
	bytes = paper_fitting(name, width - 1);
	snprintf(part, sizeof(part), "%.*s", (int)bytes, name);
	paper_put(paper, ink, "%s%s…%*s", indent, part, (int)(width - 1 - paper_columns(part)), "");
}

static void put_numbers(const struct paper *paper, const struct row *row)
{
	char active[TOP_NUMBER], inactive[TOP_NUMBER], rate[TOP_NUMBER], in[TOP_NUMBER],
		out[TOP_NUMBER];

	paper_put(paper, INK_PLAIN, " %7s %7s %8s %8s %8s\n", top_number(row->active, active),
		  top_number(row->inactive, inactive), top_number(row->rate, rate),
		  top_number(row->in, in), top_number(row->out, out));
}

static void put_service(const struct paper *paper, const struct row *row)
{
	const char *state = json_text(row->object, "state");

	put_name(paper, INK_HEAD, "", row->name);
	paper_put(paper, paper_ink(state), " %-9s", state);
	put_numbers(paper, row);
}

/* A weight in so many columns, shorter words for larger ones. */
static void shorten_weight(long long weight, size_t room, char *out)
{
	char *tenths;

	snprintf(out, TOP_NUMBER, "%lld", weight);
	if (strlen(out) <= room)
		return;
	top_number((double)weight, out);
	tenths = strchr(out, '.');
	if (tenths && strlen(out) > room)
		memmove(tenths, tenths + 2, strlen(tenths + 2) + 1);
}

static void put_server(const struct paper *paper, const struct row *row)
{
	const char *health = json_text(row->object, "health");
	const char *word = strcmp(health, "unknown") ? health : "?";
	int room = STATE_WIDTH - 1 - (int)strlen(word);
	char weight[TOP_NUMBER] = "out";

	if (json_truth(row->object, "in_table"))
		shorten_weight(json_number(row->object, "effective_weight"), (size_t)room, weight);
	put_name(paper, INK_PLAIN, json_truth(row->object, "sorry") ? "  sorry " : "  ", row->name);
	paper_put(paper, paper_ink(health), " %s", word);
	paper_put(paper, INK_PLAIN, " %-*s", room, weight);
	put_numbers(paper, row);
}

/* ---- the whole ---------------------------------------------------------------------- */

struct page {
	const struct paper *paper;
	const struct top_view *view;
	double seconds;
	size_t lines, left_out;
};

/* Whether there is room for another line, and one that says what is left out. */
static bool has_room(struct page *page)
{
	if (!page->view->lines || page->lines + 1 < page->view->lines) {
		page->lines++;
		return true;
	}
	page->left_out++;
	return false;
}

static void show_servers(struct page *page, const struct row *service, const json_t *before)
{
	const json_t *servers = json_object_get(service->object, "real_servers");
	struct row *rows = rows_of(servers, json_object_get(before, "real_servers"), page->seconds,
				   page->view);

	for (size_t i = 0; rows && i < json_array_size(servers); i++)
		if (has_room(page))
			put_server(page->paper, &rows[i]);
	free(rows);
}

static void show_rows(struct page *page, const json_t *services, const json_t *before)
{
	struct row *rows = rows_of(services, before, page->seconds, page->view);

	for (size_t i = 0; rows && i < json_array_size(services); i++) {
		if (has_room(page))
			put_service(page->paper, &rows[i]);
		if (!page->view->services_only)
			show_servers(page, &rows[i], same(before, i, rows[i].name));
	}
	free(rows);
}

void show_top(const struct paper *paper, const json_t *now, const json_t *before,
	      const struct top_view *view)
{
	static const char *const sorts[] = {[TOP_ACTIVE] = "active connections",
					    [TOP_RATE] = "new connections",
					    [TOP_IN] = "bytes in",
					    [TOP_OUT] = "bytes out",
					    [TOP_NAME] = "name"};
	const json_t *services = json_object_get(now, "services");
	struct page page = {.paper = paper, .view = view, .lines = 2};
	char time[PAPER_TEXT];

	if (before)
		page.seconds = (double)(json_number(now, "monotonic_ms") -
					json_number(before, "monotonic_ms")) /
			       1000;
	paper_put(paper, INK_DIM, "%s, %zu services by %s%s\n",
		  paper_time(json_object_get(now, "time"), time), json_array_size(services),
		  sorts[view->sort], view->reverse ? ", reversed" : "");
	paper_put(paper, INK_HEAD, "%-27s %-9s %7s %7s %8s %8s %8s\n", "SERVICE, SERVER", "STATE",
		  "ACTIVE", "INACT", "NEW/s", "IN B/s", "OUT B/s");
	show_rows(&page, services, json_object_get(before, "services"));
	if (page.left_out)
		paper_put(paper, INK_DIM, "and %zu more\n", page.left_out);
}
