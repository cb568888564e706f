/*
 * What a backend's thread tells the main thread. Posting never blocks on the reader: pieces of text and progress
 * reports that were not taken yet are joined, so a slow screen costs no memory but the text itself.
 *
 * mailbox_post: any thread. Everything else: the main thread.
 */
#ifndef APP_MAILBOX_H
#define APP_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/llm.h"

/* What a loaded model is; plain data, so that it can be copied. */
struct backend_info {
	char name[128];			/* as the user knows it */
	char ref[512];			/* what finds it again: the name, or a path */
	char arch[32], type[32], template_name[32], template_why[128];
	uint64_t file_size, n_params, kv_bytes;	/* kv_bytes: of the whole context */
	size_t context, context_trained;
	unsigned threads, prompt_threads;
	char isa[16];
};

enum mail_type {
	MAIL_LOADING,		/* done, total: bytes checked */
	MAIL_LOADED,		/* info */
	MAIL_PREFILL,		/* done, total: prompt tokens */
	MAIL_TEXT,		/* text, stats so far */
	MAIL_DONE,		/* a reply has ended: finish, stats */
	MAIL_COUNTED,		/* stats of the prompt */
	MAIL_FAILED,		/* a job of any kind has failed: err (ERR_INTERRUPTED when cancelled) */
};

struct mail {
	enum mail_type type;
	unsigned job;		/* the number that the job was given */
	struct strbuf text;	/* whole UTF-8 characters */
	uint64_t done, total;
	enum llm_finish finish;
	struct llm_stats stats;
	struct backend_info info;
	struct err err;
};

struct mailbox;

struct mailbox *mailbox_new(struct err *e);
void mailbox_free(struct mailbox *m);	/* NULL is fine */

/* Copies the event; `ev->text` stays the caller's. */
void mailbox_post(struct mailbox *m, const struct mail *ev);

int mailbox_fd(const struct mailbox *m);	/* readable when there is something to take */

/* All events since the last call, in order. They are valid until the next call. */
size_t mailbox_take(struct mailbox *m, struct mail **events);

#endif
