/* Names of what stands in the model, and what belongs to what in it. */
#include "config/model.h"

#include "base/cleanup.h"
#include "base/text.h"

const char *role_name(enum role role)
{
	static const char *const names[] = {
		[ROLE_SUPERVISOR] = "supervisor",
		[ROLE_COMPILER] = "compiler",
		[ROLE_CONTROL] = "control",
		[ROLE_CHECK] = "check",
		[ROLE_IPVS] = "ipvs",
		[ROLE_VRRP] = "vrrp",
		[ROLE_EXPORTER] = "exporter",
	};

	return (unsigned)role < COUNT_OF(names) ? names[role] : "unknown";
}

uint8_t instance_family(const struct instance *instance)
{
	for (size_t i = 0; i < instance->virtual_address_count; i++)
		if (instance->virtual_addresses[i].advertise)
			return instance->virtual_addresses[i].address.address.family;
	return 0;
}

const struct sync_group *model_group_of(const struct model *model, const struct instance *instance)
{
	uint32_t number = instance->sync_group;

	return number && number <= model->sync_group_count ? &model->sync_groups[number - 1] : NULL;
}

const struct way *model_way(const struct model *model, const struct probe *probe)
{
	return probe->way && probe->way <= model->way_count ? &model->ways[probe->way - 1] : NULL;
}

void model_explain_no_way(const struct model *model, const struct probe *probe, struct text *out)
{
	const struct way *way = model_way(model, probe);
	char vip[ADDR_TEXT];

	text_add(out, "no reply through %s: is the VIP on the server's %s? `lbha-rs setup`",
		 addr_format(&probe->via.address, vip),
		 way && way->forwarding == FORWARDING_TUNNEL ? "lo, and its tunnel up" : "lo");
}

size_t model_tracker_count(const struct model *model, const struct instance *instance)
{
	const struct sync_group *group = model_group_of(model, instance);

	return instance->track_count + (group ? group->track_count : 0);
}

const struct tracker *model_tracker(const struct model *model, const struct instance *instance,
				    size_t index)
{
	const struct sync_group *group = model_group_of(model, instance);

	if (index < instance->track_count)
		return &instance->track[index];
	index -= instance->track_count;
	return group && index < group->track_count ? &group->track[index] : NULL;
}

uint8_t service_family(const struct service *service)
{
	return service->listen_count ? service->listen[0].address.family : service->family;
}

size_t service_vip_count(const struct service *service)
{
	return service->fwmark ? service->address_count : service->listen_count;
}

const struct addr *service_vip(const struct service *service, size_t index)
{
	return service->fwmark ? &service->addresses[index] : &service->listen[index].address;
}

size_t service_server_count(const struct service *service)
{
	return service->real_server_count + service->sorry_server_count;
}

const struct real_server *service_server(const struct service *service, size_t index)
{
	return index < service->real_server_count
		       ? &service->real_servers[index]
		       : &service->sorry_server[index - service->real_server_count];
}

bool service_sorry_is(const struct service *service, size_t real_server)
{
	const struct endpoint *real = &service->real_servers[real_server].address;
	const struct endpoint *sorry = service->sorry_server_count ? &service->sorry_server->address
								   : NULL;
	uint16_t port;

	if (!sorry || addr_compare(&real->address, &sorry->address))
		return false;
	if (real->port == sorry->port)
		return true;
	if (real->port && sorry->port)
		return false;
	port = real->port ? real->port : sorry->port; /* the other one's is the listener's */
	for (size_t i = 0; i < service->listen_count; i++)
		if (service->listen[i].port == port)
			return true;
	return false;
}

const char *check_type_name(enum check_type type)
{
	static const char *const names[] = {
		[CHECK_TCP] = "tcp",   [CHECK_HTTP] = "http",       [CHECK_SCRIPT] = "script",
		[CHECK_FILE] = "file", [CHECK_PROCESS] = "process",
		[CHECK_ICMP] = "icmp",
		[CHECK_UDP] = "udp",
		[CHECK_AGENT] = "agent",
		[CHECK_TLS] = "tls",
		[CHECK_DNS] = "dns",
		[CHECK_REDIS] = "redis",
		[CHECK_MYSQL] = "mysql",
		[CHECK_POSTGRESQL] = "postgresql",
		[CHECK_LDAP] = "ldap",
		[CHECK_SMTP] = "smtp",
		[CHECK_GRPC] = "grpc",
	};

	_Static_assert(COUNT_OF(names) == CHECK_TYPES, "every type has a name");
	return (unsigned)type < COUNT_OF(names) ? names[type] : "unknown";
}

enum check_asks check_type_asks(enum check_type type)
{
	switch (type) {
	case CHECK_ICMP:
		return CHECK_ASKS_HOST;
	case CHECK_SCRIPT:
		return CHECK_ASKS_SERVER;
	case CHECK_FILE:
	case CHECK_PROCESS:
	case CHECK_TYPES:
		return CHECK_ASKS_HERE;
	case CHECK_TCP:
	case CHECK_HTTP:
	case CHECK_UDP:
	case CHECK_AGENT:
	case CHECK_TLS:
	case CHECK_DNS:
	case CHECK_REDIS:
	case CHECK_MYSQL:
	case CHECK_POSTGRESQL:
	case CHECK_LDAP:
	case CHECK_SMTP:
	case CHECK_GRPC:
		break;
	}
	return CHECK_ASKS_PORT;
}

bool check_lacks_port(const struct check *check)
{
	return check_type_asks(check->type) == CHECK_ASKS_PORT && !check->port &&
	       check->type != CHECK_DNS;
}

bool model_pings(const struct model *model, uint8_t family)
{
	for (size_t i = 0; i < model->probe_count; i++)
		if (model->probes[i].target.address.family == family &&
		    model->checks[model->probes[i].check].type == CHECK_ICMP)
			return true;
	return false;
}

bool check_tells_percent(const struct check *check)
{
	return check->type == CHECK_AGENT || (check->type == CHECK_FILE && check->weight_from_file);
}

bool check_speaks_tls(const struct check *check)
{
	return check->type == CHECK_TLS || (check->type == CHECK_SMTP && check->starttls) ||
	       (check->type == CHECK_HTTP && check->scheme == HTTP_SCHEME_HTTPS) ||
	       (check->type == CHECK_GRPC && check->tls.alpn_count);
}

const char *model_tls_text(const struct model *model, uint32_t number)
{
	return number ? model->tls_files[number - 1].text : NULL;
}

const char *admin_state_name(enum admin_state state)
{
	static const char *const names[] = {
		[ADMIN_ENABLED] = "enabled",
		[ADMIN_DRAINED] = "drained",
		[ADMIN_DISABLED] = "disabled",
	};

	return (unsigned)state < COUNT_OF(names) ? names[state] : "unknown";
}
