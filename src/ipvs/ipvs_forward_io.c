/* See the header. */
#include "ipvs/ipvs_forward_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/log.h"
#include "net/owned_io.h"
#include "net/sysctl_io.h"

static const struct {
	uint8_t family;
	const char *path;
} sysctls[IPVS_FORWARD_SYSCTLS] = {
	{AF_INET, "net/ipv4/ip_forward"},
	{AF_INET6, "net/ipv6/conf/all/forwarding"},
};

#define FORWARDING_ON 1

static void auto_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void ipvs_forward_init(struct ipvs_forward *forward, int fd, const struct owned_set *file)
{
	*forward = (struct ipvs_forward){.fd = fd};
	for (size_t i = 0; i < file->count; i++) {
		const struct owned *record = &file->items[i];

		for (size_t n = 0; n < COUNT_OF(sysctls); n++) {
			if (record->kind != OWNED_SYSCTL || record->gone ||
			    strcmp(record->sysctl.path, sysctls[n].path))
				continue;
			forward->sysctls[n].ours = true;
			forward->sysctls[n].former = record->sysctl.former;
		}
	}
}

static int write_down(const struct ipvs_forward *forward, size_t n, bool gone)
{
	struct owned record = {
		.gone = gone,
		.kind = OWNED_SYSCTL,
		.sysctl = {.former = forward->sysctls[n].former, .set = FORWARDING_ON}};

	snprintf(record.sysctl.path, sizeof(record.sysctl.path), "%s", sysctls[n].path);
	return owned_append(forward->fd, &record, 1);
}

static bool needs(const struct model *model, uint8_t family)
{
	for (size_t s = 0; model && s < model->service_count; s++) {
		const struct service *service = &model->services[s];

		for (size_t i = 0; i < service->real_server_count; i++)
			if (service->real_servers[i].forwarding == FORWARDING_NAT &&
			    service->real_servers[i].address.address.family == family)
				return true;
	}
	return false;
}

static int raise_one(struct ipvs_forward *forward, int dir, size_t n)
{
	int64_t value;
	int error = sysctl_read(dir, sysctls[n].path, &value);

	if (error || value)
		return error;
	if (!forward->sysctls[n].ours) {
		forward->sysctls[n].former = value;
		error = write_down(forward, n, false);
		if (error)
			return error;
		forward->sysctls[n].ours = true;
	}
	error = sysctl_write(dir, sysctls[n].path, FORWARDING_ON);
	if (!error)
		log_info("%s: 0 → %d, because services use nat", sysctls[n].path, FORWARDING_ON);
	return error;
}

int ipvs_forward_raise(struct ipvs_forward *forward, const struct model *model)
{
	cleanup(auto_close_fd) int dir = -1;
	int result = 0;

	for (size_t n = 0; n < COUNT_OF(sysctls); n++) {
		int error;

		if (!needs(model, sysctls[n].family))
			continue;
		if (dir < 0)
			dir = sysctl_open();
		error = dir < 0 ? dir : raise_one(forward, dir, n);
		if (!error)
			continue;
		log_error("cannot set %s to %d, which nat needs: %s", sysctls[n].path,
			  FORWARDING_ON, strerror(-error));
		result = error;
	}
	return result;
}

static void restore_one(struct ipvs_forward *forward, int dir, size_t n)
{
	int64_t former = forward->sysctls[n].former, actual = 0;
	int error = dir < 0 ? dir : sysctl_read(dir, sysctls[n].path, &actual);

	if (!error) {
		switch (sysctl_undo(former, FORWARDING_ON, actual)) {
		case SYSCTL_UNDO_WRITE:
			error = sysctl_write(dir, sysctls[n].path, former);
			break;
		case SYSCTL_UNDO_DONE:
			break;
		case SYSCTL_UNDO_CHANGED:
			log_warning("%s was changed to %lld by somebody else: left so",
				    sysctls[n].path, (long long)actual);
			break;
		}
	}
	if (error) {
		log_error("cannot put %s back to %lld: %s", sysctls[n].path, (long long)former,
			  strerror(-error));
		return;
	}
	forward->sysctls[n].ours = false;
	write_down(forward, n, true);
}

void ipvs_forward_restore(struct ipvs_forward *forward, const struct model *model)
{
	cleanup(auto_close_fd) int dir = -1;

	for (size_t n = 0; n < COUNT_OF(sysctls); n++) {
		if (!forward->sysctls[n].ours || needs(model, sysctls[n].family))
			continue;
		if (dir < 0)
			dir = sysctl_open();
		restore_one(forward, dir, n);
	}
}
