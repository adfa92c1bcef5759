/* Stories about one state machine in virtual time: `now` is the clock, the verbs give one input
 * each, and `did` compares the actions, written as words: "add send100 announce BACKUP>MASTER". */
#ifndef LBHA_TESTS_FSM_STORY_H
#define LBHA_TESTS_FSM_STORY_H

#include "suite.h"
#include "vrrp/fsm.h"

#define MS NSTIME_MS

extern struct vrrp_machine machine;
extern struct vrrp_config config;
extern nstime now;
extern char actions[256];

#define did(text) ck_assert_str_eq(actions, text)

struct addr address(const char *text);
void step(struct vrrp_input input);

/* A machine of 192.0.2.1, priority 100, adverts each second, ready, without settling. The clock
 * shows 100 s. */
void begin(void);
void start(uint64_t causes);
void hear_every(const char *source, uint8_t priority, nstime interval);
void hear(const char *source, uint8_t priority); /* every second */
void input(enum vrrp_input_kind kind);
void faults(uint64_t set);
void written(bool added);

/* Goes to when the timer is due and lets it fire; returns how long that was. */
nstime expire(void);
/* A master that has advertised and begun to announce at this time. */
void become_master(void);
/* The reason in words; those of a fault are "eth0 has no carrier". */
const char *why(void);

#endif
