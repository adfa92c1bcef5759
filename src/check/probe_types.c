#include "check/probe_types.h"

#include "check/flight_io.h"
#include "check/probe_dns.h"
#include "check/probe_file.h"
#include "check/probe_grpc.h"
#include "check/probe_http.h"
#include "check/probe_icmp.h"
#include "check/probe_process.h"
#include "check/probe_script.h"
#include "check/probe_talk.h"
#include "check/probe_tcp.h"
#include "check/probe_tls.h"
#include "check/probe_udp.h"
#include "check/tcp.h"

static const struct probe_type *const TYPES[] = {
	[CHECK_TCP] = &probe_tcp,
	[CHECK_HTTP] = &probe_http,
	[CHECK_SCRIPT] = &probe_script,
	[CHECK_FILE] = &probe_file,
	[CHECK_PROCESS] = &probe_process,
	[CHECK_ICMP] = &probe_icmp,
	[CHECK_UDP] = &probe_udp,
	[CHECK_AGENT] = &probe_talk,
	[CHECK_TLS] = &probe_tls,
	[CHECK_DNS] = &probe_dns,
	[CHECK_REDIS] = &probe_talk,
	[CHECK_MYSQL] = &probe_talk,
	[CHECK_POSTGRESQL] = &probe_talk,
	[CHECK_LDAP] = &probe_talk,
	[CHECK_SMTP] = &probe_talk,
	[CHECK_GRPC] = &probe_grpc,
};

const struct probe_type *probe_type_named(enum check_type type)
{
	return TYPES[type];
}

const struct probe_type *probe_type_of(const struct check *check)
{
	const bool talks = check->type == CHECK_TCP   ? tcp_talks(check)
			   : check->type == CHECK_DNS ? check->dns.transport == DNS_TCP
						      : false;

	return talks ? &probe_talk : TYPES[check->type];
}

bool probe_type_has_words(const struct check *check)
{
	const struct probe_type *type = probe_type_of(check);

	return type != &probe_tcp && (type != &probe_http || http_has_words(check));
}
