/* Checks of the file that cannot work on this machine: no way to the server, a script that is not
 * there, certificates that run out. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/exam.h"

#define DAYS_SOON 21

static void judge_ways(struct exam *exam)
{
	for (size_t i = 0; i < exam->sight->way_count; i++) {
		const struct route_way *way = &exam->sight->ways[i];
		char text[ADDR_TEXT];
		bool is_wanted = false;

		for (size_t j = 0; j < exam->model->probe_count; j++)
			is_wanted |= addr_equal(&exam->model->probes[j].target.address, &way->to);
		for (size_t j = 0; j < exam->model->service_count; j++)
			for (size_t k = 0; k < service_server_count(&exam->model->services[j]); k++)
				is_wanted |= addr_equal(
					&service_server(&exam->model->services[j], k)->address.address,
					&way->to);
		for (size_t j = 0; j < exam->model->instance_count; j++)
			for (size_t k = 0; k < exam->model->instances[j].unicast.peer_count; k++)
				is_wanted |= addr_equal(&exam->model->instances[j].unicast.peers[k],
							&way->to);
		if (!is_wanted || !way->error)
			continue;
		addr_format(&way->to, text);
		exam_say(exam, FINDING_PROBLEM, "route",
			 exam_text(exam, "ip route add %s via ROUTER    # or an address in its network",
				   text),
			 "this machine has no route to %s: %s", text, strerror(-way->error));
	}
}

static void judge_scripts(struct exam *exam)
{
	for (size_t i = 0; i < exam->sight->script_count; i++) {
		const struct exam_script *script = &exam->sight->scripts[i];

		if (script->error)
			exam_say(exam, FINDING_PROBLEM, "script",
				 script->error == -EACCES ? exam_text(exam, "chmod 755 %s", script->path)
							  : exam_text(exam, "ls -l %s", script->path),
				 "%s, which a check runs, cannot be run: %s", script->path,
				 strerror(-script->error));
	}
}

static void judge_certificates(struct exam *exam)
{
	for (size_t i = 0; i < exam->sight->certificate_count; i++) {
		const struct exam_certificate *one = &exam->sight->certificates[i];
		const char *look = exam_text(exam, "openssl storeutl -noout -text -certs %s | grep -E 'Subject:|Not After'",
					     one->path),
			   *what = one->is_ca ? "the last of the certificates" : "the certificate";

		if (one->days_left < 0)
			exam_say(exam, FINDING_PROBLEM, "certificate", look,
				 "%s in %s has expired %" PRId64 " days ago", what, one->path,
				 -one->days_left);
		else if (one->days_left < DAYS_SOON)
			exam_say(exam, FINDING_WARNING, "certificate", look,
				 "%s in %s expires in %" PRId64 " days", what, one->path,
				 one->days_left);
	}
}

void exam_checks(struct exam *exam)
{
	judge_ways(exam);
	judge_scripts(exam);
	judge_certificates(exam);
}
