#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "ui/terminal.h"
#include "ui/transcript_view.h"

#include <curses.h>

static struct terminal terminal;
static struct canvas canvas;

struct pane {
	struct transcript *t;
	struct transcript_view v;
	struct rect r;
};

static void
pane_init(struct pane *p, int cols, int rows)
{
	p->t = transcript_new();
	view_init(&p->v, p->t);
	p->r = (struct rect){ 0, 0, rows, cols };
	view_resize(&p->v, cols, rows);
}

static void
pane_resize(struct pane *p, int cols, int rows)
{
	p->r = (struct rect){ 0, 0, rows, cols };
	view_resize(&p->v, cols, rows);
}

/* The rows of the pane, one a line. */
static const char *
seen(struct pane *p)
{
	static struct strbuf out = STRBUF_INIT;

	resize_term(p->r.rows > 0 ? p->r.rows : 1, p->r.cols > 0 ? p->r.cols : 1);
	canvas_resize(&canvas, p->r.rows > 0 ? p->r.rows : 1, p->r.cols > 0 ? p->r.cols : 1);
	view_draw(&p->v, &canvas, p->r);
	strbuf_reset(&out);
	canvas_read(&canvas, &out);
	return out.s;
}

static void
first_row(struct pane *p, char *out, size_t n)
{
	const char *s = seen(p), *end = strchr(s, '\n');

	snprintf(out, n, "%.*s", (int)(end - s), s);
}

static void
numbered(struct pane *p, int from, int to)
{
	for (int i = from; i < to; i++) {
		char text[32];

		snprintf(text, sizeof text, "message %d", i);
		transcript_add(p->t, ENTRY_USER, "you", text);
	}
}

static void
view__draw__shows_bars_labels_and_footers(void **state)
{
	struct pane p;

	pane_init(&p, 40, 12);
	transcript_add(p.t, ENTRY_SYSTEM, "system", "one\ntwo\nthree\nfour\nfive");
	transcript_add(p.t, ENTRY_USER, "you", "Which month is the driest month of the year?");
	transcript_add(p.t, ENTRY_DIVIDER, "", "older messages left");
	transcript_add(p.t, ENTRY_ASSISTANT, "llama", "\n- June\n");
	transcript_set_footer(p.t, 3, "14.2 tok/s");
	assert_string_equal(seen(&p),
		"\xe2\x96\x8csystem one\n"
		"\xe2\x96\x8c       two\n"
		"\xe2\x96\x8c       \xe2\x80\xa6 3 more lines\n"
		"\n"
		"\xe2\x96\x8cyou    Which month is the driest month\n"
		"\xe2\x96\x8c       of the year?\n"
		"\n"
		"\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94"
		"\x80\xe2\x94\x80\xe2\x94\x80"
		" older messages left "
		"\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94"
		"\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\n"
		"\n"
		"\xe2\x96\x8cllama  - June\n"
		"        14.2 tok/s\n"
		"\n");
	transcript_free(p.t);
}

static void
view__draw__runs_labels_into_the_text_when_narrow(void **state)
{
	struct pane p;

	pane_init(&p, 16, 4);
	transcript_add(p.t, ENTRY_USER, "you", "Which month is driest?");
	transcript_add(p.t, ENTRY_ERROR, "", "out of memory");
	assert_string_equal(seen(&p),
		"\xe2\x96\x8cyou Which month\n"
		"\xe2\x96\x8cis driest?\n"
		"\xe2\x96\x8cout of memory\n"
		"\n");
	transcript_free(p.t);
}

static void
view__follow__only_at_the_end(void **state)
{
	char before[128], after[128];
	struct pane p;

	pane_init(&p, 60, 10);
	numbered(&p, 0, 30);
	assert_non_null(strstr(seen(&p), "message 29"));
	numbered(&p, 30, 31);
	assert_non_null(strstr(seen(&p), "message 30"));
	assert_true(view_at_end(&p.v));

	view_scroll(&p.v, -3);
	assert_false(view_at_end(&p.v));
	assert_int_equal(view_new_rows(&p.v), 0);
	first_row(&p, before, sizeof before);
	numbered(&p, 31, 36);
	transcript_append(p.t, 35, "\nmore\nand more", 14);
	first_row(&p, after, sizeof after);
	assert_string_equal(after, before);
	assert_int_equal(view_new_rows(&p.v), 5 * 2 + 2);
	transcript_set_footer(p.t, 35, "figures");
	assert_int_equal(view_new_rows(&p.v), 5 * 2 + 3);
	view_scroll(&p.v, 3 + 4);
	assert_int_equal(view_new_rows(&p.v), 5 * 2 + 3 - 4);
	view_scroll(&p.v, 1000);
	assert_true(view_at_end(&p.v));
	assert_int_equal(view_new_rows(&p.v), 0);
	assert_non_null(strstr(seen(&p), "figures"));
	transcript_free(p.t);
}

static void
view__scroll__stops_at_both_ends(void **state)
{
	struct pane p;
	char row[128];

	pane_init(&p, 60, 10);
	view_scroll(&p.v, -5);		/* nothing there */
	assert_true(view_at_end(&p.v));
	numbered(&p, 0, 3);
	view_scroll(&p.v, -5);		/* all in view */
	assert_true(view_at_end(&p.v));
	numbered(&p, 3, 40);
	view_to_top(&p.v);
	first_row(&p, row, sizeof row);
	assert_non_null(strstr(row, "message 0"));
	view_scroll(&p.v, -100);
	view_scroll(&p.v, 2);
	first_row(&p, row, sizeof row);
	assert_non_null(strstr(row, "message 1"));
	view_to_end(&p.v);
	assert_non_null(strstr(seen(&p), "message 39"));
	transcript_free(p.t);
}

static void
view__scroll__moves_by_rows_inside_a_message(void **state)
{
	struct strbuf text = STRBUF_INIT;
	char row[128];
	struct pane p;

	pane_init(&p, 60, 10);
	for (int i = 0; i < 50; i++)
		strbuf_addf(&text, "line %d\n", i);
	transcript_add(p.t, ENTRY_USER, "you", text.s);
	view_scroll(&p.v, -5);
	first_row(&p, row, sizeof row);
	assert_non_null(strstr(row, "line 35"));
	view_scroll(&p.v, -20);
	view_scroll(&p.v, 2);
	first_row(&p, row, sizeof row);
	assert_non_null(strstr(row, "line 17"));
	strbuf_release(&text);
	transcript_free(p.t);
}

/* A long text of numbered words, so that a place in it can be told. */
static void
words(struct strbuf *b, int n)
{
	for (int i = 0; i < n; i++)
		strbuf_addf(b, "w%d%s", i, i % 17 == 16 ? "\n" : " ");
}

static void
view__resize__keeps_the_readers_place(void **state)
{
	struct strbuf text = STRBUF_INIT;
	char row[256], word[16];
	struct pane p;

	pane_init(&p, 80, 12);
	words(&text, 600);
	for (int i = 0; i < 5; i++)
		transcript_add(p.t, ENTRY_ASSISTANT, "llama", text.s);
	seen(&p);
	view_scroll(&p.v, -100);
	first_row(&p, row, sizeof row);
	assert_int_equal(sscanf(strchr(row, 'w'), "%15s", word), 1);
	for (int i = 0; i < 10; i++) {
		pane_resize(&p, i % 2 ? 80 : 33 + 5 * i, 12 + i);
		transcript_append(p.t, 4, " more", 5);
		first_row(&p, row, sizeof row);
		assert_non_null(strstr(row, word));
	}
	pane_resize(&p, 80, 12);
	first_row(&p, row, sizeof row);
	assert_int_equal(strncmp(strchr(row, 'w'), word, strlen(word)), 0);
	strbuf_release(&text);
	transcript_free(p.t);
}

static void
view__insert_and_remove__keep_the_readers_place(void **state)
{
	char before[128], after[128];
	struct pane p;

	pane_init(&p, 60, 10);
	numbered(&p, 0, 50);
	view_to_top(&p.v);
	view_scroll(&p.v, 40);
	first_row(&p, before, sizeof before);
	transcript_insert(p.t, 3, ENTRY_DIVIDER, "", "gone");
	transcript_insert(p.t, 0, ENTRY_SYSTEM, "sys", "a\nb\nc\nd");
	transcript_remove(p.t, 1);
	first_row(&p, after, sizeof after);
	assert_string_equal(after, before);
	transcript_remove(p.t, 21);	/* the one in view: the next takes its place */
	first_row(&p, after, sizeof after);
	assert_string_not_equal(after, before);
	transcript_truncate(p.t, 2);
	assert_non_null(strstr(seen(&p), "message 1"));
	assert_true(view_at_end(&p.v));
	transcript_clear(p.t);
	seen(&p);
	assert_int_equal(view_new_rows(&p.v), 0);
	transcript_free(p.t);
}

/* Prose keeps to a width that is read well; code and tables have lines of their author's. */
static void
view__code__has_the_whole_pane_and_is_marked_where_it_goes_on(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct pane p;
	const char *s;

	strbuf_adds(&text, "prose ");
	for (int i = 0; i < 30; i++)
		strbuf_adds(&text, "words ");
	strbuf_adds(&text, "end\n```\n");
	for (int i = 0; i < 14; i++)
		strbuf_adds(&text, "0123456789");
	strbuf_adds(&text, "\n```\n| ");
	for (int i = 0; i < 14; i++)
		strbuf_adds(&text, "cell56 | ");
	pane_init(&p, 170, 20);
	transcript_add(p.t, ENTRY_ASSISTANT, "llama", text.s);
	s = seen(&p);
	assert_non_null(strstr(s, "words\n\u258c      words"));
	assert_non_null(strstr(s, "0123456789\n\u258c      ```\n\u258c      | cell56"));
	assert_null(strstr(s, "\u21b3"));
	pane_resize(&p, 107, 20);
	s = seen(&p);
	assert_non_null(strstr(s, "0123456789\n\u258c      \u21b3 0123456789"));
	assert_non_null(strstr(s, "|\n\u258c      \u21b3 cell56"));
	transcript_free(p.t);
	strbuf_release(&text);
}

static void
random_text(struct strbuf *b, int units)
{
	static const char *const unit[] = {
		"a",
		"word ",
		"longer ",
		"\n",
		"\n\n",
		"- ",
		"**",
		"`",
		"```\n",
		"\xe4\xb8\x96",
		"e\xcc\x81",
		"\t",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
		"# ",
		"> ",
		" ",
		"1. ",
		"| ",
		"\xef\xb8\x8f",
		"\r\n",
	};

	while (units-- > 0)
		strbuf_adds(b, unit[(size_t)rand() % (sizeof unit / sizeof *unit)]);
}

static void
view__stream__ends_as_if_it_came_at_once(void **state)
{
	srand(3);
	for (int round = 0; round < 300; round++) {
		struct strbuf text = STRBUF_INIT, once = STRBUF_INIT;
		struct pane a, b;
		int cols = 1 + rand() % 60, rows = 1 + rand() % 20;

		pane_init(&a, cols, rows);
		pane_init(&b, cols, rows);
		random_text(&text, rand() % 80);
		transcript_add(a.t, ENTRY_ASSISTANT, "llama", text.s);
		transcript_add(b.t, ENTRY_ASSISTANT, "llama", "");
		for (size_t i = 0, n; i < text.len; i += n) {
			n = 1 + (size_t)rand() % 7;
			n = n > text.len - i ? text.len - i : n;
			while (i + n < text.len && (text.s[i + n] & 0xc0) == 0x80)
				n++;
			transcript_append(b.t, 0, text.s + i, n);
			if (rand() % 3 == 0)
				seen(&b);
		}
		strbuf_adds(&once, seen(&a));
		assert_string_equal(seen(&b), once.s);
		strbuf_release(&once);
		strbuf_release(&text);
		transcript_free(a.t);
		transcript_free(b.t);
	}
}

/* All text is on the screen, whatever the width: nothing is lost, hidden or doubled. */
static void
view__draw__shows_each_character_once(void **state)
{
	srand(5);
	for (int round = 0; round < 100; round++) {
		struct strbuf text = STRBUF_INIT;
		char shown[4096] = "", wanted[4096] = "";
		int cols = 40 + rand() % 30;
		const char *s;
		struct pane p;

		for (int i = rand() % 120; i > 0; i--)
			strbuf_adds(&text, (const char *[]){ "a", "bcd ", "*", "`", "- ", "\n", "#",
						   "> " }[rand() % 8]);
		pane_init(&p, cols, 59);
		transcript_add(p.t, ENTRY_ASSISTANT, "", text.s);
		s = seen(&p);
		for (size_t i = 0, n = 0; s[i]; i++)
			if (s[i] > ' ' && s[i] < 0x7f)
				shown[n++] = s[i];
		for (size_t i = 0, n = 0; i < text.len; i++)
			if (text.s[i] > ' ')
				wanted[n++] = text.s[i];
		assert_string_equal(shown, wanted);
		strbuf_release(&text);
		transcript_free(p.t);
	}
}

static void
view__draw__costs_what_is_seen(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct pane p;
	size_t before;

	pane_init(&p, 80, 24);
	words(&text, 100);
	for (int i = 0; i < 10000; i++)
		transcript_add(
			p.t, i % 2 ? ENTRY_ASSISTANT : ENTRY_USER, i % 2 ? "llama" : "you", text.s);
	seen(&p);
	assert_in_range(p.v.wrapped, 24, 24 + 30);
	before = p.v.wrapped;
	seen(&p);
	assert_int_equal(p.v.wrapped, before);		/* a second time costs nothing */
	for (int i = 0; i < 50; i++) {
		transcript_append(p.t, 9999, " piece", 6);
		seen(&p);
	}
	assert_true(p.v.wrapped - before <= 50 * 6); /* a row or a few of the last paragraph each */
	before = p.v.wrapped;
	view_scroll(&p.v, -100);
	view_to_top(&p.v);
	seen(&p);
	pane_resize(&p, 60, 24);
	seen(&p);
	assert_int_equal(view_new_rows(&p.v), 0);
	assert_true(p.v.wrapped - before < 600);
	strbuf_release(&text);
	transcript_free(p.t);
}

static void
view__draw__survives_any_size(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct pane p;

	srand(9);
	pane_init(&p, 1, 1);
	random_text(&text, 300);
	for (int i = 0; i < 6; i++)
		transcript_add(p.t, (enum entry_kind)i,
			i % 2 ? "a very long label, longer than all" : "", text.s);
	transcript_set_footer(p.t, 1, "a footer that is longer than most");
	for (int cols = 0; cols <= 90; cols++) {
		pane_resize(&p, cols, cols % 7);
		view_scroll(&p.v, rand() % 40 - 20);
		seen(&p);
		view_new_rows(&p.v);
	}
	strbuf_release(&text);
	transcript_free(p.t);
}

/* The look of the first cell of a text in the pane. */
static struct style
look_of(struct pane *p, const char *part)
{
	const char *s = seen(p), *at = strstr(s, part), *row = s;
	struct style style = { 0 };
	int rows = 0;

	assert_non_null(at);
	for (const char *c = s; c < at; c++) {
		if (*c == '\n') {
			rows++;
			row = c + 1;
		}
	}
	assert_true(canvas_cell(&canvas, rows, (int)utf8_width(row, (size_t)(at - row)), &style));
	return style;
}

static void
is_lit(struct pane *p, const char *part, unsigned attr)
{
	assert_int_equal(look_of(p, part).attr, attr);
}

enum { OTHER = STYLE_UNDERLINE, CURRENT = STYLE_REVERSE | STYLE_BOLD };

static void
look_for(struct pane *p, struct find *f, const char *words)
{
	find_set(f, words, strlen(words));
	find_near(f, p->t->n, 0);
}

static void
view__find__lights_up_what_matches(void **state)
{
	struct find f;
	struct pane p;

	pane_init(&p, 30, 20);
	find_init(&f, p.t);
	p.v.find = &f;
	transcript_add(p.t, ENTRY_USER, "you", "a long text with some words, and others");
	transcript_add(p.t, ENTRY_ASSISTANT, "llama",
		"# Some words\n`some` *words* e\xcc\x81 \xe4\xb8\x96\xe7\x95\x8c");
	look_for(&p, &f, "some words");	/* over the break of a row */
	is_lit(&p, "some\n", OTHER);
	is_lit(&p, "words, ", OTHER);
	is_lit(&p, ", and", 0);
	is_lit(&p, "Some words", CURRENT);
	is_lit(&p, "some` ", STYLE_DIM);
	find_step(&f, -1);
	is_lit(&p, "some\n", CURRENT);
	is_lit(&p, "words, ", CURRENT);
	is_lit(&p, "with ", 0);
	is_lit(&p, "Some words", STYLE_BOLD | STYLE_UNDERLINE | STYLE_REVERSE);	/* has a line itself */
	look_for(&p, &f, "ome` *w");	/* over what is styled */
	is_lit(&p, "some` ", STYLE_DIM);
	is_lit(&p, "ome` ", CURRENT);
	is_lit(&p, "words* e", CURRENT);
	is_lit(&p, "ords* e", STYLE_ITALIC);
	look_for(&p, &f, "e");		/* a character is lit as a whole */
	is_lit(&p, "e\xcc\x81", CURRENT);
	look_for(&p, &f, "\xcc\x81");
	is_lit(&p, "e\xcc\x81", CURRENT);
	is_lit(&p, "\xe4\xb8\x96", 0);
	look_for(&p, &f, "\xe7\x95\x8c");
	is_lit(&p, "\xe4\xb8\x96", 0);
	is_lit(&p, "\xe7\x95\x8c", CURRENT);
	p.v.find = NULL;
	is_lit(&p, "\xe7\x95\x8c", 0);
	find_release(&f);
	transcript_free(p.t);
}

static void
view__reveal__moves_only_if_it_must(void **state)
{
	char before[128], after[128];
	struct view_mark mark;
	struct pane p;

	pane_init(&p, 60, 12);
	numbered(&p, 0, 50);
	mark = view_mark(&p.v);
	view_reveal(&p.v, 20, 3);		/* rows are a blank one and the message */
	first_row(&p, before, sizeof before);
	assert_string_equal(before, "\xe2\x96\x8cyou message 17");
	for (size_t i = 17; i < 23; i++) {
		view_reveal(&p.v, i, 0);
		first_row(&p, after, sizeof after);
		assert_string_equal(after, before);
	}
	assert_true(view_bottom(&p.v).index == 22 && view_bottom(&p.v).offset == 10);
	view_reveal(&p.v, 23, 0);
	first_row(&p, after, sizeof after);
	assert_string_not_equal(after, before);
	view_reveal(&p.v, 49, 0);
	assert_true(view_at_end(&p.v));
	assert_non_null(strstr(seen(&p), "message 49"));
	first_row(&p, before, sizeof before);
	numbered(&p, 50, 60);			/* the view is held at the end */
	first_row(&p, after, sizeof after);
	assert_string_equal(after, before);
	assert_false(view_at_end(&p.v));
	assert_int_equal(view_new_rows(&p.v), 20);
	view_return(&p.v, &mark);
	assert_true(view_at_end(&p.v));
	assert_non_null(strstr(seen(&p), "message 59"));
	view_reveal(&p.v, 59, 0);
	view_let_go(&p.v);			/* at the end it follows again */
	seen(&p);
	numbered(&p, 60, 61);
	assert_non_null(strstr(seen(&p), "message 60"));
	transcript_free(p.t);
}

static void
view__reveal__unfolds_the_system_prompt(void **state)
{
	struct view_mark mark;
	struct pane p;

	pane_init(&p, 40, 10);
	transcript_add(p.t, ENTRY_SYSTEM, "system", "one\ntwo\nthree\nfour\nfive");
	numbered(&p, 0, 20);
	mark = view_mark(&p.v);
	view_reveal(&p.v, 0, 4);
	assert_non_null(strstr(seen(&p), "3 more lines"));
	view_reveal(&p.v, 0, 8);
	assert_null(strstr(seen(&p), "more lines"));
	assert_non_null(strstr(seen(&p), "five"));
	view_return(&p.v, &mark);
	view_to_top(&p.v);
	assert_non_null(strstr(seen(&p), "3 more lines"));
	transcript_free(p.t);
}

static void
view__reveal__costs_what_is_seen(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct pane p;

	pane_init(&p, 80, 24);
	words(&text, 100);
	for (int i = 0; i < 10000; i++)
		transcript_add(p.t, ENTRY_ASSISTANT, "llama", text.s);
	seen(&p);
	p.v.wrapped = 0;
	view_reveal(&p.v, 5000, 100);
	seen(&p);
	view_new_rows(&p.v);
	assert_true(p.v.wrapped < 100);
	strbuf_release(&text);
	transcript_free(p.t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view__draw__shows_bars_labels_and_footers),
		cmocka_unit_test(view__draw__runs_labels_into_the_text_when_narrow),
		cmocka_unit_test(view__follow__only_at_the_end),
		cmocka_unit_test(view__scroll__stops_at_both_ends),
		cmocka_unit_test(view__scroll__moves_by_rows_inside_a_message),
		cmocka_unit_test(view__resize__keeps_the_readers_place),
		cmocka_unit_test(view__insert_and_remove__keep_the_readers_place),
		cmocka_unit_test(view__code__has_the_whole_pane_and_is_marked_where_it_goes_on),
		cmocka_unit_test(view__stream__ends_as_if_it_came_at_once),
		cmocka_unit_test(view__draw__shows_each_character_once),
		cmocka_unit_test(view__draw__costs_what_is_seen),
		cmocka_unit_test(view__draw__survives_any_size),
		cmocka_unit_test(view__find__lights_up_what_matches),
		cmocka_unit_test(view__reveal__moves_only_if_it_must),
		cmocka_unit_test(view__reveal__unfolds_the_system_prompt),
		cmocka_unit_test(view__reveal__costs_what_is_seen),
	};
	int failed;

	setlocale(LC_ALL, "C.UTF-8");
	if (terminal_open(&terminal, true, false, NULL))
		return 99;
	canvas_init(&canvas, false);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	canvas_release(&canvas);
	terminal_close(&terminal);
	return failed;
}
