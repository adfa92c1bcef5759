/* Another build: it goes into a program in the place of core/buildid.c. */
#include "core/buildid.h"

const char *const build_id = "next+1";
const char *const build_version = "next";
