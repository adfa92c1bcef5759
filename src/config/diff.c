/* Equality by the tables; see the header. */
#include "config/diff.h"

#include "config/schema.h"

bool instance_equal(const struct instance *a, const struct instance *b)
{
	return schema_equal(&schema_instance, a, b, FIELD_LABEL | FIELD_INDEX);
}

bool check_equal(const struct check *a, const struct check *b)
{
	return schema_equal(&schema_check, a, b, FIELD_LABEL | FIELD_INDEX);
}

bool service_equal(const struct service *a, const struct service *b)
{
	return schema_equal(&schema_service, a, b, FIELD_LABEL | FIELD_CHILDREN);
}

bool real_server_equal(const struct real_server *a, const struct real_server *b)
{
	return schema_equal(&schema_real_server, a, b, FIELD_LABEL | FIELD_INDEX);
}

bool global_equal(const struct global *a, const struct global *b)
{
	return schema_equal(&schema_global, a, b, FIELD_LABEL);
}

bool model_equal(const struct model *a, const struct model *b)
{
	struct model same_generation = *b;

	same_generation.generation = a->generation;
	return schema_equal(&schema_model, a, &same_generation, FIELD_SECRET);
}
