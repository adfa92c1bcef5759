/* `export`: what this director has in the kernel, as far as control has been told, in the words of
 * another program. */
#ifndef LBHA_DAEMON_CONTROL_EXPORT_H
#define LBHA_DAEMON_CONTROL_EXPORT_H

struct mirror;

/* The answer to the client, malloc'ed: {"format","text"}. */
char *export_answer(const struct mirror *mirror, const char *format);

#endif
