/* What template.c, template_table.c and template_detect.c share: the rows of the table of chat
 * formats. */
#ifndef ENGINE_TEMPLATE_TABLE_H
#define ENGINE_TEMPLATE_TABLE_H

#include "engine/template.h"

enum template_flag {
	TEMPLATE_STRIP = 1,		/* messages lose white space at both ends (Python's strip) */
	TEMPLATE_SYSTEM_IN_USER = 2,	/* the system text stands inside the first user turn */
	TEMPLATE_ONE_NEWLINE = 4,	/* an empty line inside a message is closed up */
	TEMPLATE_BOS = 8,		/* BOS in front even if the vocabulary does not ask for it */
	TEMPLATE_NO_BOS = 16,		/* the pieces put BOS where it belongs */
	TEMPLATE_NEEDS_MARKERS = 32,	/* of no use without the markers as tokens */
	TEMPLATE_KEEP_SPACE = 64,	/* the answer's white space in front belongs to it */
	/* With SYSTEM_IN_USER: inside the last user turn. The prompts of two turns then part where the first one's last
	 * user turn begins. */
	TEMPLATE_SYSTEM_IN_LAST = 128,
};

/*
 * One format. `before` and `after` stand around each role's text. In them "{bos}" and "{eos}" are
 * those tokens, and a marker is put as its token if the vocabulary has one (else it is text: what
 * fine-tunes of such vocabularies saw). What the model is to write follows before[ROLE_ASSISTANT]
 * without spaces at its end.
 */
struct template {
	const char *name, *help;
	const char *const *aliases;	/* further names, or NULL */
	const char *system;		/* where a conversation has none; NULL: no block then */
	const char *before[3], *after[3];	/* by enum chat_role */
	const char *const *stops;	/* end the answer beside the end tokens, as text or as token */
	const char *const *markers;	/* written as tokens where they can be */
	/* What a message must not be able to imitate; the markers are always among it. Signs are
	 * known in any case of letters, words as they stand here. */
	const char *const *delimiters;
	unsigned flags;
};

extern const struct template template_table[];
extern const size_t n_templates;

#endif
