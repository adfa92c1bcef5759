/* memfd pages; see the header. */
#include "core/statepage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "core/loop.h"

#define STATEPAGE_MAGIC 0x6c626861
/* The key of a slot that was given back: a search goes on behind it. */
#define GIVEN_BACK 1

int statepage_create(void)
{
	int fd = memfd_create("lbha-state", MFD_CLOEXEC);
	struct statepage *page;
	int err;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*page))) {
		err = -errno;
		close(fd);
		return err;
	}
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		err = -errno;
		close(fd);
		return err;
	}
	page->magic = STATEPAGE_MAGIC;
	page->size = sizeof(*page);
	page->created = clock_now();
	statepage_unmap(page);
	return fd;
}

struct statepage *statepage_map(int fd)
{
	struct statepage *page;
	struct stat about;

	if (fstat(fd, &about) || about.st_size != (off_t)sizeof(*page))
		return NULL;
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (page->magic != STATEPAGE_MAGIC || page->size != sizeof(*page)) {
		statepage_unmap(page);
		return NULL;
	}
	return page;
}

void statepage_unmap(struct statepage *page)
{
	if (page)
		munmap(page, sizeof(*page));
}

/* ---- slots ---------------------------------------------------------------------------------- */

static uint64_t key_of(const char *name)
{
	uint64_t key = text_hash(TEXT_HASH, name, strlen(name));

	return key > GIVEN_BACK ? key : GIVEN_BACK + 1;
}

/* A hash table with open addressing; only what is in it decides how long a search takes. */
struct statepage_instance *statepage_take(struct statepage *page, const char *name)
{
	struct statepage_instance *room = NULL;
	uint64_t key = key_of(name);

	for (uint64_t i = 0; i < STATEPAGE_INSTANCES; i++) {
		struct statepage_instance *slot =
			&page->instances[(key + i) % STATEPAGE_INSTANCES];

		if (slot->key == key)
			return slot;
		if (slot->key <= GIVEN_BACK && !room)
			room = slot;
		if (!slot->key)
			break;
	}
	if (room)
		*room = (struct statepage_instance){.key = key};
	return room;
}

void statepage_give_back(struct statepage_instance *slot)
{
	if (slot)
		*slot = (struct statepage_instance){.key = GIVEN_BACK};
}
