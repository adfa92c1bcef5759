/* Whether what setup did still holds. The journal speaks of one boot; what another one had is gone
 * with it. */
#include "rs-agent/doctor.h"

/* Some other way than ours may set it up at boot, so this is a hint. */
static void judge_lasting(struct doctor *doctor)
{
	switch (doctor->wanted->lasting) {
	case DOCTOR_LASTS:
		doctor_say(doctor, DOCTOR_OK, "journal", NULL,
			   "lbha-rs has set this host up, and does so at every boot");
		break;
	case DOCTOR_PASSES:
		doctor_say(doctor, DOCTOR_OK, "journal",
			   doctor_text(doctor, "%s --persist", doctor->wanted->setup),
			   "lbha-rs has set this host up, until the next boot");
		break;
	case DOCTOR_LASTING_UNKNOWN:
		doctor_say(doctor, DOCTOR_OK, "journal", NULL, "lbha-rs has set this host up");
		break;
	}
}

/* fullnat, and nat by a way that somebody else made, ask nothing of a server. */
static bool needs_setup(const struct doctor_case *wanted)
{
	for (size_t i = 0; i < wanted->vip_count; i++)
		if (doctor_needs_vip(&wanted->vips[i]) ||
		    (wanted->vips[i].forwarding == FORWARDING_NAT && wanted->vips[i].gateway.family))
			return true;
	return false;
}

void doctor_journal(struct doctor *doctor)
{
	if (!needs_setup(doctor->wanted)) {
		doctor_say(doctor, DOCTOR_OK, "journal", NULL,
			   "nothing has to be set up for the services of this host");
		return;
	}
	switch (doctor->wanted->journal) {
	case JOURNAL_OTHER_BOOT:
		doctor_say(doctor, DOCTOR_WARNING, "journal", doctor->wanted->setup,
			   "what setup did went with an earlier boot: it must be run at every "
			   "start, or once with --persist");
		break;
	case JOURNAL_NONE:
		doctor_say(doctor, DOCTOR_WARNING, "journal", doctor->wanted->setup,
			   "lbha-rs has set up nothing here; what is in place, others put there");
		break;
	case JOURNAL_CURRENT:
		judge_lasting(doctor);
		break;
	case JOURNAL_OTHER_NETNS: /* nobody goes on with these */
	case JOURNAL_UNREADABLE:
		break;
	}
}
