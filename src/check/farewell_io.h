/* Connections that have said goodbye and wait for the other side to close. Whoever closes first keeps the port for a
 * minute (TIME_WAIT): at 2000 probes a second that would be us, out of ports after a quarter of that. A server that has
 * been told to go (close_notify of TLS, QUIT) closes by itself, within a round trip; what it says meanwhile is not
 * looked at. Who does not within a second, or is in the way of others, is closed orderly, which costs the port. */
#ifndef LBHA_CHECK_FAREWELL_IO_H
#define LBHA_CHECK_FAREWELL_IO_H

struct farewells;
struct loop;

/* NULL when out of memory. */
struct farewells *farewells_new(struct loop *loop);
/* Resets whoever still waits. */
void farewells_free(struct farewells *all);

/* Takes over a connection whose close would be a reset. */
void farewells_take(struct farewells *all, int fd);

#endif
