/* Commands about the configuration and the daemon itself: plan, reload, upgrade, stop. */
#include "ctl/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int prepare_plan(const struct run *run, json_t *request)
{
	char path[PATH_MAX];
	json_t *file;

	if (!run->argument)
		return EXIT_DONE;
	if (!realpath(run->argument, path))
		return complain(EXIT_FAILED, "cannot read %s: %s", run->argument, strerror(errno));
	file = json_string(path);
	if (!file || json_object_set_new(request, "file", file))
		return complain(EXIT_FAILED, "the name of the file is not UTF-8");
	return EXIT_DONE;
}

int run_plan(struct run *run, json_t *result)
{
	json_t *lines = json_object_get(result, "lines");

	if (run->json) {
		json_t *plan = json_pack("{s:O}", "operations", lines);

		print_json(plan);
		json_decref(plan);
	} else {
		print_lines(stdout, lines);
	}
	return EXIT_DONE;
}

int run_reload(struct run *run, json_t *result)
{
	json_t *lines = json_object_get(result, "lines");

	if (run->json) {
		json_t *reload = json_pack("{s:s, s:O}", "result", "applied", "lines", lines);

		print_json(reload);
		json_decref(reload);
	} else {
		print_lines(stdout, lines);
		puts("reloaded");
	}
	return EXIT_DONE;
}

int run_upgrade(struct run *run, json_t *result)
{
	json_t *lines = json_object_get(result, "lines");

	if (run->json) {
		json_t *upgrade = json_pack("{s:s, s:O}", "result", "done", "lines", lines);

		print_json(upgrade);
		json_decref(upgrade);
	} else {
		print_lines(stdout, lines);
	}
	return EXIT_DONE;
}

/* Stopping has begun; done is when the process is gone. */
int run_stop(struct run *run, UNUSED json_t *result)
{
	if (client_wait_end(&run->client, run->command->patience))
		return complain(EXIT_FAILED, "lbhad is stopping, but has not ended within %ds",
				(int)(run->command->patience / NSTIME_S));
	puts(run->json ? "{\n  \"result\": \"stopped\"\n}" : "lbhad has stopped");
	return EXIT_DONE;
}
