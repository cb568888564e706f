/* The rest of the key map (ui/action.h), for ui/ itself. */
#ifndef UI_KEYMAP_H
#define UI_KEYMAP_H

#include <stdbool.h>

#include "ui/action.h"
#include "ui/key.h"

/* What the key does; ACTION_NONE. */
enum action keymap_lookup(const struct keymap *k, struct key key);

/* Whether the app does the action, else ui/ does. */
bool action_is_apps(enum action a);

#endif
