/* `lbhactl doctor`: what is wrong with a director, in sentences that an operator understands, each
 * with the command that mends it. Facts in, findings out: what lbha.conf wants of this machine (the
 * model) and what was seen on it (struct exam_sight) are values, the judgement is without effects.
 * One file per subject:
 *   exam_kernel.c    modules, schedulers, sysctls, connection tracking, what others have in IPVS
 *   exam_vrrp.c      who else speaks for our virtual routers
 *   exam_source.c    from which addresses
 *   exam_owner.c     who answers for the VIPs
 *   exam_firewall.c  rules that drop adverts, ARP, probes or clients
 *   exam_link.c      interfaces, MTU, IPv6
 *   exam_manager.c   programs that manage interfaces
 *   exam_host.c      rights, users, folders, clock, denials, other programs
 *   exam_denial.c    what a log says was denied
 *   exam_check.c     checks that cannot work here
 * exam_look_io.c and its neighbours fill the sight. */
#ifndef LBHA_CTL_EXAM_H
#define LBHA_CTL_EXAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "config/model.h"
#include "net/address.h"
#include "net/ask.h"
#include "net/firewall.h"
#include "net/link.h"
#include "net/route_way.h"
#include "net/sysctl.h"
#include "vrrp/source.h"

struct arena;

enum finding_severity {
	FINDING_OK,
	FINDING_WARNING, /* may be meant so, or cannot be told for certain */
	FINDING_PROBLEM,
	FINDING_UNKNOWN, /* it could not be looked at */
};

struct finding {
	enum finding_severity severity;
	const char *subject; /* "firewall", "sysctl", "vrrp" … */
	const char *text;    /* a sentence without full stop */
	const char *command; /* for a shell; NULL: none mends it. In capitals what we cannot know */
};

struct findings {
	struct finding *items;
	size_t count;
};

/* ---- what was seen ---- */

enum exam_module_state {
	EXAM_MODULE_IN,      /* loaded, or part of the kernel */
	EXAM_MODULE_THERE,   /* the kernel loads it when asked */
	EXAM_MODULE_MISSING,
	EXAM_MODULE_GONE,    /* no module of this kernel is there any more, only others' */
	EXAM_MODULE_UNKNOWN,
};

/* Whose packages a machine has. */
enum exam_distribution {
	EXAM_ANY_DISTRIBUTION,
	EXAM_DEBIAN,
	EXAM_UBUNTU,
	EXAM_RED_HAT,
};

/* From the text of os-release(5). */
enum exam_distribution exam_distribution_of(const char *text);

struct exam_module {
	const char *name;
	enum exam_module_state state;
};

/* A sender of adverts for one virtual router, as its last one was. */
struct exam_speaker {
	uint32_t link;
	struct addr source;
	uint8_t mac[LINK_MAC];
	bool ours;            /* it came out of this machine */
	uint8_t version, virtual_router_id, priority, auth;
	nstime interval;
	struct addr *addresses;
	size_t address_count;
};

enum exam_manager_kind {
	EXAM_NETWORKD,
	EXAM_NETWORK_MANAGER,
};

/* A program that manages a link. */
struct exam_manager {
	enum exam_manager_kind kind;
	uint32_t link;
	const char *file; /* networkd: the .network file in force; NULL: not told */
	bool keeps;       /* networkd: KeepConfiguration is static or yes, */
	bool keeps_all;   /* or it is yes */
};

/* A file or folder that is not as it must be. */
struct exam_fault {
	const char *text, *command;
};

struct exam_program {
	const char *name;   /* "keepalived" */
	int64_t pid;
	const char *config; /* the text of its configuration; NULL: not read */
};

struct exam_certificate {
	const char *path;
	int64_t days_left; /* of a CA file: of the one that is valid longest */
	bool is_ca;
};

struct exam_script {
	const char *path;
	int error; /* -ENOENT, -EACCES … */
};

/* A virtual service of the kernel. */
struct exam_service {
	enum protocol protocol; /* 0: known by mark */
	struct endpoint at;
	uint32_t mark;
};

struct exam_denial {
	const char *program, *text; /* the line of the log */
	bool selinux;
};

enum exam_daemon {
	EXAM_DAEMON_NONE,
	EXAM_DAEMON_RUNS,
	EXAM_DAEMON_SILENT, /* its socket is there, and it does not answer */
};

struct exam_rights {
	uint64_t bounding;     /* capabilities that a service could have at most */
	int scheduler_error;   /* of asking for SCHED_RR, while no lbhad runs: -errno */
	bool runs_timeshared;  /* lbhad runs, and without SCHED_RR */
	uint64_t files;        /* hard limit of descriptors; 0: not known */
	uint64_t memlock;      /* soft limit of locked memory, bytes; UINT64_MAX: none */
};

struct exam_sight {
	const char *file;   /* lbha.conf */
	const char *run_dir, *state_dir;
	bool is_root;
	const char *user;   /* who looks, when not root */
	enum exam_daemon daemon;
	int daemon_pid; /* 0: not known */
	const struct link *links;
	size_t link_count;
	struct address_list addresses;
	struct sysctl_value *sysctls;
	size_t sysctl_count;
	bool sysctls_readonly; /* for root, too: /proc/sys of a container */
	struct exam_module *modules;
	size_t module_count;
	const char *release; /* of the kernel */
	enum exam_distribution distribution;
	bool has_ipvs; /* /proc/net/ip_vs is there */
	struct exam_service *services;
	size_t service_count;
	bool is_in_force_known; /* a running lbhad told its services */
	struct exam_service *in_force;
	size_t in_force_count;
	struct route_way *ways;
	size_t way_count;
	bool has_policy; /* rules of policy routing: a way depends on more than its end */
	struct exam_speaker *speakers;
	size_t speaker_count;
	nstime listened; /* 0: nobody could */
	int listen_error;
	struct ask ask;
	int ask_error;
	struct firewall firewall;
	const char *firewall_why; /* NULL: all rules were read */
	struct exam_manager *managers;
	size_t manager_count;
	bool keeps_routes; /* networkd: ManageForeignRoutes is no */
	const char **bridges; /* interfaces of instances that are one */
	size_t bridge_count;
	bool clock_known, clock_synchronised, is_container;
	struct exam_rights rights;
	const char **missing_users;
	size_t missing_user_count;
	struct exam_fault *faults;
	size_t fault_count;
	struct exam_program *programs;
	size_t program_count;
	struct exam_denial *denials;
	size_t denial_count;
	int64_t denials_since; /* seconds since 1970: older ones do not count */
	const char *denials_why;
	struct exam_certificate *certificates;
	size_t certificate_count;
	struct exam_script *scripts;
	size_t script_count;
	uint64_t conntrack_count;
};

/* ---- before looking: what to look at ---- */

/* Sets are appended to the sight with their keys alone. All: -ENOMEM. */
int exam_modules(struct arena *arena, const struct model *model, struct exam_sight *sight);
int exam_ways(struct arena *arena, const struct model *model, struct exam_sight *sight);
/* Links and addresses must be there. */
int exam_questions(struct arena *arena, const struct model *model, const struct exam_sight *sight,
		   struct ask *out);

/* A line of a log: appended if it is a denial that counts. */
void exam_read_denial(struct arena *arena, const char *line, struct exam_sight *sight);

/* All findings. -ENOMEM. */
int exam_judge(struct arena *arena, const struct model *model, const struct exam_sight *sight,
	       struct findings *out);

const char *finding_severity_name(enum finding_severity severity);
size_t findings_count(const struct findings *findings, enum finding_severity severity);

/* ---- among the files of exam ---- */

struct exam {
	struct arena *arena;
	const struct model *model;
	const struct exam_sight *sight;
	struct findings findings;
};

/* Adds a finding, unless the same has been said; `command` is kept, NULL is none. */
void exam_say(struct exam *exam, enum finding_severity severity, const char *subject,
	      const char *command, const char *format, ...) PRINTF_LIKE(5, 6);
/* Text in the arena; "" when out of memory. */
const char *exam_text(struct exam *exam, const char *format, ...) PRINTF_LIKE(2, 3);

void exam_kernel(struct exam *exam);
void exam_vrrp(struct exam *exam);
void exam_owners(struct exam *exam);
void exam_firewall(struct exam *exam);
void exam_links(struct exam *exam);
void exam_managers(struct exam *exam);
void exam_host(struct exam *exam);
void exam_checks(struct exam *exam);

const struct link *exam_link_named(const struct exam_sight *sight, const char *name);
const struct link *exam_link(const struct exam_sight *sight, uint32_t index);
/* Where a VIP of an instance lives: its own link or the instance's. NULL: there is none. */
const struct link *exam_link_of(const struct exam_sight *sight, const struct instance *instance,
				const struct vip *vip);
/* -1: there is none such. */
int64_t exam_sysctl(const struct exam_sight *sight, const char *path);
int64_t exam_conf(const struct exam_sight *sight, const char *family, const char *link,
		  const char *name);
/* "sysctl -w …", for names of links with dots in them, too. */
const char *exam_write_sysctl(struct exam *exam, const char *path, int64_t value);
const char *exam_write_conf(struct exam *exam, const char *family, const char *link,
			    const char *name, int64_t value);
/* From no address that was named. */
const struct route_way *exam_way(const struct exam_sight *sight, const struct addr *to);
const struct route_way *exam_way_from(const struct exam_sight *sight, const struct addr *from,
				      const struct addr *to);
enum exam_module_state exam_module(const struct exam_sight *sight, const char *name);
bool exam_is_ours(const struct exam_sight *sight, const struct addr *address);
/* From which address this director advertises on the instance's link. */
struct vrrp_source exam_source(const struct exam *exam, const struct instance *instance,
			       const struct link *link);
/* Whether a director, as far as can be known here, advertises the instance from its general address. */
bool exam_sends_from_address(const struct exam *exam, const struct instance *instance,
			     const struct director *director);
/* Whether a speaker was heard where the instance is, with its number. */
bool exam_is_about(const struct exam_sight *sight, const struct instance *instance,
		   const struct exam_speaker *speaker);
/* How many of a speaker's addresses the instance advertises, too. */
size_t exam_shared(const struct instance *instance, const struct exam_speaker *speaker);
bool exam_has_forwarding(const struct model *model, enum forwarding forwarding);
/* "02:00:00:00:00:01"; at least EXAM_MAC bytes. Returns out. */
#define EXAM_MAC 18
const char *exam_mac(const uint8_t mac[LINK_MAC], char *out);

#endif
