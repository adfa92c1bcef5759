/* The control protocol: one JSON object per line in each direction, on the control socket.
 *
 *   {"request":"ping"}       {"ok":true,"result":{"protocol":1,"version","node","generation"}}
 *   {"request":"status"}     {"ok":true,"result":{…}}  as lbhactl status --json
 *   {"request":"vrrp"}       {"ok":true,"result":[…]}  one of its arrays
 *   {"request":"services"}   {"ok":true,"result":[…]}  the other
 *   {"request":"config"}     {"ok":true,"result":{"node","generation","config":TEXT}}
 *   {"request":"events","since":N,"follow":BOOL}
 *                            {"ok":true,"result":{"events":[…],"last":N}}
 *   {"request":"reload"}     {"ok":true,"result":{"lines":[TEXT…]}}  when it is in force
 *   {"request":"plan","file":PATH}  {"ok":true,"result":{"lines":[TEXT…]}}  one an operation
 *   {"request":"stop"}       {"ok":true,"result":{"lines":[]}}  when stopping has begun
 *   {"request":"overrides"}  {"ok":true,"result":[…]}  as in status
 *   {"request":"release","instance":NAME}  or "all":true in place of the instance
 *   {"request":"claim","instance":NAME}    the same
 *   {"request":"priority","instance":NAME,"value":"120"}  or "auto"
 *   {"request":"maintenance","value":"on"}  or "off"
 *                            {"ok":true,"result":{"objects":[{"name","done","text"}…],"lines":[…]}}
 *   what cannot be done      {"ok":false,"error":TEXT,"lines":[TEXT…]}, and "objects" as above
 *
 * Events are those after number `since` that are still kept (default 0: all of them); one
 * {"event":"missed","missed":N,…} stands before them when some after it are gone, N is null when
 * nobody knows how many: the number is of another time. With `follow` the answer has none of them:
 * they come behind it as lines of their own, and so does every later one, until the client hangs up;
 * `since` is then by default the last number. A "missed" stands where a follower was too slow.
 *
 * Requests of a connection are answered in order, one at a time. `file` is an absolute path;
 * without it the plan is for the file that lbhad runs with. `priority` and `maintenance` take
 * "comment":TEXT and "timeout":SECONDS; release and claim are answered when it is known what came
 * of them. "lines" are what an operator should know besides. Members that a request does not have
 * are errors. A line is at most CONTROL_LINE_MAX bytes. The protocol's number changes when an
 * answer loses or changes a member, never when it gains one. */
#ifndef LBHA_DAEMON_CONTROL_REQUEST_H
#define LBHA_DAEMON_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/nstime.h"
#include "config/override.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_LINE_MAX 16384
#define CONTROL_PATH 4096
#define CONTROL_NAME 64
#define CONTROL_ERROR 256

enum control_kind {
	CONTROL_PING,
	CONTROL_STATUS,
	CONTROL_VRRP,
	CONTROL_SERVICES,
	CONTROL_CONFIG,
	CONTROL_EVENTS,
	CONTROL_RELOAD,
	CONTROL_PLAN,
	CONTROL_STOP,
	CONTROL_OVERRIDES,
	CONTROL_RELEASE,
	CONTROL_CLAIM,
	CONTROL_PRIORITY,
	CONTROL_MAINTENANCE,
};

struct control_request {
	enum control_kind kind;
	char file[CONTROL_PATH];         /* plan: "" when not given */
	bool follow, has_since;          /* events */
	uint64_t since;
	char instance[CONTROL_NAME];     /* release, claim: "" = all of them */
	bool all;
	char value[OVERRIDE_VALUE];      /* priority: 1..254 or auto; maintenance: on or off */
	char comment[OVERRIDE_COMMENT];  /* "": none */
	nstime timeout;                  /* 0: none */
};

/* Reads a request line (without its end). -EINVAL: `error` (CONTROL_ERROR bytes) says why, to the
 * client. */
int control_request_parse(const char *line, size_t length, struct control_request *out,
			  char *error);

/* Whether it changes something or reads files as root: for the supervisor's user alone. */
bool control_request_is_command(enum control_kind kind);
const char *control_request_name(enum control_kind kind);

/* Answers as a line with its end, malloc'ed; NULL when out of memory. Both take over the JSON given
 * (`lines` may be NULL: none). */
char *control_answer(json_t *result);
char *control_refusal(const char *error, json_t *lines);
/* The same with what came of each object. */
char *control_refusal_of(const char *error, json_t *lines, json_t *objects);

#endif
