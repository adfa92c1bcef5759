/* memfd pages; see the header. */
#include "core/statepage.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop.h"

#define STATEPAGE_MAGIC 0x6c626861

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
