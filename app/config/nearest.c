#include "config.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "app/config/settings.h"

#define LONGEST 40	/* names longer than this are not compared */

static int
letter(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, change, swap of neighbours) from a to b: optimal string alignment, three
 * rows. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1], *two = rows[0], *one = rows[1], *now = rows[2], *spare;
	size_t n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		one[j] = j;
	for (size_t i = 1; i <= n; i++) {
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t change = letter(a[i - 1]) != letter(b[j - 1]);

			now[j] = min(min(now[j - 1], one[j]) + 1, one[j - 1] + change);
			if (i > 1 && j > 1 && letter(a[i - 1]) == letter(b[j - 2]) &&
				letter(a[i - 2]) == letter(b[j - 1]))
				now[j] = min(now[j], two[j - 2] + 1);
		}
		spare = two;
		two = one;
		one = now;
		now = spare;
	}
	return one[m];
}

/* Whether `name` is the beginning of `whole` or has it as its own beginning, three letters at
 * least. */
static int
shares_beginning(const char *name, const char *whole)
{
	size_t n = min(strlen(name), strlen(whole));

	for (size_t i = 0; i < n; i++)
		if (letter(name[i]) != letter(whole[i]))
			return 0;
	return n >= 3;
}

const char *
nearest_name(const char *name, const char *const *names)
{
	size_t n = strlen(name);

	return nearest_within(name, names, n < 3 ? 1 : n / 3 + 1);
}

const char *
nearest_within(const char *name, const char *const *names, size_t most)
{
	size_t n = strlen(name), best = most;
	const char *nearest = NULL;

	if (n > LONGEST)
		return NULL;
	for (; *names; names++) {
		size_t d = strlen(*names) > LONGEST ? LONGEST : distance(name, *names);

		/* A beginning is as good as one letter amiss. */
		if (d > 1 && shares_beginning(name, *names))
			d = 1;
		if (d < best || (d == best && !nearest && d < n)) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}
