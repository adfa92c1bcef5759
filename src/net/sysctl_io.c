/* Files of /proc/sys, opened below one directory descriptor. The kernel looks them up in the
 * network namespace of the caller, so one descriptor serves for the life of the process. */
#include "net/sysctl_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_TEXT 24

int sysctl_open(void)
{
	int fd = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Relative, and no way up. */
static bool path_stays_below(const char *path)
{
	if (*path == '/' || !*path)
		return false;
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2]))
			return false;
	}
	return true;
}

static int open_value(int dir, const char *path, int flags)
{
	int fd;

	if (!path_stays_below(path))
		return -EINVAL;
	fd = openat(dir, path, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(int dir, const char *path, int64_t *out)
{
	char text[NUMBER_TEXT], *end;
	int fd = open_value(dir, path, O_RDONLY);
	ssize_t length;
	long long value;

	if (fd < 0)
		return fd;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		length = -errno;
	close(fd);
	if (length <= 0)
		return length ? (int)length : -EINVAL;
	text[length] = '\0';
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n'))
		return -EINVAL;
	*out = value;
	return 0;
}

int sysctl_write(int dir, const char *path, int64_t value)
{
	char text[NUMBER_TEXT];
	int length = snprintf(text, sizeof(text), "%" PRId64 "\n", value);
	int fd = open_value(dir, path, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return fd;
	if (write(fd, text, (size_t)length) != length)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

int sysctl_writable(int dir, const char *path)
{
	int fd = open_value(dir, path, O_WRONLY);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}
