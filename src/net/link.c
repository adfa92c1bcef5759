/* Links as values: what "usable" means and which names the kernel takes (dev_valid_name in
 * net/core/dev.c). */
#include "net/link.h"

#include <string.h>

#include "base/text.h"

bool link_usable(const struct link *link)
{
	return link->up && link->running;
}

bool link_equal(const struct link *a, const struct link *b)
{
	return a->index == b->index && !strcmp(a->name, b->name) && a->up == b->up &&
	       a->running == b->running && a->loopback == b->loopback && a->arp == b->arp &&
	       !memcmp(a->mac, b->mac, LINK_MAC) && a->mtu == b->mtu &&
	       a->parent == b->parent && a->macvlan == b->macvlan && a->alias == b->alias;
}

uint64_t link_alias_print(const char *alias)
{
	return text_hash(TEXT_HASH, alias, strlen(alias)) | 1;
}

bool link_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= LINK_NAME || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	return strcspn(name, "/: \t\n\v\f\r") == length;
}
