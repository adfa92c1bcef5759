/* The reference of lbha.conf(5), made from the tables: every key with its sentence, type, range and default, as
 * mdoc(7) text. It stands in doc/lbha.conf.5 between two marks; tests/docs/check-reference holds it there. */
#ifndef LBHA_CONFIG_REFERENCE_H
#define LBHA_CONFIG_REFERENCE_H

typedef void reference_out(void *ctx, const char *text);

/* Gives the text, piece by piece, lines with their ends. */
void reference(reference_out *out, void *ctx);

#endif
