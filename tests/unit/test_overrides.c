/* The list of overrides, its text, its file, and the record between processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/overrides_file.h"
#include "suite.h"

#define SINCE (1767323045678 * NSTIME_MS) /* 2026-01-02T03:04:05.678Z */

static struct override priority(const char *object, const char *value)
{
	struct override made = {.kind = OVERRIDE_PRIORITY, .by = "root", .since = SINCE};

	snprintf(made.object, sizeof(made.object), "%s", object);
	snprintf(made.value, sizeof(made.value), "%s", value);
	return made;
}

static struct override maintenance(nstime until)
{
	return (struct override){.kind = OVERRIDE_MAINTENANCE,
				 .object = OVERRIDE_DIRECTOR,
				 .value = "on",
				 .by = "root",
				 .comment = "new switch",
				 .since = SINCE,
				 .until = until};
}

static void set(struct overrides *list, struct override override)
{
	ck_assert_int_eq(overrides_set(list, &override), 0);
}

/* ---- the list -------------------------------------------------------------------------------- */

START_TEST(the_second_word_about_an_object_replaces_the_first)
{
	struct overrides list = {0};

	set(&list, priority("public", "120"));
	set(&list, priority("inside", "90"));
	set(&list, priority("public", "130"));
	ck_assert_uint_eq(list.count, 2);
	ck_assert_str_eq(overrides_find(&list, OVERRIDE_PRIORITY, "public")->value, "130");
	ck_assert_ptr_null(overrides_find(&list, OVERRIDE_MAINTENANCE, "public"));
	ck_assert(overrides_remove(&list, OVERRIDE_PRIORITY, "public"));
	ck_assert(!overrides_remove(&list, OVERRIDE_PRIORITY, "public"));
	ck_assert_str_eq(list.rows[0].object, "inside");
	overrides_free(&list);
}
END_TEST

START_TEST(only_sound_overrides_get_in)
{
	static const char *const wrong[] = {"",	  "0",	"255", "256", "999",  "1000",
					    "-1", "+5", "010", "1e1", "auto", " 5"};
	struct override nobody = priority("", "5"), elsewhere = maintenance(0),
			off = maintenance(0), early = maintenance(-1);
	struct overrides list = {0};

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct override override = priority("public", wrong[i]);

		ck_assert_msg(overrides_set(&list, &override) == -EINVAL, "\"%s\"", wrong[i]);
	}
	strcpy(elsewhere.object, "public");
	strcpy(off.value, "off");
	ck_assert_int_eq(overrides_set(&list, &nobody), -EINVAL);
	ck_assert_int_eq(overrides_set(&list, &elsewhere), -EINVAL);
	ck_assert_int_eq(overrides_set(&list, &off), -EINVAL);
	ck_assert_int_eq(overrides_set(&list, &early), -EINVAL);
	ck_assert_uint_eq(list.count, 0);
	set(&list, priority("public", "1"));
	set(&list, priority("public", "254"));
	ck_assert_uint_eq(override_priority(&list.rows[0]), 254);
	overrides_free(&list);
}
END_TEST

static struct override of_server(enum override_kind kind, const char *object, const char *value)
{
	struct override made = priority(object, value);

	made.kind = kind;
	return made;
}

START_TEST(a_server_has_a_state_and_a_weight)
{
	static const struct {
		enum override_kind kind;
		const char *object, *value;
		bool is_sound;
	} rows[] = {
		{OVERRIDE_STATE, "web/a", "drained", true},
		{OVERRIDE_STATE, "web/2001:db8::1", "disabled", true},
		{OVERRIDE_STATE, "web/a", "enabled", true},
		{OVERRIDE_WEIGHT, "web/a", "0", true},
		{OVERRIDE_WEIGHT, "web/a", "65535", true},
		{OVERRIDE_STATE, "web/a", "drain", false},
		{OVERRIDE_STATE, "web/a", "", false},
		{OVERRIDE_STATE, "web", "drained", false},
		{OVERRIDE_STATE, "/a", "drained", false},
		{OVERRIDE_STATE, "web/", "drained", false},
		{OVERRIDE_WEIGHT, "web", "1", false},
		{OVERRIDE_WEIGHT, "web/a", "65536", false},
		{OVERRIDE_WEIGHT, "web/a", "-1", false},
		{OVERRIDE_WEIGHT, "web/a", "01", false},
		{OVERRIDE_WEIGHT, "web/a", "auto", false},
		{OVERRIDE_WEIGHT, "web/a", "100000000000", false},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct override override = of_server(rows[i].kind, rows[i].object, rows[i].value);

		ck_assert_msg(!override_wrong(&override) == rows[i].is_sound, "row %zu", i);
	}
}
END_TEST

START_TEST(only_what_is_drained_has_a_deadline)
{
	struct override drained = of_server(OVERRIDE_STATE, "web/a", "drained"),
			disabled = of_server(OVERRIDE_STATE, "web/a", "disabled"),
			weight = of_server(OVERRIDE_WEIGHT, "web/a", "5");

	drained.deadline = disabled.deadline = weight.deadline = SINCE;
	ck_assert_ptr_null(override_wrong(&drained));
	ck_assert_ptr_nonnull(override_wrong(&disabled));
	ck_assert_ptr_nonnull(override_wrong(&weight));
	drained.deadline = -1;
	ck_assert_ptr_nonnull(override_wrong(&drained));
}
END_TEST

START_TEST(an_object_names_a_service_and_a_server)
{
	char object[OVERRIDE_OBJECT], longest[OVERRIDE_OBJECT];

	ck_assert(override_object_of(object, "a/b", "c/d"));
	ck_assert_str_eq(object, "a/b/c/d");
	ck_assert_str_eq(override_server(object, "a/b"), "c/d");
	ck_assert_str_eq(override_server(object, "a"),
			 "b/c/d"); /* the model has one or the other */
	ck_assert_ptr_null(override_server(object, "a/"));
	ck_assert_ptr_null(override_server(object, "b"));
	ck_assert_ptr_null(override_server("web", "web"));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(!override_object_of(object, "web", longest));
	ck_assert_str_eq(object, "a/b/c/d");
}
END_TEST

START_TEST(an_operator_goes_before_the_file_but_enables_nothing_that_is_not_checked)
{
	struct override enabled = of_server(OVERRIDE_STATE, "web/a", "enabled"),
			disabled = of_server(OVERRIDE_STATE, "web/a", "disabled");

	ck_assert_int_eq(override_admin(ADMIN_DRAINED, NULL), ADMIN_DRAINED);
	ck_assert_int_eq(override_admin(ADMIN_DRAINED, &enabled), ADMIN_ENABLED);
	ck_assert_int_eq(override_admin(ADMIN_ENABLED, &disabled), ADMIN_DISABLED);
	ck_assert_int_eq(override_admin(ADMIN_DISABLED, &enabled), ADMIN_DISABLED);
}
END_TEST

START_TEST(the_list_has_an_end)
{
	struct override one_more = priority("one more", "1");
	struct overrides list = {0};
	char name[32];

	for (int i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(name, sizeof(name), "i%d", i);
		set(&list, priority(name, "100"));
	}
	ck_assert_int_eq(overrides_set(&list, &one_more), -ENOSPC);
	set(&list, priority("i7", "120"));
	overrides_free(&list);
}
END_TEST

static void note(void *ctx, const struct override *gone)
{
	strcat(ctx, gone->object);
	strcat(ctx, " ");
}

START_TEST(what_has_ended_goes_and_is_told)
{
	struct override brief = priority("public", "120");
	struct overrides list = {0};
	char gone[64] = "";

	brief.until = SINCE + NSTIME_S;
	ck_assert_int_eq(overrides_next_end(&list), NSTIME_NEVER);
	set(&list, priority("inside", "90"));
	ck_assert_int_eq(overrides_next_end(&list), NSTIME_NEVER);
	set(&list, brief);
	set(&list, maintenance(SINCE + 2 * NSTIME_S));
	ck_assert_int_eq(overrides_next_end(&list), brief.until);
	ck_assert_uint_eq(overrides_expire(&list, brief.until - 1, note, gone), 0);
	ck_assert_uint_eq(overrides_expire(&list, brief.until, note, gone), 1);
	ck_assert_int_eq(overrides_next_end(&list), SINCE + 2 * NSTIME_S);
	ck_assert_uint_eq(overrides_expire(&list, SINCE + NSTIME_S * 3600, note, gone), 1);
	ck_assert_str_eq(gone, "public director ");
	ck_assert_uint_eq(list.count, 1);
	overrides_free(&list);
}
END_TEST

/* ---- the text -------------------------------------------------------------------------------- */

static void parse(struct overrides *list, const char *text)
{
	ck_assert_int_eq(overrides_parse(list, text, strlen(text), NULL, NULL), 0);
}

static void is_text(const struct overrides *list, const char *wanted)
{
	size_t size;
	char *text = overrides_format(list, &size);

	ck_assert_str_eq(text, wanted);
	ck_assert_uint_eq(size, strlen(wanted));
	free(text);
}

#define HEAD "{\"lbha_overrides\":1}\n"

START_TEST(the_text_is_a_line_of_json_for_each)
{
	static const char text[] =
		HEAD "{\"object\":\"public\",\"kind\":\"priority\",\"value\":\"120\",\"by\":"
		     "\"root\",\"comment\":\"\","
		     "\"since\":\"2026-01-02T03:04:05.678Z\",\"until\":null}\n"
		     "{\"object\":\"director\",\"kind\":\"maintenance\",\"value\":\"on\","
		     "\"by\":"
		     "\"root\","
		     "\"comment\":\"new switch\",\"since\":\"2026-01-02T03:04:05.678Z\","
		     "\"until\":\"2026-01-02T04:04:05.678Z\"}\n"
		     "{\"object\":\"web/a\",\"kind\":\"state\",\"value\":\"drained\",\"by\":"
		     "\"root\",\"comment\":\"\","
		     "\"since\":\"2026-01-02T03:04:05.678Z\",\"until\":null,"
		     "\"deadline\":\"2026-01-02T03:04:06.678Z\"}\n";
	struct override drained = of_server(OVERRIDE_STATE, "web/a", "drained");
	struct overrides list = {0}, back = {0};

	set(&list, priority("public", "120"));
	set(&list, maintenance(SINCE + 3600 * NSTIME_S));
	drained.deadline = SINCE + NSTIME_S;
	set(&list, drained);
	is_text(&list, text);
	parse(&back, text);
	is_text(&back, text);
	overrides_free(&list);
	overrides_free(&back);
}
END_TEST

struct complaints {
	unsigned lines[8];
	size_t count;
};

static void complain(void *ctx, unsigned line, const char *why)
{
	struct complaints *complaints = ctx;

	ck_assert(*why);
	complaints->lines[complaints->count++] = line;
}

START_TEST(lines_that_nobody_understands_are_kept_to_the_byte)
{
	static const char text[] =
		HEAD "{\"object\":\"web/b\",\"kind\":\"weight\",\"value\":\"3\"}\n"
		     "{\"object\":\"public\",\"kind\":\"priority\",\"value\":\"300\","
		     "\"by\":\"\","
		     "\"comment\":\"\",\"since\":null,"
		     "\"until\":null}\n"
		     "   {]  \n";
	struct complaints complaints = {0};
	struct overrides list = {0};

	ck_assert_int_eq(overrides_parse(&list, text, strlen(text), complain, &complaints), 0);
	ck_assert_uint_eq(complaints.count, 3);
	ck_assert_uint_eq(complaints.lines[0], 2);
	ck_assert_uint_eq(complaints.lines[2], 4);
	ck_assert_uint_eq(list.count, 0);
	is_text(&list, text);
	set(&list, maintenance(0));
	ck_assert(overrides_remove(&list, OVERRIDE_MAINTENANCE, OVERRIDE_DIRECTOR));
	is_text(&list, text);
	overrides_free(&list);
}
END_TEST

START_TEST(another_version_or_no_head_is_not_read_at_all)
{
	static const char *const texts[] = {
		"{\"lbha_overrides\":2}\n",    "{\"object\":\"public\"}\n", "\n", "x", "[1]\n",
		"{\"lbha_overrides\":\"1\"}\n"};
	struct overrides list = {0};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		ck_assert_int_eq(overrides_parse(&list, texts[i], strlen(texts[i]), NULL, NULL),
				 -EPROTO);
	parse(&list, "");
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(texts_that_would_steer_a_terminal_are_cleaned)
{
	struct overrides list = {0};

	parse(&list, HEAD "{\"object\":\"public\",\"kind\":\"priority\",\"value\":\"120\",\"by\":"
			  "\"\\u001b[2J\","
			  "\"comment\":\"a\\nb\",\"since\":null,\"until\":null}");
	ck_assert_str_eq(list.rows[0].by, "?[2J");
	ck_assert_str_eq(list.rows[0].comment, "a?b");
	overrides_free(&list);
}
END_TEST

/* ---- the record ------------------------------------------------------------------------------ */

START_TEST(a_record_is_taken_whole_or_not_at_all)
{
	uint8_t bytes[1024], again[sizeof(bytes)];
	struct writer out = writer_of(bytes, sizeof(bytes)), again_out;
	struct override sent = maintenance(SINCE + 1), got = {0};
	struct reader in;
	size_t size;

	override_put(&out, &sent);
	size = writer_used(&out);
	for (size_t i = 0; i < size; i++) {
		in = reader_of(bytes, i);
		ck_assert(!override_get(&in, &got));
	}
	ck_assert_int_eq(got.since, 0);
	in = reader_of(bytes, size);
	ck_assert(override_get(&in, &got));
	again_out = writer_of(again, sizeof(again)); /* bytes between members may differ */
	override_put(&again_out, &got);
	ck_assert_uint_eq(writer_used(&again_out), size);
	ck_assert_mem_eq(again, bytes, size);
	bytes[0] = OVERRIDE_KINDS;
	in = reader_of(bytes, size);
	ck_assert(!override_get(&in, &got));
}
END_TEST

/* ---- the file -------------------------------------------------------------------------------- */

static char folder[] = "/tmp/lbha-overrides-XXXXXX";
static int dir;

static void folder_make(void)
{
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void folder_remove(void)
{
	char command[128];

	close(dir);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void file_write(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int file_read(struct overrides *list, char *why)
{
	overrides_free(list);
	return overrides_file_read(dir, list, NULL, NULL, why);
}

START_TEST(what_is_written_is_read_again_and_nothing_else_is_left)
{
	struct overrides list = {0}, back = {0};
	char why[OVERRIDES_WHY];
	struct stat about;

	ck_assert_int_eq(file_read(&back, why), 0);
	ck_assert_uint_eq(back.count, 0);
	file_write(OVERRIDES_FILE ".new", "half of an earlier try");
	set(&list, priority("public", "120"));
	ck_assert_int_eq(overrides_file_write(dir, &list), 0);
	ck_assert_int_eq(file_read(&back, why), 0);
	ck_assert_str_eq(back.rows[0].value, "120");
	ck_assert_int_eq(fstatat(dir, OVERRIDES_FILE, &about, 0), 0);
	ck_assert_uint_eq(about.st_mode & 0777, 0600);
	ck_assert(faccessat(dir, OVERRIDES_FILE ".new", F_OK, 0));
	overrides_free(&list);
	overrides_free(&back);
}
END_TEST

START_TEST(a_file_that_is_not_ours_alone_is_not_read)
{
	struct overrides list = {0};
	char why[OVERRIDES_WHY];

	file_write("elsewhere", HEAD);
	ck_assert_int_eq(symlinkat("elsewhere", dir, OVERRIDES_FILE), 0);
	ck_assert_int_eq(file_read(&list, why), -ELOOP);
	ck_assert_str_eq(why, "it is a symbolic link");
	unlinkat(dir, OVERRIDES_FILE, 0);
	ck_assert_int_eq(mkfifoat(dir, OVERRIDES_FILE, 0600), 0);
	ck_assert_int_eq(file_read(&list, why), -EPERM);
	unlinkat(dir, OVERRIDES_FILE, 0);
	file_write(OVERRIDES_FILE, HEAD);
	ck_assert_int_eq(fchmodat(dir, OVERRIDES_FILE, 0666, 0), 0);
	ck_assert_int_eq(file_read(&list, why), -EPERM);
	ck_assert_int_eq(fchmodat(dir, OVERRIDES_FILE, 0600, 0), 0);
	ck_assert_int_eq(file_read(&list, why), 0);
	file_write(OVERRIDES_FILE, "{\"lbha_overrides\":2}\n");
	ck_assert_int_eq(file_read(&list, why), -EPROTO);
	ck_assert_str_eq(why, "it is not of this version of lbha");
}
END_TEST

START_TEST(a_file_that_is_too_large_is_not_read)
{
	struct overrides list = {0};
	char why[OVERRIDES_WHY];
	int fd;

	file_write(OVERRIDES_FILE, HEAD);
	fd = openat(dir, OVERRIDES_FILE, O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, (off_t)OVERRIDES_FILE_MAX + 1), 0);
	close(fd);
	ck_assert_int_eq(file_read(&list, why), -EFBIG);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file)
{
	struct overrides list = {0}, back = {0};
	char why[OVERRIDES_WHY];

	set(&list, priority("public", "120"));
	ck_assert_int_eq(overrides_file_write(dir, &list), 0);
	/* a folder where the new file would be: nothing can be written */
	ck_assert_int_eq(mkdirat(dir, OVERRIDES_FILE ".new", 0700), 0);
	set(&list, priority("public", "130"));
	ck_assert_int_lt(overrides_file_write(dir, &list), 0);
	ck_assert_int_eq(file_read(&back, why), 0);
	ck_assert_str_eq(back.rows[0].value, "120");
	ck_assert_int_eq(unlinkat(dir, OVERRIDES_FILE ".new", AT_REMOVEDIR), 0);
	ck_assert_int_eq(overrides_file_write(dir, &list), 0);
	overrides_free(&list);
	overrides_free(&back);
}
END_TEST

int main(void)
{
	TCase *file =
		CASE("file", what_is_written_is_read_again_and_nothing_else_is_left,
		     a_file_that_is_not_ours_alone_is_not_read,
		     a_file_that_is_too_large_is_not_read, a_failed_write_leaves_the_old_file);

	tcase_add_checked_fixture(file, folder_make, folder_remove);
	return SUITE_RUN(
		"overrides",
		CASE("list", the_second_word_about_an_object_replaces_the_first,
		     only_sound_overrides_get_in, a_server_has_a_state_and_a_weight,
		     only_what_is_drained_has_a_deadline, an_object_names_a_service_and_a_server,
		     an_operator_goes_before_the_file_but_enables_nothing_that_is_not_checked,
		     the_list_has_an_end, what_has_ended_goes_and_is_told),
		CASE("text", the_text_is_a_line_of_json_for_each,
		     lines_that_nobody_understands_are_kept_to_the_byte,
		     another_version_or_no_head_is_not_read_at_all,
		     texts_that_would_steer_a_terminal_are_cleaned),
		CASE("record", a_record_is_taken_whole_or_not_at_all), file);
}
