/* Connecting, for all types that speak over TCP or UDP: one non-blocking connection with the check's
 * source address and interface, and an exact errno when it fails. No name is resolved, nothing
 * waits. */
#ifndef LBHA_CHECK_DIAL_IO_H
#define LBHA_CHECK_DIAL_IO_H

#include <stdbool.h>
#include <stdint.h>

struct flight;

/* Connects flight->fd to the flight's target and calls `connected`, from the loop or at once; ends
 * the flight when the connection cannot be made. When `connected` is called flight->connected is
 * set and flight->io is free. */
void dial_start(struct flight *flight, void (*connected)(struct flight *flight));

/* The same for datagrams: flight->fd is a socket that hears its target alone. False: the flight has ended. */
bool dial_datagram(struct flight *flight);

/* Bytes that the connection has received so far, read or not (TCP_INFO); 0 when unknown. One too many
 * after an end of the server's side and a reset behind it. */
uint32_t dial_received(int fd);

#endif
