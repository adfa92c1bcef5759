/* lbha-rs: makes this host a real server, with VIPs that it is silent about, and undoes it.
 * One-shot: look, plan, do step by step with the journal ahead, look again. Exit status: 0 done or
 * in place, 1 failed, 2 usage, 3 not set up, 4 partly set up. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "rs-agent/apply_io.h"
#include "rs-agent/consult_io.h"
#include "rs-agent/lasting_io.h"
#include "rs-agent/observe_io.h"
#include "rs-agent/options.h"
#include "rs-agent/permit_io.h"
#include "rs-agent/remark.h"
#include "rs-agent/report_io.h"
#include "rs-agent/store_io.h"
#include "rs-agent/wanted_io.h"

enum exit_status {
	EXIT_DONE,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_NOT_SET_UP,
	EXIT_PARTLY,
};

#define DEFAULT_FILE LBHA_SYSCONFDIR "/lbha.conf"

static const char help[] =
	"usage: lbha-rs setup|teardown|status|doctor [option...]\n"
	"\n"
	"Lets this host be a real server. For direct routing the VIPs of its services stand on the\n"
	"loopback interface, and the host says nothing about them in ARP; for tunnels they stand on\n"
	"the tunnel's end; for nat the default route leads to the director.\n"
	"\n"
	"  setup      do what is missing, undo what is no longer wanted\n"
	"  teardown   undo what setup did, and nothing else\n"
	"  status     compare: exit status 0 in place, 4 partly, 3 not set up\n"
	"  doctor     look for what is wrong, here and on the segment, and say what mends it\n"
	"\n"
	"  -f, --file FILE     the configuration (" DEFAULT_FILE ")\n"
	"  --service NAME      only this service of it\n"
	"  --vip ADDRESS       only this VIP, without a configuration; may be repeated\n"
	"  --forwarding WAY    how packets for --vip come here: dr, tunnel, nat\n"
	"  --gateway ADDRESS   nat: where answers go, the director's address inside\n"
	"  --tunnel TYPE       tunnel: ipip, gue[:PORT], gre[:csum]\n"
	"  --arp sysctl|filter how ARP is silenced; filter: by nftables\n"
	"  --persist           setup: let systemd do it again at every boot\n"
	"  --state-dir DIR     where the journal is kept (" LBHA_STATEDIR ")\n"
	"  --dry-run           say what would be done, and do nothing\n"
	"  --json              print one JSON object\n"
	"  --help, --version\n";

/* One run. */
struct run {
	struct rs_options options;
	struct arena *arena;
	struct report report;
	struct store store;
	struct kernel kernel;
	struct rs_actual actual;
	struct rs_desired asked;   /* what the command is about */
	struct rs_desired desired; /* what shall be afterwards */
	struct rs_plan plan;
	struct rs_remarks remarks;
	struct lasting lasting;
	bool serves; /* a real server by the configuration, though perhaps in need of nothing */
};

/* Commands about single VIPs or one service leave what is there for others as it is. */
static struct rs_scope scope_of(const struct run *run)
{
	const struct rs_options *options = &run->options;

	return (struct rs_scope){options->service, options->given.vips, options->given.vip_count};
}

static bool is_partial(const struct run *run)
{
	struct rs_scope scope = scope_of(run);

	return !rs_scope_is_all(&scope);
}

static int out_of_memory(struct run *run)
{
	report_error(&run->report, "out of memory");
	return -ENOMEM;
}

/* ---- what is asked for ---- */

/* Whether ARP is, or shall be, silenced by a table of nftables. */
static bool by_filter(const struct run *run)
{
	const struct owned_set *journal = &run->store.set;

	for (size_t i = 0; i < journal->count && !run->options.arp; i++)
		if (journal->items[i].kind == OWNED_TABLE)
			return true;
	return run->options.arp == RS_ARP_FILTER;
}

/* The wishes of the command line. */
static int given_wishes(struct run *run, struct rs_wishes *out)
{
	const struct rs_options *options = &run->options;
	const struct addr *lacking;
	int err = rs_wishes_of_vips(run->arena, &options->given, &run->actual.addresses, out,
				    &lacking);

	if (err == -EADDRNOTAVAIL)
		report_error(&run->report,
			     "this host has no %s address at which a tunnel could end",
			     lacking->family == AF_INET6 ? "IPv6" : "IPv4");
	else if (err)
		out_of_memory(run);
	return err;
}

/* teardown asks the journal, and so does status where there is no configuration. */
static bool asks_journal(const struct run *run)
{
	const struct rs_options *options = &run->options;

	return options->command == RS_TEARDOWN ||
	       (options->command == RS_STATUS && !options->given.vip_count && !options->file &&
		access(DEFAULT_FILE, F_OK));
}

/* What the command is about, and what shall be afterwards. */
static int find_wishes(struct run *run)
{
	const struct rs_options *options = &run->options;
	struct rs_wishes *asked = &run->asked.wishes, known, others;
	struct rs_scope scope = scope_of(run);
	int err = 0;

	if (rs_wishes_of_journal(run->arena, &run->store.set, &known) ||
	    rs_wishes_select(run->arena, &known, &scope, false, &others))
		return out_of_memory(run);
	if (asks_journal(run))
		err = rs_wishes_select(run->arena, &known, &scope, true, asked);
	else if (options->given.vip_count)
		err = given_wishes(run, asked);
	else
		err = wanted_read(run->arena, options->file ? options->file : DEFAULT_FILE,
				  options->service, &run->actual.addresses, &run->report, asked,
				  &run->serves);
	if (err)
		return err;
	if (options->command == RS_TEARDOWN)
		run->desired.wishes = others;
	else if (rs_wishes_add(run->arena, asked, &others, &run->desired.wishes))
		return out_of_memory(run);
	run->asked.wishes.arp_filter = run->desired.wishes.arp_filter = by_filter(run);
	return 0;
}

static bool journal_has(const struct run *run, enum owned_kind kind)
{
	for (size_t i = 0; i < run->store.set.count; i++)
		if (run->store.set.items[i].kind == kind)
			return true;
	return false;
}

/* What only some wishes are about, and is not cheap to ask. */
static int look_closer(struct run *run)
{
	const struct rs_wishes *wishes = &run->desired.wishes;
	bool ports = journal_has(run, OWNED_PORT), routes = journal_has(run, OWNED_ROUTE);
	int err = 0;

	for (size_t i = 0; i < wishes->count; i++) {
		ports |= wishes->items[i].tunnel.type == TUNNEL_GUE;
		routes |= wishes->items[i].forwarding == FORWARDING_NAT;
	}
	if (ports)
		err = kernel_observe_ports(run->arena, &run->actual);
	if (!err && routes)
		err = kernel_observe_routes(&run->kernel, run->arena, &run->actual);
	if (err)
		report_error(&run->report, "cannot read routes, or ports of GUE: %s",
			     strerror(-err));
	return err;
}

/* What the wishes mean for the kernel as it is now; a filter that could not be looked at ends all
 * but teardown. */
static int build_desired(struct run *run)
{
	int err = look_closer(run);

	if (err)
		return err;
	if (rs_desired_build(run->arena, &run->asked.wishes, &run->actual, &run->asked) ||
	    rs_desired_build(run->arena, &run->desired.wishes, &run->actual, &run->desired))
		return out_of_memory(run);
	if (!*run->desired.arp_table || run->actual.arp_table ||
	    run->options.command == RS_TEARDOWN)
		return 0;
	report_error(&run->report, "%s", run->kernel.why);
	return -EIO;
}

/* ---- planning ---- */

static int look(struct run *run)
{
	char why[KERNEL_WHY];
	int err = kernel_observe(&run->kernel, run->arena, &run->store.set, by_filter(run),
				 &run->actual, why);

	if (err)
		report_error(&run->report, "%s", why);
	return err;
}

static int make_plan(struct run *run)
{
	int err =
		rs_plan_build(run->arena, &run->desired, &run->actual, &run->store.set, &run->plan);

	if (!err)
		err = rs_remarks_build(run->arena, &run->desired, &run->actual, &run->store.set,
				       &run->remarks);
	if (err == -ENOENT)
		report_error(&run->report,
			     "this kernel lacks net.ipv4.conf.all.arp_ignore or arp_announce");
	else if (err)
		out_of_memory(run);
	return err;
}

/* Whether setup was told of any of what is asked for. */
static bool journal_knows(const struct run *run)
{
	struct rs_wishes known, both;
	const struct rs_wishes *asked = &run->asked.wishes;

	if (rs_wishes_of_journal(run->arena, &run->store.set, &known) ||
	    rs_wishes_add(run->arena, &known, asked, &both))
		return false;
	return both.count < known.count + asked->count;
}

static enum rs_standing standing(const struct run *run)
{
	static const struct owned_set none;
	bool counts = !is_partial(run) || journal_knows(run);

	return rs_standing(&run->asked, &run->actual, counts ? &run->store.set : &none,
			   &run->plan, &run->remarks);
}

/* ---- doing ---- */

/* setup stops at the first failure (a VIP must not come without silence); teardown goes on with the
 * rest. */
static int do_plan(struct run *run)
{
	struct applier applier = {
		.arena = run->arena,
		.kernel = &run->kernel,
		.store = &run->store,
		.state_dir = run->options.state_dir,
		.report = &run->report,
		.goes_on = run->options.command == RS_TEARDOWN,
	};

	return apply_plan(&applier, &run->plan);
}

/* Whether we may not do what is planned; a dry run only hears of it. teardown tries each sysctl. */
static bool may_not(struct run *run)
{
	char why[PERMIT_WHY];
	int err = permit_capability(&run->plan, why);

	if (!err && run->options.command == RS_SETUP)
		err = permit_sysctls(&run->kernel, &run->plan, why);
	if (!err)
		return false;
	if (run->options.dry_run) {
		report_note(&run->report, "%s", why);
		return false;
	}
	report_error(&run->report, "%s", why);
	report_error(&run->report, "nothing was changed");
	return true;
}

static void say_plan(struct run *run)
{
	for (size_t i = 0; i < run->plan.count; i++)
		report_step(&run->report, &run->plan.steps[i], NULL);
	if (!run->plan.count && !run->report.json)
		printf("nothing to do\n");
}

/* Says what speaks against it; whether something forbids it. */
static bool say_remarks(struct run *run)
{
	bool fatal = false;

	for (size_t i = 0; i < run->remarks.count; i++) {
		report_remark(&run->report, &run->remarks.items[i]);
		fatal |= run->remarks.items[i].fatal;
	}
	return fatal;
}

/* Reads journal and kernel again and tells how things stand. */
static int settle(struct run *run)
{
	int err = store_settle(&run->store, run->arena);

	if (err) {
		report_error(&run->report, "cannot tidy up %s: %s", run->options.state_dir,
			     strerror(-err));
		return err;
	}
	err = look(run);
	if (!err)
		err = build_desired(run);
	if (!err)
		err = make_plan(run);
	if (!err)
		report_state(&run->report, standing(run), &run->asked, &run->actual,
			     &run->store.set);
	return err;
}

/* ---- commands ---- */

static int nothing_asked(struct run *run)
{
	char text[4096] = "", one[ADDR_TEXT];
	size_t used = 0;

	for (size_t i = 0; i < run->actual.addresses.count; i++) {
		const struct address *address = &run->actual.addresses.items[i];

		if (addr_is_loopback(&address->prefix.address) ||
		    addr_is_link_local(&address->prefix.address) ||
		    used > sizeof(text) - ADDR_TEXT - 2)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? ", " : "",
					 addr_format(&address->prefix.address, one));
	}
	report_error(
		&run->report,
		"no address of this host (%s) is a real server of %s%s in %s",
		used ? text : "it has none", run->options.service ? "service " : "a service",
		run->options.service ? run->options.service : "",
		run->options.file ? run->options.file : DEFAULT_FILE);
	return EXIT_FAILED;
}

static int run_setup(struct run *run)
{
	const struct rs_step *refusal;
	char words[RS_TEXT];

	if (!run->asked.wishes.count && !run->serves &&
	    (is_partial(run) || journal_is_empty(&run->store.set)))
		return nothing_asked(run);
	refusal = rs_plan_refusal(&run->plan);
	if (refusal)
		report_error(&run->report, "%s", rs_step_words(refusal, words));
	if (say_remarks(run) || refusal) {
		report_error(&run->report, "nothing was changed");
		return EXIT_FAILED;
	}
	if (may_not(run) || lasting_plan(&run->lasting, by_filter(run)))
		return EXIT_FAILED;
	if (run->options.dry_run) {
		say_plan(run);
		return lasting_do(&run->lasting) ? EXIT_FAILED : EXIT_DONE;
	}
	if (do_plan(run) || lasting_do(&run->lasting) || settle(run))
		return EXIT_FAILED;
	return !run->asked.wishes.count || standing(run) == RS_IN_PLACE ? EXIT_DONE : EXIT_FAILED;
}

static int run_teardown(struct run *run)
{
	int failed;

	if (may_not(run))
		return EXIT_FAILED;
	failed = lasting_plan(&run->lasting, false);
	if (!failed)
		failed = lasting_do(&run->lasting);
	if (run->options.dry_run) {
		say_plan(run);
		return failed ? EXIT_FAILED : EXIT_DONE;
	}
	if (do_plan(run))
		failed = -EIO;
	if (!failed)
		run->asked = (struct rs_desired){0};
	return settle(run) || failed ? EXIT_FAILED : EXIT_DONE;
}

static int run_status(struct run *run)
{
	enum rs_standing state = standing(run);

	say_remarks(run);
	report_state(&run->report, state, &run->asked, &run->actual, &run->store.set);
	lasting_tell(&run->lasting);
	switch (state) {
	case RS_IN_PLACE:
		return EXIT_DONE;
	case RS_PARTLY:
		for (size_t i = 0; i < run->plan.count && !run->report.json; i++) {
			const struct rs_step *step = &run->plan.steps[i];
			char words[RS_TEXT];

			if (!rs_step_is_silent(step))
				printf("    setup would %s\n", rs_step_words(step, words));
		}
		return EXIT_PARTLY;
	case RS_NOT_SET_UP:
		break;
	}
	return EXIT_NOT_SET_UP;
}

static int run_doctor(struct run *run)
{
	const struct rs_options *options = &run->options;
	struct consultation about = {
		.options = options,
		.file = options->file ? options->file : DEFAULT_FILE,
		.from_journal = !options->given.vip_count && !options->file && access(DEFAULT_FILE, F_OK),
		.store = &run->store,
		.kernel = &run->kernel,
		.addresses = &run->actual.addresses,
		.arp_filter = by_filter(run),
	};

	switch (consult(run->arena, &about, &run->report)) {
	case CONSULT_WELL:
		return EXIT_DONE;
	case CONSULT_NOTHING:
		return nothing_asked(run);
	case CONSULT_ILL:
	case CONSULT_FAILED:
		break;
	}
	return EXIT_FAILED;
}

static int run_command(struct run *run)
{
	if (run->options.command == RS_DOCTOR)
		return look(run) ? EXIT_FAILED : run_doctor(run);
	if (look(run) || find_wishes(run) || build_desired(run) || make_plan(run))
		return EXIT_FAILED;
	switch (run->options.command) {
	case RS_SETUP:
		return run_setup(run);
	case RS_TEARDOWN:
		return run_teardown(run);
	case RS_STATUS:
		return run_status(run);
	case RS_DOCTOR:
	case RS_HELP:
	case RS_VERSION:
		break;
	}
	return EXIT_USAGE;
}

static int run_all(struct run *run)
{
	enum rs_command command = run->options.command;
	bool writing = (command == RS_SETUP || command == RS_TEARDOWN) && !run->options.dry_run;
	char why[STORE_WHY];
	int status;

	if (kernel_open(&run->kernel, why)) {
		report_error(&run->report, "%s", why);
		return EXIT_FAILED;
	}
	if (store_open(&run->store, run->arena, run->options.state_dir, writing, why)) {
		report_error(&run->report, "%s", why);
		kernel_close(&run->kernel);
		return EXIT_FAILED;
	}
	status = run_command(run);
	store_close(&run->store);
	kernel_close(&run->kernel);
	return status;
}

int main(int argc, char **argv)
{
	struct run run = {0};
	char why[OPTIONS_WHY];
	int status;

	if (rs_options_parse(argc, argv, LBHA_STATEDIR, &run.options, why)) {
		fprintf(stderr, "lbha-rs: %s\nTry lbha-rs --help.\n", why);
		return EXIT_USAGE;
	}
	if (run.options.command == RS_HELP || run.options.command == RS_VERSION) {
		fputs(run.options.command == RS_HELP ? help : "lbha-rs " PACKAGE_VERSION "\n",
		      stdout);
		return EXIT_DONE;
	}
	run.arena = arena_new(0);
	if (!run.arena) {
		fprintf(stderr, "lbha-rs: out of memory\n");
		return EXIT_FAILED;
	}
	run.lasting = (struct lasting){.arena = run.arena, .report = &run.report,
				       .options = &run.options, .argc = argc, .argv = argv};
	report_begin(&run.report, run.arena, run.options.json, rs_command_name(run.options.command),
		     run.options.dry_run);
	status = run_all(&run);
	report_end(&run.report);
	arena_free(run.arena);
	return fflush(stdout) ? EXIT_FAILED : status;
}
