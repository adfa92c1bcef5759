/* See the header. */
#include "fsm_story.h"

#include <string.h>

#include "base/text.h"

struct vrrp_machine machine;
struct vrrp_config config;
nstime now;
char actions[256];

struct addr address(const char *text)
{
	struct addr out = {0};

	ck_assert_int_eq(addr_parse(text, &out), 0);
	return out;
}

void step(struct vrrp_input input)
{
	struct text text = text_of(actions, sizeof(actions));
	struct vrrp_actions out;

	vrrp_fsm_step(&machine, &config, now, &input, &out);
	for (unsigned i = 0; i < out.count; i++) {
		const char *blank = i ? " " : "";

		switch (out.list[i].kind) {
		case VRRP_ACTION_SEND:
			text_add(&text, "%ssend%u", blank, out.list[i].priority);
			break;
		case VRRP_ACTION_ADD:
			text_add(&text, "%sadd", blank);
			break;
		case VRRP_ACTION_REMOVE:
			text_add(&text, "%sremove", blank);
			break;
		case VRRP_ACTION_ANNOUNCE:
			text_add(&text, "%sannounce", blank);
			break;
		case VRRP_ACTION_STATE:
			text_add(&text, "%s%s>%s", blank, vrrp_state_name(out.list[i].from),
				 vrrp_state_name(machine.state));
			break;
		case VRRP_ACTION_RELEASED:
			text_add(&text, "%sreleased", blank);
			break;
		case VRRP_ACTION_STEPPED_DOWN:
			text_add(&text, "%sstepped_down_%s", blank, out.list[i].yes ? "yes" : "no");
			break;
		}
	}
}

void begin(void)
{
	now = 100 * NSTIME_S;
	config = (struct vrrp_config){
		.version = 3,
		.priority = 100,
		.preempt = true,
		.advert_interval = NSTIME_S,
		.source = address("192.0.2.1"),
		.announce = {.count = 5, .interval = 200 * MS, .again_after = 5 * NSTIME_S},
	};
	vrrp_fsm_init(&machine, now);
	machine.ready = true;
	actions[0] = '\0';
}

void start(uint64_t causes)
{
	step((struct vrrp_input){.kind = VRRP_INPUT_START, .faults = causes});
}

void hear_every(const char *source, uint8_t priority, nstime interval)
{
	step((struct vrrp_input){.kind = VRRP_INPUT_ADVERT,
				 .source = address(source),
				 .priority = priority,
				 .interval = interval});
}

void hear(const char *source, uint8_t priority)
{
	hear_every(source, priority, NSTIME_S);
}

void input(enum vrrp_input_kind kind)
{
	step((struct vrrp_input){.kind = kind});
}

void faults(uint64_t set)
{
	step((struct vrrp_input){.kind = VRRP_INPUT_FAULTS, .faults = set});
}

void written(bool added)
{
	step((struct vrrp_input){.kind = VRRP_INPUT_WRITTEN, .yes = added});
}

nstime expire(void)
{
	nstime due = vrrp_fsm_due(&machine), waited = due - now;

	ck_assert_int_ne(due, NSTIME_NEVER);
	ck_assert_int_ge(due, now);
	now = due - 1;
	input(VRRP_INPUT_TIMER);
	did(""); /* never early */
	now = due;
	input(VRRP_INPUT_TIMER);
	return waited;
}

void become_master(void)
{
	start(0);
	expire();
	did("BACKUP>MASTER add");
	written(true);
	did("send100 announce");
}

const char *why(void)
{
	static char text[160];

	return vrrp_explain(&machine.reason, now, "eth0 has no carrier", text, sizeof(text));
}
