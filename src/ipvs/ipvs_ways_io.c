/* See the header. */
#include "ipvs/ipvs_ways_io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/model.h"
#include "core/log.h"
#include "core/loop.h"
#include "ipvs/contest.h"
#include "ipvs/ipvs_sysctls_io.h"
#include "ipvs/ways.h"
#include "net/owned_io.h"
#include "net/policy_io.h"
#include "net/rtnl_io.h"
#include "net/sysctl_io.h"

static const uint8_t families[IPVS_FAMILIES] = {AF_INET, AF_INET6};

void ipvs_ways_init(struct ipvs_ways_kept *kept, int fd, const struct owned_set *file)
{
	*kept = (struct ipvs_ways_kept){.fd = fd};
	for (size_t i = 0; i < file->count; i++)
		for (int f = 0; f < IPVS_FAMILIES; f++)
			kept->ours[f] |= file->items[i].kind == OWNED_ROUTING &&
					 !file->items[i].gone &&
					 file->items[i].routing.table == POLICY_TABLE &&
					 file->items[i].routing.family == families[f];
}

void ipvs_ways_renew(struct ipvs_ways_kept *kept)
{
	memset(kept->settled, 0, sizeof(kept->settled));
}

/* ---- routes --------------------------------------------------------------------------------- */

static int write_down(struct ipvs_ways_kept *kept, int f, bool gone)
{
	struct owned record = {
		.gone = gone, .kind = OWNED_ROUTING, .routing = {families[f], POLICY_TABLE}};
	int error = kept->ours[f] == !gone ? 0 : owned_append(kept->fd, &record, 1);

	if (!error)
		kept->ours[f] = !gone;
	return error;
}

static int plan_family(struct rtnl *rtnl, struct arena *arena, const struct model *model, int f,
		       struct policy_plan *out)
{
	struct policy_set desired = {0}, actual;
	int error = model ? ipvs_ways_policy(arena, model, families[f], &desired) : 0;

	if (!error)
		error = policy_read(rtnl, arena, families[f], &actual);
	return error ? error : policy_plan_build(arena, families[f], &desired, &actual, out);
}

static bool is_wanted(const struct model *model, int f)
{
	for (size_t i = 0; model && i < model->way_count; i++)
		if (model->ways[i].family == families[f])
			return true;
	return false;
}

static bool may_repair(const struct ipvs_ways_kept *kept, const struct policy_op *op)
{
	char buffer[POLICY_TEXT];
	struct text text = text_of(buffer, sizeof(buffer));
	nstime now = clock_now();
	enum contest_verdict verdict;

	policy_op_format(op, &text);
	verdict = contests_ask(kept->contests, contest_object("routing", buffer), true, now);
	if (verdict != CONTEST_REPAIR)
		contests_tell(kept->contests, buffer, now);
	return verdict != CONTEST_WAIT;
}

static void log_op(const struct policy_op *op, bool is_repair)
{
	char buffer[POLICY_TEXT];
	struct text text = text_of(buffer, sizeof(buffer));

	policy_op_format(op, &text);
	if (is_repair)
		log_warning("somebody else changed the routes of probes; repaired: %s", buffer);
	else
		log_info("for probes with via: vip: %s", buffer);
}

/* `whole`: nothing was left undone. */
static int carry_out(struct ipvs_ways_kept *kept, struct rtnl *rtnl, const struct policy_plan *plan,
		     int f, bool removes, bool *whole, unsigned *repairs)
{
	bool is_repair = kept->settled[f];

	for (size_t i = 0; i < (removes ? plan->count : plan->removals); i++) {
		const struct policy_op *op = &plan->ops[i];
		int error;

		if (is_repair && !may_repair(kept, op)) {
			*whole &= i >= plan->removals;
			continue;
		}
		error = policy_do(rtnl, op);
		if (error)
			return error;
		log_op(op, is_repair);
		*repairs += is_repair;
	}
	return 0;
}

static int route_family(struct ipvs_ways_kept *kept, struct rtnl *rtnl, struct arena *arena,
			const struct model *model, int f, bool removes, unsigned *repairs)
{
	struct policy_plan plan;
	bool whole = true;
	int error = plan_family(rtnl, arena, model, f, &plan);

	if (!error && is_wanted(model, f))
		error = write_down(kept, f, false);
	if (!error)
		error = carry_out(kept, rtnl, &plan, f, removes, &whole, repairs);
	kept->settled[f] |= !error && whole && removes; /* what is left to remove is no repair yet */
	kept->routed &= whole;
	if (!error && removes && !is_wanted(model, f))
		error = write_down(kept, f, true);
	return error;
}

static void note_error(struct ipvs_ways_kept *kept, int error)
{
	char before[FACT_DETAIL];
	struct text text;

	memcpy(before, kept->error, sizeof(before));
	text = text_of(kept->error, sizeof(kept->error));
	if (error)
		text_add(&text, "cannot route probes with via: vip: %s", strerror(-error));
	if (error && strcmp(before, kept->error))
		log_error("%s", kept->error);
}

unsigned ipvs_ways_route(struct ipvs_ways_kept *kept, const struct model *model, bool removes)
{
	struct rtnl *rtnl = NULL;
	unsigned repairs = 0;
	int error = 0;

	kept->routed = true;
	for (int f = 0; f < IPVS_FAMILIES && !error; f++) {
		auto_arena *arena = NULL;

		if (!is_wanted(model, f) && !kept->ours[f])
			continue;
		arena = arena_new(0);
		error = arena ? 0 : -ENOMEM;
		if (!error && !rtnl)
			error = rtnl_open(&rtnl);
		if (!error)
			error = route_family(kept, rtnl, arena, model, f, removes, &repairs);
	}
	rtnl_close(rtnl);
	kept->routed &= !error;
	note_error(kept, error);
	return repairs;
}

void ipvs_ways_rehearse(const struct ipvs_ways_kept *kept, const struct model *model,
			void (*line)(void *ctx, const char *text), void *ctx)
{
	auto_arena *arena = arena_new(0);
	struct rtnl *rtnl = NULL;

	for (int f = 0; arena && f < IPVS_FAMILIES; f++) {
		struct policy_plan plan;

		if ((!is_wanted(model, f) && !kept->ours[f]) || (!rtnl && rtnl_open(&rtnl)) ||
		    plan_family(rtnl, arena, model, f, &plan))
			continue;
		for (size_t i = 0; i < plan.count; i++) {
			char buffer[POLICY_TEXT];
			struct text text = text_of(buffer, sizeof(buffer));

			policy_op_format(&plan.ops[i], &text);
			line(ctx, buffer);
		}
	}
	rtnl_close(rtnl);
}

/* ---- sysctls -------------------------------------------------------------------------------- */

/* The stricter of the two settings counts, and 2 is the looser of the two filters (ip_sysctl). What we
 * have loosened stays wanted so. */
static bool filters_strictly(int dir, const char *link, const struct ipvs_sysctls_kept *owned)
{
	char path[SYSCTL_PATH];
	int64_t all = 0, own = 0;

	if (sysctl_conf_path(path, "ipv4", link, "rp_filter"))
		return false;
	if (ipvs_sysctls_owns(owned, path))
		return true;
	sysctl_read(dir, path, &own);
	sysctl_read(dir, "net/ipv4/conf/all/rp_filter", &all);
	return (all > own ? all : own) == 1;
}

static int want_of_link(struct arena *arena, struct rtnl *rtnl, int dir, uint32_t index,
			const struct ipvs_sysctls_kept *owned, struct ipvs_sysctls *out)
{
	struct link link;
	int error = rtnl_link_by_index(rtnl, index, &link);

	return error ? error
		     : ipvs_sysctls_want_answers(arena, out, link.name,
						 filters_strictly(dir, link.name, owned));
}

int ipvs_ways_sysctls(struct arena *arena, const struct model *model,
		      const struct ipvs_sysctls_kept *owned, struct ipvs_sysctls *out)
{
	struct rtnl *rtnl = NULL;
	uint32_t last = 0, link;
	int dir, error = 0;

	if (!is_wanted(model, 0))
		return 0;
	dir = sysctl_open();
	error = dir < 0 ? dir : rtnl_open(&rtnl);
	for (size_t i = 0; i < model->way_count && !error; i++) {
		const struct way *way = &model->ways[i];

		if (way->family != AF_INET || policy_link_towards(rtnl, &way->server, &link) ||
		    link == last)
			continue;
		error = want_of_link(arena, rtnl, dir, link, owned, out);
		last = link;
	}
	rtnl_close(rtnl);
	if (dir >= 0)
		close(dir);
	return error;
}
