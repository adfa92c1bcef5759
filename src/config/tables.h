/* How rows of the tables are written (tables.c, tables_check.c, tables_service.c). Nobody else includes it. */
#ifndef LBHA_CONFIG_TABLES_H
#define LBHA_CONFIG_TABLES_H

#include <stddef.h>

#include "base/cleanup.h"
#include "config/judge.h"
#include "config/model.h"
#include "config/schema.h"

#define MEMBER(record, member) \
	.offset = offsetof(struct record, member), .size = sizeof(((struct record *)0)->member)
#define ITEMS(record, member, counter)                    \
	.offset = offsetof(struct record, member),        \
	.count_offset = offsetof(struct record, counter), \
	.size = sizeof(*((struct record *)0)->member)
#define RECORD(of, rows) .name = of, .fields = rows, .count = COUNT_OF(rows)

#define HOUR (3600 * NSTIME_S)
#define DAY (24 * HOUR)

#define NAME(record)                                                                          \
	{.key = "name", .type = TYPE_TEXT, MEMBER(record, name), .judge = judge_name,         \
	 .flags = FIELD_REQUIRED | FIELD_OWN, .doc = "what commands, logs and other keys call it"}
#define DESCRIPTION(record)                                                                   \
	{.key = "description", .type = TYPE_TEXT, MEMBER(record, description),                \
	 .flags = FIELD_OWN | FIELD_LABEL, .judge = judge_text, .doc = "text for people"}

/* Whom it tells of what changes nothing of what is done. */
#define NOTIFY(of, text)                                                                      \
	{.key = "notify", .type = TYPE_RECORD, ITEMS(of, notify, notify_count),               \
	 .flags = FIELD_LIST | FIELD_SOME | FIELD_LABEL, .record = &schema_notify,           \
	 .doc = text}

/* For the model alone. */
extern const struct schema_record schema_tls_file, schema_way;

#endif
