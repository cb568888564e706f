/*
 * The tokens that a chat's own answers were written in, so that later prompts can hold these very tokens. A text
 * does not tell them: what was dropped in front of it, and where its tokens meet, encoding it again would not find.
 */
#ifndef ENGINE_SAID_H
#define ENGINE_SAID_H

#include <stddef.h>
#include <stdint.h>

struct said_answer {
	size_t place;		/* messages before it */
	char *text;		/* owned, as is ids */
	size_t len;
	int32_t *ids;
	size_t n_ids;
	uint64_t used;		/* said.clock when it was last added or found */
};

/* All zero but max_ids at first. */
struct said {
	struct said_answer *answer;
	size_t n, cap;
	size_t n_ids, max_ids;	/* of all answers; when there are more, the ones not used for longest leave */
	uint64_t clock;
};

void said_release(struct said *s);

/* Keeps a copy; an answer with this text at this place is replaced. More ids than max_ids are not kept. */
void said_add(struct said *s, size_t place, const char *text, const int32_t *ids, size_t n_ids);

/* The ids of the answer with exactly this text, valid until the next said_add; NULL: there is none. Of several the one
 * at this place, else the one last used. */
const int32_t *said_find(struct said *s, size_t place, const char *text, size_t *n_ids);

#endif
