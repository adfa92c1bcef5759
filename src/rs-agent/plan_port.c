/* UDP ports in a plan, on which the kernel takes GUE packets apart. A port has no mark: the journal
 * alone says whether it is ours. */
#include <sys/socket.h>

#include "rs-agent/plan_kind.h"

static struct owned record_of(const struct rs_port *port)
{
	return (struct owned){.kind = OWNED_PORT, .port = {port->family, port->port}};
}

static bool is_there(const struct rs_actual *actual, const struct owned_port *port)
{
	for (size_t i = 0; i < actual->port_count; i++)
		if (actual->ports[i].family == port->family && actual->ports[i].port == port->port)
			return true;
	return false;
}

static bool is_desired(const struct rs_desired *desired, const struct owned_port *port)
{
	for (size_t i = 0; i < desired->port_count; i++)
		if (desired->ports[i].family == port->family && desired->ports[i].port == port->port)
			return true;
	return false;
}

static int want(struct rs_builder *builder)
{
	for (size_t i = 0; i < builder->desired->port_count; i++) {
		struct rs_step step = {.action = RS_MAKE,
				       .record = record_of(&builder->desired->ports[i])};

		if (!is_there(builder->actual, &step.record.port))
			rs_builder_put(builder, &step);
	}
	return 0;
}

static void undo(struct rs_builder *builder, const struct owned *record)
{
	struct rs_step step = {.action = RS_FORGET, .record = *record};

	if (is_desired(builder->desired, &record->port))
		return;
	step.record.gone = true;
	if (is_there(builder->actual, &record->port))
		step.action = RS_UNDO;
	rs_builder_put(builder, &step);
}

static void words(const struct rs_step *step, struct text *out)
{
	const struct owned_port *port = &step->record.port;
	const char *in = port->family == AF_INET6 ? "IPv6" : "IPv4";

	switch (step->action) {
	case RS_MAKE:
		text_add(out, "take GUE packets on UDP port %u of %s", port->port, in);
		return;
	case RS_UNDO:
		text_add(out, "close UDP port %u of %s to GUE packets", port->port, in);
		return;
	case RS_FORGET:
		text_add(out, "forget UDP port %u of %s: it takes no GUE packets any more",
			 port->port, in);
		return;
	case RS_NOTE:
	case RS_MEND:
	case RS_REFUSE:
	case RS_LEAVE:
		return;
	}
}

static void command(const struct rs_step *step, struct text *out)
{
	const struct owned_port *port = &step->record.port;
	const char *in = port->family == AF_INET6 ? " -6" : "";

	if (step->action == RS_MAKE)
		text_add(out, "modprobe fou && ip fou add port %u gue%s", port->port, in);
	else
		text_add(out, "ip fou del port %u%s", port->port, in);
}

static void object(const struct rs_step *step, struct text *out)
{
	const struct owned_port *port = &step->record.port;

	text_add(out, "udp %u %s", port->port, port->family == AF_INET6 ? "ipv6" : "ipv4");
}

const struct rs_kind rs_kind_port = {
	.records = RS_RECORD(OWNED_PORT),
	.want = want,
	.undo = undo,
	.words = words,
	.command = command,
	.object = object,
	.names = {[RS_MAKE] = "open_port", [RS_UNDO] = "close_port"},
};
