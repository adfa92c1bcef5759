/* See the header. Included files are opened component by component with O_NOFOLLOW, so that neither
 * ".." nor a link can lead out of the folder, whatever the file system does meanwhile. */
#include "config/files_io.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/pem_io.h"

static int refuse(int err, char *why, const char *format, ...) PRINTF_LIKE(3, 4);
static int refuse(int err, char *why, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, CONFIG_WHY, format, list);
	va_end(list);
	return err;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* All of a regular file; *bytes is malloc'ed. */
static int read_all(int fd, const char *path, char **bytes, size_t *size, char *why)
{
	struct stat status;
	size_t used = 0;
	char *buffer;

	if (fstat(fd, &status))
		return refuse(-errno, why, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(-EINVAL, why, "%s is no regular file", path);
	if (status.st_size > (off_t)CONFIG_SIZE_MAX)
		return refuse(-EFBIG, why, "%s is larger than %u MiB", path, CONFIG_SIZE_MAX >> 20);
	buffer = malloc((size_t)status.st_size + 1);
	if (!buffer)
		return refuse(-ENOMEM, why, "out of memory");
	while (used < (size_t)status.st_size) {
		ssize_t got = read(fd, buffer + used, (size_t)status.st_size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(buffer);
			return refuse(-errno, why, "cannot read %s: %s", path, strerror(errno));
		}
		if (!got)
			break;
		used += (size_t)got;
	}
	*bytes = buffer;
	*size = used;
	return 0;
}

int config_file_read(const char *path, char **bytes, size_t *size, char *why)
{
	cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return refuse(-errno, why, "cannot open %s: %s", path, strerror(errno));
	return read_all(fd, path, bytes, size, why);
}

/* ---- opening below the folder --------------------------------------------------------------- */

int config_folder_of(struct config_folder *folder, const char *main_path)
{
	const char *slash = strrchr(main_path, '/');
	size_t length = slash ? (size_t)(slash - main_path) : 0;

	if (slash == main_path)
		length = 1;
	if (length >= sizeof(folder->path))
		return -ENAMETOOLONG;
	memcpy(folder->path, main_path, length);
	folder->path[length] = '\0';
	return 0;
}

/* What of a path stands below the folder; NULL when it lies elsewhere. */
static const char *below(const struct config_folder *folder, const char *path)
{
	size_t length = strlen(folder->path);

	if (!length)
		return *path == '/' ? NULL : path;
	if (strncmp(path, folder->path, length))
		return NULL;
	if (folder->path[length - 1] == '/')
		return path + length;
	return path[length] == '/' ? path + length + 1 : NULL;
}

static bool has_dots(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (!strncmp(at, "..", 2) && (!at[2] || at[2] == '/'))
			return true;
	}
	return false;
}

/* Others must not be able to change what we read. */
static int trusted(int fd, const char *path, char *why)
{
	struct stat status;

	if (fstat(fd, &status))
		return refuse(-errno, why, "cannot read %s: %s", path, strerror(errno));
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return refuse(-EPERM, why, "%s belongs to another user (uid %u)", path,
			      (unsigned)status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return refuse(-EPERM, why, "%s can be written to by others (mode %04o): chmod go-w",
			      path, (unsigned)status.st_mode & 07777);
	return 0;
}

/* Opens one component; a link is refused by the kernel. */
static int open_step(int at, const char *name, bool is_last, const char *path, char *why)
{
	int flags = is_last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_RDONLY | O_DIRECTORY;
	int fd = openat(at, name, flags | O_CLOEXEC | O_NOFOLLOW), err;

	if (fd < 0 && (errno == ELOOP || (errno == ENOTDIR && !is_last)))
		return refuse(-ELOOP, why, "cannot open %s: \"%s\" is a symbolic link or no folder",
			      path, name);
	if (fd < 0)
		return refuse(-errno, why, "cannot open %s: %s", path, strerror(errno));
	err = trusted(fd, path, why);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int config_include_open(const struct config_folder *folder, const char *path, char *why)
{
	const char *rest = below(folder, path);
	char name[256];
	struct stat status;
	int fd, next;

	if (!rest || has_dots(rest) || !*rest)
		return refuse(-EXDEV, why, "%s is not below the folder of the main file", path);
	fd = open(*folder->path ? folder->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse(-errno, why, "cannot open %s: %s", folder->path, strerror(errno));
	while (*rest) {
		size_t length = strcspn(rest, "/");

		if (length >= sizeof(name)) {
			close(fd);
			return refuse(-ENAMETOOLONG, why, "%s has too long a name", path);
		}
		memcpy(name, rest, length);
		name[length] = '\0';
		rest += length + strspn(rest + length, "/");
		next = length ? open_step(fd, name, !*rest, path, why) : dup(fd);
		close(fd);
		if (next < 0)
			return next;
		fd = next;
	}
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) ||
	    status.st_size > (off_t)CONFIG_SIZE_MAX) {
		close(fd);
		return refuse(-EINVAL, why, "%s is no regular file of at most %u MiB", path,
			      CONFIG_SIZE_MAX >> 20);
	}
	return fd;
}

/* ---- files that keys name --------------------------------------------------------------------- */

static const char *const HOLDS[] = {
	[CONFIG_FILE_SECRET] = "a secret",
	[CONFIG_FILE_CA] = NULL,
	[CONFIG_FILE_CERTIFICATE] = NULL,
	[CONFIG_FILE_KEY] = "a private key",
};

/* Who else could read or change it. */
static int named_file(int fd, enum config_file kind, const char *path, char *why)
{
	struct stat status;
	int err = trusted(fd, path, why);

	if (err)
		return err;
	if (fstat(fd, &status))
		return refuse(-errno, why, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_size > (off_t)config_file_max(kind))
		return refuse(-EINVAL, why, "%s is no regular file of at most %zu bytes", path,
			      config_file_max(kind));
	if (HOLDS[kind] && (status.st_mode & S_IROTH))
		return refuse(-EPERM, why,
			      "%s holds %s and can be read by everybody (mode %04o): chmod o-r",
			      path, HOLDS[kind], (unsigned)status.st_mode & 07777);
	return 0;
}

int config_named_open(const struct config_folder *folder, enum config_file kind, const char *path,
		      char *why)
{
	bool is_relative = *path != '/' && *folder->path;
	char full[CONFIG_PATH_MAX];
	int length = snprintf(full, sizeof(full), "%s%s%s", is_relative ? folder->path : "",
			      is_relative ? "/" : "", path);
	int fd, err;

	if (length >= (int)sizeof(full))
		return refuse(-ENAMETOOLONG, why, "%.100s… has too long a name", path);
	fd = open(full, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ELOOP)
		return refuse(-ELOOP, why, "cannot open %s: it is a symbolic link", full);
	if (fd < 0)
		return refuse(-errno, why, "cannot open %s: %s", full, strerror(errno));
	err = named_file(fd, kind, full, why);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int config_named_read(int fd, enum config_file kind, const char *path, char *out, size_t *size,
		      char *why)
{
	size_t most = config_file_max(kind), used = 0;
	ssize_t got;

	do {
		got = read(fd, out + used, most - used);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return refuse(-errno, why, "cannot read %s: %s", path, strerror(errno));
	*size = used;
	return 0;
}

/* ---- patterns ------------------------------------------------------------------------------- */

/* The pattern with the including file's folder in front, in which nothing is a wildcard. */
static int full_pattern(const char *including_file, const char *pattern, char *out, size_t size)
{
	const char *slash = strrchr(including_file, '/');
	size_t used = 0;

	for (const char *at = including_file;
	     slash && *pattern != '/' && at <= slash && used + 2 < size; at++) {
		if (strchr("*?[\\", *at))
			out[used++] = '\\';
		out[used++] = *at;
	}
	if (used + strlen(pattern) >= size)
		return -ENAMETOOLONG;
	strcpy(out + used, pattern);
	return 0;
}

int config_include_list(const struct config_folder *folder, const char *including_file,
			const char *pattern, int (*found)(void *ctx, const char *path), void *ctx,
			char *why)
{
	char full[CONFIG_PATH_MAX];
	glob_t names = {0};
	int err;

	if (has_dots(pattern))
		return refuse(
			-EXDEV, why,
			"\"%s\" must stay below the folder of the main file: \"..\" is not allowed",
			pattern);
	if (full_pattern(including_file, pattern, full, sizeof(full)))
		return refuse(-ENAMETOOLONG, why, "\"%s\" is too long", pattern);
	if (*pattern == '/' && !below(folder, pattern))
		return refuse(-EXDEV, why, "\"%s\" must stay below the folder of the main file",
			      pattern);
	err = glob(full, 0, NULL, &names);
	if (err == GLOB_NOMATCH)
		err = strpbrk(pattern, "*?[")
			      ? 0
			      : refuse(-ENOENT, why, "there is no file \"%s\"", pattern);
	else if (err)
		err = refuse(-EIO, why, "\"%s\" cannot be looked up", pattern);
	for (size_t i = 0; !err && i < names.gl_pathc; i++)
		err = found(ctx, names.gl_pathv[i]);
	globfree(&names);
	return err;
}

/* ---- as config_files ------------------------------------------------------------------------ */

struct plain_include {
	const struct config_folder *folder;
	int (*found)(void *found_ctx, const char *path, const char *bytes, size_t size);
	void *found_ctx;
	char *why;
};

static int plain_found(void *ctx, const char *path)
{
	struct plain_include *include = ctx;
	cleanup(close_fd) int fd = config_include_open(include->folder, path, include->why);
	size_t size;
	char *bytes;
	int err = fd < 0 ? fd : read_all(fd, path, &bytes, &size, include->why);

	if (err)
		return err;
	err = include->found(include->found_ctx, path, bytes, size);
	free(bytes);
	return err;
}

static int plain_include(void *ctx, const char *including_file, const char *pattern,
			 int (*found)(void *found_ctx, const char *path, const char *bytes,
				      size_t size),
			 void *found_ctx, char *why)
{
	struct plain_include include = {ctx, found, found_ctx, why};

	return config_include_list(ctx, including_file, pattern, plain_found, &include, why);
}

static int plain_file(void *ctx, enum config_file kind, const char *path, char *out, size_t *size,
		      char *why)
{
	cleanup(close_fd) int fd = config_named_open(ctx, kind, path, why);

	return fd < 0 ? fd : config_named_read(fd, kind, path, out, size, why);
}

static bool plain_is_shared(void *ctx UNUSED, const char *path)
{
	struct stat status;

	return !stat(path, &status) && (status.st_mode & S_IROTH);
}

static const char *plain_environment(void *ctx UNUSED, const char *name)
{
	return getenv(name);
}

struct config_files config_files_plain(const struct config_folder *folder)
{
	return (struct config_files){.include = plain_include,
				     .environment = plain_environment,
				     .file = plain_file,
				     .look = pem_look,
				     .is_shared = plain_is_shared,
				     .ctx = (void *)(uintptr_t)folder};
}
