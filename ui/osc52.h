/*
 * The terminal's clipboard: ESC ] 52 ; c ; base64 ESC \ (xterm control sequences, "Operating System Commands").
 * Terminals do not say whether they take it; many do, some only when they are told to.
 */
#ifndef UI_OSC52_H
#define UI_OSC52_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

/* Whether a terminal of that name (TERM; NULL: none) may have a clipboard, and does not print what it does not know. */
bool osc52_suits(const char *name);

/* Appends what puts the text on the clipboard; in_screen: packed so that GNU screen hands it on to its terminal. */
void osc52_add(struct strbuf *out, const char *text, size_t len, bool in_screen);

#endif
