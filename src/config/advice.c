/* See the header. */
#include "config/advice.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "config/model.h"

#define WEIGHTS (ADVICE_PERCENT | ADVICE_WEIGHT)
#define WEIGHT_MAX 65535

bool advice_spoken(const struct advice *told)
{
	return told->parts || told->wish || told->status;
}

bool advice_any(const struct advice *told)
{
	return told->parts || told->wish > ADVICE_READY;
}

bool advice_equal(const struct advice *a, const struct advice *b)
{
	return a->by == b->by && a->parts == b->parts && a->wish == b->wish && a->status == b->status &&
	       a->weight == b->weight && a->maxconn == b->maxconn;
}

void advice_take(struct advice *told, const struct advice *news)
{
	if (news->parts & WEIGHTS) {
		told->parts = (uint8_t)((told->parts & ~WEIGHTS) | (news->parts & WEIGHTS));
		told->weight = news->weight;
	}
	if (news->parts & ADVICE_MAXCONN) {
		told->parts |= ADVICE_MAXCONN;
		told->maxconn = news->maxconn;
	}
	if (news->wish)
		told->wish = news->wish;
	if (news->status)
		told->status = news->status;
	told->by = news->by;
}

/* An absolute weight beside a share of one cannot be compared: the absolute one stands. */
static bool weighs_less(const struct advice *a, const struct advice *b)
{
	if ((a->parts & WEIGHTS) == (b->parts & WEIGHTS))
		return a->weight < b->weight;
	return a->parts & ADVICE_WEIGHT;
}

static bool allows_less(const struct advice *a, const struct advice *b)
{
	return a->maxconn && (!b->maxconn || a->maxconn < b->maxconn);
}

void advice_join(struct advice *told, const struct advice *other)
{
	bool was = advice_any(told);

	if ((other->parts & WEIGHTS) && (!(told->parts & WEIGHTS) || weighs_less(other, told))) {
		told->parts = (uint8_t)((told->parts & ~WEIGHTS) | (other->parts & WEIGHTS));
		told->weight = other->weight;
	}
	if ((other->parts & ADVICE_MAXCONN) &&
	    (!(told->parts & ADVICE_MAXCONN) || allows_less(other, told))) {
		told->parts |= ADVICE_MAXCONN;
		told->maxconn = other->maxconn;
	}
	if (other->wish > told->wish)
		told->wish = other->wish;
	if (!was)
		told->by = other->by;
}

const char *advice_wish_name(enum advice_wish wish)
{
	static const char *const names[] = {
		[ADVICE_NO_WISH] = "",
		[ADVICE_READY] = "ready",
		[ADVICE_DRAIN] = "drain",
		[ADVICE_MAINT] = "maint",
	};

	return (unsigned)wish < COUNT_OF(names) ? names[wish] : "";
}

void advice_format_weight(const struct advice *told, struct text *out)
{
	if (told->parts & WEIGHTS)
		text_add(out, "%u%s", told->weight, told->parts & ADVICE_PERCENT ? "%" : "");
}

void advice_format(const struct advice *told, struct text *out)
{
	const char *before = told->parts & WEIGHTS ? ", " : "";

	advice_format_weight(told, out);
	if (told->wish) {
		text_add(out, "%s%s", before, advice_wish_name(told->wish));
		before = ", ";
	}
	if (told->parts & ADVICE_MAXCONN)
		text_add(out, "%smaxconn %u", before, told->maxconn);
}

void advice_put(struct writer *out, const struct advice *told)
{
	put_u8(out, told->by);
	put_u8(out, told->parts);
	put_u8(out, told->wish);
	put_u8(out, told->status);
	put_u32(out, told->weight);
	put_u32(out, told->maxconn);
}

static bool is_sound(const struct advice *told)
{
	uint8_t weights = told->parts & WEIGHTS;
	uint32_t most = weights == ADVICE_PERCENT ? ADVICE_PERCENT_MAX : weights ? WEIGHT_MAX : 0;

	return told->by < CHECK_TYPES && told->wish < ADVICE_WISHES &&
	       told->status < ADVICE_STATUSES && weights != WEIGHTS &&
	       !(told->parts & ~(WEIGHTS | ADVICE_MAXCONN)) && told->weight <= most &&
	       (told->parts & ADVICE_MAXCONN || !told->maxconn);
}

struct advice advice_get(struct reader *in)
{
	struct advice told = {.by = get_u8(in)};

	told.parts = get_u8(in);
	told.wish = get_u8(in);
	told.status = get_u8(in);
	told.weight = get_u32(in);
	told.maxconn = get_u32(in);
	if (in->failed || !is_sound(&told)) {
		in->failed = true;
		told = (struct advice){0};
	}
	return told;
}
