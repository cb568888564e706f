/*
 * The text of the chat pane: a list of entries (messages, notices). Text model only; ui/transcript_view.h
 * wraps and draws it. All text is scrubbed of control characters here, so callers may pass a model's output.
 */
#ifndef UI_TRANSCRIPT_H
#define UI_TRANSCRIPT_H

#include <stddef.h>

enum entry_kind {
	ENTRY_USER,
	ENTRY_ASSISTANT,	/* shown with light markdown styling */
	ENTRY_SYSTEM,		/* the system prompt, folded to a few lines */
	ENTRY_NOTICE,		/* the program speaking */
	ENTRY_ERROR,
	ENTRY_DIVIDER,		/* one centred line: "older messages left the context" */
};

struct transcript;

void transcript_clear(struct transcript *t);

/* Adds an entry at the end; returns its index. label: "you", the model's name; may be "". Copies. */
size_t transcript_add(struct transcript *t, enum entry_kind kind, const char *label, const char *text);
size_t transcript_count(const struct transcript *t);

/* Streams text to the end of an entry (whole UTF-8 characters). Costs the last paragraph, not the chat. */
void transcript_append(struct transcript *t, size_t entry, const char *text, size_t len);

/* Replaces the text / the one-line footer ("14.2 tok/s · 118 tokens") / inserts before an entry. */
void transcript_set_text(struct transcript *t, size_t entry, const char *text);
void transcript_set_footer(struct transcript *t, size_t entry, const char *footer);
void transcript_insert(struct transcript *t, size_t before, enum entry_kind kind, const char *label, const char *text);

/* Removes entries from..end, or one. */
void transcript_truncate(struct transcript *t, size_t from);
void transcript_remove(struct transcript *t, size_t entry);

#endif
