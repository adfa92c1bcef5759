/* See the header. */
#include "net/repair.h"

static nstime pause_after(unsigned streak)
{
	nstime pause = REPAIR_FIRST;

	for (; streak > 1 && pause < REPAIR_LONGEST; streak--)
		pause *= 2;
	return nstime_min(pause, REPAIR_LONGEST);
}

nstime repair_forgotten(const struct repair *repair)
{
	return repair->last + 2 * pause_after(repair->streak);
}

nstime repair_due(const struct repair *repair, nstime now)
{
	if (!repair->streak)
		return now;
	return nstime_max(now, repair->last + pause_after(repair->streak));
}

void repair_done(struct repair *repair, nstime now)
{
	if (repair->streak && now > repair_forgotten(repair))
		repair->streak = 0;
	repair->streak++;
	repair->last = now;
}

bool repair_contested(const struct repair *repair, nstime now)
{
	return repair->streak > 1 && now < repair_forgotten(repair);
}
