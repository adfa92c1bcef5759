/* See the header. */
#include "ipvs/traffic.h"

/* A counter that went down although those of bytes, which always have 64 bits, did not: one of 32
 * bits that was in its upper half has overflowed. */
static bool has_overflowed(uint64_t last, uint64_t now)
{
	return now < last && last <= UINT32_MAX && last > UINT32_MAX / 2 && now <= UINT32_MAX / 2;
}

static bool shrank(uint64_t last, uint64_t now)
{
	return now < last && !has_overflowed(last, now);
}

static bool begins_anew(const struct traffic *last, const struct traffic *now)
{
	return now->bytes_in < last->bytes_in || now->bytes_out < last->bytes_out ||
	       shrank(last->connections, now->connections) ||
	       shrank(last->packets_in, now->packets_in) ||
	       shrank(last->packets_out, now->packets_out);
}

static uint64_t since(uint64_t last, uint64_t now)
{
	return now < last ? (uint32_t)(now - last) : now - last;
}

bool ipvs_meter_read(struct ipvs_meter *meter, const struct ipvs_counters *counters,
		     struct traffic *total)
{
	struct traffic now = {.connections = counters->connections,
			      .packets_in = counters->packets_in,
			      .packets_out = counters->packets_out,
			      .bytes_in = counters->bytes_in,
			      .bytes_out = counters->bytes_out};
	struct traffic last = begins_anew(&meter->last, &now) ? (struct traffic){0} : meter->last;
	struct traffic more = {.connections = since(last.connections, now.connections),
			       .packets_in = since(last.packets_in, now.packets_in),
			       .packets_out = since(last.packets_out, now.packets_out),
			       .bytes_in = now.bytes_in - last.bytes_in,
			       .bytes_out = now.bytes_out - last.bytes_out};

	meter->last = now;
	total->connections += more.connections;
	total->packets_in += more.packets_in;
	total->packets_out += more.packets_out;
	total->bytes_in += more.bytes_in;
	total->bytes_out += more.bytes_out;
	return more.connections || more.packets_in || more.packets_out || more.bytes_in ||
	       more.bytes_out;
}
