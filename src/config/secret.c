/* See the header. A text in lbha.conf wants a file that others cannot read; a value that came from
 * the environment does not stand in the file. */
#include "config/secret.h"

#include <string.h>

#include "base/arena.h"
#include "config/compile.h"
#include "config/reader.h"
#include "config/value.h"

static const char *complaint_about(const struct schema_field *field, const char *text)
{
	if (field->max && strlen(text) > (size_t)field->max)
		return "is too long";
	return field->judge ? field->judge(text) : NULL;
}

static bool read_inline(struct config_reader *reader, const struct schema_field *field,
			const struct node *node, const struct path *path, const char **out)
{
	const struct config_files *files = reader->files;
	const char *trap = node->quoted ? NULL : value_plain_trap(node->text);
	const char *complaint = complaint_about(field, node->text);

	if (trap) {
		node_error(reader->diagnostics, node, path,
			   "a text is expected, and this is %s: put it in quotes", trap);
		return false;
	}
	if (complaint) {
		node_error(reader->diagnostics, node, path, "%s", complaint);
		return false;
	}
	if (!node->variable && files && files->is_shared &&
	    files->is_shared(files->ctx, node->file)) {
		node_error(reader->diagnostics, node, path,
			   "stands in a file that everybody can read: chmod o-r %s, or write "
			   "{file: PATH}",
			   node->file);
		return false;
	}
	*out = arena_strdup(reader->arena, node->text);
	return true;
}

/* The bytes of a file as a text: its last line break is none of the secret's. */
static bool take_bytes(struct config_reader *reader, const struct schema_field *field,
		       const struct origin *origin, char *bytes, size_t size, const char **out)
{
	const char *complaint;

	if (size && bytes[size - 1] == '\n')
		size--;
	if (size && bytes[size - 1] == '\r')
		size--;
	bytes[size] = '\0';
	complaint = strlen(bytes) != size ? "has a zero byte" : complaint_about(field, bytes);
	if (complaint) {
		node_error(reader->diagnostics, origin->value, origin->path,
			   "the secret in this file %s", complaint);
		return false;
	}
	*out = arena_text(reader->arena, bytes, size);
	return true;
}

static bool read_file(struct config_reader *reader, const struct schema_field *field,
		      const struct node *node, const struct path *path, const char **out)
{
	struct level level = {.node = node, .path = path, .is_home = true};
	struct origin *origins =
		arena_array(reader->arena, schema_secret_file.count, sizeof(*origins));
	char bytes[CONFIG_SECRET_MAX + 1], why[CONFIG_WHY] = "";
	const struct config_files *files = reader->files;
	struct secret_file named = {0};
	const struct origin *origin;
	size_t size = 0;
	bool good;

	if (!origins || !record_read(reader, &schema_secret_file, &level, 1, &named, origins))
		return false;
	*out = NULL;
	if (!files || !files->file)
		return true;
	origin = origin_of(&schema_secret_file, origins, "file");
	if (files->file(files->ctx, CONFIG_FILE_SECRET, named.file, bytes, &size, why)) {
		node_error(reader->diagnostics, origin->value, origin->path, "%s", why);
		return false;
	}
	good = take_bytes(reader, field, origin, bytes, size, out);
	explicit_bzero(bytes, sizeof(bytes));
	return good;
}

bool secret_read(struct config_reader *reader, const struct schema_field *field,
		 const struct node *node, const struct path *path, const char **out)
{
	if (node->kind == NODE_SCALAR && !node_is_null(node))
		return read_inline(reader, field, node, path, out);
	if (node->kind == NODE_MAPPING)
		return read_file(reader, field, node, path, out);
	node_error(reader->diagnostics, node, path, "a text or {file: PATH} is expected, not %s",
		   node_what(reader->diagnostics, node));
	return false;
}
