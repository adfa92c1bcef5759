/* Between ka_service.c, ka_server.c and ka_check.c: what a virtual_server says for its real servers. */
#ifndef LBHA_CONVERT_KA_SERVER_H
#define LBHA_CONVERT_KA_SERVER_H

#include "convert/ka_run.h"

#define KA_TIMING_NONE {-1, -1, -1, -1, -1}

/* lb_kind and lvs_method. */
struct ka_method {
	const char *forwarding; /* as lbha.conf has it; NULL: not given */
	const char *type, *port, *checksum; /* of a tunnel */
};

struct ka_service {
	const char *name, *virtualhost;
	struct ka_timing timing;
	struct ka_method method, sorry_method;
	const struct ka_node *protocol, *persistence, *granularity, *engine, *sorry;
	const struct ka_node *quorum_up, *quorum_down;
	long quorum, hysteresis, weight;
	long weights;      /* of all real servers */
	bool inhibit, has_mark;
	/* filled by the real servers */
	struct ka_server *first, *last;
};

struct ka_server {
	const struct ka_node *node;
	const struct ka_service *service;
	struct ka_target target;
	struct ka_method method;
	long weight;
	int inhibit;          /* -1: as the service */
	struct draft *into;   /* the service's */
	struct draft *checks; /* a list, in no draft yet */
	struct ka_server *next;
};

/* delay_loop, retry … wherever they stand. */
void ka_timing_take(struct ka_run *run, const struct ka_node *node, struct ka_timing *timing,
		    struct draft *into);
/* Fills what is not given from the block around. */
void ka_timing_inherit(struct ka_timing *timing, const struct ka_timing *from);

void ka_method_take(struct ka_run *run, const struct ka_node *node, struct ka_method *method,
		    struct draft *into);
/* `around` is that of the service, whose tunnel a server would have; NULL: it is the service. */
void ka_method_put(struct ka_run *run, const struct ka_method *method, const struct ka_method *around,
		   struct draft *into);
bool ka_method_equal(const struct ka_method *a, const struct ka_method *b);

/* A flag of a scheduler, or ops. */
void ka_take_flag(struct ka_run *run, const struct ka_node *node, const char *word, struct draft *into);
/* Keeps a real server until all is known that it inherits. */
void ka_take_server(struct ka_run *run, const struct ka_node *node, struct ka_service *service);
/* Puts servers, their checks and what becomes of those that fail. */
void ka_put_servers(struct ka_run *run, const struct ka_node *node, struct ka_service *service,
		    struct draft *into);
/* Entries of `notify` for quorum_up and quorum_down; for notify_up or notify_down of a server. */
void ka_put_quorum_scripts(struct ka_run *run, const struct ka_service *service, struct draft *into);
void ka_put_server_script(struct ka_run *run, const struct ka_node *node, const char *server,
			  struct draft *into);
/* Whether all listeners of a service have this port. */
bool ka_port_is_listeners(const struct draft *service, long port);

#endif
