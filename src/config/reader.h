/* Records of lbha.conf read by their tables from a stack of mappings: the first one that has a key
 * gives the value, then the row's default. Every value remembers the node it came from, so that
 * checks that come later can point at it. */
#ifndef LBHA_CONFIG_READER_H
#define LBHA_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "config/diagnostics.h"
#include "config/schema.h"
#include "config/tree.h"

struct arena;
struct config_files;

/* A key of a mapping that stands for another key of the record. */
struct level_key {
	const char *given, *meant;
};

/* One mapping of the stack, the strongest first. */
struct level {
	const struct node *node; /* NULL: nothing; a scalar may be the record's short form */
	const struct path *path;
	bool is_home; /* the object's own mapping: required keys that are nowhere are missed here */
	bool is_defaults; /* its keys need not apply to this object, and own keys are refused */
	const struct level_key
		*only; /* take these keys alone and pass over all others; ended by NULL */
};

/* Where a value came from. */
struct origin {
	const struct node *key, *value; /* NULL: default or absent */
	const struct path *path;
	bool is_default_level;
	bool overrides; /* a weaker level gave another value */
	bool bad; /* reported already: no further checks */
	/* Of a record: one array, the origins of its rows. Of a list of records: one array for each
	 * element. NULL: the value was a default, or could not be read. */
	struct origin **inner;
};

struct record_facts;

struct config_reader {
	struct arena *arena;
	struct record_facts *facts; /* of the records met so far; begins as NULL */
	struct diagnostics *diagnostics;
	const struct config_files *files; /* for secrets; NULL: none are opened */
	bool partial; /* a defaults section by itself: nothing is required, everything applies */
};

/* Reads one object into `out` (record->size zeroed bytes). `origins` has record->count elements,
 * zeroed. All faults are reported; false when there was one. `out` is then incomplete but safe to
 * look at. */
bool record_read(struct config_reader *reader, const struct schema_record *record,
		 const struct level *levels, size_t level_count, void *out, struct origin *origins);

/* Reads one value that stands for itself into a member of a row. Reports what is wrong with it. */
bool value_read(struct config_reader *reader, const struct schema_field *field, const struct node *node,
		const struct path *path, void *out);

/* The origin of a key among those of a record. */
struct origin *origin_of(const struct schema_record *record, struct origin *origins,
			 const char *key);

/* The origins of the rows of a record inside, or of a list's element; NULL when there are none. */
struct origin *origin_inner(const struct origin *origin, size_t element);

/* A path one step below, in the reader's arena. */
const struct path *path_below(struct config_reader *reader, const struct path *up, const char *key,
			      size_t index);

/* Reports at a value, or at `otherwise` when the value was a default. */
void origin_report(struct config_reader *reader, enum severity severity,
		   const struct origin *origin, const struct origin *otherwise, const char *format,
		   ...) PRINTF_LIKE(5, 6);

/* Reports an unknown key with the nearest known one. */
void unknown_key(struct config_reader *reader, const struct schema_record *record,
		 const struct node *key, const struct path *above);

#endif
