/* JSON as it is written, without a tree: for pure code that says more than it could hold. Keys and texts are quoted here;
 * commas and lines come by themselves. */
#ifndef LBHA_CONFIG_JSON_TEXT_H
#define LBHA_CONFIG_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define JSON_TEXT_DEEP 32 /* maps and lists in one another */

struct json_text {
	void (*out)(void *ctx, const char *text);
	void *ctx;
	/* its own, 0 at the beginning */
	int depth;
	bool filled[JSON_TEXT_DEEP]; /* something stands at this depth already */
};

/* A map or a list ("{", "["), until its end ("}", "]"). `key` is NULL in a list, and for the whole. */
void json_begin(struct json_text *e, const char *key, const char *bracket);
void json_finish(struct json_text *e, const char *bracket);

void json_put_text(struct json_text *e, const char *key, const char *value);
void json_put_number(struct json_text *e, const char *key, int64_t value);
/* What is JSON already. */
void json_put_raw(struct json_text *e, const char *key, const char *value);
/* The beginning of a member whose value follows in pieces. */
void json_next(struct json_text *e, const char *key);
void json_put(struct json_text *e, const char *text);

#endif
