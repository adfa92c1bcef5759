/* `lbhactl doctor`: which file it is about (the running daemon's, or -f), then look
 * (exam_io.h), judge (exam.h) and print. It runs with the rights of whoever calls it. */
#include "ctl/doctor.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/compile.h"
#include "config/files_io.h"
#include "ctl/command.h"
#include "ctl/exam_force.h"
#include "ctl/exam_io.h"

#define QUESTION (5 * NSTIME_S)
#define WORDS 4096

struct visit {
	struct run *run;
	struct arena *arena;
	struct exam_sight sight;
	const struct model *model;
	const char *node;
};

/* ---- the daemon ---- */

/* The word behind one of two options of the daemon; `fallback` without. */
static const char *word_behind(const char *words, const char *end, const char *option,
			       const char *longer, const char *fallback)
{
	size_t length = strlen(longer);

	for (const char *at = words; at < end && *at; at += strlen(at) + 1) {
		const char *next = at + strlen(at) + 1;

		if ((!strcmp(at, option) || !strcmp(at, longer)) && next < end)
			fallback = next;
		else if (!strncmp(at, longer, length) && at[length] == '=')
			fallback = at + length + 1;
	}
	return fallback;
}

/* A path of the daemon's is seen from where the daemon is. */
static const char *from_its_folder(struct visit *visit, const char *path)
{
	char link[64], folder[CONFIG_PATH_MAX];
	ssize_t length;

	if (path[0] == '/')
		return path;
	snprintf(link, sizeof(link), "/proc/%d/cwd", visit->run->client.pid);
	length = readlink(link, folder, sizeof(folder) - 1);
	if (length <= 0)
		return path;
	folder[length] = '\0';
	return arena_printf(visit->arena, "%s/%s", folder, path);
}

static void read_command_line(struct visit *visit)
{
	struct exam_sight *sight = &visit->sight;
	char path[64], *words;
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", visit->run->client.pid);
	words = visit->run->client.pid ? exam_read_file(visit->arena, path, WORDS) : NULL;
	if (!words)
		return;
	end = words + WORDS;
	if (!visit->run->file)
		sight->file = from_its_folder(visit, word_behind(words, end, "-f", "--file", sight->file));
	if (!visit->run->node)
		visit->node = word_behind(words, end, "--node", "--node", visit->node);
	sight->run_dir = from_its_folder(visit, word_behind(words, end, "--run-dir", "--run-dir",
							    sight->run_dir));
	sight->state_dir = from_its_folder(visit, word_behind(words, end, "--state-dir", "--state-dir",
							      sight->state_dir));
}

/* Its services; who may not ask has none. */
static void ask_services(struct visit *visit)
{
	char error[CLIENT_ERROR];
	json_t *answer = NULL;

	if (!client_ask(&visit->run->client, json_pack("{s:s}", "request", "services"), QUESTION, &answer, error))
		(void)exam_in_force(visit->arena, json_object_get(answer, "result"), &visit->sight);
	json_decref(answer);
}

static void ask_daemon(struct visit *visit)
{
	char error[CLIENT_ERROR];
	json_t *answer = NULL;
	int err = client_open(&visit->run->client, visit->run->socket, error);

	if (err) {
		visit->sight.daemon = err == -ENOENT ? EXAM_DAEMON_NONE : EXAM_DAEMON_SILENT;
		return;
	}
	err = client_ask(&visit->run->client, json_pack("{s:s}", "request", "ping"), QUESTION, &answer,
			 error);
	visit->sight.daemon_pid = visit->run->client.pid;
	visit->sight.daemon = err ? EXAM_DAEMON_SILENT : EXAM_DAEMON_RUNS;
	read_command_line(visit);
	if (!err)
		ask_services(visit);
	client_close(&visit->run->client);
	json_decref(answer);
}

/* ---- the model ---- */

static void print_diagnostic(UNUSED void *ctx, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static const struct model *compile(struct visit *visit, const struct config_files *files,
				   const char *bytes, size_t size, struct diagnostics *diagnostics)
{
	struct config_tree *tree =
		config_load(visit->arena, files, visit->sight.file, bytes, size, diagnostics);
	const char *node = NULL;
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (!tree || config_pick_node(tree, visit->node, host, diagnostics, &node))
		return NULL;
	return config_compile(visit->arena, tree, node, 1, diagnostics);
}

static int read_model(struct visit *visit)
{
	struct config_folder *folder = arena_alloc(visit->arena, sizeof(*folder));
	char why[CONFIG_WHY] = "", *bytes = NULL;
	struct diagnostics diagnostics;
	struct config_files files;
	size_t size;

	if (!folder || config_folder_of(folder, visit->sight.file) ||
	    config_file_read(visit->sight.file, &bytes, &size, why))
		return complain(EXIT_FAILED, "%s", why[0] ? why : "out of memory");
	files = config_files_plain(folder);
	diagnostics_init(&diagnostics, visit->arena);
	visit->model = compile(visit, &files, bytes, size, &diagnostics);
	free(bytes);
	if (visit->model)
		return EXIT_DONE;
	diagnostics_print(&diagnostics, print_diagnostic, NULL);
	return complain(EXIT_FAILED, "%s is not a configuration that lbhad would run with",
			visit->sight.file);
}

/* ---- what is found ---- */

static enum ink ink_of(enum finding_severity severity)
{
	switch (severity) {
	case FINDING_OK:
		return INK_GOOD;
	case FINDING_WARNING:
	case FINDING_UNKNOWN:
		return INK_WARN;
	case FINDING_PROBLEM:
		return INK_BAD;
	}
	return INK_PLAIN;
}

static json_t *finding_json(const struct finding *finding)
{
	return json_pack("{s:s, s:s, s:o, s:o}", "severity", finding_severity_name(finding->severity),
			 "subject", finding->subject, "text", json_of_text(finding->text), "command",
			 finding->command ? json_of_text(finding->command) : json_null());
}

static void print_as_json(const struct visit *visit, const struct findings *findings)
{
	json_t *list = json_array(), *root;

	for (size_t i = 0; i < findings->count; i++)
		json_array_append_new(list, finding_json(&findings->items[i]));
	root = json_pack("{s:o, s:s?, s:I, s:I, s:o}", "file", json_of_text(visit->sight.file), "node", visit->model->node,
			 "problems", (json_int_t)findings_count(findings, FINDING_PROBLEM), "warnings",
			 (json_int_t)findings_count(findings, FINDING_WARNING), "findings", list);
	print_json(root);
	json_decref(root);
}

/* Commands are never folded: they are to be copied. */
static void print(const struct visit *visit, const struct findings *findings)
{
	const struct paper *paper = &visit->run->paper;
	size_t problems = findings_count(findings, FINDING_PROBLEM),
	       warnings = findings_count(findings, FINDING_WARNING);

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		paper_put(paper, ink_of(finding->severity), "%-8s ",
			  finding_severity_name(finding->severity));
		paper_fold(paper, INK_PLAIN, 9, 9, finding->text);
		if (finding->command)
			paper_put(paper, INK_PLAIN, "    %s\n", finding->command);
	}
	if (problems || warnings)
		paper_put(paper, INK_PLAIN, "%zu problem%s, %zu warning%s\n", problems,
			  problems == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
	else
		paper_put(paper, INK_GOOD, "nothing is wrong\n");
}

/* ---- all ---- */

static const char *user_name(struct arena *arena)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? arena_strdup(arena, user->pw_name) : "somebody";
}

static int examine(struct visit *visit)
{
	struct findings findings;
	int err = exam_look(visit->arena, visit->model, &visit->sight);

	if (!err)
		err = exam_judge(visit->arena, visit->model, &visit->sight, &findings);
	if (err)
		return complain(EXIT_FAILED, "cannot look at this machine: %s", strerror(-err));
	if (visit->run->json)
		print_as_json(visit, &findings);
	else
		print(visit, &findings);
	return findings_count(&findings, FINDING_PROBLEM) ? EXIT_FAILED : EXIT_DONE;
}

int run_doctor(struct run *run)
{
	auto_arena *arena = arena_new(0);
	struct visit visit = {.run = run, .arena = arena, .node = run->node};
	int status;

	if (!arena)
		return complain(EXIT_FAILED, "out of memory");
	visit.sight.file = run->file ? run->file : LBHA_SYSCONFDIR "/lbha.conf";
	visit.sight.run_dir = LBHA_RUNDIR;
	visit.sight.state_dir = LBHA_STATEDIR;
	visit.sight.is_root = geteuid() == 0;
	visit.sight.user = user_name(arena);
	ask_daemon(&visit);
	status = read_model(&visit);
	if (status == EXIT_DONE)
		status = examine(&visit);
	return status;
}
