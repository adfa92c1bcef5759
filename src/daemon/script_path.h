/* Whether a program may be run as a user: who could have replaced it? */
#ifndef LBHA_DAEMON_SCRIPT_PATH_H
#define LBHA_DAEMON_SCRIPT_PATH_H

#include <sys/types.h>

struct text;

/* Follows `path` (absolute) from the root, through symbolic links, as execve(2) will. Each folder on the way, and
 * the file, must belong to root or to `user` and be writable by nobody else: neither by others (a sticky bit does
 * not help: new names can be made) nor by a group but root's. 0, or -EPERM, -ENOENT and the like with the reason in
 * `why`. It may wait for a file system: not to be called where that hurts. */
int script_path_judge(const char *path, uid_t user, struct text *why);

#endif
