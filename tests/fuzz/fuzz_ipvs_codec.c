/* Any bytes as what the kernel sends: netlink messages, IPVS values in them, the answer about the
 * family. What is read as a service or destination must survive being encoded and read again. */
#include <stdlib.h>
#include <sys/socket.h>

#include "ipvs/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct ipvs_message again(const struct ipvs_op *op)
{
	uint8_t buffer[IPVS_MESSAGE_MAX];
	struct writer out = writer_of(buffer, sizeof(buffer));
	struct netlink_message message;
	struct ipvs_message value;
	struct reader in;
	bool malformed;

	ipvs_encode_op(&out, 0x20, 1, true, op);
	in = reader_of(buffer, writer_used(&out));
	if (out.failed || !netlink_next(&in, &message, &malformed) ||
	    !ipvs_decode_message(message.value, AF_INET, &value))
		abort();
	return value;
}

static void check_value(const struct ipvs_message *value)
{
	struct ipvs_op op = {.kind = IPVS_SET_SERVICE, .service.address.family = AF_INET};
	struct ipvs_message same;

	if (value->has_service) {
		op.service = value->service.key;
		op.service_attr = value->service.attr;
	}
	same = again(&op);
	if (ipvs_service_key_compare(&same.service.key, &op.service) ||
	    !ipvs_service_attr_equal(&same.service.attr, &op.service_attr))
		abort();
	if (!value->has_dest)
		return;
	op.kind = IPVS_SET_DEST;
	op.dest = value->dest.key;
	op.dest_attr = value->dest.attr;
	same = again(&op);
	if (ipvs_dest_key_compare(&same.dest.key, &op.dest) ||
	    !ipvs_dest_attr_equal(&same.dest.attr, &op.dest_attr))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reader in = reader_of(bytes, size);
	struct netlink_message message;
	struct ipvs_timeouts timeouts;
	struct ipvs_daemons daemons = {0};
	struct ipvs_message value;
	bool malformed;
	uint16_t family;

	while (netlink_next(&in, &message, &malformed)) {
		if (message.error > 0)
			abort();
		if (message.kind != NETLINK_DATA)
			continue;
		if (ipvs_decode_message(message.value, AF_INET, &value))
			check_value(&value);
		if (ipvs_decode_family(message.value, &family) && !family)
			abort();
		ipvs_decode_timeouts(message.value, &timeouts);
		ipvs_decode_daemon(message.value, &daemons);
	}
	return 0;
}
