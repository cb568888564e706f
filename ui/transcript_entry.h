/* The inside of ui/transcript.h, for the view. */
#ifndef UI_TRANSCRIPT_ENTRY_H
#define UI_TRANSCRIPT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "ui/flow.h"
#include "ui/transcript.h"

struct entry {
	uint64_t id;		/* never used again: a place in the text is an id and an offset */
	enum entry_kind kind;
	char *label, *footer;	/* owned, scrubbed, one line each; "" when there is none */
	struct strbuf text;	/* scrubbed */
	bool held_cr;		/* a CR at the end waits for the LF that may follow */
	unsigned generation;	/* counts changes other than appending */
	struct flow flow;	/* the view's wrap cache */
};

struct transcript {
	struct entry *items;
	size_t n, cap;
	uint64_t next_id;
	int label_cells; /* of the widest label so far: never shrinks, so that nothing jumps */
	bool changed;		/* since the view was drawn */
};

struct transcript *transcript_new(void);
void transcript_free(struct transcript *t);

#endif
