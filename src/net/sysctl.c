/* What to write so that values are as wanted, and what to put back. A value that others raised
 * further stays; a value that somebody changed after us is not ours to put back. */
#include "net/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "net/link.h"

int sysctl_conf_path(char *out, const char *family, const char *link, const char *name)
{
	int length;

	if (!link_name_valid(link))
		return -EINVAL;
	length = snprintf(NULL, 0, "net/%s/conf/%s/%s", family, link, name);
	if (length < 0 || length >= SYSCTL_PATH)
		return -ENAMETOOLONG;
	snprintf(out, SYSCTL_PATH, "net/%s/conf/%s/%s", family, link, name);
	return 0;
}

const char *sysctl_key(const char *path, char *out)
{
	size_t i = 0;

	for (; path[i] && i < SYSCTL_PATH - 1; i++)
		out[i] = path[i] == '/' ? '.' : path[i] == '.' ? '/' : path[i];
	out[i] = '\0';
	return out;
}

bool sysctl_satisfied(const struct sysctl_want *want, int64_t actual)
{
	switch (want->rule) {
	case SYSCTL_AT_LEAST:
		return actual >= want->value;
	case SYSCTL_EXACTLY:
		return actual == want->value;
	}
	return false;
}

static const struct sysctl_value *value_find(const struct sysctl_value *values, size_t count,
					     const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(values[i].path, path))
			return &values[i];
	return NULL;
}

int sysctl_plan_build(struct arena *arena, const struct sysctl_want *wants, size_t want_count,
		      const struct sysctl_value *actual, size_t actual_count,
		      struct sysctl_plan *out)
{
	struct sysctl_plan plan = {.ops = arena_array(arena, want_count, sizeof(*plan.ops))};

	if (!plan.ops && want_count)
		return -ENOMEM;
	for (size_t i = 0; i < want_count; i++) {
		const struct sysctl_value *value = value_find(actual, actual_count, wants[i].path);
		struct sysctl_op *op = &plan.ops[plan.count];

		if (!value)
			return -ENOENT;
		if (sysctl_satisfied(&wants[i], value->value))
			continue;
		*op = (struct sysctl_op){.former = value->value, .value = wants[i].value};
		memcpy(op->path, wants[i].path, sizeof(op->path));
		plan.count++;
	}
	*out = plan;
	return 0;
}

enum sysctl_undo sysctl_undo(int64_t former, int64_t set, int64_t actual)
{
	if (actual == former)
		return SYSCTL_UNDO_DONE;
	return actual == set ? SYSCTL_UNDO_WRITE : SYSCTL_UNDO_CHANGED;
}
