/* The files of src/exporter/page as they are served; the table is made of them when lbha is built (page/embed). */
#ifndef LBHA_EXPORTER_PAGE_ASSETS_H
#define LBHA_EXPORTER_PAGE_ASSETS_H

#include <stddef.h>

struct page_asset {
	const char *path; /* under which it is asked for */
	const char *type; /* its Content-Type */
	const char *tag;  /* its ETag: another one when the file is another */
	const unsigned char *bytes;
	size_t size;
};

extern const struct page_asset page_assets[]; /* ends with a path of NULL */

#endif
