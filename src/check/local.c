/* See the header. Kernel: fs/proc/array.c, do_task_stat. */
#include "check/local.h"

#include <string.h>

static bool is_blank(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_word(const char *bytes, size_t size, const char *word)
{
	if (size != strlen(word))
		return false;
	for (size_t i = 0; i < size; i++)
		if (lower(bytes[i]) != word[i])
			return false;
	return true;
}

/* 0, 000, +0, -0, 0.0: digits that are all zero, a point among them at most. */
static bool is_zero(const char *bytes, size_t size)
{
	size_t at = size && (*bytes == '+' || *bytes == '-'), points = 0, zeros = 0;

	for (; at < size; at++) {
		points += bytes[at] == '.';
		zeros += bytes[at] == '0';
		if ((bytes[at] != '.' && bytes[at] != '0') || points > 1)
			return false;
	}
	return zeros > 0;
}

bool local_file_says_down(const char *bytes, size_t size)
{
	const char *end = bytes + size, *word = bytes;

	while (word < end && is_blank(*word))
		word++;
	bytes = word;
	while (bytes < end && !is_blank(*bytes))
		bytes++;
	size = (size_t)(bytes - word);
	return is_word(word, size, "down") || is_zero(word, size);
}

bool local_stat_parse(const char *line, size_t size, char name[LOCAL_COMM])
{
	const char *open = memchr(line, '(', size), *close = line + size;
	size_t length;

	name[0] = '\0';
	while (open && close > open && *--close != ')')
		;
	if (!open || close == open || close + 2 >= line + size)
		return false;
	length = (size_t)(close - open - 1);
	if (length >= LOCAL_COMM)
		length = LOCAL_COMM - 1;
	memcpy(name, open + 1, length);
	name[length] = '\0';
	return close[2] != 'Z' && close[2] != 'X';
}

bool local_name_matches(const char *wanted, const char *name)
{
	return strncmp(wanted, name, LOCAL_COMM - 1) == 0;
}
