/* How the engine says that it does not take a file: -1 and ERR_MODEL, `...` a printf format. */
#ifndef ENGINE_REFUSE_H
#define ENGINE_REFUSE_H

#include "base/err.h"

#define refuse(e, ...) err_set((e), ERR_MODEL, __VA_ARGS__)
#define damaged(e, ...) err_set((e), ERR_MODEL, "the file is damaged: " __VA_ARGS__)

#endif
