/* See the header. */
#include "net/file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_fault(int fd)
{
	struct stat about;

	if (fstat(fd, &about))
		return strerror(errno);
	if (!S_ISREG(about.st_mode))
		return "is no file";
	if (about.st_uid != 0 && about.st_uid != geteuid())
		return "belongs to another user";
	if (about.st_mode & (S_IWGRP | S_IWOTH))
		return "can be written by others";
	return about.st_nlink > 1 ? "has another name (a hard link), which may be of another file's" : NULL;
}

int file_open(int dir, const char *name, int flags, const char **why)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0600);
	int err = fd < 0 ? -errno : 0;

	*why = err == -ELOOP ? "is a symbolic link" : err == -ENXIO || err == -EISDIR ? "is no file" : strerror(-err);
	if (err)
		return err;
	*why = file_fault(fd);
	if (!*why)
		return fd;
	close(fd);
	return -EPERM;
}
