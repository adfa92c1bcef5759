/* lbhad(8): the director's daemon, its --check, and (hidden: --worker ROLE) the programs of its workers. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "check/match_io.h"
#include "config/compile.h"
#include "config/files_io.h"
#include "core/buildid.h"
#include "core/log.h"
#include "daemon/baton.h"
#include "daemon/compiler.h"
#include "daemon/control_main.h"
#include "daemon/first.h"
#include "daemon/permit.h"
#include "daemon/handover_file.h"
#include "daemon/reexec.h"
#include "daemon/successor.h"
#include "daemon/supervisor.h"
#include "daemon/trusted_path.h"
#include "daemon/withdraw.h"
#include "ipvs/ipvs_main.h"
#include "vrrp/vrrp_main.h"

#define LAST_WORDS NSTIME_S /* of one that could not do what it was started for */

enum exit_status {
	EXIT_FINE = 0,
	EXIT_ERRORS = 1,
	EXIT_UNREADABLE = 2,
	EXIT_USAGE = 2,
};

struct arguments {
	const char *file, *node, *run_dir, *state_dir, *worker;
	bool check, can_adopt, daemon, withdraw;
	int resume;   /* the baton of who was this process before; -1: nobody */
	char **argv;
};

static const char usage[] =
	"usage: lbhad [-f FILE] [--node NAME] [--run-dir DIR] [--state-dir DIR] [--daemon]\n"
	"       lbhad --check [-f FILE] [--node NAME]\n"
	"       lbhad --withdraw [--run-dir DIR]\n"
	"       lbhad --help | --version\n"
	"\n"
	"  -f, --file FILE    the configuration (" LBHA_SYSCONFDIR "/lbha.conf)\n"
	"      --node NAME    which director of the file this is (default: by host name)\n"
	"      --run-dir DIR  socket, locks and what is owned (" LBHA_RUNDIR ")\n"
	"      --state-dir DIR  what must outlive a reboot (" LBHA_STATEDIR ")\n"
	"      --daemon       go into the background once ready\n"
	"      --check        say what is wrong with the file and exit: 0 valid, 1 errors, 2 unreadable\n"
	"      --withdraw     take away what an lbhad that is no more has left in the kernel\n"
	"\n"
	"signals: HUP reload; TERM, INT release and stop; QUIT stop, and leave all to the next lbhad;\n"
	"         USR2 upgrade: go on with the lbhad that is installed now; USR1 a snapshot to the log\n";

/* ---- workers ------------------------------------------------------------------------------------------------ */

static int worker_program(const char *role)
{
	static const struct {
		const char *role;
		int (*program)(void);
	} programs[] = {
		{"compiler", compiler_main},
		{"control", control_main},
		{"ipvs", ipvs_main},
		{"vrrp", vrrp_main},
	};

	for (size_t i = 0; i < COUNT_OF(programs); i++)
		if (!strcmp(programs[i].role, role))
			return programs[i].program();
	fprintf(stderr, "lbhad: there is no worker %s\n", role);
	return EXIT_USAGE;
}

/* ---- --check -------------------------------------------------------------------------------------------------- */

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	puts(line);
}

/* A package of its own: what it lacks harms nothing, but whoever wants metrics should know. */
static void check_exporter(const struct model *model, struct diagnostics *diagnostics)
{
	const char *libexec = getenv("LBHA_LIBEXECDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%s/lbha-exporter", libexec ? libexec : LBHA_LIBEXECDIR);
	if (model->global.exporter.listen.address.family && access(path, X_OK))
		diagnostics_add(diagnostics, &(struct diagnostic){.severity = SEVERITY_WARNING, .path = "global.exporter"},
				"%s is not installed on this machine (package lbha-exporter)", path);
}

/* On the machine that it is for: elsewhere a script may well be missing, which is why it is no error. */
static void check_notify(const struct model *model, const struct notify *notify, struct diagnostics *diagnostics)
{
	const char *name = notify->user ? notify->user : model->global.users.script, *path = notify->script[0];
	const struct passwd *user = getpwnam(name);
	const struct diagnostic where = {.severity = SEVERITY_WARNING, .path = "notify"};
	char why[256] = "";
	struct text text = text_of(why, sizeof(why));

	if (!user)
		diagnostics_add(diagnostics, &where, "there is no user %s on this machine, as whom %s runs", name, path);
	else if (trusted_program(path, user->pw_uid, &text))
		diagnostics_add(diagnostics, &where, "the script cannot run on this machine: %s", why);
	else if (access(path, X_OK))
		diagnostics_add(diagnostics, &where, "the script cannot run on this machine: %s: %s", path, strerror(errno));
}

/* Compiles for the named director, or for each of them. */
static void check_tree(struct arena *arena, const struct config_tree *tree, const char *node,
		       struct diagnostics *diagnostics)
{
	const char *picked = NULL;
	const struct model *model;

	if (node && config_pick_node(tree, node, "", diagnostics, &picked))
		return;
	if (!picked && config_director_count(tree))
		picked = config_director(tree, 0); /* the whole file is checked, whichever is asked for */
	model = config_compile(arena, tree, picked, 1, diagnostics);
	if (!model)
		return;
	check_exporter(model, diagnostics);
	for (size_t i = 0; i < model->notifies_count; i++)
		check_notify(model, &model->notifies[i], diagnostics);
}

static int check(const struct arguments *arguments)
{
	auto_arena *arena = arena_new(0);
	struct config_folder folder;
	struct config_files files = config_files_plain(&folder);
	struct diagnostics diagnostics;
	struct config_tree *tree;
	char *bytes, why[CONFIG_WHY] = "";
	size_t size;

	if (!arena)
		return EXIT_ERRORS;
	files.pattern = pattern_judge;
	if (config_folder_of(&folder, arguments->file) || config_file_read(arguments->file, &bytes, &size, why)) {
		printf("%s: error: %s\n", arguments->file, why[0] ? why : "too long a path");
		return EXIT_UNREADABLE;
	}
	diagnostics_init(&diagnostics, arena);
	tree = config_load(arena, &files, arguments->file, bytes, size, &diagnostics);
	free(bytes);
	if (tree)
		check_tree(arena, tree, arguments->node, &diagnostics);
	diagnostics_print(&diagnostics, print_line, NULL);
	if (arena_failed(arena)) {
		printf("%s: error: out of memory\n", arguments->file);
		return EXIT_ERRORS;
	}
	return diagnostics.errors ? EXIT_ERRORS : EXIT_FINE;
}

/* What the daemon would hand over is understood (or it hands nothing over). */
static int can_read_state(void)
{
	struct baton *baton;
	int err;

	if (fcntl(SUCCESSOR_FD_STATE, F_GETFD) < 0 || handover_understood(SUCCESSOR_FD_STATE))
		return EXIT_FINE;
	err = baton_read(SUCCESSOR_FD_STATE, &baton);
	if (err) {
		printf("the state of the running daemon is not understood: %s\n", strerror(-err));
		return EXIT_ERRORS;
	}
	baton_free(baton);
	return EXIT_FINE;
}

/* What is said goes to the daemon that asks (daemon/successor.h). */
static int can_adopt(const struct arguments *arguments)
{
	int status;

	if (dup2(SUCCESSOR_FD_LINES, STDOUT_FILENO) < 0) {
		fprintf(stderr, "lbhad: --can-adopt is for lbhad only\n");
		return EXIT_USAGE;
	}
	status = can_read_state();
	return status ? status : check(arguments);
}

/* ---- the daemon -------------------------------------------------------------------------------------------------- */

/* Forks; the parent waits for the child's byte and exits. In the child returns the descriptor for it. */
static int background(void)
{
	int pipe_fds[2], null;
	char byte;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) || (pid = fork()) < 0)
		return -errno;
	if (pid) {
		close(pipe_fds[1]);
		exit(read(pipe_fds[0], &byte, 1) == 1 ? EXIT_FINE : EXIT_ERRORS);
	}
	close(pipe_fds[0]);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	return pipe_fds[1];
}

static int executable_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		log_error("%s: %m", path);
	return fd;
}

static int daemon_background(const struct arguments *arguments, struct supervisor_options *options)
{
	struct stat error;

	if (!arguments->daemon || arguments->resume >= 0)
		return EXIT_FINE;
	options->ready_fd = background();
	options->to_syslog = fstat(STDERR_FILENO, &error) || !S_ISREG(error.st_mode);
	if (options->ready_fd >= 0)
		return EXIT_FINE;
	log_error("cannot go into the background: %s", strerror(-options->ready_fd));
	return EXIT_ERRORS;
}

static int daemon_run(const struct arguments *arguments)
{
	const char *libexec = getenv("LBHA_LIBEXECDIR");
	struct supervisor_options options = {.file = arguments->file,
					     .node = arguments->node,
					     .run_dir = arguments->run_dir,
					     .state_dir = arguments->state_dir,
					     .argv = arguments->argv,
					     .resume = arguments->resume,
					     .ready_fd = -1};
	char checkd[4096], *path;
	int status;

	if (geteuid()) {
		log_error("lbhad must be started as root: it changes addresses and IPVS tables (--check needs no rights)");
		return EXIT_ERRORS;
	}
	if (arguments->resume < 0 && !permit_look())
		return EXIT_ERRORS;
	first_process();
	snprintf(checkd, sizeof(checkd), "%s/lbha-checkd", libexec ? libexec : LBHA_LIBEXECDIR);
	/* while it is sure that it is this one: later another may be there */
	path = arguments->resume < 0 ? successor_path(arguments->argv[0]) : strdup(arguments->argv[0]);
	options.path = path;
	options.lbhad = executable_open("/proc/self/exe");
	options.checkd = executable_open(checkd);
	if (arguments->resume < 0 && (options.lbhad < 0 || options.checkd < 0))
		return EXIT_ERRORS;
	status = daemon_background(arguments, &options);
	if (!status)
		status = supervisor_run(&options);
	free(path);
	return status;
}

static int withdraw(const struct arguments *arguments)
{
	int lbhad = executable_open("/proc/self/exe");

	if (geteuid()) {
		log_error("lbhad --withdraw must be started as root");
		return EXIT_ERRORS;
	}
	return lbhad < 0 ? EXIT_ERRORS : withdraw_run(arguments->run_dir, lbhad);
}

/* ---- arguments ------------------------------------------------------------------------------------------------------ */

enum long_option {
	OPTION_NODE = 256,
	OPTION_RUN_DIR,
	OPTION_STATE_DIR,
	OPTION_DAEMON,
	OPTION_CHECK,
	OPTION_CAN_ADOPT,
	OPTION_WITHDRAW,
	OPTION_RESUME,
	OPTION_WORKER,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"file", required_argument, NULL, 'f'},
	{"node", required_argument, NULL, OPTION_NODE},
	{"run-dir", required_argument, NULL, OPTION_RUN_DIR},
	{"state-dir", required_argument, NULL, OPTION_STATE_DIR},
	{"daemon", no_argument, NULL, OPTION_DAEMON},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"can-adopt", no_argument, NULL, OPTION_CAN_ADOPT},
	{"withdraw", no_argument, NULL, OPTION_WITHDRAW},
	{"resume", required_argument, NULL, OPTION_RESUME},
	{"worker", required_argument, NULL, OPTION_WORKER},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

/* One option; false: leave with *status. */
static bool option_take(struct arguments *arguments, int option, int *status)
{
	switch (option) {
	case 'f':
		arguments->file = optarg;
		return true;
	case OPTION_NODE:
		arguments->node = optarg;
		return true;
	case OPTION_RUN_DIR:
		arguments->run_dir = optarg;
		return true;
	case OPTION_STATE_DIR:
		arguments->state_dir = optarg;
		return true;
	case OPTION_DAEMON:
		arguments->daemon = true;
		return true;
	case OPTION_CHECK:
		arguments->check = true;
		return true;
	case OPTION_CAN_ADOPT:
		arguments->can_adopt = true;
		return true;
	case OPTION_WITHDRAW:
		arguments->withdraw = true;
		return true;
	case OPTION_RESUME:
		arguments->resume = atoi(optarg);
		return true;
	case OPTION_WORKER:
		arguments->worker = optarg;
		return true;
	case 'h':
		fputs(usage, stdout);
		*status = EXIT_FINE;
		return false;
	case OPTION_VERSION:
		printf("lbhad %s (build %s)\n", build_version, build_id);
		*status = EXIT_FINE;
		return false;
	default:
		fputs(usage, stderr);
		*status = EXIT_USAGE;
		return false;
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.file = LBHA_SYSCONFDIR "/lbha.conf",
				      .run_dir = LBHA_RUNDIR,
				      .state_dir = LBHA_STATEDIR,
				      .resume = -1,
				      .argv = argv};
	int option, status;

	while ((option = getopt_long(argc, argv, "f:h", long_options, NULL)) >= 0)
		if (!option_take(&arguments, option, &status))
			return status;
	if (optind < argc) {
		fprintf(stderr, "lbhad: what is \"%s\"?\n%s", argv[optind], usage);
		return EXIT_USAGE;
	}
	log_open("lbhad");
	if (arguments.worker)
		return worker_program(arguments.worker);
	if (arguments.can_adopt)
		return can_adopt(&arguments);
	if (arguments.check)
		return check(&arguments);
	status = arguments.withdraw ? withdraw(&arguments) : daemon_run(&arguments);
	if (status)
		log_settle(LAST_WORDS);
	return status;
}
