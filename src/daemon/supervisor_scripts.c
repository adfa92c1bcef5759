/* The check worker's orders for scripts and the runner's answers; check/run.h tells the records. */
#include <errno.h>

#include "check/run.h"
#include "core/protocol.h"
#include "daemon/runner.h"
#include "daemon/supervisor_state.h"

static void answer(void *ctx, const struct run_answer *what)
{
	struct supervisor *s = ctx;
	uint8_t bytes[32 + RUN_WHY];
	struct writer out = writer_of(bytes, sizeof(bytes));

	run_answer_put(&out, what);
	slot_send_bytes(&s->workers.slots[ROLE_CHECK], RECORD_RAN, bytes, writer_used(&out));
}

void supervisor_script(struct supervisor *s, struct slot *slot, uint16_t type, struct reader *in, int fd)
{
	struct run_order order;
	uint32_t run;

	if (type == RECORD_RUN) {
		if (!run_order_get(in, &order) || !runner_run(s->runner, &order, fd))
			slot_kill(slot, "asked for a script that is none");
		return;
	}
	run = get_u32(in);
	if (reader_done(in))
		runner_cancel(s->runner, run);
}

int supervisor_scripts_init(struct supervisor *s)
{
	s->runner = runner_new(s->loop, answer, s);
	return s->runner ? 0 : -ENOMEM;
}
