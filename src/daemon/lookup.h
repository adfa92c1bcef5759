/* Users and groups by name or number, for a loop that must not stand still: who has them may be a directory elsewhere (NSS),
 * which is slow or dead. So a new process asks, and is killed when it has no answer in time. */
#ifndef LBHA_DAEMON_LOOKUP_H
#define LBHA_DAEMON_LOOKUP_H

#include <stdint.h>
#include <sys/types.h>

#include "core/loop.h"

#define LOOKUP_USER 64 /* bytes of a name, longer ones are cut */

struct lookup_user {
	uid_t uid;
	gid_t gid;
	char name[LOOKUP_USER];
};

/* 0; -ENOENT: there is none; -ETIMEDOUT: nobody said so within `patience`; or what kept us from asking. */
int lookup_user(const char *name, nstime patience, struct lookup_user *out);
int lookup_user_number(uid_t uid, nstime patience, struct lookup_user *out);
int lookup_group(const char *name, nstime patience, gid_t *out);

#endif
