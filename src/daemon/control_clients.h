/* The clients of the control socket: accepts them, cuts their bytes into lines, and sends the
 * answers. Nothing here blocks: a client that does not read is dropped after CLIENT_STALL, one that
 * sends an endless line at once; clients and the bytes waiting for them are bounded; when the
 * places are taken the one that has been silent longest goes. A line gets a ticket; whoever answers
 * later does so by ticket, and a client that has left meanwhile is forgotten.
 *
 * A long answer is told in pieces, one for each turn of the loop and each made only when the one
 * before has left: it needs the memory of a piece, and others are heard between.
 *
 * A client may become a follower: then it gets lines as they come, from wherever its cursor stands.
 * What it has not taken is kept by whoever makes the lines, not here: a follower that does not read
 * costs one piece of text. */
#ifndef LBHA_DAEMON_CONTROL_CLIENTS_H
#define LBHA_DAEMON_CONTROL_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/nstime.h"

#define CLIENTS_MAX 64
#define CLIENTS_BYTES_MAX ((size_t)64 << 20) /* of answers that wait to be read, in all */
#define CLIENT_STALL (10 * NSTIME_S)
#define FOLLOWERS_MAX 32 /* of the clients: the others find a place */
#define FOLLOWER_STALL (600 * NSTIME_S)

struct loop;
struct clients;

/* Who is at the other end, as the kernel says: as it was when it connected. */
struct client_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	int fd; /* for client_is_member */
};

/* Whether it is in this group, by its own one or by one of the others that it has (SO_PEERGROUPS). */
bool client_is_member(const struct client_peer *peer, gid_t group);

enum client_access {
	CLIENT_STRANGER, /* is told so and hung up on: it takes no place from anybody */
	CLIENT_READS,
	CLIENT_WRITES,
};

/* Asked when a client comes. What it may do is the callee's to ask at each of its lines: that may have changed. */
typedef enum client_access clients_access(void *ctx, const struct client_peer *peer);

/* A complete line, without its end, valid during the call. The answer is one call of clients_answer
 * with this ticket, now or later; until then the client's next line waits. */
typedef void clients_line(void *ctx, uint32_t ticket, const struct client_peer *peer,
			  const char *line, size_t length);

/* What a follower gets next: text after *cursor, which moves on, malloc'ed; NULL: nothing yet. Of an
 * answer in pieces: the next, which moves the cursor on, and with the last to UINT64_MAX; NULL: it cannot
 * be told to its end, and the client is hung up on. */
typedef char *clients_more(void *ctx, uint64_t *cursor);

/* Takes the listening socket over. Lines of those who write may have `long_line` bytes (at least
 * CONTROL_LINE_MAX, which is for all others). NULL when out of memory. */
struct clients *clients_new(struct loop *loop, int listener, size_t long_line,
			    clients_access *access, clients_line *line, void *ctx);
void clients_free(struct clients *clients);

/* Called for a client that hangs up while its line is with the callee. True: no answer will come. False: one will, and the
 * client keeps its place until then, so that who sends commands and leaves has them carried out one after the other. It
 * must not answer during the call. */
typedef bool clients_left(void *ctx, uint32_t ticket);
void clients_on_left(struct clients *clients, clients_left *left);

/* Sends an answer, malloc'ed and taken over (NULL, out of memory, drops the client). */
void clients_answer(struct clients *clients, uint32_t ticket, char *answer);

/* Sends an answer in pieces, from cursor 0 on. */
void clients_tell(struct clients *clients, uint32_t ticket, clients_more *pieces);

/* Sends an answer (as above) and makes the client a follower: nothing it says is heard any more.
 * False: there are FOLLOWERS_MAX, nothing was done and the answer is still the caller's. */
bool clients_follow(struct clients *clients, uint32_t ticket, char *answer, clients_more *more,
		    uint64_t cursor);
/* Hears and takes in nobody any more, and sends what is to be sent until that moment at most. */
void clients_finish(struct clients *clients, nstime until);
/* There is more for followers: it is sent soon, many calls at once. */
void clients_wake(struct clients *clients);

#endif
