/* Rules about a check of type http that no single key can break. */
#include <string.h>

#include "config/build.h"

static bool has_no_body(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
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
	return true;
}
