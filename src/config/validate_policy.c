/* What a service may ask for as a whole: ramps need a scheduler that shares by weight. */
#include "config/build.h"
#include "config/scheduler.h"

static const struct origin *key_of(const struct build_service *service, const char *key)
{
	return origin_of(&schema_service, service->origins, key);
}

/* A default that is not for this service is dropped; what stands at it is an error. */
static bool slow_start_fits(struct build *build, struct build_service *service)
{
	struct service *model = service->model;
	const struct origin *origin = key_of(service, "slow_start");

	if (!model->slow_start || !model->scheduler || scheduler_may_ramp(model->scheduler))
		return true;
	if (origin->is_default_level) {
		model->slow_start = 0;
		return true;
	}
	origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
		      "wants a scheduler that shares connections by weight (wlc, wrr, sed, nq or "
		      "twos); to %s a weight is something else",
		      model->scheduler);
	return false;
}

bool validate_policy(struct build *build, struct build_service *service)
{
	return slow_start_fits(build, service);
}
