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

int notify_search_init(struct notify_search *search, struct arena *arena, const struct model *model)
{
	int err;

	*search = (struct notify_search){.model = model};
	err = table_init(&search->index, arena, model->notifies_count);
	for (size_t i = 0; i < model->notifies_count && !err; i++)
		err = table_add(&search->index, notify_key(&model->notifies[i]), (uint32_t)i);
	return err;
}

int notify_search_add(struct notify_search *search)
{
	size_t last = search->model->notifies_count - 1;

	return table_add(&search->index, notify_key(&search->model->notifies[last]), (uint32_t)last);
}

const struct notify *notify_search(const struct notify_search *search, uint64_t key)
{
	size_t step = 0;
	uint32_t at;

	return table_next(&search->index, key, &step, &at) ? &search->model->notifies[at] : NULL;
}
