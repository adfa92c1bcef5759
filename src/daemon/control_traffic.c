/* See the header. */
#include "daemon/control_traffic.h"

static uint64_t advance(uint64_t total, uint64_t before, uint64_t now)
{
	return now > before ? total + (now - before) : total;
}

void traffic_take(struct traffic_seen *seen, const struct traffic *told)
{
	const struct traffic *before = &seen->told;
	struct traffic *total = &seen->total;

	total->connections = advance(total->connections, before->connections, told->connections);
	total->packets_in = advance(total->packets_in, before->packets_in, told->packets_in);
	total->packets_out = advance(total->packets_out, before->packets_out, told->packets_out);
	total->bytes_in = advance(total->bytes_in, before->bytes_in, told->bytes_in);
	total->bytes_out = advance(total->bytes_out, before->bytes_out, told->bytes_out);
	seen->told = *told;
}

void traffic_zero(struct traffic_seen *seen, nstime now)
{
	seen->zero = seen->total;
	seen->zeroed = now;
}

struct traffic traffic_since_zero(const struct traffic_seen *seen)
{
	return (struct traffic){
		.connections = seen->total.connections - seen->zero.connections,
		.packets_in = seen->total.packets_in - seen->zero.packets_in,
		.packets_out = seen->total.packets_out - seen->zero.packets_out,
		.bytes_in = seen->total.bytes_in - seen->zero.bytes_in,
		.bytes_out = seen->total.bytes_out - seen->zero.bytes_out,
	};
}
