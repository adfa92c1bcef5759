/* See the header. */
#include "ctl/causes.h"

#include <string.h>

#include "ctl/paper.h"

size_t causes_count(const json_t *cause)
{
	size_t size = json_array_size(cause);

	return size ? size - 1 : 0;
}

const char *causes_effect(const json_t *cause)
{
	size_t size = json_array_size(cause);

	return size ? json_text(json_array_get(cause, size - 1), "reason") : "";
}

bool causes_is_root(const json_t *cause, size_t at)
{
	const json_t *link;
	size_t i;

	json_array_foreach (cause, i, link) {
		const json_t *leads = json_object_get(link, "leads_to");

		if (json_is_integer(leads) && json_integer_value(leads) == (json_int_t)at)
			return false;
	}
	return true;
}

/* A server stands with its service before it: which one is told by what it leads to. */
void causes_add_name(struct text *out, const json_t *link)
{
	const char *kind = json_text(link, "kind"), *object = json_text(link, "object");
	const char *slash = strchr(object, '/');

	if (!strcmp(kind, "server") && slash && slash[1])
		text_add(out, "%s", slash + 1);
	else if (!strcmp(kind, "interface") || !strcmp(kind, "check"))
		text_add(out, "%s %s", kind, object);
	else if (!strcmp(kind, "worker"))
		text_add(out, "the %s worker", object);
	else
		text_add(out, "%s", object);
}

static void add_link(struct text *out, const json_t *link, const struct paper *paper)
{
	const json_t *since = json_object_get(link, "since");
	const char *reason = json_text(link, "reason");
	char ago[PAPER_TEXT];

	causes_add_name(out, link);
	text_add(out, " %s", json_text(link, "state"));
	if (paper && json_is_string(since))
		text_add(out, " for %s", paper_ago(paper, since, ago));
	if (*reason)
		text_add(out, ": %s", reason);
}

void causes_add(struct text *out, const json_t *cause, const struct paper *paper)
{
	size_t count = causes_count(cause);

	for (size_t i = 0; i < count; i++) {
		const json_t *link = json_array_get(cause, i), *leads;

		add_link(out, link, paper);
		leads = json_object_get(link, "leads_to");
		if (i + 1 < count)
			text_add(out, "%s",
				 json_integer_value(leads) == (json_int_t)i + 1 ? " → " : "; ");
	}
}
