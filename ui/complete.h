/*
 * Completion of what is typed: the list that Tab shows above the input, and the choice in it. What
 * can be completed is asked of the program (ui_opts.complete).
 */
#ifndef UI_COMPLETE_H
#define UI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/canvas.h"
#include "ui/key.h"
#include "ui/layout.h"
#include "ui/ui.h"

struct complete {
	void (*ask)(void *ctx, const char *line, size_t cursor, struct ui_completions *out);
	void *ctx;
	struct ui_completions found;
	char *typed;		/* the word as the user left it; Esc puts it back */
	size_t selected;	/* found.n: none */
	size_t end;		/* where the word in the line ends now */
	bool open;
};

void complete_close(struct complete *c);

/* Tab. Completes what it can, shows the list when there is a choice, goes on in an open one. */
void complete_tab(struct complete *c);

/* A key while the list is open; true when it was for the list. */
bool complete_key(struct complete *c, struct key k);

/* The line was changed by a key: finds the completions anew, closes a list without any. */
void complete_refresh(struct complete *c);

/* Over the lower rows of the chat, above what is typed. */
void complete_draw(const struct complete *c, struct canvas *canvas, const struct layout *l);

#endif
