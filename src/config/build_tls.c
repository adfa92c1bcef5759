/* TLS of checks: reads the files that its keys name, each path once for each use, and has them looked into.
 * Paths and a hash of what is public go with the check; the texts stand in model.tls_files. */
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/build.h"

/* A key of the check that names a file. */
struct tls_named {
	enum config_file kind;
	const char *path;
	const struct origin *origin;
	uint32_t number; /* in model.tls_files, from 1 */
};

/* Where a key of TLS stands: at the top of a check of type tls, else in its record. */
static const struct origin *tls_origin(const struct build_check *check, const char *key)
{
	struct origin *inner;

	if (check->model.type == CHECK_TLS)
		return origin_of(&schema_check, check->origins, key);
	inner = origin_inner(origin_of(&schema_check, check->origins, "tls"), 0);
	return inner ? origin_of(&schema_tls, inner, key) : &check->self;
}

static void tls_report(struct build *build, const struct build_check *check,
		       enum severity severity, const struct origin *origin, const char *text)
{
	origin_report(&build->reader, severity, origin, &check->self, "%s", text);
}

static uint64_t file_hash(const struct tls_named *named)
{
	uint8_t kind = (uint8_t)named->kind;

	return text_hash(text_hash(TEXT_HASH, &kind, 1), named->path, strlen(named->path));
}

/* A path that was read before, for the same use. */
static const struct build_tls_file *find_file(const struct build *build,
					      const struct tls_named *named)
{
	uint32_t at;

	for (size_t step = 0; table_next(&build->tls_paths, file_hash(named), &step, &at);) {
		const struct build_tls_file *file = &build->tls_files[at];

		if (file->kind == named->kind && !strcmp(file->path, named->path))
			return file;
	}
	return NULL;
}

/* The bytes as a text, which PEM is. */
static const char *read_text(struct build *build, const struct build_check *check,
			     const struct tls_named *named)
{
	const struct config_files *files = build->reader.files;
	auto_arena *scratch = arena_new(0);
	char *bytes = scratch ? arena_alloc(scratch, config_file_max(named->kind)) : NULL;
	char why[CONFIG_WHY] = "";
	const char *text = NULL;
	size_t size = 0;

	if (!bytes)
		return NULL;
	if (files->file(files->ctx, named->kind, named->path, bytes, &size, why))
		tls_report(build, check, SEVERITY_ERROR, named->origin, why);
	else if (memchr(bytes, '\0', size))
		tls_report(build, check, SEVERITY_ERROR, named->origin,
			   "this file is not in PEM form: it has a zero byte");
	else
		text = arena_text(build->arena, bytes, size);
	explicit_bzero(bytes, config_file_max(named->kind));
	return text;
}

static bool look(struct build *build, const struct build_check *check,
		 const struct tls_named *named, const char *text, const char *certificate)
{
	const struct config_files *files = build->reader.files;
	char why[CONFIG_WHY] = "";
	int result = files->look ? files->look(files->ctx, named->kind, text, certificate, why) : 0;

	if (result)
		tls_report(build, check, result < 0 ? SEVERITY_ERROR : SEVERITY_WARNING,
			   named->origin, why);
	return result >= 0;
}

/* The number that the text of a file gets in the model; 0: it is no good. A key is looked into with its
 * certificate, by the caller. */
static uint32_t add_text(struct build *build, const struct build_check *check,
			 const struct tls_named *named)
{
	struct model *model = build->model;
	const char *text = read_text(build, check, named);
	struct tls_file *file;

	if (!text || (named->kind != CONFIG_FILE_KEY && !look(build, check, named, text, NULL)))
		return 0;
	file = arena_push(build->arena, &model->tls_files, &model->tls_file_count, sizeof(*file));
	if (!file)
		return 0;
	*file = (struct tls_file){.path = named->path, .text = text};
	return (uint32_t)model->tls_file_count;
}

/* What is wrong with a file is said once, however many checks name it. */
static bool read_file(struct build *build, const struct build_check *check, struct tls_named *named)
{
	const struct build_tls_file *found = named->path ? find_file(build, named) : NULL;
	struct build_tls_file *file;

	if (!named->path)
		return true;
	if (found) {
		named->number = found->number;
		return found->number;
	}
	named->number = add_text(build, check, named);
	file = arena_push(build->arena, &build->tls_files, &build->tls_file_count, sizeof(*file));
	if (!file)
		return false;
	*file = (struct build_tls_file){named->kind, named->path, named->number};
	table_add(&build->tls_paths, file_hash(named), (uint32_t)build->tls_file_count - 1);
	return named->number;
}

/* A pair is held together once. */
static bool match_key(struct build *build, const struct build_check *check,
		      const struct tls_named *certificate, const struct tls_named *key)
{
	uint64_t pair = text_hash(text_hash(TEXT_HASH, &certificate->number, 4), &key->number, 4);
	uint32_t fits;

	if (!key->number)
		return true;
	for (size_t step = 0; table_next(&build->tls_pairs, pair, &step, &fits);)
		return fits;
	fits = look(build, check, key, model_tls_text(build->model, key->number),
		    model_tls_text(build->model, certificate->number));
	table_add(&build->tls_pairs, pair, fits);
	return fits;
}

static bool judge_keys(struct build *build, const struct build_check *check)
{
	const struct tls_options *tls = &check->model.tls;

	if (!tls->certificate != !tls->key) {
		tls_report(build, check, SEVERITY_ERROR,
			   tls_origin(check, tls->key ? "key" : "certificate"),
			   tls->key ? "there is no certificate that this key is for"
				    : "the private key is missing: key");
		return false;
	}
	if (tls->ca && !tls->verify)
		tls_report(build, check, SEVERITY_WARNING, tls_origin(check, "ca"),
			   "nothing is held against it: verify is false");
	return true;
}

static uint64_t add_contents(const struct model *model, uint32_t number, uint64_t hash)
{
	const char *text = model_tls_text(model, number);

	return text ? text_hash(hash, text, strlen(text) + 1) : hash;
}

bool build_tls(struct build *build, struct build_check *check)
{
	struct tls_options *tls = &check->model.tls;
	const struct model *model = build->model;
	struct tls_named ca = {CONFIG_FILE_CA, .path = tls->ca};
	struct tls_named certificate = {CONFIG_FILE_CERTIFICATE, .path = tls->certificate};
	struct tls_named key = {CONFIG_FILE_KEY, .path = tls->key};
	bool good;

	if (!tls->ca && !tls->certificate && !tls->key)
		return true;
	if (!judge_keys(build, check))
		return false;
	if (!build->reader.files || !build->reader.files->file)
		return true;
	ca.origin = tls_origin(check, "ca");
	certificate.origin = tls_origin(check, "certificate");
	key.origin = tls_origin(check, "key");
	good = read_file(build, check, &ca);
	good &= read_file(build, check, &certificate);
	good &= read_file(build, check, &key);
	if (!good || !match_key(build, check, &certificate, &key))
		return false;
	tls->ca_file = ca.number;
	tls->certificate_file = certificate.number;
	tls->key_file = key.number;
	tls->contents = add_contents(model, ca.number, 0);
	tls->contents = add_contents(model, certificate.number, tls->contents);
	return true;
}
