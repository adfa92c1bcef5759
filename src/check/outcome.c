/* Two tables: errno to reason, and reason to sentence. What happened before a connection was even
 * tried is always ours; what happened while connecting is ours only if the error says so.
 * connect(2) gives EADDRNOTAVAIL when no local port is left for that target (bind(2): the address
 * is not here), and EPERM or EACCES when a local firewall refuses to send. */
#include "check/outcome.h"

#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "base/duration.h"
#include "base/text.h"
#include "config/model.h"

struct error_row {
	int error;
	enum probe_reason connecting, replying; /* STEP_CONNECT, STEP_REPLY; before: ours */
	const char *text;
};

static const struct error_row ERRORS[] = {
	{ECONNREFUSED, REASON_REFUSED, REASON_REFUSED, "refused"},
	{EHOSTUNREACH, REASON_UNREACHABLE, REASON_UNREACHABLE, "no route to host"},
	{ENETUNREACH, REASON_UNREACHABLE, REASON_UNREACHABLE, "network unreachable"},
	{EHOSTDOWN, REASON_UNREACHABLE, REASON_UNREACHABLE, "host is down"},
	{ENOPROTOOPT, REASON_UNREACHABLE, REASON_UNREACHABLE, "protocol unreachable"},
	{ETIMEDOUT, REASON_CONNECT_TIMEOUT, REASON_REPLY_TIMEOUT, "timed out"},
	{ECONNRESET, REASON_RESET, REASON_RESET, "reset"},
	{ECONNABORTED, REASON_RESET, REASON_RESET, "aborted"},
	{EPIPE, REASON_RESET, REASON_RESET, "reset"},
	{EMFILE, REASON_RESOURCES, REASON_RESOURCES, "too many open files"},
	{ENFILE, REASON_RESOURCES, REASON_RESOURCES, "too many open files in the system"},
	{ENOBUFS, REASON_RESOURCES, REASON_RESOURCES, "no buffer space"},
	{ENOMEM, REASON_RESOURCES, REASON_RESOURCES, "out of memory"},
	{EADDRNOTAVAIL, REASON_RESOURCES, REASON_RESOURCES, "no free local port"},
	{EADDRINUSE, REASON_RESOURCES, REASON_RESOURCES, "no free local port"},
	{EAGAIN, REASON_RESOURCES, REASON_RESOURCES, "no free local port"},
	{ETIME, REASON_RESOURCES, REASON_RESOURCES, "this process was held up"},
	{EBUSY, REASON_RESOURCES, REASON_RESOURCES, "as many scripts run already as may at once"},
	{ENETDOWN, REASON_LOCAL, REASON_LOCAL, "network is down"},
	{ENODEV, REASON_LOCAL, REASON_LOCAL, "no such device"},
	{EPERM, REASON_LOCAL, REASON_LOCAL, "not permitted"},
	{EACCES, REASON_LOCAL, REASON_LOCAL, "not permitted"},
	{EINVAL, REASON_LOCAL, REASON_LOCAL, "source and target do not fit together"},
	{ENONET, REASON_LOCAL, REASON_LOCAL,
	 "this machine has no address of its own towards the server: give the check a \"bind\""},
	{EAFNOSUPPORT, REASON_LOCAL, REASON_LOCAL, "address family not supported"},
	{ENOKEY, REASON_LOCAL, REASON_LOCAL, "OpenSSL refuses the files of this check"},
	{ENOTSUP, REASON_LOCAL, REASON_LOCAL, "/proc hides the processes of others (hidepid)"},
};

static const struct error_row *error_row(int error)
{
	for (size_t i = 0; i < COUNT_OF(ERRORS); i++)
		if (ERRORS[i].error == error)
			return &ERRORS[i];
	return NULL;
}

static enum probe_reason error_reason(enum outcome_step step, int error)
{
	const struct error_row *row = error_row(error);

	switch (step) {
	case STEP_CONNECT:
	case STEP_SEND:
		return row ? row->connecting : REASON_UNREACHABLE;
	case STEP_REPLY:
		return row ? row->replying : REASON_RESET;
	case STEP_BIND:
		if (error == EADDRNOTAVAIL)
			return REASON_LOCAL;
		break;
	case STEP_SOCKET:
	case STEP_INTERFACE:
	case STEP_MARK:
		break;
	}
	return row && row->connecting == REASON_RESOURCES ? REASON_RESOURCES : REASON_LOCAL;
}

struct outcome outcome_of_error(enum outcome_step step, int error)
{
	return (struct outcome){.reason = error_reason(step, error), .step = step, .error = error};
}

struct hindrance hindrance_of(const struct outcome *outcome)
{
	if (outcome->reason != REASON_RESOURCES && outcome->reason != REASON_LOCAL)
		return (struct hindrance){0};
	return (struct hindrance){.error = (int16_t)outcome->error, .step = (uint8_t)outcome->step};
}

struct outcome outcome_of_hindrance(struct hindrance hindrance)
{
	return outcome_of_error((enum outcome_step)hindrance.step, hindrance.error);
}

bool outcome_counts(enum probe_reason reason)
{
	return reason != REASON_NONE && reason != REASON_RESOURCES && reason != REASON_LOCAL;
}

struct outcome outcome_of_deadline(nstime connected, uint32_t received)
{
	if (!connected)
		return (struct outcome){.reason = REASON_CONNECT_TIMEOUT, .step = STEP_CONNECT};
	return (struct outcome){
		.reason = REASON_REPLY_TIMEOUT, .step = STEP_REPLY, .received = received};
}

static const struct status_range STATUS_DEFAULT = {200, 299};

/* The ranges that count: the check's, or the default one. */
static const struct status_range *wanted_status(const struct check *check, size_t *count)
{
	*count = check->expect.status_count ? check->expect.status_count : 1;
	return check->expect.status_count ? check->expect.status : &STATUS_DEFAULT;
}

struct outcome outcome_of_status(const struct check *check, uint16_t status)
{
	struct outcome out = {.reason = REASON_STATUS, .step = STEP_REPLY, .status = status};
	size_t count;
	const struct status_range *wanted = wanted_status(check, &count);

	for (size_t i = 0; i < count; i++)
		if (status >= wanted[i].first && status <= wanted[i].last)
			out.reason = REASON_PASSED;
	return out;
}

static void describe_status(struct text *text, const struct outcome *outcome,
			    const struct check *check)
{
	size_t count;
	const struct status_range *wanted = wanted_status(check, &count);

	if (outcome->fault) {
		text_add(text, "%s", outcome->fault);
		return;
	}
	text_add(text, "status %u, wanted ", outcome->status);
	for (size_t i = 0; i < count; i++) {
		text_add(text, "%s%u", i ? ", " : "", wanted[i].first);
		if (wanted[i].last != wanted[i].first)
			text_add(text, "-%u", wanted[i].last);
	}
}

static void describe_error(struct text *text, int error)
{
	const struct error_row *row = error_row(error);

	if (row)
		text_add(text, "%s", row->text);
	else
		text_add(text, "error %d", error);
}

static void describe_received(struct text *text, uint32_t bytes)
{
	text_add(text, "%u byte%s received)", bytes, bytes == 1 ? "" : "s");
}

static void describe_connect_timeout(struct text *text, const struct outcome *outcome,
				     const struct check *check)
{
	char within[DURATION_TEXT];

	if (outcome->error)
		text_add(text, "connect: timed out");
	else
		text_add(text, "no connection within %s", duration_format(check->timeout, within));
}

static void describe_reply_timeout(struct text *text, const struct outcome *outcome,
				   const struct check *check)
{
	char within[DURATION_TEXT], connected[DURATION_TEXT];

	duration_format(check->timeout, within);
	if (!outcome->connected) { /* datagrams: nothing is ever connected */
		text_add(text, "%s within %s", outcome->fault ? outcome->fault : "no reply", within);
		return;
	}
	duration_about(outcome->connected, connected);
	if (outcome->fault)
		text_add(text, "no %s", outcome->fault);
	else
		text_add(text, outcome->received ? "reply not complete" : "no reply");
	text_add(text, " within %s (connected after %s", within, connected);
	if (!outcome->received) {
		text_add(text, ")");
		return;
	}
	text_add(text, ", ");
	describe_received(text, outcome->received);
}

static void describe_reset(struct text *text, const struct outcome *outcome)
{
	const char *how = outcome->error ? "reset" : "closed";
	const char *awaited = outcome->fault ? outcome->fault : "reply";

	if (outcome->step != STEP_REPLY) {
		text_add(text, "connect: reset");
	} else if (!outcome->received) {
		text_add(text, "connection %s without a %s", how, awaited);
	} else {
		text_add(text, "connection %s ", how);
		text_add(text, outcome->fault ? "without a %s (" : "in the middle of the %s (",
			 awaited);
		describe_received(text, outcome->received);
	}
}

/* A datagram's complaint has words of its own. */
static void describe_unreached(struct text *text, const struct outcome *outcome)
{
	if (outcome->fault) {
		text_add(text, "%s", outcome->fault);
		return;
	}
	text_add(text, outcome->step == STEP_SEND ? "send: " : "connect: ");
	describe_error(text, outcome->error);
}

/* RESOURCES and LOCAL: "here:" says whose fault it is. */
static void describe_here(struct text *text, const struct outcome *outcome,
			  const struct check *check)
{
	char address[ADDR_TEXT];

	text_add(text, "here: ");
	switch (outcome->step) {
	case STEP_SOCKET:
		break;
	case STEP_INTERFACE:
		text_add(text,
			 "cannot use interface %s: ", check->interface ? check->interface : "");
		break;
	case STEP_MARK:
		text_add(text, "via: vip: ");
		break;
	case STEP_BIND:
		text_add(text, "cannot bind to %s: ", addr_format(&check->bind, address));
		break;
	case STEP_CONNECT:
		text_add(text, "connect: ");
		break;
	case STEP_SEND:
		text_add(text, "send: ");
		break;
	case STEP_REPLY:
		break;
	}
	if (outcome->step == STEP_BIND && outcome->error == EADDRNOTAVAIL)
		text_add(text, "not an address of this machine");
	else
		describe_error(text, outcome->error);
}

static void describe_passed(struct text *text, const struct outcome *outcome)
{
	if (outcome->fault)
		text_add(text, "%s", outcome->fault);
	else if (outcome->status)
		text_add(text, "status %u", outcome->status);
	else
		text_add(text, "connected");
}

const char *outcome_describe(const struct outcome *outcome, const struct check *check, char *out,
			     size_t size)
{
	struct text text = text_of(out, size);

	switch (outcome->reason) {
	case REASON_NONE:
		text_add(&text, "not probed yet");
		break;
	case REASON_PASSED:
		describe_passed(&text, outcome);
		break;
	case REASON_REFUSED:
	case REASON_UNREACHABLE:
		describe_unreached(&text, outcome);
		break;
	case REASON_CONNECT_TIMEOUT:
		describe_connect_timeout(&text, outcome, check);
		break;
	case REASON_REPLY_TIMEOUT:
		describe_reply_timeout(&text, outcome, check);
		break;
	case REASON_RESET:
		describe_reset(&text, outcome);
		break;
	case REASON_PROTOCOL:
	case REASON_TOO_LARGE:
	case REASON_EXIT:
	case REASON_KILLED:
	case REASON_TIMEOUT:
	case REASON_NOT_STARTED:
	case REASON_MISSING:
	case REASON_SAYS_DOWN:
	case REASON_MISMATCH:
	case REASON_TLS:
	case REASON_CERTIFICATE:
	case REASON_MATCH_LIMIT:
	case REASON_NO_WAY:
	case REASON_COUNT:
		text_add(&text, "%s", outcome->fault ? outcome->fault : "not a valid reply");
		break;
	case REASON_STATUS:
		describe_status(&text, outcome, check);
		break;
	case REASON_RESOURCES:
	case REASON_LOCAL:
		describe_here(&text, outcome, check);
		break;
	}
	return out;
}
