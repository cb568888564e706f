/* What stands around the chat and the input: header, frame, status line. */
#ifndef UI_CHROME_H
#define UI_CHROME_H

#include <stdbool.h>

#include "ui/canvas.h"
#include "ui/layout.h"
#include "ui/ui.h"

/* title and model are scrubbed lines; either may be "". */
void header_draw(struct canvas *c, const struct layout *l, const char *title, const char *model);

/* Sides, bottom, and the line above the status. */
void frame_draw(struct canvas *c, const struct layout *l);

/* The line above the input, which also says what is below the rows in view. */
void rule_draw(struct canvas *c, const struct layout *l, bool at_end, size_t new_rows);

/* The strings of the status are scrubbed lines, not NULL. */
void status_draw(struct canvas *c, const struct layout *l, const struct ui_status *s);

/* A message in the place of the status line, or of the last row of the chat when there is none. */
void flash_draw(struct canvas *c, const struct layout *l, bool error, const char *text);

#endif
