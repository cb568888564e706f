/*
 * Looking for words in a transcript: where they occur, and which of those places one is at. The texts
 * are searched as they are written, so that a match may go over the break of a row, but not over that
 * of a line. Labels, footers and dividers are not searched.
 *
 * Case is ignored unless the words hold a capital letter. Characters are compared one by one (ui/match.h):
 * "ß" is not "ss", and an accent that is a character of its own is not part of its letter. Matches do
 * not overlap; those of an entry are in the order of the text.
 *
 * A change of the words costs one pass over the texts; a letter more costs less, mostly what there was
 * of matches. Text that streams in costs its own length.
 */
#ifndef UI_FIND_H
#define UI_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "ui/transcript_entry.h"

#define FIND_NONE ((size_t)-1)

struct find_entry {
	uint64_t id;
	unsigned generation;
	size_t scanned;		/* bytes */
	size_t begun;		/* characters of the words that those end with */
	size_t first, n;	/* its matches */
};

struct find {
	const struct transcript *t;
	struct strbuf words;
	uint32_t *needle;	/* the words as code points; lower case unless `exact` */
	size_t *border;		/* of needle[0..i): the longest proper prefix that is its suffix, too */
	size_t needle_len, needle_cap;
	bool exact;
	bool starts[256];	/* bytes a match may begin with */
	struct find_entry *entries;	/* as the transcript's when it was searched last */
	size_t n, cap;
	struct flow_range *matches;
	size_t n_matches, matches_cap;
	size_t current;		/* the match one is at; FIND_NONE */
};

/* The transcript is only read, and has to last. */
void find_init(struct find *f, const struct transcript *t);
void find_release(struct find *f);

/* Other words (copied), without '\n'; of none there is no match. No match is the current one then. */
void find_set(struct find *f, const char *words, size_t len);

/*
 * The transcript may have changed: finds what is new, forgets what is gone. The current match stays
 * where it still is, else the nearest takes its place. To be called before what follows.
 */
void find_update(struct find *f);

/* Makes the last match current that begins before that byte of an entry, or else the first after it. */
void find_near(struct find *f, size_t entry, size_t offset);

/* The one before (-1) or after (1) the current one; at the ends it goes on at the other. */
void find_step(struct find *f, int by);

/* Where the current match is; false when there is none. */
bool find_current(const struct find *f, size_t *entry, struct flow_range *where);

/* The matches in an entry, for drawing it; valid until the next change. */
struct flow_lit find_in(const struct find *f, size_t entry);

#endif
