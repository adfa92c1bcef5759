/* What an import says beside its draft: everything of the other program's file that lbha has not, or
 * not so. */
#ifndef LBHA_CONVERT_IMPORT_H
#define LBHA_CONVERT_IMPORT_H

#include <stddef.h>
#include <stdint.h>

enum import_severity {
	IMPORT_NOTE,    /* nothing is lost: not needed, or done in another way */
	IMPORT_WARNING, /* look at it: lbha does not do that, or not in this way */
};

struct import_report {
	void (*say)(void *ctx, enum import_severity severity, const char *file, uint32_t line,
		    const char *text);
	void *ctx;
};

#endif
