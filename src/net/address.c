/* The plan for addresses, and a model of what the kernel does with them (see the header).
 *
 * How the plan is made: everything that is desired, owned or actual becomes one entry per (link,
 * prefix) that says in which of the three it is. Entries are grouped by subnet, because within one
 * subnet of one link a removal can take others along. A group "breaks" when the primary that the
 * others hang on is to go and the kernel will not promote: then it is handled as one block (remove,
 * put back, add), after everything else was added. An address that is to be put in anew goes and
 * comes like one that is removed and added, one after the other. */
#include "net/address.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"

struct address address_ours(uint32_t link, const struct prefix *prefix)
{
	return (struct address){
		.link = link,
		.prefix = *prefix,
		.protocol = ADDRESS_PROTOCOL_LBHA,
		.scope = ADDRESS_SCOPE_GLOBAL,
		.flags = prefix->address.family == AF_INET6 ? IFA_F_NODAD : 0,
		.valid = ADDRESS_FOREVER,
		.preferred = ADDRESS_FOREVER,
	};
}

int address_compare_prefixes(const struct prefix *a, const struct prefix *b)
{
	if (a->address.family == AF_INET6)
		return addr_compare(&a->address, &b->address);
	return prefix_compare(a, b);
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->link != b->link)
		return a->link < b->link ? -1 : 1;
	return address_compare_prefixes(&a->prefix, &b->prefix);
}

bool address_same(const struct address *a, const struct address *b)
{
	return !address_compare(a, b);
}

/* The subnet as the kernel sees it: IFA_ADDRESS under the mask; IFA_ADDRESS is the peer's where
 * there is one. */
static struct prefix subnet(const struct address *address)
{
	struct prefix net = {.length = address->prefix.length};
	unsigned bits = net.length;

	net.address = address->peer.family ? address->peer : address->prefix.address;
	for (size_t i = 0; i < sizeof(net.address.bytes); i++) {
		unsigned keep = bits >= 8 ? 8 : bits;

		net.address.bytes[i] &= (uint8_t)(0xff00 >> keep);
		bits -= keep;
	}
	return net;
}

bool address_siblings(const struct address *a, const struct address *b)
{
	struct prefix net_a = subnet(a), net_b = subnet(b);

	return a->link == b->link && a->prefix.address.family == AF_INET &&
	       !prefix_compare(&net_a, &net_b);
}

const struct address *address_find(const struct address_list *list, const struct address *wanted)
{
	for (size_t i = 0; i < list->count; i++)
		if (address_same(&list->items[i], wanted))
			return &list->items[i];
	return NULL;
}

bool address_list_has(const struct address_list *list, const struct addr *address)
{
	for (size_t i = 0; i < list->count; i++)
		if (addr_equal(&list->items[i].prefix.address, address))
			return true;
	return false;
}

bool address_is_dead(const struct address *address)
{
	return address->prefix.address.family == AF_INET6 &&
	       (address->flags & (IFA_F_DADFAILED | IFA_F_TENTATIVE)) &&
	       !(address->flags & IFA_F_OPTIMISTIC);
}

/* Of IPv6 addresses the kernel computes the scope. */
enum address_difference address_difference(const struct address *there,
					   const struct address *wanted)
{
	bool ipv6 = wanted->prefix.address.family == AF_INET6;
	bool flag = (there->flags ^ wanted->flags) & IFA_F_NOPREFIXROUTE;

	if (there->prefix.length != wanted->prefix.length || address_is_dead(there))
		return ADDRESS_ANEW;
	if (!ipv6 && (flag || there->scope != wanted->scope ||
		      (wanted->label[0] && strcmp(there->label, wanted->label) != 0)))
		return ADDRESS_ANEW;
	if (flag || there->valid != wanted->valid || there->preferred != wanted->preferred)
		return ADDRESS_IN_PLACE;
	return ADDRESS_ALIKE;
}

enum address_difference address_change(const struct address *there, const struct address *wanted)
{
	if (there->protocol != ADDRESS_PROTOCOL_LBHA && !address_is_dead(there))
		return ADDRESS_ALIKE;
	return address_difference(there, wanted);
}

const char *address_format(const struct address *address, char *out)
{
	char prefix[PREFIX_TEXT];

	snprintf(out, ADDRESS_TEXT, "%s on link %u", prefix_format(&address->prefix, prefix),
		 address->link);
	return out;
}

/* ---- the plan ---- */

enum entry_where {
	IN_ACTUAL = 1,
	IN_DESIRED = 2,
	IN_OWNED = 4,
};

struct entry {
	const struct address *address; /* the kernel's, else the desired, else the owned one */
	const struct address *wanted;  /* the desired one; NULL: none */
	struct prefix net;
	unsigned where;
	size_t order;
};

struct group {
	const struct entry *entries;
	size_t count;
	bool breaks;
};

static void entries_add(struct entry *entries, size_t *count, const struct address_list *list,
			unsigned where)
{
	for (size_t i = 0; i < list->count; i++, (*count)++)
		entries[*count] = (struct entry){
			.address = &list->items[i],
			.wanted = where == IN_DESIRED ? &list->items[i] : NULL,
			.net = subnet(&list->items[i]),
			.where = where,
			.order = *count,
		};
}

static int entry_compare_identity(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = address_compare(x->address, y->address);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int group_compare(const struct entry *a, const struct entry *b)
{
	if (a->address->link != b->address->link)
		return a->address->link < b->address->link ? -1 : 1;
	return prefix_compare(&a->net, &b->net);
}

static int entry_compare_group(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = group_compare(x, y);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* One entry per address; the first mention (actual before desired before owned) gives attributes
 * and place. */
static size_t entries_merge(struct entry *entries, size_t count)
{
	size_t kept = 0;

	qsort(entries, count, sizeof(*entries), entry_compare_identity);
	for (size_t i = 0; i < count; i++) {
		struct entry *last = kept ? &entries[kept - 1] : NULL;

		if (!last || !address_same(last->address, entries[i].address)) {
			entries[kept++] = entries[i];
			continue;
		}
		last->where |= entries[i].where;
		last->wanted = last->wanted ? last->wanted : entries[i].wanted;
	}
	qsort(entries, kept, sizeof(*entries), entry_compare_group);
	return kept;
}

static bool is_removed(const struct entry *entry)
{
	return entry->where == (IN_ACTUAL | IN_OWNED);
}

/* Wanted and there: what is to be done about its attributes. */
static enum address_difference change_of(const struct entry *entry)
{
	if (!(entry->where & IN_ACTUAL) || !entry->wanted)
		return ADDRESS_ALIKE;
	return address_change(entry->address, entry->wanted);
}

static bool goes(const struct entry *entry)
{
	return is_removed(entry) || change_of(entry) == ADDRESS_ANEW;
}

static bool is_added(const struct entry *entry)
{
	return (entry->where & IN_DESIRED) && !(entry->where & IN_ACTUAL);
}

/* Others depend on it: only an IPv4 address that is not itself secondary. */
static bool is_primary(const struct entry *entry)
{
	return entry->address->prefix.address.family == AF_INET &&
	       !(entry->address->flags & IFA_F_SECONDARY);
}

static bool link_promotes(uint32_t link, const uint32_t *promoting, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (promoting[i] == link)
			return true;
	return false;
}

static struct group group_at(const struct entry *entries, size_t count, const uint32_t *promoting,
			     size_t promoting_count)
{
	struct group group = {.entries = entries};
	bool primary_goes = false;

	while (group.count < count && !group_compare(entries, &entries[group.count])) {
		const struct entry *entry = &entries[group.count++];

		primary_goes |= goes(entry) && is_primary(entry);
	}
	group.breaks =
		primary_goes && !link_promotes(entries->address->link, promoting, promoting_count);
	return group;
}

static void emit(struct address_plan *plan, enum address_action action,
		 const struct address *address)
{
	plan->ops[plan->count++] = (struct address_op){.action = action, .address = *address};
}

static void emit_make(struct address_plan *plan, const struct group *group)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct entry *entry = &group->entries[i];
		enum address_difference change = change_of(entry);

		if (change != ADDRESS_ANEW && entry->where == (IN_DESIRED | IN_ACTUAL))
			emit(plan, ADDRESS_ADOPT, entry->address);
		if (change == ADDRESS_IN_PLACE && !group->breaks)
			emit(plan, ADDRESS_CHANGE, entry->wanted);
		if (is_added(entry) && !group->breaks)
			emit(plan, ADDRESS_ADD, entry->wanted);
	}
}

static void emit_removals(struct address_plan *plan, const struct group *group, bool primaries)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct entry *entry = &group->entries[i];

		if (!goes(entry) || is_primary(entry) != primaries)
			continue;
		emit(plan, is_removed(entry) ? ADDRESS_REMOVE : ADDRESS_LIFT, entry->address);
		if (!is_removed(entry) && !group->breaks)
			emit(plan, ADDRESS_ADD, entry->wanted);
	}
}

static void emit_break(struct address_plan *plan, const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->entries[i].where == IN_OWNED)
			emit(plan, ADDRESS_FORGET, group->entries[i].address);
	emit_removals(plan, group, false);
	emit_removals(plan, group, true);
	if (!group->breaks)
		return;
	for (size_t i = 0; i < group->count; i++) {
		const struct entry *entry = &group->entries[i];

		if ((entry->where & IN_ACTUAL) && !goes(entry))
			emit(plan, ADDRESS_RESTORE,
			     change_of(entry) == ADDRESS_IN_PLACE ? entry->wanted : entry->address);
	}
	for (size_t i = 0; i < group->count; i++)
		if (is_added(&group->entries[i]) || change_of(&group->entries[i]) == ADDRESS_ANEW)
			emit(plan, ADDRESS_ADD, group->entries[i].wanted);
}

int address_plan_build(struct arena *arena, const struct address_list *desired,
		       const struct address_list *owned, const struct address_list *actual,
		       const uint32_t *promoting, size_t promoting_count, struct address_plan *out)
{
	size_t room = desired->count + owned->count + actual->count, count = 0;
	struct entry *entries = arena_array(arena, room + 1, sizeof(*entries));
	/* an entry gives one operation, or goes and comes, or is changed or restored after it was
	 * adopted: two at most */
	struct address_plan plan = {.ops = arena_array(arena, 2 * room + 1, sizeof(*plan.ops))};

	if (!entries || !plan.ops)
		return -ENOMEM;
	entries_add(entries, &count, actual, IN_ACTUAL);
	entries_add(entries, &count, desired, IN_DESIRED);
	entries_add(entries, &count, owned, IN_OWNED);
	count = entries_merge(entries, count);
	for (int make = 1; make >= 0; make--)
		for (size_t i = 0; i < count;) {
			struct group group =
				group_at(entries + i, count - i, promoting, promoting_count);

			if (make)
				emit_make(&plan, &group);
			else
				emit_break(&plan, &group);
			i += group.count;
		}
	*out = plan;
	return 0;
}

/* ---- the model of the kernel ---- */

/* Where a new primary goes: behind the last primary of the link whose scope is not narrower
 * (last_primary there). */
static size_t primary_place(const struct address_list *list, const struct address *address)
{
	size_t place = 0;

	while (place < list->count && list->items[place].link != address->link)
		place++;
	for (size_t i = place; i < list->count; i++)
		if (list->items[i].link == address->link &&
		    !(list->items[i].flags & IFA_F_SECONDARY) &&
		    address->scope <= list->items[i].scope)
			place = i + 1;
	return place;
}

static void list_insert(struct address_list *list, size_t place, const struct address *address)
{
	memmove(&list->items[place + 1], &list->items[place],
		(list->count - 1 - place) * sizeof(*list->items));
	list->items[place] = *address;
}

int address_list_add(struct arena *arena, struct address_list *list, const struct address *address)
{
	struct address added = *address;
	bool ipv4 = address->prefix.address.family == AF_INET;
	size_t place;

	if (ipv4)
		added.flags &= ~(uint32_t)IFA_F_SECONDARY;
	if (address_find(list, address))
		return -EEXIST;
	for (size_t i = 0; i < list->count; i++) {
		if (!address_siblings(&list->items[i], address))
			continue;
		if (list->items[i].scope != address->scope)
			return -EINVAL;
		added.flags |= IFA_F_SECONDARY;
	}
	place = !ipv4 || (added.flags & IFA_F_SECONDARY) ? list->count
							 : primary_place(list, &added);
	if (!arena_push(arena, &list->items, &list->count, sizeof(*list->items)))
		return -ENOMEM;
	list_insert(list, place, &added);
	return 0;
}

int address_list_change(struct address_list *list, const struct address *address)
{
	struct address *there = (struct address *)(uintptr_t)address_find(list, address);

	if (!there)
		return -EADDRNOTAVAIL;
	there->valid = address->valid;
	there->preferred = address->preferred;
	if (address->prefix.address.family == AF_INET6)
		there->flags = (there->flags & ~(uint32_t)IFA_F_NOPREFIXROUTE) |
			       (address->flags & IFA_F_NOPREFIXROUTE);
	return 0;
}

static void list_delete(struct address_list *list, size_t at)
{
	list->count--;
	memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(*list->items));
}

/* The first secondary left becomes the primary and moves among the primaries. */
static void list_promote(struct address_list *list, size_t at)
{
	struct address promoted = list->items[at];

	promoted.flags &= ~(uint32_t)IFA_F_SECONDARY;
	list_delete(list, at);
	at = primary_place(list, &promoted);
	list->count++;
	list_insert(list, at, &promoted);
}

int address_list_remove(struct address_list *list, const struct address *address, bool promotes)
{
	const struct address *found = address_find(list, address);
	struct address removed;

	if (!found)
		return -EADDRNOTAVAIL;
	removed = *found;
	list_delete(list, (size_t)(found - list->items));
	if (removed.prefix.address.family != AF_INET || (removed.flags & IFA_F_SECONDARY))
		return 0;
	for (size_t i = 0; i < list->count;) {
		if (!address_siblings(&list->items[i], &removed)) {
			i++;
		} else if (promotes) {
			list_promote(list, i);
			return 0;
		} else {
			list_delete(list, i);
		}
	}
	return 0;
}
