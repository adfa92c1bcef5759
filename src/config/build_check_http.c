/* Rules about checks of type http and grpc that no single key can break. */
#include <string.h>

#include "base/addr.h"
#include "base/arena.h"
#include "config/build.h"

static bool has_no_body(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* The host's name is the server's, unless another is given. NULL: it is an address. */
static const char *name_of_host(struct build *build, const char *host)
{
	struct addr address;
	char *name = arena_strdup(build->arena, host);

	if (!name || *host == '[' || !addr_parse(host, &address))
		return NULL;
	name[strcspn(name, ":")] = '\0';
	return addr_parse(name, &address) && *name ? name : NULL;
}

static bool is_h2(const struct tls_options *tls)
{
	return tls->alpn_count == 1 && !strcmp(tls->alpn[0], "h2");
}

static bool add_h2(struct build *build, struct tls_options *tls)
{
	const char **alpn;

	if (is_h2(tls))
		return true;
	alpn = arena_push(build->arena, &tls->alpn, &tls->alpn_count, sizeof(*alpn));
	if (alpn)
		*alpn = "h2";
	return alpn != NULL;
}

static bool is_plain(const struct tls_options *tls)
{
	return !tls->sni && !tls->ca && !tls->certificate && !tls->key && !tls->min_days_left &&
	       !tls->alpn_count && tls->verify;
}

/* A model as it is shown is a file as well: what says nothing new is taken. */
static const char *tls_fault(const struct check *model)
{
	const struct tls_options *tls = &model->tls;

	if (model->scheme != HTTP_SCHEME_HTTPS)
		return is_plain(tls) ? NULL : "needs scheme: https";
	if (tls->alpn_count && !(model->version == HTTP_VERSION_2 && is_h2(tls)))
		return "alpn follows from version";
	return NULL;
}

/* What TLS asks for follows from the other keys. */
static bool settle_tls(struct build *build, struct build_check *check)
{
	struct check *model = &check->model;
	const char *fault = tls_fault(model);

	if (fault) {
		origin_report(&build->reader, SEVERITY_ERROR,
			      origin_of(&schema_check, check->origins, "tls"), &check->self, "%s",
			      fault);
		return false;
	}
	if (model->scheme != HTTP_SCHEME_HTTPS)
		return true;
	if (!model->tls.sni && model->host)
		model->tls.sni = name_of_host(build, model->host);
	return model->version != HTTP_VERSION_2 || add_h2(build, &model->tls);
}

bool build_judge_http(struct build *build, struct build_check *check)
{
	const struct check *model = &check->model;

	if (model->body && has_no_body(model->method)) {
		origin_report(&build->reader, SEVERITY_ERROR,
			      origin_of(&schema_check, check->origins, "body"), &check->self,
			      "%s has no body: add method: POST", model->method);
		return false;
	}
	if (model->expect.header_count > HTTP_EXPECTED_HEADERS_MAX) {
		origin_report(&build->reader, SEVERITY_ERROR,
			      origin_of(&schema_check, check->origins, "expect"), &check->self,
			      "more than %d headers are expected", HTTP_EXPECTED_HEADERS_MAX);
		return false;
	}
	return settle_tls(build, check);
}

/* TLS is spoken when the check itself has the key, even as {}. A model as it is shown has it in any case, with
 * an empty alpn where none is spoken. */
static bool wants_tls(const struct build_check *check)
{
	const struct origin *tls = origin_of(&schema_check, check->origins, "tls");
	struct origin *inner = origin_inner(tls, 0);

	return check->model.tls.alpn_count || !inner ||
	       !origin_of(&schema_tls, inner, "alpn")->value;
}

bool build_judge_grpc(struct build *build, struct build_check *check)
{
	struct tls_options *tls = &check->model.tls;
	const struct origin *origin = origin_of(&schema_check, check->origins, "tls");
	const char *fault = NULL;

	if (!origin->value || origin->is_default_level) {
		*tls = (struct tls_options){.verify = true}; /* meant for others */
		return true;
	}
	if (tls->alpn_count && !is_h2(tls))
		fault = "alpn follows from type";
	else if (!wants_tls(check) && !is_plain(tls))
		fault = "with an empty alpn no TLS is spoken";
	if (!fault)
		return !wants_tls(check) || add_h2(build, tls);
	origin_report(&build->reader, SEVERITY_ERROR, origin, &check->self, "%s", fault);
	return false;
}
