/* Bytes written as text: \r \n \t \\ and \xHH stand for one byte each, all others for themselves. So a
 * text without zeros can say any bytes. */
#ifndef LBHA_BASE_ESCAPE_H
#define LBHA_BASE_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/* The bytes that `text` says into `out`, as far as there is room (strlen(text) is always enough), and
 * their number. A backslash that begins none of these stands for itself; escape_fault() finds it. */
size_t escape_decode(const char *text, uint8_t *out, size_t room);

/* The first backslash that begins no escape, or NULL. */
const char *escape_fault(const char *text);

#endif
