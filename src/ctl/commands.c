/* The table of commands, in the order in which --help shows them. A new one is a row here, its functions in a file of
 * their own, and a paragraph in lbhactl(8); usage, the check of its words and options, --help and completion come from
 * the row. */
#include "ctl/commands.h"

#include "ctl/doctor.h"

#include <string.h>

#include "ctl/import.h"

#define QUESTION (10 * NSTIME_S)
#define COMMAND (120 * NSTIME_S)

/* An order may wait for some down intervals of the slowest instance: 40.95 s an advert. */
#define ORDER (960 * NSTIME_S)
#define SAYS (OPTION_COMMENT | OPTION_TIMEOUT)

static const struct command commands[] = {
	{.name = "status", .words = "",
	 .help = "what this director does and what is wrong, if anything",
	 .patience = QUESTION, .show = run_status},
	{.name = "vrrp", .words = "[INSTANCE]",
	 .help = "the VRRP instances, or one explained in words",
	 .patience = QUESTION, .show = run_vrrp},
	{.name = "services", .words = "[SERVICE]",
	 .help = "the services, or one with every probe",
	 .patience = QUESTION, .show = run_services},
	{.name = "events", .words = "",
	 .help = "what has changed",
	 .options = OPTION_FOLLOW | OPTION_SINCE,
	 .patience = QUESTION, .prepare = prepare_events, .show = run_events},
	{.name = "config", .words = "",
	 .help = "the configuration in force on this node",
	 .patience = QUESTION, .show = run_config},
	{.name = "plan", .words = "[FILE]",
	 .help = "what a reload would do; nothing if nothing is to do",
	 .patience = COMMAND, .prepare = prepare_plan, .show = run_plan},
	{.name = "reload", .words = "",
	 .help = "read the file again and wait until it is in force",
	 .patience = COMMAND, .show = run_reload},
	{.name = "release", .words = "INSTANCE|--all",
	 .help = "hand an instance over; without a successor it stays",
	 .options = OPTION_ALL,
	 .patience = ORDER, .prepare = prepare_order, .show = run_outcome},
	{.name = "claim", .words = "INSTANCE|--all",
	 .help = "take an instance back, preempting a lesser master",
	 .options = OPTION_ALL,
	 .patience = ORDER, .prepare = prepare_order, .show = run_outcome},
	{.name = "priority", .words = "INSTANCE N|auto",
	 .help = "a priority in place of the configured one",
	 .options = SAYS,
	 .patience = COMMAND, .prepare = prepare_priority, .show = run_outcome},
	{.name = "maintenance", .words = "on|off",
	 .help = "on: release all, claim nothing, repair nothing",
	 .options = SAYS,
	 .patience = ORDER, .prepare = prepare_maintenance, .show = run_outcome},
	{.name = "log", .words = "LEVEL|auto",
	 .help = "a level of the log in place of the configured one",
	 .more = "LEVEL is error, warning, info or debug.",
	 .options = SAYS,
	 .patience = COMMAND, .prepare = prepare_log, .show = run_outcome},
	{.name = "drain", .words = "SERVICE|--all SERVER",
	 .help = "no new connections for a server; see --timeout",
	 .more = "With --timeout the server is out of the table when no connection is left, or\n"
		 "after this time; the command waits for that, and Ctrl-C leaves the drain going.",
	 .options = OPTION_ALL | SAYS,
	 .patience = COMMAND, .prepare = prepare_state, .show = run_drain},
	{.name = "disable", .words = "SERVICE|--all SERVER",
	 .help = "out of the table with it, connections or not",
	 .options = OPTION_ALL | SAYS,
	 .patience = COMMAND, .prepare = prepare_state, .show = run_outcome},
	{.name = "enable", .words = "SERVICE|--all SERVER",
	 .help = "in use again, as its checks and weight say",
	 .options = OPTION_ALL | SAYS,
	 .patience = COMMAND, .prepare = prepare_state, .show = run_outcome},
	{.name = "weight", .words = "SERVICE SERVER N|auto",
	 .help = "a weight in place of the configured one",
	 .options = SAYS,
	 .patience = COMMAND, .prepare = prepare_weight, .show = run_outcome},
	{.name = "check", .words = "SERVICE|CHECK [SERVER]",
	 .help = "probe now and show the dialogue",
	 .more = "Either a service and one of its servers, or a check that has a target of its\n"
		 "own, as trackers have. It counts for nothing: no verdict changes by it.",
	 .patience = ORDER, .prepare = prepare_check, .show = run_check},
	{.name = "overrides", .words = "",
	 .help = "what operators said",
	 .patience = COMMAND, .show = run_overrides},
	{.name = "overrides load", .words = "FILE",
	 .help = "say all that a file says",
	 .patience = ORDER, .request = "load", .prepare = prepare_load, .show = run_outcome},
	{.name = "top", .words = "",
	 .help = "the traffic of services and servers as it goes",
	 .options = OPTION_ONCE,
	 .patience = QUESTION, .request = "traffic", .show = run_top},
	{.name = "connections", .words = "[SERVICE]",
	 .help = "the kernel's connections, counted, or each of a service",
	 .patience = QUESTION, .request = "services", .show = run_connections},
	{.name = "export ipvsadm", .words = "",
	 .help = "the IPVS table in force, for ipvsadm-restore",
	 .patience = QUESTION, .request = "export", .prepare = prepare_export, .show = run_export},
	{.name = "export keepalived", .words = "",
	 .help = "what is in force on this node, as keepalived.conf",
	 .patience = QUESTION, .request = "export", .prepare = prepare_export_keepalived,
	 .show = run_export_keepalived},
	{.name = "import ipvsadm", .words = "FILE",
	 .help = "what ipvsadm -S printed as lbha.conf, on standard output",
	 .alone = run_import_ipvsadm},
	{.name = "import keepalived", .words = "FILE [FILE] [FILE]",
	 .help = "keepalived.conf (or NAME=FILE for each) as lbha.conf",
	 .more = "FILE may be NAME=FILE: that of the director NAME, else of this host; of lines\n"
		 "with @id those with @NAME count. Files of several directors become one\n"
		 "lbha.conf, on standard output. What lbha has not, or not so, is told on\n"
		 "standard error.",
	 .alone = run_import_keepalived},
	{.name = "import ldirectord", .words = "FILE",
	 .help = "ldirectord.cf as lbha.conf, on standard output",
	 .alone = run_import_ldirectord},
	{.name = "schema", .words = "",
	 .help = "JSON Schema of lbha.conf, for editors",
	 .alone = run_schema},
	{.name = "zero", .words = "[SERVICE]",
	 .help = "show the traffic of services from now on",
	 .patience = QUESTION, .prepare = prepare_zero, .show = run_zero},
	{.name = "doctor", .words = "",
	 .help = "look for what is wrong here, and say what mends it",
	 .more = "It changes nothing; run it as root. Exit status 1: there are problems.",
	 .options = OPTION_FILE | OPTION_NODE,
	 .alone = run_doctor},
	{.name = "upgrade", .words = "",
	 .help = "go on with the lbhad that is installed; nobody notices",
	 .patience = COMMAND, .show = run_upgrade},
	{.name = "stop", .words = "",
	 .help = "release everything, stop lbhad and wait until it is gone",
	 .patience = COMMAND, .show = run_stop},
	{.name = "ping", .words = "",
	 .help = "whether lbhad answers",
	 .patience = QUESTION / 2, .show = run_ping},
};

const struct command *command_at(size_t index)
{
	return index < COUNT_OF(commands) ? &commands[index] : NULL;
}

/* How many words the name takes of these, 0: they are others. */
static int matching(const char *name, char *const *words, int count)
{
	for (int used = 0; used < count; used++) {
		size_t length = strlen(words[used]);

		if (!length || strncmp(name, words[used], length) != 0)
			return 0;
		if (!name[length])
			return used + 1;
		if (name[length] != ' ')
			return 0;
		name += length + 1;
	}
	return 0;
}

const struct command *command_find(char *const *words, int count, int *used)
{
	const struct command *found = NULL;

	*used = 0;
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		int took = matching(commands[i].name, words, count);

		if (took > *used) {
			*used = took;
			found = &commands[i];
		}
	}
	return found;
}

const struct command *command_next_of(const char *word, const struct command *after)
{
	size_t length = strlen(word);

	for (size_t i = after ? (size_t)(after - commands) + 1 : 0; i < COUNT_OF(commands); i++)
		if (!strncmp(commands[i].name, word, length) &&
		    (!commands[i].name[length] || commands[i].name[length] == ' '))
			return &commands[i];
	return NULL;
}
