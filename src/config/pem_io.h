/* Files in PEM form, looked into while lbha.conf is read: so that a wrong one is an error with a line, and not
 * a check that fails. libcrypto is opened (dlopen) when the first one comes: linked, it would cost each worker
 * 400 kB and a millisecond. */
#ifndef LBHA_CONFIG_PEM_IO_H
#define LBHA_CONFIG_PEM_IO_H

#include <stdint.h>

#include "config/compile.h"

/* config_files.look. A CA file has one certificate or more, a certificate's file its own first; a key has no
 * passphrase and belongs to that first certificate. A certificate that has expired is a warning. */
int pem_look(void *ctx, enum config_file kind, const char *text, const char *certificate,
	     char *why);

/* How many days the first certificate of a text is still valid; of a CA file the one that is valid longest
 * (of a bundle some have always expired). Negative: it has expired. A negative errno: there is none, or nobody
 * can look. */
int pem_days_left(enum config_file kind, const char *text, int64_t *days);

#endif
