/*
 * Prompt formats of chat models: a conversation to token ids, exactly as the model was trained. A
 * template in a model file is never executed; it is only recognised by its signature.
 *
 * Llama 2 is Meta's llama/generation.py token for token: each finished pair is BOS + encode("[INST]
 * u [/INST] a ") + EOS on its own, the system text inside the first user turn. Others: FastChat
 * conversation.py and the models' cards; see engine/template_table.c.
 *
 * One deviation: Meta's program encodes every answer anew from its text. An answer whose tokens are
 * known (chat_message.ids) stands in the prompt as these. They are what the model itself wrote, they
 * are in the KV cache, and the text does not always give them back: Llama-2-Chat begins its answers
 * with a lone U+2581, which is stripped from the text.
 */
#ifndef ENGINE_TEMPLATE_H
#define ENGINE_TEMPLATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/gguf.h"
#include "engine/vocab.h"

enum chat_role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT };

struct chat_message {
	enum chat_role role;
	const char *text;	/* valid UTF-8, NUL terminated; borrowed */
	/* The assistant's: the tokens that the text was generated as, borrowed, of the vocabulary it is encoded with.
	 * NULL: not known. */
	const int32_t *ids;
	size_t n_ids;
};

struct template;	/* one row of a const table */

const struct template *template_find(const char *name);		/* or by an alias; NULL: unknown */
const struct template *template_at(size_t i);			/* NULL past the last */
const char *template_name(const struct template *t);		/* "llama-2" */
const char *template_help(const struct template *t);		/* one line on what uses it */
/* Strings that end an answer, NULL-terminated; one that is a token of the vocabulary may come as this token, which has no
 * text if it is a control token. */
const char *const *template_stops(const struct template *t);

/*
 * Whether white space in front of what the model writes is part of the text, so that detok.started should be
 * set. `begun` is what there is of the answer, "" for a new one: there is some text, or white space always counts
 * (plain completion). Else template_encode leaves `begun` out, which is at most white space: the answer begins anew.
 */
bool template_goes_on(const struct template *t, const char *begun);

/* Whether template_encode writes a message by its ids: an answer that has them, and no delimiter of the format in its
 * text. */
bool template_takes_ids(const struct template *t, const struct chat_message *m);

/*
 * Chooses by the signature of tokenizer.chat_template, else by architecture, general.name, file
 * name and vocabulary. `path` may be NULL. Never fails: the last resort is plain completion. *why
 * gets a static text for the user ("from the file's chat template", "guessed from the name: ...").
 */
const struct template *template_detect(
	const struct gguf *g, const struct vocab *v, const char *path, const char **why);

/*
 * The conversation as ids, ready for the model to write the next assistant message (the last
 * message is the user's), or to go on with an unfinished one (the last message is the assistant's
 * and `unfinished` is set: no end marker is put after it, and white space at its end stays; see
 * template_goes_on).
 *
 * Messages: an optional system one first, then user and assistant in turn. -1 with ERR_USAGE if
 * not; ERR_MODEL when the vocabulary lacks a token that the format cannot do without. Then nothing
 * is added.
 * Delimiters of the format inside a message's text never take effect: they are broken up
 * by U+2060 (word joiner) after their first character; *n_defused counts them (may be NULL).
 * Ids of an answer (template_takes_ids) are put as they are, after what stood before them when they
 * were generated: the format's piece without spaces at its end. The text that follows goes on from
 * them, without a dummy space.
 * `text`, if not NULL, gets a readable form of the prompt, control tokens written out.
 */
int template_encode(const struct template *t, const struct vocab *v,
	const struct chat_message *msgs, size_t n_msgs, bool unfinished, struct token_list *ids,
	struct strbuf *text, size_t *n_defused, struct err *e);

/* The same, but given up soon when *cancel becomes true (NULL: never): ERR_INTERRUPTED, and a part of the ids was
 * added. */
int template_encode_unless(const struct template *t, const struct vocab *v,
	const struct chat_message *msgs, size_t n_msgs, bool unfinished, struct token_list *ids,
	struct strbuf *text, size_t *n_defused, const atomic_bool *cancel, struct err *e);

#endif
