/* A walk with O_PATH, one name at a time: what is judged is what the kernel opens next. A name that was judged cannot
 * be replaced afterwards but by root or the user, who may run what they like as that user anyway. */
#include "daemon/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define LINKS_MAX 40 /* as the kernel */
#define PATH_SHOWN 56

struct walk {
	uid_t user;
	bool of_folder;            /* that is wanted, and not a program */
	struct text *why;
	int folder;                /* O_PATH */
	char rest[2 * PATH_MAX];   /* what is still to be walked */
	char name[NAME_MAX + 1];   /* the name at hand; empty: the folder itself */
	char path[PATH_MAX];       /* that of the folder, to say where a name is */
	unsigned links;
};

/* Room is short where this is shown: of a long path the end tells most, and the text must not be cut. */
static int refuse(struct walk *walk, int err, const char *text)
{
	char path[PATH_MAX + NAME_MAX + 2];
	size_t length = (size_t)snprintf(path, sizeof(path), "%s%s%s", walk->path,
					  *walk->name || !*walk->path ? "/" : "", walk->name);
	bool is_long = length > PATH_SHOWN && !walk->of_folder;

	text_add(walk->why, "%s%s: %s", is_long ? "..." : "",
		 path + (is_long ? length - PATH_SHOWN : 0), text);
	return err;
}

static bool at_end(const struct walk *walk)
{
	return !walk->rest[strspn(walk->rest, "/")];
}

static int judge_owner(struct walk *walk, const struct stat *about)
{
	if (about->st_uid == 0 || about->st_uid == walk->user)
		return 0;
	return refuse(walk, -EPERM, walk->of_folder ? "belongs to another user"
						     : "belongs neither to root nor to the user it runs as");
}

static int judge(struct walk *walk, const struct stat *about)
{
	bool is_sticky = walk->of_folder && about->st_mode & S_ISVTX && !at_end(walk);
	int err = judge_owner(walk, about);

	if (err || is_sticky)
		return err;
	if (about->st_mode & S_IWOTH)
		return refuse(walk, -EPERM, "can be written by everybody");
	if (about->st_mode & S_IWGRP && about->st_gid != 0)
		return refuse(walk, -EPERM, "can be written by its group");
	return 0;
}

static void folder_set(struct walk *walk, int folder)
{
	if (walk->folder >= 0)
		close(walk->folder);
	walk->folder = folder;
}

/* The folder at hand is entered: its name is added, "." and ".." are followed. */
static void path_enter(struct walk *walk)
{
	size_t length = strlen(walk->path);
	char *last = strrchr(walk->path, '/');

	if (!strcmp(walk->name, "..") && last)
		*last = '\0';
	else if (strcmp(walk->name, ".") != 0 && strcmp(walk->name, "..") != 0)
		snprintf(walk->path + length, sizeof(walk->path) - length, "/%s", walk->name);
	*walk->name = '\0';
}

/* The next name of the rest into walk->name; false at the end. */
static bool next_name(struct walk *walk)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");

	if (!length || length > NAME_MAX)
		return false;
	memcpy(walk->name, start, length);
	walk->name[length] = '\0';
	memmove(walk->rest, start + length, strlen(start + length) + 1);
	return true;
}

/* The link's text takes its place in the rest. */
static int follow(struct walk *walk, int link)
{
	char target[PATH_MAX], after[sizeof(walk->rest)];
	ssize_t length = readlinkat(link, "", target, sizeof(target) - 1);

	if (length <= 0)
		return refuse(walk, -ENOENT, "is a broken link");
	if (++walk->links > LINKS_MAX)
		return refuse(walk, -ELOOP, "leads through too many links");
	target[length] = '\0';
	memcpy(after, walk->rest, sizeof(after));
	if (snprintf(walk->rest, sizeof(walk->rest), "%s%s", target, after) >= (int)sizeof(walk->rest))
		return refuse(walk, -ENAMETOOLONG, strerror(ENAMETOOLONG));
	if (*target == '/') {
		folder_set(walk, open("/", O_PATH | O_CLOEXEC));
		*walk->path = '\0';
	}
	return 0;
}

static int open_name(const struct walk *walk)
{
	return openat(walk->folder, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* One name: a link is followed, a folder becomes the present one, a file must be the end. */
static int step(struct walk *walk, bool *at_file)
{
	int fd = open_name(walk), err;
	struct stat about;

	if (fd < 0 && errno == ENOENT && walk->of_folder && at_end(walk) && !mkdirat(walk->folder, walk->name, 0755))
		fd = open_name(walk);
	if (fd < 0 || fstat(fd, &about)) {
		err = errno;
		if (fd >= 0)
			close(fd);
		return refuse(walk, -err, strerror(err));
	}
	if (S_ISLNK(about.st_mode)) {
		err = walk->of_folder ? judge_owner(walk, &about) : 0;
		if (!err)
			err = follow(walk, fd);
		close(fd);
		return err;
	}
	err = judge(walk, &about);
	if (!err && S_ISDIR(about.st_mode)) {
		folder_set(walk, fd);
		path_enter(walk);
		return 0;
	}
	close(fd);
	if (!err && walk->of_folder)
		return refuse(walk, -ENOTDIR, "is no folder");
	if (!err && (!S_ISREG(about.st_mode) || !at_end(walk)))
		return refuse(walk, -EACCES, "is no file");
	*at_file = true;
	return err;
}

static int walk_through(struct walk *walk, bool *at_file)
{
	struct stat root;
	int err;

	walk->folder = open("/", O_PATH | O_CLOEXEC);
	err = walk->folder < 0 || fstat(walk->folder, &root) ? -errno : judge(walk, &root);
	while (!err && !*at_file && next_name(walk))
		err = step(walk, at_file);
	return err;
}

int trusted_program(const char *path, uid_t user, struct text *why)
{
	struct walk walk = {.user = user, .why = why, .folder = -1};
	bool at_file = false;
	int err;

	snprintf(walk.rest, sizeof(walk.rest), "%s", path);
	err = walk_through(&walk, &at_file);
	if (!err && !at_file)
		err = refuse(&walk, -EACCES, "is a folder");
	folder_set(&walk, -1);
	return err;
}

int trusted_folder(const char *path, struct text *why)
{
	struct walk walk = {.user = geteuid(), .of_folder = true, .why = why, .folder = -1};
	bool at_file = false;
	int err, folder = -1;

	if (*path != '/' && !getcwd(walk.rest, PATH_MAX))
		return refuse(&walk, -errno, strerror(errno));
	snprintf(walk.rest + strlen(walk.rest), sizeof(walk.rest) - strlen(walk.rest), "/%s", path);
	err = walk_through(&walk, &at_file);
	if (!err)
		folder = openat(walk.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && folder < 0)
		err = refuse(&walk, -errno, strerror(errno));
	folder_set(&walk, -1);
	return err ? err : folder;
}
