/* See the header. Lines go to the file in groups, so that a first start with thousands of services
 * is a few writes. */
#include "ipvs/ipvs_ownership_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/owned_io.h"

static struct owned record_of(bool gone, const struct ipvs_service_key *key)
{
	struct endpoint endpoint = {.address = key->address, .port = key->port};

	if (key->fwmark)
		return owned_of_mark(gone, key->fwmark, key->address.family);
	return owned_of_service(gone, key->protocol, &endpoint);
}

/* Records on their way to the file. */
struct lines {
	struct owned records[OWNED_BATCH];
	size_t count;
	int fd, error;
};

static void lines_flush(struct lines *lines)
{
	int error = lines->count ? owned_append(lines->fd, lines->records, lines->count) : 0;

	if (error && !lines->error)
		lines->error = error;
	lines->count = 0;
}

static void lines_add(struct lines *lines, bool gone, const struct ipvs_service_key *key)
{
	lines->records[lines->count++] = record_of(gone, key);
	if (lines->count == COUNT_OF(lines->records))
		lines_flush(lines);
}

static int make_room(struct ipvs_ownership *ownership, size_t more)
{
	size_t wanted = ownership->set.count + more;
	struct ipvs_service_key *grown;

	if (wanted <= ownership->room)
		return 0;
	grown = realloc(ownership->set.keys, wanted * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ownership->set.keys = grown;
	ownership->room = wanted;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return ipvs_service_key_compare(a, b);
}

static void sort(struct ipvs_ownership *ownership)
{
	if (ownership->set.count)
		qsort(ownership->set.keys, ownership->set.count, sizeof(*ownership->set.keys),
		      by_key);
}

int ipvs_ownership_init(struct ipvs_ownership *ownership, int fd, const struct owned_set *file)
{
	*ownership = (struct ipvs_ownership){.fd = fd};
	if (make_room(ownership, file->count))
		return -ENOMEM;
	for (size_t i = 0; i < file->count; i++) {
		const struct owned_service *service = &file->items[i].service;

		ownership->keeps |= !file->items[i].gone && file->items[i].kind == OWNED_KEEP;
		if (file->items[i].gone || file->items[i].kind != OWNED_SERVICE)
			continue;
		ownership->set.keys[ownership->set.count++] =
			(struct ipvs_service_key){.address = service->endpoint.address,
						  .fwmark = service->mark,
						  .port = service->endpoint.port,
						  .protocol = service->protocol};
	}
	sort(ownership);
	return 0;
}

void ipvs_ownership_fini(struct ipvs_ownership *ownership)
{
	free(ownership->set.keys);
	ownership->set = (struct ipvs_keys){0};
}

int ipvs_ownership_add(struct ipvs_ownership *ownership, const struct ipvs_table *table)
{
	struct lines lines = {.fd = ownership->fd};
	size_t before = ownership->set.count;

	if (make_room(ownership, table->count))
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++) {
		const struct ipvs_keys known = {ownership->set.keys, before};
		const struct ipvs_service_key *key = &table->services[i].key;

		if (ipvs_keys_have(&known, key))
			continue;
		lines_add(&lines, false, key);
		ownership->set.keys[ownership->set.count++] = *key;
	}
	lines_flush(&lines);
	if (lines.error)
		ownership->set.count = before;
	sort(ownership);
	return lines.error;
}

int ipvs_ownership_trim(struct ipvs_ownership *ownership, const struct ipvs_table *table)
{
	struct lines lines = {.fd = ownership->fd};
	size_t kept = 0;

	for (size_t i = 0; i < ownership->set.count; i++) {
		const struct ipvs_service_key *key = &ownership->set.keys[i];

		if (ipvs_table_find(table, key))
			ownership->set.keys[kept++] = *key;
		else
			lines_add(&lines, true, key);
	}
	ownership->set.count = kept;
	lines_flush(&lines);
	return lines.error;
}

int ipvs_ownership_keep(struct ipvs_ownership *ownership, bool keeps)
{
	const struct owned record = {.gone = !keeps, .kind = OWNED_KEEP};
	int error = ownership->keeps == keeps ? 0 : owned_append(ownership->fd, &record, 1);

	if (!error)
		ownership->keeps = keeps;
	return error;
}
