/* Which build this is: the version and a checksum of all sources. Programs of different builds refuse to talk, so that
 * an upgrade of files on disk never mixes versions. */
#ifndef LBHA_CORE_BUILDID_H
#define LBHA_CORE_BUILDID_H

extern const char *const build_id;      /* "0.1.0+1a2b3c4d" */
extern const char *const build_version; /* "0.1.0" */

#endif
