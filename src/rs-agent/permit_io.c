/* See the header. A sysctl is opened for writing and closed again, which does nothing, and tells
 * read-only mounts and security modules alike. */
#include "rs-agent/permit_io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "net/sysctl_io.h"
#include "rs-agent/observe_io.h"

/* ---- capabilities ---- */

static bool has_net_admin(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return true; /* the kernel will say */
	return data[0].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

/* The network namespace belongs to a user namespace that is not below ours, so our capabilities
 * mean nothing in it: the kernel does not even show us its owner (ioctl_ns(2)). */
static bool is_foreign_netns(void)
{
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), owner, err;

	if (netns < 0)
		return false;
	owner = ioctl(netns, NS_GET_USERNS);
	err = errno;
	close(netns);
	if (owner >= 0)
		close(owner);
	return owner < 0 && err == EPERM;
}

int permit_capability(const struct rs_plan *plan, char *why)
{
	struct text out = text_of(why, PERMIT_WHY);
	bool acts = false;

	for (size_t i = 0; i < plan->count; i++)
		acts |= rs_step_acts(&plan->steps[i]);
	if (acts && !has_net_admin())
		text_add(&out, "CAP_NET_ADMIN is missing: run lbha-rs as root, in a container that is "
			       "given it (docker run --cap-add NET_ADMIN)");
	else if (acts && is_foreign_netns())
		text_add(&out, "this network namespace belongs to another user namespace: "
			       "CAP_NET_ADMIN of this one does not count there");
	else
		return 0;
	return -EPERM;
}

/* ---- sysctls ---- */

/* "net.ipv4.conf.all.arp_ignore=1" */
static const char *assignment(const struct rs_step *step, char *command)
{
	return rs_step_command(step, command) + strlen("sysctl -w ");
}

static bool writes_sysctl(const struct rs_step *step)
{
	return step->record.kind == OWNED_SYSCTL && rs_step_acts(step);
}

static void say_locked(const struct rs_plan *plan, int err, struct text *why)
{
	char command[RS_TEXT];
	bool silence_only = true;

	text_add(why, "sysctls cannot be written here (%s): let this container be made with them, as "
		      "\"docker run", strerror(-err));
	for (size_t i = 0; i < plan->count; i++) {
		if (!writes_sysctl(&plan->steps[i]))
			continue;
		text_add(why, " --sysctl %s", assignment(&plan->steps[i], command));
		silence_only &= strstr(command, ".arp_") != NULL;
	}
	text_add(why, "\" does%s", silence_only ? ", or use --arp filter" : "");
}

int permit_sysctls(const struct kernel *kernel, const struct rs_plan *plan, char *why)
{
	struct text out = text_of(why, PERMIT_WHY);

	for (size_t i = 0; i < plan->count; i++) {
		const struct rs_step *step = &plan->steps[i];
		int err = writes_sysctl(step)
				  ? sysctl_writable(kernel->sysctls, step->record.sysctl.path)
				  : 0;

		if (err == -EROFS || err == -EACCES || err == -EPERM) {
			say_locked(plan, err, &out);
			return err;
		}
	}
	return 0;
}
