/* Any bytes as what a check worker has left, head and all. What is taken must be a fixed point of put and get. */
#include <stdlib.h>
#include <string.h>

#include "base/carry.h"
#include "check/carry.h"

#define NOW (1000000 * NSTIME_S)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void put_again(const struct probe_carry *carry)
{
	uint8_t first[PROBE_CARRY_MAX], second[PROBE_CARRY_MAX];
	struct writer out = writer_of(first, sizeof(first)), again = writer_of(second, sizeof(second));
	struct reader in, value;
	struct probe_carry same;
	uint16_t type;

	probe_carry_put(&out, carry);
	in = reader_of(first, writer_used(&out));
	if (out.failed || !carry_next(&in, &type, &value) || !probe_carry_get(&value, NOW, &same))
		abort();
	probe_carry_put(&again, &same);
	if (writer_used(&again) != writer_used(&out) || memcmp(first, second, writer_used(&out)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader in = reader_of(bytes, size), value;
	struct probe_carry carry;
	uint16_t type;

	if (!carry_start(&in))
		return 0;
	while (carry_next(&in, &type, &value))
		if (probe_carry_get(&value, NOW, &carry))
			put_again(&carry);
	return 0;
}
