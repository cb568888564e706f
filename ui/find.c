#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/find.h"
#include "ui/match.h"

void
find_init(struct find *f, const struct transcript *t)
{
	*f = (struct find){ .t = t, .words = STRBUF_INIT, .current = FIND_NONE };
}

void
find_release(struct find *f)
{
	strbuf_release(&f->words);
	free(f->needle);
	free(f->border);
	free(f->entries);
	free(f->matches);
	find_init(f, f->t);
}

/* ---- the words ------------------------------------------------------------------------------- */

static inline size_t
next_char(bool exact, const char *s, size_t n, uint32_t *cp)
{
	unsigned char c = (unsigned char)*s;

	if (c >= 0x80)
		return exact ? utf8_decode(s, n, cp) : match_fold(s, n, cp);
	*cp = !exact && c >= 'A' && c <= 'Z' ? c | 32u : c;
	return 1;
}

static bool
has_capital(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp, lower;

		len = utf8_decode(s + i, n - i, &cp);
		match_fold(s + i, n - i, &lower);
		if (cp != lower)
			return true;
	}
	return false;
}

/* Knuth, Morris and Pratt: how much is still matched when the next character is another one. */
static void
find_borders(struct find *f)
{
	size_t k = 0;

	f->border[0] = 0;
	if (f->needle_len)
		f->border[1] = 0;
	for (size_t i = 1; i < f->needle_len; i++) {
		while (k && f->needle[k] != f->needle[i])
			k = f->border[k];
		k += f->needle[k] == f->needle[i];
		f->border[i + 1] = k;
	}
}

/* Any character that is not ASCII may be a letter of the words in another case. */
static void
find_starts(struct find *f)
{
	unsigned char first = (unsigned char)f->words.s[0];

	memset(f->starts, 0, sizeof f->starts);
	f->starts[first] = true;
	if (f->exact)
		return;
	if (first >= 'a' && first <= 'z')
		f->starts[first - 'a' + 'A'] = true;
	for (int lead = 0xc0; lead < 256; lead++)
		f->starts[lead] = true;
}

static void
set_needle(struct find *f, const char *words, size_t len)
{
	strbuf_reset(&f->words);
	strbuf_add(&f->words, words, len);
	f->exact = has_capital(words, len);
	f->needle_len = 0;
	if (len > f->needle_cap || !f->needle_cap) {
		f->needle_cap = len + 64;
		f->needle = xreallocarray(f->needle, f->needle_cap, sizeof *f->needle);
		f->border = xreallocarray(f->border, f->needle_cap + 1, sizeof *f->border);
	}
	for (size_t i = 0; i < len;)
		i += next_char(f->exact, words + i, len - i, &f->needle[f->needle_len++]);
	find_borders(f);
	find_starts(f);
}

/* ---- searching ------------------------------------------------------------------------------- */

static size_t
chars_back(const char *s, size_t at, size_t chars)
{
	while (chars-- > 0 && at > 0) {
		at--;
		while (at > 0 && ((unsigned char)s[at] & 0xc0) == 0x80)
			at--;
	}
	return at;
}

static void
add_match(struct find *f, size_t start, size_t end)
{
	VEC_ROOM(f->matches, f->n_matches, f->matches_cap);
	f->matches[f->n_matches++] =
		(struct flow_range){ (uint32_t)start, (uint32_t)(end - start) };
}

/* What the matches of shorter words, whose numbers are from..to, say of longer ones: these begin where
 * one of those does, or in the tail of the text. All zero: nothing. */
struct shorter {
	size_t from, to;
	size_t tail;
};

#define NOT_KNOWN ((struct shorter){ 0, 0, 0 })

/* Where a match may begin next; n: nowhere. */
static size_t
next_start(const struct find *f, struct shorter *sh, const char *s, size_t at, size_t n)
{
	while (sh->from < sh->to && f->matches[sh->from].start < at)
		sh->from++;
	if (sh->from < sh->to)
		return f->matches[sh->from].start;
	if (at < sh->tail)
		at = sh->tail;
	while (at < n && !f->starts[(unsigned char)s[at]])
		at++;
	return at;
}

/* Goes on in a text where it ended when it was searched last. */
static void
scan(struct find *f, struct find_entry *e, const struct strbuf *text, struct shorter sh)
{
	const char *s = text->s;
	size_t at = e->scanned, k = e->begun, n = text->len;

	for (;;) {
		uint32_t cp;

		if (!k)
			at = next_start(f, &sh, s, at, n);
		if (at == n)
			break;
		at += next_char(f->exact, s + at, n - at, &cp);
		while (k && f->needle[k] != cp)
			k = f->border[k];
		k += f->needle[k] == cp;
		if (k == f->needle_len) {
			add_match(f, chars_back(s, at, k), at);
			k = 0;
		}
	}
	e->scanned = n;
	e->begun = k;
	e->n = f->n_matches - e->first;
}

/* Whether what is known of entry i goes for the transcript's. */
static bool
is_known(const struct find *f, size_t i)
{
	const struct entry *e = &f->t->items[i];

	return i < f->n && f->entries[i].id == e->id && f->entries[i].generation == e->generation &&
	       f->entries[i].scanned <= e->text.len;
}

static void
scan_entry(struct find *f, size_t i, struct shorter sh)
{
	const struct entry *e = &f->t->items[i];

	f->entries[i].first = f->n_matches - f->entries[i].n;
	if (f->needle_len && e->kind != ENTRY_DIVIDER)
		scan(f, &f->entries[i], &e->text, sh);
	else
		f->entries[i].scanned = e->text.len;
}

static void
scan_anew(struct find *f, size_t i, struct shorter sh)
{
	const struct entry *e = &f->t->items[i];

	f->entries[i] = (struct find_entry){ .id = e->id, .generation = e->generation };
	scan_entry(f, i, sh);
}

static void
make_room(struct find *f)
{
	if (f->cap >= f->t->n)
		return;
	f->cap = f->t->n + f->t->n / 2 + 16;
	f->entries = xreallocarray(f->entries, f->cap, sizeof *f->entries);
}

static bool
begins_with(const char *s, size_t n, const struct strbuf *b)
{
	return n >= b->len && !memcmp(s, b->s, b->len);
}

/*
 * Where the shorter words do not occur the longer ones do not. Where they do, that tells all places
 * only if they cannot overlap themselves. What is found takes the place of what it is found by, and
 * never overtakes it.
 */
static struct shorter
known_by_shorter(const struct find *f, size_t i, bool overlaps)
{
	const struct find_entry *e = &f->entries[i];
	const struct strbuf *text = &f->t->items[i].text;

	if (overlaps && e->n)
		return NOT_KNOWN;
	return (struct shorter){ e->first, e->first + e->n, chars_back(text->s, text->len, e->begun) };
}

void
find_set(struct find *f, const char *words, size_t len)
{
	bool was_exact = f->exact, longer = f->needle_len && begins_with(words, len, &f->words);
	bool overlaps = f->needle_len && f->border[f->needle_len];

	if (longer)
		find_update(f);
	set_needle(f, words, len);
	longer &= f->exact == was_exact;
	f->n_matches = 0;
	f->current = FIND_NONE;
	make_room(f);
	for (size_t i = 0; i < f->t->n; i++)
		scan_anew(f, i, longer ? known_by_shorter(f, i, overlaps) : NOT_KNOWN);
	f->n = f->t->n;
}

/* ---- the current one ------------------------------------------------------------------------- */

/* The entry of a match. */
static size_t
entry_of(const struct find *f, size_t match)
{
	size_t low = 0, high = f->n;

	while (low < high) {	/* the first whose matches come after it */
		size_t mid = low + (high - low) / 2;

		if (f->entries[mid].first <= match)
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

/* How many matches of an entry begin before that byte. */
static size_t
count_before(const struct find *f, const struct find_entry *e, size_t offset)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->matches[e->first + mid].start < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
find_near(struct find *f, size_t entry, size_t offset)
{
	size_t before = f->n_matches;

	if (entry < f->n)
		before = f->entries[entry].first + count_before(f, &f->entries[entry], offset);
	f->current = !f->n_matches ? FIND_NONE : before ? before - 1 : 0;
}

void
find_step(struct find *f, int by)
{
	if (f->current == FIND_NONE)
		return;
	if (by < 0)
		f->current = f->current ? f->current - 1 : f->n_matches - 1;
	else
		f->current = f->current + 1 < f->n_matches ? f->current + 1 : 0;
}

bool
find_current(const struct find *f, size_t *entry, struct flow_range *where)
{
	if (f->current == FIND_NONE)
		return false;
	*entry = entry_of(f, f->current);
	*where = f->matches[f->current];
	return true;
}

struct flow_lit
find_in(const struct find *f, size_t entry)
{
	const struct find_entry *e;

	if (entry >= f->n || !f->entries[entry].n)
		return FLOW_UNLIT;
	e = &f->entries[entry];
	return (struct flow_lit){ f->matches + e->first, e->n,
		f->current == FIND_NONE ? FIND_NONE : f->current - e->first };
}

/* ---- a transcript that changes --------------------------------------------------------------- */

/* The first entry that is not as it was. */
static size_t
first_changed(const struct find *f)
{
	size_t i = 0;

	while (i < f->n && i < f->t->n && is_known(f, i) &&
		f->entries[i].scanned == f->t->items[i].text.len)
		i++;
	return i;
}

static size_t
index_of(const struct find *f, uint64_t id, size_t near)
{
	if (near < f->n && f->entries[near].id == id)
		return near;
	for (size_t i = 0; i < f->n; i++)
		if (f->entries[i].id == id)
			return i;
	return f->n;
}

void
find_update(struct find *f)
{
	size_t changed = first_changed(f), at = 0;
	struct flow_range where = { 0, 0 };
	bool has = find_current(f, &at, &where);
	uint64_t id = has ? f->entries[at].id : 0;

	if (changed == f->n && changed == f->t->n)
		return;
	make_room(f);
	f->n_matches = changed ? f->entries[changed - 1].first + f->entries[changed - 1].n : 0;
	for (size_t i = changed; i < f->t->n; i++) {
		if (i == changed && is_known(f, i)) {
			f->n_matches += f->entries[i].n;
			scan_entry(f, i, NOT_KNOWN);
		} else {
			scan_anew(f, i, NOT_KNOWN);
		}
	}
	f->n = f->t->n;
	if (has && at >= changed) {
		size_t now = index_of(f, id, at);

		find_near(f, now < f->n ? now : at, now < f->n ? (size_t)where.start + 1 : 0);
	}
}
