/* keepalived.conf to lbha.conf. One file describes one node; those of several become one lbha.conf:
 * what differs between the nodes stands under their directors. */
#ifndef LBHA_CONVERT_KA_IMPORT_H
#define LBHA_CONVERT_KA_IMPORT_H

#include "convert/draft.h"
#include "convert/import.h"
#include "convert/ka_tree.h"

struct ka_source {
	const char *node;  /* the director that it is for */
	const char *id;    /* what its lines with @id are held against */
	const char *path;
	const char *bytes;
	size_t size;
};

/* The draft, in the arena; NULL when memory is out, or a file is beyond all bounds (reported). `include`
 * of files is used, `say` is set here. */
struct draft *ka_import(struct arena *arena, const struct ka_files *files,
			const struct ka_source *sources, size_t count,
			const struct import_report *report);

/* Every keyword that is known, for the table in the guide and its test: the block that it stands in,
 * the key of lbha.conf that it becomes (NULL: none), what is said about it (NULL: nothing). */
struct ka_keyword {
	const char *block, *keyword, *key, *remark;
};

/* False beyond the last. */
bool ka_keyword(size_t index, struct ka_keyword *out);

#endif
