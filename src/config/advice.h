/* What a check tells of its server beside the verdict: a weight, whether it wants to be drained or left
 * alone, how many connections it can bear. Each part is a level that stands until the same check tells
 * another: a reply that says nothing of the weight leaves the weight that was told. What operators say
 * goes before it, and it goes before lbha.conf (ipvs/service.h). */
#ifndef LBHA_CONFIG_ADVICE_H
#define LBHA_CONFIG_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

struct text;

enum advice_part {
	ADVICE_PERCENT = 1,  /* of the configured weight */
	ADVICE_WEIGHT = 2,   /* in place of the configured one */
	ADVICE_MAXCONN = 4,
};

enum advice_wish {
	ADVICE_NO_WISH,
	ADVICE_READY, /* takes the other two back */
	ADVICE_DRAIN,
	ADVICE_MAINT,
	ADVICE_WISHES,
};

/* That it is up or down, from whom says so in as many words: down stands until up is said. The check
 * worker makes a verdict of it, which is all that others need. */
enum advice_status {
	ADVICE_NO_STATUS,
	ADVICE_UP,
	ADVICE_DOWN,
	ADVICE_STATUSES,
};

/* Small, because every probe has some. */
struct advice {
	uint8_t by;       /* enum check_type; of nothing told: meaningless */
	uint8_t parts;    /* set of enum advice_part; at most one of PERCENT and WEIGHT */
	uint8_t wish;     /* enum advice_wish */
	uint8_t status;   /* enum advice_status */
	uint32_t weight;  /* with PERCENT: of those, at most ADVICE_PERCENT_MAX; with WEIGHT: at most 65535 */
	uint32_t maxconn; /* 0: no limit */
};

#define ADVICE_PERCENT_MAX 25600 /* as HAProxy's */

/* Whether anything was told at all; whether any of it is about the server's place in the table. */
bool advice_spoken(const struct advice *told);
bool advice_any(const struct advice *told);
bool advice_equal(const struct advice *a, const struct advice *b);

/* What stands after a further reply of the same check. */
void advice_take(struct advice *told, const struct advice *news);

/* Of several checks of one server the most careful word stands: the least weights and connections, maint
 * before drain. */
void advice_join(struct advice *told, const struct advice *other);

/* "75%, drain, maxconn 30"; the weight alone: "75%" or "30". */
void advice_format(const struct advice *told, struct text *out);
void advice_format_weight(const struct advice *told, struct text *out);
const char *advice_wish_name(enum advice_wish wish);

/* Part of a fact: it may have bytes after it. What is out of range makes the reader fail. */
void advice_put(struct writer *out, const struct advice *told);
struct advice advice_get(struct reader *in);

#endif
