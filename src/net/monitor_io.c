/* Two halves. The thread (monitor_thread_io.c) hears the kernel and passes its messages on through
 * a socket pair, with marks around each dump. This half, in the loop, keeps the mirror: nodes
 * sorted by identity, so that an event costs a binary search, and the kernel's order of a link's
 * addresses computed when somebody asks for it.
 *
 * A dump is folded in by mark and sweep: BEGIN unmarks all, every message marks its object, END
 * removes what stayed unmarked. So a resynchronisation reports differences only. */
#include "net/monitor_io.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "net/monitor_thread_io.h"
#include "net/rtnl_message_io.h"

#define PACKETS_PER_TURN 32

struct link_node {
	struct link link;
	bool seen;
};

struct address_node {
	struct address address;
	uint64_t rank; /* age among its equals in the kernel's list */
	bool seen;
};

struct monitor {
	const struct monitor_ops *ops;
	void *ctx;
	struct loop_io io;
	struct monitor_thread *thread;
	int fd;
	struct link_node **links; /* by index */
	size_t link_count, link_room;
	struct address_node **addresses; /* by address_compare */
	size_t address_count, address_room;
	uint64_t next_rank, dumps;
	/* the last answer of monitor_addresses, made anew when stale or when asked of another link */
	struct address_node **ordered;
	struct address *listed;
	size_t listed_count, listed_room;
	uint32_t listed_link;
	bool listed_valid;
	_Alignas(struct nlmsghdr) uint8_t packet[MONITOR_PACKET];
};

/* ---- sorted arrays of nodes ---- */

/* Room for one more pointer in an array of `count`; grows by doubling. */
static bool room_for_one(void *array, size_t count, size_t *room)
{
	void **nodes = array, *grown;
	size_t wanted = *room ? *room * 2 : 64;

	if (count < *room)
		return true;
	grown = realloc(*nodes, wanted * sizeof(void *));
	if (!grown)
		return false;
	*nodes = grown;
	*room = wanted;
	return true;
}

static size_t link_place(const struct monitor *monitor, uint32_t index)
{
	size_t low = 0, high = monitor->link_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (monitor->links[middle]->link.index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct link_node *link_node(const struct monitor *monitor, uint32_t index)
{
	size_t place = link_place(monitor, index);

	if (place < monitor->link_count && monitor->links[place]->link.index == index)
		return monitor->links[place];
	return NULL;
}

static size_t address_place(const struct monitor *monitor, const struct address *address)
{
	size_t low = 0, high = monitor->address_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (address_compare(&monitor->addresses[middle]->address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct address_node *address_node(const struct monitor *monitor,
					 const struct address *address)
{
	size_t place = address_place(monitor, address);

	if (place < monitor->address_count &&
	    address_same(&monitor->addresses[place]->address, address))
		return monitor->addresses[place];
	return NULL;
}

/* ---- changes of the mirror ---- */

static bool address_equal(const struct address *a, const struct address *b)
{
	return address_same(a, b) && addr_equal(&a->peer, &b->peer) &&
	       addr_equal(&a->broadcast, &b->broadcast) && a->protocol == b->protocol &&
	       a->scope == b->scope && a->flags == b->flags && a->valid == b->valid &&
	       a->preferred == b->preferred && !strcmp(a->label, b->label);
}

static void address_drop(struct monitor *monitor, size_t place)
{
	struct address_node *node = monitor->addresses[place];

	monitor->address_count--;
	memmove(&monitor->addresses[place], &monitor->addresses[place + 1],
		(monitor->address_count - place) * sizeof(*monitor->addresses));
	monitor->listed_valid = false;
	if (monitor->ops->address_removed)
		monitor->ops->address_removed(monitor->ctx, &node->address);
	free(node);
}

static int address_insert(struct monitor *monitor, const struct address *address)
{
	size_t place = address_place(monitor, address);
	struct address_node *node = calloc(1, sizeof(*node));

	if (!node ||
	    !room_for_one(&monitor->addresses, monitor->address_count, &monitor->address_room)) {
		free(node);
		return -ENOMEM;
	}
	*node = (struct address_node){
		.address = *address, .rank = monitor->next_rank++, .seen = true};
	memmove(&monitor->addresses[place + 1], &monitor->addresses[place],
		(monitor->address_count - place) * sizeof(*monitor->addresses));
	monitor->addresses[place] = node;
	monitor->address_count++;
	return 0;
}

/* An address as told now. One that was promoted to primary goes behind the other primaries. */
static int address_put(struct monitor *monitor, const struct address *address, bool dumped)
{
	struct address_node *node = address_node(monitor, address);
	int err = 0;

	if (node) {
		bool equal = address_equal(&node->address, address);

		node->seen = true;
		if (dumped || ((node->address.flags ^ address->flags) & IFA_F_SECONDARY))
			node->rank = monitor->next_rank++;
		node->address = *address;
		monitor->listed_valid = monitor->listed_valid && equal && !dumped;
		if (equal)
			return 0;
	} else {
		monitor->listed_valid = false;
		err = address_insert(monitor, address);
	}
	if (!err && monitor->ops->address)
		monitor->ops->address(monitor->ctx, address);
	return err;
}

static void addresses_drop_of(struct monitor *monitor, uint32_t link)
{
	for (size_t i = monitor->address_count; i-- > 0;)
		if (monitor->addresses[i]->address.link == link)
			address_drop(monitor, i);
}

static void link_drop(struct monitor *monitor, size_t place)
{
	struct link_node *node = monitor->links[place];

	addresses_drop_of(monitor, node->link.index);
	monitor->link_count--;
	memmove(&monitor->links[place], &monitor->links[place + 1],
		(monitor->link_count - place) * sizeof(*monitor->links));
	if (monitor->ops->link_removed)
		monitor->ops->link_removed(monitor->ctx, &node->link);
	free(node);
}

static int link_put(struct monitor *monitor, const struct link *link)
{
	struct link_node *node = link_node(monitor, link->index);
	size_t place = link_place(monitor, link->index);

	if (node) {
		bool equal = link_equal(&node->link, link);

		node->seen = true;
		node->link = *link;
		if (equal)
			return 0;
	} else {
		node = calloc(1, sizeof(*node));
		if (!node ||
		    !room_for_one(&monitor->links, monitor->link_count, &monitor->link_room)) {
			free(node);
			return -ENOMEM;
		}
		*node = (struct link_node){.link = *link, .seen = true};
		memmove(&monitor->links[place + 1], &monitor->links[place],
			(monitor->link_count - place) * sizeof(*monitor->links));
		monitor->links[place] = node;
		monitor->link_count++;
	}
	if (monitor->ops->link)
		monitor->ops->link(monitor->ctx, link);
	return 0;
}

static void unmark_all(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->link_count; i++)
		monitor->links[i]->seen = false;
	for (size_t i = 0; i < monitor->address_count; i++)
		monitor->addresses[i]->seen = false;
}

static void sweep(struct monitor *monitor)
{
	for (size_t i = monitor->address_count; i-- > 0;)
		if (!monitor->addresses[i]->seen)
			address_drop(monitor, i);
	for (size_t i = monitor->link_count; i-- > 0;)
		if (!monitor->links[i]->seen)
			link_drop(monitor, i);
	monitor->dumps++;
	if (monitor->ops->synced)
		monitor->ops->synced(monitor->ctx);
}

/* ---- messages ---- */

static int take_link(struct monitor *monitor, struct nlmsghdr *message)
{
	struct link link;
	int err = rtnl_link_read(message, &link);

	if (err)
		return 0; /* of no concern to us */
	if (message->nlmsg_type == RTM_NEWLINK)
		return link_put(monitor, &link);
	if (link_node(monitor, link.index))
		link_drop(monitor, link_place(monitor, link.index));
	return 0;
}

static int take_address(struct monitor *monitor, struct nlmsghdr *message)
{
	struct address address;
	int err = rtnl_address_read(message, &address);

	if (err)
		return 0;
	if (message->nlmsg_type == RTM_NEWADDR)
		return address_put(monitor, &address, message->nlmsg_flags & NLM_F_MULTI);
	if (address_node(monitor, &address))
		address_drop(monitor, address_place(monitor, &address));
	return 0;
}

static void take_route(struct monitor *monitor, struct nlmsghdr *message)
{
	struct route route;

	if (!rtnl_route_read(message, &route) && monitor->ops->route)
		monitor->ops->route(monitor->ctx, &route, message->nlmsg_type == RTM_DELROUTE);
}

static int take_messages(struct monitor *monitor, size_t size)
{
	int left = (int)size, err = 0;

	for (struct nlmsghdr *message = (void *)monitor->packet; nlmsg_ok(message, left) && !err;
	     message = nlmsg_next(message, &left)) {
		switch (message->nlmsg_type) {
		case RTM_NEWLINK:
		case RTM_DELLINK:
			err = take_link(monitor, message);
			break;
		case RTM_NEWADDR:
		case RTM_DELADDR:
			err = take_address(monitor, message);
			break;
		case RTM_NEWROUTE:
		case RTM_DELROUTE:
			take_route(monitor, message);
			break;
		}
	}
	return err;
}

static void fail(struct monitor *monitor, int error)
{
	io_want_read(&monitor->io, false);
	if (monitor->ops->failed)
		monitor->ops->failed(monitor->ctx, error);
}

static int take_mark(struct monitor *monitor)
{
	struct monitor_mark mark;

	memcpy(&mark, monitor->packet, sizeof(mark));
	switch (mark.kind) {
	case MONITOR_BEGIN:
		unmark_all(monitor);
		return 0;
	case MONITOR_END:
		sweep(monitor);
		return 0;
	case MONITOR_ROUTES_BEGIN:
		if (monitor->ops->routes_begin)
			monitor->ops->routes_begin(monitor->ctx);
		return 0;
	case MONITOR_ROUTES_END:
		if (monitor->ops->routes_end)
			monitor->ops->routes_end(monitor->ctx);
		return 0;
	case MONITOR_FAILED:
		return mark.error;
	}
	return -EPROTO;
}

static void hear(void *ctx)
{
	struct monitor *monitor = ctx;

	for (int i = 0; i < PACKETS_PER_TURN; i++) {
		ssize_t size =
			recv(monitor->fd, monitor->packet, sizeof(monitor->packet), MSG_DONTWAIT);
		int err;

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (size <= 0)
			err = size ? -errno : -EPIPE;
		else if (size == sizeof(struct monitor_mark))
			err = take_mark(monitor);
		else
			err = take_messages(monitor, (size_t)size);
		if (err) {
			fail(monitor, err);
			return;
		}
	}
}

/* ---- life ---- */

int monitor_new(struct loop *loop, const struct monitor_ops *ops, void *ctx, struct monitor **out)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	int err;

	if (!monitor)
		return -ENOMEM;
	monitor->ops = ops;
	monitor->ctx = ctx;
	monitor->fd = -1;
	err = monitor_thread_new(&monitor->thread, &monitor->fd);
	if (!err)
		err = io_init(loop, &monitor->io, monitor->fd, LOOP_NORMAL, hear, NULL, monitor);
	if (err)
		monitor_free(monitor);
	else
		*out = monitor;
	return err;
}

void monitor_read_routes(struct monitor *monitor)
{
	monitor_thread_routes(monitor->thread);
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	io_fini(&monitor->io);
	monitor_thread_free(monitor->thread);
	if (monitor->fd >= 0)
		close(monitor->fd);
	for (size_t i = 0; i < monitor->link_count; i++)
		free(monitor->links[i]);
	for (size_t i = 0; i < monitor->address_count; i++)
		free(monitor->addresses[i]);
	free(monitor->links);
	free(monitor->addresses);
	free(monitor->ordered);
	free(monitor->listed);
	free(monitor);
}

/* ---- questions ---- */

const struct link *monitor_link_by_index(const struct monitor *monitor, uint32_t index)
{
	const struct link_node *node = link_node(monitor, index);

	return node ? &node->link : NULL;
}

const struct link *monitor_link_by_name(const struct monitor *monitor, const char *name)
{
	for (size_t i = 0; i < monitor->link_count; i++)
		if (!strcmp(monitor->links[i]->link.name, name))
			return &monitor->links[i]->link;
	return NULL;
}

const struct address *monitor_address(const struct monitor *monitor, const struct address *wanted)
{
	const struct address_node *node = address_node(monitor, wanted);

	return node ? &node->address : NULL;
}

/* The kernel's order within a link: primaries, those of narrower scope first, then secondaries; the
 * rest by age. */
static int node_compare_order(const void *a, const void *b)
{
	const struct address_node *x = *(struct address_node *const *)a;
	const struct address_node *y = *(struct address_node *const *)b;
	unsigned family_x = x->address.prefix.address.family,
		 family_y = y->address.prefix.address.family;
	bool secondary_x = family_x == AF_INET && (x->address.flags & IFA_F_SECONDARY);
	bool secondary_y = family_y == AF_INET && (y->address.flags & IFA_F_SECONDARY);

	if (x->address.link != y->address.link)
		return x->address.link < y->address.link ? -1 : 1;
	if (family_x != family_y)
		return family_x < family_y ? -1 : 1;
	if (secondary_x != secondary_y)
		return secondary_x ? 1 : -1;
	if (!secondary_x && x->address.scope != y->address.scope)
		return x->address.scope > y->address.scope ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

static bool listed_make_room(struct monitor *monitor, size_t count)
{
	struct address_node **ordered;
	struct address *listed;

	if (monitor->listed_room >= count)
		return true;
	ordered = realloc(monitor->ordered, 2 * count * sizeof(*ordered));
	if (ordered)
		monitor->ordered = ordered;
	listed = realloc(monitor->listed, 2 * count * sizeof(*listed));
	if (listed)
		monitor->listed = listed;
	if (!ordered || !listed)
		return false;
	monitor->listed_room = 2 * count;
	return true;
}

/* The place of the first address of a link with that index, or of a later one. */
static size_t link_begin(const struct monitor *monitor, uint32_t index)
{
	size_t low = 0, high = monitor->address_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (monitor->addresses[middle]->address.link < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void list_link(struct monitor *monitor, uint32_t link)
{
	size_t begin = link ? link_begin(monitor, link) : 0;
	size_t end = link ? link_begin(monitor, link + 1) : monitor->address_count;
	size_t count = end - begin;

	if (!listed_make_room(monitor, count))
		count = monitor->listed_room;
	if (count) {
		memcpy(monitor->ordered, &monitor->addresses[begin],
		       count * sizeof(*monitor->ordered));
		qsort(monitor->ordered, count, sizeof(*monitor->ordered), node_compare_order);
	}
	for (size_t i = 0; i < count; i++)
		monitor->listed[i] = monitor->ordered[i]->address;
	monitor->listed_count = count;
	monitor->listed_link = link;
	monitor->listed_valid = true;
}

struct address_list monitor_addresses(struct monitor *monitor, uint32_t link)
{
	if (!monitor->listed_valid || monitor->listed_link != link)
		list_link(monitor, link);
	return (struct address_list){.items = monitor->listed, .count = monitor->listed_count};
}

uint64_t monitor_resyncs(const struct monitor *monitor)
{
	return monitor->dumps ? monitor->dumps - 1 : 0;
}
