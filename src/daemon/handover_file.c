/* See the header. */
#include "daemon/handover_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/loop.h"
#include "core/sealed.h"
#include "net/file_io.h"

#define NAME "handover"
#define DRAFT "handover.new"
#define BIGGEST (256 << 20) /* what can be meant: hundreds of bytes for each of a million objects */

/* ---- here --------------------------------------------------------------------------------------------------- */

void handover_here(struct handover *out)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, out->boot, sizeof(out->boot) - 1);
	struct stat network;

	out->boot[length > 0 ? length : 0] = '\0';
	out->boot[strcspn(out->boot, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
	if (!out->boot[0])
		snprintf(out->boot, sizeof(out->boot), "unknown");
	out->network = stat("/proc/self/ns/net", &network) ? 0 : (uint64_t)network.st_ino;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

int handover_begin(int dir, size_t room)
{
	int fd, err = 0;

	unlinkat(dir, DRAFT, 0);
	fd = openat(dir, DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	while (fallocate(fd, 0, 0, (off_t)room)) {
		if (errno == EINTR)
			continue;
		err = errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno; /* then it is seen when it is written */
		break;
	}
	if (!err)
		return fd;
	handover_abandon(dir, fd);
	return err;
}

void handover_abandon(int dir, int fd)
{
	if (fd >= 0) {
		close(fd);
		unlinkat(dir, DRAFT, 0);
	}
	unlinkat(dir, NAME, 0);
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t now = write(fd, bytes + done, size - done);

		if (now < 0 && errno != EINTR)
			return -errno;
		done += now > 0 ? (size_t)now : 0;
	}
	return ftruncate(fd, (off_t)size) || fsync(fd) ? -errno : 0;
}

int handover_finish(int dir, int fd, const struct handover *handover)
{
	size_t size = handover_size(handover), used;
	uint8_t *bytes = malloc(size);
	int err = -ENOMEM;

	used = bytes ? handover_put(handover, bytes, size) : 0;
	if (used)
		err = write_all(fd, bytes, used);
	free(bytes);
	if (!err && renameat(dir, DRAFT, dir, NAME))
		err = -errno;
	if (err) {
		handover_abandon(dir, fd);
		return err;
	}
	close(fd);
	fsync(dir);
	return 0;
}

int handover_sample(nstime deadline)
{
	struct handover handover = {.written = clock_now(), .deadline = deadline};
	uint8_t bytes[1024];
	struct iovec whole = {.iov_base = bytes};

	handover_here(&handover);
	whole.iov_len = handover_put(&handover, bytes, sizeof(bytes));
	return whole.iov_len ? sealed_make("lbha-handover", &whole, 1) : -EMSGSIZE;
}

bool handover_understood(int fd)
{
	struct handover handover;
	size_t size = 0;
	const void *bytes = sealed_map(fd, &size);
	bool understood = bytes && !handover_get(bytes, size, &handover);

	if (bytes)
		munmap((void *)(uintptr_t)bytes, size);
	return understood;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* The whole file; NULL: `why` says it. */
static void *read_whole(int fd, size_t *size, char *why, size_t room)
{
	const char *fault = file_fault(fd);
	struct stat about;
	uint8_t *bytes;
	size_t done = 0;

	if (fstat(fd, &about)) {
		snprintf(why, room, "%s", strerror(errno));
		return NULL;
	}
	if (fault || about.st_size > BIGGEST) {
		snprintf(why, room, "%s", fault ? fault : "is too large");
		return NULL;
	}
	bytes = malloc((size_t)about.st_size + 1);
	while (bytes && done < (size_t)about.st_size) {
		ssize_t now = read(fd, bytes + done, (size_t)about.st_size - done);

		if (!now || (now < 0 && errno != EINTR))
			break;
		done += now > 0 ? (size_t)now : 0;
	}
	if (!bytes)
		snprintf(why, room, "no memory to read it");
	*size = done;
	return bytes;
}

static const char *worth_words(enum handover_worth worth)
{
	switch (worth) {
	case HANDOVER_FRESH:
		return "";
	case HANDOVER_STALE:
		return "its time is over";
	case HANDOVER_OTHER_BOOT:
		return "is of another boot of this machine";
	case HANDOVER_OTHER_NETWORK:
		return "is of another network namespace";
	}
	return "";
}

static void judge(struct handover_found *found, size_t size, nstime now)
{
	struct handover here = {0};
	enum handover_worth worth;

	if (handover_get(found->bytes, size, &found->handover)) {
		snprintf(found->why, sizeof(found->why), "is damaged");
		return;
	}
	handover_here(&here);
	worth = handover_judge(&found->handover, here.boot, here.network, now);
	found->fresh = worth == HANDOVER_FRESH;
	snprintf(found->why, sizeof(found->why), "%s", worth_words(worth));
}

void handover_find(int dir, nstime now, struct handover_found *out)
{
	int fd = openat(dir, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t size = 0;

	*out = (struct handover_found){0};
	if (fd < 0) {
		if (errno != ENOENT)
			snprintf(out->why, sizeof(out->why), "%s", strerror(errno));
		return;
	}
	out->bytes = read_whole(fd, &size, out->why, sizeof(out->why));
	close(fd);
	if (out->bytes)
		judge(out, size, now);
	if (!out->fresh)
		handover_found_free(out);
}

void handover_found_free(struct handover_found *found)
{
	free(found->bytes);
	found->bytes = NULL;
}
