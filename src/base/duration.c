/* Reading and writing durations; see the header. */
#include "base/duration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

struct unit {
	const char *name;
	nstime size;
};

static const struct unit units[] = {
	{"d", 86400 * NSTIME_S}, {"h", 3600 * NSTIME_S}, {"m", 60 * NSTIME_S},
	{"s", NSTIME_S},         {"ms", NSTIME_MS},      {"us", NSTIME_US},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The unit whose name is exactly the letters at `text`; its length in *length. */
static const struct unit *unit_at(const char *text, size_t *length)
{
	*length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strlen(units[i].name) == *length && !strncmp(text, units[i].name, *length))
			return &units[i];
	return NULL;
}

/* whole × unit + (fraction / scale) × unit, refused when it overflows or is finer than a nanosecond. */
static int part_value(nstime whole, nstime fraction, nstime scale, nstime unit, nstime *out)
{
	nstime value, rest;

	if (__builtin_mul_overflow(whole, unit, &value) || __builtin_mul_overflow(fraction, unit, &rest))
		return -ERANGE;
	if (__builtin_add_overflow(value, rest / scale, out))
		return -ERANGE;
	return 0;
}

/* One number with its unit; moves *text behind it. */
static int part_parse(const char **text, nstime *out)
{
	nstime whole = 0, fraction = 0, scale = 1;
	const char *at = *text;
	const struct unit *unit;
	size_t length;

	if (!is_digit(*at))
		return -EINVAL;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *at - '0', &whole))
			return -ERANGE;
	if (*at == '.') {
		if (!is_digit(*++at))
			return -EINVAL;
		for (; is_digit(*at); at++) {
			if (scale >= 100000)
				continue; /* finer than what any key needs */
			fraction = fraction * 10 + (*at - '0');
			scale *= 10;
		}
	}
	if (!*at)
		return -EDOM;
	unit = unit_at(at, &length);
	if (!unit)
		return -EINVAL;
	*text = at + length;
	return part_value(whole, fraction, scale, unit->size, out);
}

int duration_parse(const char *text, nstime *out)
{
	nstime sum = 0, part;
	int err;

	if (!strcmp(text, "0")) {
		*out = 0;
		return 0;
	}
	do {
		err = part_parse(&text, &part);
		if (err)
			return err;
		if (__builtin_add_overflow(sum, part, &sum) || sum == NSTIME_NEVER)
			return -ERANGE;
	} while (*text);
	*out = sum;
	return 0;
}

/* value/unit with up to three decimals, without trailing zeros. */
static void decimal(char *out, size_t size, nstime value, nstime unit, const char *name)
{
	long long whole = value / unit, thousandths = value % unit * 1000 / unit;
	int length;

	if (!thousandths) {
		snprintf(out, size, "%lld%s", whole, name);
		return;
	}
	length = snprintf(out, size, "%lld.%03lld", whole, thousandths);
	while (length > 0 && out[length - 1] == '0')
		out[--length] = '\0';
	snprintf(out + length, size - (size_t)length, "%s", name);
}

const char *duration_format(nstime duration, char *out)
{
	size_t used = 0;

	if (duration == NSTIME_NEVER) {
		snprintf(out, DURATION_TEXT, "forever");
		return out;
	}
	if (duration < NSTIME_S) {
		bool millis = duration >= NSTIME_MS;

		if (!duration)
			snprintf(out, DURATION_TEXT, "0s");
		else
			decimal(out, DURATION_TEXT, duration, millis ? NSTIME_MS : NSTIME_US, millis ? "ms" : "us");
		return out;
	}
	for (size_t i = 0; i < 3; i++) {
		if (duration >= units[i].size)
			used += (size_t)snprintf(out + used, DURATION_TEXT - used, "%lld%s",
						 (long long)(duration / units[i].size), units[i].name);
		duration %= units[i].size;
	}
	if (duration % NSTIME_S && duration % NSTIME_MS == 0) {
		decimal(out + used, DURATION_TEXT - used, duration, NSTIME_S, "s");
		return out;
	}
	if (duration >= NSTIME_S)
		used += (size_t)snprintf(out + used, DURATION_TEXT - used, "%llds", (long long)(duration / NSTIME_S));
	if (duration % NSTIME_S)
		decimal(out + used, DURATION_TEXT - used, duration % NSTIME_S, NSTIME_US, "us");
	return out;
}

const char *duration_about(nstime duration, char *out)
{
	long long seconds = duration / NSTIME_S;

	if (duration == NSTIME_NEVER || duration < 0)
		snprintf(out, DURATION_TEXT, duration < 0 ? "0s" : "forever");
	else if (duration < NSTIME_MS)
		snprintf(out, DURATION_TEXT, "%lldus", (long long)(duration / NSTIME_US));
	else if (duration < NSTIME_S)
		snprintf(out, DURATION_TEXT, "%lldms", (long long)(duration / NSTIME_MS));
	else if (seconds < 60)
		decimal(out, DURATION_TEXT, duration / (100 * NSTIME_MS) * (100 * NSTIME_MS), NSTIME_S, "s");
	else if (seconds < 3600)
		snprintf(out, DURATION_TEXT, "%lldm%llds", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		snprintf(out, DURATION_TEXT, "%lldh%lldm", seconds / 3600, seconds % 3600 / 60);
	else
		snprintf(out, DURATION_TEXT, "%lldd%lldh", seconds / 86400, seconds % 86400 / 3600);
	return out;
}
