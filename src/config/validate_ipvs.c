/* What the kernel's IPVS can make of one service. Names of schedulers are the kernel's to judge,
 * since modules may bring new ones; what a known one cannot do is an error here, at the place where
 * it was asked for. */
#include <string.h>

#include "base/addr.h"
#include "base/text.h"
#include "config/build.h"
#include "config/scheduler.h"

/* Where a key of the service's persistence stands; the persistence itself when nobody gave it. */
static const struct origin *persistence_place(struct build_service *service, const char *key)
{
	const struct origin *persistence = service_place(service, "persistence");
	struct origin *inner = origin_inner(persistence, 0);
	const struct origin *origin = inner ? origin_of(&schema_persistence, inner, key) : NULL;

	return origin && origin->value ? origin : persistence;
}

/* An unknown name is often a slip. */
static void warn_name(struct build *build, const struct origin *origin, const char *what,
		      const char *name, const char *(*next)(const void *ctx, size_t index))
{
	const char *nearest = text_nearest(name, next, NULL);

	origin_report(&build->reader, SEVERITY_WARNING, origin, origin,
		      "\"%s\" is no %s that lbha knows; the kernel will judge%s%s%s", name, what,
		      nearest ? "; did you mean \"" : "", nearest ? nearest : "",
		      nearest ? "\"?" : "");
}

/* The words of a set of flags: "sh-fallback, sh-port". */
static void add_flags(struct text *out, uint32_t flags)
{
	const struct schema_field *field = schema_find(&schema_service, "flags");
	const char *before = "";

	for (const struct schema_word *word = field->words; word->text; word++) {
		if (!(flags & word->value))
			continue;
		text_add(out, "%s%s", before, word->text);
		before = ", ";
	}
}

static bool flags_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *origin = service_place(service, "flags");
	uint32_t has = scheduler_flags_of(model->scheduler), odd = model->scheduler_flags & ~has;
	char wrong[64], right[64];
	struct text wrong_text = text_of(wrong, sizeof(wrong));
	struct text right_text = text_of(right, sizeof(right));

	if (!odd)
		return true;
	add_flags(&wrong_text, odd);
	add_flags(&right_text, has);
	origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
		      "scheduler %s does not have %s (its flags: %s)", model->scheduler, wrong,
		      has ? right : "none");
	return false;
}

/* ---- persistence ---------------------------------------------------------------------------- */

/* ip_vs_pe_sip reads the payload of UDP; a first packet that an engine can make nothing of is
 * dropped. */
static bool engine_fits(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct persistence *persistence = &model->persistence;
	const struct origin *origin = persistence_place(service, "engine");

	if (!persistence->engine)
		return true;
	if (!persistence->timeout) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "an engine needs persistence: a timeout above 0");
		return false;
	}
	if (!engine_is_known(persistence->engine)) {
		warn_name(build, origin, "persistence engine", persistence->engine, engine_next);
	} else if (model->protocols != PROTOCOL_UDP) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "engine %s is for udp alone: the kernel would drop every client of "
			      "another protocol",
			      persistence->engine);
		return false;
	}
	return true;
}

static bool persistence_fits(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct persistence *persistence = &model->persistence;
	const struct origin *origin = persistence_place(service, "prefix");
	bool good = engine_fits(build, service);

	if (!persistence->prefix)
		return good;
	if (!persistence->timeout) {
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "a prefix needs persistence: a timeout above 0");
		return false;
	}
	for (size_t i = 0; i == 0 || i < model->listen_count; i++) {
		uint8_t family =
			i ? model->listen[i].address.family : service_family(model);

		if (!family || persistence->prefix <= addr_bits(family))
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "an IPv4 address has no prefix of %u bits", persistence->prefix);
		return false;
	}
	return good;
}

/* ---- one packet ----------------------------------------------------------------------------- */

/* The kernel keeps nothing by which it could tell an answer that has to be translated back, and
 * treats other protocols as if nothing had been said. */
static bool one_packet_fits(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	const struct origin *origin = service_place(service, "one_packet");
	bool is_udp = model->protocols == PROTOCOL_UDP;
	bool is_translated = service_forwards(model, FORWARDING_NAT) ||
			     service_forwards(model, FORWARDING_FULLNAT);

	if (!model->one_packet || (is_udp && !is_translated))
		return true;
	origin_report(&build->reader, SEVERITY_ERROR, origin, origin, "%s",
		      is_udp ? "answers of forwarding: nat and fullnat find no way back without a "
			       "connection"
			     : "is for protocol: udp alone");
	return false;
}

/* ---- all ports ------------------------------------------------------------------------------ */

/* No listener tells them one. */
static bool checks_have_ports(struct build *build, struct build_service *service)
{
	const struct origin *origin = service_place(service, "check");

	for (size_t i = 0; i < service->check_count; i++) {
		const struct check *check = &build->checks[service->checks[i]].model;

		if (!check_lacks_port(check))
			continue;
		origin_report(&build->reader, SEVERITY_ERROR, origin, origin,
			      "\"%s\" listens on all ports: the check%s%s must name the port "
			      "that it probes",
			      service->model->name, check->name ? " " : "",
			      check->name ? check->name : "");
		return false;
	}
	return true;
}

/* The kernel finds a server for such a packet by what it remembers of the client, and leaves the
 * port as it is (ip_vs_sched_persist). */
static bool listeners_fit(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	bool good = true, all_ports = false;

	for (uint32_t i = 0; i < model->listen_count; i++) {
		const struct endpoint *listen = &model->listen[i];
		struct origin origin;

		if (!listen->address.family || listen->port)
			continue;
		all_ports = true;
		if (model->persistence.timeout)
			continue;
		origin = service_listener_place(build, service, i);
		origin_report(&build->reader, SEVERITY_ERROR, &origin, &origin,
			      "the port is missing (192.0.2.1:80); without one it means all ports, "
			      "which needs persistence");
		good = false;
	}
	return good && (!all_ports || checks_have_ports(build, service));
}

bool validate_ipvs(struct build *build, struct build_service *service)
{
	const struct service *model = service->model;
	bool good;

	if (!model->scheduler)
		return false;
	if (!scheduler_is_known(model->scheduler))
		warn_name(build, service_place(service, "scheduler"), "scheduler",
			  model->scheduler, scheduler_next);
	good = flags_fit(build, service);
	good &= persistence_fits(build, service);
	good &= one_packet_fits(build, service);
	good &= listeners_fit(build, service);
	return good;
}
