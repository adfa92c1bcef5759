/* The two workers that have something in the kernel are started without a configuration and told to release at once:
 * what is written down as ours is all they know, and nothing is wanted. First the addresses, then what they led to. The
 * lock of the run folder keeps daemons away meanwhile; workers of a killed supervisor are waited for, as at a start. */
#include "daemon/withdraw.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "core/log.h"
#include "daemon/handover_file.h"
#include "daemon/rundir.h"
#include "daemon/takeaway.h"
#include "daemon/workers.h"
#include "net/owned_io.h"

#define PATIENCE_VRRP (30 * NSTIME_S)
#define PATIENCE_IPVS (60 * NSTIME_S) /* thousands of services */

struct withdrawal {
	struct loop *loop;
	struct rundir rundir;
	struct workers workers;
	bool failed, over;
};

static void on_ready(void *ctx, struct slot *slot)
{
	(void)ctx;
	(void)slot; /* it was told already what to do */
}

/* The next one, if there is one. */
static void go_on(struct withdrawal *withdrawal, const struct slot *slot)
{
	struct slot *ipvs = &withdrawal->workers.slots[ROLE_IPVS];

	withdrawal->failed |= !slot->released;
	if (slot->role == ROLE_VRRP)
		slot_clear(ipvs, PATIENCE_IPVS);
	if (ipvs->pid > 0)
		return;
	withdrawal->failed |= !ipvs->released;
	withdrawal->over = true;
	loop_stop(withdrawal->loop);
}

static void on_died(void *ctx, struct slot *slot)
{
	struct withdrawal *withdrawal = ctx;

	if (slot->pid <= 0) /* else another way is tried */
		go_on(withdrawal, slot);
}

static const struct workers_ops ops = {.ready = on_ready, .died = on_died};

static int take_away(struct withdrawal *withdrawal, int lbhad)
{
	struct workers *workers = &withdrawal->workers;
	struct slot *vrrp = &workers->slots[ROLE_VRRP];
	int err;

	*workers = (struct workers){.loop = withdrawal->loop,
				    .ops = &ops,
				    .ctx = withdrawal,
				    .lbhad = lbhad,
				    .checkd = -1,
				    .take_away = takeaway,
				    .owned = withdrawal->rundir.owned,
				    .control = -1};
	err = workers_init(workers);
	if (!err) {
		slot_clear(vrrp, PATIENCE_VRRP);
		if (vrrp->pid <= 0)
			go_on(withdrawal, vrrp);
		err = withdrawal->over ? 0 : loop_run(withdrawal->loop);
	}
	workers_fini(workers);
	return err ? err : withdrawal->failed ? -EIO : 0;
}

/* Whether more is owned than what shall stay; of a sysctl that is not known here. */
static bool has_something(const struct rundir *rundir)
{
	auto_arena *arena = arena_new(0);
	struct owned_set set = {0};
	bool keeps = false, others = false, any = false;

	if (!arena || owned_read(rundir->owned, arena, &set))
		return true;
	for (size_t i = 0; i < set.count; i++) {
		enum owned_kind kind = set.items[i].kind;

		keeps |= kind == OWNED_KEEP;
		others |= kind == OWNED_ADDRESS || kind == OWNED_ROUTE || kind == OWNED_LINK || kind == OWNED_SYSCTL;
		any |= kind != OWNED_KEEP;
	}
	return keeps ? others : any;
}

/* Somebody comes who goes on with it. */
static bool is_expected(const struct rundir *rundir)
{
	struct handover_found found;
	nstime now = clock_now();

	handover_find(rundir->dir, now, &found);
	if (found.fresh)
		log_info("nothing is withdrawn: it is left to the next lbhad for another %.1f s",
			 (double)(found.handover.deadline - now) / NSTIME_S);
	handover_found_free(&found);
	return found.fresh;
}

int withdraw_run(const char *run_dir, int lbhad)
{
	struct withdrawal withdrawal = {0};
	int err;

	if (access(run_dir, F_OK) && errno == ENOENT) {
		log_info("nothing is to be withdrawn: there is no %s", run_dir);
		return 0;
	}
	err = rundir_open_run(&withdrawal.rundir, run_dir);
	if (err)
		return 1;
	if (!has_something(&withdrawal.rundir)) {
		log_info("nothing is to be withdrawn");
	} else if (!is_expected(&withdrawal.rundir)) {
		withdrawal.loop = loop_new();
		err = withdrawal.loop ? take_away(&withdrawal, lbhad) : -ENOMEM;
		loop_free(withdrawal.loop);
		if (err)
			log_error("not everything could be withdrawn: %s; see %s/owned", strerror(-err), run_dir);
		else
			log_info("withdrawn: nothing of lbhad is left in the kernel but what it is told to keep");
	}
	rundir_close(&withdrawal.rundir);
	return err ? 1 : 0;
}
