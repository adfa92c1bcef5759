/* The file is compacted when the first line of a run is written, and removed when nothing is left
 * in it. The lock is on the folder, because the file is replaced. Nothing is synced to disk: after
 * a crash of the machine the kernel's state, which the journal is about, is gone too. */
#include "rs-agent/store_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/owned_io.h"

static int place_find(struct journal_place *out)
{
	struct journal_place place = {0};
	struct stat netns;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, place.boot, sizeof(place.boot) - 1);
	close(fd);
	if (length <= 0)
		return -EIO;
	place.boot[strcspn(place.boot, "\n ")] = '\0';
	if (stat("/proc/self/ns/net", &netns))
		return -errno;
	place.netns = netns.st_ino;
	*out = place;
	return 0;
}

static int folder_open(const char *folder, bool writing, char *why)
{
	int fd;

	if (writing && mkdir(folder, 0755) && errno != EEXIST) {
		int err = -errno;

		snprintf(why, STORE_WHY, "cannot make the state folder %s: %s%s", folder,
			 strerror(-err), err == -EROFS ? "; give another with --state-dir" : "");
		return err;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !writing)
		return -ENOENT;
	if (fd < 0 || (writing && flock(fd, LOCK_EX))) {
		int err = -errno;

		snprintf(why, STORE_WHY, "cannot open the state folder %s: %s", folder,
			 strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	return fd;
}

static int journal_read(struct store *store, struct arena *arena)
{
	struct owned_set set;
	int fd = openat(store->dir, STORE_JOURNAL, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err;

	store->set = (struct owned_set){0};
	store->standing = JOURNAL_NONE;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = owned_read(fd, arena, &set);
	close(fd);
	if (err)
		return err;
	store->standing = journal_judge(&set, &store->here);
	if (store->standing == JOURNAL_CURRENT)
		store->set = set;
	return 0;
}

static int journal_refuse(const struct store *store, const char *folder, char *why)
{
	switch (store->standing) {
	case JOURNAL_OTHER_NETNS:
		snprintf(why, STORE_WHY,
			 "%s/" STORE_JOURNAL
			 " was written in another network namespace; run lbha-rs there, give "
			 "another --state-dir, or remove the file if that namespace is gone",
			 folder);
		return -EXDEV;
	case JOURNAL_UNREADABLE:
		snprintf(why, STORE_WHY,
			 "%s/" STORE_JOURNAL
			 " is no journal of lbha-rs; remove it if it is not needed",
			 folder);
		return -EINVAL;
	case JOURNAL_NONE:
	case JOURNAL_CURRENT:
	case JOURNAL_OTHER_BOOT:
		break;
	}
	return 0;
}

int store_open(struct store *store, struct arena *arena, const char *folder, bool writing,
	       char *why)
{
	int err;

	*store = (struct store){.dir = -1, .fd = -1};
	err = place_find(&store->here);
	if (err) {
		snprintf(why, STORE_WHY, "cannot read which boot this is from /proc: %s",
			 strerror(-err));
		return err;
	}
	store->dir = folder_open(folder, writing, why);
	if (store->dir < 0)
		return store->dir == -ENOENT && !writing ? 0 : store->dir;
	err = journal_read(store, arena);
	if (err)
		snprintf(why, STORE_WHY, "cannot read %s/" STORE_JOURNAL ": %s", folder,
			 strerror(-err));
	else
		err = journal_refuse(store, folder, why);
	if (err)
		store_close(store);
	return err;
}

/* The file anew: the head, and what of the old one still holds. */
static int journal_start(struct store *store, struct arena *arena)
{
	struct owned head = {.kind = OWNED_OTHER, .line = journal_head(arena, &store->here)};
	struct owned_set fresh = {.items = &head, .count = 1};
	int err;

	if (!head.line)
		return -ENOMEM;
	err = owned_rewrite(store->dir, STORE_JOURNAL,
			    store->standing == JOURNAL_CURRENT ? &store->set : &fresh);
	if (err)
		return err;
	store->fd = owned_open(store->dir, STORE_JOURNAL);
	return store->fd < 0 ? store->fd : 0;
}

int store_append(struct store *store, struct arena *arena, const struct owned *record)
{
	int err = store->fd < 0 ? journal_start(store, arena) : 0;

	return err ? err : owned_append(store->fd, record, 1);
}

int store_settle(struct store *store, struct arena *arena)
{
	int err = store->dir < 0 ? 0 : journal_read(store, arena);

	if (err || store->dir < 0 || store->standing == JOURNAL_NONE ||
	    !journal_is_empty(&store->set))
		return err;
	store->set = (struct owned_set){0};
	store->standing = JOURNAL_NONE;
	return unlinkat(store->dir, STORE_JOURNAL, 0) && errno != ENOENT ? -errno : 0;
}

void store_close(struct store *store)
{
	if (store->fd >= 0)
		close(store->fd);
	if (store->dir >= 0)
		close(store->dir);
	store->fd = store->dir = -1;
}
