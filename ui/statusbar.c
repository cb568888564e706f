#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/chrome.h"
#include "ui/wrap.h"

enum { METER_CELLS = 8 };

/* The parts of the line, and the order in which they make room for the others. */
enum { CONTEXT = 1, METER = 2, SYSTEM = 4, STATE = 8, PROGRESS = 16, HINT = 32 };

static const int dropped_first[] = { METER, SYSTEM, PROGRESS, CONTEXT, HINT };

struct parts {
	char context[48], system[32], progress[16];
	int wanted;
};

static int
width(const char *s)
{
	return wrap_width(s, strlen(s));
}

static void
parts_make(struct parts *p, const struct ui_status *s)
{
	*p = (struct parts){ .wanted = 0 };
	if (s->context_size) {
		snprintf(
			p->context, sizeof p->context, "%zu/%zu", s->context_used, s->context_size);
		p->wanted |= CONTEXT | METER;
	}
	if (s->system_tokens) {
		snprintf(p->system, sizeof p->system, "system %zu", s->system_tokens);
		p->wanted |= SYSTEM;
	}
	if (*s->state)
		p->wanted |= STATE;
	if (*s->state && s->progress >= 0) {
		snprintf(p->progress, sizeof p->progress, "%3d%%",
			(int)((s->progress > 1 ? 1 : s->progress) * 100));
		p->wanted |= PROGRESS;
	}
	if (*s->hint)
		p->wanted |= HINT;
}

/* Cells of the line with these parts; between parts stands a dot with blanks. */
static int
cells_of(const struct parts *p, const struct ui_status *s, int which)
{
	int cells = 0, count = 0;

	if (which & CONTEXT) {
		cells += 4 + width(p->context) + (which & METER ? METER_CELLS + 1 : 0);
		count++;
	}
	if (which & SYSTEM) {
		cells += width(p->system);
		count++;
	}
	if (which & STATE) {
		cells += width(s->state) + (which & PROGRESS ? METER_CELLS + 1 + 5 : 0);
		count++;
	}
	if (which & HINT) {
		cells += width(s->hint);
		count++;
	}
	return cells + (count > 1 ? 3 * (count - 1) : 0);
}

static void
meter_draw(struct pen *p, double share, enum style_slot full)
{
	const struct marks *m = p->c->marks;
	int filled = (int)(share * METER_CELLS + 0.5);

	if (filled < 1 && share > 0)
		filled = 1;
	if (filled > METER_CELLS)
		filled = METER_CELLS;
	pen_repeat(p, canvas_style(p->c, full), m->full, filled);
	pen_repeat(p, canvas_style(p->c, STYLE_meter_empty), m->empty, METER_CELLS - filled);
	pen_str(p, canvas_style(p->c, STYLE_status), " ");
}

static void
between(struct pen *p, struct style s, bool *first)
{
	if (!*first) {
		pen_str(p, s, " ");
		pen_str(p, s, p->c->marks->dot);
		pen_str(p, s, " ");
	}
	*first = false;
}

/* "Esc stops · F1 help": the first word of each part is a key. */
static void
hint_draw(struct pen *p, const char *hint)
{
	struct style text = canvas_style(p->c, STYLE_status), key = canvas_style(p->c, STYLE_key);
	static const char dot[] = " · ";

	while (*hint) {
		const char *next = strstr(hint, dot);
		size_t n = next ? (size_t)(next - hint) : strlen(hint), word = strcspn(hint, " ");

		if (word > n)
			word = n;
		pen_text(p, key, hint, word);
		pen_text(p, text, hint + word, n - word);
		hint += n;
		if (next) {
			pen_str(p, text, " ");
			pen_str(p, text, p->c->marks->dot);
			pen_str(p, text, " ");
			hint += strlen(dot);
		}
	}
}

void
status_draw(struct canvas *c, const struct layout *l, const struct ui_status *s)
{
	struct style text = canvas_style(c, STYLE_status);
	const struct rect *r = &l->status;
	struct pen p = pen_at(c, r->row, r->col, r->col + r->cols);
	bool first = true;
	struct parts parts;
	int which;

	if (!r->rows)
		return;
	parts_make(&parts, s);
	which = parts.wanted;
	for (size_t i = 0; i < sizeof dropped_first / sizeof *dropped_first; i++)
		if (cells_of(&parts, s, which) > r->cols)
			which &= ~dropped_first[i];
	canvas_clear(c, *r, text);
	if (which & CONTEXT) {
		double share = (double)s->context_used / (double)s->context_size;

		between(&p, text, &first);
		pen_str(&p, text, "ctx ");
		if (which & METER)
			meter_draw(&p, share, share >= 0.85 ? STYLE_meter_full : STYLE_meter);
		pen_str(&p, text, parts.context);
	}
	if (which & SYSTEM) {
		between(&p, text, &first);
		pen_str(&p, text, parts.system);
	}
	if (which & STATE) {
		between(&p, text, &first);
		pen_clipped(&p, canvas_style(c, STYLE_status_busy), s->state, strlen(s->state),
			p.right - p.col);
	}
	if (which & PROGRESS) {
		pen_str(&p, text, " ");
		meter_draw(&p, s->progress, STYLE_meter);
		pen_str(&p, text, parts.progress);
	}
	if (which & HINT) {	/* at the right, where the figures beside it do not push it about */
		p.col = p.right - width(s->hint);
		hint_draw(&p, s->hint);
	}
}

void
flash_draw(struct canvas *c, const struct layout *l, bool error, const char *text)
{
	struct rect r = l->status;
	struct pen p;

	if (!r.rows && l->chat.rows)
		r = (struct rect){ l->chat.row + l->chat.rows - 1, l->chat.col, 1, l->chat.cols };
	if (!r.rows)
		return;
	canvas_clear(c, r, canvas_style(c, STYLE_status));
	p = pen_at(c, r.row, r.col, r.col + r.cols);
	pen_clipped(&p, canvas_style(c, error ? STYLE_error : STYLE_status_busy), text,
		strlen(text), r.cols);
}
