#include "config.h"

#include <string.h>

#include "base/utf8.h"
#include "ui/popup.h"
#include "ui/wrap.h"

enum { FRAME_ROWS = 8, FRAME_COLS = 28 };

void
popup_post(struct popup *p, const struct ui_event *ev)
{
	p->post(p->ctx, ev);
}

struct style
popup_style(const struct canvas *c, enum style_slot slot)
{
	struct style base = canvas_style(c, STYLE_popup);

	return slot == STYLE_popup ? base : style_over(base, c->sheet.slot[slot]);
}

bool
popup_has_frame(const struct canvas *c)
{
	return c->rows >= FRAME_ROWS && c->cols >= FRAME_COLS;
}

/* Text set into a line of the frame, with a blank at both ends. */
static void
inlay(struct pen *p, struct style s, const char *text, int cells)
{
	if (!*text || cells < 3)
		return;
	pen_str(p, s, " ");
	pen_clipped(p, s, text, strlen(text), cells - 2);
	pen_str(p, s, " ");
}

static void
inlay_right(struct canvas *c, struct rect r, int row, struct style s, const char *text)
{
	int cells = wrap_width(text, strlen(text)) + 2, room = r.cols - 4;
	struct pen p;

	if (cells > room)
		cells = room;
	p = pen_at(c, row, r.col + r.cols - 2 - cells, r.col + r.cols - 2);
	inlay(&p, s, text, cells);
}

struct rect
popup_frame(struct canvas *c, struct rect r, const char *title, const char *note, const char *hint)
{
	struct style inside = popup_style(c, STYLE_popup), line = popup_style(c, STYLE_border);
	struct style title_style = popup_style(c, STYLE_popup_title),
		     detail = popup_style(c, STYLE_detail);
	int note_cells = wrap_width(note, strlen(note)) + 2;
	struct pen p;

	if (!popup_has_frame(c)) {
		canvas_clear(c, r, inside);
		if (r.rows < 3 || !*title)
			return r;
		p = pen_at(c, r.row, r.col, r.col + r.cols);
		pen_clipped(&p, title_style, title, strlen(title), r.cols);
		return (struct rect){ r.row + 1, r.col, r.rows - 1, r.cols };
	}
	canvas_box(c, r, line, inside);
	p = pen_at(c, r.row, r.col + 2, r.col + r.cols - 2);
	inlay(&p, title_style, title, r.cols - 4 - note_cells);
	if (*note)
		inlay_right(c, r, r.row, detail, note);
	if (*hint)
		inlay_right(c, r, r.row + r.rows - 1, detail, hint);
	return (struct rect){ r.row + 1, r.col + 2, r.rows - 2, r.cols - 4 };
}

char *
popup_text(const char *s, bool line)
{
	struct strbuf b = STRBUF_INIT;

	if (!s)
		return NULL;
	utf8_scrub(&b, s, strlen(s));
	for (size_t i = 0; line && i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	return strbuf_detach(&b);
}
