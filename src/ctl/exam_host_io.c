/* The machine: rights of who looks, users, programs that manage links or do lbha's work, the clock,
 * and what the kernel's log says was denied. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/users.h"
#include "ctl/exam_io.h"

#define AUDIT (1u << 20) /* of the log's end */
#define KERNEL_LINE 8192
#define CONFIG (1u << 20)

/* ---- rights ---- */

/* Asked by a child, which is gone with what it got. */
static int scheduler_error(void)
{
	struct sched_param want = {.sched_priority = 1};
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(sched_setscheduler(0, SCHED_RR, &want) ? errno : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

static bool is_timeshared(int pid)
{
	int policy = sched_getscheduler(pid);

	return policy >= 0 && (policy & ~SCHED_RESET_ON_FORK) == SCHED_OTHER;
}

static void look_rights(struct exam_sight *sight)
{
	struct exam_rights *rights = &sight->rights;
	struct rlimit limit;

	for (int i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			rights->bounding |= UINT64_C(1) << i;
	if (sight->daemon_pid)
		rights->runs_timeshared = is_timeshared(sight->daemon_pid);
	else if (sight->is_root)
		rights->scheduler_error = scheduler_error();
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		rights->files = limit.rlim_max == RLIM_INFINITY ? 0 : limit.rlim_max;
	rights->memlock = getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY
				  ? UINT64_MAX
				  : limit.rlim_cur;
}

static bool is_container(void)
{
	static const char *const signs[] = {"/run/.containerenv", "/.dockerenv", "/run/systemd/container"};

	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (!access(signs[i], F_OK))
			return true;
	return false;
}

/* ---- users ---- */

static void want_user(struct arena *arena, struct exam_sight *sight, const char *name)
{
	const char **room;

	if (!name || getpwnam(name))
		return;
	for (size_t i = 0; i < sight->missing_user_count; i++)
		if (!strcmp(sight->missing_users[i], name))
			return;
	room = arena_push(arena, &sight->missing_users, &sight->missing_user_count, sizeof(*room));
	if (room)
		*room = name;
}

static void look_users(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	const struct users *users = &model->global.users;

	want_user(arena, sight, users->daemon);
	want_user(arena, sight, users->check);
	want_user(arena, sight, users->vrrp);
	want_user(arena, sight, users->ipvs);
	for (size_t i = 0; i < model->check_count; i++)
		if (model->checks[i].type == CHECK_SCRIPT)
			want_user(arena, sight,
				  model->checks[i].user ? model->checks[i].user : users->script);
}

/* ---- managers ---- */

static const char *value_of(struct arena *arena, const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, key, length) && at[length] == '=')
			return arena_text(arena, at + length + 1, strcspn(at + length + 1, "\n"));
	return NULL;
}

static void add_manager(struct arena *arena, struct exam_sight *sight, const struct exam_manager *manager)
{
	struct exam_manager *room =
		arena_push(arena, &sight->managers, &sight->manager_count, sizeof(*room));

	if (room)
		*room = *manager;
}

static void read_keeping(struct arena *arena, const char *path, struct exam_manager *manager)
{
	const char *text = path ? exam_read_file(arena, path, 65536) : NULL;
	const char *keeps = text ? value_of(arena, text, "KeepConfiguration") : NULL;
	bool all = keeps && (!strcmp(keeps, "yes") || !strcmp(keeps, "true"));

	manager->keeps_all |= all;
	manager->keeps |= all || (keeps && !strcmp(keeps, "static"));
}

/* systemd-networkd names drop-ins with a blank or colon between. */
static void read_dropins(struct arena *arena, const char *list, struct exam_manager *manager)
{
	char *copy = list ? arena_strdup(arena, list) : NULL, *one;

	while (copy && (one = strsep(&copy, " :\"")))
		if (*one == '/')
			read_keeping(arena, one, manager);
}

/* What systemd-networkd writes down of a link (sd-network). The drop-ins in /etc are looked at in any
 * case: those that were made since count after a reload. */
static void look_networkd(struct arena *arena, struct exam_sight *sight, uint32_t link)
{
	char path[320];
	const char *text, *state, *base;
	struct exam_manager manager = {.kind = EXAM_NETWORKD, .link = link};

	snprintf(path, sizeof(path), "/run/systemd/netif/links/%u", link);
	text = exam_read_file(arena, path, 65536);
	state = text ? value_of(arena, text, "ADMIN_STATE") : NULL;
	if (!state || !strcmp(state, "unmanaged"))
		return;
	manager.file = value_of(arena, text, "NETWORK_FILE");
	base = manager.file ? strrchr(manager.file, '/') : NULL;
	read_keeping(arena, manager.file, &manager);
	read_dropins(arena, value_of(arena, text, "NETWORK_FILE_DROPINS"), &manager);
	if (base) {
		snprintf(path, sizeof(path), "/etc/systemd/network%s.d/lbha.conf", base);
		read_keeping(arena, path, &manager);
	}
	add_manager(arena, sight, &manager);
}

/* networkd.conf(5); which of several files counts is not looked at. */
static bool keeps_routes(struct arena *arena)
{
	glob_t found = {0};
	bool keeps = false;

	glob("/usr/lib/systemd/networkd.conf.d/*.conf", 0, NULL, &found);
	glob("/run/systemd/networkd.conf.d/*.conf", GLOB_APPEND, NULL, &found);
	glob("/etc/systemd/networkd.conf", GLOB_APPEND, NULL, &found);
	glob("/etc/systemd/networkd.conf.d/*.conf", GLOB_APPEND, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *text = exam_read_file(arena, found.gl_pathv[i], 65536);
		const char *value = text ? value_of(arena, text, "ManageForeignRoutes") : NULL;

		keeps |= value && (!strcmp(value, "no") || !strcmp(value, "false") || !strcmp(value, "0"));
	}
	globfree(&found);
	return keeps;
}

/* NetworkManager writes managed=true for what it does; a link that it merely watches has no
 * connection. */
static void look_network_manager(struct arena *arena, struct exam_sight *sight, uint32_t link)
{
	struct exam_manager manager = {.kind = EXAM_NETWORK_MANAGER, .link = link};
	char path[300];
	const char *text, *managed;

	snprintf(path, sizeof(path), "/run/NetworkManager/devices/%u", link);
	text = exam_read_file(arena, path, 65536);
	managed = text ? value_of(arena, text, "managed") : NULL;
	if (managed && !strcmp(managed, "true"))
		add_manager(arena, sight, &manager);
}

/* ---- programs ---- */

static const struct {
	const char *name, *config;
} rivals[] = {
	{"keepalived", "/etc/keepalived/keepalived.conf"},
	{"ldirectord", "/etc/ha.d/ldirectord.cf"},
	{"vrrpd", "/etc/frr/frr.conf"},
	{"ucarp", NULL},
};

/* Of this network namespace, and of a process group that has no rival yet: keepalived has children. */
static bool is_here(const char *pid)
{
	char path[300], own[64] = "", its[64] = "";

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return readlink("/proc/self/ns/net", own, sizeof(own) - 1) > 0 &&
	       readlink(path, its, sizeof(its) - 1) > 0 && !strcmp(own, its);
}

/* ldirectord is a script, so its name stands behind that of its interpreter. */
static bool is_called(struct arena *arena, const char *pid, const char *name)
{
	char path[300];
	const char *comm, *line, *slash;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	comm = exam_read_file(arena, path, 64);
	if (comm && !strncmp(comm, name, strlen(name)) && comm[strlen(name)] == '\n')
		return true;
	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	line = comm && !strncmp(comm, "perl", 4) ? exam_read_file(arena, path, 4096) : NULL;
	if (!line)
		return false;
	line += strlen(line) + 1; /* the script; one of no words has zeros there */
	slash = strrchr(line, '/');
	return !strcmp(slash ? slash + 1 : line, name);
}

/* The file that is named behind -f, if one is. */
static const char *config_of(struct arena *arena, const char *pid, const char *fallback)
{
	char path[300];
	const char *line, *end;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	line = exam_read_file(arena, path, 4096);
	end = line ? line + 4000 : NULL;
	for (const char *at = line; at && at < end && *at; at += strlen(at) + 1)
		if (!strcmp(at, "-f") && at[3])
			fallback = at + 3;
	return fallback ? exam_read_file(arena, fallback, CONFIG) : NULL;
}

static bool is_listed(const struct exam_sight *sight, const char *name)
{
	for (size_t i = 0; i < sight->program_count; i++)
		if (!strcmp(sight->programs[i].name, name))
			return true;
	return false;
}

static void look_process(struct arena *arena, struct exam_sight *sight, const char *pid)
{
	for (size_t i = 0; i < COUNT_OF(rivals); i++) {
		struct exam_program *room;

		if (is_listed(sight, rivals[i].name) || !is_called(arena, pid, rivals[i].name) ||
		    !is_here(pid))
			continue;
		room = arena_push(arena, &sight->programs, &sight->program_count, sizeof(*room));
		if (room)
			*room = (struct exam_program){rivals[i].name, strtoll(pid, NULL, 10),
						      config_of(arena, pid, rivals[i].config)};
	}
}

static void look_programs(struct exam_sight *sight, struct arena *keep)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_process(keep, sight, entry->d_name);
	if (proc)
		closedir(proc);
}

/* ---- denials ---- */

/* How long after the machine it began; 0: not known. */
static nstime age_of_machine_at(struct arena *arena, int pid)
{
	char path[64];
	const char *text, *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = pid ? exam_read_file(arena, path, 4096) : NULL;
	at = text ? strrchr(text, ')') : NULL; /* its name may have blanks */
	for (int i = 2; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoll(at, NULL, 10) * (NSTIME_S / sysconf(_SC_CLK_TCK)) : 0;
}

/* Seconds since 1970 at which a process began; of 0, or of one that has gone: this machine. */
static int64_t start_of(struct arena *arena, int pid)
{
	struct timespec wall, up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return ((wall.tv_sec - up.tv_sec) * NSTIME_S + wall.tv_nsec - up.tv_nsec +
		age_of_machine_at(arena, pid)) / NSTIME_S;
}

static void look_audit(struct arena *arena, struct exam_sight *sight, const char *path)
{
	char *text = exam_read_file(arena, path, AUDIT), *line;

	while (text && (line = strsep(&text, "\n")))
		exam_read_denial(arena, line, sight);
}

/* A reader of its own: nothing is taken from others. */
static void look_kernel_log(struct arena *arena, struct exam_sight *sight)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[KERNEL_LINE];
	ssize_t got;

	if (fd < 0) {
		sight->denials_why = arena_printf(arena, "/dev/kmsg: %s", strerror(errno));
		return;
	}
	while ((got = read(fd, line, sizeof(line) - 1)) > 0 || (got < 0 && errno == EPIPE)) {
		const char *text;

		if (got < 0)
			continue; /* overwritten meanwhile */
		line[got] = '\0';
		text = strchr(line, ';');
		exam_read_denial(arena, text ? text + 1 : line, sight);
	}
	close(fd);
}

static void look_denials(struct arena *arena, struct exam_sight *sight)
{
	sight->denials_since = start_of(arena, sight->daemon_pid);
	if (!access("/var/log/audit/audit.log", R_OK))
		look_audit(arena, sight, "/var/log/audit/audit.log");
	else if (!access("/sys/kernel/security/apparmor", F_OK) || !access("/sys/fs/selinux", F_OK))
		look_kernel_log(arena, sight);
}

/* ---- all ---- */

void exam_look_host(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	struct timex clock = {.modes = 0};
	int state = adjtimex(&clock);

	sight->is_container = is_container();
	look_rights(sight);
	look_users(arena, model, sight);
	sight->clock_known = state >= 0;
	sight->clock_synchronised = state >= 0 && state != TIME_ERROR && !(clock.status & STA_UNSYNC);
	for (size_t i = 0; i < sight->link_count; i++) {
		look_networkd(arena, sight, sight->links[i].index);
		look_network_manager(arena, sight, sight->links[i].index);
	}
	sight->keeps_routes = keeps_routes(arena);
	look_programs(sight, arena);
	if (sight->is_root)
		look_denials(arena, sight);
}
