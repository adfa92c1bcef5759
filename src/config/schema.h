/* The schema of lbha.conf as tables: a key is one row, and everything that must know the keys walks
 * the rows: reader, defaults, codec, equality, renderer. A row names the member of the model's
 * struct that it fills. Two kinds of rows are special: without a key, the member is derived
 * (probes, indices) and never in the file; with TYPE_SOURCE, the key is in the file but resolved by
 * a builder (a pool's name) and no member. */
#ifndef LBHA_CONFIG_SCHEMA_H
#define LBHA_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum schema_type {
	TYPE_SOURCE,
	TYPE_BOOL,     /* bool */
	TYPE_NUMBER,   /* unsigned, of `size` bytes */
	TYPE_SIGNED,   /* int32_t; 0: absent */
	TYPE_DURATION, /* nstime */
	TYPE_TEXT,     /* const char *; NULL: absent */
	TYPE_ADDRESS,  /* struct addr; family 0: absent */
	TYPE_PREFIX,   /* struct prefix */
	TYPE_ENDPOINT, /* struct endpoint */
	TYPE_RANGE,    /* struct status_range */
	TYPE_WORD,     /* an enum or number of `size` bytes: one of `words` */
	TYPE_WORDS,    /* uint32_t: a set of `words`, or-ed; empty only where there is no default */
	TYPE_RECORD,   /* a struct in place, or a list of them */
};

enum schema_flags {
	FIELD_LIST = 1 << 0,     /* array at `offset`, size_t at `count_offset`, `size` of an element */
	FIELD_MAP = 1 << 1,      /* the file has a mapping: its keys are the record's first field */
	FIELD_REQUIRED = 1 << 2, /* must be in the file */
	FIELD_OWN = 1 << 3,      /* cannot be given in defaults */
	FIELD_LABEL = 1 << 4,    /* changes nothing that is done: no part of equality and hashes */
	FIELD_INDEX = 1 << 5,    /* numbers an array of the model: void in another generation */
	FIELD_CHILDREN = 1 << 6, /* objects of their own, compared one by one */
	FIELD_DROP = 1 << 7,     /* read and checked, but no member of the model (a description) */
	FIELD_ALWAYS = 1 << 8,   /* derived or defaulted by a builder: never absent in a model */
	FIELD_RESOLVED = 1 << 9, /* the reader leaves it to a builder, who fills the member in */
	FIELD_ROUTE = 1 << 10,   /* a prefix may be "default": family 0 until a builder knows it */
	FIELD_SECRET = 1 << 11,  /* only the slices of `roles` carry it; a text: see config/secret.h */
	FIELD_FOREVER = 1 << 13, /* a duration that may be without end: NSTIME_NEVER */
	FIELD_PERCENT = 1 << 12, /* a number that is written with % */
	FIELD_SOME = 1 << 14,    /* a list that says nothing when it is empty */
	FIELD_ANY_CASE = 1 << 15, /* words in lower or upper case; as in the table when they are shown */
	FIELD_FULL = 1 << 17,    /* a list that is not empty where it is given */
	FIELD_PATTERN = 1 << 16, /* a text that is a regular expression; see config_files.pattern */
};

struct schema_word {
	const char *text;
	uint32_t value;
};

struct schema_field {
	const char *key;
	enum schema_type type;
	unsigned flags;
	size_t offset, count_offset, size;
	int64_t min, max, step; /* of numbers and durations; max of a text: length; max 0: no limit */
	const char *default_text;        /* read like a value of the file; NULL: absent, zero */
	const struct schema_word *words; /* ended by a NULL text */
	const struct schema_record *record;
	const char *(*judge)(const void *value); /* a complaint about a parsed value, or NULL */
	uint32_t applies; /* set of values of the record's discriminator; 0: always */
	uint32_t roles;   /* rows of the model, and secrets: who gets them in a slice, set of 1 << enum role */
	const char *doc;
};

struct schema_record {
	const char *name; /* as in messages: "check" */
	size_t size;
	const struct schema_field *fields;
	size_t count;
	const char *discriminator; /* key of the word or number that `applies` is about; NULL: none */
	const char *short_form;    /* key of the field that a scalar stands for; NULL: none */
	bool is_variant; /* the first row is a derived discriminator: the one of its words that was
			    given as a key */
};

/* {file: PATH} in place of a secret; read, but in no model. */
struct secret_file {
	const char *file;
};

extern const struct schema_record schema_model, schema_director, schema_defaults, schema_global,
	schema_instance, schema_announce, schema_vip, schema_route, schema_unicast,
	schema_tracker, schema_sync_group, schema_authentication, schema_secret_file,
	schema_check, schema_tls, schema_notify,
	schema_ipvs, schema_conn_sync, schema_exporter,
	schema_http_expect, schema_dns_expect, schema_http_header, schema_probe, schema_service, schema_persistence,
	schema_real_server, schema_sorry_server, schema_endpoint, schema_tunnel;

/* The row of a key, or NULL; the first one, when `applies` tells several apart. */
const struct schema_field *schema_find(const struct schema_record *record, const char *key);
/* Its number among the rows of its record. */
size_t schema_index(const struct schema_record *record, const struct schema_field *field);
/* The key of the record that an unknown one may stand for (config/habits.h), or is nearest to it; or NULL. */
const char *schema_nearest(const struct schema_record *record, const char *key);
/* Whether a member of the model belongs to the row. */
bool schema_is_stored(const struct schema_field *field);
/* The row that `applies` of the others is about, or NULL. */
const struct schema_field *schema_discriminator(const struct schema_record *record);
/* Whether the row is there for this object: its discriminator's value is among `applies`. */
bool schema_applies(const struct schema_record *record, const struct schema_field *field,
		    const void *object);

/* Whether another row of the same key is the one for this object. */
bool schema_is_other(const struct schema_record *record, const struct schema_field *field,
		     const void *object);

/* Whether the member may be absent in a model (NULL, family 0, a number below its minimum, 0 that is
 * no word's). */
bool schema_is_optional(const struct schema_field *field);

/* A list's elements and count; `at` a member of an object. */
static inline void *schema_member(const struct schema_field *field, void *object)
{
	return (char *)object + field->offset;
}

static inline const void *schema_value(const struct schema_field *field, const void *object)
{
	return (const char *)object + field->offset;
}

size_t schema_count(const struct schema_field *field, const void *object);
/* The elements of a list row, or the member itself. */
const void *schema_elements(const struct schema_field *field, const void *object);
/* An enum or unsigned number of 1, 2, 4 or 8 bytes. */
static inline uint64_t schema_number(const void *value, size_t size)
{
	uint64_t number = 0;
	uint32_t word;
	uint16_t half;
	uint8_t byte;

	if (size == sizeof(byte)) {
		memcpy(&byte, value, size);
		number = byte;
	} else if (size == sizeof(half)) {
		memcpy(&half, value, size);
		number = half;
	} else if (size == sizeof(word)) {
		memcpy(&word, value, size);
		number = word;
	} else {
		memcpy(&number, value, sizeof(number));
	}
	return number;
}

void schema_number_set(void *value, size_t size, uint64_t number);

/* Equality of two objects without the rows that have any flag of `skip`. */
bool schema_equal(const struct schema_record *record, const void *a, const void *b, unsigned skip);
/* A hash over the same rows; the same on every machine and in every build with the same rows. */
uint64_t schema_hash(const struct schema_record *record, const void *object, unsigned skip,
		     uint64_t hash);
/* A hash of the tables themselves: two programs with the same one understand the other's slices. */
uint64_t schema_fingerprint(void);

#endif
