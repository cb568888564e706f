/*
 * Any text as a message: encoding and back, as a stream through the detokenizer, and inside every
 * chat format. The first byte chooses the format; the rest is the text, cut into messages at bytes
 * 0x00 and 0xff.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "engine/detok.h"
#include "engine/template_table.h"
#include "tests/engine/tiny_vocab.h"

#define SPACE_MARK "\xe2\x96\x81"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static const struct vocab *
vocabulary(void)
{
	static struct tiny_vocab t;

	if (!t.vocab)
		tiny_vocab_init(&t, tiny_words, NULL);
	return t.vocab;
}

static bool
is_special(const struct vocab *v, int32_t id)
{
	enum token_kind kind = vocab_kind(v, id);

	return kind == TOKEN_CONTROL || kind == TOKEN_UNKNOWN || kind == TOKEN_USER_DEFINED;
}

static void
stream(const struct vocab *v, const struct token_list *ids, const char *const *stops,
	struct strbuf *out)
{
	size_t checked = 0;
	struct detok d;

	detok_init(&d, v, stops);
	d.started = !stops;
	for (size_t i = 0; i < ids->n && !detok_push(&d, ids->id[i], out); i++) {
		check(utf8_valid(out->s + checked, out->len - checked));
		checked = out->len;
	}
	detok_flush(&d, out);
	check(utf8_valid(out->s + checked, out->len - checked));
	for (; stops && *stops; stops++)
		check(!memmem(out->s, out->len, *stops, strlen(*stops)));
	detok_release(&d);
}

static void
check_round_trip(const struct vocab *v, const char *text, size_t n)
{
	static const char *const stops[] = { "\nhe", "<|", "\xc3\xa9\xc3\xa9", NULL };
	struct strbuf back = STRBUF_INIT, streamed = STRBUF_INIT, stopped = STRBUF_INIT;
	struct token_list ids = { 0 };

	vocab_encode(v, text, n, ENCODE_PREFIX, &ids);
	for (size_t i = 0; i < ids.n; i++)
		check(!is_special(v, ids.id[i]));
	vocab_decode(v, ids.id, ids.n, &back);
	if (!memmem(text, n, SPACE_MARK, 3))
		check(back.len == n && !memcmp(back.s, text, n));
	stream(v, &ids, NULL, &streamed);
	check(streamed.len == back.len + (n > 0) &&
		!memcmp(streamed.s + (n > 0), back.s, back.len));
	stream(v, &ids, stops, &stopped);
	ids.n = 0;
	vocab_encode(v, text, n, ENCODE_SPECIAL, &ids);
	token_list_release(&ids);
	strbuf_release(&back);
	strbuf_release(&streamed);
	strbuf_release(&stopped);
}

/* As memmem; in any case of letters when it is a sign that is looked for. */
static char *
find(char *s, size_t n, const char *what, size_t len)
{
	if (!strchr("<[#", what[0]))
		return memmem(s, n, what, len);
	for (size_t i = 0; i + len <= n; i++)
		if (s[i] == what[0] && !strncasecmp(s + i, what, len))
			return s + i;
	return NULL;
}

/* How often the delimiter stands in the text, in any case of letters if it is a sign; U+2581 counts
 * as a space. */
static size_t
count_delimiter(const struct strbuf *text, const char *delimiter)
{
	struct strbuf t = STRBUF_INIT;
	size_t n = 0, len = strlen(delimiter);

	for (size_t i = 0; i < text->len; i++) {
		if (text->len - i >= 3 && !memcmp(text->s + i, SPACE_MARK, 3)) {
			strbuf_addc(&t, ' ');
			i += 2;
		} else {
			strbuf_addc(&t, text->s[i]);
		}
	}
	for (char *at = t.s, *end = t.s + t.len; (at = find(at, end - at, delimiter, len)); at++)
		n++;
	strbuf_release(&t);
	return n;
}

/* Returns how many special tokens there are. */
static size_t
encode(const struct template *t, const struct chat_message *msgs, size_t n, struct strbuf *text)
{
	const struct vocab *v = vocabulary();
	struct token_list ids = { 0 };
	size_t n_special = 0;
	struct err e;

	if (template_encode(
		    t, v, msgs, n, msgs[n - 1].role == ROLE_ASSISTANT, &ids, text, NULL, &e))
		check(t->flags & TEMPLATE_NEEDS_MARKERS);
	for (size_t i = 0; i < ids.n; i++)
		n_special += is_special(v, ids.id[i]);
	token_list_release(&ids);
	return n_special;
}

/* The texts of the messages must make neither more special tokens nor more delimiters than there
 * are without them. */
static void
check_template(const struct template *t, char *text[4], size_t n)
{
	static const enum chat_role roles[] = { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_USER };
	struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
	struct chat_message msgs[4], harmless[4];

	for (size_t i = 0; i < n; i++) {
		msgs[i] = (struct chat_message){ .role = roles[n == 4 ? i : i + 1], .text = text[i] };
		harmless[i] = (struct chat_message){ .role = msgs[i].role, .text = "x" };
	}
	check(encode(t, msgs, n, &got) == encode(t, harmless, n, &want));
	for (const char *const *d = t->delimiters; *d; d++)
		check(count_delimiter(&got, *d) <= count_delimiter(&want, *d));
	strbuf_release(&got);
	strbuf_release(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	char *part[4];
	size_t n = 1;

	if (!size)
		return 0;
	utf8_repair(&text, (const char *)data + 1, size - 1);
	check_round_trip(vocabulary(), text.s, text.len);
	strbuf_reset(&text);
	for (size_t i = 1, from = 1; i <= size; i++) {
		if (i < size && data[i] && data[i] != 0xff)
			continue;
		utf8_repair(&text, (const char *)data + from, i - from);
		strbuf_addc(&text, '\0');
		from = i + 1;
	}
	part[0] = text.s;
	for (char *end; n < 4 && (end = part[n - 1] + strlen(part[n - 1]) + 1) < text.s + text.len;
		n++)
		part[n] = end;
	check_template(template_at(data[0] % n_templates), part, n);
	strbuf_release(&text);
	return 0;
}
