#include "check/match_io.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/model.h"

#define WORK_LEAST 1000000u /* units that any search may cost, */
#define WORK_PER_BYTE 64u   /* and more for each byte */
#define WORK_OF_STEP 16u    /* a call back; moving on by a byte is 1 */
#define FRAMES_KIB 4096     /* memory for ways that are still open */
#define STEPS_FROM_A_PLACE 1000000 /* that many have cost more than WORK_LEAST */

struct pattern {
	pcre2_code *code;
};

/* One search under way. */
struct search {
	uint64_t work, most;
	size_t at;
};

/* What all searches share: there is one at a time. */
static pcre2_match_context *limits;
static pcre2_match_data *frames;

/* ---- searching ---------------------------------------------------------------------------------- */

static int step(pcre2_callout_block *now, void *ctx)
{
	struct search *search = ctx;
	size_t at = now->current_position;

	search->work += WORK_OF_STEP + (at > search->at ? at - search->at : search->at - at);
	search->at = at;
	return search->work > search->most ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static bool search_ready(struct search *search)
{
	if (!limits) {
		limits = pcre2_match_context_create(NULL);
		if (!limits)
			return false;
		pcre2_set_match_limit(limits, STEPS_FROM_A_PLACE);
		pcre2_set_heap_limit(limits, FRAMES_KIB);
	}
	if (!frames)
		frames = pcre2_match_data_create(1, NULL);
	pcre2_set_callout(limits, step, search);
	return frames != NULL;
}

enum match_found pattern_search(const struct pattern *pattern, const uint8_t *bytes, size_t size,
				uint64_t *work)
{
	struct search search = {.most = WORK_LEAST + WORK_PER_BYTE * (uint64_t)size};
	int result = PCRE2_ERROR_NOMEMORY;

	if (search_ready(&search))
		result = pcre2_match(pattern->code, bytes, size, 0, 0, frames, limits);
	*work += search.work + size;
	if (result >= 0)
		return MATCH_FOUND;
	if (result == PCRE2_ERROR_NOMATCH)
		return MATCH_NONE;
	pcre2_match_data_free(frames); /* which has grown */
	frames = NULL;
	return MATCH_LIMIT;
}

/* ---- patterns ----------------------------------------------------------------------------------- */

static pcre2_code *compile(const char *expression, char *why)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	char error[128];
	size_t at;
	int number;

	why[0] = '\0';
	if (!context)
		return NULL;
	pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
	code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
			     PCRE2_AUTO_CALLOUT | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
			     &number, &at, context);
	pcre2_compile_context_free(context);
	if (code || number == PCRE2_ERROR_NOMEMORY)
		return code;
	pcre2_get_error_message(number, (PCRE2_UCHAR *)error, sizeof(error));
	snprintf(why, CONFIG_WHY, "is no regular expression: %s, behind \"%.*s\"", error,
		 at < 64 ? (int)at : 64, expression + (at < 64 ? 0 : at - 64));
	return NULL;
}

struct pattern *pattern_new(const char *expression, char *why)
{
	struct pattern *pattern = malloc(sizeof(*pattern));

	why[0] = '\0';
	if (!pattern)
		return NULL;
	pattern->code = compile(expression, why);
	if (pattern->code)
		return pattern;
	free(pattern);
	return NULL;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	free(pattern);
}

bool pattern_judge(void *ctx, const char *expression, char *why)
{
	pcre2_code *code = compile(expression, why);

	(void)ctx;
	pcre2_code_free(code);
	return code || !why[0];
}

/* ---- of a check --------------------------------------------------------------------------------- */

static bool pattern_make(const char *expression, struct pattern **out)
{
	char why[CONFIG_WHY];

	if (expression)
		*out = pattern_new(expression, why);
	return !expression || *out;
}

bool patterns_make(const struct check *check, struct patterns *out)
{
	const char *wanted = check->type == CHECK_HTTP ? check->expect.body_regex
						       : check->expect_regex;

	return pattern_make(wanted, &out->wanted) &&
	       pattern_make(check->expect.not_regex, &out->unwanted);
}

void patterns_free(struct patterns *patterns)
{
	pattern_free(patterns->wanted);
	pattern_free(patterns->unwanted);
}
