/* The parts of config_compile(): what they share while a model is being built. Builders read
 * sections by the tables and resolve names (build_vrrp.c, build_check.c, build_service.c);
 * validate_*.c hold objects against one another. All of it lives in the arena of the model. */
#ifndef LBHA_CONFIG_BUILD_H
#define LBHA_CONFIG_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "config/compile.h"
#include "config/model.h"
#include "config/reader.h"

/* Limits on what a small file may expand to (a pool used by many services). */
#define BUILD_SERVERS_MAX 1000000
#define BUILD_PROBES_MAX 1000000
#define BUILD_CHECKS_MAX 100     /* of one service */
#define BUILD_LISTENERS_MAX 1000 /* of one service */
#define BUILD_PAIRS_MAX 4000000  /* servers × listeners of one service */
#define BUILD_PEERS_MAX 255      /* of one instance */
#define BUILD_TRACKERS_MAX 100   /* of one instance or sync group */

/* A director as far as it is needed to read the others' sections. */
struct build_director {
	struct director *model;
	const struct node *interfaces; /* mapping of logical names, or NULL */
	const struct node *vrrp;       /* mapping of instance names, or NULL */
	const struct node *sync;       /* mapping of the names of sync groups, or NULL */
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
	bool peers_bad; /* something in unicast.peers was complained about */
};

/* A sync group on one director. */
struct build_group {
	struct sync_group model; /* instances: as many as names; BUILD_NOBODY for a wrong name */
	const struct build_director *director;
	struct origin *origins; /* rows of schema_sync_group */
	struct origin self;
	bool good;
};

#define BUILD_NOBODY UINT32_MAX

/* A file that TLS of some check names. */
struct build_tls_file {
	enum config_file kind;
	const char *path;
	uint32_t number; /* in model.tls_files, from 1; 0: it is no good, and that was said */
};

struct build_check {
	struct check model;
	uint64_t hash; /* over its values */
	uint32_t same; /* number of the first check with the same values */
	struct origin *origins;
	struct origin self;
	bool used;
};

/* Where a real server was written, and what it says of itself that else is as its service has it. */
struct build_place {
	const struct node *node;
	const struct path *path;
	bool has_forwarding, has_tunnel;
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
	struct build_pool servers; /* those of a pool: before probes and forwarding were filled in */
	uint32_t *checks;          /* into build.checks */
	size_t check_count;
	uint16_t *ports; /* of its listeners, each once */
	size_t port_count;
	struct build_place sorry_place;
	uint32_t *sorry_checks; /* into build.checks */
	size_t sorry_check_count;
	bool good, checks_good;
};

struct build {
	struct arena *arena;
	const struct config_tree *tree;
	struct config_reader reader;
	struct model *model;
	struct level vrrp_defaults, check_defaults, service_defaults, server_defaults;
	const struct check *default_check; /* what a check is that says nothing of itself */

	struct build_director *directors;
	size_t director_count;
	struct build_director *self; /* whom the model is for; NULL: nobody */

	struct build_instance *instances; /* director after director */
	size_t instance_count;            /* per director */
	struct build_group *groups;       /* director after director */
	size_t group_count;               /* per director */
	struct build_check *checks;
	size_t check_count;
	struct table check_names, check_values;
	struct build_tls_file *tls_files; /* by use and path */
	size_t tls_file_count;
	struct table tls_paths, tls_pairs;
	struct build_pool *pools;
	size_t pool_count;
	struct table pool_names;
	struct origin *server_origins;           /* of the server that is being read */
	const struct real_server *plain_server;  /* one of which only the address is written; NULL: faulty */
	struct build_service *services;
	size_t service_count, server_count, probe_use_count;

	struct origin *global_origins; /* rows of schema_global; NULL: not read */
	struct table probe_keys;
	const char **way_names; /* of model.ways, as many */
	struct table way_table;
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

/* build_check_http.c: what a check of type http must not say; false when it does (reported). */
bool build_judge_http(struct build *build, struct build_check *check);
/* The same of type grpc; settles whether it speaks TLS. */
bool build_judge_grpc(struct build *build, struct build_check *check);

/* build_items.c */
struct named_items {
	struct section_item *items;
	size_t count;
	bool is_sync; /* sync groups; else instances */
};

/* The name as written; NULL when there is none. */
const char *item_name(const struct section_item *item);
/* A director may only speak of items that exist. */
void items_check(struct build *build, const struct build_director *director,
		 const struct named_items *items);
/* What a director says of one item: the strongest level of its keys. */
struct level items_own_level(struct build *build, const struct build_director *director,
			     const struct named_items *items, const char *name);
/* Whether a director gives the item another name (reported). */
bool items_is_renamed(struct build *build, const struct level *own,
		      const struct named_items *items);

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

/* validate_directors.c: what an instance must be on one director and on the others. */
void validate_directors(struct build *build);

/* build_sync.c: groups and their members, after the instances. */
void build_groups(struct build *build);
/* The groups of whom the model is for. */
void build_groups_finish(struct build *build);

/* validate_sync.c: what the members of a group must be to one another. */
void validate_groups(struct build *build);

/* A list of trackers, of an instance or a sync group on one director, with its places. */
struct build_track {
	struct tracker *track;
	size_t count;
	const struct build_director *director;
	const struct origin *list, *self;
};

/* build_track.c: what is tracked, after instances, groups and checks. */
void build_tracks(struct build *build);
/* build_track_service.c: the services among it, and how long what they tell must last; after the
 * services. */
void build_track_services(struct build *build);
struct build_track instance_track(struct build_instance *instance);
struct build_track group_track(struct build_group *group);
/* Where a key of the n-th tracker stands; the tracker itself when it was not given. */
struct origin track_place(struct build *build, const struct build_track *track, size_t number,
			  const char *key);

/* validate_track.c: trackers that are named twice, or that can bring nothing about. */
void validate_tracks(struct build *build);

/* The instance that is the n-th of a group; NULL: there is none of that name. */
struct build_instance *group_member(struct build *build, struct build_group *group, size_t number);
const struct origin *group_place(struct build_group *group, const char *key);
/* The elements of a list of an object: where the n-th stands, or a key of it. As instance_item(). */
struct origin list_item(struct build *build, const struct origin *list, const struct origin *self,
			size_t number);
struct origin list_item_key(struct build *build, const struct schema_record *record,
			    const struct origin *list, const struct origin *self, size_t number,
			    const char *key);

/* Where a key of an instance stands; the instance itself when nobody gave it. */
const struct origin *instance_place(struct build_instance *instance, const char *key);
/* Where the n-th element of one of its lists stands; a list of one may be that itself. */
struct origin instance_item(struct build *build, struct build_instance *instance, const char *key,
			    size_t number);
/* Where a key of such an element stands; the element itself when it was not given. */
struct origin instance_item_key(struct build *build, struct build_instance *instance,
				const char *list, size_t number, const char *key);

/* build_conn_sync.c: global.ipvs.sync, after instances and services. */
void build_conn_sync(struct build *build);

/* build_notify.c: whom events are told; all scripts, once, into the model. After all who have some. */
void build_notifies(struct build *build);

/* build_tls.c: the files that a check's TLS names, and what else must fit together. False when something
 * does not. */
bool build_tls(struct build *build, struct build_check *check);

/* build_check.c */
void build_checks(struct build *build);
/* What stands at a key "check": a name, a mapping, or a list of them, as numbers in build.checks. False
 * when one was faulty. */
bool build_check_list(struct build *build, const struct origin *origin, uint32_t **checks,
		      size_t *count);
/* What a check asks: of a real server (with the port of its listener or its own), or, as a tracker,
 * of nobody (NULL). Family 0: of this machine. False when the check must name its target and does
 * not. */
bool build_target(const struct check *check, const struct endpoint *server,
		  struct endpoint *target);
/* The number of the probe of a check at `wanted`'s target by its way, made when it is new. False when
 * there are too many. */
bool build_probe(struct build *build, uint32_t check, const struct probe *wanted, uint32_t *out);
/* The number of the check of that name, which may be faulty (self.bad). */
bool build_find_check(const struct build *build, const char *name, uint32_t *number);
/* Names of checks for suggestions; `ctx` is the build. */
const char *build_next_check(const void *ctx, size_t index);
/* Moves the checks that are named or used into the model, and numbers probes accordingly. */
void build_checks_finish(struct build *build);

/* build_way.c: via: vip. Probes of a check of a server through each listener. False when there are
 * too many. */
bool build_probes_through(struct build *build, const struct build_service *service,
			  struct real_server *server, uint32_t check);
/* What such a check asks of itself; of the services that use it. False when a rule was broken. */
bool judge_via(struct build *build, const struct build_check *check);
bool validate_via(struct build *build, struct build_service *service);
/* Gives all ways a mark; `groups` are those that services have already. */
void settle_ways(struct build *build, const uint32_t *groups, size_t group_count);

/* One more use of a probe by a server. False when there are too many. */
bool build_probe_use(struct build *build, struct real_server *server, uint32_t check,
		     const struct probe *wanted);

/* build_service.c, validate_service.c */
void build_pools(struct build *build);
void build_services(struct build *build);
/* Where a key of a service stands; the service itself when nobody gave it. */
const struct origin *service_place(struct build_service *service, const char *key);
/* Where its n-th listener stands. */
struct origin service_listener_place(struct build *build, struct build_service *service,
				     uint32_t number);

/* build_carried.c: the instances that carry addresses of services, after both are in the model. */
void build_carried(struct build *build);

/* build_sorry.c: the sorry server but for its probes. False when it is faulty. */
bool build_sorry(struct build *build, struct build_service *service);
/* Where a server stands, by its number as service_server() has it. */
const struct build_place *service_server_place(const struct build_service *service, size_t number);

/* resolve_service.c: what follows from other keys, where the file leaves it open; what defaults say
 * that is not for this service is dropped. */
void resolve_service(struct build_service *service);

/* resolve_forwarding.c: forwarding and tunnel of each server, where it leaves them to the service; a
 * tunnel that nobody uses is none. */
void resolve_forwarding(struct build_service *service);

/* validate_forwarding.c: what can be reached in which way: ports, families, tunnels. False when a
 * rule was broken. */
bool validate_forwarding(struct build *build, struct build_service *service);
/* Whether any server of the service is reached in that way. */
bool service_forwards(const struct service *service, enum forwarding forwarding);
/* An error about one server. */
void server_error(struct build *build, const struct build_place *place, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* build_carried.c: what all instances are called, for those who know them by their indices. */
void build_instance_names(struct build *build);

/* build_nat.c: where translated packets pass, links of virtual MAC addresses included; after
 * build_carried(). */
void build_nat(struct build *build);

/* validate_ipvs.c: what the kernel's IPVS can make of one service; warnings included. */
bool validate_ipvs(struct build *build, struct build_service *service);

/* validate_mark.c: services that are known by a firewall mark. The mark, and the family where the file
 * leaves it open; when the servers are known. */
void resolve_mark(struct build_service *service);
/* Listeners or a mark, and what goes with a mark. */
bool validate_mark(struct build *build, struct build_service *service);
/* What lbha's own marks are made of: at global.ipvs. */
void validate_mark_base(struct build *build, const struct origin *ipvs);
/* Marks among each other; gives groups theirs. */
void validate_marks(struct build *build);

/* validate_policy.c: what is done with a service as a whole. */
bool validate_policy(struct build *build, struct build_service *service);

/* validate_sysctls.c: values of global.ipvs.sysctls; `ipvs` is where global.ipvs stands. */
void validate_sysctls(struct build *build, const struct origin *ipvs);

/* validate_exporter.c: who can reach lbha-exporter; `exporter` is where global.exporter stands. */
void validate_exporter(struct build *build, const struct origin *exporter);

/* validate_servers.c: where servers are. A server that is its own service's address: false, reported; the
 * rest are warnings. */
bool validate_own_addresses(struct build *build, const struct build_service *service);
void validate_servers(struct build *build);

/* validate_sorry.c: a sorry server that is a real server, too; a warning included. */
bool validate_sorry(struct build *build, const struct build_service *service);

/* Rules inside one service; to be called before its probes are made. False when one was broken. */
bool validate_service(struct build *build, struct build_service *service);
void validate_services(struct build *build);

#endif
