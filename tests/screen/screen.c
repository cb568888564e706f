#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "tests/screen/screen.h"

struct ui *screen;
static int64_t clock_ms = 1000;
static struct strbuf text = STRBUF_INIT;

static int64_t
test_clock(void)
{
	return clock_ms;
}

void
screen_open(int rows, int cols, const struct ui_opts *o)
{
	struct ui_opts opts = o ? *o : (struct ui_opts){ 0 };
	struct err e;

	opts.headless_rows = rows;
	opts.headless_cols = cols;
	opts.now_ms = test_clock;
	screen = ui_new(&opts, &e);
	assert_non_null(screen);
}

void
screen_close(void)
{
	ui_free(screen);
	screen = NULL;
	strbuf_release(&text);
}

int
screen_teardown(void **state)
{
	screen_close();
	return 0;
}

void
screen_wait(int64_t ms)
{
	clock_ms += ms;
}

void
screen_keys(const char *bytes)
{
	ui_feed(screen, bytes, strlen(bytes));
}

void
screen_key(const char *bytes)
{
	for (size_t i = 0, n; bytes[i]; i += n) {
		int cells;

		n = utf8_cluster(bytes + i, strlen(bytes + i), &cells);
		if (bytes[i] == '\033')		/* a sequence is one key */
			n = strlen(bytes + i);
		ui_feed(screen, bytes + i, n);
		clock_ms += 100;
		ui_draw(screen);
	}
}

void
screen_say_numbers(int from, int to)
{
	for (int i = from; i < to; i++) {
		char message[32];

		snprintf(message, sizeof message, "message %d", i);
		transcript_add(ui_transcript(screen), ENTRY_USER, "you", message);
	}
}

const char *
screen_text(void)
{
	clock_ms += 100;
	ui_draw(screen);
	strbuf_reset(&text);
	ui_screen_text(screen, &text);
	return text.s;
}

void
screen_takes_all_sizes(void)
{
	for (int rows = 1; rows < 30; rows++) {
		for (int cols = 1; cols < 90; cols += rows < 8 ? 1 : 13) {
			int row, col;

			ui_resize_to(screen, rows, cols);
			screen_text();
			ui_cursor(screen, &row, &col);
			assert_in_range(row, 0, rows - 1);
			assert_in_range(col, 0, cols - 1);
		}
	}
}

void
screen_is(const char *expected)
{
	struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;

	strbuf_adds(&got, screen_text());
	strbuf_adds(&want, expected);
	while (got.len > 1 && got.s[got.len - 2] == '\n')
		strbuf_truncate(&got, got.len - 1);
	if (strcmp(got.s, want.s)) {
		fprintf(stderr, "the screen is:\n%sand not:\n%s", got.s, want.s);
		fail();
	}
	strbuf_release(&got);
	strbuf_release(&want);
}

void
screen_has(const char *part)
{
	if (!strstr(screen_text(), part)) {
		fprintf(stderr, "\"%s\" is not on the screen:\n%s", part, text.s);
		fail();
	}
}

void
screen_lacks(const char *part)
{
	if (strstr(screen_text(), part)) {
		fprintf(stderr, "\"%s\" is on the screen:\n%s", part, text.s);
		fail();
	}
}

void
cursor_is(int row, int col)
{
	int r, c;

	screen_text();
	ui_cursor(screen, &r, &c);
	assert_int_equal(r, row);
	assert_int_equal(c, col);
}

struct style
style_of(const char *part)
{
	const char *s = screen_text(), *at = strstr(s, part), *row = s;
	struct style style;
	int rows = 0;

	if (!at)
		fail_msg("\"%s\" is not on the screen:\n%s", part, s);
	for (const char *c = s; c < at; c++) {
		if (*c == '\n') {
			rows++;
			row = c + 1;
		}
	}
	assert_true(ui_cell_style(screen, rows, (int)utf8_width(row, (size_t)(at - row)), &style));
	return style;
}

struct ui_event
expect_event(enum ui_event_type type)
{
	struct ui_event ev;

	do {
		assert_true(ui_next_event(screen, &ev));
	} while (ev.type == UI_EDITED && type != UI_EDITED);
	assert_int_equal(ev.type, type);
	return ev;
}

void
expect_no_event(void)
{
	struct ui_event ev;

	while (ui_next_event(screen, &ev))
		assert_int_equal(ev.type, UI_EDITED);
}
