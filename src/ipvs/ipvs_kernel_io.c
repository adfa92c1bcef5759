/* See the header. */
#include "ipvs/ipvs_kernel_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "core/log.h"
#include "core/loop.h"
#include "ipvs/ipvs_io.h"
#include "net/sysctl_io.h"

#define REFUSALS_LOGGED 5 /* of one run */

/* With it the kernel ends a connection whose packet comes while its destination is not there. */
#define EXPIRE_NODEST "net/ipv4/vs/expire_nodest_conn"

static void describe(struct ipvs_kernel *kernel, int error)
{
	if (error == -ENOENT)
		snprintf(kernel->error, sizeof(kernel->error),
			 "this kernel has no IPVS: no module ip_vs to load (CONFIG_IP_VS; try: "
			 "modprobe ip_vs)");
	else if (error == -EPERM)
		snprintf(kernel->error, sizeof(kernel->error),
			 "the kernel does not let us use IPVS (CAP_NET_ADMIN)");
	else
		snprintf(kernel->error, sizeof(kernel->error), "IPVS does not answer: %s",
			 strerror(-error));
}

static int note_silence(struct ipvs_kernel *kernel, int error)
{
	kernel->silent = error == -ETIMEDOUT ? clock_now() : 0;
	return error;
}

int ipvs_kernel_open(struct ipvs_kernel *kernel)
{
	int error = 0;

	if (kernel->silent && clock_now() < kernel->silent + IPVS_IO_PATIENCE)
		error = -ETIMEDOUT;
	else if (!kernel->io)
		error = note_silence(kernel, ipvs_io_open(&kernel->io));
	if (error)
		describe(kernel, error);
	else
		ipvs_io_tell_alive(kernel->io, kernel->alive, kernel->ctx);
	return error;
}

void ipvs_kernel_close(struct ipvs_kernel *kernel)
{
	ipvs_io_close(kernel->io);
	kernel->io = NULL;
	kernel->in_sync = false;
	ipvs_kernel_close_reader(kernel);
}

int ipvs_kernel_open_reader(struct ipvs_kernel *kernel)
{
	return kernel->reader ? 0 : ipvs_io_open_reader(&kernel->reader);
}

void ipvs_kernel_close_reader(struct ipvs_kernel *kernel)
{
	ipvs_io_close(kernel->reader);
	kernel->reader = NULL;
}

/* The family's number changes when the module is loaded anew, so one failure may just mean that. */
int ipvs_kernel_dump_unknown(struct ipvs_kernel *kernel, struct arena *arena,
			     struct ipvs_table *out,
			     const struct ipvs_service *(*known)(
				     void *ctx, const struct ipvs_service_key *key),
			     void *ctx)
{
	int error = 0;

	for (int tries = 0; tries < 2; tries++) {
		error = ipvs_kernel_open(kernel);
		if (error)
			return error;
		error = note_silence(kernel, ipvs_io_dump_unknown(kernel->io, arena, out, known, ctx));
		if (!error || error == -ENOMEM)
			return error;
		ipvs_kernel_close(kernel);
	}
	describe(kernel, error);
	return error;
}

int ipvs_kernel_dump(struct ipvs_kernel *kernel, struct arena *arena, struct ipvs_table *out)
{
	return ipvs_kernel_dump_unknown(kernel, arena, out, NULL, NULL);
}

int ipvs_kernel_dump_dests(struct ipvs_kernel *kernel, struct arena *arena,
			   struct ipvs_table *services)
{
	int error = ipvs_kernel_open(kernel);

	return error ? error : ipvs_io_dump_dests(kernel->io, arena, services);
}

static void keep_error(struct ipvs_kernel *kernel, const char *words)
{
	struct text kept = text_of(kernel->error, sizeof(kernel->error));

	text_add(&kept, "%s", words);
}

struct run {
	struct ipvs_kernel *kernel;
	char before[FACT_DETAIL]; /* the error that stood before this run */
	unsigned refusals;
};

/* Refusals that follow from the first are many (no service: none of its servers); one that is
 * repeated at every try is logged once. */
static void note_refusal(void *ctx, const struct ipvs_op *op, int error, const char *words)
{
	struct run *run = ctx;
	char buffer[512];
	struct text text = text_of(buffer, sizeof(buffer));
	bool repeated;

	ipvs_refusal_format(op, error, words, &text);
	if (run->kernel->refused)
		run->kernel->refused(run->kernel->ctx, op, buffer);
	if (!run->refusals)
		keep_error(run->kernel, buffer);
	repeated = !strcmp(run->before, run->kernel->error);
	if (run->refusals++ < REFUSALS_LOGGED && !repeated)
		log_error("the kernel refused %s", buffer);
}

static int apply_some(struct run *run, const struct ipvs_op *ops, size_t count)
{
	run->kernel->operations += count;
	for (size_t i = 0; i < count; i++)
		run->kernel->kinds[ops[i].kind]++;
	return ipvs_io_apply(run->kernel->io, ops, count, note_refusal, run);
}

/* How many operations there are before the next move, or (`moves`) how many belong to moves. */
static size_t stretch(const struct ipvs_op *ops, size_t count, bool moves)
{
	size_t length = 0;

	while (length < count && ipvs_plan_is_move(ops + length, count - length) == moves)
		length += moves ? 2 : 1;
	return length;
}

/* Moves go to the kernel one at a time, and the first that it refuses is the last: else one trouble
 * could take all destinations of a service away. */
static int apply_moves(struct run *run, const struct ipvs_op *ops, size_t count)
{
	int dir = sysctl_open();
	int64_t former = 0;
	int result = 0;

	if (dir >= 0 && !sysctl_read(dir, EXPIRE_NODEST, &former) && former)
		sysctl_write(dir, EXPIRE_NODEST, 0);
	for (size_t done = 0; done < count && !result; done += 2)
		result = apply_some(run, ops + done, 2);
	if (former)
		sysctl_write(dir, EXPIRE_NODEST, former);
	if (dir >= 0)
		close(dir);
	return result;
}

static int apply(struct run *run, const struct ipvs_op *ops, size_t count)
{
	int refusals = 0, result = 0;

	for (size_t done = 0, length; done < count && result >= 0; done += length) {
		bool moves = ipvs_plan_is_move(ops + done, count - done);

		length = stretch(ops + done, count - done, moves);
		result = moves ? apply_moves(run, ops + done, length)
			       : apply_some(run, ops + done, length);
		refusals += result;
	}
	return result < 0 ? result : refusals;
}

bool ipvs_kernel_run(struct ipvs_kernel *kernel, const struct ipvs_op *ops, size_t count)
{
	struct run run = {.kernel = kernel};
	int result;

	if (!count)
		return true;
	if (ipvs_kernel_open(kernel)) {
		kernel->in_sync = false;
		return false;
	}
	memcpy(run.before, kernel->error, sizeof(run.before));
	result = note_silence(kernel, apply(&run, ops, count));
	if (!result)
		return true;
	kernel->in_sync = false;
	if (result < 0) {
		describe(kernel, result);
		log_error("%s", kernel->error);
		ipvs_kernel_close(kernel);
	} else if (run.refusals > REFUSALS_LOGGED) {
		log_debug("%u operations were refused in all", run.refusals);
	}
	return false;
}

void ipvs_kernel_agrees(struct ipvs_kernel *kernel)
{
	if (kernel->error[0])
		log_info("the kernel's table is as it should be again");
	kernel->error[0] = '\0';
	kernel->in_sync = true;
}
