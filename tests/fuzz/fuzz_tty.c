/*
 * A session at the screen made of bytes: what the terminal sends, what the model says, resizes,
 * time, popups. The first byte of each step says which, the second how much.
 */
#include "config.h"

#include <assert.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/ui.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* readline forgets a few hundred bytes when a search is broken off. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libreadline\n";
}

static int64_t clock_ms;

static int64_t
fuzz_clock(void)
{
	return clock_ms;
}

struct input {
	const uint8_t *data;
	size_t left;
};

static unsigned
byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

/* The next bytes as a string; how many is in front of them. */
static char *
text(struct input *in, size_t *n)
{
	char *s;

	*n = byte(in);
	if (*n > in->left)
		*n = in->left;
	s = xstrndup((const char *)in->data, *n);
	in->data += *n;
	in->left -= *n;
	return s;
}

static void
complete(void *ctx, const char *line, size_t cursor, struct ui_completions *out)
{
	out->start = cursor / 2;
	ui_completions_add(out, "/model", "help");
	ui_completions_add(out, "/mo\xc3\xa9", NULL);
}

static void
say(struct ui *ui, struct input *in, unsigned what)
{
	struct transcript *t = ui_transcript(ui);
	size_t n, count = transcript_count(t), at = count ? byte(in) % count : 0;
	char *s = text(in, &n);

	switch (what) {
	case 0:
		transcript_add(t, (enum entry_kind)(n % 6), n % 3 ? "you" : s, s);
		break;
	case 1:
		if (count)
			transcript_append(t, count - 1, s, n);
		break;
	case 2:
		transcript_insert(t, at, (enum entry_kind)(n % 6), "", s);
		break;
	case 3:
		if (count)
			transcript_set_text(t, at, s);
		break;
	case 4:
		if (count)
			transcript_set_footer(t, at, s);
		break;
	case 5:
		if (count)
			transcript_remove(t, at);
		break;
	case 6:
		transcript_truncate(t, at);
		break;
	default:
		ui_scroll_to_end(ui);
	}
	free(s);
}

static void
show(struct ui *ui, struct input *in, unsigned what)
{
	size_t n;
	char *s = text(in, &n);
	struct ui_choice items[4] = {
		{ s, s, NULL },
		{ "one", NULL, s },
		{ "two", "detail", "preview" },
		{ "\xe4\xb8\x96", NULL, NULL },
	};

	switch (what) {
	case 0:
		ui_pick(ui, &(struct ui_pick){ .tag = 1,
				    .title = s,
				    .items = items,
				    .n = n % 5,
				    .selected = n,
				    .keys = "dr",
				    .hint = s });
		break;
	case 1:
		ui_ask(ui, 2, s);
		break;
	case 2:
		ui_page(ui, s, s);
		break;
	case 3:
		ui_flash(ui, n % 2, (int)n * 10, s);
		break;
	case 4:
		ui_set_status(ui, &(struct ui_status){ .context_used = n * 7,
					  .context_size = n * 11,
					  .system_tokens = n,
					  .state = s,
					  .progress = (double)n / 128 - 0.5,
					  .hint = s });
		break;
	case 5:
		ui_set_input(ui, s);
		break;
	case 6:
		ui_set_title(ui, s, s);
		break;
	default:
		ui_close_popup(ui);
	}
	free(s);
}

static void
check(struct ui *ui, int rows, int cols)
{
	struct strbuf screen = STRBUF_INIT;
	int row, col;

	clock_ms += 20;
	ui_draw(ui);
	ui_cursor(ui, &row, &col);
	assert(row < rows && col < cols);
	ui_screen_text(ui, &screen);
	assert(utf8_valid(screen.s, screen.len));
	for (size_t i = 0; i < screen.len; i++)
		assert((unsigned char)screen.s[i] >= 0x20 || screen.s[i] == '\n');
	strbuf_release(&screen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct ui_event ev;
	int rows = 12, cols = 60;
	struct ui *ui;

	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("INPUTRC", "/dev/null", 1);
	setlocale(LC_ALL, "C.UTF-8");
	ui = ui_new(&(struct ui_opts){ .headless_rows = rows,
			    .headless_cols = cols,
			    .now_ms = fuzz_clock,
			    .complete = complete },
		NULL);
	assert(ui);
	while (in.left) {
		unsigned op = byte(&in);
		size_t n;
		char *s;

		switch (op >> 5) {
		case 0:
		case 1:
		case 2:
			s = text(&in, &n);
			ui_feed(ui, s, n);
			free(s);
			break;
		case 3:
			clock_ms += op & 31 ? op & 31 : 1000;
			break;
		case 4:
			rows = 1 + (int)(byte(&in) % 60);
			cols = 1 + (int)(byte(&in) % 150);
			ui_resize_to(ui, rows, cols);
			break;
		case 5:
			say(ui, &in, op & 7);
			break;
		case 6:
			show(ui, &in, op & 7);
			break;
		default:
			while (ui_next_event(ui, &ev))
				assert((ev.type == UI_SUBMIT || ev.type == UI_PICK_KEY) == (ev.text != NULL));
			check(ui, rows, cols);
		}
	}
	check(ui, rows, cols);
	ui_free(ui);
	return 0;
}
