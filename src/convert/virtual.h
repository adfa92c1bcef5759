/* Virtual services as tables and tools of IPVS have them, and what lbha.conf says for one. Common to the
 * imports of ipvsadm and ldirectord. Pure. */
#ifndef LBHA_CONVERT_VIRTUAL_H
#define LBHA_CONVERT_VIRTUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "config/model.h"
#include "convert/import.h"

struct arena;
struct draft;

struct virtual_server {
	struct endpoint at; /* port 0: the service's */
	enum forwarding forwarding;
	struct tunnel tunnel;
	uint32_t weight, upper_threshold, lower_threshold;
	bool is_disabled;
	uint32_t line;
};

struct virtual_service {
	const char *name, *description; /* NULL: made of what it is; none */
	enum protocol protocol;
	struct endpoint at;             /* port 0: all */
	uint32_t mark;                  /* 0: known by address */
	uint8_t family;
	const char *scheduler;
	uint32_t flags;                 /* set of enum scheduler_flag */
	uint32_t persistence;           /* seconds; 0: none */
	unsigned prefix;                /* 0: whole addresses */
	const char *engine;             /* NULL: none */
	bool one_packet;
	struct virtual_server *servers;
	size_t server_count;
	struct virtual_server sorry;    /* family 0: none */
	uint32_t line;
};

/* What an import of one file works with. Names of hosts and services are the caller's to find: */
struct import_names {
	/* The address of a host, of that family (0: any). */
	bool (*address)(void *ctx, const char *name, uint8_t family, struct addr *out);
	/* The number of a port, of "tcp" or "udp". */
	bool (*port)(void *ctx, const char *name, const char *protocol, uint16_t *out);
	void *ctx;
};

/* Something that was said, to stand at the service in whose lines it is. */
struct import_remark {
	uint32_t line;
	const char *text;
};

struct import_run {
	struct arena *arena;
	const char *file;
	const struct import_names *names;
	const struct import_report *report;
	struct draft *root;
	struct draft *here; /* stands for the place of the line, which is not known yet */
	struct import_remark *remarks;
	size_t remark_count;
	struct virtual_service *services;
	size_t service_count;
};

/* Before the first line. */
struct import_run import_begin(struct arena *arena, const char *file, const struct import_names *names,
			       const struct import_report *report);

/* Tells the operator, and writes it behind what is in `into`: run->here is the service in whose lines it
 * is, NULL: nowhere. */
void import_say(struct import_run *run, enum import_severity severity, uint32_t line,
		struct draft *into, const char *format, ...) PRINTF_LIKE(5, 6);

/* "192.168.8.200:80", "[2001:db8::1]:http", "lb.example.com", where names are looked up and told. False
 * after a warning. `family`: 0: any. */
bool import_endpoint(struct import_run *run, uint32_t line, const char *text, const char *protocol,
		     uint8_t family, struct endpoint *out);

/* A number from least to most; false after a warning. */
bool import_number(struct import_run *run, uint32_t line, const char *what, const char *text,
		   uint32_t least, uint32_t most, uint32_t *out);

/* "255.255.255.0" or a length; false after a warning. */
bool import_prefix(struct import_run *run, uint32_t line, const char *text, unsigned *out);

struct virtual_service *import_add_service(struct import_run *run, uint32_t line);
struct virtual_server *import_add_server(struct import_run *run, struct virtual_service *service,
					 uint32_t line);

/* The service at the end of `services:`, with what was said of lines before `next` (the next service's; 0:
 * there is none); the map that stands for it. */
struct draft *virtual_draft(struct import_run *run, const struct virtual_service *service, uint32_t next);

#endif
