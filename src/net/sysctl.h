/* Sysctls below /proc/sys as numbers: what is wanted, what to write, what to put back. Pure. */
#ifndef LBHA_NET_SYSCTL_H
#define LBHA_NET_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define SYSCTL_PATH 96 /* room for a path relative to /proc/sys, with the zero */

enum sysctl_rule {
	SYSCTL_AT_LEAST, /* raise, never lower */
	SYSCTL_EXACTLY,
};

struct sysctl_want {
	char path[SYSCTL_PATH]; /* "net/ipv4/conf/all/arp_ignore" */
	enum sysctl_rule rule;
	int64_t value;
};

struct sysctl_value {
	char path[SYSCTL_PATH];
	int64_t value;
};

struct sysctl_op {
	char path[SYSCTL_PATH];
	int64_t former, value; /* former: what is there now, for the undo */
};

/* One thing to do with one value. */
enum sysctl_action {
	SYSCTL_WRITE,  /* of a thing of ours, which takes it along: nothing is written down */
	SYSCTL_TAKE,   /* by `rule`: what was there is written down, then changed; `op.former` is the answer */
	SYSCTL_GIVE,   /* from op.value back to op.former unless somebody changed it, then strike it out */
	SYSCTL_FORGET, /* strike it out */
};

struct sysctl_order {
	enum sysctl_action action;
	enum sysctl_rule rule;
	struct sysctl_op op;
	bool changed; /* the answer to TAKE: it is ours now; else it was as wanted */
};

struct sysctl_plan {
	struct sysctl_op *ops;
	size_t count;
};

/* Writes "net/<family>/conf/<link>/<name>" into out (SYSCTL_PATH bytes). A dot in a link's name
 * stays a dot (a path, not a sysctl(8) key). -ENAMETOOLONG, or -EINVAL for a name no link
 * can have. */
int sysctl_conf_path(char *out, const char *family, const char *link, const char *name);

/* A path as sysctl(8) writes it, into out (SYSCTL_PATH bytes), which is returned: what separates becomes
 * a dot, and a dot in a link's name a slash. */
const char *sysctl_key(const char *path, char *out);

/* Whether a value in place satisfies what is wanted. */
bool sysctl_satisfied(const struct sysctl_want *want, int64_t actual);

/* One operation per want that `actual` does not satisfy, in the order of the wants; a want whose
 * path is not in `actual` is -ENOENT. -ENOMEM. */
int sysctl_plan_build(struct arena *arena, const struct sysctl_want *wants, size_t want_count,
		      const struct sysctl_value *actual, size_t actual_count,
		      struct sysctl_plan *out);

/* What to do with a value we set from `former` to `set` and find at `actual`. */
enum sysctl_undo {
	SYSCTL_UNDO_WRITE,   /* as we left it: write `former` */
	SYSCTL_UNDO_DONE,    /* already at `former` */
	SYSCTL_UNDO_CHANGED, /* somebody changed it meanwhile: leave it, say so */
};
enum sysctl_undo sysctl_undo(int64_t former, int64_t set, int64_t actual);

#endif
