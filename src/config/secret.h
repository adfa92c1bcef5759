/* Values that nobody may see who does not need them: a text in the file, or {file: PATH}. They are
 * in no message and, by FIELD_SECRET, in no slice but that of their row's roles and in no rendering. */
#ifndef LBHA_CONFIG_SECRET_H
#define LBHA_CONFIG_SECRET_H

#include <stdbool.h>

struct config_reader;
struct node;
struct path;
struct schema_field;

/* Reads a secret for a TYPE_TEXT row with FIELD_SECRET; false when something is wrong with it
 * (reported). Where files of secrets are not opened (config_files.file is NULL) *out is NULL. */
bool secret_read(struct config_reader *reader, const struct schema_field *field,
		 const struct node *node, const struct path *path, const char **out);

#endif
