/* The parts of config_compile(): what they share while a model is being built. Builders read
 * sections by the tables and resolve names (build_vrrp.c, build_check.c, build_service.c);
 * validate_*.c hold objects against one another. All of it lives in the arena of the model. */
#ifndef LBHA_CONFIG_BUILD_H
#define LBHA_CONFIG_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "config/model.h"
#include "config/reader.h"

/* Limits on what a small file may expand to (a pool used by many services). */
#define BUILD_SERVERS_MAX 1000000
#define BUILD_PROBES_MAX 1000000
#define BUILD_CHECKS_MAX 100     /* of one service */
#define BUILD_LISTENERS_MAX 1000 /* of one service */
#define BUILD_PAIRS_MAX 4000000  /* servers × listeners of one service */
#define BUILD_PEERS_MAX 255      /* of one instance */

/* A director as far as it is needed to read the others' sections. */
struct build_director {
	struct director *model;
	const struct node *interfaces; /* mapping of logical names, or NULL */
	const struct node *overrides;  /* mapping of instance names, or NULL */
	const struct node *node;       /* its own mapping */
	const struct path *path;
};

/* An instance on one director, with the places of its values. */
struct build_instance {
	struct instance model;
	const struct build_director *director; /* NULL: the file has none */
	struct origin *origins;                /* rows of schema_instance */
	struct origin self; /* the item of vrrp: for what has no place of its own */
	uint8_t family;     /* of its advertised addresses; 0: none is good */
	bool good;
};

struct build_check {
	struct check model;
	uint64_t hash; /* over its values */
	uint32_t same; /* number of the first check with the same values */
	struct origin *origins;
	struct origin self;
	bool used;
};

/* Where a real server was written. */
struct build_place {
	const struct node *node;
	const struct path *path;
};

struct build_pool {
	const char *name;
	struct real_server *servers;
	struct build_place *places;
	size_t count;
	bool good;
};

struct build_service {
	struct service *model;
	struct origin *origins;
	struct origin self;
	struct build_pool servers; /* before probes and forwarding were filled in */
	uint32_t *checks;          /* into build.checks */
	size_t check_count;
	uint16_t *ports; /* of its listeners, each once */
	size_t port_count;
	bool good, checks_good;
};

struct build {
	struct arena *arena;
	const struct config_tree *tree;
	struct config_reader reader;
	struct model *model;
	struct level vrrp_defaults, check_defaults, service_defaults, server_defaults;

	struct build_director *directors;
	size_t director_count;
	struct build_director *self; /* whom the model is for; NULL: nobody */

	struct build_instance *instances; /* director after director */
	size_t instance_count;            /* per director */
	struct build_check *checks;
	size_t check_count;
	struct table check_names, check_values;
	struct build_pool *pools;
	size_t pool_count;
	struct table pool_names;
	struct build_service *services;
	size_t service_count, server_count, probe_use_count;
	struct table probe_keys;
};

/* compile.c */
/* The text of a name that stands as a key or value; NULL (reported) when it is none. */
const char *build_name(struct build *build, const struct node *node, const struct path *path);
/* The kernel's name for an interface on a director: its logical name's, else the name itself.
 * Reports a logical name that only other directors have. `director` NULL: the name as it is. */
const char *build_interface(struct build *build, const struct build_director *director,
			    const char *name, const struct origin *origin);
/* "no KIND called "x"; did you mean …" at a place. `names` gives candidates, NULL at the end. */
void build_no_such(struct build *build, const char *kind, const char *name, const struct node *node,
		   const struct path *path, const char *(*names)(const void *ctx, size_t index),
		   const void *ctx);

/* build_vrrp.c */
void build_instances(struct build *build);
/* The instances of whom the model is for. */
void build_instances_finish(struct build *build);

/* resolve_vrrp.c: what follows from other keys and from the director, where the file leaves it
 * open. */
void resolve_instance(struct build *build, struct build_instance *instance);

/* validate_instance.c: rules inside one instance on one director. */
void validate_instance(struct build *build, struct build_instance *instance);

/* validate_vrrp.c: rules between instances. */
void validate_instances(struct build *build);

/* Where a key of an instance stands; the instance itself when nobody gave it. */
const struct origin *instance_place(struct build_instance *instance, const char *key);
/* Where the n-th element of one of its lists stands; a list of one may be that itself. */
struct origin instance_item(struct build *build, struct build_instance *instance, const char *key,
			    size_t number);
/* Where a key of such an element stands; the element itself when it was not given. */
struct origin instance_item_key(struct build *build, struct build_instance *instance,
				const char *list, size_t number, const char *key);

/* build_check.c */
void build_checks(struct build *build);
/* The checks of a service: a name, a mapping, or a list of them. False when one was faulty. */
bool build_service_checks(struct build *build, struct build_service *service);
/* What a check asks: of a real server (with the port of its listener or its own), or, as a tracker,
 * of nobody (NULL). Family 0: of this machine. False when the check must name its target and does
 * not. */
bool build_target(const struct check *check, const struct endpoint *server,
		  struct endpoint *target);
/* The number of the probe of a check at a target, made when it is new. False when there are too
 * many. */
bool build_probe(struct build *build, uint32_t check, const struct endpoint *target, uint32_t *out);
/* Moves the checks that are named or used into the model, and numbers probes accordingly. */
void build_checks_finish(struct build *build);

/* build_service.c, validate_service.c */
void build_pools(struct build *build);
void build_services(struct build *build);
/* Rules inside one service; to be called before its probes are made. False when one was broken. */
bool validate_service(struct build *build, struct build_service *service);
void validate_services(struct build *build);

#endif
