/* One packet on a SOCK_SEQPACKET socket, with at most one descriptor beside it. */
#ifndef LBHA_CORE_PACKET_H
#define LBHA_CORE_PACKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PACKET_MAX 32768
#define PACKET_VERSION 1
#define PACKET_HEAD 6 /* version (16 bits), generation (32) */

/* A connected pair, both ends CLOEXEC and non-blocking. -errno. */
int packet_pair(int fds[2]);

/* Sends without blocking; `fd` (-1: none) goes along. 0, -EAGAIN, or another negative errno. */
int packet_send(int socket, const void *bytes, size_t size, int fd);

/* Receives without blocking: the packet's size, 0 at the end of the connection, or a negative errno (-EAGAIN;
 * -EMSGSIZE when it was cut). *fd becomes the descriptor that came along (CLOEXEC), or -1. */
ssize_t packet_receive(int socket, void *bytes, size_t size, int *fd);

#endif
