/* What lbha.conf needs of the kernel: modules, sysctls, room to track connections; and what somebody
 * else has in its IPVS table. The ipvs worker sets what services need (ipvs/sysctls.h), so a value
 * that is wrong while it runs is one that somebody sets back, and while it does not, none is due. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/transport.h"
#include "config/mark.h"
#include "config/words.h"
#include "ctl/exam.h"
#include "ipvs/plan.h"
#include "ipvs/sysctls.h"

#define CONNTRACK_FULL 90 /* percent */

/* ---- modules ---- */

static void want_module(struct arena *arena, struct exam_sight *sight, const char *name)
{
	struct exam_module *room;

	for (size_t i = 0; i < sight->module_count; i++)
		if (!strcmp(sight->modules[i].name, name))
			return;
	room = arena_push(arena, &sight->modules, &sight->module_count, sizeof(*room));
	if (room)
		*room = (struct exam_module){name, EXAM_MODULE_UNKNOWN};
}

static bool wants_rules(const struct model *model)
{
	bool wanted = exam_has_forwarding(model, FORWARDING_FULLNAT) || model->way_count;

	for (size_t i = 0; i < model->service_count; i++)
		wanted |= model->services[i].group;
	for (size_t i = 0; i < model->instance_count; i++)
		wanted |= !model->instances[i].accept;
	return wanted;
}

int exam_modules(struct arena *arena, const struct model *model, struct exam_sight *sight)
{
	if (model->service_count)
		want_module(arena, sight, "ip_vs");
	for (size_t i = 0; i < model->service_count; i++) {
		const struct service *service = &model->services[i];

		want_module(arena, sight, arena_printf(arena, "ip_vs_%s", service->scheduler));
		if (service->persistence.engine)
			want_module(arena, sight,
				    arena_printf(arena, "ip_vs_pe_%s", service->persistence.engine));
	}
	if (exam_has_forwarding(model, FORWARDING_FULLNAT))
		want_module(arena, sight, "nf_conntrack");
	if (wants_rules(model))
		want_module(arena, sight, "nf_tables");
	for (size_t i = 0; i < model->instance_count; i++)
		if (model->instances[i].virtual_mac)
			want_module(arena, sight, "macvlan");
	return arena_failed(arena) ? -ENOMEM : 0;
}

/* The words of a line "KEY=value", which may be in quotes. */
static bool has_word_in(const char *text, const char *key, const char *word)
{
	size_t length = strlen(key), size = strlen(word);

	for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		const char *end = at + strcspn(at, "\n");

		if (strncmp(at, key, length) != 0)
			continue;
		for (at += length; at < end; at += strcspn(at, " \"\n") + 1)
			if (!strncmp(at, word, size) && strchr(" \"\n", at[size]))
				return true;
		return false;
	}
	return false;
}

enum exam_distribution exam_distribution_of(const char *text)
{
	static const struct {
		const char *word;
		enum exam_distribution it;
	} words[] = {{"ubuntu", EXAM_UBUNTU},
		     {"debian", EXAM_DEBIAN},
		     {"rhel", EXAM_RED_HAT},
		     {"fedora", EXAM_RED_HAT}};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (has_word_in(text, "ID=", words[i].word) || has_word_in(text, "ID_LIKE=", words[i].word))
			return words[i].it;
	return EXAM_ANY_DISTRIBUTION;
}

/* The package that has modules which a small installation, or a kernel for clouds, lacks. */
static const char *install_module(struct exam *exam, const char *name)
{
	switch (exam->sight->distribution) {
	case EXAM_UBUNTU:
		return "apt install linux-modules-extra-$(uname -r)";
	case EXAM_DEBIAN:
		return "apt install linux-image-$(dpkg --print-architecture)    # and boot that kernel";
	case EXAM_RED_HAT:
		return "dnf install kernel-modules-$(uname -r) kernel-modules-extra-$(uname -r)";
	case EXAM_ANY_DISTRIBUTION:
		break;
	}
	return exam_text(exam, "modinfo %s    # after the package that has it was installed", name);
}

/* What is in use is there, so a kernel with IPVS may have the others in itself, too. */
static void judge_gone(struct exam *exam, const char *name)
{
	bool is_certain = !strcmp(name, "ip_vs") && !exam->sight->has_ipvs;

	exam_say(exam, is_certain ? FINDING_PROBLEM : FINDING_WARNING, "module",
		 "systemctl reboot    # once the other director is MASTER",
		 "module %s is not loaded and cannot be: /lib/modules/%s is gone, as it is after an upgrade of "
		 "the kernel without a reboot",
		 name, exam->sight->release ? exam->sight->release : "$(uname -r)");
}

static void judge_module(struct exam *exam, const struct exam_module *module)
{
	switch (module->state) {
	case EXAM_MODULE_IN:
	case EXAM_MODULE_UNKNOWN:
		return;
	case EXAM_MODULE_THERE:
		if (exam->sight->is_container)
			exam_say(exam, FINDING_WARNING, "module",
				 exam_text(exam, "modprobe %s    # on the container's host", module->name),
				 "module %s is not loaded, and a container cannot load it", module->name);
		return;
	case EXAM_MODULE_GONE:
		judge_gone(exam, module->name);
		return;
	case EXAM_MODULE_MISSING:
		exam_say(exam, FINDING_PROBLEM, "module", install_module(exam, module->name),
			 "this kernel has no module %s, which %s needs", module->name, exam->sight->file);
		return;
	}
}

static void judge_modules(struct exam *exam)
{
	size_t before = exam->findings.count;

	for (size_t i = 0; i < exam->sight->module_count; i++)
		judge_module(exam, &exam->sight->modules[i]);
	if (exam->sight->module_count && exam->findings.count == before)
		exam_say(exam, FINDING_OK, "module", NULL,
			 "the kernel has the modules that %s needs", exam->sight->file);
}

/* ---- sysctls ---- */

/* A value that services need and that is another. Before lbhad runs nobody has to have set it, if it
 * can be set. */
static void judge_value(struct exam *exam, const struct ipvs_sysctl_want *wanted)
{
	int64_t value = exam_sysctl(exam->sight, wanted->want.path);
	bool runs = exam->sight->daemon == EXAM_DAEMON_RUNS;

	if (value < 0 || sysctl_satisfied(&wanted->want, value) ||
	    (!runs && !exam->sight->sysctls_readonly))
		return;
	exam_say(exam, FINDING_PROBLEM, "sysctl",
		 exam_write_sysctl(exam, wanted->want.path, wanted->want.value),
		 "%s is %" PRId64 ", not %" PRId64 ": %s; %s", wanted->want.path, value,
		 wanted->want.value, wanted->why,
		 exam->sight->sysctls_readonly ? "and lbhad may not set it here"
					       : "somebody set it back");
}

/* What the ipvs worker wants for the same model, by the same function. */
static void judge_needs(struct exam *exam)
{
	struct ipvs_sysctls wanted = {0};

	if (ipvs_sysctls_wanted(exam->arena, exam->model, &wanted))
		return;
	for (size_t i = 0; i < wanted.count; i++)
		judge_value(exam, &wanted.wants[i]);
}

static void judge_conntrack(struct exam *exam)
{
	int64_t most = exam_sysctl(exam->sight, "net/netfilter/nf_conntrack_max");
	uint64_t count = exam->sight->conntrack_count;

	if (most <= 0 || !count || count * 100 < (uint64_t)most * CONNTRACK_FULL)
		return;
	exam_say(exam, FINDING_PROBLEM, "sysctl",
		 exam_text(exam, "sysctl -w net.netfilter.nf_conntrack_max=%" PRId64, most * 2),
		 "%" PRIu64 " of %" PRId64
		 " tracked connections are in use: when they are full, new clients are dropped",
		 count, most);
}

/* ---- the table ---- */

static bool is_wanted(const struct model *model, const struct exam_service *seen)
{
	for (size_t i = 0; i < model->service_count; i++) {
		const struct service *service = &model->services[i];

		if (seen->mark && service->mark == seen->mark)
			return true;
		for (size_t j = 0; j < service->listen_count && !seen->mark; j++)
			if (service->protocols & (uint32_t)seen->protocol &&
			    !endpoint_compare(&service->listen[j], &seen->at))
				return true;
	}
	for (size_t i = 0; i < model->way_count; i++)
		if (seen->mark && model->ways[i].mark == seen->mark)
			return true;
	return false;
}

/* What lbhad has in force, or made for itself: marks of its own for groups and ways to servers. */
static bool is_in_force(const struct exam *exam, const struct exam_service *seen)
{
	const struct exam_sight *sight = exam->sight;
	const struct ipvs_global *ipvs = &exam->model->global.ipvs;

	for (size_t i = 0; i < sight->in_force_count; i++) {
		const struct exam_service *one = &sight->in_force[i];

		if (one->mark == seen->mark && one->protocol == seen->protocol &&
		    !endpoint_compare(&one->at, &seen->at))
			return true;
	}
	return sight->daemon == EXAM_DAEMON_RUNS && mark_is_own(ipvs->mark_base, ipvs->mark_mask, seen->mark);
}

/* The kernel does not list of which family a mark is. */
static const char *in_words(struct exam *exam, const struct exam_service *seen)
{
	const struct ipvs_service_key key = {
		.fwmark = seen->mark,
		.protocol = seen->mark ? 0 : transport_number(protocol_word(seen->protocol)),
		.address = seen->at.address,
		.port = seen->at.port,
	};
	char words[IPVS_OP_TEXT] = "";
	struct text out = text_of(words, sizeof(words));

	ipvs_service_key_words(&key, &out);
	return exam_text(exam, "%s", words);
}

static const char *in_prose(struct exam *exam, const struct exam_service *seen)
{
	char at[ENDPOINT_TEXT];

	return seen->mark ? exam_text(exam, "mark %" PRIu32, seen->mark)
			  : exam_text(exam, "%s", endpoint_format(&seen->at, at));
}

/* Somebody's clients may be on it: the command looks, and says how to remove. */
static void judge_foreign(struct exam *exam, const struct exam_service *seen)
{
	const struct exam_sight *sight = exam->sight;
	const char *words = in_words(exam, seen), *what = in_prose(exam, seen);

	if (sight->daemon != EXAM_DAEMON_NONE && !sight->is_in_force_known)
		exam_say(exam, FINDING_UNKNOWN, "ipvs", exam_text(exam, "ipvsadm -L -n %s", words),
			 "the kernel balances %s, which is not in %s; whether lbhad has it in force "
			 "could not be asked",
			 what, sight->file);
	else
		exam_say(exam, FINDING_WARNING, "ipvs",
			 exam_text(exam, "ipvsadm -L -n %s    # whose is it? ipvsadm -D %s removes it",
				   words, words),
			 "the kernel balances %s, which is not in %s: somebody else programs IPVS here%s",
			 what, sight->file, sight->daemon == EXAM_DAEMON_NONE ? ", or did" : "");
}

static void judge_table(struct exam *exam)
{
	const struct exam_sight *sight = exam->sight;
	const struct exam_service *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < sight->service_count; i++) {
		const struct exam_service *seen = &sight->services[i];

		if (is_wanted(exam->model, seen))
			continue;
		if (!is_in_force(exam, seen)) {
			judge_foreign(exam, seen);
			continue;
		}
		first = first ? first : seen;
		count++;
	}
	if (first)
		exam_say(exam, FINDING_WARNING, "ipvs", exam_text(exam, "lbhactl plan %s", sight->file),
			 "lbhad balances %s%s, which %s not in %s: what is there is not in force, until "
			 "`lbhactl reload`",
			 in_prose(exam, first),
			 count > 1 ? exam_text(exam, " and %zu more", count - 1) : "",
			 count > 1 ? "are" : "is", sight->file);
}

void exam_kernel(struct exam *exam)
{
	judge_modules(exam);
	judge_needs(exam);
	judge_conntrack(exam);
	judge_table(exam);
}
