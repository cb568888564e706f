#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ui/flow.h"
#include "ui/popup.h"
#include "ui/wrap.h"

/* A question that is answered with y or n. */
struct ask {
	struct popup popup;
	int tag;
	char *question;
	struct flow flow;
};

static void
ask_free(struct popup *p)
{
	struct ask *a = (struct ask *)p;

	free(a->question);
	flow_release(&a->flow);
	free(a);
}

static bool
ask_key(struct popup *p, struct key k)
{
	struct ask *a = (struct ask *)p;
	struct ui_event ev = { .type = UI_ANSWER, .tag = a->tag };

	ev.choice = key_is(k, 'y', 0) || key_is(k, 'Y', 0);
	if (!ev.choice && !key_is(k, 'n', 0) && !key_is(k, 'N', 0) && !key_is(k, SYM_ESC, 0) &&
		!key_is(k, 'c', KEY_CTRL) && !key_is(k, 'g', KEY_CTRL))
		return false;
	p->done = true;
	popup_post(p, &ev);
	return true;
}

static void
ask_scroll(struct popup *p, int rows)
{
	/* a question is short */
}

static void
draw_keys(struct canvas *c, struct rect in)
{
	struct style text = popup_style(c, STYLE_popup), key = popup_style(c, STYLE_key);
	struct pen p = pen_at(c, in.row + in.rows - 1, in.col, in.col + in.cols);

	pen_str(&p, key, "y");
	pen_str(&p, text, " yes   ");
	pen_str(&p, key, "n");
	pen_str(&p, text, " no");
}

static void
ask_draw(struct popup *p, struct canvas *c, const struct layout *l, int *row, int *col)
{
	struct ask *a = (struct ask *)p;
	bool framed = popup_has_frame(c);
	int width = wrap_width(a->question, strlen(a->question)), most = l->cols - (framed ? 8 : 0),
	    rows;
	struct rect in;

	if (width < 20)
		width = 20;
	width = width > 60 ? 60 : width;
	width = width > most ? most : width;
	width = width < 1 ? 1 : width;
	flow_wrap(&a->flow, (struct flow_shape){ .width = width }, 0, a->question,
		strlen(a->question));
	rows = (int)a->flow.n + (framed ? 4 : 1);
	in = layout_centre(l, rows, framed ? width + 4 : l->cols);
	in = popup_frame(c, in, "", "", "");
	for (int i = 0; i < in.rows - 1 && i < (int)a->flow.n; i++) {
		struct pen pen = pen_at(c, in.row + i, in.col, in.col + in.cols);

		flow_draw(&a->flow, a->question, (size_t)i, &pen, popup_style(c, STYLE_popup),
			FLOW_UNLIT);
	}
	draw_keys(c, in);
}

static const struct popup_ops ask_ops = {
	.free = ask_free,
	.key = ask_key,
	.scroll = ask_scroll,
	.draw = ask_draw,
};

struct popup *
popup_ask_new(int tag, const char *question)
{
	struct ask *a = xcalloc(1, sizeof *a);

	a->popup.ops = &ask_ops;
	a->tag = tag;
	a->question = popup_text(question, false);
	return &a->popup;
}
