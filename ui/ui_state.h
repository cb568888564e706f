/* The inside of struct ui, for ui/ui.c (what is shown) and ui/ui_keys.c (what the user does). */
#ifndef UI_UI_STATE_H
#define UI_UI_STATE_H

#include "ui/canvas.h"
#include "ui/complete.h"
#include "ui/findline.h"
#include "ui/inputbox.h"
#include "ui/keymap.h"
#include "ui/layout.h"
#include "ui/popup.h"
#include "ui/terminal.h"
#include "ui/transcript_view.h"
#include "ui/tty_in.h"
#include "ui/ui.h"

enum {
	FRAME_MS = 16,		/* while text streams in, frames are at least so far apart */
	BURST_MS = 30,		/* what follows a pasted line so soon is pasted, too */
	WHEEL_ROWS = 3,
	READS_MAX = 64,		/* between two frames */
};

/* Parts of the screen that have to be drawn. */
enum {
	DIRTY_HEADER = 1, DIRTY_CHAT = 2, DIRTY_INPUT = 4, DIRTY_STATUS = 8, DIRTY_POPUP = 16,
	DIRTY_FRAME = 32, DIRTY_ALL = 63,
};

struct ui {
	struct terminal terminal;
	struct canvas canvas;
	struct layout layout;
	int rows, cols;
	struct tty_in tty;
	struct keymap *keymap;
	int64_t (*now_ms)(void);

	struct transcript *transcript;
	struct transcript_view view;
	char *title, *model, *placeholder;	/* scrubbed lines */
	struct ui_status status;		/* its strings are the next two */
	char *state, *hint;
	struct inputbox input;
	struct findline find;			/* in the place of the input while it is open */
	struct complete complete;
	bool complete_shown;			/* as drawn last */
	struct popup *popup;			/* NULL: none */

	char *flash;				/* NULL: none */
	bool flash_error;
	int64_t flash_until;

	unsigned dirty;
	bool urgent;				/* a key was hit: draw now */
	bool suspended;
	int64_t last_draw;
	int cursor_row, cursor_col;		/* -1: hidden */

	struct queued_event {
		struct ui_event event;
		char *text;			/* owned; the event's, or NULL */
	} *events;
	size_t nevents, eventcap;
	char *event_text;			/* of the event handed out last */
	struct strbuf edited;			/* the input as the program last heard of it */
	bool hung_up;
	int64_t esc_deadline;			/* of an unfinished sequence; 0: none waits */
	int64_t burst_until;
};

/* Gives the panes their places anew, if the input may want more or fewer rows than it has. */
void ui_lay_out(struct ui *ui);

/* Interprets keys until one gives the program something to do. */
void ui_pump(struct ui *ui);

void ui_post(struct ui *ui, const struct ui_event *ev);	/* copies text */

#endif
