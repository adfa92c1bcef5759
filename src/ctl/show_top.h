/* Traffic for people: services by one of their numbers, their servers below them. Rates come from two
 * answers to the request "traffic", whose kernel counters were read at different times. */
#ifndef LBHA_CTL_SHOW_TOP_H
#define LBHA_CTL_SHOW_TOP_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct paper;

enum top_sort {
	TOP_ACTIVE,
	TOP_RATE, /* new connections */
	TOP_IN,
	TOP_OUT,
	TOP_NAME,
};

struct top_view {
	enum top_sort sort;
	bool services_only, reverse;
	size_t lines; /* at most so many; 0: all */
};

/* `before` NULL, or of the same reading: no rates. Both cleaned with paper_clean. */
void show_top(const struct paper *paper, const json_t *now, const json_t *before,
	      const struct top_view *view);

/* A number in at most five characters: "7", "0.4", "12.5k", "340M". `out` has TOP_NUMBER bytes, is
 * returned. */
#define TOP_NUMBER 24
const char *top_number(double value, char *out);

#endif
