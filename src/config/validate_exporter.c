/* Who can reach lbha-exporter. What it shows is for reading alone, but shows all: addresses, names, reasons. */
#include "config/build.h"

void validate_exporter(struct build *build, const struct origin *exporter)
{
	const struct endpoint *listen = &build->model->global.exporter.listen;
	struct origin *inner = exporter->value ? origin_inner(exporter, 0) : NULL;
	struct origin *at = inner ? origin_of(&schema_exporter, inner, "listen") : NULL;

	if (!exporter->value || exporter->value->kind != NODE_MAPPING)
		return;
	if (!at || !at->value) {
		node_error(build->reader.diagnostics, exporter->value, exporter->path,
			   "listen is missing, as in {listen: 127.0.0.1:9480}");
		return;
	}
	if (listen->address.family && !addr_is_loopback(&listen->address))
		node_warning(build->reader.diagnostics, at->value, at->path,
			     "whoever reaches this address can read the whole status: a firewall must say who "
			     "may (127.0.0.1:9480 is for this machine alone)");
}
