/* The input in $VISUAL or $EDITOR (Ctrl-G). An answer goes on, and goes to disk, meanwhile. */
#ifndef APP_CONTROLLER_EDITOR_H
#define APP_CONTROLLER_EDITOR_H

struct controller;

void controller_edit_input(struct controller *c);

#endif
