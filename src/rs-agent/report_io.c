/* Text goes to standard output, what went wrong to standard error. In JSON everything is a member
 * of one object, so that a script that reads it needs nothing else. */
#include "rs-agent/report_io.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rs-agent/arp_filter.h"
#include "rs-agent/persist.h"

#define LINE 1024

static const char *standing_name(enum rs_standing standing)
{
	switch (standing) {
	case RS_IN_PLACE:
		return "in place";
	case RS_PARTLY:
		return "partly";
	case RS_NOT_SET_UP:
		return "not set up";
	}
	return "?";
}

static void append(struct report *report, const char *member, json_t *value)
{
	json_array_append_new(json_object_get(report->root, member), value);
}

void report_begin(struct report *report, struct arena *arena, bool json, const char *command,
		  bool dry_run)
{
	*report = (struct report){.arena = arena, .json = json, .dry_run = dry_run};
	if (json)
		report->root =
			json_pack("{s:s, s:b, s:s, s:[], s:[], s:[], s:[], s:[], s:[], s:[], s:[]}",
				  "command", command, "dry_run", dry_run, "state", "unknown",
				  "vips", "links", "routes", "sysctls", "operations", "remarks", "notes", "errors");
}

static json_t *deed_json(const struct report *report, const struct report_deed *deed,
			 const char *error)
{
	json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:b}", "operation", deed->operation,
				"object", deed->object, "text", deed->text, "command",
				deed->command, "done", !error && !report->dry_run);

	if (one && deed->input)
		json_object_set_new(one, "input", json_string(deed->input));
	if (one && error)
		json_object_set_new(one, "error", json_string(error));
	return one;
}

static void print_deed(const struct report *report, const struct report_deed *deed,
		       const char *error)
{
	if (error) {
		fflush(stdout);
		fprintf(stderr, "lbha-rs: cannot %s: %s\n", deed->text, error);
		return;
	}
	printf("%s\n", deed->text);
	if (!report->dry_run || !*deed->command)
		return;
	if (deed->input)
		printf("    %s <<'.'\n%s.\n", deed->command, deed->input);
	else
		printf("    %s\n", deed->command);
}

void report_deed(struct report *report, const struct report_deed *deed, const char *error)
{
	if (report->json)
		append(report, "operations", deed_json(report, deed, error));
	else
		print_deed(report, deed, error);
}

void report_step(struct report *report, const struct rs_step *step, const char *error)
{
	char words[RS_TEXT], command[RS_TEXT], object[RS_TEXT];
	struct report_deed deed = {rs_step_name(step), rs_step_object(step, object),
				   rs_step_words(step, words), rs_step_command(step, command),
				   rs_step_input(report->arena, step)};
	json_t *one;

	if (rs_step_is_silent(step) && !error)
		return;
	if (!report->json) {
		print_deed(report, &deed, error);
		return;
	}
	one = deed_json(report, &deed, error);
	if (one && step->record.kind == OWNED_SYSCTL) {
		json_object_set_new(one, "former", json_integer(step->record.sysctl.former));
		json_object_set_new(one, "value", json_integer(step->record.sysctl.set));
	}
	append(report, "operations", one);
}

static void PRINTF_LIKE(3, 0) speak(struct report *report, const char *member,
				    const char *format, va_list list)
{
	char line[LINE];
	struct text text = text_of(line, sizeof(line));

	text_addv(&text, format, list);
	text_clean(line);
	if (report->json) {
		append(report, member, json_string(line));
		return;
	}
	fflush(stdout);
	fprintf(stderr, "lbha-rs: %s\n", line);
}

void report_error(struct report *report, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	speak(report, "errors", format, list);
	va_end(list);
}

void report_note(struct report *report, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	speak(report, "notes", format, list);
	va_end(list);
}

void report_remark(struct report *report, const struct rs_remark *remark)
{
	if (report->json)
		append(report, "remarks",
		       json_pack("{s:s, s:b}", "text", remark->text, "fatal", remark->fatal));
	else
		report_note(report, "%s", remark->text);
}

void report_diagnostic(struct report *report, const char *line)
{
	if (report->json)
		append(report, "errors", json_string(line));
	else
		fprintf(stderr, "%s\n", line);
}

/* ---- the state ---- */

enum vip_state {
	VIP_MISSING,
	VIP_OURS,
	VIP_FOREIGN,
};

static enum vip_state vip_state(const struct rs_vip *vip, const struct rs_actual *actual,
				const struct owned_set *journal)
{
	struct owned ours = owned_of_address(false, &vip->address, vip->link);

	if (!address_find(&actual->addresses, &vip->address))
		return VIP_MISSING;
	for (size_t i = 0; i < journal->count; i++)
		if (owned_same(&journal->items[i], &ours))
			return VIP_OURS;
	return VIP_FOREIGN;
}

static void vip_json(struct report *report, const struct rs_vip *vip, enum vip_state state)
{
	char text[ADDR_TEXT];

	append(report, "vips",
	       json_pack("{s:s, s:s?, s:s, s:b, s:b}", "address",
			 addr_format(&vip->address.prefix.address, text), "service", vip->service,
			 "link", vip->link, "on_lo",
			 state != VIP_MISSING && !strcmp(vip->link, "lo"), "ours", state == VIP_OURS));
}

static void vip_print(const struct rs_vip *vip, enum vip_state state)
{
	static const char *const words[] = {
		[VIP_MISSING] = "missing on",
		[VIP_OURS] = "on",
		[VIP_FOREIGN] = "not put there by lbha-rs, on",
	};
	char text[ADDR_TEXT];

	printf("    %s %s %s%s%s\n", addr_format(&vip->address.prefix.address, text), words[state],
	       vip->link, vip->service ? ", service " : "", vip->service ? vip->service : "");
}

static void link_state(struct report *report, const struct rs_link *link)
{
	char what[RS_ALIAS];

	rs_link_format(link, what);
	if (report->json)
		append(report, "links",
		       json_pack("{s:s, s:s, s:b}", "name", link->name, "type", what, "present",
				 link->index != 0));
	else
		printf("    tunnel's end %s, %s%s\n", link->name, what,
		       link->index ? "" : ": missing");
}

static void route_state(struct report *report, const struct rs_route *route,
			const struct rs_actual *actual)
{
	bool leads = rs_actual_leads(actual, &route->route);
	char via[ADDR_TEXT];

	addr_format(&route->route.via, via);
	if (report->json)
		append(report, "routes",
		       json_pack("{s:s, s:s, s:b}", "gateway", via, "link", route->link, "in_force",
				 leads));
	else
		printf("    default route through %s on %s%s\n", via, route->link,
		       leads ? "" : ": not in force");
}

static void sysctl_state(struct report *report, const struct sysctl_want *want,
			 const struct rs_actual *actual)
{
	const struct sysctl_value *value = rs_actual_sysctl(actual, want->path);

	if (!value)
		return;
	if (report->json)
		append(report, "sysctls",
		       json_pack("{s:s, s:I, s:I}", "path", value->path, "value",
				 (json_int_t)value->value, "least", (json_int_t)want->value));
	else if (!sysctl_satisfied(want, value->value))
		printf("    %s is %lld, wanted %lld or more\n", value->path,
		       (long long)value->value, (long long)want->value);
}

static void table_state(struct report *report, const struct rs_actual *actual,
			const struct owned_set *journal)
{
	struct owned record = owned_of_arp_table(false, ARP_FILTER_TABLE, 0);
	const char *there = actual->arp_table ? actual->arp_table : "";
	bool as_made = false;

	for (size_t i = 0; i < journal->count; i++)
		as_made |= owned_same(&journal->items[i], &record) &&
			   arp_filter_was_listed(journal->items[i].table.digest, there);
	if (report->json)
		json_object_set_new(report->root, "table",
				    json_pack("{s:s, s:s, s:b, s:b}", "family", "arp", "name",
					      ARP_FILTER_TABLE, "present", *there != '\0',
					      "as_made", as_made));
	else if (!as_made)
		printf("    table arp " ARP_FILTER_TABLE " %s\n",
		       *there ? "is not as it was made" : "missing");
}

void report_state(struct report *report, enum rs_standing standing,
		  const struct rs_desired *desired, const struct rs_actual *actual,
		  const struct owned_set *journal)
{
	if (report->json)
		json_object_set_new(report->root, "state", json_string(standing_name(standing)));
	else
		printf("%s\n", standing_name(standing));
	for (size_t i = 0; i < desired->vip_count; i++) {
		enum vip_state state = vip_state(&desired->vips[i], actual, journal);

		if (report->json)
			vip_json(report, &desired->vips[i], state);
		else
			vip_print(&desired->vips[i], state);
	}
	for (size_t i = 0; i < desired->link_count; i++)
		link_state(report, &desired->links[i]);
	for (size_t i = 0; i < desired->route_count; i++)
		route_state(report, &desired->routes[i], actual);
	for (size_t i = 0; i < desired->sysctl_count; i++)
		sysctl_state(report, &desired->sysctls[i], actual);
	if (*desired->arp_table)
		table_state(report, actual, journal);
}

/* ---- findings ---- */

static const char *severity_name(enum doctor_severity severity)
{
	switch (severity) {
	case DOCTOR_OK:
		return "ok";
	case DOCTOR_WARNING:
		return "warning";
	case DOCTOR_PROBLEM:
		return "problem";
	}
	return "?";
}

static void finding_json(json_t *list, const struct doctor_finding *finding)
{
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:s, s:s?}", "severity",
					severity_name(finding->severity), "subject",
					finding->subject, "text", finding->text, "command",
					finding->command));
}

static void finding_print(const struct doctor_finding *finding)
{
	printf("%-8s %s\n", severity_name(finding->severity), finding->text);
	if (finding->command)
		printf("    %s\n", finding->command);
}

static size_t count_findings(const struct doctor_findings *findings, enum doctor_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].severity == severity;
	return count;
}

void report_findings(struct report *report, const struct doctor_findings *findings)
{
	size_t problems = count_findings(findings, DOCTOR_PROBLEM),
	       warnings = count_findings(findings, DOCTOR_WARNING);
	json_t *list = report->json ? json_array() : NULL;

	for (size_t i = 0; i < findings->count; i++)
		if (report->json)
			finding_json(list, &findings->items[i]);
		else
			finding_print(&findings->items[i]);
	if (report->json)
		json_object_set_new(report->root, "findings", list);
	else if (problems || warnings)
		printf("%zu problem%s, %zu warning%s\n", problems, problems == 1 ? "" : "s",
		       warnings, warnings == 1 ? "" : "s");
	else
		printf("nothing is wrong\n");
}

void report_lasting(struct report *report, bool has_lines, bool is_enabled)
{
	if (report->json)
		json_object_set_new(report->root, "persistent",
				    json_boolean(has_lines && is_enabled));
	else if (has_lines)
		printf("    %s\n", is_enabled ? PERSIST_UNIT " sets it up at boot"
					      : PERSIST_UNIT " would set it up at boot, but is "
							     "disabled");
}

void report_end(struct report *report)
{
	if (!report->json)
		return;
	json_dumpf(report->root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(report->root);
	report->root = NULL;
}
