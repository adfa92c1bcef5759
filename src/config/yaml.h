/* One file of YAML into nodes of config/tree.h. The only file that knows libyaml. */
#ifndef LBHA_CONFIG_YAML_H
#define LBHA_CONFIG_YAML_H

#include <stddef.h>

#include "config/compile.h"
#include "config/tree.h"

#define YAML_DEPTH_MAX 32       /* levels of nesting */
#define YAML_WEIGHT_MAX 4000000 /* nodes of a file, aliases expanded; pairs that merge keys bring */

/* Parses the bytes into a tree in `arena`; `file` is kept. *root is NULL for a file without
 * content. 0, or -EINVAL when the text is no YAML or over a limit (reported; what was parsed is not
 * used). Faults that leave a tree, like a key given twice, are reported and 0 returned. */
int yaml_parse(struct arena *arena, const char *file, const char *bytes, size_t size,
	       const struct config_files *files, struct diagnostics *diagnostics,
	       const struct node **root);

#endif
