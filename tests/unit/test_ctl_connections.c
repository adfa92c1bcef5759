/* The kernel's connections: lines of /proc/net/ip_vs_conn, and which service they are of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/connections.h"
#include "ctl/paper.h"
#include "golden.h"
#include "suite.h"

/* As Linux 6.1 writes them. */
static const char *const lines[] = {
	"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n",
	"TCP C0A80864 9C40 C0A808C8 0050 C0A80814 0050 ESTABLISHED     899\n",
	"TCP C0A80864 9C41 C0A808C8 01BB C0A80814 01BB TIME_WAIT       119\n",
	"TCP C0A80864 9C42 C0A808C8 0050 C0A8081E 0050 SYN_RECV         59\n",
	"TCP C0A80864 0000 C0A808C8 0000 C0A8081E 0050 NONE            300\n",
	"UDP C0A80864 9C43 C0A808C8 0035 C0A80814 0035 UDP             299\n",
	"TCP 2001:0db8:0000:0000:0000:0000:0000:0100 9C44 2001:0db8:0000:0000:0000:0000:0000:0200 "
	"0050 "
	"2001:0db8:0000:0000:0000:0000:0000:0020 0050 ESTABLISHED     899\n",
	"IP  C0A80864 0000 00000007 0000 C0A80828 0000 ASSURED         300\n",
	"TCP C0A80864 9C45 C0A808C9 0016 C0A80828 0016 ESTABLISHED     899\n",
	"UDP C0A80864 13C4 C0A808C8 13C4 C0A80814 13C4 UDP             299 sip 123@example.org\n",
};

static json_t *services(void)
{
	return json_pack("[{s:s, s:s, s:[s, s], s:n, s:[{s:s}]},"
			 " {s:s, s:s, s:[s], s:n, s:[{s:s}]},"
			 " {s:s, s:s, s:[s], s:n, s:[{s:s}]},"
			 " {s:s, s:s, s:[], s:i, s:[{s:s}]}]",
			 "name", "web", "protocol", "tcp", "listen", "192.168.8.200:80",
			 "192.168.8.200:443", "fwmark", "real_servers", "address", "192.168.8.20",
			 "name", "dns", "protocol", "tcp,udp", "listen", "192.168.8.200:53",
			 "fwmark", "real_servers", "address", "192.168.8.20:53", "name", "six",
			 "protocol", "tcp", "listen", "[2001:db8::200]:80", "fwmark",
			 "real_servers", "address", "[2001:db8::20]:80", "name", "marked",
			 "protocol", "tcp", "listen", "fwmark", 7, "real_servers", "address",
			 "192.168.8.40");
}

static const char *service_of(const struct connections *all, const char *line)
{
	struct connection connection;

	ck_assert(connection_parse(line, &connection));
	return connections_service(all, &connection);
}

START_TEST(a_connection_belongs_to_its_listener_or_its_mark)
{
	static const char *const expected[] = {NULL,  "web", "web",    "web",	 NULL,
					       "dns", "six", "marked", "marked", NULL};
	json_t *known = services();
	struct connections *all = connections_new(known);

	for (size_t i = 1; i < COUNT_OF(lines); i++) {
		const char *name = service_of(all, lines[i]);

		ck_assert_msg(!name == !expected[i], "line %zu: %s", i, name ? name : "none");
		if (name)
			ck_assert_str_eq(name, expected[i]);
	}
	connections_free(all);
	json_decref(known);
}
END_TEST

START_TEST(what_is_no_connection_is_passed_over)
{
	static const char *const wrong[] = {
		"",
		"\n",
		"TCP",
		"TCP C0A80864 9C40 C0A808C8 0050 C0A80814 0050 ESTABLISHED\n",
		"TCP C0A8086 9C40 C0A808C8 0050 C0A80814 0050 ESTABLISHED 1\n",
		"TCP C0A80864x 9C40 C0A808C8 0050 C0A80814 0050 ESTABLISHED 1\n",
		"TCP 2001:db8::zz 9C40 C0A808C8 0050 C0A80814 0050 ESTABLISHED 1\n"};
	struct connection connection;

	ck_assert(!connection_parse(lines[0], &connection));
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_msg(!connection_parse(wrong[i], &connection), "%s", wrong[i]);
}
END_TEST

static struct connections *counted(const json_t *known)
{
	struct connections *all = connections_new(known);

	for (size_t i = 1; i < COUNT_OF(lines); i++) {
		struct connection connection;

		ck_assert(connection_parse(lines[i], &connection));
		ck_assert_int_eq(connections_count(all, &connection), 0);
	}
	return all;
}

START_TEST(connections_are_counted_by_service_and_server)
{
	json_t *known = services();
	struct connections *all = counted(known);
	struct paper paper = {0};
	char *text;
	size_t size;

	paper.out = open_memstream(&text, &size);
	connections_show(all, &paper);
	fclose(paper.out);
	golden_compare("ctl/connections.txt", text);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(paper_columns(line) <= PAPER_WIDTH, "too long: %s", line);
	free(text);
	connections_free(all);
	json_decref(known);
}
END_TEST

START_TEST(counts_are_an_array_of_objects)
{
	json_t *known = services(), *array, *expected;
	struct connections *all = counted(known);

	array = connections_json(all);
	expected = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i}", "service", "web", "server",
			     "192.168.8.30:80", "established", 0, "opening", 1, "closing", 0,
			     "other", 0, "persistent", 0);
	ck_assert_uint_eq(json_array_size(array), 9);
	ck_assert(json_equal(json_array_get(array, 6), expected));
	ck_assert(json_is_null(json_object_get(json_array_get(array, 7), "service")));
	json_decref(expected);
	json_decref(array);
	connections_free(all);
	json_decref(known);
}
END_TEST

START_TEST(one_connection_is_one_line)
{
	struct connection connection;
	struct paper paper = {0};
	char *text;
	size_t size;

	paper.out = open_memstream(&text, &size);
	ck_assert(connection_parse(lines[6], &connection));
	connection_show(&paper, &connection);
	ck_assert(connection_parse(lines[4], &connection));
	connection_show(&paper, &connection);
	fclose(paper.out);
	ck_assert_str_eq(text,
			 "tcp [2001:db8::100]:40004 to [2001:db8::200]:80 at [2001:db8::20]:80, "
			 "established, 899s left\n"
			 "tcp 192.168.8.100 to 192.168.8.200 at 192.168.8.30:80, "
			 "persistent, 300s left\n");
	free(text);
}
END_TEST

/* Whose process is not there cannot be asked; where the kernel has no IPVS there is nothing. */
START_TEST(a_namespace_that_cannot_be_seen_is_an_error)
{
	char error[CLIENT_ERROR];
	struct paper paper = {.out = stdout};

	ck_assert_int_eq(connections_run(0, NULL, NULL, &paper, false, error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error, "process 0): No such file"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("ctl-connections",
			 CASE("connections", a_connection_belongs_to_its_listener_or_its_mark,
			      what_is_no_connection_is_passed_over,
			      connections_are_counted_by_service_and_server,
			      counts_are_an_array_of_objects, one_connection_is_one_line,
			      a_namespace_that_cannot_be_seen_is_an_error));
}
