/* Drives lbha-checkd alone: plays its supervisor and one peer (control) over the real channels,
 * takes checks from standard input and prints what comes back as lines of JSON. Needs no rights and
 * no lbhad.
 *
 *   checkd-driver [--uid N] [--files N] PROGRAM
 *
 *   check NAME {…}          a check as in lbha.conf, on one line; interval and timeout are 1s, rise and
 *                           fall 1 unless given
 *   check NAME KEY=VALUE…   the same in short: type, interval, timeout, retry, rise, fall, initial, path,
 *                           method, host, status, header (Name:value, may come again), bind,
 *                           interface, file, process, count, command (PATH,ARGUMENT…), user
 *   probe NAME ENDPOINT     one probe of that check; ENDPOINT "-": of this machine
 *   commit                  all since the last commit are the next generation: PREPARE, COMMIT,
 *                           APPLIED
 *   plan                    the same, but ABORT instead of COMMIT
 *   away                    the runner is of another generation than the worker until the next commit
 *   release                 RELEASE; ends with the worker
 *   look PLACE NUMBER PROBE the peer wants to see a probe of its own (struct fact_look); what came of it is
 *                           a line with "seen"
 *   leave FILE              LEAVE; what the worker hands over is written to that file; ends with the worker
 *   inherit FILE            goes to the worker before the next COMMIT as what its predecessor left
 *
 * Scripts are run by the supervisor's own runner.
 *
 * At the end of input the worker is left an orphan. The driver's exit status is the worker's. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/text.h"
#include "check/run.h"
#include "check/transcript.h"
#include "config/codec.h"
#include "config/compile.h"
#include "config/facts.h"
#include "config/files_io.h"
#include "config/model.h"
#include "config/schema.h"
#include "core/channel.h"
#include "core/loop.h"
#include "core/packet.h"
#include "core/protocol.h"
#include "core/sealed.h"
#include "core/statepage.h"
#include "core/worker.h"
#include "daemon/runner.h"

struct generation {
	struct arena *arena;
	struct model model;
};

struct driver {
	struct loop *loop;
	struct channel *supervisor, *peer;
	struct loop_io input;
	struct runner *runner;
	struct generation running, coming;
	bool only_plan;
	json_t *lines; /* of the plan under way */
	char *leave, *inherit; /* files for carries; NULL: none */
	struct fact_look looks[FACT_LOOKS];
	pid_t pid;
	uint32_t number; /* of the last generation */
	size_t filled;
	char line[65536];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "checkd-driver: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void print(json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(object);
}

/* ---- checks from text ---------------------------------------------------------------------------
 */

static void set_duration(const char *text, nstime *out)
{
	if (duration_parse(text, out))
		die(text);
}

static void set_address(const char *text, struct addr *out)
{
	if (addr_parse(text, out))
		die(text);
}

static void add_status(struct generation *to, struct check *check, char *text)
{
	char *rest, *word = strtok_r(text, ",", &rest);

	for (; word; word = strtok_r(NULL, ",", &rest)) {
		struct status_range *range = arena_push(to->arena, &check->expect.status,
							&check->expect.status_count,
							sizeof(*range));
		char *end;

		range->first = (uint16_t)strtoul(word, &end, 10);
		range->last = *end == '-' ? (uint16_t)strtoul(end + 1, NULL, 10) : range->first;
	}
}

static void add_header(struct generation *to, struct check *check, char *text)
{
	struct http_header *header = arena_push(to->arena, &check->headers, &check->header_count,
						sizeof(*header));
	char *colon = strchr(text, ':');

	if (!colon)
		die("header without a colon");
	*colon = '\0';
	header->name = arena_strdup(to->arena, text);
	header->value = arena_strdup(to->arena, colon + 1);
}

static void add_command(struct generation *to, struct check *check, char *text)
{
	char *rest, *word = strtok_r(text, ",", &rest);

	for (; word; word = strtok_r(NULL, ",", &rest)) {
		const char **added = arena_push(to->arena, &check->command, &check->command_count,
						sizeof(*added));

		*added = arena_strdup(to->arena, word);
	}
}

static enum check_type type_of(const char *name)
{
	for (unsigned type = 0; type < CHECK_TYPES; type++)
		if (!strcmp(name, check_type_name((enum check_type)type)))
			return (enum check_type)type;
	die(name);
}

static void set_value(struct generation *to, struct check *check, const char *key, char *value)
{
	const char *kept = arena_strdup(to->arena, value);

	if (!strcmp(key, "type"))
		check->type = type_of(value);
	else if (!strcmp(key, "interval"))
		set_duration(value, &check->interval);
	else if (!strcmp(key, "timeout"))
		set_duration(value, &check->timeout);
	else if (!strcmp(key, "retry"))
		set_duration(value, &check->retry_interval);
	else if (!strcmp(key, "rise"))
		check->rise = (uint32_t)atoi(value);
	else if (!strcmp(key, "fall"))
		check->fall = (uint32_t)atoi(value);
	else if (!strcmp(key, "initial"))
		check->initial = !strcmp(value, "up") ? CHECK_INITIAL_UP : CHECK_INITIAL_DOWN;
	else if (!strcmp(key, "path"))
		check->path = kept;
	else if (!strcmp(key, "file"))
		check->file = kept;
	else if (!strcmp(key, "process"))
		check->process = kept;
	else if (!strcmp(key, "command"))
		add_command(to, check, value);
	else if (!strcmp(key, "user"))
		check->user = kept;
	else if (!strcmp(key, "count"))
		check->count = (uint32_t)atoi(value);
	else if (!strcmp(key, "method"))
		check->method = kept;
	else if (!strcmp(key, "host"))
		check->host = kept;
	else if (!strcmp(key, "interface"))
		check->interface = kept;
	else if (!strcmp(key, "bind"))
		set_address(value, &check->bind);
	else if (!strcmp(key, "status"))
		add_status(to, check, value);
	else if (!strcmp(key, "header"))
		add_header(to, check, value);
	else
		die(key);
}

static void generation_begin(struct generation *to)
{
	if (to->arena)
		return;
	to->arena = arena_new(0);
	to->model = (struct model){
		.global = {.users = {"nobody", "nobody", "nobody", "nobody", "lbha-script"},
			   .log.level = 3,
			   .ready_timeout = 30 * NSTIME_S,
			   .ipvs = {.read_back = 10 * NSTIME_S, .mark_mask = 0xffff}},
	};
}

static void print_fault(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "checkd-driver: %s\n", line);
}

/* The check of lbha.conf itself: its tables, defaults and rules. */
/* The files of a check go behind those of the checks before it. */
static void add_files(struct generation *to, const struct model *from, struct tls_options *tls)
{
	uint32_t before = (uint32_t)to->model.tls_file_count;
	uint32_t *numbers[] = {&tls->ca_file, &tls->certificate_file, &tls->key_file};

	for (size_t i = 0; i < from->tls_file_count; i++) {
		struct tls_file *file = arena_push(to->arena, &to->model.tls_files,
						   &to->model.tls_file_count, sizeof(*file));

		*file = from->tls_files[i];
	}
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		*numbers[i] += *numbers[i] ? before : 0;
}

static void compile_check(struct generation *to, const char *name, const char *value,
			  struct check *check)
{
	struct config_folder folder = {.path = "/"};
	struct config_files files = config_files_plain(&folder);
	struct diagnostics diagnostics;
	const struct config_tree *tree;
	const struct model *model;
	char *text;
	int size = asprintf(&text,
			    "defaults: {check: {interval: 1s, timeout: 1s, rise: 1, fall: 1}}\n"
			    "checks:\n  %s: %s\n",
			    name, value);

	if (size < 0)
		die("asprintf");
	diagnostics_init(&diagnostics, to->arena);
	tree = config_load(to->arena, &files, name, text, (size_t)size, &diagnostics);
	model = tree ? config_compile(to->arena, tree, NULL, 1, &diagnostics) : NULL;
	if (!model)
		diagnostics_print(&diagnostics, print_fault, NULL);
	if (!model || model->check_count != 1)
		die("a check that is none");
	*check = model->checks[0];
	add_files(to, model, &check->tls);
	free(text);
}

static void add_check(struct generation *to, char *rest)
{
	struct check *check;
	char *word, *name = strtok_r(rest, " ", &rest);

	check = arena_push(to->arena, &to->model.checks, &to->model.check_count, sizeof(*check));
	if (*rest == '{') {
		compile_check(to, name, rest, check);
		return;
	}
	*check = (struct check){.interval = NSTIME_S,
				.timeout = NSTIME_S,
				.rise = 1,
				.max_suppress = NSTIME_S,
				.fall = 1,
				.file = "/",
				.process = "init",
				.count = 1,
				.path = "/",
				.method = "GET",
				.name = arena_strdup(to->arena, name)};
	while ((word = strtok_r(NULL, " ", &rest))) {
		char *equals = strchr(word, '=');

		if (!equals)
			die(word);
		*equals = '\0';
		set_value(to, check, word, equals + 1);
	}
}

/* The same values give the same key. */
static uint64_t key_of(const struct check *check, const struct endpoint *target)
{
	char where[ENDPOINT_TEXT];

	endpoint_format(target, where);
	return schema_hash(&schema_check, check, FIELD_LABEL,
			   text_hash(TEXT_HASH, where, strlen(where)));
}

static void add_probe(struct generation *to, char *rest)
{
	char *name = strtok_r(rest, " ", &rest), *target = strtok_r(NULL, " ", &rest);
	struct probe *probe = arena_push(to->arena, &to->model.probes, &to->model.probe_count,
					 sizeof(*probe));

	while (strcmp(to->model.checks[probe->check].name, name))
		if (++probe->check == to->model.check_count)
			die("probe of an unknown check");
	if (!target || (strcmp(target, "-") && endpoint_parse(target, &probe->target)))
		die("probe without a target");
	probe->key = key_of(&to->model.checks[probe->check], &probe->target);
}

/* ---- the supervisor's part
 * ------------------------------------------------------------------------ */

static void tell(struct driver *driver, uint16_t type, uint32_t generation, int fd)
{
	uint8_t bytes[4];
	struct writer out = writer_of(bytes, sizeof(bytes));

	put_u32(&out, generation);
	channel_send(driver->supervisor, type, bytes, sizeof(bytes), fd);
}

static int sealed(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("slice", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		die("memfd");
	return fd;
}

/* As daemon/supervisor_echo.c does. */
static void give_echo(struct driver *driver, uint8_t family)
{
	uint8_t bytes[8];
	struct writer out = writer_of(bytes, sizeof(bytes));
	int fd;

	if (!model_pings(&driver->coming.model, family))
		return;
	fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	put_u8(&out, family);
	put_u32(&out, fd < 0 ? (uint32_t)errno : 0);
	channel_send(driver->supervisor, RECORD_ECHO, bytes, writer_used(&out), fd);
	if (fd >= 0)
		close(fd);
}

static void prepare(struct driver *driver)
{
	const uint8_t *bytes;
	size_t size;
	int fd;

	generation_begin(&driver->coming);
	give_echo(driver, AF_INET);
	give_echo(driver, AF_INET6);
	driver->coming.model.generation = ++driver->number;
	if (slice_encode(&driver->coming.model, ROLE_CHECK, driver->coming.arena, &bytes, &size))
		die("slice_encode");
	fd = sealed(bytes, size);
	driver->lines = json_array();
	tell(driver, RECORD_PREPARE, driver->number, fd);
	close(fd);
}

/* The worker gets it before its COMMIT. */
static void give_carry(struct driver *driver)
{
	static uint8_t bytes[1 << 20];
	FILE *file = fopen(driver->inherit, "re");
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	int fd;

	if (!size)
		die(driver->inherit);
	fclose(file);
	fd = sealed(bytes, size);
	channel_send(driver->supervisor, RECORD_INHERIT, NULL, 0, fd);
	close(fd);
	free(driver->inherit);
	driver->inherit = NULL;
}

/* What the worker leaves, if anything. */
static void take_carry(struct driver *driver, int fd)
{
	size_t size = 0;
	const void *bytes = fd >= 0 ? sealed_map(fd, &size) : NULL;
	FILE *file = bytes ? fopen(driver->leave, "we") : NULL;

	if (fd >= 0 && !bytes)
		die("a carry that is not sealed");
	if (file && fwrite(bytes, 1, size, file) != size)
		die(driver->leave);
	if (file)
		fclose(file);
	print(json_pack("{s:i}", "left", (int)size));
}

static void take_generation(struct driver *driver)
{
	arena_free(driver->running.arena);
	driver->running = driver->coming;
	driver->coming = (struct generation){0};
	runner_model(driver->runner, &driver->running.model);
}

static void prepared(struct driver *driver, bool accepted)
{
	print(json_pack("{s:b,s:o}", "prepared", accepted, "lines", driver->lines));
	driver->lines = NULL;
	if (accepted && !driver->only_plan) {
		if (driver->inherit)
			give_carry(driver);
		tell(driver, RECORD_COMMIT, driver->number, -1);
		return;
	}
	channel_send(driver->supervisor, RECORD_ABORT, NULL, 0, -1);
	arena_free(driver->coming.arena);
	driver->coming = (struct generation){0};
}

static void committed(struct driver *driver)
{
	take_generation(driver);
	print(json_pack("{s:i}", "committed", (int)driver->number));
	tell(driver, RECORD_APPLIED, driver->number, -1);
}

static void script_answer(void *ctx, const struct run_answer *answer)
{
	struct driver *driver = ctx;
	uint8_t bytes[32 + RUN_WHY];
	struct writer out = writer_of(bytes, sizeof(bytes));

	run_answer_put(&out, answer);
	channel_send(driver->supervisor, RECORD_RAN, bytes, writer_used(&out), -1);
}

static void script_record(struct driver *driver, uint16_t type, struct reader *in, int fd)
{
	struct run_order order;

	if (type == RECORD_RUN_CANCEL)
		runner_cancel(driver->runner, get_u32(in));
	else if (!run_order_get(in, &order) || !runner_run(driver->runner, &order, fd))
		die("an order that is none");
}

static void supervisor_record(void *ctx, uint32_t generation, uint16_t type, struct reader *in,
			      int fd)
{
	struct driver *driver = ctx;
	char text[2048];

	(void)generation;
	switch (type) {
	case RECORD_RUN:
	case RECORD_RUN_CANCEL:
		script_record(driver, type, in, fd);
		break;
	case RECORD_LINE:
		json_array_append_new(driver->lines, json_string(get_text(in, text, sizeof(text))));
		break;
	case RECORD_PREPARED:
		get_u32(in);
		prepared(driver, get_bool(in));
		break;
	case RECORD_COMMITTED:
		committed(driver);
		break;
	case RECORD_CARRY:
		take_carry(driver, fd);
		break;
	case RECORD_RELEASED:
		print(json_pack("{s:b}", "released", true));
		break;
	default:
		break;
	}
	if (fd >= 0)
		close(fd);
}

static void supervisor_closed(void *ctx)
{
	struct driver *driver = ctx;

	loop_stop(driver->loop);
}

/* ---- the peer's part
 * ------------------------------------------------------------------------------ */

static const char *verdict_text(enum verdict verdict)
{
	return verdict == VERDICT_UP ? "up" : verdict == VERDICT_DOWN ? "down" : "unknown";
}

static void print_seen(struct reader *in)
{
	struct transcript_step step;
	struct fact_seen seen;
	json_t *steps = json_array();

	if (!fact_seen_get(in, &seen))
		die("a look that is none");
	while (transcript_next(in, &step))
		json_array_append_new(steps, json_pack("{s:s,s:f,s:i,s:s}", "kind",
						       transcript_kind_name(step.kind), "ms",
						       (double)step.after / 1e6, "left_out",
						       (int)step.left_out, "text", step.text));
	if (in->failed)
		die("a transcript that is none");
	print(json_pack("{s:i,s:i,s:b,s:b,s:s,s:s,s:f,s:o}", "seen", (int)seen.place, "number",
			(int)seen.number, "passed", seen.passed, "cut", seen.cut, "reason",
			probe_reason_name(seen.reason), "detail", seen.detail, "latency_ms",
			(double)seen.latency / 1e6, "steps", steps));
}

static bool peer_fact(void *ctx, uint32_t index, uint16_t *type, struct writer *out)
{
	struct driver *driver = ctx;

	*type = FACT_LOOK;
	driver->looks[index].place = index;
	fact_look_put(out, &driver->looks[index]);
	return true;
}

static void look(struct driver *driver, char *rest)
{
	struct fact_look wanted = {.place = (uint32_t)strtoul(rest, &rest, 10)};

	wanted.number = (uint32_t)strtoul(rest, &rest, 10);
	wanted.probe = (uint32_t)strtoul(rest, &rest, 10);
	driver->looks[wanted.place] = wanted;
	channel_set_generation(driver->peer, driver->running.model.generation);
	if (channel_facts_restart(driver->peer, FACT_LOOKS))
		die("facts");
}

static void peer_record(void *ctx, uint32_t generation, uint16_t type, struct reader *in, int fd)
{
	struct driver *driver = ctx;
	const struct model *model = &driver->running.model;
	const struct probe *probe;
	struct fact_probe fact;
	char target[ENDPOINT_TEXT], advice[64] = "";
	struct text words = text_of(advice, sizeof(advice));

	if (fd >= 0)
		close(fd);
	if (!driver->running.arena || generation != driver->running.model.generation)
		return;
	if (type == FACT_SYNC) {
		print(json_pack("{s:i}", "sync", (int)generation));
		return;
	}
	if (type == FACT_SEEN) {
		print_seen(in);
		return;
	}
	if (type != FACT_PROBE || !fact_probe_get(in, &fact) || fact.probe >= model->probe_count)
		die("a fact that is none");
	probe = &model->probes[fact.probe];
	advice_format(&fact.told, &words);
	print(json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:f,s:f,s:f,s:f,s:i,s:s}", "check",
			model->checks[probe->check].name, "target",
			endpoint_format(&probe->target, target), "verdict",
			verdict_text(fact.verdict), "reason", probe_reason_name(fact.reason),
			"detail", fact.detail, "passed", fact.passed, "latency_ms",
			(double)fact.latency / 1e6, "time", (double)fact.time / 1e9, "since",
			(double)fact.since / 1e9, "told", (double)clock_now() / 1e9, "generation",
			(int)generation, "advice", advice));
}

static void peer_closed(void *ctx)
{
	struct driver *driver = ctx;

	channel_free(driver->peer);
	driver->peer = NULL;
}

static void leave(struct driver *driver, const char *file)
{
	uint8_t bytes[8];
	struct writer out = writer_of(bytes, sizeof(bytes));

	driver->leave = strdup(file);
	put_time(&out, 0);
	channel_send(driver->supervisor, RECORD_LEAVE, bytes, writer_used(&out), -1);
}

/* ---- input
 * ------------------------------------------------------------------------------------------ */

static void obey(struct driver *driver, char *line)
{
	char *rest, *word = strtok_r(line, " ", &rest);

	if (!word)
		return;
	generation_begin(&driver->coming);
	if (!strcmp(word, "check"))
		add_check(&driver->coming, rest);
	else if (!strcmp(word, "probe"))
		add_probe(&driver->coming, rest);
	else if (!strcmp(word, "look"))
		look(driver, rest);
	else if (!strcmp(word, "away"))
		runner_model(driver->runner, NULL);
	else if (!strcmp(word, "release"))
		channel_send(driver->supervisor, RECORD_RELEASE, NULL, 0, -1);
	else if (!strcmp(word, "leave"))
		leave(driver, rest);
	else if (!strcmp(word, "inherit"))
		driver->inherit = strdup(rest);
	else if (!strcmp(word, "commit") || !strcmp(word, "plan")) {
		driver->only_plan = !strcmp(word, "plan");
		prepare(driver);
	} else {
		die(word);
	}
}

static void input_readable(void *ctx)
{
	struct driver *driver = ctx;
	ssize_t got = read(STDIN_FILENO, driver->line + driver->filled,
			   sizeof(driver->line) - driver->filled);
	char *start = driver->line, *end;

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		loop_stop(driver->loop);
		return;
	}
	driver->filled += (size_t)got;
	while ((end = memchr(start, '\n', (size_t)(driver->line + driver->filled - start)))) {
		*end = '\0';
		obey(driver, start);
		start = end + 1;
	}
	driver->filled = (size_t)(driver->line + driver->filled - start);
	memmove(driver->line, start, driver->filled);
}

/* ---- life
 * ------------------------------------------------------------------------------------------- */

struct options {
	uid_t uid;
	rlim_t files;
	const char *program;
};

static struct options options_of(int argc, char **argv)
{
	struct options out = {.uid = getuid()};

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--uid") && i + 1 < argc)
			out.uid = (uid_t)atoi(argv[++i]);
		else if (!strcmp(argv[i], "--files") && i + 1 < argc)
			out.files = (rlim_t)atoi(argv[++i]);
		else
			out.program = argv[i];
	}
	if (!out.program)
		die("no program named");
	return out;
}

static _Noreturn void become_worker(const struct options *options, int supervisor, int page)
{
	struct rlimit limit = {options->files, options->files};
	int high[2] = {fcntl(supervisor, F_DUPFD, 100), fcntl(page, F_DUPFD, 100)};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(high[0], WORKER_FD_SUPERVISOR);
	dup2(high[1], WORKER_FD_PAGE);
	close(high[0]);
	close(high[1]);
	if (options->files)
		setrlimit(RLIMIT_NOFILE, &limit);
	if (options->uid != getuid() && setresuid(options->uid, options->uid, options->uid))
		die("setresuid");
	execl(options->program, options->program, (char *)NULL);
	die(options->program);
}

static int worker_start(struct driver *driver, const struct options *options)
{
	int pair[2], page = statepage_create();

	if (page < 0 || packet_pair(pair))
		die("cannot make what a worker needs");
	driver->pid = fork();
	if (!driver->pid)
		become_worker(options, pair[1], page);
	close(pair[1]);
	close(page);
	return pair[0];
}

static void link_peer(struct driver *driver)
{
	static const struct channel_ops peer_ops = {
		.record = peer_record, .closed = peer_closed, .fact = peer_fact};
	const uint8_t role = ROLE_CONTROL;
	int pair[2];

	if (packet_pair(pair))
		die("packet_pair");
	driver->peer = channel_new(driver->loop, pair[0], &peer_ops, driver);
	channel_send(driver->supervisor, RECORD_LINK, &role, 1, pair[1]);
	close(pair[1]);
}

static int driver_run(struct driver *driver, const struct options *options)
{
	static const struct channel_ops ops = {.record = supervisor_record,
					       .closed = supervisor_closed};
	int status;

	driver->loop = loop_new();
	driver->runner = runner_new(driver->loop, script_answer, driver);
	driver->supervisor = channel_new(driver->loop, worker_start(driver, options), &ops, driver);
	link_peer(driver);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	if (io_init(driver->loop, &driver->input, STDIN_FILENO, LOOP_NORMAL, input_readable, NULL,
		    driver))
		die("standard input");
	print(json_pack("{s:i}", "pid", (int)driver->pid));
	loop_run(driver->loop);
	runner_free(driver->runner);
	channel_free(driver->supervisor);
	channel_free(driver->peer);
	if (waitpid(driver->pid, &status, 0) < 0)
		die("waitpid");
	print(json_pack("{s:i}", "exited",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	struct options options = options_of(argc, argv);
	static struct driver driver;
	int status;

	signal(SIGPIPE, SIG_IGN);
	status = driver_run(&driver, &options);
	free(driver.leave);
	free(driver.inherit);
	io_fini(&driver.input);
	loop_free(driver.loop);
	arena_free(driver.running.arena);
	arena_free(driver.coming.arena);
	return status;
}
