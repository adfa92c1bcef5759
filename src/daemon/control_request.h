/* The control protocol: one JSON object per line in each direction, on the control socket.
 *
 *   {"request":"ping"}       {"ok":true,"result":{"protocol":1,"version","node","generation","ready"}}
 *   {"request":"status"}     {"ok":true,"result":{…}}  as lbhactl status --json; with "watch":true counters
 *                            are read as for traffic, for who looks again and again
 *   {"request":"vrrp"}       {"ok":true,"result":[…]}  one of its arrays
 *   {"request":"services"}   {"ok":true,"result":[…]}  the other; "service":NAME for that one
 *   {"request":"config"}     {"ok":true,"result":{"node","generation","config":TEXT}}
 *   {"request":"export","format":"ipvsadm"}  {"ok":true,"result":{"format","text":TEXT}}
 *   {"request":"events","since":N,"follow":BOOL}
 *                            {"ok":true,"result":{"events":[…],"last":N}}
 *   {"request":"reload"}     {"ok":true,"result":{"lines":[TEXT…]}}  when it is in force
 *   {"request":"plan","file":PATH}  {"ok":true,"result":{"lines":[TEXT…]}}  one an operation
 *   {"request":"stop"}       {"ok":true,"result":{"lines":[]}}  when stopping has begun
 *   {"request":"traffic"}    {"ok":true,"result":{"time","monotonic_ms","services":[…]}}; for ten seconds the
 *                            kernel's counters are read as often as is cheap, each second at most
 *   {"request":"metrics"}    {"ok":true,"result":{…}}  what lbha-exporter tells (daemon/control_metrics.h)
 *   {"request":"names"}      {"ok":true,"result":{"instances","services":[{"name","servers"}],"checks"}}
 *   {"request":"zero","service":NAME}  {"ok":true,"result":{"zeroed":[NAME…]}}  without: all of them
 *   {"request":"overrides"}  {"ok":true,"result":[…]}  as in status
 *   {"request":"check","service":NAME,"server":NAME}  or "check":NAME; "at":N is the number of the probe among
 *                            those of that server (default 0). {"ok":true,"result":{…}} when it has ended, with
 *                            the members that lbhactl(8) names; "of" is how many there are
 *   {"request":"release","instance":NAME}  or "all":true in place of the instance
 *   {"request":"claim","instance":NAME}    the same
 *   {"request":"priority","instance":NAME,"value":"120"}  or "auto"
 *   {"request":"maintenance","value":"on"}  or "off"
 *   {"request":"log","value":"debug"}  or "error", "warning", "info", "auto"
 *   {"request":"drain","service":NAME,"server":NAME}  "all":true in place of the service
 *   {"request":"disable",…}  {"request":"enable",…}  the same
 *   {"request":"weight","service":NAME,"server":NAME,"value":"5"}  or "auto"
 *   {"request":"load","overrides":[{"object","kind","value","comment","until","deadline"}…]}
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
 * without it the plan is for the file that lbhad runs with. `priority`, `maintenance`, `drain`,
 * `disable`, `enable` and `weight` take "comment":TEXT and "timeout":SECONDS (drain: after which the
 * server is out of the table; else until when it holds); release and claim are answered when it is known what came
 * of them. "lines" are what an operator should know besides. Members that a request does not have
 * are errors. A line is at most CONTROL_LINE_MAX bytes, one of
 * somebody who may write CONTROL_LINE_LONG. The protocol's number changes when an
 * answer loses or changes a member, never when it gains one. */
#ifndef LBHA_DAEMON_CONTROL_REQUEST_H
#define LBHA_DAEMON_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/nstime.h"
#include "config/override.h"
#include "core/protocol.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_LINE_MAX 16384
#define CONTROL_LINE_LONG ((size_t)2 << 20) /* a file of overrides goes into one line */
#define CONTROL_NO_STRANGERS                                                                          \
	"not permitted: root, and who is in a group of global.control, may ask"
#define CONTROL_PATH 4096
#define CONTROL_NAME 64
#define CONTROL_SERVER 128
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
	CONTROL_UPGRADE,
	CONTROL_OVERRIDES,
	CONTROL_ZERO,
	CONTROL_EXPORT,
	CONTROL_TRAFFIC,
	CONTROL_METRICS,
	CONTROL_NAMES,
	CONTROL_RELEASE,
	CONTROL_CLAIM,
	CONTROL_PRIORITY,
	CONTROL_MAINTENANCE,
	CONTROL_DRAIN,
	CONTROL_DISABLE,
	CONTROL_ENABLE,
	CONTROL_WEIGHT,
	CONTROL_LOG,
	CONTROL_LOAD,
	CONTROL_CHECK,
};

struct control_request {
	enum control_kind kind;
	char file[CONTROL_PATH];         /* plan: "" when not given */
	bool follow, has_since;          /* events */
	bool watch;                      /* status: asked again and again */
	uint64_t since;
	char instance[CONTROL_NAME];     /* release, claim: "" = all of them */
	char format[CONTROL_NAME];       /* export */
	bool all;
	char service[CONTROL_NAME];      /* drain, disable, enable, weight; services, zero: "" = all */
	char server[CONTROL_SERVER];     /* its name or address[:port] */
	char check[CONTROL_NAME];        /* check: "" = a server's */
	uint32_t at;                     /* check */
	json_t *overrides;               /* load: an array of objects; else NULL */
	char value[OVERRIDE_VALUE];      /* priority: 1..254 or auto; maintenance: on or off;
					    weight: 0..65535 or auto */
	char comment[OVERRIDE_COMMENT];  /* "": none */
	nstime timeout;                  /* 0: none */
};

/* Reads a request line (without its end). -EINVAL: `error` (CONTROL_ERROR bytes) says why, to the
 * client. What was read is freed with control_request_fini. */
int control_request_parse(const char *line, size_t length, struct control_request *out,
			  char *error);
void control_request_fini(struct control_request *request);

/* Whether it changes something or reads files as root: for those who may write. */
bool control_request_is_command(enum control_kind kind);
const char *control_request_name(enum control_kind kind);

/* What the supervisor is asked with RECORD_REQUEST; 0: it is not, or word by word
 * (daemon/control_words.h). */
enum request_kind control_request_order(enum control_kind kind);
/* What a client is told when the supervisor has refused; NULL: it is not asked. */
const char *control_request_refusal(enum control_kind kind);

/* How JSON stands in a line: compact, reals in as few digits as they were meant to have. */
#define CONTROL_JSON (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* Answers as a line with its end, malloc'ed; NULL when out of memory. Both take over the JSON given
 * (`lines` may be NULL: none). */
char *control_answer(json_t *result);
char *control_refusal(const char *error, json_t *lines);
/* The same with what came of each object. */
char *control_refusal_of(const char *error, json_t *lines, json_t *objects);

#endif
