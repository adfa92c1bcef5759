/* What a service says by leaving something out. A default of the file is for every service, so what
 * a service cannot use of it is dropped without a word; what stands at the service itself is held
 * to the rules by validate_ipvs.c. */
#include <string.h>

#include "config/build.h"
#include "config/scheduler.h"

static struct origin *origin_in(struct build_service *service, const char *key)
{
	return origin_of(&schema_service, service->origins, key);
}

/* sh passes over servers of weight 0 only with its fallback: who says nothing wants that. */
static void resolve_flags(struct build_service *service)
{
	struct service *model = service->model;
	const struct origin *flags = origin_in(service, "flags");
	uint32_t said = model->scheduler_flags;
	bool given = flags->value;

	if (flags->is_default_level) {
		model->scheduler_flags &= scheduler_flags_of(model->scheduler);
		given = model->scheduler_flags || !said;
	}
	if (!given && !strcmp(model->scheduler, "sh"))
		model->scheduler_flags = SCHEDULER_SH_FALLBACK;
}

/* As ipvsadm(8) has it. */
#define PERSISTENCE_DEFAULT (360 * NSTIME_S)

/* A service that gives a prefix or an engine alone means persistence, too. */
static void resolve_persistence(struct build_service *service)
{
	struct persistence *model = &service->model->persistence;
	const struct origin *persistence = origin_in(service, "persistence");
	struct origin *inner = origin_inner(persistence, 0);

	if (!persistence->value || !inner)
		return;
	if (!origin_of(&schema_persistence, inner, "timeout")->value &&
	    !persistence->is_default_level)
		model->timeout = PERSISTENCE_DEFAULT;
	if (origin_of(&schema_persistence, inner, "prefix")->is_default_level && !model->timeout)
		model->prefix = 0;
	if (origin_of(&schema_persistence, inner, "engine")->is_default_level &&
	    (!model->timeout || service->model->protocols != PROTOCOL_UDP))
		model->engine = NULL;
}

static void resolve_one_packet(struct build_service *service)
{
	struct service *model = service->model;

	if (origin_in(service, "one_packet")->is_default_level &&
	    (model->protocols != PROTOCOL_UDP || model->forwarding == FORWARDING_NAT ||
	     model->forwarding == FORWARDING_FULLNAT))
		model->one_packet = false;
}

/* A server that is down keeps its place with weight 0, so that its connections may end in peace;
 * but sh, mh and dh go on choosing a server of weight 0 for its clients (who are then refused, or, with
 * a fallback, sent where it depends on what the director has been through), persistent clients come
 * back to it, and udp has no connections that end. */
static enum on_failure resolve_on_failure(const struct service *service)
{
	if (service->on_failure != ON_FAILURE_AUTO)
		return service->on_failure;
	if (service->protocols != PROTOCOL_TCP || service->persistence.timeout ||
	    !strcmp(service->scheduler, "sh") || !strcmp(service->scheduler, "mh") ||
	    !strcmp(service->scheduler, "dh"))
		return ON_FAILURE_REMOVE;
	return ON_FAILURE_QUIESCE;
}

void resolve_service(struct build_service *service)
{
	resolve_flags(service);
	resolve_persistence(service);
	resolve_one_packet(service);
	service->model->on_failure = resolve_on_failure(service->model);
}
