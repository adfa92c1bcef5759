/* Names and flags; see the header. */
#include "config/scheduler.h"

#include <string.h>

#include "base/cleanup.h"
#include "config/model.h"

static const struct {
	const char *name;
	uint32_t flags;
} schedulers[] = {
	{"rr", 0},
	{"wrr", 0},
	{"lc", 0},
	{"wlc", 0},
	{"lblc", 0},
	{"lblcr", 0},
	{"dh", 0},
	{"sh", SCHEDULER_SH_FALLBACK | SCHEDULER_SH_PORT},
	{"mh", SCHEDULER_MH_FALLBACK | SCHEDULER_MH_PORT},
	{"sed", 0},
	{"nq", 0},
	{"fo", 0},
	{"ovf", 0},
	{"twos", 0},
};

static const char *const weighted[] = {"wrr", "wlc", "sed", "nq", "twos"};

static const char *const engines[] = {"sip"};

const char *scheduler_next(const void *ctx UNUSED, size_t index)
{
	return index < COUNT_OF(schedulers) ? schedulers[index].name : NULL;
}

bool scheduler_is_known(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(schedulers); i++)
		if (!strcmp(schedulers[i].name, name))
			return true;
	return false;
}

uint32_t scheduler_flags_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(schedulers); i++)
		if (!strcmp(schedulers[i].name, name))
			return schedulers[i].flags;
	return 0;
}

bool scheduler_ignores_weights(const char *name)
{
	return !strcmp(name, "rr") || !strcmp(name, "lc") || !strcmp(name, "dh");
}

bool scheduler_may_ramp(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(weighted); i++)
		if (!strcmp(weighted[i], name))
			return true;
	return !scheduler_is_known(name);
}

const char *engine_next(const void *ctx UNUSED, size_t index)
{
	return index < COUNT_OF(engines) ? engines[index] : NULL;
}

bool engine_is_known(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(engines); i++)
		if (!strcmp(engines[i], name))
			return true;
	return false;
}
