/*
 * The one place that knows about UTF-8, grapheme clusters and terminal cells. All widths, clipping
 * and scrubbing of control characters in the program go through here.
 *
 * Widths and cluster borders: utf8proc (Unicode UAX #11 and #29). A cluster is mostly 0, 1 or 2
 * cells: an emoji sequence is as wide as its widest part. Signs and letters that stand beside what
 * they join add their cells, as in terminals, which take code point by code point; what would make
 * more than 8 cells begins a cluster of its own. Invalid bytes decode to U+FFFD, one byte at a time.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

/* Decodes the code point at s (n > 0 bytes left). Returns the bytes used, >= 1. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp);

/* Writes cp (<= U+10FFFF) to out; returns 1..4. */
size_t utf8_encode(uint32_t cp, char out[4]);

bool utf8_valid(const char *s, size_t n);

/* How many bytes (0..3) at the end of s begin a character that more bytes could complete. */
size_t utf8_incomplete_tail(const char *s, size_t n);

/* Length in bytes of the grapheme cluster at s (n > 0), and its width in cells. A newline or tab is
 * a cluster of its own, of width 0: callers treat them before. */
size_t utf8_cluster(const char *s, size_t n, int *width);

/* Cells that the text takes in one row. */
size_t utf8_width(const char *s, size_t n);

/* Bytes of the longest prefix of whole clusters that takes at most `cells` cells. */
size_t utf8_clip(const char *s, size_t n, size_t cells);

/*
 * Appends the text made safe for a terminal: invalid bytes become U+FFFD; CR LF becomes LF; other C0
 * and C1 controls and DEL become visible pictures (U+2400 block; U+FFFD for C1); the explicit
 * bidirectional overrides U+202A..202E and U+2066..2069 become U+FFFD. LF and TAB are kept.
 */
void utf8_scrub(struct strbuf *out, const char *s, size_t n);

/* Appends the text with only invalid bytes replaced (by U+FFFD); for what goes to a tokenizer or a file. */
void utf8_repair(struct strbuf *out, const char *s, size_t n);

#endif
