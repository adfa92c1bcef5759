/* Who is killed first when a machine is without memory. The unit protects the daemon (OOMScoreAdjust), and what it starts
 * inherits that: whoever can be done without gives the protection up. */
#ifndef LBHA_CORE_OOM_H
#define LBHA_CORE_OOM_H

#define OOM_USUAL "0"    /* as any program */
#define OOM_FIRST "1000" /* before all others */

/* Of the calling process, which may always raise its own. Where there is no /proc nothing changes. Safe between fork
 * and exec. */
void oom_score_set(const char *score);

#endif
