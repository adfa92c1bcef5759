/* type file: passes when the file is there and does not say otherwise. */
#ifndef LBHA_CHECK_PROBE_FILE_H
#define LBHA_CHECK_PROBE_FILE_H

struct probe_type;

extern const struct probe_type probe_file;

#endif
