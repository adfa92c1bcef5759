/* type smtp: greeting, EHLO (HELO where that is not known), and QUIT, which is not waited for (RFC 5321). With
 * `starttls` the server must offer STARTTLS and say the same inside TLS (RFC 3207). */
#ifndef LBHA_CHECK_SMTP_H
#define LBHA_CHECK_SMTP_H

#include <stddef.h>
#include <stdint.h>

struct dialogue;

extern const struct dialogue smtp_dialogue;

/* One line of a reply; what it points to lies in the bytes. */
struct smtp_line {
	unsigned code;     /* 200..599 */
	int is_last;       /* of its reply */
	const char *text;  /* behind the code, without the line's end */
	size_t length;
};

/* The first line: 1 when there is one, and *taken bytes of it; 0 when it is not complete; -EBADMSG when it is no
 * line of a reply. */
int smtp_line_read(const uint8_t *bytes, size_t size, struct smtp_line *line, size_t *taken);

#endif
