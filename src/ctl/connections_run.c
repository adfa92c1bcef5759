/* The file behind `lbhactl connections`: that of the network namespace of a process. Declared in
 * connections.h. */
#include "ctl/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/paper.h"

/* Where connections go: those of one service are shown as they are read, or put into `array`. */
struct sink {
	struct connections *all;
	const char *only; /* NULL: all are counted */
	const struct paper *paper;
	json_t *array; /* NULL: text */
};

static int sink_connection(const struct sink *sink, const struct connection *connection)
{
	const char *service;

	if (!sink->only)
		return connections_count(sink->all, connection);
	service = connections_service(sink->all, connection);
	if (!service || strcmp(service, sink->only) != 0)
		return 0;
	if (sink->array)
		return json_array_append_new(sink->array, connection_json(connection)) ? -ENOMEM
										       : 0;
	connection_show(sink->paper, connection);
	return 0;
}

static int read_all(const struct sink *sink, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	while (!err && getline(&line, &room, file) >= 0) {
		struct connection connection;

		if (connection_parse(line, &connection))
			err = sink_connection(sink, &connection);
	}
	free(line);
	return err;
}

/* *out stays NULL where the kernel has no IPVS. */
static int open_file(int pid, FILE **out)
{
	char net[64], path[96];
	FILE *file;

	snprintf(net, sizeof(net), "/proc/%d/net", pid);
	snprintf(path, sizeof(path), "%s/ip_vs_conn", net);
	file = fopen(path, "re");
	if (!file && (errno != ENOENT || access(net, F_OK)))
		return -errno;
	*out = file;
	return 0;
}

static void print(struct sink *sink, bool json)
{
	if (json && !sink->only)
		sink->array = connections_json(sink->all);
	if (!json && !sink->only)
		connections_show(sink->all, sink->paper);
	if (!json)
		return;
	json_dumpf(sink->array, sink->paper->out, JSON_INDENT(2));
	fputc('\n', sink->paper->out);
}

int connections_run(int pid, const json_t *services, const char *only, const struct paper *paper,
		    bool json, char *error)
{
	struct sink sink = {.only = only, .paper = paper};
	FILE *file = NULL;
	int err = open_file(pid, &file);

	if (err) {
		snprintf(error, CLIENT_ERROR,
			 "cannot read the connections in the network namespace of lbhad (process "
			 "%d): %s",
			 pid, strerror(-err));
		return err;
	}
	sink.all = connections_new(services);
	if (json && only)
		sink.array = json_array();
	if (!sink.all)
		err = -ENOMEM;
	else if (file)
		err = read_all(&sink, file);
	if (!err)
		print(&sink, json);
	else
		snprintf(error, CLIENT_ERROR, "%s", strerror(-err));
	if (file)
		fclose(file);
	json_decref(sink.array);
	connections_free(sink.all);
	return err;
}
