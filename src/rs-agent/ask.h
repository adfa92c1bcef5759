/* Asking a segment who has an address, as bytes: an ARP request (RFC 826) or a neighbour
 * solicitation (RFC 4861 section 4.3), and what is answered. Pure.
 *
 * The sender is our own address there, so nobody learns anything wrong by it. */
#ifndef LBHA_RS_AGENT_ASK_H
#define LBHA_RS_AGENT_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "rs-agent/doctor.h"

#define ASK_ARP_SIZE 42
#define ASK_NS_SIZE 86 /* Ethernet, IPv6, neighbour solicitation with one option */
#define ASK_MAX ASK_NS_SIZE

/* The frame of a question; `mac` is ours on its link, `out` has ASK_MAX bytes. Returns its size; 0
 * when source and target are of no or different families. */
size_t ask_frame(uint8_t *out, const uint8_t mac[LINK_MAC], const struct doctor_question *question);

/* Reads a frame that came in: address and MAC address of an ARP reply or of a neighbour
 * advertisement; `link` stays as it is. -EINVAL: it is neither. */
int ask_read(const uint8_t *frame, size_t size, struct doctor_answer *out);

#endif
