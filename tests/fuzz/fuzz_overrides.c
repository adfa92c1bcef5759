/* Any bytes as the file of overrides: they are read or refused; what was read is sound, and written
 * and read again it is the same, the lines that nobody understands included. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/overrides.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(int fine)
{
	if (!fine)
		abort();
}

static void same(const struct overrides *a, const struct overrides *b)
{
	demand(a->count == b->count && a->kept_size == b->kept_size);
	for (size_t i = 0; i < a->count; i++) {
		const struct override *left = &a->rows[i], *right = &b->rows[i];

		demand(left->kind == right->kind && left->until == right->until &&
		       left->since == right->since && left->deadline == right->deadline);
		demand(!strcmp(left->object, right->object) && !strcmp(left->value, right->value));
		demand(!strcmp(left->by, right->by) && !strcmp(left->comment, right->comment));
	}
	demand(!a->kept_size || !memcmp(a->kept, b->kept, a->kept_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct overrides first = {0}, second = {0};
	size_t length;
	char *text;

	if (overrides_parse(&first, (const char *)bytes, size, NULL, NULL)) {
		demand(!first.count && !first.kept_size);
		return 0;
	}
	for (size_t i = 0; i < first.count; i++) {
		demand(!override_wrong(&first.rows[i]));
		demand(overrides_find(&first, first.rows[i].kind, first.rows[i].object) ==
		       &first.rows[i]);
	}
	text = overrides_format(&first, &length);
	demand(text != NULL);
	demand(!overrides_parse(&second, text, length, NULL, NULL));
	same(&first, &second);
	free(text);
	overrides_free(&first);
	overrides_free(&second);
	return 0;
}
