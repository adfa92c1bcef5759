/* type postgresql: a StartupMessage (protocol 3.0). That the server asks who we are passes; one that lets us in
 * is heard until it is ready for a query, since a missing database is told that late. Without `user` errors
 * about who we are pass as well. */
#ifndef LBHA_CHECK_POSTGRESQL_H
#define LBHA_CHECK_POSTGRESQL_H

struct dialogue;

extern const struct dialogue postgresql_dialogue;

#endif
