/*
 * A backend that says what a test tells it to, and a controller with a screen in memory around it: the one double in
 * the tests. It has no thread; what it posts comes when the test takes the mail.
 */
#ifndef TESTS_APP_SCRIPTED_H
#define TESTS_APP_SCRIPTED_H

#include "app/controller/controller.h"

struct scripted {
	struct backend base;
	struct mailbox *mailbox;
	bool hold_load;			/* loads wait for scripted_loaded */
	const char *refuse;		/* a model with this name is not loaded */
	size_t loads, replies, counts, cancels;
	unsigned job;			/* of the load or reply that is not answered yet */
	struct load_request *load;	/* the last of each kind, owned */
	struct reply_request *reply;
	struct llm_stats stats;		/* go with texts and endings */
	void (*on_reply)(void);		/* looks at the world at the moment a reply is asked for */
};

void scripted_loaded(struct scripted *s);
void scripted_say(struct scripted *s, const char *text);
void scripted_done(struct scripted *s, enum llm_finish finish);
void scripted_fail(struct scripted *s, enum err_code code, const char *text);

/* A running chat: scripted backend, headless screen of 30 x 120, files below HOME. */
struct rig {
	struct scripted backend;
	struct mailbox *mailbox;
	struct config *config;
	struct ui *ui;
	struct controller c;
	char *sessions_dir, *state_dir;
};

extern int64_t rig_now;		/* the clock of everything, ms */

/* yaml: the configuration, or NULL. Sessions below `sessions_dir` (NULL: HOME/sessions). */
void rig_init(struct rig *r, const char *yaml, const char *sessions_dir);
void rig_start(struct rig *r, const char *session_path, const char *model);
void rig_release(struct rig *r);

/* Keys, then everything that follows from them. */
void rig_keys(struct rig *r, const char *bytes);
void rig_line(struct rig *r, const char *text);		/* and Enter */
void rig_turn(struct rig *r);				/* mail, events, time, drawing */
void rig_settle(struct rig *r);		/* turns, until nothing waits to be written; at most the promised 100 ms */

/* Fails the test unless the screen shows, or does not show, the text. */
void rig_shows(struct rig *r, const char *text);
void rig_hides(struct rig *r, const char *text);

/* The session file; heap. */
char *rig_file(struct rig *r);
void rig_file_has(struct rig *r, const char *text);

#endif
