/* What the parts of the import share (ka_*.c): the state of one file's translation, the tables of
 * keywords, and words as values. Nobody else includes it. */
#ifndef LBHA_CONVERT_KA_RUN_H
#define LBHA_CONVERT_KA_RUN_H

#include "base/addr.h"
#include "base/nstime.h"
#include "convert/ka_import.h"

/* Of global_defs and other blocks that count for everything. */
struct ka_globals {
	unsigned version;                /* of VRRP */
	bool is_strict;
	const struct ka_node *ssl;       /* the block SSL, or NULL */
	const char *group4, *group6;     /* of multicast; NULL: the default */
};

struct ka_run {
	struct arena *arena;
	const struct import_report *report;
	const char *node;
	const struct ka_node *tree;
	struct draft *root;
	struct ka_globals globals;
};

/* A keyword of a block. `apply` puts it into the draft (`object` is the block's own); `remark` is said
 * about it. One of both is there. */
struct ka_rule {
	const char *keyword;
	void (*apply)(struct ka_run *run, const struct ka_node *node, void *object, struct draft *into);
	const char *key; /* what becomes of it, as in the guide */
	enum import_severity severity;
	const char *remark;
};

struct ka_rules {
	const char *block; /* as in the guide: "vrrp_instance" */
	const struct ka_rule *rules;
	size_t count;
};

extern const struct ka_rules ka_rules_top, ka_rules_global, ka_rules_instance, ka_rules_group,
	ka_rules_script, ka_rules_process, ka_rules_service, ka_rules_server, ka_rules_check,
	ka_rules_url;

/* The `apply` of what is taken at another time than in its turn: before all others, when the rest of its block is known,
 * or by whoever refers to it. */
void ka_read_elsewhere(struct ka_run *run, const struct ka_node *node, void *object, struct draft *into);

/* Takes each statement in a block by its rule. Those without one are told. */
void ka_take_block(struct ka_run *run, const struct ka_node *block, const struct ka_rules *rules,
		   void *object, struct draft *into);

/* Says something about a statement, on standard error and as a comment in the draft. */
void ka_say(struct ka_run *run, const struct ka_node *node, struct draft *into,
	    enum import_severity severity, const char *format, ...) PRINTF_LIKE(5, 6);

/* The block at top level with that keyword and name; NULL: none. */
const struct ka_node *ka_named(const struct ka_run *run, const char *keyword, const char *name);

/* ---- words as values ------------------------------------------------------------------------ */

/* A word as a number of that range; else false, told as a warning. */
bool ka_number(struct ka_run *run, const struct ka_node *node, size_t index, long min, long max,
	       long *out, struct draft *into);
/* Seconds with fractions. */
bool ka_time(struct ka_run *run, const struct ka_node *node, size_t index, nstime *out,
	     struct draft *into);
/* on, true, yes or nothing: true. */
bool ka_bool(const struct ka_node *node, size_t index);
/* A word under a key: a number, if it is one, else a text. */
void ka_plain(struct ka_run *run, struct draft *map, const char *key, const char *word);
/* A duration under a key. */
void ka_duration(struct ka_run *run, struct draft *map, const char *key, nstime duration);
/* An address, without a prefix length. */
bool ka_address(const char *word, struct addr *out);

/* ADDRESS, ADDRESS-N, ADDRESS-ADDRESS, ADDRESS/LENGTH: the first and the last of them; NULL, or what is wrong with it. */
const char *ka_range_parse(const char *word, struct addr *first, struct addr *last);

/* ---- commands ------------------------------------------------------------------------------- */

/* Words as keepalived takes them where quotes and backslashes count: " and ' hold together what is between them, at
 * any place; a backslash takes the next sign's meaning, and if it `decodes` stands for a byte as in C. NULL: a quote does
 * not end, or memory is out. */
char **ka_quoted_words(struct arena *arena, const char *text, bool decodes, size_t *count);

/* A script of a statement. */
struct ka_command {
	char **words; /* one at least */
	size_t count;
	const char *text; /* what the words are made of */
	const char *user; /* that stands behind it; NULL: none */
};

/* Whether a statement has one at all. */
bool ka_has_command(struct ka_run *run, const struct ka_node *node);
/* The command of a statement. `has_user`: a user and a group may follow it. False: there is none, which has been told. */
bool ka_command_read(struct ka_run *run, const struct ka_node *node, bool has_user, struct draft *into,
		     struct ka_command *out);
/* As a check, in the way that keepalived runs it: type script, or process where it only looks whether one lives. */
void ka_command_put(struct ka_run *run, const struct ka_node *node, const struct ka_command *command,
		    struct draft *check);

/* ---- parts ---------------------------------------------------------------------------------- */

void ka_take_globals(struct ka_run *run);
void ka_take_instance(struct ka_run *run, const struct ka_node *node);
void ka_take_group(struct ka_run *run, const struct ka_node *node);
/* When all instances and groups are known. */
void ka_finish_groups(struct ka_run *run);
void ka_take_script(struct ka_run *run, const struct ka_node *node);
void ka_take_process(struct ka_run *run, const struct ka_node *node);
void ka_take_service(struct ka_run *run, const struct ka_node *node);

/* Keywords garp_* and vrrp_garp_*: into `announce` of a map of instance's keys. */
void ka_take_announce(struct ka_run *run, const struct ka_node *node, void *object, struct draft *into);
/* notify_master and its like, of an instance or (`object` is NULL) of a group; `notify`, which is told all. */
void ka_take_notify(struct ka_run *run, const struct ka_node *node, void *object, struct draft *into);
void ka_take_notify_all(struct ka_run *run, const struct ka_node *node, struct draft *into, bool is_group);

/* The group that an instance is in, or NULL. */
const struct ka_node *ka_group_of(const struct ka_run *run, const char *instance);
/* Trackers of a block track_*, for the instance or group that `into` is. `instance` is NULL for a
 * group. */
void ka_take_track(struct ka_run *run, const struct ka_node *node, const char *instance,
		   struct draft *into);
/* An entry of `track` for the instance's own interface, when it has delays (interface_up_down_delays). */
void ka_track_delays(struct ka_run *run, const char *interface, struct draft *tracker);
bool ka_has_delays(const struct ka_run *run, const char *interface);
/* virtual_ipaddress, virtual_ipaddress_excluded and virtual_routes. That something is on the instance's own `interface`
 * (may be NULL) is not written: it may have another name on another director. */
void ka_take_addresses(struct ka_run *run, const struct ka_node *block, bool is_advertised,
		       int family, const char *interface, struct draft *into);
void ka_take_routes(struct ka_run *run, const struct ka_node *block, const char *interface, struct draft *into);

/* How often and how long a checker asks; absent values are those of the block around it. */
struct ka_timing {
	nstime delay_loop, connect_timeout, delay_before_retry; /* -1: not given */
	long retry;                                             /* -1: not given */
	int alpha;                                              /* -1: not given */
};

/* What a checker belongs to. */
struct ka_target {
	struct ka_timing timing; /* of the real server */
	struct addr address;
	long port;               /* 0: none */
	bool is_explicit;        /* the check must name its port */
	const char *virtualhost;
};

/* Adds the checks that a checker (TCP_CHECK, HTTP_GET …) stands for to the list. */
void ka_take_checker(struct ka_run *run, const struct ka_node *node, const struct ka_target *target,
		     struct draft *checks, struct draft *service);

/* One draft for all nodes. */
struct draft *ka_merge(struct arena *arena, const struct import_report *report,
		       struct draft *const *drafts, const struct ka_source *sources, size_t count);

#endif
