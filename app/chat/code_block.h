/* The fenced blocks of code in an answer, as the screen sees them (ui/markup.h; CommonMark 0.31.2, section 4.5). */
#ifndef APP_CHAT_CODE_BLOCK_H
#define APP_CHAT_CODE_BLOCK_H

#include <stddef.h>

struct strbuf;

size_t code_blocks_count(const char *text, size_t len);

/*
 * Appends the lines of block `which`, counted from 0, without its fences, the indentation that it has from its fence,
 * and its last newline. A block that nothing closes ends with the text. Nothing when there is no such block.
 */
void code_block_add(struct strbuf *out, const char *text, size_t len, size_t which);

#endif
