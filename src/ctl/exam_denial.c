/* Lines of the kernel's or auditd's log that say what SELinux or AppArmor denied lbha. What was denied
 * to an lbhad that has ended since may have been mended since, and what a permissive domain was let do
 * has hindered nobody. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "ctl/exam.h"

#define DENIALS 8

static const char *program_in(struct arena *arena, const char *line)
{
	const char *at = strstr(line, "comm=\"lbha");

	if (!at)
		return NULL;
	at += strlen("comm=\"");
	return arena_text(arena, at, strcspn(at, "\""));
}

/* "audit(1700000000.123:45)": seconds since 1970. -1: it has none. */
static int64_t time_of(const char *line)
{
	const char *at = strstr(line, "audit(");

	return at ? strtoll(at + strlen("audit("), NULL, 10) : -1;
}

void exam_read_denial(struct arena *arena, const char *line, struct exam_sight *sight)
{
	bool apparmor = strstr(line, "apparmor=\"DENIED\""),
	     selinux = strstr(line, "avc:") && strstr(line, "denied") && !strstr(line, "permissive=1");
	const char *program = apparmor || selinux ? program_in(arena, line) : NULL;
	struct exam_denial *room;
	char *text;

	if (!program || sight->denial_count >= DENIALS || time_of(line) < sight->denials_since)
		return;
	text = arena_text(arena, line, strcspn(line, "\n"));
	room = text ? arena_push(arena, &sight->denials, &sight->denial_count, sizeof(*room)) : NULL;
	if (!room)
		return;
	text_clean(text);
	*room = (struct exam_denial){program, text, selinux};
}
