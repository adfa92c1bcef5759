/* The machine around lbhad: who runs it and with which rights, its folders, its clock, what denies it
 * something, and other programs that do the same work. */
#include <inttypes.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/exam.h"

#define BIT(n) (UINT64_C(1) << (n))
#define MEMLOCK_LEAST (64u << 20)
#define FILES_SPARE 200 /* the check worker's own */

/* ---- rights ---- */

static const struct {
	unsigned bit;
	const char *name, *need;
	bool is_hard; /* without it lbhad cannot work */
} capabilities[] = {
	{CAP_NET_ADMIN, "NET_ADMIN", "addresses and IPVS", true},
	{CAP_NET_RAW, "NET_RAW", "adverts and ARP", true},
	{CAP_SETUID, "SETUID", "workers that are not root", true},
	{CAP_SETGID, "SETGID", "workers that are not root", true},
	{CAP_SETPCAP, "SETPCAP", "workers with fewer rights", true},
	{CAP_SYS_NICE, "SYS_NICE", "real-time scheduling", false},
	{CAP_IPC_LOCK, "IPC_LOCK", "memory that is not swapped out", false},
};

static void judge_capabilities(struct exam *exam)
{
	const struct exam_rights *rights = &exam->sight->rights;

	for (size_t i = 0; i < COUNT_OF(capabilities); i++)
		if (!(rights->bounding & BIT(capabilities[i].bit)))
			exam_say(exam, capabilities[i].is_hard ? FINDING_PROBLEM : FINDING_WARNING, "rights",
				 exam_text(exam, "podman run --cap-add=%s …    # or as your container is "
						 "started",
					   capabilities[i].name),
				 "CAP_%s is not to be had here, which lbhad needs for %s",
				 capabilities[i].name, capabilities[i].need);
}

/* A kernel with CONFIG_RT_GROUP_SCHED has no real time in groups that were given none. */
static void judge_scheduler(struct exam *exam)
{
	const struct exam_rights *rights = &exam->sight->rights;
	const char *mend = exam->sight->is_container
				   ? "podman run --cap-add=SYS_NICE --ulimit rtprio=50 …"
				   : "sysctl -w kernel.sched_rt_runtime_us=-1 && systemctl restart lbha    # lifts "
				     "the limit for the whole machine";

	if (rights->runs_timeshared)
		exam_say(exam, FINDING_WARNING, "rights", mend,
			 "lbhad runs without real-time scheduling (SCHED_RR): a busy machine delays adverts");
	else if (rights->scheduler_error && exam->sight->is_root)
		exam_say(exam, FINDING_WARNING, "rights",
			 exam->sight->is_container ? mend : "systemctl start lbha && lbhactl doctor",
			 "real-time scheduling (SCHED_RR) is refused to this shell: %s; where lbhad is refused "
			 "it, too, a busy machine delays adverts",
			 strerror(-rights->scheduler_error));
	if (!(rights->bounding & BIT(CAP_IPC_LOCK)) && rights->memlock < MEMLOCK_LEAST)
		exam_say(exam, FINDING_WARNING, "rights", "podman run --ulimit memlock=-1 …",
			 "at most %" PRIu64 " bytes of memory can be locked: what is swapped out delays "
			 "adverts",
			 rights->memlock);
}

/* A probe in flight has a socket, and at worst all are. */
static void judge_files(struct exam *exam)
{
	uint64_t files = exam->sight->rights.files, probes = exam->model->probe_count;

	if (files && probes + FILES_SPARE > files)
		exam_say(exam, FINDING_PROBLEM, "rights",
			 exam_text(exam,
				   "mkdir -p /etc/systemd/system/lbha.service.d && printf "
				   "'[Service]\\nLimitNOFILE=%" PRIu64 "\\n' > "
				   "/etc/systemd/system/lbha.service.d/files.conf && systemctl daemon-reload",
				   2 * (probes + FILES_SPARE)),
			 "%" PRIu64 " probes may be in flight at once, and a process may open %" PRIu64
			 " files",
			 probes, files);
}

/* ---- users and folders ---- */

static void judge_users(struct exam *exam)
{
	const struct exam_sight *sight = exam->sight;

	for (size_t i = 0; i < sight->missing_user_count; i++)
		exam_say(exam, FINDING_PROBLEM, "user",
			 exam_text(exam, "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin %s",
				   sight->missing_users[i]),
			 "there is no user %s, as whom a worker runs", sight->missing_users[i]);
	for (size_t i = 0; i < sight->fault_count; i++)
		exam_say(exam, FINDING_PROBLEM, "folder", sight->faults[i].command, "%s",
			 sight->faults[i].text);
}

/* ---- clock ---- */

static void judge_clock(struct exam *exam)
{
	const struct exam_sight *sight = exam->sight;

	if (!sight->clock_known || sight->clock_synchronised)
		return;
	exam_say(exam, FINDING_WARNING, "clock",
		 sight->is_container ? "timedatectl set-ntp true    # on the container's host"
				     : "timedatectl set-ntp true",
		 "the clock is not synchronised: times of events and logs differ between directors, and "
		 "certificates are judged by it (adverts do not depend on it)");
}

/* ---- who denies ---- */

static void judge_denials(struct exam *exam)
{
	const struct exam_sight *sight = exam->sight;

	for (size_t i = 0; i < sight->denial_count; i++) {
		const struct exam_denial *denial = &sight->denials[i];

		if (denial->selinux)
			exam_say(exam, FINDING_PROBLEM, "denial",
				 exam_text(exam, "ausearch -m avc -c %s --raw | audit2allow    # what a policy "
						 "would have to allow",
					   denial->program),
				 "SELinux denied %s something: %s", denial->program, denial->text);
		else
			exam_say(exam, FINDING_PROBLEM, "denial", "aa-logprof    # asks before it changes a profile",
				 "AppArmor denied %s something: %s", denial->program, denial->text);
	}
	if (!sight->denial_count && sight->denials_why && sight->is_root)
		exam_say(exam, FINDING_UNKNOWN, "denial", "journalctl -k -g 'DENIED|avc:.*denied'",
			 "denials of AppArmor and SELinux could not be looked for: %s",
			 sight->denials_why);
}

/* ---- others ---- */

static bool is_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || !strchr("0123456789abcdef.:", at[-1])) &&
		    !strchr("0123456789abcdef.", at[length] ? at[length] : ' '))
			return true;
	return false;
}

static bool has_number(const char *text, unsigned number)
{
	for (const char *at = strstr(text, "virtual_router_id"); at; at = strstr(at + 1, "virtual_router_id"))
		if (strtoul(at + strlen("virtual_router_id"), NULL, 10) == number)
			return true;
	return false;
}

/* What of ours its configuration names; NULL: nothing. */
static const char *common(struct exam *exam, const char *config)
{
	const struct model *model = exam->model;
	char text[ADDR_TEXT];

	for (size_t i = 0; i < model->instance_count && config; i++) {
		if (has_number(config, model->instances[i].virtual_router_id))
			return exam_text(exam, "virtual_router_id %u",
					 model->instances[i].virtual_router_id);
		for (size_t j = 0; j < model->instances[i].virtual_address_count; j++)
			if (is_word(config, addr_format(&model->instances[i].virtual_addresses[j].address.address,
							text)))
				return exam_text(exam, "%s", text);
	}
	for (size_t i = 0; i < model->service_count && config; i++)
		for (size_t j = 0; j < service_vip_count(&model->services[i]); j++)
			if (is_word(config, addr_format(service_vip(&model->services[i], j), text)))
				return exam_text(exam, "%s", text);
	return NULL;
}

static void judge_programs(struct exam *exam)
{
	for (size_t i = 0; i < exam->sight->program_count; i++) {
		const struct exam_program *program = &exam->sight->programs[i];
		const char *both = common(exam, program->config);

		if (both)
			exam_say(exam, FINDING_PROBLEM, "program",
				 exam_text(exam, "systemctl disable --now %s || kill %" PRId64, program->name,
					   program->pid),
				 "%s runs here (process %" PRId64 ") with %s, which is lbha's: they undo each "
				 "other's work",
				 program->name, program->pid, both);
		else
			exam_say(exam, FINDING_WARNING, "program",
				 exam_text(exam, "systemctl status %" PRId64, program->pid),
				 "%s runs here, too (process %" PRId64 "): what both are told of is undone by "
				 "the other",
				 program->name, program->pid);
	}
}

void exam_host(struct exam *exam)
{
	judge_capabilities(exam);
	judge_scheduler(exam);
	judge_files(exam);
	judge_users(exam);
	judge_clock(exam);
	judge_denials(exam);
	judge_programs(exam);
}
