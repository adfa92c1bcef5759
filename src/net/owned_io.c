/* The owned file on disk (see owned.h for its lines). Appending is one write per OWNED_CHUNK lines
 * under O_APPEND, so several processes may share the file. A line that was cut short (a crash, a
 * full file system) is ended by the next append with OWNED_TORN, so that its beginning is never
 * taken for a whole line. */
#include "net/owned_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/file_io.h"

#define OWNED_CHUNK 64 /* lines in one write: 12 KiB of stack, a thread may be small */

int owned_open(int dir, const char *name)
{
	const char *why;

	return file_open(dir, name, O_APPEND, &why);
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t done = write(fd, text, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		text += done;
		length -= (size_t)done;
	}
	return 0;
}

static bool ends_within_a_line(int fd)
{
	struct stat file;
	char last;

	return !fstat(fd, &file) && file.st_size > 0 &&
	       pread(fd, &last, 1, file.st_size - 1) == 1 && last != '\n';
}

static int append_chunk(int fd, const struct owned *records, size_t count)
{
	char text[sizeof(OWNED_TORN) + OWNED_CHUNK * OWNED_LINE] = OWNED_TORN;
	size_t length = ends_within_a_line(fd) ? strlen(OWNED_TORN) : 0;

	for (size_t i = 0; i < count; i++)
		length += owned_format(&records[i], text + length);
	return write_all(fd, text, length);
}

int owned_append(int fd, const struct owned *records, size_t count)
{
	for (size_t done = 0; done < count; done += OWNED_CHUNK) {
		size_t chunk = count - done < OWNED_CHUNK ? count - done : OWNED_CHUNK;
		int err = append_chunk(fd, records + done, chunk);

		if (err)
			return err;
	}
	return 0;
}

int owned_read(int fd, struct arena *arena, struct owned_set *out)
{
	struct stat file;
	size_t length = 0;
	char *text;

	if (fstat(fd, &file))
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EINVAL;
	text = arena_alloc(arena, (size_t)file.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (length < (size_t)file.st_size) {
		ssize_t done =
			pread(fd, text + length, (size_t)file.st_size - length, (off_t)length);

		if (done < 0)
			return -errno;
		if (!done)
			break;
		length += (size_t)done;
	}
	return owned_parse(arena, text, length, out);
}

static int write_set(int fd, const struct owned_set *set)
{
	int err = 0;

	for (size_t i = 0; i < set->count && !err; i++) {
		const struct owned *record = &set->items[i];

		if (record->kind != OWNED_OTHER) {
			err = owned_append(fd, record, 1);
			continue;
		}
		err = write_all(fd, record->line, strlen(record->line));
		if (!err)
			err = write_all(fd, "\n", 1);
	}
	return err;
}

int owned_rewrite(int dir, const char *name, const struct owned_set *set)
{
	char beside[256];
	int fd, err;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", name) >= sizeof(beside))
		return -ENAMETOOLONG;
	if (unlinkat(dir, beside, 0) && errno != ENOENT)
		return -errno;
	fd = openat(dir, beside, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	err = write_set(fd, set);
	close(fd);
	if (!err && renameat(dir, beside, dir, name))
		err = -errno;
	if (err)
		unlinkat(dir, beside, 0);
	return err;
}
