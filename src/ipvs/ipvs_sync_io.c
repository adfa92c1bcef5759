/* See the header. */
#include "ipvs/ipvs_sync_io.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/log.h"
#include "core/loop.h"
#include "ipvs/contest.h"
#include "ipvs/ipvs_io.h"
#include "ipvs/ipvs_kernel_io.h"
#include "net/owned_io.h"

/* After a failure it is tried again, at doubled distances. */
#define PAUSE_FIRST NSTIME_S
#define PAUSE_LONGEST (10 * NSTIME_S)

void ipvs_sync_init(struct ipvs_sync_kept *kept, int fd, const struct owned_set *file)
{
	*kept = (struct ipvs_sync_kept){.fd = fd};
	for (size_t n = 0; n < file->count; n++) {
		const struct owned *record = &file->items[n];

		for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++) {
			struct ipvs_sync_daemon *daemon = &kept->owned.of[role];

			if (record->kind != OWNED_SYNC || record->gone ||
			    strcmp(record->sync.role, ipvs_sync_role_name(role)) != 0)
				continue;
			*daemon = (struct ipvs_sync_daemon){
				.on = true, .link = record->sync.link, .id = record->sync.id};
			memcpy(daemon->interface, record->sync.name, sizeof(daemon->interface));
		}
	}
}

/* ---- the plan --------------------------------------------------------------------------------- */

static const struct ipvs_sync *sync_of(const struct model *model)
{
	return model && model->global.ipvs.sync_count ? model->global.ipvs.sync : NULL;
}

static bool is_idle(const struct ipvs_sync_kept *kept, const struct model *model)
{
	for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++)
		if (kept->owned.of[role].on)
			return false;
	return !sync_of(model) || !model->service_count;
}

/* What a model wants, in face of what there is. */
static struct ipvs_daemons wanted_by(const struct model *model, const struct roles *roles,
				     const struct ipvs_daemons *actual)
{
	const struct ipvs_sync *sync = sync_of(model);

	if (!sync)
		return (struct ipvs_daemons){0};
	return ipvs_sync_wanted(model, roles_mastership(roles, &sync->instance, 1), actual,
				if_nametoindex(sync->interface));
}

static int make_plan(const struct ipvs_sync_kept *kept, struct ipvs_kernel *kernel,
		     const struct model *model, const struct roles *roles,
		     struct ipvs_daemons *wanted, struct ipvs_daemons *actual,
		     struct ipvs_sync_plan *plan)
{
	int error = ipvs_kernel_open(kernel);

	if (!error)
		error = ipvs_io_get_daemons(kernel->io, actual);
	if (error)
		return error;
	*wanted = wanted_by(model, roles, actual);
	*plan = ipvs_sync_plan(wanted, actual, &kept->owned);
	return 0;
}

void ipvs_sync_rehearse(const struct ipvs_sync_kept *kept, struct ipvs_kernel *kernel,
			const struct model *model, const struct roles *roles,
			void (*line)(void *ctx, const char *text), void *ctx)
{
	struct ipvs_daemons wanted, actual;
	struct ipvs_sync_plan plan;

	if (is_idle(kept, model) || make_plan(kept, kernel, model, roles, &wanted, &actual, &plan))
		return;
	for (size_t i = 0; i < plan.count; i++) {
		char buffer[IPVS_SYNC_OP_TEXT];
		struct text text = text_of(buffer, sizeof(buffer));

		ipvs_sync_op_format(&plan.ops[i], &text);
		line(ctx, buffer);
	}
}

/* ---- the owned file --------------------------------------------------------------------------- */

static int write_down(const struct ipvs_sync_kept *kept, bool gone, enum ipvs_sync_role role,
		      const struct ipvs_sync_daemon *daemon)
{
	struct owned record = {.gone = gone, .kind = OWNED_SYNC};

	record.sync.link = daemon->link;
	record.sync.id = daemon->id;
	memcpy(record.sync.name, daemon->interface, sizeof(record.sync.name));
	snprintf(record.sync.role, sizeof(record.sync.role), "%s", ipvs_sync_role_name(role));
	return owned_append(kept->fd, &record, 1);
}

static int own(struct ipvs_sync_kept *kept, enum ipvs_sync_role role,
	       const struct ipvs_sync_daemon *daemon)
{
	struct ipvs_sync_daemon *owned = &kept->owned.of[role];
	bool is_written = owned->on && owned->link == daemon->link && owned->id == daemon->id &&
			  !strcmp(owned->interface, daemon->interface);
	int error = is_written ? 0 : write_down(kept, false, role, daemon);

	if (!error)
		*owned = *daemon;
	return error;
}

static void disown(struct ipvs_sync_kept *kept, enum ipvs_sync_role role)
{
	if (kept->owned.of[role].on)
		write_down(kept, true, role, &kept->owned.of[role]);
	kept->owned.of[role] = (struct ipvs_sync_daemon){0};
}

/* What runs as it is wanted is ours, whoever started it; what does not run, and is not wanted, is
 * not. */
static void settle_ownership(struct ipvs_sync_kept *kept, const struct ipvs_daemons *wanted,
			     const struct ipvs_daemons *now)
{
	kept->runs = 0;
	for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++) {
		if (!wanted->of[role].on)
			disown(kept, role);
		else if (now->of[role].on && wanted->of[role].link)
			own(kept, role, &wanted->of[role]);
		if (wanted->of[role].on && now->of[role].on)
			kept->runs |= role == IPVS_SYNC_MASTER ? FACT_SYNC_SENDS
							       : FACT_SYNC_RECEIVES;
	}
}

/* ---- applying --------------------------------------------------------------------------------- */

static void note_error(char *out, int error, enum ipvs_sync_role role, const char *interface)
{
	if (*out)
		return;
	if (error == -ENODEV)
		snprintf(out, FACT_DETAIL, "interface %s does not exist", interface);
	else
		snprintf(out, FACT_DETAIL, "the %s daemon on %s: %s%s", ipvs_sync_role_name(role),
			 interface, strerror(-error),
			 error == -EINVAL ? " (are there servers of another family than their service?)"
					  : "");
}

static int run_op(struct ipvs_sync_kept *kept, struct ipvs_kernel *kernel,
		  const struct ipvs_sync_op *op, struct ipvs_daemons *now)
{
	int error = op->is_start ? own(kept, op->role, &op->daemon) : 0;
	char buffer[IPVS_SYNC_OP_TEXT];
	struct text text = text_of(buffer, sizeof(buffer));

	if (!error)
		error = ipvs_io_sync(kernel->io, op);
	if (error)
		return error;
	kernel->operations++;
	kernel->kinds[FACT_OPERATIONS - 1]++;
	now->of[op->role] = op->is_start ? op->daemon : (struct ipvs_sync_daemon){0};
	ipvs_sync_op_format(op, &text);
	log_at(op->is_repair ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s%s",
	       op->is_repair ? "repaired: " : "connection sync: ", buffer);
	return 0;
}

/* Whether somebody else has undone the repair of a role too often for another one now. */
static bool must_wait(struct ipvs_sync_kept *kept, const struct ipvs_sync_plan *plan,
		      enum ipvs_sync_role role, nstime now)
{
	const char *name = ipvs_sync_role_name(role);
	enum contest_verdict verdict = CONTEST_REPAIR;
	char words[64];

	for (size_t i = 0; i < plan->count; i++)
		if (plan->ops[i].role == role && plan->ops[i].is_repair)
			verdict = contests_ask(kept->contests, contest_object("sync", name), true,
					       now);
	if (verdict == CONTEST_REPAIR)
		return false;
	snprintf(words, sizeof(words), "ipvsadm --start-daemon %s", name);
	contests_tell(kept->contests, words, now);
	return verdict == CONTEST_WAIT;
}

/* Tells a failure once, and when to try again. */
static void conclude(struct ipvs_sync_kept *kept, const char *error)
{
	if (strcmp(error, kept->error) != 0) {
		if (*error)
			log_error("connection sync: %s; trying again", error);
		else
			log_info("connection sync is as it should be again");
		snprintf(kept->error, sizeof(kept->error), "%s", error);
	}
	if (!*error)
		kept->pause = 0;
	else
		kept->pause = kept->pause ? nstime_min(2 * kept->pause, PAUSE_LONGEST) : PAUSE_FIRST;
}

unsigned ipvs_sync_apply(struct ipvs_sync_kept *kept, struct ipvs_kernel *kernel,
			 const struct model *model, const struct roles *roles)
{
	struct ipvs_daemons wanted, now;
	struct ipvs_sync_plan plan;
	char words[FACT_DETAIL] = "";
	nstime clock = clock_now();
	unsigned repairs = 0;
	int error;

	if (is_idle(kept, model)) {
		kept->runs = 0;
		conclude(kept, "");
		return 0;
	}
	error = make_plan(kept, kernel, model, roles, &wanted, &now, &plan);
	if (error) {
		snprintf(words, sizeof(words), "the kernel does not say what runs: %s",
			 strerror(-error));
		conclude(kept, words);
		return 0;
	}
	for (unsigned role = 0; role < IPVS_SYNC_ROLES; role++)
		if (wanted.of[role].on && !wanted.of[role].link)
			note_error(words, -ENODEV, role, wanted.of[role].interface);
	for (size_t i = 0; i < plan.count; i++) {
		const struct ipvs_sync_op *op = &plan.ops[i];

		if (must_wait(kept, &plan, op->role, clock))
			continue;
		error = run_op(kept, kernel, op, &now);
		if (error)
			note_error(words, error, op->role, op->daemon.interface);
		else
			repairs += op->is_repair;
	}
	settle_ownership(kept, &wanted, &now);
	conclude(kept, words);
	return repairs;
}
