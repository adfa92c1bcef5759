/* A planned change of the ipvs worker: what it leaves and what it inherits (ipvs/inherit.h). Declared in
 * ipvs_worker_io.h. The kernel's table, rules, sysctls and the owned file stay as they are; the successor reads them
 * at its first commit, with what was known of them. */
#include "ipvs/ipvs_worker_io.h"

#include <stdlib.h>

#include "core/log.h"
#include "core/worker.h"

void ipvs_carry_leave(void *ctx, UNUSED nstime deadline)
{
	struct ipvs_worker *ipvs = ctx;
	const struct ipvs_state *state = ipvs_running_state(ipvs);
	const struct ipvs_carry_worker about = {
		.operations = ipvs->kernel.operations,
		.repairs = ipvs->repairs,
		.last_read_back = ipvs->last_read_back,
	};
	size_t room = state ? ipvs_leave_size(state) : 0;
	uint8_t *bytes = room ? malloc(room) : NULL;
	struct writer out = writer_of(bytes, bytes ? room : 0);

	ipvs_reload_stop(ipvs);
	if (bytes)
		ipvs_leave(&out, state, &about, &ipvs->contests, clock_now());
	worker_left(ipvs->worker, bytes, out.failed ? 0 : writer_used(&out));
	free(bytes);
}

void ipvs_carry_inherit(void *ctx, struct reader *in)
{
	struct ipvs_worker *ipvs = ctx;

	worker_keep(ipvs->worker, in);
}

/* The plan that PREPARE has made is of the time before: COMMIT makes another. */
void ipvs_carry_take(struct ipvs_worker *ipvs)
{
	struct generation *next = ipvs->prepared;
	struct reader in;

	if (!worker_kept(ipvs->worker, &in))
		return;
	if (ipvs_inherit(next->arena, &next->state, &in, clock_now(), &next->inherited))
		log_error("no memory for all that the predecessor has left");
	worker_kept_end(ipvs->worker);
	ipvs->happened++;
	ipvs->kernel.operations += next->inherited.worker.operations;
	ipvs->repairs += next->inherited.worker.repairs;
	ipvs->last_read_back = next->inherited.worker.last_read_back;
}

void ipvs_carry_contests(struct ipvs_worker *ipvs)
{
	const struct ipvs_inherited *inherited = &ipvs->running->inherited;
	nstime now = clock_now();

	for (size_t i = 0; i < inherited->contest_count; i++)
		contests_recall(&ipvs->contests, inherited->contests[i].object,
				&inherited->contests[i].repair, now);
}
