/* The JSON Schema (draft-07, which editors' YAML servers know best) of lbha.conf, made from the tables: keys,
 * types, ranges, words, defaults, sentences. What it cannot say (names that must exist, addresses, rules between
 * sections) `lbhad --check` does. It never refuses a right file: keys that may come from elsewhere (defaults,
 * directors) are not required. */
#ifndef LBHA_CONFIG_JSON_SCHEMA_H
#define LBHA_CONFIG_JSON_SCHEMA_H

typedef void json_schema_out(void *ctx, const char *text);

/* Gives the text, piece by piece, lines with their ends. */
void json_schema(json_schema_out *out, void *ctx);

#endif
