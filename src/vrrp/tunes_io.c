/* Sysctls of the interfaces below virtual MAC addresses, without which such an interface would make
 * itself known with its own one:
 *   arp_ignore 1    answer for addresses of this link alone
 *   arp_announce 2  do not ask with a virtual address as the sender: neighbours would learn that
 * IPv4 only: the kernel answers neighbour solicitations for addresses of the receiving link alone.
 * They are raised, never lowered, shared by all virtual routers on an interface, and given back with
 * the last, unless somebody else has changed them since. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/owned.h"
#include "net/rtnl_writer_io.h"
#include "vrrp/worker_io.h"

#define NO_ROOM (5 * NSTIME_MS)

struct tune {
	struct vrrp_worker *worker;
	char path[SYSCTL_PATH];
	int64_t value, former;
	uint32_t index; /* of the interface when it was taken; 0: not by us */
	bool owned, busy, needed;
};

static const struct {
	const char *name;
	int64_t value;
} SYSCTLS[] = {{"arp_ignore", 1}, {"arp_announce", 2}};

static struct tune *tune_find(const struct vrrp_worker *worker, const char *path)
{
	for (size_t i = 0; i < worker->tune_count; i++)
		if (!strcmp(worker->tunes[i]->path, path))
			return worker->tunes[i];
	return NULL;
}

static struct tune *tune_get(struct vrrp_worker *worker, const char *path, int64_t value)
{
	struct tune *tune = tune_find(worker, path);

	if (tune)
		return tune;
	tune = calloc(1, sizeof(*tune));
	if (!tune ||
	    !pointers_push(&worker->tunes, &worker->tune_count, &worker->tune_room, tune)) {
		free(tune);
		return NULL;
	}
	tune->worker = worker;
	tune->value = value;
	snprintf(tune->path, sizeof(tune->path), "%s", path);
	return tune;
}

/* ---- orders --------------------------------------------------------------------------------- */

static void order(struct tune *tune, enum sysctl_action action)
{
	struct rtnl_op op = {
		.kind = RTNL_SYSCTL,
		.sysctl = {.action = action,
			   .rule = SYSCTL_AT_LEAST,
			   .op = {.value = tune->value, .former = tune->former}},
	};

	memcpy(op.sysctl.op.path, tune->path, sizeof(tune->path));
	tune->busy = !rtnl_writer_put(tune->worker->writer, &op,
				      (uintptr_t)tune | VLINK_COOKIE_TUNE);
	if (!tune->busy)
		worker_later(tune->worker, clock_now() + NO_ROOM);
}

/* An interface that was made anew has values of its own: what was written down of the old one is
 * void. */
static void tune_take(struct tune *tune, uint32_t index)
{
	if (tune->busy || !index || index == tune->index)
		return;
	if (tune->owned && tune->index) {
		order(tune, SYSCTL_FORGET);
		return;
	}
	order(tune, SYSCTL_TAKE);
	if (tune->busy)
		tune->index = index;
}

static void tune_give(struct tune *tune)
{
	struct vrrp_worker *worker = tune->worker;

	if (tune->busy)
		return;
	if (tune->owned) {
		order(tune, SYSCTL_GIVE);
		return;
	}
	pointers_remove(&worker->tunes, &worker->tune_count, tune);
	free(tune);
}

void tunes_need(struct vrrp_worker *worker, const struct port *parent)
{
	char path[SYSCTL_PATH];

	for (size_t i = 0; i < COUNT_OF(SYSCTLS); i++) {
		struct tune *tune;

		sysctl_conf_path(path, "ipv4", parent->name, SYSCTLS[i].name);
		tune = tune_get(worker, path, SYSCTLS[i].value);
		if (!tune || tune->needed)
			continue; /* no memory: at the next look */
		tune->needed = true;
		tune_take(tune, parent->link.index);
	}
}

void tunes_settle(struct vrrp_worker *worker)
{
	for (size_t i = worker->tune_count; i-- > 0;) {
		struct tune *tune = worker->tunes[i];

		if (!tune->needed)
			tune_give(tune);
		else
			tune->needed = false; /* until the next look */
	}
}

bool tunes_idle(const struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->tune_count; i++)
		if (worker->tunes[i]->busy || (worker->stopping && worker->tunes[i]->owned))
			return false;
	return true;
}

void tunes_done(uint64_t cookie, const struct sysctl_order *done, int error)
{
	struct tune *tune = (struct tune *)(uintptr_t)(cookie - VLINK_COOKIE_TUNE);

	tune->busy = false;
	switch (done->action) {
	case SYSCTL_TAKE:
		if (error || !done->changed)
			break;
		if (!tune->owned)
			tune->former = done->op.former;
		tune->owned = true;
		break;
	case SYSCTL_GIVE:
	case SYSCTL_FORGET:
		tune->owned = false;
		tune->index = 0;
		break;
	case SYSCTL_WRITE:
		break;
	}
	if (error && error != -ENOENT)
		log_error("%s cannot be set: %s", tune->path, strerror(-error));
}

/* What an earlier worker took is ours to give back; whether it still is in force is looked at when
 * it is taken again. Others of us have written down others: those are theirs. */
int tunes_adopt(struct vrrp_worker *worker, const struct owned_sysctl *owned)
{
	char link[LINK_NAME], path[SYSCTL_PATH];

	if (sscanf(owned->path, "net/ipv4/conf/%15[^/]/", link) != 1)
		return 0;
	for (size_t i = 0; i < COUNT_OF(SYSCTLS); i++) {
		struct tune *tune;

		sysctl_conf_path(path, "ipv4", link, SYSCTLS[i].name);
		if (strcmp(path, owned->path) != 0)
			continue;
		tune = tune_get(worker, path, owned->set);
		if (!tune)
			return -ENOMEM;
		tune->owned = true;
		tune->former = owned->former;
	}
	return 0;
}

void tunes_free(struct vrrp_worker *worker)
{
	for (size_t i = 0; i < worker->tune_count; i++)
		free(worker->tunes[i]);
	free(worker->tunes);
}
