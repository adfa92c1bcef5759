/* A connected datagram socket per probe, for all types that speak over UDP: its port is new, so what
 * comes late for an earlier probe never gets here, and the kernel drops what others send. ICMP errors
 * about what was sent end the flight with the router's words. */
#ifndef LBHA_CHECK_DATAGRAM_IO_H
#define LBHA_CHECK_DATAGRAM_IO_H

#include <stdbool.h>
#include <stddef.h>

#define DATAGRAM_MOST 65536

struct flight;

/* Opens flight->fd and has `readable` called whenever something came. False: the flight has ended. */
bool datagram_open(struct flight *flight, void (*readable)(void *flight));

/* False: this machine cannot send it, and the flight has ended. */
bool datagram_send(struct flight *flight, const void *bytes, size_t size);
/* Once more what was sent before: an error means nothing. */
void datagram_send_again(struct flight *flight, const void *bytes, size_t size);

/* The next datagram, of *size bytes, into `bytes` (DATAGRAM_MOST). False: there is none, or the flight
 * has ended, since the target cannot be reached. */
bool datagram_next(struct flight *flight, void *bytes, size_t *size);

#endif
