/* Files of our own in folders of our own: what else may lie there under their names? */
#ifndef LBHA_NET_FILE_IO_H
#define LBHA_NET_FILE_IO_H

/* Why this descriptor is not that of a file which only we (or root) could have made and can write; NULL: it is. */
const char *file_fault(int fd);

/* Opens one for reading and writing, or makes it (0600); links are not followed, and nothing waits for the other end of a
 * pipe. -errno; -EPERM, -ELOOP and the like with *why, which otherwise is strerror(3)'s. */
int file_open(int dir, const char *name, int flags, const char **why);

#endif
