/* See the header. */
#include "ipvs/ipvs_sysctls_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/log.h"
#include "core/loop.h"
#include "ipvs/contest.h"
#include "net/owned_io.h"
#include "net/sysctl_io.h"

static void auto_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- what is ours ---------------------------------------------------------------------------- */

static struct ipvs_sysctl_owned *owned_find(const struct ipvs_sysctls_kept *kept, const char *path)
{
	for (size_t i = 0; i < kept->count; i++)
		if (!strcmp(kept->owned[i].path, path))
			return &kept->owned[i];
	return NULL;
}

bool ipvs_sysctls_owns(const struct ipvs_sysctls_kept *kept, const char *path)
{
	return owned_find(kept, path) != NULL;
}

static struct ipvs_sysctl_owned *owned_add(struct ipvs_sysctls_kept *kept, const char *path)
{
	struct ipvs_sysctl_owned *added;

	if (kept->count == kept->room) {
		size_t room = kept->room ? 2 * kept->room : 8;
		struct ipvs_sysctl_owned *grown = realloc(kept->owned, room * sizeof(*grown));

		if (!grown)
			return NULL;
		kept->owned = grown;
		kept->room = room;
	}
	added = &kept->owned[kept->count++];
	*added = (struct ipvs_sysctl_owned){0};
	snprintf(added->path, sizeof(added->path), "%s", path);
	return added;
}

static void owned_drop(struct ipvs_sysctls_kept *kept, struct ipvs_sysctl_owned *owned)
{
	size_t after = (size_t)(kept->owned + kept->count - owned) - 1;

	memmove(owned, owned + 1, after * sizeof(*owned));
	kept->count--;
}

static int write_down(const struct ipvs_sysctls_kept *kept, const struct ipvs_sysctl_owned *owned,
		      bool gone)
{
	struct owned record = {.gone = gone,
			       .kind = OWNED_SYSCTL,
			       .sysctl = {.former = owned->former, .set = owned->set}};

	memcpy(record.sysctl.path, owned->path, sizeof(record.sysctl.path));
	return owned_append(kept->fd, &record, 1);
}

int ipvs_sysctls_init(struct ipvs_sysctls_kept *kept, int fd, const struct owned_set *file)
{
	*kept = (struct ipvs_sysctls_kept){.fd = fd};
	for (size_t i = 0; i < file->count; i++) {
		const struct owned_sysctl *record = &file->items[i].sysctl;
		struct ipvs_sysctl_owned *owned;

		if (file->items[i].kind != OWNED_SYSCTL || file->items[i].gone ||
		    !ipvs_sysctl_is_ours(record->path))
			continue;
		owned = owned_add(kept, record->path);
		if (!owned)
			return -ENOMEM;
		owned->former = record->former;
		owned->set = record->set;
	}
	return 0;
}

void ipvs_sysctls_fini(struct ipvs_sysctls_kept *kept)
{
	free(kept->owned);
	kept->owned = NULL;
	kept->count = kept->room = 0;
}

/* ---- rehearsing ------------------------------------------------------------------------------ */

struct names {
	char list[64][32];
	size_t count;
};

static const char *next_name(const void *ctx, size_t index)
{
	const struct names *names = ctx;

	return index < names->count ? names->list[index] : NULL;
}

/* The sysctls of IPVS that this kernel has. */
static void read_names(int dir, struct names *names)
{
	int fd = openat(dir, "net/ipv4/vs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) && names->count < COUNT_OF(names->list))
		if (*entry->d_name != '.' && strlen(entry->d_name) < sizeof(names->list[0]))
			snprintf(names->list[names->count++], sizeof(names->list[0]), "%s",
				 entry->d_name);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
}

static void tell_missing(int dir, const struct ipvs_sysctl_want *want, ipvs_sysctls_line *line,
			 void *ctx)
{
	struct names names = {0};
	const char *nearest;
	char buffer[256];
	struct text text = text_of(buffer, sizeof(buffer));

	read_names(dir, &names);
	nearest = text_nearest(strrchr(want->want.path, '/') + 1, next_name, &names);
	text_add(&text, "this kernel has no sysctl ");
	ipvs_sysctl_name(want->want.path, &text);
	text_add(&text, ", wanted because %s", want->why);
	if (nearest)
		text_add(&text, "; did you mean \"%s\"?", nearest);
	line(ctx, buffer);
}

/* One of two numbers, as sync_threshold. */
static void tell_unfit(const struct ipvs_sysctl_want *want, ipvs_sysctls_line *line, void *ctx)
{
	char buffer[256];
	struct text text = text_of(buffer, sizeof(buffer));

	text_add(&text, "cannot set ");
	ipvs_sysctl_name(want->want.path, &text);
	text_add(&text, ", wanted because %s: it is not one whole number in this kernel", want->why);
	line(ctx, buffer);
}

static void tell_change(const char *path, int64_t value, ipvs_sysctls_line *line, void *ctx)
{
	char buffer[SYSCTL_PATH + 64];
	struct text text = text_of(buffer, sizeof(buffer));

	text_add(&text, "sysctl -w ");
	ipvs_sysctl_name(path, &text);
	text_add(&text, "=%lld", (long long)value);
	line(ctx, buffer);
}

static void tell_restored(const struct ipvs_sysctls_kept *kept, int dir,
			  const struct ipvs_sysctls *wanted, ipvs_sysctls_line *line, void *ctx)
{
	for (size_t i = kept->count; i-- > 0;) {
		const struct ipvs_sysctl_owned *owned = &kept->owned[i];
		int64_t actual;

		if (ipvs_sysctls_find(wanted, owned->path) ||
		    sysctl_read(dir, owned->path, &actual) ||
		    sysctl_undo(owned->former, owned->set, actual) != SYSCTL_UNDO_WRITE)
			continue;
		tell_change(owned->path, owned->former, line, ctx);
	}
}

int ipvs_sysctls_rehearse(const struct ipvs_sysctls_kept *kept, const struct ipvs_sysctls *wanted,
			  bool tell_changes, ipvs_sysctls_line *line, void *ctx)
{
	cleanup(auto_close_fd) int dir = -1;
	int result = 0;

	if (!wanted->count && !kept->count)
		return 0;
	dir = sysctl_open();
	for (size_t i = 0; i < wanted->count; i++) {
		const struct sysctl_want *want = &wanted->wants[i].want;
		struct ipvs_sysctl_step step;
		int64_t actual;
		int error = dir < 0 ? dir : sysctl_read(dir, want->path, &actual);

		if (error == -ENOENT && ipvs_sysctl_is_vs(want->path)) {
			tell_missing(dir, &wanted->wants[i], line, ctx);
			result = -ENOENT;
		} else if (error == -EINVAL && ipvs_sysctl_is_vs(want->path)) {
			tell_unfit(&wanted->wants[i], line, ctx);
			result = -EINVAL;
		}
		if (error)
			continue;
		step = ipvs_sysctl_step(want, owned_find(kept, want->path), actual);
		if (step.write && tell_changes)
			tell_change(want->path, step.set, line, ctx);
	}
	if (tell_changes && dir >= 0)
		tell_restored(kept, dir, wanted, line, ctx);
	return result;
}

/* ---- setting --------------------------------------------------------------------------------- */

/* All that is wanted is written down before it is touched. */
static int note(struct ipvs_sysctls_kept *kept, const char *path, int64_t actual, int64_t set)
{
	struct ipvs_sysctl_owned *owned = owned_find(kept, path), before = {0};
	bool is_new = !owned;
	int error;

	if (is_new)
		owned = owned_add(kept, path);
	if (!owned)
		return -ENOMEM;
	before = *owned;
	if (is_new)
		owned->former = actual;
	owned->set = set;
	error = write_down(kept, owned, false);
	if (error && is_new)
		owned_drop(kept, owned);
	else if (error)
		*owned = before;
	return error;
}

static bool may_repair(struct ipvs_sysctls_kept *kept, const char *path, int64_t value)
{
	nstime now = clock_now();
	enum contest_verdict verdict =
		contests_ask(kept->contests, contest_object("sysctl", path), true, now);
	char buffer[FACT_DETAIL];
	struct text words = text_of(buffer, sizeof(buffer));

	if (verdict == CONTEST_REPAIR)
		return true;
	text_add(&words, "sysctl -w ");
	ipvs_sysctl_name(path, &words);
	text_add(&words, "=%lld", (long long)value);
	contests_tell(kept->contests, buffer, now);
	return verdict != CONTEST_WAIT;
}

/* What the kernel does not take nobody has undone. */
static int write_owned(struct ipvs_sysctls_kept *kept, int dir, const char *path, int64_t value)
{
	struct ipvs_sysctl_owned *owned = owned_find(kept, path);
	int error = sysctl_write(dir, path, value);

	if (owned)
		owned->refused = error;
	return error;
}

static int raise_one(struct ipvs_sysctls_kept *kept, int dir, const struct ipvs_sysctl_want *about,
		     unsigned *repairs)
{
	const struct sysctl_want *want = &about->want;
	const struct ipvs_sysctl_owned *owned = owned_find(kept, want->path);
	struct ipvs_sysctl_step step;
	char buffer[SYSCTL_PATH];
	struct text name = text_of(buffer, sizeof(buffer));
	int64_t actual;
	int error = sysctl_read(dir, want->path, &actual);

	if (error)
		return error == -ENOENT && !ipvs_sysctl_is_vs(want->path) ? 0 : error;
	step = ipvs_sysctl_step(want, owned, actual);
	step.is_repair = step.is_repair && owned && !owned->refused;
	if (step.is_repair && step.write && !may_repair(kept, want->path, step.set))
		return 0;
	if (step.note)
		error = note(kept, want->path, actual, step.set);
	if (!error && step.write)
		error = write_owned(kept, dir, want->path, step.set);
	if (error || !step.write)
		return error;
	*repairs += step.is_repair;
	ipvs_sysctl_name(want->path, &name);
	log_at(step.is_repair ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s%s: %lld → %lld, because %s",
	       step.is_repair ? "repaired: " : "", buffer, (long long)actual, (long long)step.set,
	       about->why);
	return 0;
}

static void note_error(struct ipvs_sysctls_kept *kept, const struct ipvs_sysctl_want *about,
		       int error)
{
	char before[FACT_DETAIL];
	struct text text;

	memcpy(before, kept->error, sizeof(before));
	text = text_of(kept->error, sizeof(kept->error));
	text_add(&text, "cannot set ");
	ipvs_sysctl_name(about->want.path, &text);
	text_add(&text, " to %lld (because %s): %s", (long long)about->want.value, about->why,
		 strerror(-error));
	if (strcmp(before, kept->error))
		log_error("%s", kept->error);
}

unsigned ipvs_sysctls_raise(struct ipvs_sysctls_kept *kept, const struct ipvs_sysctls *wanted)
{
	cleanup(auto_close_fd) int dir = wanted->count ? sysctl_open() : -1;
	const struct ipvs_sysctl_want *failed = NULL;
	unsigned repairs = 0;
	int error = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		int one = dir < 0 ? dir : raise_one(kept, dir, &wanted->wants[i], &repairs);

		if (!one || failed)
			continue;
		failed = &wanted->wants[i];
		error = one;
	}
	if (failed)
		note_error(kept, failed, error);
	else
		kept->error[0] = '\0';
	return repairs;
}

/* ---- putting back ---------------------------------------------------------------------------- */

static int restore_one(int dir, const struct ipvs_sysctl_owned *owned, const char *name)
{
	int64_t actual = 0;
	int error = dir < 0 ? dir : sysctl_read(dir, owned->path, &actual);

	if (error)
		return error == -ENOENT ? 0 : error; /* it went with its interface */
	switch (sysctl_undo(owned->former, owned->set, actual)) {
	case SYSCTL_UNDO_WRITE:
		error = sysctl_write(dir, owned->path, owned->former);
		if (!error)
			log_info("%s: %lld → %lld, as it was before", name, (long long)actual,
				 (long long)owned->former);
		break;
	case SYSCTL_UNDO_DONE:
		break;
	case SYSCTL_UNDO_CHANGED:
		log_warning("%s was changed to %lld by somebody else: left so", name,
			    (long long)actual);
		break;
	}
	return error;
}

void ipvs_sysctls_restore(struct ipvs_sysctls_kept *kept, const struct ipvs_sysctls *wanted)
{
	cleanup(auto_close_fd) int dir = -1;

	for (size_t i = kept->count; i-- > 0;) {
		struct ipvs_sysctl_owned *owned = &kept->owned[i];
		char buffer[SYSCTL_PATH];
		struct text name = text_of(buffer, sizeof(buffer));
		int error;

		if (ipvs_sysctls_find(wanted, owned->path))
			continue;
		if (dir < 0)
			dir = sysctl_open();
		ipvs_sysctl_name(owned->path, &name);
		error = restore_one(dir, owned, buffer);
		if (error) {
			log_error("cannot put %s back to %lld: %s", buffer,
				  (long long)owned->former, strerror(-error));
			continue;
		}
		write_down(kept, owned, true);
		owned_drop(kept, owned);
	}
}
