/* Any bytes as facts: the first byte chooses which. What is taken must be a fixed point of put and
 * get. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ROOM 2048

#define TARGET(kind)                                                                               \
	static void try_##kind(const uint8_t *bytes, size_t size)                                  \
	{                                                                                          \
		uint8_t first[ROOM], second[ROOM];                                                 \
		struct writer out = writer_of(first, ROOM), again = writer_of(second, ROOM);       \
		struct reader in = reader_of(bytes, size);                                         \
		struct fact_##kind fact, same;                                                     \
                                                                                                   \
		if (!fact_##kind##_get(&in, &fact))                                                \
			return;                                                                    \
		fact_##kind##_put(&out, &fact);                                                    \
		in = reader_of(first, writer_used(&out));                                          \
		if (out.failed || !fact_##kind##_get(&in, &same))                                  \
			abort();                                                                   \
		fact_##kind##_put(&again, &same);                                                  \
		if (writer_used(&again) != writer_used(&out) ||                                    \
		    memcmp(first, second, writer_used(&out)))                                      \
			abort();                                                                   \
	}

TARGET(probe)
TARGET(instance)
TARGET(table)
TARGET(service)
TARGET(server)
TARGET(worker)
TARGET(daemon)
TARGET(group)
TARGET(role)
TARGET(tracker)
TARGET(override)
TARGET(leaver)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const targets[])(const uint8_t *bytes, size_t size) = {
		try_probe, try_instance, try_table, try_service, try_server, try_worker, try_daemon,
		try_group, try_tracker, try_role,
		try_override, try_leaver,
	};

	if (size)
		targets[bytes[0] % COUNT_OF(targets)](bytes + 1, size - 1);
	return 0;
}
