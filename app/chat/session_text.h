/* Texts as YAML scalars that give back every byte. Private to app/chat/session*.c and the tests. */
#ifndef APP_CHAT_SESSION_TEXT_H
#define APP_CHAT_SESSION_TEXT_H

#include <stddef.h>

#include "base/strbuf.h"

/* Valid UTF-8, in double quotes on one line. */
void text_write_quoted(struct strbuf *out, const char *s, size_t len);

/* What follows "key:" in a block mapping, with its newline: a literal block where that is safe,
 * else in quotes. */
void text_write_block(struct strbuf *out, const char *s, size_t len);

/* A name without quotes where every YAML reader takes it for a text, else with them. */
void text_write_word(struct strbuf *out, const char *s, size_t len);

/*
 * Undoes text_write_quoted: `s` stands behind the opening quote; appends the text. Returns the
 * bytes up to and with the closing quote, or 0 when there is anything text_write_quoted would not
 * have written.
 */
size_t text_read_quoted(struct strbuf *out, const char *s, size_t len);

#endif
