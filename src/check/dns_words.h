/* A message of DNS in words, for who looks on: "www.example.org A? recursion desired", "noerror, 1 answer:
 * www.example.org A 192.0.2.80". Foreign bytes: what cannot be read is said to be so. */
#ifndef LBHA_CHECK_DNS_WORDS_H
#define LBHA_CHECK_DNS_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Returns out. */
const char *dns_words(const uint8_t *bytes, size_t size, char *out, size_t room);

#endif
