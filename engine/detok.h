/*
 * Tokens of an answer to text, as a stream: holds back an incomplete character and whatever could
 * be the beginning of a stop string, so that what is handed out is always whole UTF-8 and never
 * part of a stop string. The dummy space of the first piece and white space in front of the answer
 * are dropped.
 */
#ifndef ENGINE_DETOK_H
#define ENGINE_DETOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "engine/vocab.h"

struct detok {
	const struct vocab *vocab;	/* borrowed */
	const char *const *stops;	/* borrowed; NULL-terminated, none empty; or NULL */
	struct strbuf held;		/* bytes not yet handed out */
	bool started;			/* something visible was handed out; to keep white space in
					 * front (the answer goes on with a text): set after detok_init */
	bool stopped;			/* a stop string was seen */
};

void detok_init(struct detok *d, const struct vocab *v, const char *const *stops);
void detok_release(struct detok *d);

/* Takes one token, appends the text that is now certain to `out`. Returns true when a stop string
 * is complete: what came before it has been appended, nothing more will be. */
bool detok_push(struct detok *d, int32_t id, struct strbuf *out);

/* The answer has ended: appends what was held back (an incomplete character as U+FFFD). */
void detok_flush(struct detok *d, struct strbuf *out);

#endif
