/* The largest site that we know of, 2284 services with 37 000 servers: it compiles, and work grows
 * with the size, not with its square. Times are printed; what is asserted is the result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/nstime.h"
#include "config/codec.h"
#include "config/compile.h"
#include "config/diff.h"
#include "config/render.h"
#include "suite.h"

#define SERVICES 2284
#define SERVERS 37000

struct buffer {
	char *text;
	size_t used, size;
};

static void add_line(void *ctx, const char *line)
{
	struct buffer *out = ctx;
	size_t length = strlen(line);

	if (out->used + length + 1 > out->size) {
		out->size = (out->size + length + 1) * 2;
		out->text = realloc(out->text, out->size);
		ck_assert_ptr_nonnull(out->text);
	}
	memcpy(out->text + out->used, line, length);
	out->text[out->used + length] = '\n';
	out->used += length + 1;
}

static void add(struct buffer *out, const char *format, ...) PRINTF_LIKE(2, 3);
static void add(struct buffer *out, const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	add_line(out, line);
}

/* VIPs in instances of 200, services spread over them, servers in a /13 behind. */
static void generate(struct buffer *out)
{
	unsigned server = 0;

	add(out,
	    "directors: {lb1: {address: 10.255.0.1, priority: 150}, lb2: {address: 10.255.0.2}}");
	add(out, "checks: {web: {type: http, path: /health}, port: {type: tcp}}");
	add(out, "vrrp:");
	for (unsigned i = 0; i < SERVICES; i++) {
		if (i % 200 == 0) {
			add(out, "  - name: v%u", i / 200);
			add(out, "    interface: eth0");
			add(out, "    virtual_router_id: %u", i / 200 + 1);
			add(out, "    virtual_addresses:");
		}
		add(out, "      - 10.200.%u.%u/32", i / 250, i % 250 + 1);
	}
	add(out, "services:");
	for (unsigned i = 0; i < SERVICES; i++) {
		unsigned until = (unsigned)((unsigned long long)SERVERS * (i + 1) / SERVICES);

		add(out, "  - name: service%u", i);
		add(out, "    listen: 10.200.%u.%u:80", i / 250, i % 250 + 1);
		add(out, "    scheduler: wlc");
		add(out, "    check: %s", i % 2 ? "web" : "port");
		add(out, "    real_servers:");
		for (; server < until; server++)
			add(out, "      - {name: s%u, address: 10.%u.%u.%u, weight: %u}", server,
			    server / 62500, server / 250 % 250, server % 250 + 1, 1 + server % 10);
	}
}

static nstime now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (nstime)time.tv_sec * NSTIME_S + time.tv_nsec;
}

static nstime lap(const char *what, nstime since)
{
	nstime end = now();

	printf("%-8s %4lld ms\n", what, (long long)((end - since) / NSTIME_MS));
	fflush(stdout);
	return end;
}

static struct model *compile(struct arena *arena, const struct buffer *text, nstime *start)
{
	static const struct config_files files;
	struct diagnostics diagnostics;
	struct config_tree *tree;
	struct model *model;

	diagnostics_init(&diagnostics, arena);
	tree = config_load(arena, &files, "large.conf", text->text, text->used, &diagnostics);
	*start = lap("load", *start);
	ck_assert_ptr_nonnull(tree);
	model = config_compile(arena, tree, "lb1", 1, &diagnostics);
	*start = lap("compile", *start);
	ck_assert_uint_eq(diagnostics.errors, 0);
	return model;
}

START_TEST(the_largest_site_compiles)
{
	struct arena *arena = arena_new(0);
	struct buffer text = {0}, rendered = {0};
	struct model *model, *slice, *again;
	const uint8_t *bytes;
	nstime start;
	size_t size;

	generate(&text);
	start = now();
	model = compile(arena, &text, &start);
	ck_assert_ptr_nonnull(model);
	ck_assert_uint_eq(model->service_count, SERVICES);
	ck_assert_uint_eq(model->probe_count, SERVERS);
	ck_assert_uint_eq(model->services[SERVICES - 1].real_servers[0].probe_count, 1);
	ck_assert_int_eq(slice_encode(model, ROLE_CONTROL, arena, &bytes, &size), 0);
	start = lap("encode", start);
	ck_assert_int_eq(slice_decode(bytes, size, arena, &slice), 0);
	start = lap("decode", start);
	ck_assert(model_equal(model, slice));
	start = lap("compare", start);
	ck_assert_int_eq(config_render(model, arena, add_line, &rendered), 0);
	start = lap("render", start);
	again = compile(arena, &rendered, &start);
	ck_assert(again && model_equal(model, again));
	printf("%zu KiB of text, %zu KiB rendered, slice of %zu KiB, %zu MiB of arena\n",
	       text.used >> 10, rendered.used >> 10, size >> 10, arena_used(arena) >> 20);
	free(text.text);
	free(rendered.text);
	arena_free(arena);
}
END_TEST

int main(void)
{
	return SUITE_RUN("config size", CASE("size", the_largest_site_compiles));
}
