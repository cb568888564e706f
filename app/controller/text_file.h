/* Files of the user's own text: drafts, and what an editor leaves. */
#ifndef APP_CONTROLLER_TEXT_FILE_H
#define APP_CONTROLLER_TEXT_FILE_H

#include "base/strbuf.h"

/* Appends all that is in the file; what is no UTF-8 becomes U+FFFD. -1: it cannot be opened. */
int text_file_read(const char *path, struct strbuf *out);

#endif
