/* Words and options in any order; "--name value" and "--name=value" alike. Parsed by hand, so that
 * the sentences are ours and the parser is pure. */
#include "rs-agent/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

struct parser {
	int argc, at;
	char **argv;
	struct rs_options options;
	bool has_command, has_forwarding, has_tunnel;
	char *why;
};

static int PRINTF_LIKE(2, 3) refuse(struct parser *parser, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(parser->why, OPTIONS_WHY, format, list);
	va_end(list);
	return -EINVAL;
}

/* ---- single options ---- */

static int set_file(struct parser *parser, const char *value)
{
	parser->options.file = value;
	return 0;
}

static int set_service(struct parser *parser, const char *value)
{
	parser->options.service = value;
	return 0;
}

static int set_state_dir(struct parser *parser, const char *value)
{
	parser->options.state_dir = value;
	return *value ? 0 : refuse(parser, "--state-dir needs a folder");
}

static int set_vip(struct parser *parser, const char *value)
{
	struct rs_options *options = &parser->options;
	struct addr address;

	if (addr_parse(value, &address))
		return refuse(parser, "--vip %s: that is no address", value);
	if (addr_is_multicast(&address) || addr_is_unspecified(&address) ||
	    addr_is_loopback(&address) || addr_is_link_local(&address))
		return refuse(parser, "--vip %s: a VIP is a unicast address that clients can reach",
			      value);
	if (options->given.vip_count == OPTIONS_VIPS)
		return refuse(parser, "at most %d times --vip", OPTIONS_VIPS);
	options->vips[options->given.vip_count++] = address;
	return 0;
}

static int set_forwarding(struct parser *parser, const char *value)
{
	static const struct {
		const char *word;
		enum forwarding forwarding;
	} ways[] = {
		{"dr", FORWARDING_DR}, {"tunnel", FORWARDING_TUNNEL}, {"nat", FORWARDING_NAT}};

	parser->has_forwarding = true;
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		if (!strcmp(value, ways[i].word)) {
			parser->options.given.forwarding = ways[i].forwarding;
			return 0;
		}
	return refuse(parser, "--forwarding %s: there are dr, tunnel and nat", value);
}

static int set_gateway(struct parser *parser, const char *value)
{
	struct addr *gateway = &parser->options.given.gateway;

	if (addr_parse(value, gateway))
		return refuse(parser, "--gateway %s: that is no address", value);
	if (addr_is_multicast(gateway) || addr_is_unspecified(gateway) ||
	    addr_is_loopback(gateway) || addr_is_link_local(gateway))
		return refuse(parser, "--gateway %s: that is no address of a director", value);
	return 0;
}

#define GUE_PORT 6080 /* IANA's */

static int set_gue_port(struct parser *parser, const char *text)
{
	struct tunnel *tunnel = &parser->options.given.tunnel;
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (!port || port > UINT16_MAX || *end || *text < '0' || *text > '9')
		return refuse(parser, "--tunnel gue:%s: a port is 1..65535", text);
	tunnel->port = (uint16_t)port;
	return 0;
}

static int set_tunnel(struct parser *parser, const char *value)
{
	struct tunnel *tunnel = &parser->options.given.tunnel;

	parser->has_tunnel = true;
	*tunnel = (struct tunnel){.type = TUNNEL_GRE};
	if (!strcmp(value, "gre"))
		return 0;
	tunnel->checksum = TUNNEL_CHECKSUM_CSUM;
	if (!strcmp(value, "gre:csum"))
		return 0;
	*tunnel = (struct tunnel){.type = TUNNEL_IPIP};
	if (!strcmp(value, "ipip"))
		return 0;
	*tunnel = (struct tunnel){.type = TUNNEL_GUE, .port = GUE_PORT};
	if (!strcmp(value, "gue"))
		return 0;
	if (!strncmp(value, "gue:", 4))
		return set_gue_port(parser, value + 4);
	return refuse(parser, "--tunnel %s: there are ipip, gue, gue:PORT, gre and gre:csum", value);
}

static int set_arp(struct parser *parser, const char *value)
{
	if (!strcmp(value, "sysctl"))
		parser->options.arp = RS_ARP_SYSCTL;
	else if (!strcmp(value, "filter"))
		parser->options.arp = RS_ARP_FILTER;
	else
		return refuse(parser, "--arp %s: there are sysctl and filter", value);
	return 0;
}

static int set_dry_run(struct parser *parser, const char *value UNUSED)
{
	parser->options.dry_run = true;
	return 0;
}

static int set_json(struct parser *parser, const char *value UNUSED)
{
	parser->options.json = true;
	return 0;
}

static int set_persist(struct parser *parser, const char *value UNUSED)
{
	parser->options.persist = true;
	return 0;
}

static int set_help(struct parser *parser, const char *value UNUSED)
{
	parser->options.command = RS_HELP;
	parser->has_command = true;
	return 0;
}

static int set_version(struct parser *parser, const char *value UNUSED)
{
	parser->options.command = RS_VERSION;
	parser->has_command = true;
	return 0;
}

struct option_row {
	const char *name;
	bool has_value;
	int (*set)(struct parser *parser, const char *value);
};

static const struct option_row rows[] = {
	{"-f", true, set_file},
	{"--file", true, set_file},
	{"--service", true, set_service},
	{"--vip", true, set_vip},
	{"--forwarding", true, set_forwarding},
	{"--gateway", true, set_gateway},
	{"--tunnel", true, set_tunnel},
	{"--arp", true, set_arp},
	{"--state-dir", true, set_state_dir},
	{"--dry-run", false, set_dry_run},
	{"--json", false, set_json},
	{"--persist", false, set_persist},
	{"--help", false, set_help},
	{"-h", false, set_help},
	{"--version", false, set_version},
};


static const char *row_name(const void *ctx UNUSED, size_t index)
{
	return index < COUNT_OF(rows) ? rows[index].name : NULL;
}

/* ---- the line ---- */

static int parse_option(struct parser *parser, const char *word)
{
	size_t length = strcspn(word, "=");
	const char *near;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct option_row *row = &rows[i];
		const char *value = word[length] ? word + length + 1 : NULL;

		if (strlen(row->name) != length || strncmp(row->name, word, length))
			continue;
		if (!row->has_value && value)
			return refuse(parser, "%s takes no value", row->name);
		if (row->has_value && !value && parser->at < parser->argc)
			value = parser->argv[parser->at++];
		if (row->has_value && !value)
			return refuse(parser, "%s needs a value", row->name);
		return row->set(parser, value);
	}
	near = text_nearest(word, row_name, NULL);
	if (near)
		return refuse(parser, "unknown option %s; did you mean %s?", word, near);
	return refuse(parser, "unknown option %s", word);
}

static const char *const commands[] = {
	[RS_SETUP] = "setup",
	[RS_TEARDOWN] = "teardown",
	[RS_STATUS] = "status",
	[RS_DOCTOR] = "doctor",
};

static const char *command_at(const void *ctx UNUSED, size_t index)
{
	return index < COUNT_OF(commands) ? commands[index] : NULL;
}

const char *rs_command_name(enum rs_command command)
{
	return command < COUNT_OF(commands) ? commands[command] : "";
}

static int parse_word(struct parser *parser, const char *word)
{
	const char *near;

	if (parser->has_command)
		return refuse(parser, "one word too many: %s", word);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (!strcmp(word, commands[i])) {
			parser->options.command = (enum rs_command)i;
			parser->has_command = true;
			return 0;
		}
	near = text_nearest(word, command_at, NULL);
	if (near)
		return refuse(parser, "unknown command %s; did you mean %s?", word, near);
	return refuse(parser, "unknown command %s; there are setup, teardown, status and doctor",
		      word);
}

/* What the way of the packets needs, and what it has no use for. */
static int check_way(struct parser *parser)
{
	const struct rs_given *given = &parser->options.given;

	if (parser->has_tunnel && given->forwarding != FORWARDING_TUNNEL)
		return refuse(parser, "--tunnel goes with --forwarding tunnel");
	if (given->gateway.family && given->forwarding != FORWARDING_NAT)
		return refuse(parser, "--gateway goes with --forwarding nat");
	if (given->forwarding == FORWARDING_NAT && !given->gateway.family &&
	    parser->options.command != RS_TEARDOWN)
		return refuse(parser, "--forwarding nat needs --gateway: the director's address on "
				      "this host's network");
	return 0;
}

static int check_together(struct parser *parser)
{
	const struct rs_options *options = &parser->options;

	if (!parser->has_command)
		return refuse(parser, "which command? There are setup, teardown, status and doctor");
	if (options->given.vip_count && (options->file || options->service))
		return refuse(parser,
			      "--vip stands instead of a configuration: without -f and --service");
	if (parser->has_forwarding && !options->given.vip_count)
		return refuse(
			parser,
			"--forwarding goes with --vip; services of the configuration say theirs");
	if (options->dry_run && options->command != RS_SETUP && options->command != RS_TEARDOWN)
		return refuse(parser, "%s changes nothing: without --dry-run",
			      commands[options->command]);
	if (options->persist && options->command != RS_SETUP)
		return refuse(parser, "--persist goes with setup%s",
			      options->command == RS_TEARDOWN
				      ? "; teardown removes what it made in any case"
				      : "");
	if (options->arp && options->command == RS_TEARDOWN)
		return refuse(parser, "--arp goes with setup, status and doctor; teardown undoes either");
	return check_way(parser);
}

int rs_options_parse(int argc, char **argv, const char *state_dir, struct rs_options *out,
		     char *why)
{
	struct parser parser = {.argc = argc, .at = 1, .argv = argv, .why = why};
	int err = 0;

	parser.options.state_dir = state_dir;
	parser.options.given.forwarding = FORWARDING_DR;
	while (parser.at < argc && !err) {
		const char *word = argv[parser.at++];

		err = *word == '-' ? parse_option(&parser, word) : parse_word(&parser, word);
		if (!err && parser.has_command && parser.options.command >= RS_HELP)
			break;
	}
	if (!err)
		err = check_together(&parser);
	if (err)
		return err;
	*out = parser.options;
	out->given.vips = out->vips;
	return 0;
}
