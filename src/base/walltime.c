/* Days and civil dates without the C library's tables: every year has 365 days and a leap day if it
 * says so. */
#include "base/walltime.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define DAY 86400
#define FIRST_YEAR 1970

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* From the first day of 1970 to the first of `year`. */
static unsigned long long days_before(int year)
{
	unsigned past = (unsigned)year - 1;

	return 365ull * (unsigned)(year - FIRST_YEAR) + past / 4 - past / 100 + past / 400 -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

const char *walltime_format(nstime since_epoch, char *out)
{
	unsigned long long millis =
		since_epoch < 0 ? 0 : (unsigned long long)(since_epoch / NSTIME_MS);
	unsigned long long days = millis / 1000 / DAY, clock = millis / 1000 % DAY;
	int year = FIRST_YEAR + (int)(days / 366), month = 1;

	while (days_before(year + 1) <= days)
		year++;
	days -= days_before(year);
	for (; days >= (unsigned)month_days(year, month); month++)
		days -= (unsigned)month_days(year, month);
	/* the remainders change nothing but the compiler's view of what fits */
	snprintf(out, WALLTIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year % 10000,
		 month % 100, (int)(days % 31) + 1, (int)(clock / 3600 % 24),
		 (int)(clock / 60 % 60), (int)(clock % 60), (int)(millis % 1000));
	return out;
}

static int number(const char *text, size_t digits)
{
	int value = 0;

	for (size_t i = 0; i < digits; i++)
		value = value * 10 + text[i] - '0';
	return value;
}

/* Letters and signs where they belong, digits anywhere else. */
static bool has_shape(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";

	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	return true;
}

int walltime_parse(const char *text, nstime *out)
{
	int year, month, day, hour, minute, second;
	long long seconds;
	nstime point;

	if (!has_shape(text))
		return -EINVAL;
	year = number(text, 4);
	month = number(text + 5, 2);
	day = number(text + 8, 2);
	hour = number(text + 11, 2);
	minute = number(text + 14, 2);
	second = number(text + 17, 2);
	if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	for (int i = 1; i < month; i++)
		day += month_days(year, i);
	seconds =
		((long long)days_before(year) + day - 1) * DAY + hour * 3600 + minute * 60 + second;
	if (__builtin_mul_overflow(seconds, NSTIME_S, &point) ||
	    __builtin_add_overflow(point, number(text + 20, 3) * NSTIME_MS, &point))
		return -ERANGE;
	*out = point;
	return 0;
}
