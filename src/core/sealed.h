/* Memory as a file that nobody can change any more: how configurations and carries go from one process to another. */
#ifndef LBHA_CORE_SEALED_H
#define LBHA_CORE_SEALED_H

#include <stddef.h>
#include <sys/uio.h>

/* Such a file of some bytes, one part behind the other (CLOEXEC); -errno. */
int sealed_make(const char *name, const struct iovec *parts, size_t count);
/* Maps one for reading (munmap with *size); NULL: it is not sealed, or empty. `fd` stays the caller's. */
const void *sealed_map(int fd, size_t *size);

#endif
