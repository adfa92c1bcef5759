/* What an ipvs worker leaves to the next one (base/carry.h), record by record; ipvs/inherit.h makes them of a state and
 * takes them up. The rest it finds in the kernel, in the owned file and in the list of overrides.
 *
 * A server's record belongs to the service's before it, a destination's to the virtual service's before it. Objects
 * are known again by what they are called or by what the kernel knows them by. The numbers of enum verdict,
 * probe_reason, service_state, ipvs_quorum and those of config/advice.h are part of it: they never change. Times
 * are points of CLOCK_MONOTONIC. What is foreign or hostile in it is refused or brought into bounds by the
 * getters: false then, and nothing is to be made of the record. */
#ifndef LBHA_IPVS_CARRY_H
#define LBHA_IPVS_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "config/facts.h"
#include "ipvs/service.h"
#include "ipvs/table.h"
#include "net/repair.h"

enum ipvs_carry {
	IPVS_CARRY_WORKER = 1,
	IPVS_CARRY_PROBE,
	IPVS_CARRY_SERVICE,
	IPVS_CARRY_SERVER,
	IPVS_CARRY_VIRTUAL,
	IPVS_CARRY_DEST,
	IPVS_CARRY_LEAVER,
	IPVS_CARRY_CONTEST,
};

#define IPVS_CARRY_MAX 192 /* bytes of any record at most, with its head */

struct ipvs_carry_worker {
	uint64_t operations, repairs;
	nstime last_read_back;
};

struct ipvs_carry_probe {
	uint64_t key;
	enum verdict verdict;
	enum probe_reason reason;
	bool is_suppressed, passed;
	nstime since;
	struct advice told;
};

struct ipvs_carry_service {
	char name[FACT_NAME];
	enum service_state state;
	enum ipvs_quorum quorum;
	bool panic, sorry;
	nstime calm_since, since;
	struct traffic traffic;
};

struct ipvs_carry_server {
	bool is_sorry;
	struct endpoint address;
	bool fit;
	nstime ramping;
	struct traffic traffic;
};

/* Of the kernel's counters, the last reading. */
struct ipvs_carry_virtual {
	struct ipvs_service_key key;
	struct traffic last;
};

struct ipvs_carry_dest {
	struct ipvs_dest_key key;
	struct traffic last;
};

struct ipvs_carry_leaver {
	struct ipvs_service_key service;
	struct ipvs_dest_key dest;
	nstime deadline;
	char name[FACT_NAME];
};

struct ipvs_carry_contest {
	uint64_t object;
	struct repair repair;
};

/* Each puts a whole record, and gets the value of one. `now`: nothing that has been is later. */
void ipvs_carry_worker_put(struct writer *out, const struct ipvs_carry_worker *worker);
bool ipvs_carry_worker_get(struct reader *in, nstime now, struct ipvs_carry_worker *worker);
void ipvs_carry_probe_put(struct writer *out, const struct ipvs_carry_probe *probe);
bool ipvs_carry_probe_get(struct reader *in, nstime now, struct ipvs_carry_probe *probe);
void ipvs_carry_service_put(struct writer *out, const struct ipvs_carry_service *service);
bool ipvs_carry_service_get(struct reader *in, nstime now, struct ipvs_carry_service *service);
void ipvs_carry_server_put(struct writer *out, const struct ipvs_carry_server *server);
bool ipvs_carry_server_get(struct reader *in, nstime now, struct ipvs_carry_server *server);
void ipvs_carry_virtual_put(struct writer *out, const struct ipvs_carry_virtual *virtual);
bool ipvs_carry_virtual_get(struct reader *in, nstime now, struct ipvs_carry_virtual *virtual);
void ipvs_carry_dest_put(struct writer *out, const struct ipvs_carry_dest *dest);
bool ipvs_carry_dest_get(struct reader *in, nstime now, struct ipvs_carry_dest *dest);
void ipvs_carry_leaver_put(struct writer *out, const struct ipvs_carry_leaver *leaver);
bool ipvs_carry_leaver_get(struct reader *in, nstime now, struct ipvs_carry_leaver *leaver);
void ipvs_carry_contest_put(struct writer *out, const struct ipvs_carry_contest *contest);
bool ipvs_carry_contest_get(struct reader *in, nstime now, struct ipvs_carry_contest *contest);

#endif
