/* Sysctls in the kernel: numbers in files below /proc/sys, opened without following links. */
#ifndef LBHA_NET_SYSCTL_IO_H
#define LBHA_NET_SYSCTL_IO_H

#include <stddef.h>
#include <stdint.h>

/* The directory /proc/sys; the descriptor or -errno. It shows the network namespace of whoever
 * reads. */
int sysctl_open(void);

/* Reads a number; `path` is relative ("net/ipv4/conf/all/arp_ignore"), without "..". -errno
 * (-ENOENT: this kernel or link has none; -EINVAL: it is no number). */
int sysctl_read(int dir, const char *path, int64_t *out);
int sysctl_write(int dir, const char *path, int64_t value);
/* 0 if it may be written, as far as opening it tells; nothing is written. -errno. */
int sysctl_writable(int dir, const char *path);

#endif
