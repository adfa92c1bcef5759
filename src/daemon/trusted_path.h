/* Whether a path leads where it is meant to: who could have put something else there? */
#ifndef LBHA_DAEMON_TRUSTED_PATH_H
#define LBHA_DAEMON_TRUSTED_PATH_H

#include <sys/types.h>

struct text;

/* Follows `path` (absolute) from the root, through symbolic links, as execve(2) will. Each folder on the way, and
 * the file, must belong to root or to `user` and be writable by nobody else: neither by others (a sticky bit does
 * not help: new names can be made) nor by a group but root's. 0, or -EPERM, -ENOENT and the like with the reason in
 * `why`. It may wait for a file system: not to be called where that hurts. */
int trusted_program(const char *path, uid_t user, struct text *why);

/* The same of a folder in which we are to write, for ourselves; links on the way must be root's or ours, too. Here a
 * sticky bit helps above the folder itself: what is ours there nobody else can replace. When only the folder is missing
 * it is made (0755). A descriptor, or as above. */
int trusted_folder(const char *path, struct text *why);

#endif
