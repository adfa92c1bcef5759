/* ipvsadm -S and ldirectord.cf as lbha.conf: lines in, lines out, and what is told. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/draft.h"
#include "convert/ipvsadm_import.h"
#include "convert/ldirectord_import.h"
#include "suite.h"

static char said[4096], written[16384];
static struct text said_text, written_text;

static bool find_address(UNUSED void *ctx, const char *name, uint8_t family, struct addr *out)
{
	if (strcmp(name, "web.example") != 0 || (family && family != AF_INET))
		return false;
	*out = addr_from_ipv4(0x0a000063);
	return true;
}

static bool find_port(UNUSED void *ctx, const char *name, const char *protocol, uint16_t *out)
{
	*out = !strcmp(name, "http") && !strcmp(protocol, "tcp") ? 80 : 0;
	return *out;
}

static void say(UNUSED void *ctx, enum import_severity severity, UNUSED const char *file, uint32_t line,
		const char *text)
{
	text_add(&said_text, "%s %u %s\n", severity == IMPORT_WARNING ? "warning" : "note", line, text);
}

static void put_line(UNUSED void *ctx, const char *text)
{
	text_add(&written_text, "%s\n", text);
}

/* What an import makes of a text; false: nothing. */
static bool import_from(bool is_table, const char *text)
{
	static const struct import_names names = {find_address, find_port, NULL};
	const struct import_report report = {say, NULL};
	struct arena *arena = arena_new(0);
	struct draft *draft;

	said[0] = written[0] = '\0';
	said_text = text_of(said, sizeof(said));
	draft = (is_table ? ipvsadm_import : ldirectord_import)(arena, "f", text, &names, &report);

	if (draft) {
		written_text = text_of(written, sizeof(written));
		ck_assert_int_eq(draft_write(draft, arena, put_line, NULL), 0);
	}
	arena_free(arena);
	return draft;
}

static const struct {
	const char *from, *line, *told; /* NULL: nothing is told */
} lines[] = {
	{"-A -t 10.0.0.1:80 -s wlc", "    listen: 10.0.0.1:80\n    scheduler: wlc\n    real_servers: []\n", NULL},
	{"ipvsadm -A -u [2001:db8::1]:53 -s rr -o", "    listen: \"[2001:db8::1]:53\"\n    protocol: udp\n    scheduler: rr\n    one_packet: true\n", NULL},
	{"-A --sctp-service 10.0.0.1:80", "    protocol: sctp\n    scheduler: wlc\n", NULL},
	{"-A -f 5 -s rr", "  - name: mark-5\n    fwmark: 5\n    family: ipv4\n", NULL},
	{"-A -f 5 -6 -s rr", "  - name: mark-5-ipv6\n    fwmark: 5\n    family: ipv6\n", NULL},
	{"-A -t web.example:http", "listen: 10.0.0.99:80\n", "note 1 host web.example is written as the address that it has now, 10.0.0.99\n"},
	{"-A -t 10.0.0.1:0 -s rr -p 600", "    listen: 10.0.0.1\n    scheduler: rr\n    persistence: 600s\n", NULL},
	{"-A -t 10.0.0.1:80 -p", "persistence: 300s\n", NULL},
	{"-A -t 10.0.0.1:80 -p 60 -M 255.255.255.0", "persistence: {timeout: 60s, prefix: 24}\n", NULL},
	{"-A -t 10.0.0.1:80 -p 60 -M 255.255.255.255", "persistence: 60s\n", NULL},
	{"-A -t 10.0.0.1:80 -p 60 -M 255.0.255.0", "persistence: 60s\n", "warning 1 netmask 255.0.255.0: lbha knows clients by a prefix of one bit or more\n"},
	{"-A -u 10.0.0.1:5060 -p 60 --pe sip", "persistence: {timeout: 60s, engine: sip}\n", NULL},
	{"-A -t 10.0.0.1:80 -s sh", "scheduler: sh\n    flags: []\n", NULL},
	{"-A -t 10.0.0.1:80 -s sh -b flag-1,flag-2", "flags: [sh-fallback, sh-port]\n", NULL},
	{"-A -t 10.0.0.1:80 -s mh -b mh-port,flag-1", "flags: [mh-fallback, mh-port]\n", NULL},
	{"-A -t 10.0.0.1:80 -s rr -b flag-3", "scheduler: rr\n", "warning 1 scheduler rr has no flag flag-3; it is left out\n"},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -g -w 1", "forwarding: dr\n    real_servers:\n      - 10.0.0.2\n", NULL},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -m", "forwarding: nat\n    real_servers:\n      - 10.0.0.2:8080\n", NULL},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -g", "      - 10.0.0.2\n", "warning 2 port 8080 of a server is left out: only nat maps ports\n"},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -i -w 0 -x 9 -y 5", "- {address: 10.0.0.2, weight: 0, upper_threshold: 9, lower_threshold: 5}\n", NULL},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080 --tun-remcsum", "tunnel: {type: gue, port: 6080, checksum: remcsum}\n", NULL},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gre --tun-csum", "tunnel: {type: gre, checksum: csum}\n", NULL},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -g\n-a -t 10.0.0.1:80 -r 10.0.0.3 -g\n-a -t 10.0.0.1:80 -r 10.0.0.4 -m", "- {address: 10.0.0.4, forwarding: nat}\n", NULL},
	{"-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.0.0.2 -w 100000", "- {address: 10.0.0.2, weight: 65535}\n",
	 "warning 2 weight 100000 is more than lbha has: lowered to 65535, the others are not\n"},
	{"-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.2\n-E -t 10.0.0.1:80 -s lc\n-e -t 10.0.0.1:80 -r 10.0.0.2 -w 7", "scheduler: lc\n    forwarding: dr\n    real_servers:\n      - {address: 10.0.0.2, weight: 7}\n", NULL},
	{"-A -t 10.0.0.9:80\n-C\n-A -t 10.0.0.1:80", "tcp-10.0.0.1-80\n", NULL},
	{"--set 900 120 300\n-A -t 10.0.0.1:80", "timeouts:\n      tcp: 900s\n      tcp_fin: 120s\n      udp: 300s\n", NULL},
	{"-A -t 10.0.0.1:80 --odd 3", NULL, "warning 1 lbha has no equivalent of --odd\n"},
	{"-A -t 10.0.0.1:99999", NULL, "warning 1 port \"99999\" is no number from 0 to 65535\n"},
	{"-A -t nowhere:80", NULL, "warning 1 \"nowhere\" is no address, and no host of that name is known here\n"},
	{"-A -t", NULL, "warning 1 a value is missing behind -t\n"},
	{"-a -t 10.0.0.1:80 -r 10.0.0.2", NULL, "warning 1 a server of a service that is not there is left out\n"},
	{"-A -s rr", NULL, "warning 1 which service or server is not said by -A\n"},
	{"# a comment\n\n   \t\n", NULL, NULL},
};

START_TEST(a_line_of_ipvsadm)
{
	bool done = import_from(true, lines[_i].from);

	ck_assert_int_eq(done, lines[_i].line != NULL);
	if (done)
		ck_assert_msg(strstr(written, lines[_i].line), "%s gives\n%s", lines[_i].from, written);
	ck_assert_str_eq(said, lines[_i].told ? lines[_i].told : "");
}
END_TEST

START_TEST(what_is_left_out_stands_at_its_service)
{
	ck_assert(import_from(true, "-Z\n-A -t 10.0.0.1:80\n-A -t 10.0.0.2:80 --odd\n-A -t 10.0.0.3:80\n"));
	ck_assert_msg(strstr(written, "real_servers: []\n    # WARNING f:3: lbha has no equivalent of --odd\n  - name: tcp-10.0.0.3-80\n"), "%s", written);
	ck_assert_msg(strstr(written, "# WARNING f:1: lbha has no equivalent of -Z\n"), "%s", written);
	ck_assert(strstr(written, "f:1:") < strstr(written, "services:"));
}
END_TEST

#define WEB "virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n"

static const struct {
	const char *from, *line, *told;
} sections[] = {
	{"quiescent=yes\n" WEB, "    scheduler: wrr\n    forwarding: dr\n    real_servers:\n      - 10.0.0.2\n    on_failure: quiesce\n    check:\n      type: http\n      path: /\n"
	      "      follow: true\n      interval: 10s\n      timeout: 30s\n      rise: 1\n      fall: 1\n", NULL},
	{"quiescent=no\n" WEB, "on_failure: remove\n", NULL},
	{"quiescent=\n" WEB, "on_failure: remove\n", NULL},
	{"quiescent=no\n" WEB "\tquiescent=yes\n", "on_failure: quiesce\n", NULL},
	{"checktimeout=3\ncheckinterval = 2\nfailurecount=4\n" WEB, "interval: 2s\n      timeout: 3s\n      rise: 1\n      fall: 4\n", NULL},
	{"negotiatetimeout=7\nchecktimeout=8\n" WEB "\tchecktimeout=3\n", "timeout: 3s\n", NULL},
	{"negotiatetimeout=7\n" WEB "\tchecktimeout=3\n\tnegotiatetimeout=4\n", "timeout: 4s\n", NULL},
	{"negotiatetimeout=7\nchecktimeout=8\n" WEB "\tnegotiatetimeout=4\n\tchecktype=connect\n", "timeout: 4s\n", NULL},
	{"negotiatetimeout=7\n" WEB "\tchecktype=connect\n", "timeout: 7s\n", NULL},
	{"checkinterval=2\n" WEB "\tcheckinterval=20\nfork=yes\n", "interval: 20s\n", "note 5 fork: probes never wait for one another\n"},
	{"checkinterval=2\n" WEB "\tcheckinterval=20\n", "interval: 2s\n",
	 "warning 4 checkinterval: of a section it counts with fork=yes only: the whole file's is taken\n"},
	{"checktimeout=3\nnegotiatetimeout=7\n" WEB "\tchecktype=connect\n", "type: tcp\n      interval: 10s\n      timeout: 3s\n", NULL},
	{WEB "\tchecktype=ping\n", "type: icmp\n", NULL},
	{WEB "\trequest=\"index.html\"\n\treceive=\"Test .*\"\n\tvirtualhost=\"www.x\"\n\thttpmethod=GET\n",
	 "type: http\n      path: /index.html\n      method: GET\n      host: www.x\n      follow: true\n      expect:\n        body_regex: \"Test .*\"\n", NULL},
	{WEB "\tservice=https\n\tcheckport=8443\n", "scheme: https\n      path: /\n      follow: true\n      tls: {verify: false}\n      port: 8443\n", NULL},
	{"virtual=10.0.0.1:80\n\treal=10.0.0.2->10.0.0.4:8080 masq 5 l:3 u:8\n",
	 "      - {address: 10.0.0.2:8080, weight: 5, upper_threshold: 8, lower_threshold: 3}\n      - {address: 10.0.0.3:8080", NULL},
	{"virtual=10.0.0.1:80\n\treal=10.0.0.2:80 ipip 2 \"a\", \"b\"\n\treal=10.0.0.3:80 ipip \"a\", \"b\"\n", "path: /a\n", NULL},
	{"virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate \"a\", \"b\"\n\treal=10.0.0.3:80 gate \"c\", \"b\"\n", "path: /a\n",
	 "warning 3 real: lbha checks all servers of a service alike, as the first: this one's request is left out\n"},
	{"virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate \"a\", \"b\"\n\trequest=\"c\"\n\treceive=\"d\"\n",
	 "path: /a\n      follow: true\n      expect:\n        body_regex: b\n", NULL},
	{"virtual=10.0.0.1:80\n\trequest=\"c\"\n\treceive=\"d\"\n\treal=10.0.0.2:80 gate\n\treal=10.0.0.3:80 gate 1 \"/c\", \"d\"\n",
	 "path: /c\n      follow: true\n      expect:\n        body_regex: d\n", NULL},
	{"virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\treal=10.0.0.3:80 gate 1 \"c\", \"d\"\n", "path: /\n",
	 "warning 3 real: lbha checks all servers of a service alike, as the first: this one's request is left out\n"},
	{"fallback=127.0.0.1:80\n" WEB, "sorry_server: {address: 127.0.0.1, forwarding: local}\n", NULL},
	{WEB "\tfallback=10.0.0.9:81 masq\n", "sorry_server: {address: 10.0.0.9:81, forwarding: nat}\n", NULL},
	{"virtual=7\n\treal=10.0.0.2:25 gate\n\tservice=smtp\n\tprotocol=fwm\n", "fwmark: 7\n    family: ipv4\n    scheduler: wrr\n    forwarding: dr\n    real_servers:\n      - 10.0.0.2\n"
	 "    on_failure: quiesce\n    check:\n      type: smtp\n      port: 25\n", NULL},
	{"virtual=7\n\treal=10.0.0.2 gate\n\tservice=smtp\n", "type: smtp\n      port: 25\n", NULL},
	{"virtual=7\n\treal=10.0.0.2 gate\n\tservice=https\n\tchecktype=connect\n", "type: tcp\n      port: 443\n", NULL},
	{"virtual=7\n\treal=10.0.0.2 gate\n\tchecktype=connect\n", "type: icmp\n",
	 "warning 1 checktype = connect without a port (checkport): the servers are pinged\n"},
	{"virtual=7\n\treal=10.0.0.2 gate\n\tservice=simpletcp\n", "on_failure: quiesce\n",
	 "warning 1 a service by mark whose servers have no port needs checkport: nothing is checked\n"},
	{"virtual6=[2001:db8::1]:80\n\treal6=[2001:db8::2]:80 gate\n", "listen: \"[2001:db8::1]:80\"\n", NULL},
	{"virtual=web.example:http\n\treal=web.example:http masq\n", "listen: 10.0.0.99:80\n",
	 "note 1 host web.example is written as the address that it has now, 10.0.0.99\nnote 2 host web.example is written as the address that it has now, 10.0.0.99\n"},
	{"virtual=10.0.0.1:53\n\treal=10.0.0.2:53 gate\n\trequest=\"a.b\"\n\treceive=\"10.1.1.1\"\n\tops=yes\n",
	 "type: dns\n      name: a.b\n      record: A\n      expect: {address: 10.1.1.1}\n", NULL},
	{"virtual=10.0.0.1:99\n\treal=10.0.0.2:99 gate\n\tservice=simpletcp\n\trequest=\"P\\n\\x\"\n\treceive=\"OK\"\n", "send: \"P\\\\n\\\\\\\\x\"\n      expect_regex: OK\n", NULL},
	{"virtual=10.0.0.1:110\n\treal=10.0.0.2:110 gate\n", "type: tcp\n      expect_regex: \"^\\\\+OK\"\n", NULL},
	{"virtual=10.0.0.1:3306\n\treal=10.0.0.2:3306 masq\n\tlogin=\"u\"\n", "type: mysql\n      user: u\n", NULL},
	{"virtual=10.0.0.1:1521\n\treal=10.0.0.2:1521 masq\n", "type: tcp\n", "warning 1 service = ?: lbha has no such check; whether the port answers is what counts\n"},
	{"virtual=10.0.0.1:99\n\treal=10.0.0.2:99 masq\n\tchecktype=external\n\tcheckcommand=\"/x/y\"\n", "        - /x/y\n        - 10.0.0.1\n        - \"99\"\n", NULL},
	{WEB "\tchecktype=off\n", "- {address: 10.0.0.2, state: disabled}\n", "note 1 checktype = off: nothing is checked, and no server is in use\n"},
	{WEB "\tchecktype=on\n", "on_failure: quiesce\n    # f:1: checktype = on: nothing is checked, all servers are in use\n", "note 1 checktype = on: nothing is checked, all servers are in use\n"},
	{WEB "\tpersistent=600\n\tnetmask=255.255.0.0\n\tservicename=My Web\n\tcomment=the shop\n", "  - name: My-Web\n    description: \"the shop\"\n", NULL},
	{"emailalert=\"x@y\"\n" WEB, "# WARNING f:1: emailalert: alerts are for a notify script or lbha-exporter\n", "warning 1 emailalert: alerts are for a notify script or lbha-exporter\n"},
	{WEB "\todd=1\n", "    # WARNING f:3: odd: unknown\n", "warning 3 odd: unknown\n"},
	{"virtual=nowhere:80\n\treal=10.0.0.2:80 gate\n", NULL, "warning 1 \"nowhere\" is no address, and no host of that name is known here\n"},
	{"virtual=10.0.0.1:80\n\treal=10.0.0.9->10.0.0.2:80 gate\n", "real_servers: []\n", "warning 2 real: no range of IPv4 addresses, or of more than 1024\n"},
	{"", NULL, NULL},
};

/* They all say what they want with failed servers. */
START_TEST(a_section_of_ldirectord)
{
	const char *from = sections[_i].from;
	char whole[1024];
	struct text text = text_of(whole, sizeof(whole));
	bool done;

	text_add(&text, "%s%s", from, strstr(from, "quiescent") ? "" : "quiescent=yes\n");
	done = import_from(false, whole);
	ck_assert_int_eq(done, sections[_i].line != NULL);
	if (done)
		ck_assert_msg(strstr(written, sections[_i].line), "%s gives\n%s", whole, written);
	ck_assert_str_eq(said, sections[_i].told ? sections[_i].told : "");
}
END_TEST

START_TEST(ldirectord_removes_failed_servers_unless_told_and_that_is_said_once)
{
	ck_assert(import_from(false, WEB "virtual=10.0.0.3:80\n\treal=10.0.0.2:80 gate\n"));
	ck_assert(strstr(written, "on_failure: remove\n") && !strstr(written, "quiesce\n"));
	ck_assert_str_eq(said, "warning 1 quiescent is not said: ldirectord removes failed servers then, though its manual says yes (on_failure: quiesce)\n");
}
END_TEST

int main(void)
{
	TCase *table = CASE("ipvsadm", what_is_left_out_stands_at_its_service), *ldirectord = tcase_create("ldirectord");

	tcase_add_loop_test(table, a_line_of_ipvsadm, 0, COUNT_OF(lines));
	tcase_add_test(ldirectord, ldirectord_removes_failed_servers_unless_told_and_that_is_said_once);
	tcase_add_loop_test(ldirectord, a_section_of_ldirectord, 0, COUNT_OF(sections));
	return SUITE_RUN("import-table", table, ldirectord);
}
