/* One ring of slots goes round between the loop and the thread: the loop fills slots up to `put`,
 * the thread works them off up to `worked` and leaves the result in the slot, the loop reports and
 * frees them up to `told`. Each of the three counters is written by one side only, so no lock is
 * needed: a release store of the counter publishes the slots before it. Two eventfds wake the
 * sides.
 *
 * The thread takes up to BATCH operations at once: their lines go into the owned file in one write,
 * their messages to the kernel in one send. The kernel works off all messages of a send, answers
 * each that fails and, as only the last one asks for it, that one in any case; all answers are
 * there when the send returns, so nothing is ever waited for. Acknowledgements are capped
 * (NETLINK_CAP_ACK) and the buffer holds those of a batch that fails altogether. */
#include "net/rtnl_writer_io.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/if.h>
#include <netlink/msg.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "net/owned_debt_io.h"
#include "net/rtnl_message_io.h"
#include "net/sysctl_io.h"
#include "net/thread_io.h"

#define BATCH 128
#define BATCH_BYTES 32768
#define RECEIVE_BUFFER (1024 * 1024)
#define WRITE_AGAIN (5 * NSTIME_S) /* what could not be written down */
#define TRIES 4 /* of a call that the kernel had no memory for, a millisecond apart */

struct slot {
	struct rtnl_op op;
	uint64_t cookie;
	int error;
};

struct rtnl_writer {
	/* the loop's */
	const struct rtnl_writer_ops *ops;
	void *ctx;
	struct loop_io results;
	struct loop_timer write_again;
	size_t told;
	int unwritten_told;
	/* shared */
	struct slot *slots;
	size_t capacity;
	atomic_size_t put, worked;
	atomic_bool stop;
	atomic_int unwritten; /* the errno that kept the latest lines out of the owned file */
	int wake, ready;
	/* the thread's */
	pthread_t thread;
	bool started;
	int socket, owned, sysctls;
	uint32_t sequence;
	uint32_t named; /* the link whose name is in `name` */
	char name[LINK_NAME];
	_Alignas(struct nlmsghdr) uint8_t bytes[BATCH_BYTES];
	struct owned lines[BATCH];
	struct owned_debt debt;
};

static struct slot *slot_at(struct rtnl_writer *writer, size_t number)
{
	return &writer->slots[number % writer->capacity];
}

/* ---- the thread: the owned file ---- */

/* The name is for people who read the file; SIOCGIFNAME does not wait for the RTNL lock. */
static const char *link_name(struct rtnl_writer *writer, uint32_t link)
{
	struct ifreq request = {.ifr_ifindex = (int)link};

	if (writer->named == link)
		return writer->name;
	writer->named = link;
	writer->name[0] = '\0';
	if (!ioctl(writer->socket, SIOCGIFNAME, &request))
		snprintf(writer->name, sizeof(writer->name), "%s", request.ifr_name);
	return writer->name;
}

static bool address_becomes_ours(enum address_action action)
{
	return action == ADDRESS_ADD || action == ADDRESS_ADOPT;
}

static bool route_becomes_ours(enum route_action action)
{
	return action == ROUTE_ADD || action == ROUTE_CHANGE || action == ROUTE_ADOPT;
}

static bool was_refused(int error)
{
	return error && !rtnl_answer_lost(error);
}

/* What is in the kernel no longer, or never came there, is struck out; an address that was there
 * already is adopted. */
static bool address_is_gone(enum address_action action, int error)
{
	switch (action) {
	case ADDRESS_ADD:
		return error != -EEXIST && was_refused(error);
	case ADDRESS_REMOVE:
		return !error || error == -EADDRNOTAVAIL || error == -ENODEV;
	case ADDRESS_FORGET:
		return true;
	case ADDRESS_ADOPT:
	case ADDRESS_CHANGE:
	case ADDRESS_LIFT:
	case ADDRESS_RESTORE:
		break;
	}
	return false;
}

/* A route that was there already is somebody else's; one that was refused a change is still
 * ours. */
static bool route_is_gone(enum route_action action, int error)
{
	switch (action) {
	case ROUTE_ADD:
		return was_refused(error);
	case ROUTE_REMOVE:
		return !error || error == -ESRCH || error == -ENODEV;
	case ROUTE_FORGET:
		return true;
	case ROUTE_CHANGE:
	case ROUTE_ADOPT:
		break;
	}
	return false;
}

static bool link_is_gone(enum link_action action, int error)
{
	switch (action) {
	case LINK_ADD:
		return was_refused(error);
	case LINK_REMOVE:
		return !error || error == -ENODEV;
	case LINK_FORGET:
		return true;
	case LINK_MARK:
	case LINK_ADOPT:
	case LINK_UP:
	case LINK_DOWN:
		break;
	}
	return false;
}

/* What was taken and could not be written was not taken. */
static bool sysctl_has_line(const struct sysctl_order *order, bool gone, int error)
{
	switch (order->action) {
	case SYSCTL_TAKE:
		return order->changed && (!gone || error);
	case SYSCTL_GIVE:
	case SYSCTL_FORGET:
		return gone;
	case SYSCTL_WRITE:
		break;
	}
	return false;
}

/* The line that an operation calls for before it is done, or after; false: none. */
static bool line_of(struct rtnl_writer *writer, const struct slot *slot, bool gone,
		    struct owned *out)
{
	const struct address_op *address = &slot->op.address;
	const struct route_op *route = &slot->op.route;
	const struct link_op *link = &slot->op.link;

	switch (slot->op.kind) {
	case RTNL_ADDRESS:
		if (gone ? !address_is_gone(address->action, slot->error)
			 : !address_becomes_ours(address->action))
			return false;
		*out = owned_of_address(gone, &address->address,
					link_name(writer, address->address.link));
		return true;
	case RTNL_ROUTE:
		if (gone ? !route_is_gone(route->action, slot->error)
			 : !route_becomes_ours(route->action))
			return false;
		*out = owned_of_route(gone, &route->route, link_name(writer, route->route.link));
		return true;
	case RTNL_LINK:
		if (gone ? !link_is_gone(link->action, slot->error)
			 : link->action != LINK_ADD && link->action != LINK_ADOPT)
			return false;
		*out = owned_of_link(gone, link->link.name, link_name(writer, link->link.parent));
		return true;
	case RTNL_SYSCTL:
		if (!sysctl_has_line(&slot->op.sysctl, gone, slot->error))
			return false;
		*out = owned_of_sysctl(gone, &slot->op.sysctl.op);
		return true;
	}
	return false;
}

/* What could not be written down is done all the same: a full file system must not keep an address
 * from its master. It stays behind only if nobody of us is left to remove it. */
static void write_lines(struct rtnl_writer *writer, size_t from, size_t count, bool gone)
{
	size_t lines = 0;
	int err = 0;

	for (size_t i = 0; i < count; i++)
		lines += line_of(writer, slot_at(writer, from + i), gone, &writer->lines[lines]);
	if (writer->owned >= 0 && (lines || writer->debt.count))
		err = owned_debt_append(&writer->debt, writer->owned, writer->lines, lines);
	atomic_store_explicit(&writer->unwritten, -err, memory_order_relaxed);
}

/* ---- the thread: the kernel ---- */

static int address_message_type(enum address_action action)
{
	switch (action) {
	case ADDRESS_ADD:
	case ADDRESS_CHANGE:
	case ADDRESS_RESTORE:
		return RTM_NEWADDR;
	case ADDRESS_LIFT:
	case ADDRESS_REMOVE:
		return RTM_DELADDR;
	case ADDRESS_ADOPT:
	case ADDRESS_FORGET:
		break;
	}
	return 0;
}

static int route_message_type(enum route_action action)
{
	switch (action) {
	case ROUTE_ADD:
	case ROUTE_CHANGE:
		return RTM_NEWROUTE;
	case ROUTE_REMOVE:
		return RTM_DELROUTE;
	case ROUTE_ADOPT:
	case ROUTE_FORGET:
		break;
	}
	return 0;
}

static bool has_message(const struct rtnl_op *op)
{
	switch (op->kind) {
	case RTNL_ADDRESS:
		return address_message_type(op->address.action);
	case RTNL_ROUTE:
		return route_message_type(op->route.action);
	case RTNL_LINK:
		return op->link.action != LINK_ADOPT && op->link.action != LINK_FORGET;
	case RTNL_SYSCTL:
		break;
	}
	return false;
}

static struct nl_msg *message_of(const struct rtnl_op *op)
{
	switch (op->kind) {
	case RTNL_ADDRESS:
		return rtnl_address_message(
			address_message_type(op->address.action),
			op->address.action == ADDRESS_CHANGE ? NLM_F_REPLACE : NLM_F_EXCL,
			&op->address.address);
	case RTNL_ROUTE:
		return rtnl_route_message(
			route_message_type(op->route.action),
			op->route.action == ROUTE_CHANGE ? NLM_F_REPLACE : NLM_F_EXCL,
			&op->route.route);
	case RTNL_LINK:
		return rtnl_link_message(&op->link);
	case RTNL_SYSCTL:
		break;
	}
	return NULL;
}

/* Appends the slot's message to the batch; false when the batch is full. */
static bool append_message(struct rtnl_writer *writer, struct slot *slot, uint32_t sequence,
			   size_t *used, struct nlmsghdr **last)
{
	struct nl_msg *message = message_of(&slot->op);
	struct nlmsghdr *head;
	size_t size;

	if (!message) {
		slot->error = -ENOMEM;
		return true;
	}
	size = NLMSG_ALIGN(nlmsg_hdr(message)->nlmsg_len);
	if (*used + size <= sizeof(writer->bytes)) {
		head = memcpy(writer->bytes + *used, nlmsg_hdr(message), size);
		head->nlmsg_seq = sequence;
		*used += size;
		*last = head;
	} else {
		size = 0;
	}
	nlmsg_free(message);
	return size;
}

static void fail_all(struct rtnl_writer *writer, size_t from, size_t count, int error)
{
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = slot_at(writer, from + i);

		if (!slot->error && has_message(&slot->op))
			slot->error = error;
	}
}

/* Whether to try again: nothing was done yet. No room now is none of the operations' fault. */
static bool try_again(int *tries)
{
	if (errno == EINTR)
		return true;
	if ((errno != ENOMEM && errno != ENOBUFS && errno != EAGAIN) || !--*tries)
		return false;
	poll(NULL, 0, 1);
	return true;
}

static int send_batch(const struct rtnl_writer *writer, size_t size)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int tries = TRIES;

	while (sendto(writer->socket, writer->bytes, size, 0, (void *)&kernel, sizeof(kernel)) < 0)
		if (!try_again(&tries))
			return -errno;
	return 0;
}

/* Reads answers until that of the last message; an answer that is missing is an error of all of
 * them. */
static void read_answers(struct rtnl_writer *writer, size_t from, size_t count, uint32_t first,
			 uint32_t last)
{
	bool ended = false;
	int tries = TRIES;

	while (!ended) {
		ssize_t size =
			recv(writer->socket, writer->bytes, sizeof(writer->bytes), MSG_DONTWAIT);
		int left = (int)size;

		if (size < 0 && try_again(&tries))
			continue;
		if (size <= 0) {
			fail_all(writer, from, count, -EIO);
			return;
		}
		for (struct nlmsghdr *head = (void *)writer->bytes; nlmsg_ok(head, left);
		     head = nlmsg_next(head, &left)) {
			const struct nlmsgerr *answer = nlmsg_data(head);

			if (head->nlmsg_type != NLMSG_ERROR || head->nlmsg_seq - first >= count)
				continue;
			slot_at(writer, from + (head->nlmsg_seq - first))->error = answer->error;
			ended |= head->nlmsg_seq == last;
		}
	}
}

/* ---- the thread: sysctls ---- */

/* Before its line is written: what is there, and whether that will do. */
static void sysctl_look(struct rtnl_writer *writer, struct slot *slot)
{
	struct sysctl_order *order = &slot->op.sysctl;
	struct sysctl_want want = {.rule = order->rule, .value = order->op.value};

	order->changed = false;
	slot->error = sysctl_read(writer->sysctls, order->op.path, &order->op.former);
	if (!slot->error)
		order->changed = !sysctl_satisfied(&want, order->op.former);
}

static int sysctl_give(const struct rtnl_writer *writer, const struct sysctl_op *op)
{
	int64_t actual;
	int err = sysctl_read(writer->sysctls, op->path, &actual);

	if (err || sysctl_undo(op->former, op->value, actual) != SYSCTL_UNDO_WRITE)
		return err;
	return sysctl_write(writer->sysctls, op->path, op->former);
}

static void sysctl_do(const struct rtnl_writer *writer, struct slot *slot)
{
	struct sysctl_order *order = &slot->op.sysctl;

	switch (order->action) {
	case SYSCTL_TAKE:
		if (!order->changed)
			break;
		slot->error = sysctl_write(writer->sysctls, order->op.path, order->op.value);
		break;
	case SYSCTL_WRITE:
		slot->error = sysctl_write(writer->sysctls, order->op.path, order->op.value);
		break;
	case SYSCTL_GIVE:
		slot->error = sysctl_give(writer, &order->op);
		break;
	case SYSCTL_FORGET:
		break;
	}
}

/* ---- the thread: in order ---- */

/* Carries operations from..from+count-1 to the kernel; returns how many of them fitted into one
 * send. A sysctl is done when all before it were. */
static size_t carry(struct rtnl_writer *writer, size_t from, size_t count)
{
	uint32_t first = writer->sequence, last_sequence;
	struct nlmsghdr *last = NULL;
	size_t used = 0, taken = 0;
	int err;

	for (; taken < count; taken++) {
		struct slot *slot = slot_at(writer, from + taken);

		if (slot->op.kind == RTNL_SYSCTL) {
			if (last)
				break;
			sysctl_do(writer, slot);
		}
		if (!slot->error && has_message(&slot->op) &&
		    !append_message(writer, slot, first + (uint32_t)taken, &used, &last))
			break;
	}
	writer->sequence += (uint32_t)taken;
	if (!last)
		return taken;
	last->nlmsg_flags |= NLM_F_ACK;
	last_sequence = last->nlmsg_seq;
	err = send_batch(writer, used);
	if (err)
		fail_all(writer, from, taken, err);
	else
		read_answers(writer, from, taken, first, last_sequence);
	return taken;
}

static void work_batch(struct rtnl_writer *writer, size_t from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = slot_at(writer, from + i);

		slot->error = 0;
		if (slot->op.kind == RTNL_SYSCTL && slot->op.sysctl.action == SYSCTL_TAKE)
			sysctl_look(writer, slot);
	}
	write_lines(writer, from, count, false);
	for (size_t done = 0; done < count;)
		done += carry(writer, from + done, count - done);
	/* a line that stays though its address is gone does no harm: the next plan forgets it */
	write_lines(writer, from, count, true);
}

static void *writer_run(void *ctx)
{
	struct rtnl_writer *writer = ctx;

	for (;;) {
		size_t worked = atomic_load_explicit(&writer->worked, memory_order_relaxed);
		size_t count = atomic_load_explicit(&writer->put, memory_order_acquire) - worked;

		if (count) {
			if (count > BATCH)
				count = BATCH;
			work_batch(writer, worked, count);
			atomic_store_explicit(&writer->worked, worked + count,
					      memory_order_release);
			wake_up(writer->ready);
		} else if (atomic_load(&writer->stop)) {
			return NULL;
		} else {
			wake_wait(writer->wake, -1, 0);
			wake_clear(writer->wake);
			if (writer->debt.count) {
				write_lines(writer, worked, 0, false);
				wake_up(writer->ready);
			}
		}
	}
}

/* ---- the loop's side ---- */

static void tell_unwritten(struct rtnl_writer *writer)
{
	int error = atomic_load_explicit(&writer->unwritten, memory_order_relaxed);

	if (error && error != writer->unwritten_told)
		log_error("addresses or routes cannot be written down as ours (%s): they work, but "
			  "after a crash of lbhad nobody will remove them",
			  strerror(error));
	else if (!error && writer->unwritten_told)
		log_info("addresses and routes are written down as ours again");
	writer->unwritten_told = error;
	if (error && !timer_armed(&writer->write_again))
		timer_at(&writer->write_again, clock_now() + WRITE_AGAIN);
}

static void write_again(void *ctx)
{
	struct rtnl_writer *writer = ctx;

	wake_up(writer->wake);
}

static void tell_results(void *ctx)
{
	struct rtnl_writer *writer = ctx;
	size_t worked;

	wake_clear(writer->ready);
	tell_unwritten(writer);
	worked = atomic_load_explicit(&writer->worked, memory_order_acquire);
	while (writer->told != worked) {
		struct slot slot = *slot_at(writer, writer->told);

		writer->told++; /* first, so that `done` may put the next one */
		writer->ops->done(writer->ctx, slot.cookie, &slot.op, slot.error);
	}
}

static int socket_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int size = RECEIVE_BUFFER, on = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return fd;
}

static int writer_open(struct rtnl_writer *writer, struct loop *loop, size_t capacity)
{
	int err;

	writer->slots = calloc(capacity, sizeof(*writer->slots));
	if (!writer->slots)
		return -ENOMEM;
	writer->wake = wake_open();
	writer->ready = wake_open();
	writer->socket = socket_open();
	writer->sysctls = sysctl_open(); /* without /proc only who needs it fails */
	err = writer->wake < 0 ? writer->wake : writer->ready < 0 ? writer->ready : 0;
	if (err || writer->socket < 0)
		return err ? err : writer->socket;
	err = io_init(loop, &writer->results, writer->ready, LOOP_NORMAL, tell_results, NULL,
		      writer);
	if (!err)
		err = timer_init(loop, &writer->write_again, LOOP_IDLE, write_again, writer);
	if (!err)
		err = thread_start(&writer->thread, writer_run, writer);
	writer->started = !err;
	return err;
}

int rtnl_writer_new(struct loop *loop, size_t capacity, int owned,
		       const struct rtnl_writer_ops *ops, void *ctx, struct rtnl_writer **out)
{
	struct rtnl_writer *writer = calloc(1, sizeof(*writer));
	int err;

	if (!writer)
		return -ENOMEM;
	writer->ops = ops;
	writer->ctx = ctx;
	writer->capacity = capacity;
	writer->owned = owned;
	writer->sequence = 1;
	writer->wake = writer->ready = writer->socket = writer->sysctls = -1;
	err = capacity ? writer_open(writer, loop, capacity) : -EINVAL;
	if (err)
		rtnl_writer_free(writer, 0);
	else
		*out = writer;
	return err;
}

static bool all_worked(const struct rtnl_writer *writer)
{
	return atomic_load_explicit(&writer->worked, memory_order_acquire) ==
	       atomic_load_explicit(&writer->put, memory_order_relaxed);
}

static void await_all(struct rtnl_writer *writer, nstime deadline)
{
	nstime now;

	while (!all_worked(writer) && (now = clock_now()) < deadline) {
		struct pollfd polled = {.fd = writer->ready, .events = POLLIN};

		poll(&polled, 1, (int)((deadline - now) / NSTIME_MS) + 1);
		wake_clear(writer->ready);
	}
}

static void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void rtnl_writer_free(struct rtnl_writer *writer, nstime patience)
{
	if (!writer)
		return;
	timer_fini(&writer->write_again);
	if (writer->started) {
		io_fini(&writer->results);
		await_all(writer, nstime_after(clock_now(), patience));
		atomic_store(&writer->stop, true);
		wake_up(writer->wake);
		if (!all_worked(writer)) {
			/* stuck in the kernel: it keeps its memory, the process is about to end */
			pthread_detach(writer->thread);
			return;
		}
		pthread_join(writer->thread, NULL);
	} else {
		io_fini(&writer->results);
	}
	fd_close(writer->wake);
	fd_close(writer->ready);
	fd_close(writer->socket);
	fd_close(writer->sysctls);
	owned_debt_free(&writer->debt);
	free(writer->slots);
	free(writer);
}

int rtnl_writer_put(struct rtnl_writer *writer, const struct rtnl_op *op, uint64_t cookie)
{
	size_t put = atomic_load_explicit(&writer->put, memory_order_relaxed);

	if (!rtnl_writer_room(writer))
		return -ENOBUFS;
	*slot_at(writer, put) = (struct slot){.op = *op, .cookie = cookie};
	atomic_store_explicit(&writer->put, put + 1, memory_order_release);
	wake_up(writer->wake);
	return 0;
}

size_t rtnl_writer_pending(const struct rtnl_writer *writer)
{
	return atomic_load_explicit(&writer->put, memory_order_relaxed) - writer->told;
}

size_t rtnl_writer_room(const struct rtnl_writer *writer)
{
	return writer->capacity - rtnl_writer_pending(writer);
}
