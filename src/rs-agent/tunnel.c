/* Which link takes packets out of which tunnel; see the header. */
#include "rs-agent/tunnel.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"

const char *rs_link_kind_name(enum rs_link_kind kind)
{
	static const char *const names[] = {
		[RS_LINK_IPIP] = "ipip",     [RS_LINK_SIT] = "sit",       [RS_LINK_IP6TNL] = "ip6tnl",
		[RS_LINK_GRE] = "gre", [RS_LINK_IP6GRE] = "ip6gre",
	};

	return kind < COUNT_OF(names) ? names[kind] : "?";
}

static enum rs_link_kind kind_for(enum tunnel_type type, uint8_t outer, uint8_t inner)
{
	if (type == TUNNEL_GRE)
		return outer == AF_INET6 ? RS_LINK_IP6GRE : RS_LINK_GRE;
	if (outer == AF_INET6)
		return RS_LINK_IP6TNL;
	return inner == AF_INET6 ? RS_LINK_SIT : RS_LINK_IPIP;
}

const char *rs_link_format(const struct rs_link *link, char *out)
{
	struct text text = text_of(out, RS_ALIAS);
	char local[ADDR_TEXT];

	text_add(&text, "%s%s local %s%s", rs_link_kind_name(link->kind),
		 link->kind == RS_LINK_IP6TNL ? " mode any" : "", addr_format(&link->local, local),
		 link->checksum ? " icsum" : "");
	return out;
}

struct rs_link rs_link_for(const struct tunnel *tunnel, const struct addr *local, uint8_t family)
{
	struct rs_link link = {
		.kind = kind_for(tunnel->type, local->family, family),
		.local = *local,
		.checksum = tunnel->type == TUNNEL_GRE &&
			    tunnel->checksum == TUNNEL_CHECKSUM_CSUM,
	};
	char what[RS_ALIAS];
	struct text alias = text_of(link.alias, sizeof(link.alias));

	text_add(&alias, "lbha:rs %s", rs_link_format(&link, what));
	return link;
}

bool rs_link_same(const struct rs_link *a, const struct rs_link *b)
{
	return a->kind == b->kind && addr_equal(&a->local, &b->local) && a->checksum == b->checksum;
}

void rs_link_set_name(struct rs_link *link, unsigned number)
{
	struct text name = text_of(link->name, sizeof(link->name));

	text_add(&name, "lbha-%s", rs_link_kind_name(link->kind));
	if (number > 1)
		text_add(&name, "%u", number);
}

bool rs_link_lets_in(int64_t own, int64_t all)
{
	return (own > all ? own : all) != 1;
}
