/* See the header. */
#include "config/notify.h"

#include <string.h>

#include "base/text.h"
#include "config/model.h"

/* With its zero: ["a", "bc"] is not ["ab", "c"]. */
static uint64_t add(uint64_t hash, const char *text)
{
	return text_hash(hash, text, strlen(text) + 1);
}

uint64_t notify_key(const struct notify *notify)
{
	uint64_t hash = add(TEXT_HASH, notify->user ? notify->user : "");

	for (size_t i = 0; i < notify->script_count; i++)
		hash = add(hash, notify->script[i]);
	return hash ? hash : 1;
}

const struct notify *notify_find(const struct model *model, uint64_t key)
{
	for (size_t i = 0; model && i < model->notifies_count; i++)
		if (notify_key(&model->notifies[i]) == key)
			return &model->notifies[i];
	return NULL;
}
