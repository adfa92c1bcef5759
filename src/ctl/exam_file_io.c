/* What files tell: modules of the kernel, its IPVS table, lbha's own folders, scripts and certificates
 * that checks name. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "config/pem_io.h"
#include "ctl/exam_io.h"

#define TABLE (8u << 20)
#define MODULES (4u << 20)

/* ---- modules ---- */

struct modules {
	const char *builtin, *loadable; /* NULL: there is no such list */
	bool are_gone;                  /* the kernel loads modules, and only those of others are there */
};

/* kmod writes ip_vs_wlc.ko, the kernel either that or with dashes. */
static bool lists(const char *list, const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "/%s.ko", name);
	if (list && strstr(list, file))
		return true;
	for (char *at = file; *at; at++)
		*at = *at == '_' ? '-' : *at;
	return list && strstr(list, file);
}

static enum exam_module_state module_state(const struct modules *modules, const char *name,
					   const struct exam_sight *sight)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (!access(path, F_OK) || lists(modules->builtin, name))
		return EXAM_MODULE_IN;
	if (lists(modules->loadable, name))
		return EXAM_MODULE_THERE;
	if (modules->loadable)
		return EXAM_MODULE_MISSING;
	if (sight->is_container)
		return EXAM_MODULE_THERE;
	if (modules->are_gone)
		return EXAM_MODULE_GONE;
	/* nothing can be loaded; what is built in without parameters leaves no trace but its work */
	return !strcmp(name, "ip_vs") && !sight->has_ipvs ? EXAM_MODULE_MISSING : EXAM_MODULE_UNKNOWN;
}

static bool are_others_there(void)
{
	glob_t found = {0};
	bool are = !access("/proc/modules", F_OK) && !glob("/lib/modules/*/modules.dep", 0, NULL, &found);

	globfree(&found);
	return are;
}

static void look_modules(struct arena *arena, struct exam_sight *sight)
{
	struct modules modules = {NULL, NULL, false};
	struct utsname name;
	const char *text;
	char path[256];

	if (!sight->module_count || uname(&name))
		return;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", name.release);
	modules.builtin = exam_read_file(arena, path, MODULES);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", name.release);
	modules.loadable = exam_read_file(arena, path, MODULES);
	modules.are_gone = !modules.loadable && are_others_there();
	sight->release = arena_strdup(arena, name.release);
	text = exam_read_file(arena, "/etc/os-release", 65536);
	sight->distribution = exam_distribution_of(text ? text : "");
	for (size_t i = 0; i < sight->module_count; i++)
		sight->modules[i].state = module_state(&modules, sight->modules[i].name, sight);
}

/* ---- the table ---- */

/* "C0A808C8:0050" or "[2001:0db8:…]:0050". */
static bool read_endpoint(const char *text, struct endpoint *out)
{
	const char *colon = strrchr(text, ':');
	char address[64];
	uint32_t ipv4;

	if (!colon)
		return false;
	out->port = (uint16_t)strtoul(colon + 1, NULL, 16);
	if (*text != '[') {
		ipv4 = (uint32_t)strtoul(text, NULL, 16);
		out->address = addr_from_ipv4(ipv4);
		return true;
	}
	snprintf(address, sizeof(address), "%.*s", (int)(colon - text) - 2, text + 1);
	return !addr_parse(address, &out->address);
}

static void read_service(struct arena *arena, struct exam_sight *sight, char *line)
{
	struct exam_service service = {0}, *room;
	char *at = strchr(line, ' ');

	if (!at)
		return;
	*at++ = '\0';
	at += strspn(at, " ");
	at[strcspn(at, " ")] = '\0';
	if (!strcmp(line, "FWM"))
		service.mark = (uint32_t)strtoul(at, NULL, 16);
	else if (!strcmp(line, "TCP") || !strcmp(line, "UDP") || !strcmp(line, "SCTP"))
		service.protocol = *line == 'T' ? PROTOCOL_TCP : *line == 'U' ? PROTOCOL_UDP : PROTOCOL_SCTP;
	else
		return;
	if (service.protocol && !read_endpoint(at, &service.at))
		return;
	room = arena_push(arena, &sight->services, &sight->service_count, sizeof(*room));
	if (room)
		*room = service;
}

static void look_table(struct arena *arena, struct exam_sight *sight)
{
	char *text = exam_read_file(arena, "/proc/net/ip_vs", TABLE), *line;

	sight->has_ipvs = text != NULL;
	while (text && (line = strsep(&text, "\n")))
		read_service(arena, sight, line);
}

/* ---- folders ---- */

static void add_fault(struct arena *arena, struct exam_sight *sight, const char *text,
		      const char *command)
{
	struct exam_fault *room = arena_push(arena, &sight->faults, &sight->fault_count, sizeof(*room));

	if (room)
		*room = (struct exam_fault){text, command};
}

/* Where the daemon writes: nobody but root and it may. */
static void look_folder(struct arena *arena, struct exam_sight *sight, const char *path)
{
	struct stat stat;

	if (lstat(path, &stat))
		return; /* lbhad makes it */
	if (!S_ISDIR(stat.st_mode))
		add_fault(arena, sight, arena_printf(arena, "%s is no folder", path),
			  arena_printf(arena, "rm %s", path));
	else if (stat.st_uid)
		add_fault(arena, sight,
			  arena_printf(arena, "%s belongs to user %u, not to root", path, stat.st_uid),
			  arena_printf(arena, "chown root: %s", path));
	else if (stat.st_mode & 0022)
		add_fault(arena, sight,
			  arena_printf(arena, "%s may be written to by others than root", path),
			  arena_printf(arena, "chmod go-w %s", path));
}

static void look_config(struct arena *arena, struct exam_sight *sight)
{
	struct stat stat_;

	if (stat(sight->file, &stat_) || !sight->is_root)
		return;
	if (stat_.st_uid || stat_.st_mode & 0022)
		add_fault(arena, sight,
			  arena_printf(arena, "%s may be written to by others than root", sight->file),
			  arena_printf(arena, "chown root: %s && chmod go-w %s", sight->file, sight->file));
}

/* ---- scripts ---- */

/* Whether its user may run it is judged when it is run (daemon/trusted_path.h); here, whether it is
 * there and anybody may. */
static int script_error(const char *path)
{
	struct stat stat_;

	if (stat(path, &stat_))
		return -errno;
	return S_ISREG(stat_.st_mode) && stat_.st_mode & 0111 ? 0 : -EACCES;
}

static void look_scripts(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	for (size_t i = 0; i < model->check_count; i++) {
		struct exam_script *room;

		if (!model->checks[i].command_count)
			continue;
		room = arena_push(arena, &sight->scripts, &sight->script_count, sizeof(*room));
		if (room)
			*room = (struct exam_script){model->checks[i].command[0],
						     script_error(model->checks[i].command[0])};
	}
}

/* ---- certificates ---- */

static void look_certificate(struct arena *arena, const struct model *model, struct exam_sight *sight,
			     enum config_file kind, const char *path, uint32_t number)
{
	const char *text = number ? model_tls_text(model, number) : NULL;
	struct exam_certificate *room;
	int64_t days;

	if (!text || pem_days_left(kind, text, &days))
		return;
	room = arena_push(arena, &sight->certificates, &sight->certificate_count, sizeof(*room));
	if (room)
		*room = (struct exam_certificate){path, days, kind == CONFIG_FILE_CA};
}

void exam_look_files(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	look_table(arena, sight);
	look_modules(arena, sight);
	look_folder(arena, sight, sight->run_dir);
	look_folder(arena, sight, sight->state_dir);
	look_config(arena, sight);
	look_scripts(arena, model, sight);
	for (size_t i = 0; i < model->check_count; i++) {
		const struct tls_options *tls = &model->checks[i].tls;

		look_certificate(arena, model, sight, CONFIG_FILE_CERTIFICATE, tls->certificate,
				 tls->certificate_file);
		look_certificate(arena, model, sight, CONFIG_FILE_CA, tls->ca, tls->ca_file);
	}
}
