/* See the header. */
#include "base/carry.h"

#define MAGIC 0x6c626863 /* "lbhc" */
#define FORM 1

void carry_begin(struct writer *out)
{
	put_u32(out, MAGIC);
	put_u32(out, FORM);
}

uint8_t *carry_record(struct writer *out, uint16_t type)
{
	put_u16(out, type);
	return put_space(out, sizeof(uint32_t));
}

void carry_end(struct writer *out, uint8_t *record)
{
	struct writer length;

	if (!record)
		return;
	length = writer_of(record, sizeof(uint32_t));
	put_u32(&length, (uint32_t)(out->at - record - (ptrdiff_t)sizeof(uint32_t)));
}

bool carry_start(struct reader *in)
{
	uint32_t magic = get_u32(in), form = get_u32(in);

	return !in->failed && magic == MAGIC && form == FORM;
}

bool carry_next(struct reader *in, uint16_t *type, struct reader *value)
{
	if (!reader_left(in))
		return false;
	*type = get_u16(in);
	*value = get_part(in, get_u32(in));
	in->failed |= value->failed;
	return !in->failed;
}

void carry_number_put(struct writer *out, uint64_t number)
{
	put_u8(out, (uint8_t)digits_size(number));
	put_digits(out, number);
}

uint64_t carry_number_get(struct reader *in)
{
	struct reader part = get_part(in, get_u8(in));
	uint64_t number = get_digits(&part);

	in->failed |= part.failed;
	return in->failed ? 0 : number;
}

nstime carry_past_get(struct reader *in, nstime now)
{
	nstime time = get_time(in);

	in->failed |= time < 0;
	return nstime_min(time, now);
}
