/* What this machine itself has to say: judging the content of a file and the names of processes. */
#ifndef LBHA_CHECK_LOCAL_H
#define LBHA_CHECK_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#define LOCAL_FILE_HEAD 512 /* bytes of a file that are looked at */
#define LOCAL_COMM 16      /* the kernel's name of a process: 15 bytes and the zero */

/* Whether a file that begins with these bytes says that what it stands for is down: its first word is
 * `down` (in any case) or a number that is 0. An empty file and all other words say nothing. */
bool local_file_says_down(const char *bytes, size_t size);

/* Takes the name and the state apart in a line of /proc/PID/stat ("42 (name) S …"; a name may hold
 * anything, parentheses too). True when the process lives, that is, is neither a zombie nor dead. */
bool local_stat_parse(const char *line, size_t size, char name[LOCAL_COMM]);

/* Whether a process of that kernel's name is the one that a check names, which may be longer. */
bool local_name_matches(const char *wanted, const char *name);

#endif
