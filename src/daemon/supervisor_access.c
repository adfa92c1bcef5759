/* The groups of global.control: numbers for their names, which the control worker and the socket's file get. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "daemon/supervisor_state.h"

#define DIGITS "0123456789"

/* False: there is none of that name. NULL has FACT_NO_GROUP. */
static bool group_number(const char *name, uint32_t *out)
{
	const struct group *group = name ? getgrnam(name) : NULL;

	*out = FACT_NO_GROUP;
	if (group)
		*out = group->gr_gid;
	else if (name && !name[strspn(name, DIGITS)])
		*out = (uint32_t)strtoul(name, NULL, 10);
	return !name || *out != FACT_NO_GROUP;
}

bool supervisor_access_judge(const struct model *model, char *why, size_t size)
{
	const struct control_global *control = &model->global.control;
	const struct {
		const char *key, *name;
	} groups[] = {{"read_group", control->read_group}, {"write_group", control->write_group}};
	uint32_t number;

	for (size_t i = 0; i < COUNT_OF(groups); i++) {
		if (group_number(groups[i].name, &number))
			continue;
		snprintf(why, size, "there is no group %s (global.control.%s): make it with groupadd --system %s",
			 groups[i].name, groups[i].key, groups[i].name);
		return false;
	}
	return true;
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
	const struct control_global *control = &s->now.model->global.control;
	struct fact_daemon *facts = &s->facts;

	if (!group_number(control->read_group, &facts->read_group) ||
	    !group_number(control->write_group, &facts->write_group))
		log_warning("a group of global.control has gone since it was looked at");
	if (facts->read_group == FACT_NO_GROUP)
		facts->read_group = s->workers.users[ROLE_CONTROL].gid;
	admit(s);
	supervisor_exporter_enter(s);
}
