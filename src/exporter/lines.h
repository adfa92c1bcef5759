/* A text that grows, line by line, in Prometheus' form. When memory is out it stays as it is and `failed` says so. */
#ifndef LBHA_EXPORTER_LINES_H
#define LBHA_EXPORTER_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	char *text;
	size_t size, room;
	bool failed;
	bool labelled; /* the series under construction has a label already */
};

void lines_add(struct lines *lines, const char *text);
/* "# HELP" and "# TYPE" of what follows. */
void lines_family(struct lines *lines, const char *name, const char *type, const char *help);

/* One sample: begin, labels (NULL as the value: none), end with its value. */
void lines_begin(struct lines *lines, const char *name);
void lines_label(struct lines *lines, const char *name, const char *value);
void lines_end(struct lines *lines, double value);
/* A whole number as it is. */
void lines_end_count(struct lines *lines, long long value);

#endif
