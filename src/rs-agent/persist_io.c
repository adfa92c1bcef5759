/* See the header. The file is written under another name, synced, and renamed: it must be whole
 * after a crash of the machine, which is what it is for. */
#include "rs-agent/persist_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "net/program_io.h"

#define TEMPORARY "." PERSIST_UNIT ".new"
#define LINK PERSIST_WANTS "/" PERSIST_UNIT
#define UNIT_LIMIT 262144

static int folder_open(char *why)
{
	int fd = open(PERSIST_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT) {
		snprintf(why, PERSIST_WHY,
			 "this host has no systemd (there is no " PERSIST_FOLDER
			 "): run lbha-rs setup from what starts services here");
		return -ENOENT;
	}
	snprintf(why, PERSIST_WHY, "cannot open " PERSIST_FOLDER ": %s", strerror(errno));
	return -errno;
}

static int refuse(const char *what, int err, char *why)
{
	snprintf(why, PERSIST_WHY, "cannot %s " PERSIST_FOLDER "/" PERSIST_UNIT ": %s", what,
		 strerror(-err));
	return err;
}

/* ---- looking ---- */

static int read_all(int fd, struct arena *arena, const char **out)
{
	char *text;
	struct stat file;
	ssize_t got;

	if (fstat(fd, &file))
		return -errno;
	if (!S_ISREG(file.st_mode) || file.st_size >= UNIT_LIMIT)
		return -EFBIG;
	text = arena_alloc(arena, (size_t)file.st_size + 1);
	if (!text)
		return -ENOMEM;
	got = read(fd, text, (size_t)file.st_size);
	if (got < 0)
		return -errno;
	*out = text;
	return 0;
}

/* A link in the place of the file is somebody's: "systemctl mask" makes one. */
static int read_unit(int folder, struct arena *arena, const char **out)
{
	int fd = openat(folder, PERSIST_UNIT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno == ELOOP) {
		*out = "";
		return 0;
	}
	if (fd < 0)
		return -errno;
	err = read_all(fd, arena, out);
	close(fd);
	return err;
}

int persist_find(struct arena *arena, struct persist_found *out, char *why)
{
	struct persist_found found = {0};
	struct stat link;
	int folder = folder_open(why), err;

	if (folder < 0)
		return folder;
	err = read_unit(folder, arena, &found.text);
	found.is_enabled = !fstatat(folder, LINK, &link, AT_SYMLINK_NOFOLLOW);
	close(folder);
	if (err)
		return refuse("read", err, why);
	*out = found;
	return 0;
}

/* ---- changing ---- */

/* systemd reads the files itself at the next boot, so it is no failure if it cannot now. */
static void tell_systemd(char *why)
{
	static const char *const words[] = {"systemctl", "daemon-reload", NULL};
	struct program_said said;

	*why = '\0';
	if (access("/run/systemd/system", F_OK))
		return;
	if (program_run(words, "", &said))
		snprintf(why, PERSIST_WHY, "systemctl daemon-reload: %s", said.error);
	else
		free(said.out);
}

static int write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t done = write(fd, text, left);

		if (done < 0)
			return -errno;
		text += done;
		left -= (size_t)done;
	}
	return 0;
}

static int put_file(int folder, const char *text)
{
	int fd = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			0644), err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	if (!err && fsync(fd))
		err = -errno;
	close(fd);
	if (!err && renameat(folder, TEMPORARY, folder, PERSIST_UNIT))
		err = -errno;
	if (err)
		unlinkat(folder, TEMPORARY, 0);
	return err;
}

static int enable(int folder)
{
	if (mkdirat(folder, PERSIST_WANTS, 0755) && errno != EEXIST)
		return -errno;
	if (symlinkat(PERSIST_FOLDER "/" PERSIST_UNIT, folder, LINK) && errno != EEXIST)
		return -errno;
	return 0;
}

int persist_write(const char *text, bool enabling, char *why)
{
	int folder = folder_open(why), err;

	if (folder < 0)
		return folder;
	err = put_file(folder, text);
	if (!err && enabling)
		err = enable(folder);
	if (!err && fsync(folder))
		err = -errno;
	close(folder);
	if (err)
		return refuse("write", err, why);
	tell_systemd(why);
	return 0;
}

static int remove_file(int folder, const char *name)
{
	return unlinkat(folder, name, 0) && errno != ENOENT ? -errno : 0;
}

int persist_remove(char *why)
{
	int folder = folder_open(why), err;

	if (folder < 0)
		return folder;
	err = remove_file(folder, LINK);
	if (!err)
		err = remove_file(folder, PERSIST_UNIT);
	if (!err)
		err = remove_file(folder, TEMPORARY);
	unlinkat(folder, PERSIST_WANTS, AT_REMOVEDIR); /* if empty, as systemctl does */
	close(folder);
	if (err)
		return refuse("remove", err, why);
	tell_systemd(why);
	return 0;
}

/* ---- where we are ---- */

int persist_places(struct arena *arena, const char **program, const char **cwd)
{
	char path[PATH_MAX], folder[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length < 0)
		return -errno;
	path[length] = '\0';
	if (!getcwd(folder, sizeof(folder)))
		return -errno;
	*program = arena_strdup(arena, path);
	*cwd = arena_strdup(arena, folder);
	return *program && *cwd ? 0 : -ENOMEM;
}

bool persist_is_at_home(void)
{
	struct stat first, own;

	return stat("/proc/1/ns/net", &first) || stat("/proc/self/ns/net", &own) ||
	       (first.st_dev == own.st_dev && first.st_ino == own.st_ino);
}
