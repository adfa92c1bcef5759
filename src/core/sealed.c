/* See the header. */
#include "core/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t now = write(fd, bytes + done, size - done);

		if (now < 0 && errno != EINTR)
			return -errno;
		done += now > 0 ? (size_t)now : 0;
	}
	return 0;
}

int sealed_make(const char *name, const struct iovec *parts, size_t count)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), err = 0;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < count && !err; i++)
		err = write_all(fd, parts[i].iov_base, parts[i].iov_len);
	if (!err && fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL))
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

const void *sealed_map(int fd, size_t *size)
{
	struct stat about;
	void *bytes;

	if ((fcntl(fd, F_GET_SEALS) & SEALS) != SEALS || fstat(fd, &about) || about.st_size <= 0)
		return NULL;
	*size = (size_t)about.st_size;
	bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}
