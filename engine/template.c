/*
 * A conversation is written as a text in parts: of the template, of a message, a token, or the
 * tokens of an answer. Then the delimiters are broken up wherever a message has a share in one, and
 * what lies between two tokens is encoded as one text, as the models' own tokenizers do it.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/template_table.h"

#define WORD_JOINER "\xe2\x81\xa0"	/* U+2060: no width, no break, no delimiter has it */
#define SPACE_MARK "\xe2\x96\x81"	/* U+2581: encoded like a space */

enum part_kind { PART_TEMPLATE, PART_MESSAGE, PART_TOKEN, PART_ANSWER };

struct part {
	enum part_kind kind;
	int32_t id;		/* of a token */
	const int32_t *ids;	/* [n_ids] of an answer */
	size_t n_ids;
	size_t end;		/* in prompt.text; begins where the one before ends */
	size_t safe_end;	/* the same after defuse */
};

struct prompt {
	const struct template *t;
	const struct vocab *v;
	struct strbuf text;
	struct part *part;
	size_t n, cap;
	size_t n_defused;
	const atomic_bool *cancel;	/* or NULL */
};

/* ---- the table ------------------------------------------------------------------------------- */

const struct template *
template_find(const char *name)
{
	for (size_t i = 0; i < n_templates; i++) {
		const struct template *t = &template_table[i];

		if (!strcasecmp(name, t->name))
			return t;
		for (const char *const *alias = t->aliases; alias && *alias; alias++)
			if (!strcasecmp(name, *alias))
				return t;
	}
	return NULL;
}

const struct template *
template_at(size_t i)
{
	return i < n_templates ? &template_table[i] : NULL;
}

const char *
template_name(const struct template *t)
{
	return t->name;
}

const char *
template_help(const struct template *t)
{
	return t->help;
}

const char *const *
template_stops(const struct template *t)
{
	return t->stops;
}

/* ---- white space ----------------------------------------------------------------------------- */

/* Python's str.isspace, which Meta's str.strip goes by. */
static bool
is_space(uint32_t cp)
{
	return (cp >= 0x09 && cp <= 0x0d) || (cp >= 0x1c && cp <= 0x20) || cp == 0x85 ||
	       cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
	       cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
}

/* Bytes of white space in front. */
static size_t
leading_space(const char *s, size_t n)
{
	uint32_t cp;
	size_t i = 0, len;

	for (; i < n; i += len) {
		len = utf8_decode(s + i, n - i, &cp);
		if (!is_space(cp))
			break;
	}
	return i;
}

/* Length without the white space at the end; looks from there, so that the length of the text does not matter. */
static size_t
trimmed_length(const char *s, size_t n)
{
	uint32_t cp;

	for (size_t at; n; n = at) {
		for (at = n - 1; at && n - at < 4 && (s[at] & 0xc0) == 0x80;)
			at--;
		if (utf8_decode(s + at, n - at, &cp) != n - at || !is_space(cp))
			break;
	}
	return n;
}

bool
template_goes_on(const struct template *t, const char *begun)
{
	size_t n = strlen(begun);

	return t->flags & TEMPLATE_KEEP_SPACE || leading_space(begun, n) < n;
}

/* ---- writing the parts ----------------------------------------------------------------------- */

static bool
is_text(enum part_kind kind)
{
	return kind == PART_TEMPLATE || kind == PART_MESSAGE;
}

static void
end_part(struct prompt *p, enum part_kind kind, int32_t id)
{
	if (is_text(kind) && p->text.len == (p->n ? p->part[p->n - 1].end : 0))
		return;
	VEC_ROOM(p->part, p->n, p->cap);
	p->part[p->n++] = (struct part){ .kind = kind, .id = id, .end = p->text.len };
}

static void
put_token(struct prompt *p, int32_t id)
{
	size_t len;
	const char *s = vocab_piece(p->v, id, &len);

	end_part(p, PART_TEMPLATE, -1);
	strbuf_add(&p->text, s, len);
	end_part(p, PART_TOKEN, id);
}

static bool
begins_with(const char *s, size_t n, const char *with)
{
	size_t len = strlen(with);

	return n >= len && !memcmp(s, with, len);
}

/* The token that stands at s in a piece of the table, if one does; *len: how much of the piece it
 * takes. */
static int32_t
token_at(const struct prompt *p, const char *s, size_t n, size_t *len)
{
	*len = strlen("{bos}");
	if (begins_with(s, n, "{bos}"))
		return vocab_bos(p->v);
	if (begins_with(s, n, "{eos}"))
		return vocab_eos(p->v);
	for (const char *const *m = p->t->markers; *m; m++) {
		if (!begins_with(s, n, *m))
			continue;
		*len = strlen(*m);
		return vocab_find(p->v, *m);
	}
	return -1;
}

/* Writes the first n bytes of a piece of the table. Tokens that the format cannot do without were
 * checked before. */
static void
put_piece(struct prompt *p, const char *piece, size_t n)
{
	for (size_t i = 0, len; i < n;) {
		int32_t id = token_at(p, piece + i, n - i, &len);

		if (id < 0) {
			strbuf_addc(&p->text, piece[i++]);
		} else {
			put_token(p, id);
			i += len;
		}
	}
	end_part(p, PART_TEMPLATE, -1);
}

/* As Python's text.replace("\r\n", "\n").replace("\n\n", "\n"). */
static void
put_with_one_newline(struct strbuf *out, const char *s, size_t n)
{
	bool half = false;	/* the last one put was a newline that may be the first of two */

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\r' && i + 1 < n && s[i + 1] == '\n')
			continue;
		if (s[i] == '\n' && half) {
			half = false;
			continue;
		}
		strbuf_addc(out, s[i]);
		half = s[i] == '\n';
	}
}

/*
 * Writes a message's text. `from` is where the part of the prompt began that is stripped as a
 * whole, which is the text alone or the system and a user's text together.
 */
static void
put_message(struct prompt *p, const char *text, size_t from)
{
	size_t n = strlen(text), skip = 0;

	if (p->t->flags & TEMPLATE_STRIP && p->text.len == from)
		skip = leading_space(text, n);
	if (p->t->flags & TEMPLATE_ONE_NEWLINE)
		put_with_one_newline(&p->text, text + skip, n - skip);
	else
		strbuf_add(&p->text, text + skip, n - skip);
	end_part(p, PART_MESSAGE, -1);
}

/* An answer as the tokens it was generated as; its text is only there to be read. */
static void
put_ids(struct prompt *p, const struct chat_message *m)
{
	strbuf_adds(&p->text, m->text);
	end_part(p, PART_ANSWER, -1);
	p->part[p->n - 1].ids = m->ids;
	p->part[p->n - 1].n_ids = m->n_ids;
}

/* Drops white space at the end, back to `from`. */
static void
strip_end(struct prompt *p, size_t from)
{
	size_t len;

	if (!(p->t->flags & TEMPLATE_STRIP))
		return;
	len = from + trimmed_length(p->text.s + from, p->text.len - from);
	strbuf_truncate(&p->text, len);
	while (p->n && (p->n > 1 ? p->part[p->n - 2].end : 0) >= len && p->part[p->n - 1].end > len)
		p->n--;
	if (p->n && p->part[p->n - 1].end > len)
		p->part[p->n - 1].end = len;
}

/* ---- the conversation ------------------------------------------------------------------------ */

static void
put_before(struct prompt *p, enum chat_role role)
{
	put_piece(p, p->t->before[role], strlen(p->t->before[role]));
}

static void
put_after(struct prompt *p, enum chat_role role)
{
	put_piece(p, p->t->after[role], strlen(p->t->after[role]));
}

/* The system block; `from` as in put_message, or SIZE_MAX when it stands alone. */
static void
put_system(struct prompt *p, const char *system, size_t from)
{
	size_t n = strlen(system);
	bool alone = from == SIZE_MAX;

	/* Where nothing marks the block, a block without text would only be stray white space. */
	if (!*p->t->before[ROLE_SYSTEM] && leading_space(system, n) == n)
		return;
	put_before(p, ROLE_SYSTEM);
	if (alone)
		from = p->text.len;
	put_message(p, system, from);
	if (alone)
		strip_end(p, from);
	put_after(p, ROLE_SYSTEM);
}

static void
put_user(struct prompt *p, const char *system, const char *text)
{
	size_t from;

	put_before(p, ROLE_USER);
	from = p->text.len;
	if (system)
		put_system(p, system, from);
	put_message(p, text, from);
	strip_end(p, from);
	put_after(p, ROLE_USER);
}

/* What stands before an answer that begins: the model writes the space itself. */
static void
put_before_new_answer(struct prompt *p)
{
	const char *before = p->t->before[ROLE_ASSISTANT];
	size_t n = strlen(before);

	while (n && before[n - 1] == ' ')
		n--;
	put_piece(p, before, n);
}

static void
put_answer(struct prompt *p, const struct chat_message *m)
{
	size_t from;

	if (template_takes_ids(p->t, m)) {
		put_before_new_answer(p);
		put_ids(p, m);
	} else {
		put_before(p, ROLE_ASSISTANT);
		from = p->text.len;
		put_message(p, m->text, from);
		strip_end(p, from);
	}
	put_after(p, ROLE_ASSISTANT);
}

/* Where the model is to write: after `begun`, which is what there is of its answer, or NULL. */
static void
put_open_answer(struct prompt *p, const struct chat_message *begun)
{
	if (!begun || !template_goes_on(p->t, begun->text)) {
		put_before_new_answer(p);
	} else if (template_takes_ids(p->t, begun)) {
		put_before_new_answer(p);
		put_ids(p, begun);
	} else {
		put_before(p, ROLE_ASSISTANT);
		put_message(p, begun->text, p->text.len);
	}
}

/* The user's message that the system text stands in. */
static size_t
user_with_system(const struct prompt *p, const struct chat_message *msgs, size_t n_msgs)
{
	bool last = p->t->flags & TEMPLATE_SYSTEM_IN_LAST;
	size_t found = 0;

	for (size_t i = n_msgs; i-- > 0;)
		if (msgs[i].role == ROLE_USER) {
			found = i;
			if (last)
				break;
		}
	return found;
}

static void
put_conversation(struct prompt *p, const struct chat_message *msgs, size_t n_msgs, bool unfinished)
{
	bool in_user = p->t->flags & TEMPLATE_SYSTEM_IN_USER;
	size_t with_system = user_with_system(p, msgs, n_msgs);
	const char *system = p->t->system;
	size_t i = 0;

	if (!(p->t->flags & TEMPLATE_NO_BOS) && (p->t->flags & TEMPLATE_BOS || vocab_add_bos(p->v)))
		put_token(p, vocab_bos(p->v));
	if (msgs[0].role == ROLE_SYSTEM)
		system = msgs[i++].text;
	if (system && !in_user)
		put_system(p, system, SIZE_MAX);
	for (; i < n_msgs; i++) {
		if (msgs[i].role == ROLE_USER) {
			put_user(p, in_user && i == with_system ? system : NULL, msgs[i].text);
		} else if (i + 1 == n_msgs && unfinished) {
			put_open_answer(p, &msgs[i]);
		} else {
			put_answer(p, &msgs[i]);
		}
	}
	if (!unfinished)
		put_open_answer(p, NULL);
}

/* ---- delimiters in messages ------------------------------------------------------------------ */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Length of the delimiter at s, or 0. */
static size_t
delimiter_length(const char *delimiter, const char *s, size_t n)
{
	bool any_case = strchr("<[#", delimiter[0]);
	size_t i = 0;

	for (const char *d = delimiter; *d; d++) {
		if (i < n && (s[i] == *d || (any_case && lower(s[i]) == lower(*d))))
			i++;
		else if (*d == ' ' && begins_with(s + i, n - i, SPACE_MARK))
			i += strlen(SPACE_MARK);
		else
			return 0;
	}
	return i;
}

/* Length of the longest delimiter at s, or 0. */
static size_t
any_delimiter_length(const struct template *t, const char *s, size_t n)
{
	size_t longest = 0, len;

	for (const char *const *d = t->delimiters; *d; d++) {
		len = delimiter_length(*d, s, n);
		if (len > longest)
			longest = len;
	}
	return longest;
}

/* No format has a delimiter that an answer could make together with what stands around it. */
bool
template_takes_ids(const struct template *t, const struct chat_message *m)
{
	size_t n = strlen(m->text);

	if (m->role != ROLE_ASSISTANT || !m->ids)
		return false;
	for (size_t i = 0; i < n; i++)
		if (any_delimiter_length(t, m->text + i, n - i))
			return false;
	return true;
}

/* Where the text goes on after part k without a token between. */
static size_t
run_end(const struct prompt *p, size_t k)
{
	while (k + 1 < p->n && is_text(p->part[k + 1].kind))
		k++;
	return p->part[k].end;
}

/* Where the first message in part k or later of the same run begins; SIZE_MAX: there is none. */
static size_t
next_message(const struct prompt *p, size_t k)
{
	for (; k < p->n && is_text(p->part[k].kind); k++)
		if (p->part[k].kind == PART_MESSAGE)
			return k ? p->part[k - 1].end : 0;
	return SIZE_MAX;
}

/*
 * Breaks up every delimiter in which a message has a share: after its first character where that is
 * the message's, else where the message begins. What the template alone wrote stays. False when
 * cancelled.
 */
static bool
defuse(struct prompt *p)
{
	struct strbuf safe = STRBUF_INIT;
	size_t at = 0, len;
	bool break_next = false; /* a delimiter reaches from the template into the next message */

	for (size_t k = 0; k < p->n; k++) {
		struct part *part = &p->part[k];
		size_t end = run_end(p, k), message = next_message(p, k), part_end = part->end;

		if (part->kind == PART_MESSAGE && break_next) {
			strbuf_adds(&safe, WORD_JOINER);
			p->n_defused++;
			break_next = false;
		}
		for (; at < part_end; at++) {
			if (p->cancel && atomic_load_explicit(p->cancel, memory_order_relaxed)) {
				strbuf_release(&safe);
				return false;
			}
			strbuf_addc(&safe, p->text.s[at]);
			if (!is_text(part->kind))
				continue;
			len = any_delimiter_length(p->t, p->text.s + at, end - at);
			if (!len || at + len <= message)
				continue;
			if (part->kind == PART_TEMPLATE) {
				break_next = true;
			} else {
				strbuf_adds(&safe, WORD_JOINER);
				p->n_defused++;
			}
		}
		part->safe_end = safe.len;
	}
	for (size_t k = 0; k < p->n; k++)
		p->part[k].end = p->part[k].safe_end;
	strbuf_release(&p->text);
	p->text = safe;
	return true;
}

/* ---- to ids ---------------------------------------------------------------------------------- */

static bool
encode_run(const struct prompt *p, size_t from, size_t to, unsigned flags, struct token_list *ids)
{
	return vocab_encode_unless(p->v, p->text.s + from, to - from, flags, p->cancel, ids);
}

/* False when cancelled. */
static bool
encode_parts(const struct prompt *p, struct token_list *ids)
{
	size_t from = 0, at = 0;
	unsigned flags = ENCODE_PREFIX;

	for (size_t k = 0; k < p->n; k++) {
		const struct part *part = &p->part[k];

		if (!is_text(part->kind)) {
			if (!encode_run(p, from, at, flags, ids))
				return false;
			if (part->kind == PART_TOKEN)
				token_list_add(ids, part->id);
			for (size_t i = 0; i < part->n_ids; i++)
				token_list_add(ids, part->ids[i]);
			flags = part->kind == PART_TOKEN ? ENCODE_PREFIX : 0;
			from = part->end;
		}
		at = part->end;
	}
	return encode_run(p, from, at, flags, ids);
}

static int
check_messages(const struct chat_message *msgs, size_t n, bool unfinished, struct err *e)
{
	size_t first = n && msgs[0].role == ROLE_SYSTEM;
	enum chat_role last = unfinished ? ROLE_ASSISTANT : ROLE_USER;

	for (size_t i = first; i < n; i++) {
		enum chat_role due = (i - first) % 2 ? ROLE_ASSISTANT : ROLE_USER;

		if (msgs[i].role != due)
			return err_set(e, ERR_USAGE,
				"message %zu of the conversation should be the %s's", i + 1,
				due == ROLE_USER ? "user" : "assistant");
	}
	if (n == first || msgs[n - 1].role != last)
		return err_set(e, ERR_USAGE,
			"the last message of the conversation should be the %s's",
			unfinished ? "assistant" : "user");
	return 0;
}

static bool
mentions(const struct template *t, const char *what)
{
	for (size_t i = 0; i < 3; i++)
		if (strstr(t->before[i], what) || strstr(t->after[i], what))
			return true;
	return false;
}

static int
check_tokens(const struct template *t, const struct vocab *v, struct err *e)
{
	bool bos = t->flags & TEMPLATE_BOS || mentions(t, "{bos}");

	if ((bos && vocab_bos(v) < 0) || (mentions(t, "{eos}") && vocab_eos(v) < 0))
		return err_set(e, ERR_MODEL,
			"the chat format %s needs a %s token, which the vocabulary of the model "
			"lacks; choose another format",
			t->name, bos && vocab_bos(v) < 0 ? "BOS" : "EOS");
	if (!(t->flags & TEMPLATE_NEEDS_MARKERS))
		return 0;
	for (const char *const *m = t->markers; *m; m++)
		if (mentions(t, *m) && vocab_find(v, *m) < 0)
			return err_set(e, ERR_MODEL,
				"the chat format %s needs the token %s, which the vocabulary of "
				"the model lacks; choose another format",
				t->name, *m);
	return 0;
}

int
template_encode_unless(const struct template *t, const struct vocab *v, const struct chat_message *msgs,
	size_t n_msgs, bool unfinished, struct token_list *ids, struct strbuf *text,
	size_t *n_defused, const atomic_bool *cancel, struct err *e)
{
	struct prompt p = { .t = t, .v = v, .text = STRBUF_INIT, .cancel = cancel };
	int rc = 0;

	if (check_messages(msgs, n_msgs, unfinished, e) || check_tokens(t, v, e))
		return -1;
	put_conversation(&p, msgs, n_msgs, unfinished);
	if (!defuse(&p) || !encode_parts(&p, ids))
		rc = err_set(e, ERR_INTERRUPTED, "cancelled");
	else if (text)
		strbuf_add(text, p.text.s, p.text.len);
	if (n_defused)
		*n_defused = p.n_defused;
	strbuf_release(&p.text);
	free(p.part);
	return rc;
}

int
template_encode(const struct template *t, const struct vocab *v, const struct chat_message *msgs,
	size_t n_msgs, bool unfinished, struct token_list *ids, struct strbuf *text,
	size_t *n_defused, struct err *e)
{
	return template_encode_unless(t, v, msgs, n_msgs, unfinished, ids, text, n_defused, NULL, e);
}
