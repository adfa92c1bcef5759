/* See the header. A root is known again by what it is about: a server by its address, whatever service it is in. */
#include "ctl/problem_roots.h"

#include <stdio.h>
#include <string.h>

#include "ctl/causes.h"
#include "ctl/paper.h"

#define KEY 512

struct problem_roots problem_roots_new(void)
{
	return (struct problem_roots){.rows = json_object()};
}

void problem_roots_free(struct problem_roots *roots)
{
	json_decref(roots->rows);
	roots->rows = NULL;
}

/* What an operator did to an instance is told among the overrides; an instance is the root of its group at most. */
static bool stands_alone(const json_t *link)
{
	static const char *const kinds[] = {"server", "check", "interface", "worker"};
	const char *kind = json_text(link, "kind");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i], kind))
			return true;
	return false;
}

static void key_of(const json_t *link, char *out)
{
	const char *address = json_text(link, "address");

	snprintf(out, KEY, "%s %s %s", json_text(link, "kind"), json_text(link, "state"),
		 *address ? address : json_text(link, "object"));
}

static void file(struct problem_roots *roots, const json_t *link, json_t *effect)
{
	json_t *row, *effects;
	char key[KEY];

	key_of(link, key);
	row = json_object_get(roots->rows, key);
	if (!row) {
		row = json_pack("{s:O, s:[]}", "link", link, "effects");
		if (!row || json_object_set_new(roots->rows, key, row))
			return;
	}
	effects = json_object_get(row, "effects");
	/* two servers of one address in one service are one root of it */
	if (json_array_get(effects, json_array_size(effects) - 1) != effect)
		json_array_append(effects, effect);
}

bool problem_roots_add(struct problem_roots *roots, const json_t *object)
{
	const json_t *cause = json_object_get(object, "cause");
	size_t count = causes_count(cause);
	json_t *effect = json_array_get(cause, count);
	bool filed = false;

	for (size_t i = 0; i < count; i++) {
		const json_t *link = json_array_get(cause, i);

		if (!causes_is_root(cause, i) || !stands_alone(link))
			continue;
		file(roots, link, effect);
		filed = true;
	}
	return filed;
}
