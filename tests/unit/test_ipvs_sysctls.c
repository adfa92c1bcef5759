/* Which sysctls a model wants, and what becomes of one. */
#include "test_ipvs.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/model.h"
#include "ipvs/sysctls.h"

/* One service with one server. */
struct sample {
	struct model model;
	struct service service;
	struct real_server server;
};

static void sample_make(struct sample *sample, enum forwarding forwarding, const char *server)
{
	*sample = (struct sample){0};
	sample->server.forwarding = forwarding;
	ck_assert_int_eq(endpoint_parse(server, &sample->server.address), 0);
	sample->service = (struct service){.real_servers = &sample->server,
					   .real_server_count = 1,
					   .on_failure = ON_FAILURE_QUIESCE};
	sample->model = (struct model){.services = &sample->service, .service_count = 1};
}

/* "NAME=VALUE" of each that is wanted, ">=" where it may be more. */
static const char *wanted(const struct model *model)
{
	static char buffer[1024];
	auto_arena *arena = arena_new(0);
	struct text out = text_of(buffer, sizeof(buffer));
	struct ipvs_sysctls sysctls;

	buffer[0] = '\0';
	ck_assert_int_eq(ipvs_sysctls_wanted(arena, model, &sysctls), 0);
	for (size_t i = 0; i < sysctls.count; i++) {
		const struct sysctl_want *want = &sysctls.wants[i].want;

		ck_assert(ipvs_sysctl_is_ours(want->path));
		ck_assert_ptr_nonnull(sysctls.wants[i].why);
		ipvs_sysctl_name(want->path, &out);
		text_add(&out, "%s%lld\n", want->rule == SYSCTL_EXACTLY ? "=" : ">=",
			 (long long)want->value);
	}
	return buffer;
}

START_TEST(what_only_passes_packets_on_wants_nothing)
{
	static const enum forwarding ways[] = {FORWARDING_DR, FORWARDING_TUNNEL, FORWARDING_LOCAL};
	struct sample sample;

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		sample_make(&sample, ways[i], "127.0.0.1:80");
		ck_assert_str_eq(wanted(&sample.model), "");
	}
	sample.model.service_count = 0;
	ck_assert_str_eq(wanted(&sample.model), "");
}
END_TEST

START_TEST(nat_forwards_and_does_not_redirect)
{
	const char *interfaces[] = {"eth0", "eth1.5"};
	struct sample sample;

	sample_make(&sample, FORWARDING_NAT, "10.0.0.1:80");
	sample.model.nat_interfaces = interfaces;
	sample.model.nat_interface_count = 2;
	ck_assert_str_eq(wanted(&sample.model), "net.ipv4.ip_forward>=1\n"
						"net.ipv4.conf.all.send_redirects=0\n"
						"net.ipv4.conf.eth0.send_redirects=0\n"
						"net/ipv4/conf/eth1.5/send_redirects=0\n");
}
END_TEST

START_TEST(nat_of_ipv6_forwards_that_alone)
{
	struct sample sample;

	sample_make(&sample, FORWARDING_NAT, "[2001:db8::1]:80");
	ck_assert_str_eq(wanted(&sample.model), "net.ipv6.conf.all.forwarding>=1\n");
}
END_TEST

START_TEST(fullnat_tracks_connections_besides)
{
	struct sample sample;

	sample_make(&sample, FORWARDING_FULLNAT, "[2001:db8::1]:80");
	ck_assert_str_eq(wanted(&sample.model),
			 "net.ipv6.conf.all.forwarding>=1\nnet.ipv4.vs.conntrack=1\n");
}
END_TEST

START_TEST(a_sorry_server_counts)
{
	struct sample sample;
	struct real_server sorry;

	sample_make(&sample, FORWARDING_NAT, "[2001:db8::1]:80");
	sorry = sample.server;
	sample.server.forwarding = FORWARDING_DR;
	ck_assert_str_eq(wanted(&sample.model), "");
	sample.service.sorry_server = &sorry;
	sample.service.sorry_server_count = 1;
	ck_assert_str_eq(wanted(&sample.model), "net.ipv6.conf.all.forwarding>=1\n");
}
END_TEST

START_TEST(clients_of_a_server_that_is_gone_or_quiet_are_sent_to_others)
{
	struct ipvs_sysctl given = {"expire_nodest_conn", 0};
	struct sample sample;

	sample_make(&sample, FORWARDING_DR, "10.0.0.1:80");
	sample.service.on_failure = ON_FAILURE_REMOVE;
	ck_assert_str_eq(wanted(&sample.model), "net.ipv4.vs.expire_nodest_conn=1\n");
	sample.service.persistence.timeout = NSTIME_S;
	ck_assert_str_eq(wanted(&sample.model), "net.ipv4.vs.expire_nodest_conn=1\n");
	sample.service.on_failure = ON_FAILURE_QUIESCE;
	ck_assert_str_eq(wanted(&sample.model), "net.ipv4.vs.expire_quiescent_template=1\n");
	sample.service.on_failure = ON_FAILURE_REMOVE;
	sample.model.global.ipvs.sysctls = &given;
	sample.model.global.ipvs.sysctl_count = 1;
	ck_assert_str_eq(wanted(&sample.model), "net.ipv4.vs.expire_nodest_conn=0\n");
}
END_TEST

/* What became of a value that was `actual` when it was first wanted, after `events`: "4" somebody
 * writes 4, "l" we look, "w5" 5 is wanted from now on. */
static void live(const struct sysctl_want *first, int64_t actual, const char *events,
		 int64_t value, unsigned repairs, enum sysctl_undo undo)
{
	struct ipvs_sysctl_owned owned = {0};
	struct sysctl_want want = *first;
	int64_t former = actual;
	bool is_ours = false;
	unsigned repaired = 0;

	for (; *events; events++) {
		struct ipvs_sysctl_step step;

		if (*events == 'w') {
			want.value = *++events - '0';
			continue;
		}
		if (*events != 'l') {
			actual = *events - '0';
			continue;
		}
		step = ipvs_sysctl_step(&want, is_ours ? &owned : NULL, actual);
		if (step.note && !is_ours)
			owned.former = actual;
		if (step.note)
			owned.set = step.set;
		ck_assert(step.note || is_ours);
		is_ours = true;
		if (step.write)
			actual = step.set;
		ck_assert_int_eq(owned.set, step.set);
		repaired += step.is_repair;
		ck_assert(sysctl_satisfied(&want, actual));
	}
	ck_assert_int_eq(actual, value);
	ck_assert_uint_eq(repaired, repairs);
	ck_assert_int_eq(owned.former, former);
	ck_assert_int_eq(sysctl_undo(owned.former, owned.set, actual), undo);
}

START_TEST(what_is_wanted_is_set_kept_and_put_back)
{
	struct sysctl_want exactly = {.rule = SYSCTL_EXACTLY, .value = 1},
			   at_least = {.rule = SYSCTL_AT_LEAST, .value = 1};

	live(&exactly, 0, "l", 1, 0, SYSCTL_UNDO_WRITE);
	live(&exactly, 1, "l", 1, 0, SYSCTL_UNDO_DONE);
	live(&exactly, 0, "ll0l", 1, 1, SYSCTL_UNDO_WRITE);
	live(&exactly, 1, "l0l", 1, 1, SYSCTL_UNDO_DONE);      /* it was right before us */
	live(&exactly, 0, "l0l4", 4, 1, SYSCTL_UNDO_CHANGED);  /* and was not looked at again */
	live(&exactly, 0, "lw3l", 3, 0, SYSCTL_UNDO_WRITE);    /* another wish is no repair */
	live(&exactly, 3, "lw3l", 3, 0, SYSCTL_UNDO_DONE);
	live(&exactly, 0, "lw33l", 3, 0, SYSCTL_UNDO_WRITE);   /* it stood there by then */
	live(&at_least, 2, "l", 2, 0, SYSCTL_UNDO_DONE);
	live(&at_least, 2, "l0l", 2, 1, SYSCTL_UNDO_DONE);
	live(&at_least, 0, "l2l", 2, 0, SYSCTL_UNDO_CHANGED);
}
END_TEST

START_TEST(answers_to_marked_probes_come_in_by_their_link)
{
	auto_arena *arena = arena_new(0);
	struct ipvs_sysctls sysctls = {0};

	ck_assert_int_eq(ipvs_sysctls_want_answers(arena, &sysctls, "eth0", false), 0);
	ck_assert_int_eq(ipvs_sysctls_want_answers(arena, &sysctls, "eth0", false), 0);
	ck_assert_uint_eq(sysctls.count, 1);
	ck_assert_int_eq(ipvs_sysctls_want_answers(arena, &sysctls, "eth0", true), 0);
	ck_assert_int_eq(ipvs_sysctls_want_answers(arena, &sysctls, "eth1", true), 0);
	ck_assert_uint_eq(sysctls.count, 4);
	for (size_t i = 0; i < sysctls.count; i++)
		ck_assert(ipvs_sysctl_is_ours(sysctls.wants[i].want.path));
	ck_assert_str_eq(sysctls.wants[1].want.path, "net/ipv4/conf/eth0/rp_filter");
	ck_assert_int_eq(sysctls.wants[1].want.value, 2); /* loose, where it was strict */
	ck_assert(sysctl_satisfied(&sysctls.wants[0].want, 1));
	ck_assert(!sysctl_satisfied(&sysctls.wants[1].want, 1));
}
END_TEST

START_TEST(what_others_keep_is_not_ours)
{
	ck_assert(!ipvs_sysctl_is_ours("net/ipv4/conf/all/accept_local"));
	ck_assert(!ipvs_sysctl_is_ours("net/ipv4/conf/eth0/arp_ignore"));
	ck_assert(!ipvs_sysctl_is_ours("net/ipv4/conf/all/rp_filter"));
	ck_assert(!ipvs_sysctl_is_ours("send_redirects"));
	ck_assert(ipvs_sysctl_is_vs("net/ipv4/vs/conntrack"));
	ck_assert(!ipvs_sysctl_is_vs("net/ipv4/ip_forward"));
}
END_TEST

TCase *ipvs_sysctls_case(void)
{
	return CASE("sysctls", what_only_passes_packets_on_wants_nothing,
		    nat_forwards_and_does_not_redirect, nat_of_ipv6_forwards_that_alone,
		    fullnat_tracks_connections_besides, a_sorry_server_counts,
		    clients_of_a_server_that_is_gone_or_quiet_are_sent_to_others,
		    answers_to_marked_probes_come_in_by_their_link,
		    what_is_wanted_is_set_kept_and_put_back, what_others_keep_is_not_ours);
}
