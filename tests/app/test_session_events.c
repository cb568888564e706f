#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "app/chat/session_events.h"
#include "base/utf8.h"

static struct event_reader reader;
static struct strbuf out;
static struct ydoc_fault fault;

static int
setup(void **state)
{
	event_reader_init(&reader);
	strbuf_init(&out);
	return 0;
}

static int
teardown(void **state)
{
	event_reader_release(&reader);
	strbuf_release(&out);
	return 0;
}

/* Reads the one event of `out`, and checks that it is found whole. */
static void
read_back(struct event *ev)
{
	struct event_doc doc;
	size_t pos = 0;

	assert_true(event_next_doc(out.s, out.len, &pos, &doc));
	assert_true(doc.closed);
	assert_int_equal(pos, out.len);
	if (event_read(&reader, &doc, ev, &fault) < 0)
		fail_msg("%u:%u: %s\n%s", fault.line, fault.column, fault.text, out.s);
	assert_false(event_next_doc(out.s, out.len, &pos, &doc));
}

static void
assert_same_text(const struct event_text *got, const char *s, size_t len)
{
	if (got->len != len || memcmp(got->s, s, len) != 0)
		fail_msg("%zu bytes became %zu: %.*s\n%s", len, got->len, (int)len, s, out.s);
}

static void
round_trip(const char *s, size_t len)
{
	static const enum event_kind kinds[] = { EVENT_MESSAGE, EVENT_PIECE, EVENT_TITLE, EVENT_SYSTEM, EVENT_MODEL };
	struct event ev, back;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		ev = (struct event){ .kind = kinds[i], .id = 2, .parent = 1, .role = ROLE_USER, .text = { s, len } };
		strbuf_reset(&out);
		event_write(&out, &ev);
		assert_true(utf8_valid(out.s, out.len));
		read_back(&back);
		assert_int_equal(back.kind, ev.kind);
		assert_same_text(&back.text, s, len);
		if (ev.kind != EVENT_PIECE)
			continue;
		memset(&back, 0, sizeof back);
		assert_int_equal(event_read_piece(&reader, out.s, out.len, &back), out.len);
		assert_int_equal(back.id, 2);
		assert_same_text(&back.text, s, len);
	}
}

static void
round_trip_string(const char *s)
{
	round_trip(s, strlen(s));
}

static void
events__text__round_trips_what_yaml_finds_special(void **state)
{
	static const char *const texts[] = {
		"", " ", "\n", "\n\n", "\t", "a", "a\n", "a\n\n", "a\n\n\n", "\na", "\n\na\n", " a", "  a\n b", "a\n  b\n c",
		"a ", "a \nb", "a\t\nb", "a\n \nb", "a\n\t\nb", "a\n\nb", "\ta", "a\n\tb", "a\nb\n", "a\r\nb", "\r", "a\r",
		"---", "...", "---\n", "a\n---\nb", "a\n...\nb", "a\n...", "--- a", "... a", "...\n...\n", "a\n--- {piece: 1}\n...\n",
		"# a", "a # b", "a: b", "a:", ":", "- a", "-", "? a", "{a: b}", "[a]", "&a", "*a", "!a", "|", ">", "|-\n a",
		"%YAML 1.1", "@", "`", "'", "\"", "''", "\"\"", "\\", "\\n", "\\x41", "a\\", "a\"", "\"a\" b", "'a'",
		"null", "~", "Null", "true", "yes", "no", "on", "off", "y", "n", "1", "0x1", "1e3", ".5", ".inf", ".nan",
		"1:30", "2026-11-23", "=", "<<", "a,b", "}", "]", "{", "[", ", text: \"", "\"}\n...\n",
		"\xc2\x85", "a\xc2\x85" "b", "\xe2\x80\xa8", "a\xe2\x80\xa8" "b", "\xe2\x80\xa9", "\xef\xbb\xbf",
		"\xef\xbb\xbf" "a", "a\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xef\xbf\xbd", "\xc2\xa0", "a\xc2\xa0\nb",
		"\xf0\x9f\x98\x80", "\xf0\x9f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xe2\x80\xae" "abc",
		"\x7f", "\xc2\x80", "\xc2\x9f", "e\xcc\x81", "\xcc\x81", "llama-2-13b-chat.Q4_K_M", "a/b", "-a", ".a",
		"[INST] <<SYS>>\nx\n<</SYS>>\n\ny [/INST]", "```c\nint x;\n\n\treturn 0;\n```\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		round_trip_string(texts[i]);
}

static void
events__text__round_trips_every_control_anywhere(void **state)
{
	for (int c = 0; c < 256; c++) {
		char utf8[4], text[64];
		size_t n = utf8_encode((uint32_t)c, utf8), len = 0;

		round_trip(utf8, n);
		for (int place = 0; place < 8; place++) {
			static const char *const around[][2] = {
				{ "", "a" }, { "a", "" }, { "a", "b" }, { "a\n", "b" }, { "a", "\nb" }, { " ", "" },
				{ "\n", "\n" }, { "---\n", "\n..." },
			};

			len = strlen(around[place][0]);
			memcpy(text, around[place][0], len);
			memcpy(text + len, utf8, n);
			len += n;
			memcpy(text + len, around[place][1], strlen(around[place][1]));
			len += strlen(around[place][1]);
			round_trip(text, len);
		}
	}
}

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* A code point from a part of Unicode where something may go wrong, more often than not. */
static uint32_t
random_code_point(uint64_t *state)
{
	static const uint32_t special[] = {
		'\n', '\n', ' ', ' ', '\t', '"', '\\', '-', '.', ':', '#', 0, '\r', 0x1b, 0x7f, 0x85, 0xa0, 0x2028, 0x2029,
		0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10ffff, 0x10000, 0xd7ff, 0xe000, 0x300, 0x202e, 0x1f600,
	};
	uint32_t cp;

	switch (next_random(state) % 4) {
	case 0:
		return special[next_random(state) % (sizeof special / sizeof *special)];
	case 1:
		return 'a' + next_random(state) % 26;
	case 2:
		return next_random(state) % 0x250;
	default:
		cp = next_random(state) % 0x110000;
		return cp >= 0xd800 && cp < 0xe000 ? 'x' : cp;
	}
}

static void
events__text__round_trips_random_unicode(void **state)
{
	uint64_t seed = 42;

	for (int i = 0; i < 4000; i++) {
		char text[4 * 40];
		size_t n = next_random(&seed) % 40, len = 0;

		while (n--)
			len += utf8_encode(random_code_point(&seed), text + len);
		round_trip(text, len);
	}
}

static void
events__text__round_trips_when_long(void **state)
{
	static const char *const units[] = { "a", "word ", "line\n", "\xe4\xb8\x96", "\"", "\x01", "a\n\n", "deep\n  er\n" };

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		struct strbuf text = STRBUF_INIT;

		while (text.len < 300000)
			strbuf_adds(&text, units[i]);
		strbuf_adds(&text, ".");
		round_trip(text.s, text.len);
		strbuf_release(&text);
	}
}

static void
events__write__is_what_a_person_can_read(void **state)
{
	struct event ev = {
		.kind = EVENT_MESSAGE, .id = 2, .parent = 1, .role = ROLE_USER, .at_ms = 1795399804870,
	};

	ev.text = (struct event_text){ "Which month is driest?\n\nAnd what: # should I pack?", 50 };
	event_write(&out, &ev);
	assert_string_equal(out.s, "---\nmessage: 2\nparent: 1\nrole: user\nat: 2026-11-23T02:10:04.870Z\n"
		"text: |-\n  Which month is driest?\n\n  And what: # should I pack?\n...\n");
	strbuf_reset(&out);
	ev = (struct event){
		.kind = EVENT_MESSAGE, .id = 3, .parent = 2, .role = ROLE_ASSISTANT, .at_ms = 1795399804902,
		.model = { "llama-2-13b-chat.Q4_K_M", 23 }, .seed = 42,
		.sampling = { .temperature = 0.6f, .top_p = 0.9f, .typical_p = 1, .repeat_penalty = 1 },
	};
	event_write(&out, &ev);
	assert_string_equal(out.s, "---\nmessage: 3\nparent: 2\nrole: assistant\nat: 2026-11-23T02:10:04.902Z\n"
		"model: llama-2-13b-chat.Q4_K_M\nseed: 42\nsampling: {temperature: 0.6, top_p: 0.9}\n...\n");
	strbuf_reset(&out);
	ev = (struct event){ .kind = EVENT_PIECE, .id = 3, .text = { "**June** and ", 13 } };
	event_write(&out, &ev);
	ev = (struct event){ .kind = EVENT_DONE, .id = 3, .stats = { 118, 412, 377, 8310, 90 }, .finish = FINISH_STOP };
	event_write(&out, &ev);
	ev = (struct event){ .kind = EVENT_HEAD, .id = 3 };
	event_write(&out, &ev);
	assert_string_equal(out.s, "--- {piece: 3, text: \"**June** and \"}\n...\n"
		"--- {done: 3, finish: stop, tokens: 118, prompt_tokens: 412, cached_tokens: 377, ms: 8310, "
		"first_token_ms: 90}\n...\n--- {head: 3}\n...\n");
}

static void
events__write__uses_quotes_where_an_editor_would_do_harm(void **state)
{
	static const char *const texts[] = { "a \nb", "a\t\nb", "a ", " a", "\na", "a\n\n", "a\rb", "" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct event ev = { .kind = EVENT_SYSTEM, .text = { texts[i], strlen(texts[i]) } };

		strbuf_reset(&out);
		event_write(&out, &ev);
		assert_non_null(strstr(out.s, "system: \""));
	}
}

static void
events__times__round_trip(void **state)
{
	static const int64_t times[] = { 1, 999, 1000, 1795399804870, 253402300799999, 68169600000 };

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct event ev = { .kind = EVENT_HEADER, .version = 1, .text = { "x", 1 }, .at_ms = times[i] }, back;

		strbuf_reset(&out);
		event_write(&out, &ev);
		read_back(&back);
		assert_int_equal(back.at_ms, times[i]);
	}
}

static void
events__sampling__round_trips(void **state)
{
	struct event ev = { .kind = EVENT_MESSAGE, .id = 1, .role = ROLE_ASSISTANT, .seed = UINT64_MAX }, back;
	struct sampling p = { 0.1f, 1.0f / 3, 0.05f, 0.95f, 40, 1.1f, -0.5f, 1e-7f, 64 };

	ev.sampling = p;
	event_write(&out, &ev);
	read_back(&back);
	assert_memory_equal(&back.sampling, &p, sizeof p);
	assert_true(back.seed == UINT64_MAX);
	strbuf_reset(&out);
	memset(&ev.sampling, 0, sizeof ev.sampling);
	event_write(&out, &ev);
	read_back(&back);
	assert_memory_equal(&back.sampling, &ev.sampling, sizeof p);
}

static int
read_one(const char *yaml, struct event *ev)
{
	struct event_doc doc = { .s = yaml, .len = strlen(yaml), .closed = true };

	return event_read(&reader, &doc, ev, &fault);
}

static void
events__read__says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *yaml, *text;
		unsigned line, column;
	} cases[] = {
		{ "{message: x, parent: 0, role: user}", "cannot understand \"message\"", 1, 11 },
		{ "{message: 0, parent: 0, role: user}", "cannot understand \"message\"", 1, 11 },
		{ "{message: -1, parent: 0, role: user}", "cannot understand \"message\"", 1, 11 },
		{ "{message: 1000000001, parent: 0, role: user}", "cannot understand \"message\"", 1, 11 },
		{ "{message: 99999999999999999999, parent: 0, role: user}", "cannot understand \"message\"", 1, 11 },
		{ "{message: [1], parent: 0, role: user}", "cannot understand \"message\"", 1, 11 },
		{ "---\nmessage: 1\nrole: user\n", "there is no \"parent\"", 2, 1 },
		{ "---\nmessage: 1\nparent: 0\nrole: llama\n", "cannot understand \"role\"", 4, 7 },
		{ "---\nmessage: 1\nparent: 0\nrole: system\n", "cannot understand \"role\"", 4, 7 },
		{ "---\nmessage: 1\nparent: 0\nrole: user\ntext: [a]\n", "cannot understand \"text\"", 5, 7 },
		{ "{done: 1, finish: later}", "cannot understand \"finish\"", 1, 19 },
		{ "{done: 1}", "there is no \"finish\"", 1, 1 },
		{ "{piece: 1}", "there is no \"text\"", 1, 1 },
		{ "{piece: 1, text: *a}", "aliases (*name) are not supported", 1, 18 },
		{ "{piece: 1, text: &a b}", "anchors (&name) are not supported", 1, 18 },
		{ "{piece: 1, text: !!str b}", "tags (!name) are not supported; put the text in quotes", 1, 18 },
		{ "{piece: 1, text: \"a\\qb\"}", "found unknown escape character", 1, 20 },
		{ "{piece: 1, text: {[a]: b}}", "a key must be a word", 1, 19 },
	};
	struct event ev;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (read_one(cases[i].yaml, &ev) == 0)
			fail_msg("no fault: %s", cases[i].yaml);
		assert_string_equal(fault.text, cases[i].text);
		assert_int_equal(fault.line, cases[i].line);
		assert_int_equal(fault.column, cases[i].column);
	}
}

static void
events__read__a_field_that_may_be_missing_costs_only_itself(void **state)
{
	static const struct {
		const char *yaml, *text;
		unsigned line, column;
	} cases[] = {
		{ "{message: 1, parent: 0, role: assistant, at: today, text: t}", "cannot understand \"at\"", 1, 46 },
		{ "{message: 1, parent: 0, role: assistant, text: t, sampling: 5}", "cannot understand \"sampling\"", 1, 61 },
		{ "{message: 1, parent: 0, role: assistant, text: t, sampling: {temperature: 0.5, top_k: -1}}",
			"cannot understand \"sampling\"", 1, 61 },
		{ "{message: 1, parent: 0, role: assistant, text: t, sampling: {temperature: 1e300}}",
			"cannot understand \"sampling\"", 1, 61 },
		{ "{message: 1, parent: 0, role: assistant, text: t, sampling: {temperature: inf}}",
			"cannot understand \"sampling\"", 1, 61 },
		{ "{message: 1, parent: 0, role: assistant, seed: -1, text: t}", "cannot understand \"seed\"", 1, 48 },
		{ "{message: 1, parent: 0, role: assistant, text: t, model: [m]}", "cannot understand \"model\"", 1, 58 },
	};
	struct event ev, bare;

	assert_int_equal(read_one("{message: 1, parent: 0, role: assistant}", &bare), 0);
	assert_string_equal(fault.text, "");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (read_one(cases[i].yaml, &ev) < 0)
			fail_msg("%s: %s", cases[i].yaml, fault.text);
		assert_string_equal(fault.text, cases[i].text);
		assert_int_equal(fault.line, cases[i].line);
		assert_int_equal(fault.column, cases[i].column);
		assert_string_equal(ev.text.s, "t");
		assert_memory_equal(&ev.sampling, &bare.sampling, sizeof ev.sampling);
		assert_int_equal(ev.at_ms, 0);
		assert_true(ev.seed == 0 && !ev.model.s);
	}
	assert_int_equal(read_one("{done: 1, finish: stop, ms: fast}", &ev), 0);
	assert_string_equal(fault.text, "cannot understand \"ms\"");
	assert_int_equal(ev.finish, FINISH_STOP);
}

static void
events__read__ignores_what_it_does_not_know(void **state)
{
	struct event ev;

	assert_int_equal(read_one("{vote: a, piece_of: 3}", &ev), 0);
	assert_int_equal(ev.kind, EVENT_UNKNOWN);
	assert_int_equal(read_one("just text", &ev), 0);
	assert_int_equal(ev.kind, EVENT_UNKNOWN);
	assert_int_equal(read_one("- piece: 3", &ev), 0);
	assert_int_equal(ev.kind, EVENT_UNKNOWN);
	assert_int_equal(read_one("{colour: {red: [1, 2]}, head: 7}", &ev), 0);
	assert_int_equal(ev.kind, EVENT_HEAD);
	assert_int_equal(ev.id, 7);
	assert_int_equal(read_one("{text: 12, message: 1, role: user, parent: 0, sampling: {top_z: 1}}", &ev), 0);
	assert_int_equal(ev.kind, EVENT_MESSAGE);
	assert_string_equal(ev.text.s, "12");
}

static void
events__read__is_bounded(void **state)
{
	struct strbuf deep = STRBUF_INIT;
	struct event ev;

	for (int i = 0; i < 100000; i++)
		strbuf_addc(&deep, '[');
	assert_int_equal(read_one(deep.s, &ev), -1);
	strbuf_reset(&deep);
	strbuf_addc(&deep, '[');
	for (int i = 0; i < 100000; i++)
		strbuf_adds(&deep, "1,");
	strbuf_addc(&deep, ']');
	assert_int_equal(read_one(deep.s, &ev), -1);
	assert_string_equal(fault.text, "too many values");
	strbuf_release(&deep);
}

static void
events__next_doc__finds_borders(void **state)
{
	static const struct {
		const char *stream, *docs;	/* what each document's length is: closed ones, then an open one with ! */
	} cases[] = {
		{ "", "" }, { "\n\n", "" }, { "# only a comment", "" }, { "...\n", "" }, { "...\n...\n", "" },
		{ "a: 1\n...\n", "9" }, { "--- {a: 1}\n...\n", "15" }, { "--- {a: 1}\n...", "14" },
		{ "--- {a: 1}\n..", "!13" }, { "--- {a: 1}\n", "!11" }, { "--- {a: 1", "!9" }, { "-", "!1" }, { "---", "!3" },
		{ "---\na: 1\n---\nb: 1\n...\n", "9 13" }, { "# c\n---\na: 1\n...\n# d\n", "17" },
		{ "---\na: |-\n  ...\n  ---\n...\n", "26" }, { "---\na: 1\n...\r\n---\r\nb: 1\r\n...\r\n", "14 16" },
		{ "%YAML 1.1\n---\na: 1\n...\n", "23" }, { "---\na: 1\n... # end\n", "19" },
		{ "---\na: ...b\n...x\n...\n", "21" }, { "...\n--- {a: 1}\n...\n", "15" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t pos = 0, len = strlen(cases[i].stream);
		struct event_doc doc;

		strbuf_reset(&out);
		while (event_next_doc(cases[i].stream, len, &pos, &doc))
			strbuf_addf(&out, "%s%s%zu", out.len ? " " : "", doc.closed ? "" : "!", doc.len);
		assert_string_equal(out.s, cases[i].docs);
	}
}

static void
events__read_piece__leaves_the_unusual_to_the_other(void **state)
{
	static const char *const others[] = {
		"--- {piece: 3, text: \"a\"}\n..", "--- {piece: 3, text: 'a'}\n...\n", "--- {piece: 3, text: a}\n...\n",
		"--- {piece: 3, text: \"a\", more: 1}\n...\n", "--- {piece: 3,  text: \"a\"}\n...\n",
		"--- {piece: 0, text: \"a\"}\n...\n", "--- {piece: 1000000001, text: \"a\"}\n...\n",
		"--- {piece: 11111111111, text: \"a\"}\n...\n", "--- {piece: 3, text: \"a\nb\"}\n...\n",
		"--- {piece: 3, text: \"\\e\"}\n...\n", "--- {piece: 3, text: \"\\xZZ\"}\n...\n",
		"--- {piece: 3, text: \"\\uD800\"}\n...\n", "--- {piece: 3, text: \"\xff\"}\n...\n",
		"--- {piece: 3, text: \"\xe2\x80\xa8\"}\n...\n", "--- {done: 3}\n...\n", "--- {piece: , text: \"a\"}\n...\n",
		"", "-", "--- {piece: 3, text: \"a", "--- {piece: 3, text: \"a\\", "--- {piece: 3, text: \"a\\x0",
	};
	struct event ev;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(event_read_piece(&reader, others[i], strlen(others[i]), &ev), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events__text__round_trips_what_yaml_finds_special),
		TEST(events__text__round_trips_every_control_anywhere),
		TEST(events__text__round_trips_random_unicode),
		TEST(events__text__round_trips_when_long),
		TEST(events__write__is_what_a_person_can_read),
		TEST(events__write__uses_quotes_where_an_editor_would_do_harm),
		TEST(events__times__round_trip),
		TEST(events__sampling__round_trips),
		TEST(events__read__says_what_is_wrong_and_where),
		TEST(events__read__a_field_that_may_be_missing_costs_only_itself),
		TEST(events__read__ignores_what_it_does_not_know),
		TEST(events__read__is_bounded),
		TEST(events__next_doc__finds_borders),
		TEST(events__read_piece__leaves_the_unusual_to_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
