/* Words that people bring along from ipvsadm, ldirectord and keepalived, for what lbha.conf calls otherwise: who
 * writes one out of habit is told ours. They are never taken for ours: each is an error as before. */
#ifndef LBHA_CONFIG_HABITS_H
#define LBHA_CONFIG_HABITS_H

struct schema_record;
struct schema_word;

/* The key of the record that another program's key stands for, or NULL. */
const char *habit_key(const struct schema_record *record, const char *key);
/* The one of `words` that another program's word stands for, in upper or lower case, or NULL. */
const char *habit_word(const struct schema_word *words, const char *word);

#endif
