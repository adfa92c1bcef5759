/* What a service of the model becomes in the kernel's table, in ipvsadm's words; and what is said
 * when the kernel refuses it. */
#include "test_ipvs.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "ipvs/state.h"
#include "ipvs/timeouts.h"

/* One service with one server, 10.0.0.1; its address is the test's to choose. */
struct sample {
	struct model model;
	struct service service;
	struct endpoint listen;
	struct real_server server;
};

static void sample_make(struct sample *sample, const char *listen, const char *server)
{
	*sample = (struct sample){0};
	ck_assert_int_eq(endpoint_parse(listen, &sample->listen), 0);
	sample->server = (struct real_server){.name = "a", .weight = 1};
	ck_assert_int_eq(endpoint_parse(server, &sample->server.address), 0);
	sample->service = (struct service){.name = "web",
					   .listen = &sample->listen,
					   .listen_count = 1,
					   .protocols = PROTOCOL_TCP,
					   .scheduler = "wlc",
					   .on_failure = ON_FAILURE_QUIESCE,
					   .real_servers = &sample->server,
					   .real_server_count = 1};
	sample->model = (struct model){.services = &sample->service, .service_count = 1};
}

static const struct ipvs_table nothing;

/* The operations that make it from nothing: one line each, without "ipvsadm ". */
static const char *programmed(const struct sample *sample)
{
	static char buffer[2048];
	auto_arena *arena = arena_new(0);
	struct text out = text_of(buffer, sizeof(buffer));
	struct ipvs_keys owned = {0};
	struct ipvs_state state;
	struct ipvs_plan plan;
	char said[128];
	struct text why = text_of(said, sizeof(said));

	ck_assert_int_eq(ipvs_state_build(arena, &sample->model, &state, &why), 0);
	ipvs_state_desire(&state, &nothing, 1);
	ck_assert_int_eq(ipvs_plan_build(arena, &state.wanted, &nothing, &owned, &plan), 0);
	for (size_t i = 0; i < plan.count; i++) {
		char line[IPVS_OP_TEXT];
		struct text one = text_of(line, sizeof(line));

		ipvs_op_format(&plan.ops[i], &one);
		text_add(&out, "%s\n", line + strlen("ipvsadm "));
	}
	return buffer;
}

START_TEST(flags_are_the_schedulers_own)
{
	struct sample sample;

	sample_make(&sample, "192.168.8.200:80", "10.0.0.1");
	sample.service.scheduler = "sh";
	sample.service.scheduler_flags = SCHEDULER_SH_FALLBACK;
	ck_assert_str_eq(programmed(&sample), "-A -t 192.168.8.200:80 -s sh -b sh-fallback\n"
					      "-a -t 192.168.8.200:80 -r 10.0.0.1:80 -g -w 1\n");
	sample.service.scheduler_flags = 0;
	ck_assert_str_eq(programmed(&sample), "-A -t 192.168.8.200:80 -s sh\n"
					      "-a -t 192.168.8.200:80 -r 10.0.0.1:80 -g -w 1\n");
	sample.service.scheduler = "mh";
	sample.service.scheduler_flags = SCHEDULER_MH_FALLBACK | SCHEDULER_MH_PORT;
	ck_assert_str_eq(programmed(&sample),
			 "-A -t 192.168.8.200:80 -s mh -b mh-fallback,mh-port\n"
			 "-a -t 192.168.8.200:80 -r 10.0.0.1:80 -g -w 1\n");
}
END_TEST

START_TEST(persistence_has_a_timeout_a_prefix_and_an_engine)
{
	struct sample sample;

	sample_make(&sample, "192.168.8.200:5060", "10.0.0.1");
	sample.service.protocols = PROTOCOL_UDP;
	sample.service.persistence.timeout = 360 * NSTIME_S;
	ck_assert_str_eq(programmed(&sample),
			 "-A -u 192.168.8.200:5060 -s wlc -p 360\n"
			 "-a -u 192.168.8.200:5060 -r 10.0.0.1:5060 -g -w 1\n");
	sample.service.persistence.prefix = 24;
	sample.service.persistence.engine = "sip";
	ck_assert_str_eq(programmed(&sample),
			 "-A -u 192.168.8.200:5060 -s wlc -p 360 -M 255.255.255.0 --pe sip\n"
			 "-a -u 192.168.8.200:5060 -r 10.0.0.1:5060 -g -w 1\n");
}
END_TEST

START_TEST(without_a_port_it_is_all_ports_there_and_at_the_server)
{
	struct sample sample;

	sample_make(&sample, "2001:db8::200", "2001:db8::1");
	sample.service.persistence = (struct persistence){.timeout = NSTIME_S, .prefix = 64};
	ck_assert_str_eq(programmed(&sample),
			 "-A -t [2001:db8::200]:0 -s wlc -p 1 -M 64\n"
			 "-a -t [2001:db8::200]:0 -r [2001:db8::1]:0 -g -w 1\n");
}
END_TEST

START_TEST(one_packet_is_the_services_and_thresholds_are_the_servers)
{
	struct sample sample;

	sample_make(&sample, "192.168.8.200:53", "10.0.0.1");
	sample.service.protocols = PROTOCOL_UDP;
	sample.service.one_packet = true;
	sample.server.upper_threshold = 1000;
	sample.server.lower_threshold = 800;
	ck_assert_str_eq(programmed(&sample),
			 "-A -u 192.168.8.200:53 -s wlc -o\n"
			 "-a -u 192.168.8.200:53 -r 10.0.0.1:53 -g -w 1 -x 1000 -y 800\n");
}
END_TEST

START_TEST(a_tunnel_has_a_type_and_what_that_type_needs)
{
	static const struct {
		struct tunnel tunnel;
		const char *words;
	} cases[] = {
		{{.type = TUNNEL_IPIP}, "ipip"},
		{{.type = TUNNEL_GUE, .port = 6080}, "gue --tun-port 6080 --tun-nocsum"},
		{{TUNNEL_GUE, 6080, TUNNEL_CHECKSUM_CSUM}, "gue --tun-port 6080 --tun-csum"},
		{{TUNNEL_GUE, 6080, TUNNEL_CHECKSUM_REMCSUM}, "gue --tun-port 6080 --tun-remcsum"},
		{{.type = TUNNEL_GRE}, "gre --tun-nocsum"},
		{{TUNNEL_GRE, 0, TUNNEL_CHECKSUM_CSUM}, "gre --tun-csum"},
	};
	struct sample sample;
	char expected[256];

	sample_make(&sample, "[2001:db8::200]:80", "10.0.0.1");
	sample.server.forwarding = FORWARDING_TUNNEL;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		sample.server.tunnel = cases[i].tunnel;
		snprintf(expected, sizeof(expected),
			 "-A -t [2001:db8::200]:80 -s wlc\n"
			 "-a -t [2001:db8::200]:80 -r 10.0.0.1:80 -i -w 1 --tun-type %s\n",
			 cases[i].words);
		ck_assert_str_eq(programmed(&sample), expected);
	}
}
END_TEST

START_TEST(each_server_has_its_own_way)
{
	static const struct {
		enum forwarding forwarding;
		const char *option;
	} ways[] = {{FORWARDING_DR, "-g"},
		    {FORWARDING_NAT, "-m"},
		    {FORWARDING_FULLNAT, "-m"},
		    {FORWARDING_LOCAL, "-g"}};
	struct sample sample;
	char expected[256];

	sample_make(&sample, "192.168.8.200:80", "127.0.0.1");
	sample.service.forwarding = FORWARDING_TUNNEL;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		sample.server.forwarding = ways[i].forwarding;
		snprintf(expected, sizeof(expected),
			 "-A -t 192.168.8.200:80 -s wlc\n"
			 "-a -t 192.168.8.200:80 -r 127.0.0.1:80 %s -w 1\n",
			 ways[i].option);
		ck_assert_str_eq(programmed(&sample), expected);
	}
}
END_TEST

START_TEST(each_protocol_is_a_virtual_service_of_its_own)
{
	struct sample sample;

	sample_make(&sample, "192.168.8.200:80", "10.0.0.1");
	sample.service.protocols = PROTOCOL_SCTP | PROTOCOL_UDP | PROTOCOL_TCP;
	ck_assert_str_eq(programmed(&sample),
			 "-A -t 192.168.8.200:80 -s wlc\n"
			 "-a -t 192.168.8.200:80 -r 10.0.0.1:80 -g -w 1\n"
			 "-A -u 192.168.8.200:80 -s wlc\n"
			 "-a -u 192.168.8.200:80 -r 10.0.0.1:80 -g -w 1\n"
			 "-A --sctp-service 192.168.8.200:80 -s wlc\n"
			 "-a --sctp-service 192.168.8.200:80 -r 10.0.0.1:80 -g -w 1\n");
}
END_TEST

START_TEST(a_firewall_mark_takes_the_place_of_listeners_and_leaves_ports_as_they_are)
{
	struct sample sample;

	sample_make(&sample, "192.168.8.200:80", "10.0.0.1");
	sample.service.listen_count = 0;
	sample.service.fwmark = sample.service.mark = 0x50;
	sample.service.family = AF_INET;
	sample.service.persistence.timeout = 360 * NSTIME_S;
	ck_assert_str_eq(programmed(&sample), "-A -f 80 -s wlc -p 360\n"
					      "-a -f 80 -r 10.0.0.1:0 -g -w 1\n");
	sample_make(&sample, "192.168.8.200:80", "[2001:db8::1]:8080");
	sample.service.listen_count = 0;
	sample.service.fwmark = sample.service.mark = 0x50;
	sample.service.family = AF_INET6;
	sample.server.forwarding = FORWARDING_NAT;
	ck_assert_str_eq(programmed(&sample),
			 "-A -f 80 -6 -s wlc\n"
			 "-a -f 80 -6 -r [2001:db8::1]:8080 -m -w 1\n");
}
END_TEST

START_TEST(a_group_is_one_virtual_service_for_all_listeners_and_protocols)
{
	struct endpoint listen[2];
	struct sample sample;

	sample_make(&sample, "192.168.8.200:80", "10.0.0.1");
	listen[0] = listen[1] = sample.listen;
	listen[1].port = 443;
	sample.service.listen = listen;
	sample.service.listen_count = 2;
	sample.service.protocols = PROTOCOL_TCP | PROTOCOL_UDP;
	sample.service.group = true;
	sample.service.mark = 0x4c420001;
	ck_assert_str_eq(programmed(&sample), "-A -f 1279393793 -s wlc\n"
					      "-a -f 1279393793 -r 10.0.0.1:0 -g -w 1\n");
}
END_TEST

static void check_changes(const struct ipvs_timeouts *wanted, const struct ipvs_timeouts *actual,
			  const struct ipvs_timeout_owned *owned, const char *expected)
{
	struct ipvs_timeouts changes = ipvs_timeouts_changes(wanted, actual, owned);
	char buffer[64];
	struct text out = text_of(buffer, sizeof(buffer));

	ipvs_timeouts_format(&changes, &out);
	ck_assert_str_eq(buffer, expected);
	ck_assert_int_eq(ipvs_timeouts_any(&changes), strcmp(expected, "ipvsadm --set 0 0 0") != 0);
}

START_TEST(timeouts_are_set_where_wanted_and_put_back_where_not)
{
	struct sample sample;
	struct ipvs_timeouts wanted, nothing_wanted, actual = {{900, 120, 300}};
	struct ipvs_timeout_owned owned[IPVS_TIMEOUTS] = {{0}};

	sample_make(&sample, "192.168.8.200:80", "10.0.0.1");
	sample.model.global.ipvs.timeouts.tcp = 60 * NSTIME_S;
	sample.model.global.ipvs.timeouts.udp = 300 * NSTIME_S;
	wanted = ipvs_timeouts_wanted(&sample.model);
	check_changes(&wanted, &actual, owned, "ipvsadm --set 60 0 0");
	sample.model.service_count = 0;
	nothing_wanted = ipvs_timeouts_wanted(&sample.model);
	check_changes(&nothing_wanted, &actual, owned, "ipvsadm --set 0 0 0");
	owned[IPVS_TIMEOUT_TCP] = (struct ipvs_timeout_owned){true, 900, 60};
	owned[IPVS_TIMEOUT_UDP] = (struct ipvs_timeout_owned){true, 300, 300};
	actual.seconds[IPVS_TIMEOUT_TCP] = 60;
	check_changes(&wanted, &actual, owned, "ipvsadm --set 0 0 0");
	check_changes(&nothing_wanted, &actual, owned, "ipvsadm --set 900 0 0");
	actual.seconds[IPVS_TIMEOUT_TCP] = 77; /* somebody else's */
	check_changes(&wanted, &actual, owned, "ipvsadm --set 60 0 0");
	check_changes(&nothing_wanted, &actual, owned, "ipvsadm --set 0 0 0");
}
END_TEST

static void check_refusal(const char *scheduler, const char *engine, const char *expected)
{
	struct ipvs_op op = {.kind = IPVS_ADD_SERVICE,
			     .service = test_key("192.168.8.200:80", IPPROTO_UDP)};
	char buffer[512];
	struct text out = text_of(buffer, sizeof(buffer));

	op.service_attr.netmask = UINT32_MAX;
	strcpy(op.service_attr.scheduler, scheduler);
	strcpy(op.service_attr.engine, engine);
	ipvs_refusal_format(&op, -ENOENT, "", &out);
	ck_assert_str_eq(buffer, expected);
}

START_TEST(a_missing_module_is_named_and_its_symbol_where_it_has_one)
{
	check_refusal("twos", "",
		      "ipvsadm -A -u 192.168.8.200:80 -s twos: this kernel has no scheduler twos "
		      "(module ip_vs_twos, CONFIG_IP_VS_TWOS)");
	check_refusal("our_own", "",
		      "ipvsadm -A -u 192.168.8.200:80 -s our_own: this kernel has no scheduler "
		      "our_own (no module ip_vs_our_own)");
	check_refusal("wlc", "sip",
		      "ipvsadm -A -u 192.168.8.200:80 -s wlc --pe sip: this kernel has no "
		      "scheduler wlc (module ip_vs_wlc, CONFIG_IP_VS_WLC) or no persistence engine sip "
		      "(module ip_vs_pe_sip, CONFIG_IP_VS_PE_SIP)");
}
END_TEST

TCase *ipvs_desired_case(void)
{
	return CASE("desired", flags_are_the_schedulers_own,
		    persistence_has_a_timeout_a_prefix_and_an_engine,
		    without_a_port_it_is_all_ports_there_and_at_the_server,
		    one_packet_is_the_services_and_thresholds_are_the_servers,
		    a_tunnel_has_a_type_and_what_that_type_needs, each_server_has_its_own_way,
		    each_protocol_is_a_virtual_service_of_its_own,
		    a_firewall_mark_takes_the_place_of_listeners_and_leaves_ports_as_they_are,
		    a_group_is_one_virtual_service_for_all_listeners_and_protocols,
		    timeouts_are_set_where_wanted_and_put_back_where_not,
		    a_missing_module_is_named_and_its_symbol_where_it_has_one);
}
