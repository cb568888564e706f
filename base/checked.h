/* Arithmetic on sizes that come from a file: false on overflow, and then *r is not to be used. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
checked_add(uint64_t a, uint64_t b, uint64_t *r)
{
	return !__builtin_add_overflow(a, b, r);
}

static inline bool
checked_mul(uint64_t a, uint64_t b, uint64_t *r)
{
	return !__builtin_mul_overflow(a, b, r);
}

/* Rounds a up to a multiple of the power of two `to`. */
static inline bool
checked_round_up(uint64_t a, uint64_t to, uint64_t *r)
{
	if (!checked_add(a, to - 1, r))
		return false;
	*r &= ~(to - 1);
	return true;
}

#endif
