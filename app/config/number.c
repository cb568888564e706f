#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/number.h"

/* The "C" locale, made once. Falls back to the current one when memory is gone. */
static locale_t
c_locale(void)
{
	static locale_t loc;

	if (!loc)
		loc = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return loc ? loc : LC_GLOBAL_LOCALE;
}

/* strtod also takes hexadecimal, "inf", "nan" and leading blanks: none of these is meant by
 * anybody. */
static int
is_decimal(const char *s)
{
	if (*s == '+' || *s == '-')
		s++;
	if (!isdigit((unsigned char)*s) && *s != '.')
		return 0;
	return s[strspn(s, "0123456789.eE+-")] == '\0';
}

int
number_parse(const char *text, double *out)
{
	locale_t old;
	double value;
	char *end;

	if (!is_decimal(text))
		return -1;
	old = uselocale(c_locale());
	value = strtod(text, &end);
	uselocale(old);
	if (end == text || *end || !isfinite(value))
		return -1;
	*out = value;
	return 0;
}

int
number_parse_int(const char *text, int64_t *out)
{
	const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
	long long value;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end || errno)
		return -1;
	*out = value;
	return 0;
}

int
number_parse_u64(const char *text, uint64_t *out)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end || errno)
		return -1;
	*out = value;
	return 0;
}

void
number_print_float(float value, char *out, size_t size)
{
	locale_t old = uselocale(c_locale());

	for (int digits = 1; digits <= 9; digits++) {
		snprintf(out, size, "%.*g", digits, (double)value);
		if (strtof(out, NULL) == value)
			break;
	}
	uselocale(old);
}
