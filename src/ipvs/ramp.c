/* Steps of a weight; see the header. */
#include "ipvs/ramp.h"

#define FACTOR 100
#define STEPS 10 /* each a tenth of the time and of the weight */
#define FIRST 5  /* percent, before the first step: nothing would tell nothing of the server */

uint32_t ipvs_weight_factor(const struct service *service)
{
	return service->slow_start || service->weight_in_percent ? FACTOR : 1;
}

/* Steps done; STEPS: all. */
static int64_t steps_done(const struct service *service, nstime begun, nstime now)
{
	nstime step = service->slow_start / STEPS;
	int64_t done = step ? (now - begun) / step : STEPS;

	if (!begun || done > STEPS)
		return STEPS;
	return done < 0 ? 0 : done;
}

uint32_t ipvs_ramp_weight(const struct service *service, uint32_t weight, nstime begun, nstime now)
{
	int64_t done = steps_done(service, begun, now);

	if (!service->slow_start || done == STEPS)
		return weight;
	return (uint32_t)((uint64_t)weight * (uint64_t)(done ? done * (100 / STEPS) : FIRST) / 100);
}

nstime ipvs_ramp_due(const struct service *service, nstime begun, nstime now)
{
	int64_t done = steps_done(service, begun, now);

	return done == STEPS ? 0 : begun + (done + 1) * (service->slow_start / STEPS);
}
