/* Which files are read: below the folder of the main file, through no link, written by nobody else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/files_io.h"
#include "suite.h"

static char top[64], main_path[128], why[CONFIG_WHY];
static struct config_folder folder;
static char found_names[1024];
static struct text found_text;

static const char *at(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(at(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(chmod(at(name), mode), 0);
}

static void setup(void)
{
	strcpy(top, "/tmp/lbha-files-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(mkdir(at("etc"), 0755), 0);
	ck_assert_int_eq(mkdir(at("etc/conf.d"), 0755), 0);
	write_file("etc/lbha.conf", "include: conf.d/*.yaml\n", 0644);
	write_file("etc/conf.d/b.yaml", "b", 0644);
	write_file("etc/conf.d/a.yaml", "a", 0644);
	write_file("outside.yaml", "outside", 0644);
	snprintf(main_path, sizeof(main_path), "%s", at("etc/lbha.conf"));
	ck_assert_int_eq(config_folder_of(&folder, main_path), 0);
	found_text = text_of(found_names, sizeof(found_names));
	why[0] = '\0';
}

static void teardown(void)
{
	static const char *const names[] = {"etc/key",
					    "etc/keylink",
					    "outside.key",
					    "etc/conf.d/a.yaml",
					    "etc/conf.d/b.yaml",
					    "etc/conf.d/link.yaml",
					    "etc/conf.d",
					    "etc/real/x.yaml",
					    "etc/real",
					    "etc/linked",
					    "etc/lbha.conf",
					    "etc/big.yaml",
					    "etc/fifo",
					    "etc/[x]/y.yaml",
					    "etc/[x]/main.conf",
					    "etc/[x]",
					    "etc",
					    "outside.yaml",
					    ""};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		remove(at(names[i]));
}

static int note(void *ctx, const char *path, const char *bytes, size_t size)
{
	(void)ctx;
	text_add(&found_text, "%s=%.*s ", path + strlen(top), (int)size, bytes);
	return 0;
}

static int include(const char *from, const char *pattern)
{
	struct config_files files = config_files_plain(&folder);

	return files.include(files.ctx, from, pattern, note, NULL, why);
}

START_TEST(a_pattern_gives_its_files_in_order)
{
	ck_assert_int_eq(include(main_path, "conf.d/*.yaml"), 0);
	ck_assert_str_eq(found_names, "/etc/conf.d/a.yaml=a /etc/conf.d/b.yaml=b ");
}
END_TEST

START_TEST(a_path_is_relative_to_the_including_file)
{
	ck_assert_int_eq(include(at("etc/conf.d/a.yaml"), "b.yaml"), 0);
	ck_assert_int_eq(include(main_path, at("etc/conf.d/a.yaml")), 0);
	ck_assert_str_eq(found_names, "/etc/conf.d/b.yaml=b /etc/conf.d/a.yaml=a ");
}
END_TEST

START_TEST(a_folder_with_wildcards_in_its_name_is_no_pattern)
{
	ck_assert_int_eq(mkdir(at("etc/[x]"), 0755), 0);
	write_file("etc/[x]/y.yaml", "y", 0644);
	ck_assert_int_eq(include(at("etc/[x]/main.conf"), "*.yaml"), 0);
	ck_assert_str_eq(found_names, "/etc/[x]/y.yaml=y ");
}
END_TEST

START_TEST(a_missing_file_is_an_error_an_empty_pattern_is_none)
{
	ck_assert_int_eq(include(main_path, "conf.d/*.nothing"), 0);
	ck_assert_int_eq(include(main_path, "conf.d/missing.yaml"), -ENOENT);
	ck_assert_str_eq(why, "there is no file \"conf.d/missing.yaml\"");
	ck_assert_str_eq(found_names, "");
}
END_TEST

START_TEST(nothing_outside_the_folder_is_read)
{
	ck_assert_int_eq(include(main_path, "../outside.yaml"), -EXDEV);
	ck_assert_int_eq(include(main_path, "conf.d/../../outside.yaml"), -EXDEV);
	ck_assert_int_eq(include(main_path, at("outside.yaml")), -EXDEV);
	ck_assert_int_eq(config_include_open(&folder, at("outside.yaml"), why), -EXDEV);
	ck_assert_int_eq(config_include_open(&folder, at("etc/../outside.yaml"), why), -EXDEV);
	ck_assert_int_eq(config_include_open(&folder, at("etc"), why), -EXDEV);
	ck_assert_str_eq(found_names, "");
}
END_TEST

START_TEST(links_are_not_followed)
{
	ck_assert_int_eq(symlink("../../outside.yaml", at("etc/conf.d/link.yaml")), 0);
	ck_assert_int_eq(include(main_path, "conf.d/link.yaml"), -ELOOP);
	ck_assert_int_eq(mkdir(at("etc/real"), 0755), 0);
	write_file("etc/real/x.yaml", "x", 0644);
	ck_assert_int_eq(symlink("real", at("etc/linked")), 0);
	ck_assert_int_eq(include(main_path, "linked/x.yaml"), -ELOOP);
	ck_assert_ptr_nonnull(strstr(why, "symbolic link"));
	ck_assert_int_eq(include(main_path, "real/x.yaml"), 0);
	ck_assert_str_eq(found_names, "/etc/real/x.yaml=x ");
}
END_TEST

START_TEST(what_others_can_write_is_refused)
{
	ck_assert_int_eq(chmod(at("etc/conf.d/a.yaml"), 0664), 0);
	ck_assert_int_eq(include(main_path, "conf.d/a.yaml"), -EPERM);
	ck_assert_ptr_nonnull(strstr(why, "can be written to by others (mode 0664): chmod go-w"));
	ck_assert_int_eq(chmod(at("etc/conf.d"), 0777), 0);
	ck_assert_int_eq(include(main_path, "conf.d/b.yaml"), -EPERM);
	ck_assert_str_eq(found_names, "");
}
END_TEST

START_TEST(only_regular_files_of_a_sane_size_are_read)
{
	char *bytes;
	size_t size;

	ck_assert_int_eq(mkfifo(at("etc/fifo"), 0644), 0);
	ck_assert_int_eq(config_include_open(&folder, at("etc/fifo"), why), -EINVAL);
	ck_assert_int_eq(config_include_open(&folder, at("etc/conf.d"), why), -EINVAL);
	ck_assert_int_eq(config_file_read(at("etc/fifo"), &bytes, &size, why), -EINVAL);
	ck_assert_int_eq(config_file_read(at("etc/none"), &bytes, &size, why), -ENOENT);
	write_file("etc/big.yaml", "", 0644);
	ck_assert_int_eq(truncate(at("etc/big.yaml"), (off_t)CONFIG_SIZE_MAX + 1), 0);
	ck_assert_int_eq(config_include_open(&folder, at("etc/big.yaml"), why), -EINVAL);
	ck_assert_int_eq(config_file_read(at("etc/big.yaml"), &bytes, &size, why), -EFBIG);
	ck_assert_int_eq(config_file_read(main_path, &bytes, &size, why), 0);
	ck_assert_uint_eq(size, strlen("include: conf.d/*.yaml\n"));
	free(bytes);
}
END_TEST

static int named(enum config_file kind, const char *path)
{
	static char bytes[CONFIG_CERTIFICATES_MAX];
	struct config_files files = config_files_plain(&folder);
	size_t size = 0;
	int err = files.file(files.ctx, kind, path, bytes, &size, why);

	if (!err)
		text_add(&found_text, "%.*s", (int)size, bytes);
	return err;
}

static int secret(const char *path)
{
	return named(CONFIG_FILE_SECRET, path);
}

START_TEST(a_secret_is_found_from_the_main_files_folder_or_by_its_full_path)
{
	write_file("etc/key", "inside", 0640);
	write_file("outside.key", "outside", 0400);
	ck_assert_int_eq(secret("key"), 0);
	ck_assert_int_eq(secret("../outside.key"), 0);
	ck_assert_int_eq(secret(at("outside.key")), 0);
	ck_assert_str_eq(found_names, "insideoutsideoutside");
	ck_assert_int_eq(secret("none"), -ENOENT);
}
END_TEST

START_TEST(a_secret_that_others_can_read_or_write_is_refused)
{
	static const mode_t modes[] = {0644, 0604, 0602, 0660, 0620};

	write_file("etc/key", "secret", 0600);
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		ck_assert_int_eq(chmod(at("etc/key"), modes[i]), 0);
		ck_assert_int_eq(secret("key"), -EPERM);
		ck_assert_ptr_nonnull(strstr(why, "chmod"));
	}
	ck_assert_int_eq(chmod(at("etc/key"), 0640), 0);
	ck_assert_int_eq(symlink("key", at("etc/keylink")), 0);
	ck_assert_int_eq(secret("keylink"), -ELOOP);
	ck_assert_int_eq(secret("conf.d"), -EINVAL);
	ck_assert_int_eq(truncate(at("etc/key"), CONFIG_SECRET_MAX + 1), 0);
	ck_assert_int_eq(secret("key"), -EINVAL);
	ck_assert_int_eq(truncate(at("etc/key"), CONFIG_SECRET_MAX), 0);
	ck_assert_int_eq(secret("key"), 0);
}
END_TEST

START_TEST(a_private_key_is_kept_as_a_secret_is)
{
	write_file("etc/key", "key", 0640);
	ck_assert_int_eq(named(CONFIG_FILE_KEY, "key"), 0);
	ck_assert_int_eq(chmod(at("etc/key"), 0644), 0);
	ck_assert_int_eq(named(CONFIG_FILE_KEY, "key"), -EPERM);
	ck_assert_ptr_nonnull(strstr(why, "holds a private key"));
	ck_assert_int_eq(chmod(at("etc/key"), 0640), 0);
	ck_assert_int_eq(truncate(at("etc/key"), CONFIG_KEY_MAX + 1), 0);
	ck_assert_int_eq(named(CONFIG_FILE_KEY, "key"), -EINVAL);
}
END_TEST

START_TEST(a_certificate_may_be_read_by_all_and_written_by_nobody_else)
{
	static const enum config_file kinds[] = {CONFIG_FILE_CA, CONFIG_FILE_CERTIFICATE};

	write_file("etc/key", "certificate", 0644);
	ck_assert_int_eq(symlink("key", at("etc/keylink")), 0);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		ck_assert_int_eq(chmod(at("etc/key"), 0644), 0);
		ck_assert_int_eq(named(kinds[i], "key"), 0);
		ck_assert_int_eq(named(kinds[i], "keylink"), -ELOOP);
		ck_assert_int_eq(chmod(at("etc/key"), 0664), 0);
		ck_assert_int_eq(named(kinds[i], "key"), -EPERM);
	}
}
END_TEST

START_TEST(a_configuration_is_shared_when_everybody_can_read_it)
{
	struct config_files files = config_files_plain(&folder);

	ck_assert(files.is_shared(files.ctx, main_path));
	ck_assert_int_eq(chmod(main_path, 0640), 0);
	ck_assert(!files.is_shared(files.ctx, main_path));
}
END_TEST

START_TEST(a_descriptor_for_another_process_is_closed_on_exec)
{
	int fd = config_include_open(&folder, at("etc/conf.d/a.yaml"), why);

	ck_assert_msg(fd >= 0, "%s", why);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
}
END_TEST

START_TEST(a_main_file_without_a_folder_is_in_the_present_one)
{
	int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(chdir(at("etc")), 0);
	ck_assert_int_eq(config_folder_of(&folder, "lbha.conf"), 0);
	top[0] = '\0'; /* paths are told as they are */
	ck_assert_int_eq(include("lbha.conf", "conf.d/a.yaml"), 0);
	ck_assert_int_eq(fchdir(back), 0);
	close(back);
	ck_assert_str_eq(found_names, "conf.d/a.yaml=a ");
	snprintf(top, sizeof(top), "%.*s", (int)(strlen(main_path) - strlen("/etc/lbha.conf")),
		 main_path);
}
END_TEST

int main(void)
{
	TCase *tcase =
		CASE("files", a_pattern_gives_its_files_in_order,
		     a_path_is_relative_to_the_including_file,
		     a_folder_with_wildcards_in_its_name_is_no_pattern,
		     a_missing_file_is_an_error_an_empty_pattern_is_none,
		     nothing_outside_the_folder_is_read, links_are_not_followed,
		     what_others_can_write_is_refused, only_regular_files_of_a_sane_size_are_read,
		     a_secret_is_found_from_the_main_files_folder_or_by_its_full_path,
		     a_secret_that_others_can_read_or_write_is_refused,
		     a_private_key_is_kept_as_a_secret_is,
		     a_certificate_may_be_read_by_all_and_written_by_nobody_else,
		     a_configuration_is_shared_when_everybody_can_read_it,
		     a_descriptor_for_another_process_is_closed_on_exec,
		     a_main_file_without_a_folder_is_in_the_present_one);

	tcase_add_checked_fixture(tcase, setup, teardown);
	return SUITE_RUN("config files", tcase);
}
