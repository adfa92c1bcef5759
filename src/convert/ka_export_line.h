/* Between ka_export.c and ka_export_service.c: lines of keepalived.conf. */
#ifndef LBHA_CONVERT_KA_EXPORT_LINE_H
#define LBHA_CONVERT_KA_EXPORT_LINE_H

#include "base/cleanup.h"
#include "base/nstime.h"
#include "config/model.h"

struct ka_out {
	const struct model *model;
	void (*line)(void *ctx, const char *text);
	void *ctx;
	unsigned depth;
};

void ka_line(struct ka_out *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* A keyword with what keepalived cannot do about it. */
void ka_warn(struct ka_out *out, const char *format, ...) PRINTF_LIKE(2, 3);
void ka_open(struct ka_out *out, const char *format, ...) PRINTF_LIKE(2, 3);
void ka_close(struct ka_out *out);
/* "keyword 1.5", a time in seconds. */
void ka_seconds(struct ka_out *out, const char *keyword, nstime time);
/* Words of a command as one quoted text of at most `size` bytes; false: it cannot be written so. */
bool ka_quote_command(const struct check *check, char *text, size_t size);

void ka_export_service(struct ka_out *out, const struct service *service);

#endif
