/*
 * A conversation with a backend for programs without a screen: each call blocks until the work is done, or until a
 * signal that ends programs comes, which stops the work first.
 */
#ifndef APP_ASK_H
#define APP_ASK_H

#include "app/backend/backend.h"
#include "app/config/config.h"
#include "app/options.h"

struct ask {
	struct config *config;
	struct mailbox *mailbox;
	struct backend *backend;
	struct backend_info model;
	struct settings settings;	/* as they are for the model */
	unsigned job;
	bool interrupted;		/* a signal came */
};

/* Reads the configuration and loads a model: `wanted`, else the configuration's, else the guide. On failure e says
 * why; ask_close in both cases. */
int ask_open(struct ask *a, const struct options *o, const char *wanted, struct err *e);
void ask_close(struct ask *a);

/* What the option -s or the configuration says; NULL: none. Borrowed. */
const char *ask_system(const struct ask *a, const struct options *o);

/* Takes the request over. on_text gets whole UTF-8, not scrubbed; false from it stops the answer. */
int ask_reply(struct ask *a, struct reply_request *r, bool (*on_text)(void *ctx, const char *text, size_t len),
	void *ctx, enum llm_finish *finish, struct llm_stats *stats, struct err *e);

#endif
