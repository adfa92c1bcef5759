/* See the header. */
#include "daemon/control_tell.h"

#include "daemon/cause.h"
#include "daemon/control_mirror.h"

/* Only a change is worth finding the cause of: facts of an instance come every second. */
static const struct cause *cause_of(const struct mirror *mirror, const struct event_seen *seen,
				    unsigned state,
				    void (*find)(const struct mirror *, size_t, struct cause *),
				    uint32_t index, struct cause *out)
{
	if (seen->known && seen->state == state)
		return NULL;
	find(mirror, index, out);
	return out;
}

static void tell_instance(struct mirror *mirror, struct event_sink *sink, uint32_t index, nstime now)
{
	struct mirror_instance *it = &mirror->instances[index];
	struct cause cause;

	it->due = false;
	sink->cause = cause_of(mirror, &it->seen.state, it->fact.state, cause_of_instance, index,
			       &cause);
	event_instance(sink, &it->seen, mirror->model->instances[index].name, &it->fact, now);
}

static void tell_group(struct mirror *mirror, struct event_sink *sink, uint32_t index, nstime now)
{
	struct mirror_group *it = &mirror->groups[index];
	struct cause cause;

	it->due = false;
	sink->cause = cause_of(mirror, &it->seen, it->fact.state, cause_of_group, index, &cause);
	event_group(sink, &it->seen, mirror->model->sync_groups[index].name, &it->fact, now);
}

static void tell_service(struct mirror *mirror, struct event_sink *sink, uint32_t index, nstime now)
{
	struct mirror_service *it = &mirror->services[index];
	struct cause cause;

	it->due = false;
	sink->cause = cause_of(mirror, &it->seen, it->fact.state, cause_of_service, index, &cause);
	event_service(sink, &it->seen, mirror->model->services[index].name, &it->fact, now);
}

static void tell(struct mirror *mirror, enum mirror_told kind, uint32_t index, nstime now)
{
	struct event_sink sink = *mirror->sink;

	switch (kind) {
	case TOLD_INSTANCE:
		tell_instance(mirror, &sink, index, now);
		break;
	case TOLD_GROUP:
		tell_group(mirror, &sink, index, now);
		break;
	case TOLD_SERVICE:
		tell_service(mirror, &sink, index, now);
		break;
	}
}

static bool *flag_of(struct mirror *mirror, enum mirror_told kind, uint32_t index)
{
	switch (kind) {
	case TOLD_INSTANCE:
		return &mirror->instances[index].due;
	case TOLD_GROUP:
		return &mirror->groups[index].due;
	case TOLD_SERVICE:
		break;
	}
	return &mirror->services[index].due;
}

void mirror_settle(struct mirror *mirror, nstime now)
{
	for (size_t i = 0; i < mirror->due_count; i++)
		if (*flag_of(mirror, mirror->due[i].kind, mirror->due[i].index))
			tell(mirror, mirror->due[i].kind, mirror->due[i].index, now);
	mirror->due_count = 0;
}

void mirror_due(struct mirror *mirror, enum mirror_told kind, uint32_t index, nstime now)
{
	bool *due = flag_of(mirror, kind, index);

	if (!mirror->sink)
		return;
	if (*due) {
		tell(mirror, kind, index, now);
		*due = true; /* it stands in the list already */
		return;
	}
	if (mirror->due_count == MIRROR_DUE)
		mirror_settle(mirror, now);
	mirror->due[mirror->due_count++] = (struct mirror_due){.kind = kind, .index = index};
	*due = true;
}
