/* Linked into the programs (-Wl,--wrap=main) of the step valgrind-netns: a worker that a supervisor starts runs itself
 * once more, under valgrind. The supervisor stays outside: valgrind knows no pidfd_open(2). What it finds it writes to
 * $LBHA_VALGRIND_LOGS, a file for each process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

static void start_again(char **argv)
{
	char self[4096], log[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *const again[] = {"valgrind", "-q", "--vgdb=no", "--leak-check=full", "--errors-for-leak-kinds=definite", log, self,
			       argv[1], argv[2], NULL};

	if (length < 0)
		_exit(126);
	self[length] = '\0';
	snprintf(log, sizeof(log), "--log-file=%s/%s-%%p", getenv("LBHA_VALGRIND_LOGS"), argv[2]);
	setenv("LBHA_UNDER_VALGRIND", "1", 1);
	execv("/usr/bin/valgrind", again);
	_exit(126);
}

int __wrap_main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--worker") && getenv("LBHA_VALGRIND_LOGS") && !getenv("LBHA_UNDER_VALGRIND"))
		start_again(argv);
	return __real_main(argc, argv);
}
