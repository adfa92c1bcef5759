/* Whether what setup did still holds. The journal speaks of one boot; what another one had is gone
 * with it. */
#include "rs-agent/doctor.h"

void doctor_journal(struct doctor *doctor)
{
	switch (doctor->wanted->journal) {
	case JOURNAL_OTHER_BOOT:
		doctor_say(doctor, DOCTOR_WARNING, "journal", doctor->wanted->setup,
			   "what setup did went with an earlier boot: it must be run at every start");
		break;
	case JOURNAL_NONE:
		doctor_say(doctor, DOCTOR_WARNING, "journal", doctor->wanted->setup,
			   "lbha-rs has set up nothing here; what is in place, others put there");
		break;
	case JOURNAL_CURRENT:
		doctor_say(doctor, DOCTOR_OK, "journal", NULL, "lbha-rs has set this host up");
		break;
	case JOURNAL_OTHER_NETNS: /* nobody goes on with these */
	case JOURNAL_UNREADABLE:
		break;
	}
}
