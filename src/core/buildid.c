/* The two texts; build-id.h is written by make from the sources. */
#include "core/buildid.h"

#include "build-id.h"
#include "config.h"

const char *const build_id = PACKAGE_VERSION "+" BUILD_CHECKSUM;
const char *const build_version = PACKAGE_VERSION;
