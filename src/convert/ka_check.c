/* Checkers of real servers. With the same time to notice: keepalived asks again `retry` times,
 * delay_before_retry apart, before a server is down. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/text.h"
#include "convert/ka_server.h"

struct checker {
	const struct ka_node *node;
	const struct ka_target *target;
	struct ka_timing timing;
	struct addr address;   /* connect_ip; family 0: none */
	long port;             /* connect_port; 0: none */
	const char *bind, *bind_if, *helo, *record, *name, *version, *virtualhost, *sni;
	bool has_sni, is_dynamic;
	bool has_connection; /* of its own, outside of `host` */
	const struct ka_node *path, *user, *misc_timeout, *payload, *reply;
	struct draft *into; /* the service's: what is said stands there */
};

/* ---- keywords ------------------------------------------------------------------------------- */

static void take_timing(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	ka_timing_take(run, node, &((struct checker *)object)->timing, into);
}

static void take_address(struct ka_run *run, const struct ka_node *node, void *object,
			 struct draft *into)
{
	if (!ka_address(ka_word(node, 1), &((struct checker *)object)->address))
		ka_say(run, node, into, IMPORT_WARNING, "is no address");
}

static void take_port(struct ka_run *run, const struct ka_node *node, void *object,
		      struct draft *into)
{
	ka_number(run, node, 1, 1, 65535, &((struct checker *)object)->port, into);
}

/* Words that are kept as they are. */
static void take_word(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		      UNUSED struct draft *into)
{
	struct checker *checker = object;
	const struct {
		const char *keyword, **word;
	} words[] = {
		{"bindto", &checker->bind},         {"bind_if", &checker->bind_if},
		{"helo_name", &checker->helo},      {"type", &checker->record},
		{"name", &checker->name},           {"http_protocol", &checker->version},
		{"virtualhost", &checker->virtualhost}, {"sni_name", &checker->sni},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (ka_is(node, words[i].keyword))
			*words[i].word = ka_word(node, 1);
}

static void take_flag(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		      UNUSED struct draft *into)
{
	struct checker *checker = object;

	if (ka_is(node, "enable_sni"))
		checker->has_sni = ka_bool(node, 1);
	else
		checker->is_dynamic = true;
}

static void take_node(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		      UNUSED struct draft *into)
{
	struct checker *checker = object;

	if (ka_is(node, "misc_path"))
		checker->path = node;
	else if (ka_is(node, "user"))
		checker->user = node;
	else if (ka_is(node, "misc_timeout"))
		checker->misc_timeout = node;
	else if (ka_is(node, "payload"))
		checker->payload = node;
	else if (ka_is(node, "require_reply"))
		checker->reply = node;
}

#define NOT_NEEDED(keyword, why) {keyword, NULL, NULL, IMPORT_NOTE, why}
#define LOST(keyword, why) {keyword, NULL, NULL, IMPORT_WARNING, why}

static const struct ka_rule check_rules[] = {
	{"delay_loop", take_timing, "interval", 0, NULL},
	{"connect_timeout", take_timing, "timeout", 0, NULL},
	{"retry", take_timing, "fall", 0, NULL},
	{"nb_get_retry", take_timing, "fall", 0, NULL},
	{"delay_before_retry", take_timing, "retry_interval", 0, NULL},
	{"alpha", take_timing, "initial: down", 0, NULL},
	{"connect_ip", take_address, "address", 0, NULL},
	{"connect_port", take_port, "port", 0, NULL},
	{"bindto", take_word, "bind", 0, NULL},
	{"bind_if", take_word, "interface", 0, NULL},
	{"helo_name", take_word, "helo", 0, NULL},
	{"host", ka_read_elsewhere, "a check of its own", 0, NULL},
	{"type", take_word, "record", 0, NULL},
	{"name", take_word, "name", 0, NULL},
	{"payload", take_node, "send", 0, NULL},
	{"require_reply", take_node, "require_reply, expect", 0, NULL},
	{"http_protocol", take_word, "version", 0, NULL},
	{"virtualhost", take_word, "host", 0, NULL},
	{"enable_sni", take_flag, "tls: sni", 0, NULL},
	{"sni_name", take_word, "tls: sni", 0, NULL},
	{"url", ka_read_elsewhere, "a check of its own", 0, NULL},
	{"misc_path", take_node, "command", 0, NULL},
	{"misc_timeout", take_node, "timeout", 0, NULL},
	{"misc_dynamic", take_flag, "weight_from_exit: true", 0, NULL},
	{"user", take_node, "user", 0, NULL},
	NOT_NEEDED("warmup", "first probes are spread over a second at most"),
	NOT_NEEDED("log_all_failures", "`lbhactl services NAME` has each failure's reason"),
	NOT_NEEDED("fast_recovery", "all urls are asked each time"),
	NOT_NEEDED("tls_compliant", "an end without close_notify is no failure"),
	LOST("bind_port", "probes leave from a port of the kernel's choice"),
	LOST("fwmark", "probes bear no mark; interface: and bind: choose their way"),
	LOST("min_reply_length", "a reply's length is not looked at; expect: looks for bytes in it"),
	LOST("max_reply_length", "a reply's length is not looked at; expect: looks for bytes in it"),
	{"track_file", ka_read_elsewhere, NULL, 0, NULL},
	{"weight", ka_read_elsewhere, NULL, 0, NULL},
};

const struct ka_rules ka_rules_check = {"TCP_CHECK, HTTP_GET …", check_rules, COUNT_OF(check_rules)};

/* ---- what all have -------------------------------------------------------------------------- */

/* A new check of that type. */
static struct draft *new_check(struct ka_run *run, struct draft *checks, const char *type)
{
	struct draft *check = draft_item(run->arena, checks, DRAFT_MAP);

	if (check)
		check->is_short = true;
	draft_text(run->arena, check, "type", type);
	return check;
}

static void put_target(struct ka_run *run, const struct checker *checker, bool has_port,
		       struct draft *check)
{
	const struct ka_target *target = checker->target;
	long port = checker->port ? checker->port : target->is_explicit ? target->port : 0;
	char text[ADDR_TEXT];

	if (checker->address.family && !addr_equal(&checker->address, &target->address))
		draft_text(run->arena, check, "address", addr_format(&checker->address, text));
	if (has_port && port && (target->is_explicit || port != target->port))
		draft_value(run->arena, check, "port", "%ld", port);
	if (checker->bind)
		draft_text(run->arena, check, "bind", checker->bind);
	if (checker->bind_if)
		draft_text(run->arena, check, "interface", checker->bind_if);
}

/* Times: `retry` and `before` are the type's own defaults; before < 0: delay_loop. */
static void put_times(struct ka_run *run, const struct checker *checker, long retry, nstime before,
		      struct draft *check)
{
	const struct ka_timing *given = &checker->timing;
	nstime loop = given->delay_loop < 0 ? 60 * NSTIME_S : given->delay_loop;
	nstime timeout = given->connect_timeout < 0 ? 5 * NSTIME_S : given->connect_timeout;
	nstime wait = given->delay_before_retry >= 0 ? given->delay_before_retry
		      : before >= 0                  ? before
						     : loop;

	retry = given->retry < 0 ? retry : given->retry;
	ka_duration(run, check, "interval", loop < 10 * NSTIME_MS ? 10 * NSTIME_MS : loop);
	ka_duration(run, check, "timeout", timeout < NSTIME_MS ? NSTIME_MS : timeout);
	draft_value(run->arena, check, "rise", "1");
	draft_value(run->arena, check, "fall", "%ld", retry + 1);
	if (retry && wait != loop)
		ka_duration(run, check, "retry_interval", wait < 10 * NSTIME_MS ? 10 * NSTIME_MS : wait);
	if (given->alpha != 1)
		draft_text(run->arena, check, "initial", "up");
}

/* ---- types ---------------------------------------------------------------------------------- */

static void put_tcp(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	struct draft *check = new_check(run, checks, "tcp");

	put_target(run, checker, true, check);
	put_times(run, checker, 1, NSTIME_S, check);
}

static void put_smtp_to(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	struct draft *check = new_check(run, checks, "smtp");

	draft_text(run->arena, check, "helo", checker->helo ? checker->helo : "smtpchecker.keepalived.org");
	put_target(run, checker, true, check);
	put_times(run, checker, 1, NSTIME_S, check);
}

/* One for each `host`; for the server itself, if there is none, or something is said about its connection. */
static void put_smtp(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	bool any = false;

	for (const struct ka_node *at = checker->node->first; at; at = at->next)
		any |= ka_is(at, "host");
	if (!any || checker->has_connection)
		put_smtp_to(run, checker, checks);
	for (const struct ka_node *at = checker->node->first; at; at = at->next) {
		struct checker host = *checker;

		if (!ka_is(at, "host"))
			continue;
		host.address = (struct addr){0};
		host.port = 0;
		host.bind = host.bind_if = NULL;
		host.timing.connect_timeout = checker->target->timing.connect_timeout;
		ka_take_block(run, at, &ka_rules_check, &host, checker->into);
		put_smtp_to(run, &host, checks);
	}
}

static void put_dns(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	struct draft *check = new_check(run, checks, "dns");

	draft_text(run->arena, check, "record", checker->record ? checker->record : "SOA");
	if (checker->name && strcmp(checker->name, ".") != 0)
		draft_text(run->arena, check, "name", checker->name);
	put_target(run, checker, true, check);
	put_times(run, checker, 3, -1, check);
}

static void put_ping(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	struct draft *check = new_check(run, checks, "icmp");

	put_target(run, checker, false, check);
	put_times(run, checker, 1, NSTIME_S, check);
}

/* A word's bytes in hexadecimal digits as escapes: two digits each, an odd last one by itself. */
static bool add_escapes(struct text *out, const char *hex)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (hex[strspn(hex, digits)])
		return false;
	for (; *hex; hex += hex[1] ? 2 : 1)
		text_add(out, hex[1] ? "\\x%.2s" : "\\x0%.1s", hex);
	return true;
}

/* All words of the statement as bytes; NULL: none, or there are other signs. */
static const char *bytes_of(struct ka_run *run, const struct ka_node *node)
{
	size_t room = node ? 4 * strlen(node->raw) + 1 : 0;
	char *buffer = node && node->count > 1 ? arena_alloc(run->arena, room) : NULL;
	struct text out = text_of(buffer, buffer ? room : 0);

	for (size_t i = 1; buffer && i < node->count; i++)
		for (const char *at = node->words[i]; *(at += strspn(at, " \t"));) {
			size_t length = strcspn(at, " \t");
			const char *word = arena_text(run->arena, at, length);

			if (!word || !add_escapes(&out, word))
				return NULL;
			at += length;
		}
	return buffer;
}

static void put_udp(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	struct draft *check = new_check(run, checks, "udp");
	const char *send = bytes_of(run, checker->payload), *expect = bytes_of(run, checker->reply);

	if (send)
		draft_text(run->arena, check, "send", send);
	if (checker->payload && !send)
		ka_say(run, checker->payload, checker->into, IMPORT_WARNING, "hexadecimal digits are expected; nothing is sent");
	if (checker->reply)
		draft_value(run->arena, check, "require_reply", "true");
	if (expect)
		draft_text(run->arena, check, "expect", expect);
	if (checker->reply && checker->reply->count > 1 && !expect)
		ka_say(run, checker->reply, checker->into, IMPORT_WARNING, "wildcards are not known; any reply passes");
	put_target(run, checker, true, check);
	put_times(run, checker, 1, NSTIME_S, check);
}

/* Where the address stands in a word, and is no part of another one: 10.0.0.1 is not in 10.0.0.10. */
static const char *find_address(const char *word, const char *address)
{
	const char *signs = strchr(address, ':') ? "0123456789abcdefABCDEF:" : "0123456789.";
	size_t length = strlen(address);
	const char *found = word;

	while ((found = strstr(found, address))) {
		bool is_begun = found > word && strchr(signs, found[-1]);

		if (!is_begun && (!found[length] || !strchr(signs, found[length])))
			return found;
		found++;
	}
	return NULL;
}

/* A word for the shell; the server's own address is what lbhad tells the script, so that one check does
 * for all servers. */
static void add_shell_word(struct text *out, const char *word, const char *address)
{
	const char *found;

	for (; (found = find_address(word, address)); word = found + strlen(address))
		text_add(out, "%.*s\"$LBHA_ADDRESS\"", (int)(found - word), word);
	text_add(out, "%s", word);
}

static bool is_plain_word(const char *word)
{
	return *word && !word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,@%+-")];
}

/* The command with its own address replaced; false: the address is not in it, or not by itself. */
static bool put_shell(struct ka_run *run, const struct checker *checker, const struct ka_command *command,
		      struct draft *check)
{
	char address[ADDR_TEXT], script[1024];
	struct text out = text_of(script, sizeof(script));
	struct draft *list;
	bool has_address = false;

	addr_format(&checker->target->address, address);
	text_add(&out, "exec");
	for (size_t i = 0; i < command->count; i++) {
		has_address |= find_address(command->words[i], address) != NULL;
		if (!is_plain_word(command->words[i]))
			return false;
		text_add(&out, " ");
		add_shell_word(&out, command->words[i], address);
	}
	if (!has_address || out.cut)
		return false;
	list = draft_list(run->arena, check, "command");
	draft_text(run->arena, list, NULL, "/bin/sh");
	draft_text(run->arena, list, NULL, "-c");
	draft_text(run->arena, list, NULL, script);
	if (list)
		list->is_short = true;
	return true;
}

static void put_misc(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	struct checker timed = *checker;
	struct ka_command command;
	struct draft *check;

	if (!checker->path)
		ka_say(run, checker->node, checker->into, IMPORT_WARNING, "it has no misc_path");
	if (!checker->path || !ka_command_read(run, checker->path, false, checker->into, &command))
		return;
	check = new_check(run, checks, "script");
	if (!put_shell(run, checker, &command, check))
		ka_command_put(run, checker->path, &command, check);
	if (draft_find(check, "command") && ka_word(checker->user, 1))
		draft_text(run->arena, check, "user", checker->user->words[1]);
	if (checker->is_dynamic)
		draft_value(run->arena, check, "weight_from_exit", "true");
	timed.timing.connect_timeout =
		timed.timing.delay_loop < 0 ? 60 * NSTIME_S : timed.timing.delay_loop;
	if (checker->misc_timeout)
		ka_time(run, checker->misc_timeout, 1, &timed.timing.connect_timeout, checker->into);
	put_times(run, &timed, 0, NSTIME_S, check);
}

/* ---- http ----------------------------------------------------------------------------------- */

struct url {
	const char *path, *virtualhost, *regex;
	const struct ka_node *first_status; /* all of the block's count */
	bool is_negated;
	char options[16];
	struct draft *into;
};

static void url_word(UNUSED struct ka_run *run, const struct ka_node *node, void *object,
		     UNUSED struct draft *into)
{
	struct url *url = object;

	if (ka_is(node, "path"))
		url->path = ka_word(node, 1);
	else if (ka_is(node, "virtualhost"))
		url->virtualhost = ka_word(node, 1);
	else if (ka_is(node, "status_code"))
		url->first_status = url->first_status ? url->first_status : node;
	else if (ka_is(node, "regex_no_match"))
		url->is_negated = true;
}

/* What an escape has made (a line's end, a byte beyond ASCII) as an escape of PCRE; its own backslashes stay. */
static const char *plain_regex(struct ka_run *run, const char *regex)
{
	size_t room = 4 * strlen(regex) + 1;
	char *buffer = arena_alloc(run->arena, room);
	struct text out = text_of(buffer, buffer ? room : 0);

	for (const char *at = regex; buffer && *at; at++)
		text_add(&out, (unsigned char)*at < 0x20 || (unsigned char)*at > 0x7e ? "\\x%02x" : "%c",
			 (unsigned char)*at);
	return buffer;
}

/* One word, in quotes of keepalived's: of two backslashes the expression has one. */
static void url_regex(struct ka_run *run, const struct ka_node *node, void *object, struct draft *into)
{
	struct url *url = object;
	size_t count;
	char **words = ka_quoted_words(run->arena, node->raw, true, &count);

	if (words && count == 2 && *words[1])
		url->regex = plain_regex(run, words[1]);
	else
		ka_say(run, node, into, IMPORT_WARNING,
		       "one word in quotes is expected; keepalived passes over it, and so does this");
}

/* Options that PCRE knows inside of an expression. */
static void url_options(struct ka_run *run, const struct ka_node *node, void *object,
			struct draft *into)
{
	static const struct {
		const char *word;
		char letter;
	} options[] = {{"caseless", 'i'}, {"multiline", 'm'}, {"dotall", 's'}, {"extended", 'x'}, {"ungreedy", 'U'}};
	struct url *url = object;

	for (size_t i = 1; i < node->count; i++) {
		size_t k = 0, used = strlen(url->options);

		while (k < COUNT_OF(options) && strcmp(options[k].word, node->words[i]) != 0)
			k++;
		if (k == COUNT_OF(options))
			ka_say(run, node, into, IMPORT_WARNING, "%s: unknown here", node->words[i]);
		else if (used + 1 < sizeof(url->options) && !strchr(url->options, options[k].letter))
			url->options[used] = options[k].letter;
	}
}

static const struct ka_rule url_rules[] = {
	{"path", url_word, "path", 0, NULL},
	{"virtualhost", url_word, "host", 0, NULL},
	{"status_code", url_word, "expect: status", 0, NULL},
	{"regex", url_regex, "expect: body_regex", 0, NULL},
	{"regex_no_match", url_word, "expect: not_regex", 0, NULL},
	{"regex_options", url_options, "(?ims…) in the expression", 0, NULL},
	LOST("digest", "an MD5 digest cannot become a SHA-256 one; expect: {sha256: …} takes that of the same page (curl URL | sha256sum)"),
	LOST("regex_min_offset", "the whole body is looked at"),
	LOST("regex_max_offset", "the whole body is looked at"),
	NOT_NEEDED("regex_stack", "the work of an expression has a limit of lbha's own"),
	NOT_NEEDED("tls_compliant", "an end without close_notify is no failure"),
};

const struct ka_rules ka_rules_url = {"url", url_rules, COUNT_OF(url_rules)};

static void put_expectation(struct ka_run *run, const struct url *url, struct draft *check)
{
	struct draft *expect;

	if (!url->first_status && !url->regex)
		return;
	expect = draft_map(run->arena, check, "expect");
	for (const struct ka_node *at = url->first_status; at; at = at->next)
		for (size_t i = 1; ka_is(at, "status_code") && i < at->count; i++)
			ka_plain(run, draft_list(run->arena, expect, "status"), NULL, at->words[i]);
	if (url->regex)
		draft_textf(run->arena, expect, url->is_negated ? "not_regex" : "body_regex",
			    *url->options ? "(?%s)%s" : "%s%s", url->options, url->regex);
}

/* What SSL_GET has of TLS: keepalived does not verify whom it talks to. */
static void put_tls(struct ka_run *run, const struct checker *checker, const char *host,
		    struct draft *check)
{
	const char *sni = checker->sni ? checker->sni : checker->has_sni ? host : NULL;
	struct draft *tls;

	draft_text(run->arena, check, "scheme", "https");
	tls = draft_map(run->arena, check, "tls");
	if (!tls)
		return;
	draft_value(run->arena, tls, "verify", "false");
	if (sni)
		draft_text(run->arena, tls, "sni", sni);
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "key" : "certificate";
		const char *path = ka_word(ka_child(run->globals.ssl, key), 1);

		if (path)
			draft_text(run->arena, tls, key, path);
	}
	ka_say(run, checker->node, checker->into, IMPORT_WARNING,
	       "keepalived takes any certificate (verify: false); without it the name and the CA are looked at: better with sni: and, for a CA of your own, ca:");
}

static void put_http(struct ka_run *run, const struct checker *checker, const struct ka_node *node,
		     struct draft *checks)
{
	struct url url = {.into = checker->into};
	struct draft *check;
	const char *host;

	ka_take_block(run, node, &ka_rules_url, &url, checker->into);
	check = new_check(run, checks, "http");
	if (url.path && strcmp(url.path, "/") != 0)
		draft_text(run->arena, check, "path", url.path);
	host = url.virtualhost            ? url.virtualhost
	       : checker->virtualhost     ? checker->virtualhost
					  : checker->target->virtualhost;
	if (host)
		draft_text(run->arena, check, "host", host);
	draft_value(run->arena, check, "version",
		    checker->version && !strcmp(checker->version, "1.1") ? "1.1" : "1.0");
	if (ka_is(checker->node, "SSL_GET"))
		put_tls(run, checker, host, check);
	put_expectation(run, &url, check);
	put_target(run, checker, true, check);
	put_times(run, checker, 1, 3 * NSTIME_S, check);
}

/* ---- all ------------------------------------------------------------------------------------ */

static void put_urls(struct ka_run *run, const struct checker *checker, struct draft *checks)
{
	bool any = false;

	for (const struct ka_node *at = checker->node->first; at; at = at->next)
		if (ka_is(at, "url")) {
			put_http(run, checker, at, checks);
			any = true;
		}
	if (!any)
		ka_say(run, checker->node, checker->into, IMPORT_WARNING, "it has no url; keepalived passes over it");
}

static void put_file(struct ka_run *run, const struct checker *checker, UNUSED struct draft *checks)
{
	ka_say(run, checker->node, checker->into, IMPORT_WARNING,
	       "a number in a file is no weight to be added; a check of type file with weight_from_file takes the weight itself, one of its own for each server");
}

static void put_bfd(struct ka_run *run, const struct checker *checker, UNUSED struct draft *checks)
{
	ka_say(run, checker->node, checker->into, IMPORT_WARNING,
	       "lbha does not speak BFD; a check of type icmp or tcp with an interval of 100ms notices as well");
}

void ka_take_checker(struct ka_run *run, const struct ka_node *node, const struct ka_target *target,
		     struct draft *checks, struct draft *service)
{
	static const struct {
		const char *keyword;
		void (*put)(struct ka_run *run, const struct checker *checker, struct draft *checks);
	} types[] = {
		{"TCP_CHECK", put_tcp}, {"HTTP_GET", put_urls},   {"SSL_GET", put_urls},
		{"SMTP_CHECK", put_smtp}, {"DNS_CHECK", put_dns}, {"UDP_CHECK", put_udp},
		{"PING_CHECK", put_ping}, {"MISC_CHECK", put_misc}, {"FILE_CHECK", put_file},
		{"BFD_CHECK", put_bfd},
	};
	struct checker checker = {
		.node = node, .target = target, .timing = KA_TIMING_NONE, .into = service};

	ka_take_block(run, node, &ka_rules_check, &checker, service);
	checker.has_connection = checker.address.family || checker.port || checker.bind || checker.bind_if ||
				 checker.timing.connect_timeout >= 0;
	ka_timing_inherit(&checker.timing, &target->timing);
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (ka_is(node, types[i].keyword))
			types[i].put(run, &checker, checks);
}
