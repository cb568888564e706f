/* Finding typed words in text, ignoring case. */
#ifndef UI_MATCH_H
#define UI_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the character at s (n > 0) in lower case; its bytes. */
size_t match_fold(const char *s, size_t n, uint32_t *cp);

/*
 * The first place at or after `from` where the word occurs in text (n bytes): its first byte, and
 * in *len its length there. n when it does not occur.
 */
size_t match_find(
	const char *text, size_t n, size_t from, const char *word, size_t word_len, size_t *len);

/* Whether each blank-separated word of `words` occurs in one of the two texts (b may be NULL). */
bool match_all(const char *words, const char *a, const char *b);

/* Cuts the next word off *words; its length, 0 when there is none. */
size_t match_next_word(const char **words);

#endif
