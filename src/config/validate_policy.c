/* What a service may ask for as a whole: ramps, and weights that checks tell, need a scheduler that
 * looks at weights. */
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

static bool tells_weights(const struct check *check)
{
	return check->type == CHECK_AGENT || check->weight_from_exit || check->weight_from_file;
}

static void warn_of_lost_weights(struct build *build, struct build_service *service)
{
	const char *scheduler = service->model->scheduler;
	const struct origin *place = key_of(service, "scheduler");

	for (size_t i = 0; scheduler && i < service->check_count; i++) {
		const struct check *check = &build->checks[service->checks[i]].model;

		if (!tells_weights(check) || !scheduler_ignores_weights(scheduler))
			continue;
		origin_report(&build->reader, SEVERITY_WARNING, place, &service->self,
			      "%s takes no notice of the weights that %s%s%s tells, but for 0; wrr and "
			      "wlc do",
			      scheduler, check->name ? "\"" : "", check->name ? check->name : "the check",
			      check->name ? "\"" : "");
		return;
	}
}

bool validate_policy(struct build *build, struct build_service *service)
{
	warn_of_lost_weights(build, service);
	return slow_start_fits(build, service);
}
