/*
 * What ties screen, conversation, disk and model together: events of the screen and of the backend go in, changes
 * of the session and of what is shown come out. Main thread only; nothing here blocks.
 *
 * States: idle; loading a model; waiting for an answer (processing the prompt, then writing). In all of them the
 * user may type, scroll and give commands. What is sent meanwhile waits in the queue and goes when the work is done.
 *
 * The verbs below are what commands (app/command/) and keys are made of.
 */
#ifndef APP_CONTROLLER_CONTROLLER_H
#define APP_CONTROLLER_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/backend/backend.h"
#include "app/chat/session.h"
#include "app/config/config.h"
#include "app/config/theme.h"
#include "app/controller/chat_view.h"
#include "app/mailbox.h"
#include "app/models/models.h"
#include "app/plain.h"
#include "ui/ui.h"

struct controller_opts {		/* everything is borrowed and must outlive the controller */
	struct mailbox *mailbox;
	struct backend *backend;
	const struct config *config;
	const struct keymap *keymap;	/* for the help page */
	const char *sessions_dir;	/* NULL: nothing is kept on disk */
	const char *summary_cache;	/* of session_list; may be NULL */
	const char *state_dir;		/* drafts and the crash marker; NULL: none */
	struct settings settings;	/* those in `set` go before the config's */
	settings_mask set;
	const char *system;		/* system prompt of new conversations; NULL: the config's */
	const struct style_sheet *style;	/* what the screen was opened with */
	const char *theme;		/* its name; NULL: not known */
	int64_t (*now_ms)(void);	/* NULL: the monotonic clock */
	FILE *plain;			/* no screen: what would be on it is written here line after line; NULL: a screen */
};

enum phase { PHASE_IDLE, PHASE_LOADING, PHASE_REPLYING };

enum cost { COST_NONE, COST_MODEL, COST_SYSTEM };

enum popup_tag { POPUP_MODELS = 1, POPUP_SESSIONS, POPUP_PALETTE, POPUP_THEMES, POPUP_SYSTEMS, POPUP_DELETE,
	POPUP_BRANCHES, POPUP_MESSAGES };

struct controller {
	struct controller_opts o;
	struct ui *ui;
	struct session *session;
	struct chat_view view;

	/* work in progress */
	enum phase phase;
	unsigned last_job;		/* numbers given so far */
	unsigned job;			/* the load or reply that is awaited; 0 when idle */
	unsigned count_job;		/* a count that is awaited; 0: none */
	bool stopping;			/* the user has asked the job to end */
	char *next_model;		/* to be loaded when the work is done; NULL: none */
	char *loading;			/* what is being loaded, or was last */
	bool reload;			/* then the model that is in, for a setting that needs it */
	bool taking_mail;
	struct strbuf queue;		/* sent while busy: the next turn; empty: none */

	/* model */
	bool loaded;
	struct backend_info model;	/* valid when loaded */
	struct settings settings;	/* as they are for this model */
	enum cost say_cost;		/* the next count is told to the user, and why it is due */
	void (*after_load)(struct controller *c);	/* what was asked for while the model was loading, or NULL */
	bool fallback;			/* the load in progress is the guide, after another model failed at the start */
	bool stand_in;			/* the model in or on its way is not the one that the chat is to remember */
	bool picked_model;		/* the load in progress was asked for by the user */
	bool welcomed;			/* the guide has introduced itself */
	uint64_t load_done, load_total;

	/* answer */
	int answer;			/* message being written; 0: none */
	int asked;			/* user's message that was added for it; 0: none (regenerate, continue) */
	int old_head;			/* head before */
	bool reopened;			/* it goes on with an answer that was there */
	struct message_stats before;	/* of that answer, before it was reopened */
	enum finish before_finish;
	int *sent;			/* [n_sent] ids of the messages of the request, without the system prompt */
	size_t n_sent, evicted;
	uint64_t prefill_done, prefill_total;
	struct llm_stats stats;		/* of the last or running answer */
	bool said_defused;

	struct copying {
		const struct clipboard_way *way;	/* that is being tried */
		pid_t pid;		/* of its tool, while it runs; 0: nothing is being copied */
		int64_t until;		/* when the tool has had its time, */
		bool killed;		/* or when, killed, it should be gone */
		struct strbuf text;
		char *what;		/* the text's name, for the user; NULL: none */
	} copy;

	/* screen */
	struct model_list models;	/* as listed by an open picker */
	struct session_summary *sessions;
	size_t n_sessions;
	struct theme_entry *themes;
	size_t n_themes;
	struct conversation_end *branches;
	size_t n_branches;
	int *mine;			/* ids of the user's messages, the last one first */
	size_t n_mine;
	struct style_sheet style;
	char *theme;			/* the name it was loaded by; NULL: not known */
	int plain_popup;		/* without a screen: the list or question that the next line answers; 0: none */
	struct plain_list plain_list;	/* its rows, where it is a list */
	char *doomed;			/* path of the session that POPUP_DELETE asks about */
	bool back_to_list;		/* it was asked from the list of sessions, which comes back then: */
	char *list_filter, *list_at, *list_next;	/* filter, path of the row, of the next one or NULL */
	const char *command;		/* line of the command that is being run; NULL: none */
	int64_t quit_until;		/* Ctrl-C was pressed once, and quits when it is pressed again before */
	bool disk_failed;
	bool take_draft;		/* the program starts, with nothing to send: what another one left is taken over */
	char *draft;			/* where the draft was read from or stored last; NULL: nowhere */
	bool draft_failed;		/* it could not be stored the last time */
	int64_t draft_due;		/* when the draft is to be stored; 0: it is */
	bool ended;
	int status;			/* exit status, once ended */
	int failed;			/* error code of the first thing that failed, for scripts; 0: nothing */
};

void controller_init(struct controller *c, struct ui *ui, const struct controller_opts *o);
/* Ends what is going on and stores everything. -1: e says why it could not be; the session is still there. At 0, too,
 * e may have something to say. */
int controller_finish(struct controller *c, struct err *e);
void controller_release(struct controller *c);	/* after controller_finish; does not close the backend */

struct controller_start {
	const char *session_path;	/* NULL: a new session */
	const char *model;		/* asked for on the command line; NULL: the session's, the config's, the guide */
	const char *prompt;		/* sent as soon as a model is there; NULL: none */
	bool pick_session;		/* opens with the list of sessions */
};

/* -1 (with e set) when the session cannot be opened or the model asked for cannot be found. */
int controller_start(struct controller *c, const struct controller_start *s, struct err *e);

/* ---- events in ---- */

void controller_ui_event(struct controller *c, const struct ui_event *ev);
void controller_take_mail(struct controller *c);
int controller_timeout(const struct controller *c);	/* ms until controller_tick has something to do; -1: never */
void controller_tick(struct controller *c);
void controller_quit(struct controller *c, int status);	/* the loop ends; a running answer is kept as far as it is */

/* ---- conversation (reply.c) ---- */

/* Sends a text, or puts it into the queue while something is going on. */
void controller_send(struct controller *c, const char *text);
void controller_regen(struct controller *c);
/* A message of the user's goes back into the input; what is sent from there is another version of it. */
void controller_take_back(struct controller *c, int id);
void controller_continue(struct controller *c);
/* Esc: the queue goes back to the input; without one, load or answer end. */
void controller_stop(struct controller *c);
void controller_abandon(struct controller *c);		/* an answer ends here and now; a load goes on */
void controller_count(struct controller *c);		/* asks how full the context is */
int controller_first_seen(const struct controller *c);	/* oldest message the model sees; 0: all */
void controller_reply_event(struct controller *c, const struct mail *ev);
void controller_send_queue(struct controller *c);
void controller_take_queue_back(struct controller *c);	/* into the input */

/* ---- model (load.c) ---- */

/* Loads by name or path, now or after the answer. -1: no such model. */
int controller_load(struct controller *c, const char *what, struct err *e);
void controller_load_next(struct controller *c);	/* the one that waits for the end of the work, if any */
void controller_reload(struct controller *c);		/* a setting needs it */
void controller_forget_loads(struct controller *c);	/* the program ends: nothing is loaded any more */
void controller_load_event(struct controller *c, const struct mail *ev);
/* The first model of this run. -1 only when `asked` (may be NULL) cannot be found. */
int controller_first_model(struct controller *c, const char *asked, struct err *e);
void controller_remember_model(struct controller *c);	/* the chat is held with it from here on, but for a stand-in */
void controller_update_settings(struct controller *c);

/* ---- sessions (sessions.c) ---- */

void controller_new_session(struct controller *c, const char *title);
int controller_open_session(struct controller *c, const char *path, struct err *e);	/* by path */
int controller_resume(struct controller *c, const char *what, struct err *e);		/* by id or title */
void controller_ask_delete(struct controller *c, const char *path, const char *title);
void controller_delete_now(struct controller *c);
const char *controller_usual_system(const struct controller *c);	/* what new conversations begin with; NULL: none */
void controller_set_system(struct controller *c, const char *text);	/* NULL: none */
void controller_set_head(struct controller *c, int id);
void controller_disk(struct controller *c, int rc, const struct err *e);	/* what a session verb returned */

void controller_refuse_read_only(struct controller *c);		/* says that the chat is */

/* ---- clipboard (copy.c) ---- */

/* Puts the text there, its control characters made harmless, and says so, or what else became of it; `what`: its name
 * in a sentence. Both are copied. One at a time. Only ever on a command of the user's. */
void controller_copy(struct controller *c, const char *what, const char *text, size_t len);
bool controller_is_copying(const struct controller *c);
int controller_copy_due_ms(const struct controller *c);	/* until controller_copy_tick has something to do; -1: never */
void controller_copy_tick(struct controller *c);
void controller_copy_finish(struct controller *c);	/* waits for a tool that runs, two seconds at most */
void controller_copy_release(struct controller *c);

/* ---- draft of the input, kept in the state folder (draft.c) ---- */

void controller_draft_load(struct controller *c);
int controller_draft_store(struct controller *c, struct err *e);

/* ---- lists over the chat (picker.c) ---- */

void controller_pick_model(struct controller *c);
void controller_pick_session(struct controller *c);
void controller_pick_theme(struct controller *c);
void controller_pick_system(struct controller *c);
void controller_pick_message(struct controller *c);	/* one of the user's, to be taken back */
void controller_pick_branch(struct controller *c);	/* says so when there is nothing to choose */
void controller_palette(struct controller *c);
void controller_popup_event(struct controller *c, const struct ui_event *ev);
int controller_set_theme(struct controller *c, const char *name, struct err *e);	/* and says how to keep it */

/* ---- what is shown (status.c) ---- */

void controller_notice(struct controller *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void controller_error(struct controller *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void controller_flash(struct controller *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void controller_error_from(struct controller *c, const struct err *e);	/* as a sentence */
/* What the user typed cannot be done: it goes back to where it can be corrected, and the reason is shown for a while. */
void controller_refuse(struct controller *c, const char *line, const char *reason);
void controller_page(struct controller *c, const char *title, const char *text);
void controller_ask(struct controller *c, int tag, const char *question);
void controller_pick(struct controller *c, const struct ui_pick *pick);
void controller_show_title(struct controller *c);
void controller_show_status(struct controller *c);
void controller_show_conversation(struct controller *c);	/* anew */
void controller_give_back(struct controller *c, const char *text);	/* into the input, before what is there */

bool controller_is_guide(const struct controller *c);
int64_t controller_now(const struct controller *c);
void controller_failed(struct controller *c, int code);	/* remembers it for the exit status of a script */

#endif
