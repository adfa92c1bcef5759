/* See the header. The prototypes are those of libnftables' own header. A context is made for each
 * command: it keeps nothing of the kernel's state that could be of yesterday. */
#include "net/nft_io.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/nft.h"

#define LIBRARY "libnftables.so.1"
#define EVENTS 65536
#define WATCH_ROOM (4 << 20) /* a large table is told element by element */

static struct {
	__typeof__(&nft_ctx_new) ctx_new;
	__typeof__(&nft_ctx_free) ctx_free;
	__typeof__(&nft_ctx_buffer_output) buffer_output;
	__typeof__(&nft_ctx_get_output_buffer) output;
	__typeof__(&nft_ctx_buffer_error) buffer_error;
	__typeof__(&nft_ctx_get_error_buffer) error;
	__typeof__(&nft_run_cmd_from_buffer) run;
} nft;

/* ---- the library ----------------------------------------------------------------------------- */

static int load(char *why, size_t room)
{
	const struct {
		const char *name;
		void *function;
	} wanted[] = {
		{"nft_ctx_new", &nft.ctx_new},
		{"nft_ctx_free", &nft.ctx_free},
		{"nft_ctx_buffer_output", &nft.buffer_output},
		{"nft_ctx_get_output_buffer", &nft.output},
		{"nft_ctx_buffer_error", &nft.buffer_error},
		{"nft_ctx_get_error_buffer", &nft.error},
		{"nft_run_cmd_from_buffer", &nft.run},
	};
	void *library;

	if (nft.run)
		return 0;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		void *found = library ? dlsym(library, wanted[i].name) : NULL;

		if (!found) {
			snprintf(why, room, "rules need nftables: %s", dlerror());
			nft.run = NULL;
			return -ENOTSUP;
		}
		/* POSIX lets an object pointer be taken as one to a function, by copying */
		memcpy(wanted[i].function, &found, sizeof(found));
	}
	return 0;
}

/* The first line of what libnftables says; those that follow quote the command. */
static void keep_error(const char *said, char *why, size_t room)
{
	size_t length = said ? strcspn(said, "\n") : 0;

	snprintf(why, room, "nftables: %.*s", (int)length, length ? said : "refused");
}

static void ctx_freep(struct nft_ctx **ctx)
{
	if (*ctx)
		nft.ctx_free(*ctx);
}

static int run(struct nft_ctx *ctx, const char *command, char *why, size_t room)
{
	if (!ctx || nft.buffer_output(ctx) || nft.buffer_error(ctx)) {
		snprintf(why, room, "nftables: no memory");
		return -ENOMEM;
	}
	if (!nft.run(ctx, command))
		return 0;
	keep_error(nft.error(ctx), why, room);
	return -EIO;
}

int nft_run(const char *transaction, char *why, size_t room)
{
	int error = load(why, room);
	cleanup(ctx_freep) struct nft_ctx *ctx = error ? NULL : nft.ctx_new(NFT_CTX_DEFAULT);

	return error ? error : run(ctx, transaction, why, room);
}

/* "No such file" about a table is said in words only, so it is looked for first. */
static int table_is_there(bool *out, char *why, size_t room)
{
	cleanup(ctx_freep) struct nft_ctx *ctx = nft.ctx_new(NFT_CTX_DEFAULT);
	int error = run(ctx, "list tables inet", why, room);

	if (!error)
		*out = strstr(nft.output(ctx), "table inet " NFT_TABLE "\n") != NULL;
	return error;
}

int nft_list(char **out, char *why, size_t room)
{
	cleanup(ctx_freep) struct nft_ctx *ctx = NULL;
	int error = load(why, room);
	bool is_there = false;
	char *text;

	if (!error)
		error = table_is_there(&is_there, why, room);
	if (!error && is_there) {
		ctx = nft.ctx_new(NFT_CTX_DEFAULT);
		error = run(ctx, "list table inet " NFT_TABLE, why, room);
	}
	if (error)
		return error;
	text = strdup(is_there ? nft.output(ctx) : "");
	if (!text)
		return -ENOMEM;
	*out = text;
	return 0;
}

/* ---- the watch ------------------------------------------------------------------------------- */

/* All kinds of messages have the table's name in their first attribute. */
_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
		       NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 &&
		       NFTA_OBJ_TABLE == 1 && NFTA_FLOWTABLE_TABLE == 1,
	       "the table's name is found by its number");

static bool names_our_table(struct nlmsghdr *head)
{
	const struct nfgenmsg *family = NLMSG_DATA(head);
	size_t left = head->nlmsg_len - NLMSG_LENGTH(sizeof(*family)), size;
	const uint8_t *at = (const uint8_t *)NLMSG_DATA(head) + NLMSG_ALIGN(sizeof(*family));
	struct nlattr attr;

	if (family->nfgen_family != NFPROTO_INET)
		return false;
	for (; left >= sizeof(attr); at += size, left -= size) {
		memcpy(&attr, at, sizeof(attr));
		size = NLA_ALIGN((size_t)attr.nla_len);
		if (attr.nla_len < sizeof(attr) || size > left)
			return false;
		if ((attr.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME)
			return attr.nla_len == NLA_HDRLEN + sizeof(NFT_TABLE) &&
			       !memcmp(at + NLA_HDRLEN, NFT_TABLE, sizeof(NFT_TABLE));
	}
	return false;
}

struct events {
	unsigned transactions;
	bool ours; /* a message about our table came; the end of its transaction is yet to come */
};

static void read_events(void *bytes, size_t size, struct events *events)
{
	size_t left = size;

	for (struct nlmsghdr *head = bytes; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
		if (head->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) ||
		    head->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
			continue;
		if ((head->nlmsg_type & 0xff) == NFT_MSG_NEWGEN) {
			events->transactions += events->ours;
			events->ours = false;
		} else {
			events->ours |= names_our_table(head);
		}
	}
}

unsigned nft_watch_drain(struct nft_watch *watch)
{
	static _Alignas(struct nlmsghdr) uint8_t bytes[EVENTS];
	struct events events = {0};

	if (watch->socket < 0)
		return NFT_WATCH_LOST;
	for (;;) {
		ssize_t size = recv(watch->socket, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (size > 0)
			read_events(bytes, (size_t)size, &events);
		else if (size < 0 && errno == ENOBUFS)
			events.transactions += NFT_WATCH_LOST;
		else if (!(size < 0 && errno == EINTR))
			return events.transactions + events.ours;
	}
}

static void readable(void *ctx)
{
	struct nft_watch *watch = ctx;

	if (nft_watch_drain(watch))
		watch->touched(watch->ctx);
}

static int watch_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int group = NFNLGRP_NFTABLES, size = WATCH_ROOM;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (void *)&self, sizeof(self)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group))) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int nft_watch_open(struct nft_watch *watch, struct loop *loop, void (*touched)(void *ctx),
		   void *ctx)
{
	int error;

	*watch = (struct nft_watch){.touched = touched, .ctx = ctx};
	watch->socket = watch_socket();
	if (watch->socket < 0)
		return watch->socket;
	error = io_init(loop, &watch->io, watch->socket, LOOP_IDLE, readable, NULL, watch);
	if (error) {
		close(watch->socket);
		watch->socket = -1;
	}
	return error;
}

void nft_watch_close(struct nft_watch *watch)
{
	if (watch->socket < 0)
		return;
	io_fini(&watch->io);
	close(watch->socket);
	watch->socket = -1;
}
