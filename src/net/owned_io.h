/* The owned file on disk. One writer appends through one descriptor; several processes may do so to
 * one file. */
#ifndef LBHA_NET_OWNED_IO_H
#define LBHA_NET_OWNED_IO_H

#include <stddef.h>

#include "net/owned.h"

struct arena;

/* Opens (creates, mode 0600) a file for reading and appending: O_APPEND, O_CLOEXEC, O_NOFOLLOW. The
 * descriptor, or -errno. `dir` is a directory's descriptor or AT_FDCWD. */
int owned_open(int dir, const char *name);

/* Appends records in one write. It has reached the kernel when this returns (that survives a crash
 * of ours, not of the machine: then the kernel's state is gone too). -errno. Does not allocate for
 * up to OWNED_BATCH records. */
#define OWNED_BATCH 256
int owned_append(int fd, const struct owned *records, size_t count);

/* Reads the whole file through the descriptor (its offset is not used). -errno. */
int owned_read(int fd, struct arena *arena, struct owned_set *out);

/* Replaces the file by one that holds just `set` (written beside it and renamed): for the
 * supervisor, before anybody has the old one open. -errno. */
int owned_rewrite(int dir, const char *name, const struct owned_set *set);

#endif
