/* See the header. Complaints are sentences for the person who wrote the file: what is wrong and
 * what to write. */
#include "config/judge.h"

#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "base/escape.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool has_control(const char *text, const char *allowed)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 || *text == 0x7f) && !strchr(allowed, *text))
			return true;
	return false;
}

static bool made_of(const char *text, const char *set)
{
	return *text && text[strspn(text, set)] == '\0';
}

const char *judge_text(const void *text)
{
	return has_control(text, "\n\t") ? "has a control character" : NULL;
}

const char *judge_name(const void *text)
{
	const char *name = text;

	if (!*name)
		return "is empty";
	if (strlen(name) > 63)
		return "is longer than 63 bytes";
	if (has_control(name, "") || strchr(name, ' '))
		return "a name has no blanks and control characters";
	return NULL;
}

const char *judge_interface(const void *text)
{
	const char *name = text;

	if (!*name)
		return "is empty";
	if (strlen(name) > 15)
		return "an interface name has at most 15 bytes";
	if (strchr(name, ':') && !strpbrk(name, " /"))
		return "is the label of an address (virtual_addresses: {address: , label: }), no "
		       "interface";
	if (has_control(name, "") || strpbrk(name, " /:") || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return "is no interface name (blanks, \"/\" and \":\" cannot be in one)";
	return NULL;
}

const char *judge_user(const void *text)
{
	const char *name = text;

	if (!made_of(name, LOWER UPPER DIGITS "_-.") || strchr(DIGITS "-.", *name) ||
	    strlen(name) > 31)
		return "is no user name";
	return NULL;
}

const char *judge_user_group(const void *text)
{
	const char *name = text;

	if (made_of(name, DIGITS) && strlen(name) < 10)
		return NULL;
	return judge_user(text) ? "is neither a group's name nor its number" : NULL;
}

const char *judge_file(const void *text)
{
	const char *path = text;

	if (*path != '/')
		return "a path begins with \"/\"";
	return has_control(path, "") ? "has a control character" : NULL;
}

const char *judge_bytes(const void *text)
{
	if (!*(const char *)text)
		return "is empty";
	return escape_fault(text) ? "has a backslash that begins none of \\r \\n \\t \\xHH \\\\" : NULL;
}

const char *judge_pattern(const void *text)
{
	return *(const char *)text ? NULL : "is empty";
}

const char *judge_process(const void *text)
{
	const char *name = text;

	if (!*name)
		return "is empty";
	if (strchr(name, '/'))
		return "is a path: the name alone is needed, as ps -o comm shows it";
	return has_control(name, "") ? "has a control character" : NULL;
}

/* RFC 6066 section 3: a host's name, and no address. */
const char *judge_tls_name(const void *text)
{
	const char *name = text;
	size_t length = strlen(name);
	struct addr address;

	if (!made_of(name, LOWER UPPER DIGITS "_-.") || length > 253 || *name == '.' ||
	    name[length - 1] == '.')
		return "is no host name (letters, digits, \"-\" and \".\"; none at its ends)";
	if (!addr_parse(name, &address))
		return "is an address, and sni is a name: leave it out to have the address verified";
	return NULL;
}

/* RFC 5321 section 4.1.1.1. */
const char *judge_helo(const void *text)
{
	const char *name = text;

	if (!made_of(name, LOWER UPPER DIGITS "-.:[]") || strlen(name) > 253)
		return "is neither a host name nor an address in brackets, as [192.0.2.1]";
	return NULL;
}

/* RFC 7301 section 3.1: any bytes, and those that are in use can be typed. */
const char *judge_alpn(const void *text)
{
	const char *name = text;

	if (!*name || strlen(name) > 255)
		return "is no name of a protocol (1 to 255 bytes, e.g. h2)";
	return has_control(name, "") || strchr(name, ' ') ? "has a blank or control character" : NULL;
}

const char *judge_scheduler(const void *text)
{
	if (!made_of(text, LOWER DIGITS "_") || strlen(text) > 15)
		return "is no scheduler name (up to 15 lower-case letters and digits, e.g. wlc)";
	return NULL;
}

const char *judge_engine(const void *text)
{
	if (!made_of(text, LOWER DIGITS "_") || strlen(text) > 15)
		return "is no name of a persistence engine (e.g. sip)";
	return NULL;
}

const char *judge_sysctl(const void *text)
{
	if (!strncmp(text, "net.ipv4.vs.", strlen("net.ipv4.vs.")))
		return "net.ipv4.vs. is left out here";
	if (strstr(text, "ip_forward") || strstr(text, "ip.forward"))
		return "is no sysctl of net.ipv4.vs; lbhad has packets forwarded by itself where a "
		       "service needs it";
	if (!made_of(text, LOWER DIGITS "_") || strlen(text) > 63)
		return "is no sysctl of net.ipv4.vs (lower-case letters, digits and _, e.g. "
		       "expire_nodest_conn)";
	return NULL;
}

const char *judge_http_path(const void *text)
{
	const char *path = text;

	if (*path != '/')
		return "a path begins with \"/\"";
	return has_control(path, "") || strpbrk(path, " #")
		       ? "has a character that must be written as %XX"
		       : NULL;
}

/* The characters of a token, RFC 9110 section 5.6.2. */
#define TOKEN LOWER UPPER DIGITS "!#$%&'*+-.^_`|~"

const char *judge_http_method(const void *text)
{
	if (!made_of(text, UPPER "-") || !strcmp(text, "CONNECT"))
		return "is no method for a check (upper case, e.g. GET or HEAD)";
	return NULL;
}

const char *judge_http_host(const void *text)
{
	if (!made_of(text, LOWER UPPER DIGITS ".-_:[]"))
		return "is no host name";
	return NULL;
}

/* A text of protocol buffers, as long as check/grpc.h has room for. */
const char *judge_grpc_service(const void *text)
{
	if (strlen(text) > 255)
		return "is longer than 255 bytes";
	return has_control(text, "") ? "has a control character" : NULL;
}

/* RFC 1035 section 2.3.4; with the root's own byte a name has 255 on the wire. */
const char *judge_dns_name(const void *text)
{
	const char *name = text;
	size_t length = strlen(name);

	if (has_control(name, "") || strchr(name, ' '))
		return "has a blank or control character";
	for (const char *at = name; (unsigned char)*at; at++)
		if ((unsigned char)*at >= 0x80)
			return "is not ASCII: write it as it is asked for (xn--…)";
	if (length && name[length - 1] == '.')
		length--;
	if (length > 253)
		return "has more than 253 characters";
	for (size_t at = 0, label; at < length; at += label + 1) {
		label = strcspn(name + at, ".");
		if (!label)
			return "has an empty label";
		if (label > 63)
			return "has a label of more than 63 characters";
	}
	return *name ? NULL : "is empty";
}

const char *judge_http_name(const void *text)
{
	return made_of(text, TOKEN) ? NULL : "is no name of a header";
}

const char *judge_http_value(const void *text)
{
	return has_control(text, "\t") ? "has a line break or control character" : NULL;
}

const char *judge_sha256(const void *text)
{
	return strlen(text) == 64 && made_of(text, DIGITS "abcdefABCDEF")
		       ? NULL
		       : "is no SHA-256: 64 hexadecimal digits, as sha256sum prints them";
}

static bool is_broadcast(const struct addr *address)
{
	static const uint8_t ones[4] = {255, 255, 255, 255};

	return address->family == AF_INET && !memcmp(address->bytes, ones, sizeof(ones));
}

const char *judge_host_address(const void *address)
{
	if (addr_is_unspecified(address))
		return "is no address of a host";
	if (addr_is_multicast(address))
		return "is a multicast address";
	if (is_broadcast(address))
		return "is the address of everybody on the link";
	return NULL;
}

const char *judge_way_address(const void *address)
{
	const char *complaint = judge_host_address(address);

	return !complaint && addr_is_loopback(address) ? "is a loopback address" : complaint;
}

#define IPV6_SCOPE 0x0f /* of the second byte of a group, RFC 4291 section 2.7 */
#define IPV6_LINK_LOCAL 2

const char *judge_group(const void *address)
{
	return addr_is_multicast(address) ? NULL : "is no multicast address";
}

const char *judge_vrrp_group(const void *address)
{
	const struct addr *group = address;

	if (judge_group(group))
		return judge_group(group);
	if (group->family == AF_INET6 && (group->bytes[1] & IPV6_SCOPE) != IPV6_LINK_LOCAL)
		return "is not of link-local scope (ff02::12)";
	return NULL;
}

const char *judge_vip(const void *prefix)
{
	const struct prefix *vip = prefix;
	const char *complaint = judge_way_address(&vip->address);

	if (!complaint && !vip->length)
		complaint = "a prefix length of 0 would cover every address";
	return complaint;
}

const char *judge_secret(const void *text)
{
	if (!*(const char *)text)
		return "is empty";
	return has_control(text, "") ? "has a control character" : NULL;
}

const char *judge_secret_file(const void *text)
{
	const char *path = text;

	if (!*path || path[strlen(path) - 1] == '/')
		return "is no name of a file";
	return has_control(path, "") ? "has a control character" : NULL;
}

/* What the kernel takes (IFNAMSIZ), and what shows as one word. */
const char *judge_label(const void *text)
{
	const char *label = text;

	if (!*label)
		return "is empty";
	if (strlen(label) > 15)
		return "a label has at most 15 bytes";
	return has_control(label, "") || strpbrk(label, " /") ? "a label has no blanks and no \"/\""
							      : NULL;
}

/* Family 0 is "default". The kernel refuses a network with host bits. */
const char *judge_route(const void *prefix)
{
	const struct prefix *to = prefix;

	if (addr_is_multicast(&to->address))
		return "is a multicast address";
	for (unsigned bit = to->length; bit < addr_bits(to->address.family); bit++)
		if (to->address.bytes[bit / 8] & (0x80u >> bit % 8))
			return "has bits beyond its prefix length: a network is expected "
			       "(203.0.113.0/24)";
	if (to->length && to->length == addr_bits(to->address.family) &&
	    addr_is_unspecified(&to->address))
		return "is no network";
	return NULL;
}

const char *judge_listener(const void *endpoint)
{
	const struct endpoint *it = endpoint;

	if (!it->port)
		return "must have a port, as in 127.0.0.1:9480";
	return addr_is_multicast(&it->address) ? "must not be a multicast address" : NULL;
}

const char *judge_endpoint(const void *endpoint)
{
	return judge_host_address(&((const struct endpoint *)endpoint)->address);
}
