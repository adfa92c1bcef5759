/* What `ipvsadm -S` prints (or a script of ipvsadm's commands) as a draft of lbha.conf. Pure. */
#ifndef LBHA_CONVERT_IPVSADM_IMPORT_H
#define LBHA_CONVERT_IPVSADM_IMPORT_H

#include "convert/virtual.h"

/* `text` ends with a zero. What has no equivalent is told through the report, with its line, and stands
 * as a comment at its place. NULL: there was no service, or memory is out (arena_failed()). */
struct draft *ipvsadm_import(struct arena *arena, const char *file, const char *text,
			     const struct import_names *names, const struct import_report *report);

#endif
