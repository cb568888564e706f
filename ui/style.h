/*
 * Looks: named slots of the screen, each with colours and attributes. A theme is a full sheet of slots,
 * resolved once when it is set; drawing only indexes an array. Where themes come from is not known here.
 */
#ifndef UI_STYLE_H
#define UI_STYLE_H

#include <stdbool.h>
#include <stdint.h>

/* slot, what it is for (shown by documentation and theme errors) */
#define STYLE_SLOTS(X) \
	X(text,		"text of messages, and whatever has no slot of its own") \
	X(title,	"top line: name of the program and of the session") \
	X(model,	"top line: model") \
	X(border,	"lines between the panes") \
	X(user,		"label and bar of your messages") \
	X(assistant,	"label and bar of the model's messages") \
	X(system,	"the system prompt in the transcript") \
	X(footer,	"figures under an answer") \
	X(notice,	"what the program says in the transcript") \
	X(error,	"errors") \
	X(divider,	"border of what the model still sees") \
	X(input,	"what you type") \
	X(prompt,	"the mark in front of the input") \
	X(placeholder,	"hint in an empty input") \
	X(status,	"bottom line") \
	X(status_busy,	"bottom line: what is going on") \
	X(key,		"names of keys") \
	X(meter,	"context meter, filled") \
	X(meter_full,	"context meter when little is left") \
	X(meter_empty,	"context meter, free part") \
	X(new_lines,	"the mark of unseen lines below") \
	X(popup,	"lists, help and questions over the chat") \
	X(popup_title,	"their title") \
	X(selected,	"chosen row of a list; the match one is at in the chat") \
	X(match,	"letters that match what was typed, in lists and in the chat") \
	X(detail,	"second column of a list") \
	X(strong,	"**strong** text") \
	X(emphasis,	"*emphasised* text") \
	X(heading,	"headings in answers") \
	X(code,		"`code` and code blocks") \
	X(quote,	"quoted lines") \
	X(bullet,	"marks and numbers of lists")

#define STYLE_ENUM(slot, help) STYLE_##slot,
enum style_slot { STYLE_SLOTS(STYLE_ENUM) STYLE_COUNT };
#undef STYLE_ENUM

/* Attributes */
enum { STYLE_BOLD = 1, STYLE_DIM = 2, STYLE_ITALIC = 4, STYLE_UNDERLINE = 8, STYLE_REVERSE = 16 };

/* A colour: STYLE_DEFAULT (the terminal's own), 0..255 (palette), or STYLE_RGB | 0xRRGGBB. */
enum { STYLE_DEFAULT = -1, STYLE_RGB = 1 << 24 };

struct style {
	int32_t fg, bg;
	unsigned attr;
};

struct style_sheet {
	struct style slot[STYLE_COUNT];
};

/* The sheet without any colour: attributes only. What NO_COLOR, mono terminals and missing slots use. */
extern const struct style_sheet style_sheet_mono;

const char *style_slot_name(enum style_slot s);
const char *style_slot_help(enum style_slot s);
int style_slot_find(const char *name);		/* -1: unknown */

/* The nearest of the first `colors` (8, 16 or 256) palette colours to a colour of any kind; of 8 or 16 one of
 * its hue. */
int style_nearest(int32_t color, int colors);

/* Whether it is a grey between white and black, which is not among 8 colours. Not for STYLE_DEFAULT. */
bool style_is_dim(int32_t color);

/* The nearest of the palette colours 16..255 that are not taken; -1 when all are. */
int style_nearest_free(int32_t color, const bool taken[256]);

/* 0xRRGGBB of a colour that is not STYLE_DEFAULT. */
uint32_t style_rgb(int32_t color);

/* `over` drawn on `base`: its colours where it has some, the attributes of both. */
struct style style_over(struct style base, struct style over);

#endif
