/* Lifetime helpers: a variable marked auto_x is released when its scope ends; take() hands it over. */
#ifndef LBHA_BASE_CLEANUP_H
#define LBHA_BASE_CLEANUP_H

#include <stddef.h>

#define cleanup(function) __attribute__((__cleanup__(function)))

/* Returns the pointer and leaves NULL behind, so that the scope's end does not release it. */
#define take(pointer)                             \
	({                                        \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                 \
		taken_;                           \
	})

/* Number of elements of an array (not of a pointer). */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define UNUSED __attribute__((unused))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

#endif
