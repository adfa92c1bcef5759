/* See the header. */
#include "rs-agent/lasting_io.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "rs-agent/persist_io.h"
#include "rs-agent/report_io.h"

#define UNIT PERSIST_FOLDER "/" PERSIST_UNIT

static bool is_removing(const struct lasting *lasting)
{
	return lasting->options->command == RS_TEARDOWN;
}

/* The state folder as the unit names it; NULL: told. */
static const char *state_dir(const struct lasting *lasting, struct persist_wish *wish,
			     const char **cwd)
{
	const char *folder;
	int err = persist_places(lasting->arena, &wish->program, cwd);

	if (err) {
		report_error(lasting->report, "cannot find out where lbha-rs lies: %s",
			     strerror(-err));
		return NULL;
	}
	folder = persist_absolute(lasting->arena, *cwd, lasting->options->state_dir);
	if (!folder)
		report_error(lasting->report, "out of memory");
	return folder;
}

/* Whether we may ask systemd for anything; says why not. */
static int find(struct lasting *lasting)
{
	char why[PERSIST_WHY];
	int err = persist_find(lasting->arena, &lasting->found, why);

	if (err == -ENOENT && !lasting->options->persist)
		return 0;
	if (err) {
		report_error(lasting->report, "%s", why);
		return err;
	}
	if (!lasting->options->persist || persist_is_at_home())
		return 0;
	report_error(lasting->report,
		     "--persist: systemd would run the unit in another network namespace than this "
		     "one; let what makes this namespace run lbha-rs setup in it");
	return -EXDEV;
}

static int judge(const struct lasting *lasting)
{
	switch (lasting->plan.action) {
	case PERSIST_REFUSE:
		report_error(lasting->report,
			     UNIT " was changed, made or disabled by somebody else, and does not do "
				  "what is asked for: see to it, or remove it, or go without "
				  "--persist; nothing was changed");
		return -EEXIST;
	case PERSIST_LEAVE:
		report_note(lasting->report, "leave " UNIT ": somebody changed or made it");
		return 0;
	case PERSIST_NOTHING:
	case PERSIST_WRITE:
	case PERSIST_REMOVE:
		break;
	}
	if (lasting->plan.all_remains)
		report_note(lasting->report,
			    PERSIST_UNIT " sets up all there is, this too, at the next boot");
	return 0;
}

int lasting_plan(struct lasting *lasting, bool filter)
{
	struct persist_wish wish = {.removing = is_removing(lasting)};
	const char *cwd;
	int err;

	if (!is_removing(lasting) && !lasting->options->persist)
		return 0;
	err = find(lasting);
	if (err || (is_removing(lasting) && !lasting->found.text && !lasting->found.is_enabled))
		return err;
	wish.state_dir = state_dir(lasting, &wish, &cwd);
	if (!wish.state_dir)
		return -ENOMEM;
	err = persist_lines(lasting->arena, lasting->argc, lasting->argv, cwd, filter, &wish);
	if (!err)
		err = persist_plan_build(lasting->arena, &wish, &lasting->found, &lasting->plan);
	if (err) {
		report_error(lasting->report, "out of memory");
		return err;
	}
	return judge(lasting);
}

static struct report_deed deed_of(const struct lasting *lasting, bool enabling)
{
	if (lasting->plan.action == PERSIST_REMOVE)
		return (struct report_deed){"remove_unit", UNIT, "remove " UNIT,
					    "systemctl disable " PERSIST_UNIT "; rm " UNIT, NULL};
	if (!enabling)
		return (struct report_deed){"write_unit", UNIT, "write " UNIT, "cat >" UNIT,
					    lasting->plan.text};
	return (struct report_deed){"write_unit", UNIT,
				    "write " UNIT ", which runs setup at boot",
				    "{ cat >" UNIT " && systemctl enable " PERSIST_UNIT "; }",
				    lasting->plan.text};
}

int lasting_do(const struct lasting *lasting)
{
	bool enabling = !is_removing(lasting) || lasting->found.is_enabled;
	struct report_deed deed = deed_of(lasting, enabling);
	char why[PERSIST_WHY] = "";
	int err = 0;

	if (lasting->plan.action != PERSIST_WRITE && lasting->plan.action != PERSIST_REMOVE)
		return 0;
	if (!lasting->options->dry_run)
		err = lasting->plan.action == PERSIST_REMOVE
			      ? persist_remove(why)
			      : persist_write(lasting->plan.text, enabling, why);
	report_deed(lasting->report, &deed, err ? why : NULL);
	if (!err && *why)
		report_note(lasting->report, "%s", why);
	return err;
}

void lasting_tell(struct lasting *lasting)
{
	struct persist_wish wish;
	const char *cwd, *folder = state_dir(lasting, &wish, &cwd);
	char why[PERSIST_WHY];

	if (!folder || persist_find(lasting->arena, &lasting->found, why))
		return;
	report_lasting(lasting->report,
		       persist_has(lasting->arena, &lasting->found, folder) == 1,
		       lasting->found.is_enabled);
}
