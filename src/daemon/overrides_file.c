/* See the header. The folder has been checked by whoever opened it: nobody else can write there. */
#include "daemon/overrides_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/file_io.h"

#define BESIDE OVERRIDES_FILE ".new"

static int complain(int err, const char *text, char *why)
{
	snprintf(why, OVERRIDES_WHY, "%s", text);
	return err;
}

/* Reads `size` bytes, fewer when the file ends before. */
static int read_all(int fd, char *bytes, size_t *size)
{
	size_t used = 0;

	while (used < *size) {
		ssize_t got = read(fd, bytes + used, *size - used);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		used += got > 0 ? (size_t)got : 0;
	}
	*size = used;
	return 0;
}

static int parse_open(int fd, struct overrides *list,
		      void (*tell)(void *ctx, unsigned line, const char *why), void *ctx, char *why)
{
	const char *fault = file_fault(fd);
	struct stat about;
	size_t size;
	char *bytes;
	int err;

	if (fstat(fd, &about))
		return complain(-errno, strerror(errno), why);
	if (fault) {
		snprintf(why, OVERRIDES_WHY, "it %s", fault);
		return -EPERM;
	}
	if (about.st_size > (off_t)OVERRIDES_FILE_MAX)
		return complain(-EFBIG, "it is too large", why);
	size = (size_t)about.st_size;
	bytes = malloc(size + 1);
	err = bytes ? read_all(fd, bytes, &size) : -ENOMEM;
	if (!err)
		err = overrides_parse(list, bytes, size, tell, ctx);
	free(bytes);
	return err ? complain(err,
			      err == -EPROTO ? "it is not of this version of lbha" : strerror(-err),
			      why)
		   : 0;
}

int overrides_file_read(int dir, struct overrides *list,
			void (*tell)(void *ctx, unsigned line, const char *why), void *ctx,
			char *why)
{
	int fd = openat(dir, OVERRIDES_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), err;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return complain(-errno, errno == ELOOP ? "it is a symbolic link" : strerror(errno),
				why);
	err = parse_open(fd, list, tell, ctx, why);
	close(fd);
	return err;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t took = write(fd, bytes + done, size - done);

		if (took < 0 && errno != EINTR)
			return -errno;
		done += took > 0 ? (size_t)took : 0;
	}
	return fsync(fd) ? -errno : 0;
}

/* A new file beside the old one; what an earlier try left there goes. */
static int write_beside(int dir, const char *bytes, size_t size)
{
	int fd, err;

	if (unlinkat(dir, BESIDE, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, bytes, size);
	if (close(fd) && !err)
		err = -errno;
	return err;
}

int overrides_file_write(int dir, const struct overrides *list)
{
	size_t size = 0;
	char *bytes = overrides_format(list, &size);
	int err = bytes ? 0 : -ENOMEM;

	if (size > OVERRIDES_FILE_MAX)
		err = -EFBIG; /* it could not be read again */
	if (!err)
		err = write_beside(dir, bytes, size);
	free(bytes);
	if (!err && renameat(dir, BESIDE, dir, OVERRIDES_FILE))
		err = -errno;
	if (err) {
		unlinkat(dir, BESIDE, 0);
		return err;
	}
	return fsync(dir) ? -errno : 0;
}
