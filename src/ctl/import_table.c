/* `import ipvsadm FILE` and `import ldirectord FILE`: one file each, in which hosts and ports may have
 * names. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "convert/ipvsadm_import.h"
#include "convert/ldirectord_import.h"
#include "ctl/command.h"
#include "ctl/import.h"

#define ARENA_MAX (512u << 20)

/* ---- names ---------------------------------------------------------------------------------- */

static bool find_address(UNUSED void *ctx, const char *name, uint8_t family, struct addr *out)
{
	struct addrinfo wanted = {.ai_family = family ? family : AF_UNSPEC, .ai_socktype = SOCK_STREAM},
			*found = NULL;
	bool is_found = false;

	if (!*name || getaddrinfo(name, NULL, &wanted, &found))
		return false;
	if (found->ai_family == AF_INET) {
		*out = addr_from_bytes(AF_INET, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr);
		is_found = true;
	} else if (found->ai_family == AF_INET6) {
		*out = addr_from_bytes(AF_INET6, &((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr);
		is_found = true;
	}
	freeaddrinfo(found);
	return is_found;
}

static bool find_port(UNUSED void *ctx, const char *name, const char *protocol, uint16_t *out)
{
	const struct servent *service = getservbyname(name, protocol);

	if (service)
		*out = ntohs((uint16_t)service->s_port);
	return service;
}

/* ---- files ---------------------------------------------------------------------------------- */

typedef struct draft *import_format(struct arena *arena, const char *file, const char *text,
				    const struct import_names *names, const struct import_report *report);

static int import_file(struct run *run, import_format *format)
{
	static const struct import_names names = {find_address, find_port, NULL};
	auto_arena *arena = arena_new(ARENA_MAX);
	size_t size;
	char *text = arena ? import_read(run->argument, &size) : NULL;
	struct import_said said;
	int status;

	if (!text)
		return complain(EXIT_FAILED, "%s: %s", run->argument, strerror(errno));
	import_said_init(&said, run);
	status = import_finish(run, &said, format(arena, run->argument, text, &names, &said.report));
	free(text);
	return status;
}

int run_import_ipvsadm(struct run *run)
{
	return import_file(run, ipvsadm_import);
}

int run_import_ldirectord(struct run *run)
{
	return import_file(run, ldirectord_import);
}
