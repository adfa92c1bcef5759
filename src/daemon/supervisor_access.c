/* The groups of global.control: numbers for their names, which the control worker and the socket's file get. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "daemon/lookup.h"
#include "daemon/supervisor_state.h"

#define DIGITS "0123456789"
#define PATIENCE (3 * NSTIME_S) /* with a directory, for which everything else waits, too */

/* -errno; NULL has FACT_NO_GROUP, digits are a number. */
static int group_number(const char *name, uint32_t *out)
{
	gid_t gid = FACT_NO_GROUP;
	int err = 0;

	if (name && !name[strspn(name, DIGITS)])
		gid = (gid_t)strtoul(name, NULL, 10);
	else if (name)
		err = lookup_group(name, PATIENCE, &gid);
	*out = gid;
	return err;
}

bool supervisor_access_find(struct generation *generation, char *why, size_t size)
{
	const struct control_global *control = &generation->model->global.control;
	const struct {
		const char *key, *name;
		uint32_t *number;
	} groups[] = {{"read_group", control->read_group, &generation->read_group},
		      {"write_group", control->write_group, &generation->write_group}};
	bool all = true;

	for (size_t i = 0; i < COUNT_OF(groups); i++) {
		int err = group_number(groups[i].name, groups[i].number);

		if (err == -ENOENT)
			snprintf(why, size, "there is no group %s (global.control.%s): make it with groupadd --system %s",
				 groups[i].name, groups[i].key, groups[i].name);
		else if (err)
			snprintf(why, size, "group %s (global.control.%s) cannot be looked up: %s", groups[i].name,
				 groups[i].key, strerror(-err));
		all &= !err;
	}
	return all;
}

static void admit(struct supervisor *s)
{
	const struct fact_daemon *facts = &s->facts;

	rundir_admit(&s->rundir, facts->read_group,
		     (facts->write_group == FACT_NO_GROUP || facts->write_group == facts->read_group) &&
			     facts->exporter_user == FACT_NO_GROUP);
	supervisor_facts_changed(s);
}

void supervisor_access_exporter(struct supervisor *s, uint32_t user)
{
	if (s->facts.exporter_user == user)
		return;
	s->facts.exporter_user = user;
	admit(s);
}

void supervisor_access_enter(struct supervisor *s)
{
	struct fact_daemon *facts = &s->facts;

	facts->read_group = s->now.read_group;
	facts->write_group = s->now.write_group;
	if (facts->read_group == FACT_NO_GROUP)
		facts->read_group = s->workers.users[ROLE_CONTROL].gid;
	admit(s);
	supervisor_exporter_enter(s);
}
