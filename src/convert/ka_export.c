/* The model as keepalived.conf; see the header. Every value is written, whatever keepalived's default. */
#include "convert/ka_export.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "convert/ka_export_line.h"

#define LINE_MAX_BYTES 5000
#define INDENT 4

/* ---- lines ---------------------------------------------------------------------------------- */

static void write_line(struct ka_out *out, const char *before, const char *format, va_list list)
	PRINTF_LIKE(3, 0);
static void write_line(struct ka_out *out, const char *before, const char *format, va_list list)
{
	char raw[LINE_MAX_BYTES], clean[LINE_MAX_BYTES];
	struct text text = text_of(raw, sizeof(raw)), line = text_of(clean, sizeof(clean));

	text_addv(&text, format, list);
	text_add(&line, "%*s%s", (int)(out->depth * INDENT), "", before);
	text_add_clean(&line, raw, strlen(raw));
	out->line(out->ctx, clean);
}

void ka_line(struct ka_out *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_line(out, "", format, list);
	va_end(list);
}

void ka_warn(struct ka_out *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_line(out, KA_EXPORT_WARNING, format, list);
	va_end(list);
}

void ka_open(struct ka_out *out, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	write_line(out, "", format, list);
	va_end(list);
	out->depth++;
}

void ka_close(struct ka_out *out)
{
	out->depth--;
	ka_line(out, "}");
}

void ka_seconds(struct ka_out *out, const char *keyword, nstime time)
{
	char text[32];
	struct text digits = text_of(text, sizeof(text));

	text_add(&digits, "%lld.%06lld", (long long)(time / NSTIME_S),
		 (long long)(time % NSTIME_S / NSTIME_US));
	while (text[digits.length - 1] == '0')
		text[--digits.length] = '\0';
	if (text[digits.length - 1] == '.')
		text[--digits.length] = '\0';
	ka_line(out, "%s %s", keyword, text);
}

bool ka_quote_command(const struct check *check, char *text, size_t size)
{
	struct text out = text_of(text, size);

	for (size_t i = 0; i < check->command_count; i++) {
		const char *word = check->command[i];
		bool is_plain = *word && !strpbrk(word, " \t'\\$;&|<>()");

		if (strpbrk(word, "\"'\\\n#!{}"))
			return false;
		text_add(&out, is_plain ? "%s%s" : "%s'%s'", i ? " " : "", word);
	}
	return !out.cut;
}

/* ---- global --------------------------------------------------------------------------------- */

static void export_timeouts(struct ka_out *out)
{
	const struct timeouts_global *timeouts = &out->model->global.ipvs.timeouts;
	char text[96] = "";
	struct text line = text_of(text, sizeof(text));

	if (timeouts->tcp)
		text_add(&line, " tcp %lld", (long long)(timeouts->tcp / NSTIME_S));
	if (timeouts->tcp_fin)
		text_add(&line, " tcpfin %lld", (long long)(timeouts->tcp_fin / NSTIME_S));
	if (timeouts->udp)
		text_add(&line, " udp %lld", (long long)(timeouts->udp / NSTIME_S));
	if (*text)
		ka_line(out, "lvs_timeouts%s", text);
}

static void export_sync(struct ka_out *out, const struct ipvs_sync *sync)
{
	char group[ADDR_TEXT], maxlen[24] = "";
	struct text text = text_of(maxlen, sizeof(maxlen));

	if (sync->maxlen)
		text_add(&text, " maxlen %u", sync->maxlen);
	ka_line(out, "lvs_sync_daemon %s%s%s id %u%s port %u ttl %u group %s", sync->interface,
		sync->follow ? " inst " : "", sync->follow ? sync->follow : "", sync->id, maxlen, sync->port,
		sync->ttl, addr_format(&sync->group, group));
}

static void export_global(struct ka_out *out)
{
	const struct global *global = &out->model->global;

	ka_open(out, "global_defs {");
	ka_line(out, "router_id %s", out->model->node ? out->model->node : "lbha");
	ka_line(out, "script_user %s", global->users.script);
	ka_line(out, "enable_script_security");
	ka_line(out, "dynamic_interfaces");
	export_timeouts(out);
	if (global->ipvs.foreign == FOREIGN_REMOVE)
		ka_line(out, "lvs_flush");
	for (size_t i = 0; i < global->ipvs.sync_count; i++)
		export_sync(out, &global->ipvs.sync[i]);
	ka_close(out);
	for (size_t i = 0; i < global->ipvs.sysctl_count; i++)
		ka_warn(out, "net.ipv4.vs.%s=%lld: set it in /etc/sysctl.d", global->ipvs.sysctls[i].name,
			(long long)global->ipvs.sysctls[i].value);
}

/* ---- trackers ------------------------------------------------------------------------------- */

static const struct check *tracked_check(struct ka_out *out, const struct tracker *tracker)
{
	for (size_t i = 0; i < out->model->check_count; i++)
		if (out->model->checks[i].name && !strcmp(out->model->checks[i].name, tracker->name))
			return &out->model->checks[i];
	return NULL;
}

static bool is_script(const struct check *check)
{
	char text[1024];

	return check && check->type == CHECK_SCRIPT && ka_quote_command(check, text, sizeof(text));
}

/* A check as a vrrp_script or vrrp_track_process; others have no equivalent. */
static void export_check(struct ka_out *out, const struct check *check)
{
	char text[1024];

	if (is_script(check)) {
		ka_quote_command(check, text, sizeof(text));
		ka_open(out, "vrrp_script %s {", check->name);
		ka_line(out, "script \"%s\"", text);
		ka_seconds(out, "interval", check->interval < NSTIME_S ? NSTIME_S : check->interval);
		ka_seconds(out, "timeout", check->timeout < NSTIME_S ? NSTIME_S : check->timeout);
		ka_line(out, "rise %u", check->rise);
		ka_line(out, "fall %u", check->fall);
		if (check->user)
			ka_line(out, "user %s", check->user);
		ka_close(out);
	} else if (check->type == CHECK_PROCESS) {
		ka_open(out, "vrrp_track_process %s {", check->name);
		ka_line(out, "process %s", check->process);
		ka_line(out, "quorum %u", check->count);
		ka_close(out);
	}
}

static bool is_tracked(struct ka_out *out, const char *name)
{
	for (size_t i = 0; i < out->model->instance_count; i++) {
		const struct instance *instance = &out->model->instances[i];

		for (size_t k = 0; k < model_tracker_count(out->model, instance); k++) {
			const struct tracker *tracker = model_tracker(out->model, instance, k);

			if (tracker->kind == TRACKER_CHECK && !strcmp(tracker->name, name))
				return true;
		}
	}
	return false;
}

/* Trackers that go into a block of that name; -1 for those that go nowhere. */
static const char *block_of(struct ka_out *out, const struct tracker *tracker)
{
	const struct check *check = tracker->kind == TRACKER_CHECK ? tracked_check(out, tracker) : NULL;

	if (tracker->kind == TRACKER_INTERFACE)
		return "track_interface";
	if (is_script(check))
		return "track_script";
	return check && check->type == CHECK_PROCESS ? "track_process" : NULL;
}

static void export_block(struct ka_out *out, const char *block, const struct tracker *track, size_t count)
{
	bool is_open = false;

	for (size_t i = 0; i < count; i++) {
		const char *place = block_of(out, &track[i]);

		if (!place || strcmp(place, block) != 0)
			continue;
		if (!is_open)
			ka_open(out, "%s {", block);
		is_open = true;
		if (track[i].weight)
			ka_line(out, "%s weight %d", track[i].name, track[i].weight);
		else
			ka_line(out, "%s", track[i].name);
		if (track[i].up_delay || track[i].down_delay)
			ka_warn(out, "up_delay, down_delay: keepalived has them for interfaces alone, in interface_up_down_delays for all instances");
	}
	if (is_open)
		ka_close(out);
}

static void export_track(struct ka_out *out, const struct tracker *track, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct check *check = track[i].kind == TRACKER_CHECK ? tracked_check(out, &track[i]) : NULL;

		if (block_of(out, &track[i]))
			continue;
		if (check && check->type == CHECK_SCRIPT)
			ka_warn(out, "track %s: a command with quotes: write a script for it", track[i].name);
		else
			ka_warn(out, "track %s: keepalived tracks interfaces, scripts and processes", track[i].name);
	}
	export_block(out, "track_interface", track, count);
	export_block(out, "track_script", track, count);
	export_block(out, "track_process", track, count);
}

/* ---- instances ------------------------------------------------------------------------------ */

static void export_address(struct ka_out *out, const struct instance *instance, const struct vip *vip)
{
	static const char *const scopes[] = {[253] = "link", [254] = "host", [200] = "site"};
	char address[PREFIX_TEXT];
	const char *scope = vip->scope < COUNT_OF(scopes) ? scopes[vip->scope] : NULL;

	ka_line(out, "%s dev %s%s%s%s%s%s", prefix_format(&vip->address, address),
		vip->interface ? vip->interface : instance->interface, vip->label ? " label " : "",
		vip->label ? vip->label : "", scope ? " scope " : "", scope ? scope : "",
		vip->noprefixroute ? " noprefixroute" : "");
}

static void export_addresses(struct ka_out *out, const struct instance *instance, bool is_advertised,
			     const char *block)
{
	bool is_open = false;

	for (size_t i = 0; i < instance->virtual_address_count; i++) {
		if (instance->virtual_addresses[i].advertise != is_advertised)
			continue;
		if (!is_open)
			ka_open(out, "%s {", block);
		is_open = true;
		export_address(out, instance, &instance->virtual_addresses[i]);
	}
	if (is_open)
		ka_close(out);
}

static void export_routes(struct ka_out *out, const struct instance *instance)
{
	char to[PREFIX_TEXT], via[ADDR_TEXT];

	if (!instance->route_count)
		return;
	ka_open(out, "virtual_routes {");
	for (size_t i = 0; i < instance->route_count; i++) {
		const struct vrrp_route *route = &instance->routes[i];
		bool is_default = !route->to.address.family || !route->to.length;

		ka_line(out, "%s%s%s dev %s metric %u table %u",
			is_default ? "default" : prefix_format(&route->to, to), route->via.family ? " via " : "",
			route->via.family ? addr_format(&route->via, via) : "",
			route->dev ? route->dev : instance->interface, route->metric, route->table);
	}
	ka_close(out);
}

static void export_unicast(struct ka_out *out, const struct instance *instance)
{
	const struct unicast *unicast = &instance->unicast;
	char address[ADDR_TEXT];

	if (instance->transport == VRRP_TRANSPORT_BOTH)
		ka_warn(out, "transport: both: keepalived has one of them; unicast");
	if (instance->transport == VRRP_TRANSPORT_MULTICAST)
		return;
	ka_line(out, "unicast_ttl %u", unicast->ttl);
	ka_open(out, "unicast_peer {");
	for (size_t i = 0; i < unicast->peer_count; i++)
		ka_line(out, "%s%s", addr_format(&unicast->peers[i], address),
			unicast->min_ttl == 255 ? " min_ttl 255" : "");
	ka_close(out);
}

static void export_timing(struct ka_out *out, const struct instance *instance)
{
	const struct announce *announce = &instance->announce;

	ka_seconds(out, "advert_int", instance->advert_interval);
	if (!instance->preempt)
		ka_line(out, "nopreempt");
	if (instance->preempt_delay)
		ka_seconds(out, "preempt_delay", instance->preempt_delay);
	ka_line(out, "garp_master_repeat %u", announce->count);
	ka_seconds(out, "garp_master_delay", announce->again_after);
	ka_line(out, "garp_master_refresh %lld", (long long)(announce->refresh / NSTIME_S));
	if (instance->startup_delay)
		ka_warn(out, "startup_delay: vrrp_startup_delay is for all instances");
}

static void export_auth(struct ka_out *out, const struct instance *instance)
{
	if (instance->authentication.type == VRRP_AUTH_NONE)
		return;
	ka_open(out, "authentication {");
	ka_line(out, "auth_type %s", instance->authentication.type == VRRP_AUTH_AH ? "AH" : "PASS");
	ka_warn(out, "auth_pass: lbhactl is not told secrets; put it in");
	ka_line(out, "auth_pass secret");
	ka_close(out);
}

static void export_options(struct ka_out *out, const struct instance *instance)
{
	char address[ADDR_TEXT];

	if (instance->source.family)
		ka_line(out, "%s %s",
			instance->transport == VRRP_TRANSPORT_MULTICAST ? "mcast_src_ip" : "unicast_src_ip",
			addr_format(&instance->source, address));
	if (instance->transport == VRRP_TRANSPORT_MULTICAST)
		ka_line(out, "mcast_dst_ip %s", addr_format(&instance->multicast_group, address));
	if (!instance->track_own_interface)
		ka_line(out, "dont_track_primary");
	if (!instance->accept)
		ka_line(out, "no_accept");
	if (instance->virtual_mac)
		ka_line(out, "use_vmac");
	if (instance->version == 3 && instance->checksum == VRRP_CHECKSUM_RFC9568)
		ka_warn(out, "checksum: rfc9568: keepalived before 2.3 sends the other form alone");
	if (instance->notify_count)
		ka_warn(out, "notify: its scripts want lbhad's variables; notify_master and its like are commands");
}

static void export_instance(struct ka_out *out, const struct instance *instance)
{
	ka_open(out, "vrrp_instance %s {", instance->name);
	ka_line(out, "state BACKUP");
	ka_line(out, "interface %s", instance->interface);
	ka_line(out, "virtual_router_id %u", instance->virtual_router_id);
	ka_line(out, "version %u", instance->version);
	ka_line(out, "priority %u", instance->priority);
	export_timing(out, instance);
	export_options(out, instance);
	export_unicast(out, instance);
	export_auth(out, instance);
	export_addresses(out, instance, true, "virtual_ipaddress");
	export_addresses(out, instance, false, "virtual_ipaddress_excluded");
	export_routes(out, instance);
	export_track(out, instance->track, instance->track_count);
	ka_close(out);
}

static void export_group(struct ka_out *out, const struct sync_group *group)
{
	ka_open(out, "vrrp_sync_group %s {", group->name);
	ka_open(out, "group {");
	for (size_t i = 0; i < group->name_count; i++)
		ka_line(out, "%s", group->names[i]);
	ka_close(out);
	export_track(out, group->track, group->track_count);
	ka_close(out);
}

void ka_export(const struct model *model, void (*line)(void *ctx, const char *text), void *ctx)
{
	struct ka_out out = {.model = model, .line = line, .ctx = ctx};

	ka_line(&out, "# What lbhad had in force, generation %u.", model->generation);
	export_global(&out);
	for (size_t i = 0; i < model->check_count; i++)
		if (model->checks[i].name && is_tracked(&out, model->checks[i].name))
			export_check(&out, &model->checks[i]);
	for (size_t i = 0; i < model->sync_group_count; i++)
		export_group(&out, &model->sync_groups[i]);
	for (size_t i = 0; i < model->instance_count; i++)
		export_instance(&out, &model->instances[i]);
	for (size_t i = 0; i < model->service_count; i++)
		ka_export_service(&out, &model->services[i]);
}
