/* Which virtual services are ours, here and in the owned file (net/owned.h): written down before a
 * service is made, crossed out after it is gone. What is not in this set is never removed. */
#ifndef LBHA_IPVS_IPVS_OWNERSHIP_IO_H
#define LBHA_IPVS_IPVS_OWNERSHIP_IO_H

#include "ipvs/plan.h"
#include "net/owned.h"

struct ipvs_ownership {
	struct ipvs_keys set; /* sorted */
	size_t room;
	int fd; /* the owned file; not ours to close */
	bool keeps; /* it is written down that all this shall outlive a stop (on_stop: keep) */
};

/* Takes the services that the owned file names. -ENOMEM, or the errno of reading. */
int ipvs_ownership_init(struct ipvs_ownership *ownership, int fd, const struct owned_set *file);
void ipvs_ownership_fini(struct ipvs_ownership *ownership);

/* All services of the table are ours from now on; those that were not are written down. When that
 * fails (-errno) nothing may be made. */
int ipvs_ownership_add(struct ipvs_ownership *ownership, const struct ipvs_table *table);

/* Only services of the table are ours any more; the others are gone and get crossed out. -errno of
 * writing: they stay in the file, which does no harm. */
int ipvs_ownership_trim(struct ipvs_ownership *ownership, const struct ipvs_table *table);

/* Writes down whether what is ours shall outlive a stop, for who withdraws without a configuration.
 * -errno. */
int ipvs_ownership_keep(struct ipvs_ownership *ownership, bool keeps);

#endif
