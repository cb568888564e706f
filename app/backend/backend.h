/*
 * Where answers come from: the engine in this process (app/backend/local.h), later services on the network. A
 * backend takes jobs, does them one after the other in a thread of its own, and reports to the mailbox.
 *
 * All operations are called by the main thread, return at once, and never fail: failures are events. A job has a
 * number chosen by the caller; each job ends with exactly one event of its number: MAIL_LOADED, MAIL_DONE,
 * MAIL_COUNTED or MAIL_FAILED.
 */
#ifndef APP_BACKEND_BACKEND_H
#define APP_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/config/settings.h"
#include "app/mailbox.h"
#include "engine/template.h"

struct load_request {
	char *name;		/* what the user calls the model */
	char *ref;		/* what finds it again */
	char *path;		/* NULL: the bundled guide */
	char *template_name;	/* NULL: detect */
	struct settings settings;
};

struct reply_request {
	struct chat_message *messages;
	char **texts;			/* the messages' texts, owned */
	size_t n;
	bool unfinished;		/* go on with the last message, the assistant's */
	struct sampling sampling;
	uint64_t seed;
	size_t max_tokens;		/* 0: until the context is full */
};

struct backend {
	const struct backend_ops *ops;
};

struct backend_ops {
	/* Requests are taken over. A model that cannot be loaded leaves the one before in place. */
	void (*load)(struct backend *b, unsigned job, struct load_request *r);
	void (*reply)(struct backend *b, unsigned job, struct reply_request *r);
	void (*count)(struct backend *b, unsigned job, struct reply_request *r);
	/* Ends the job, queued or running, within 100 ms. A job that has ended: nothing happens. */
	void (*cancel)(struct backend *b, unsigned job);
	/* Cancels all, waits for the thread, frees. No event is posted afterwards. */
	void (*close)(struct backend *b);
};

struct load_request *load_request_new(const char *name, const char *ref, const char *path);
void load_request_free(struct load_request *r);

struct reply_request *reply_request_new(void);
/* Adds a message; joined with the last one when that has the same role. Text is copied and made valid UTF-8. */
void reply_request_add(struct reply_request *r, enum chat_role role, const char *text);
void reply_request_free(struct reply_request *r);

#endif
