/* See the header. */
#include "ipvs/ipvs_timeouts_io.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/loop.h"
#include "ipvs/contest.h"
#include "ipvs/ipvs_io.h"
#include "ipvs/ipvs_kernel_io.h"
#include "net/owned_io.h"

void ipvs_timeouts_init(struct ipvs_timeouts_kept *kept, int fd, const struct owned_set *file)
{
	*kept = (struct ipvs_timeouts_kept){.fd = fd};
	for (size_t n = 0; n < file->count; n++) {
		const struct owned *record = &file->items[n];

		for (unsigned i = 0; i < IPVS_TIMEOUTS; i++) {
			if (record->kind != OWNED_TIMEOUT || record->gone ||
			    strcmp(record->timeout.name, ipvs_timeout_name(i)))
				continue;
			kept->owned[i] = (struct ipvs_timeout_owned){
				true, record->timeout.former, record->timeout.set};
		}
	}
}

static bool is_idle(const struct ipvs_timeouts_kept *kept, const struct ipvs_timeouts *wanted)
{
	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++)
		if (kept->owned[i].ours || wanted->seconds[i])
			return false;
	return true;
}

static int read_timeouts(struct ipvs_kernel *kernel, struct ipvs_timeouts *actual)
{
	int error = ipvs_kernel_open(kernel);

	return error ? error : ipvs_io_get_timeouts(kernel->io, actual);
}

int ipvs_timeouts_rehearse(const struct ipvs_timeouts_kept *kept, struct ipvs_kernel *kernel,
			   const struct ipvs_timeouts *wanted, struct ipvs_timeouts *changes)
{
	struct ipvs_timeouts actual;
	int error = 0;

	*changes = (struct ipvs_timeouts){0};
	if (is_idle(kept, wanted))
		return 0;
	error = read_timeouts(kernel, &actual);
	if (!error)
		*changes = ipvs_timeouts_changes(wanted, &actual, kept->owned);
	return error;
}

static int write_down(const struct ipvs_timeouts_kept *kept, unsigned i, bool gone)
{
	struct owned record = {.gone = gone, .kind = OWNED_TIMEOUT};

	record.timeout.former = kept->owned[i].former;
	record.timeout.set = kept->owned[i].set;
	snprintf(record.timeout.name, sizeof(record.timeout.name), "%s", ipvs_timeout_name(i));
	return owned_append(kept->fd, &record, 1);
}

/* All that is wanted is ours, also what happens to stand there already. */
static int own(struct ipvs_timeouts_kept *kept, unsigned i, uint32_t wanted, uint32_t actual)
{
	struct ipvs_timeout_owned *owned = &kept->owned[i], before = *owned;
	int error;

	if (owned->ours && owned->set == wanted)
		return 0;
	*owned = (struct ipvs_timeout_owned){true, before.ours ? before.former : actual, wanted};
	error = write_down(kept, i, false);
	if (error)
		*owned = before;
	return error;
}

static int own_all(struct ipvs_timeouts_kept *kept, const struct ipvs_timeouts *wanted,
		   const struct ipvs_timeouts *actual)
{
	int error = 0;

	for (unsigned i = 0; i < IPVS_TIMEOUTS && !error; i++)
		if (wanted->seconds[i] && actual->seconds[i])
			error = own(kept, i, wanted->seconds[i], actual->seconds[i]);
	return error;
}

/* What was put back, or was left to somebody else, is not ours any more. */
static void disown(struct ipvs_timeouts_kept *kept, const struct ipvs_timeouts *wanted,
		   const struct ipvs_timeouts *actual)
{
	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++) {
		struct ipvs_timeout_owned *owned = &kept->owned[i];

		if (wanted->seconds[i] || !owned->ours)
			continue;
		if (actual->seconds[i] != owned->set)
			log_warning("IPVS' timeout %s was changed to %us by somebody else: left so",
				    ipvs_timeout_name(i), actual->seconds[i]);
		write_down(kept, i, true);
		owned->ours = false;
	}
}

/* Whether somebody else had changed what was ours and should have stayed. */
static bool is_repair(const struct ipvs_timeout_owned *before, uint32_t wanted)
{
	return before->ours && before->set == wanted;
}

/* Tells the changes; counts those of what was ours and should have stayed. */
static unsigned tell(const struct ipvs_timeout_owned *before, const struct ipvs_timeouts *wanted,
		     const struct ipvs_timeouts *actual, const struct ipvs_timeouts *changes)
{
	unsigned repairs = 0;

	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++) {
		bool repaired = is_repair(&before[i], wanted->seconds[i]);

		if (!changes->seconds[i])
			continue;
		repairs += repaired;
		log_at(repaired ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		       "%sIPVS' timeout %s: %us → %us", repaired ? "repaired: " : "",
		       ipvs_timeout_name(i), actual->seconds[i], changes->seconds[i]);
	}
	return repairs;
}

/* Leaves alone what somebody else has changed back too often. */
static void keep_waiting(struct ipvs_timeouts_kept *kept, const struct ipvs_timeout_owned *before,
			 const struct ipvs_timeouts *wanted, struct ipvs_timeouts *changes)
{
	nstime now = clock_now();

	for (unsigned i = 0; i < IPVS_TIMEOUTS; i++) {
		uint64_t object = contest_object("timeout", ipvs_timeout_name(i));
		enum contest_verdict verdict;

		if (!changes->seconds[i] || !is_repair(&before[i], wanted->seconds[i]))
			continue;
		verdict = contests_ask(kept->contests, object, true, now);
		if (verdict != CONTEST_REPAIR)
			contests_tell(kept->contests, "the timeouts of IPVS", now);
		if (verdict == CONTEST_WAIT)
			changes->seconds[i] = 0;
	}
}

static void note_error(struct ipvs_timeouts_kept *kept, int error)
{
	if (error && error != kept->error)
		log_error("cannot set IPVS' timeouts: %s", strerror(-error));
	kept->error = error;
}

unsigned ipvs_timeouts_apply(struct ipvs_timeouts_kept *kept, struct ipvs_kernel *kernel,
			     const struct ipvs_timeouts *wanted)
{
	struct ipvs_timeout_owned before[IPVS_TIMEOUTS];
	struct ipvs_timeouts actual, changes;
	int error;

	if (is_idle(kept, wanted))
		return 0;
	memcpy(before, kept->owned, sizeof(before));
	error = read_timeouts(kernel, &actual);
	if (!error)
		error = own_all(kept, wanted, &actual);
	if (!error) {
		changes = ipvs_timeouts_changes(wanted, &actual, kept->owned);
		keep_waiting(kept, before, wanted, &changes);
		if (ipvs_timeouts_any(&changes))
			error = ipvs_io_set_timeouts(kernel->io, &changes);
	}
	note_error(kept, error);
	if (error)
		return 0;
	disown(kept, wanted, &actual);
	return tell(before, wanted, &actual, &changes);
}
