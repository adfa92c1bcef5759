/* struct config_files over the file system, for those who read lbha.conf with their own rights:
 * lbhad --check and lbha-rs. The rules are the supervisor's too: an included file lies below the
 * folder of the main file, is a regular file reached without symbolic link, and neither it nor a
 * folder on the way can be written to by anybody but root and us. */
#ifndef LBHA_CONFIG_FILES_IO_H
#define LBHA_CONFIG_FILES_IO_H

#include <stddef.h>

#include "config/compile.h"

#define CONFIG_PATH_MAX 4096

/* Where a main file lies; keep it as long as the config_files made from it. */
struct config_folder {
	char path[CONFIG_PATH_MAX]; /* of the main file, as given; "" when it had none, "/" for the
				       root */
};

/* Reads the whole main file (regular, at most CONFIG_SIZE_MAX); *bytes is malloc'ed. A negative
 * errno with a sentence in `why` (CONFIG_WHY bytes): unreadable (exit status 2 of --check) in all
 * cases. */
int config_file_read(const char *path, char **bytes, size_t *size, char *why);

/* Fills the folder from the path of the main file. -ENAMETOOLONG. */
int config_folder_of(struct config_folder *folder, const char *main_path);

/* Opens one included file by the rules above and returns its descriptor (O_CLOEXEC, size within
 * CONFIG_SIZE_MAX); for the supervisor, who hands it to the compiler. Negative errno with `why`. */
int config_include_open(const struct config_folder *folder, const char *path, char *why);

/* Walks the files of a pattern in order of their names: `path` as errors will call it. As
 * config_files.include, but without opening them. */
int config_include_list(const struct config_folder *folder, const char *including_file,
			const char *pattern, int (*found)(void *ctx, const char *path), void *ctx,
			char *why);

/* Opens a file that a key names (path absolute or relative to the folder) and returns its
 * descriptor: a regular file of at most config_file_max() bytes, no symbolic link, written by nobody
 * but root and us; a secret or private key is read by nobody but owner and group. The folders on the
 * way are the path's own matter. Negative errno with `why`. */
int config_named_open(const struct config_folder *folder, enum config_file kind, const char *path,
		      char *why);

/* All bytes of such a descriptor into `out` (config_file_max() bytes). Negative errno with `why`. */
int config_named_read(int fd, enum config_file kind, const char *path, char *out, size_t *size,
		      char *why);

/* Includes, environment and named files of this process; `folder` is kept. */
struct config_files config_files_plain(const struct config_folder *folder);

#endif
