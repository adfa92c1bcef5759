/* JSON as it came from lbhad, shown without being taken apart: what a large site says of its servers is some
 * million values, of which only the text is wanted. */
#ifndef LBHA_CTL_VERBATIM_H
#define LBHA_CTL_VERBATIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints one compact JSON value as json_dumpf() would with JSON_INDENT(2). False: it is none, or `out` has failed;
 * something may have been printed then. */
bool verbatim_print(const char *json, size_t size, FILE *out);

/* A copy of one compact JSON value in which all arrays under this key (as it is written) are empty, malloc'ed and
 * zero-terminated; NULL: no memory, or it is no JSON. */
char *verbatim_without(const char *json, size_t size, const char *key);

#endif
