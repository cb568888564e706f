#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/backend/local.h"
#include "app/command/command.h"
#include "app/config/paths.h"
#include "app/config/theme.h"
#include "app/loop.h"
#include "app/models/open.h"
#include "app/oneshot.h"
#include "app/plain.h"
#include "app/programs.h"
#include "app/signals.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/xalloc.h"

/* What the chat holds while it runs; members are freed in reverse order by chat_close. */
struct chat {
	const struct options *o;
	struct config *config;
	char *sessions_dir, *state_dir, *history, *cache, *session_path, *prompt;
	struct style_sheet style;
	const char *theme;		/* its name, of the options or the configuration */
	struct keymap *keymap;		/* ours until ui_new was called */
	struct mailbox *mailbox;
	struct backend *backend;
	struct ui *ui;
	struct controller controller;
	bool controlling;
	int stderr_fd;			/* where stderr went before the screen came; -1: untouched */
};

/* The model asked for on the command line is looked at before the screen is taken: a wrong one ends the program
 * where the user typed its name. */
static int
check_model(const struct chat *h, struct err *e)
{
	struct model_list l;
	const struct model_entry *m;
	struct llm *peek = NULL;

	if (!h->o->model)
		return 0;
	model_list_scan(&l, h->config);
	m = model_list_find(&l, h->o->model, e);
	if (m)
		peek = model_entry_peek(m, e);
	model_close(peek);
	model_list_release(&l);
	return peek ? 0 : -1;
}

static int
find_session(struct chat *h, struct err *e)
{
	if (h->o->cont && h->o->resume_asked)
		return err_set(e, ERR_USAGE, "-c and -r exclude each other");
	if (h->o->cont || h->o->resume_asked) {
		if (!h->sessions_dir)
			return err_set(e, ERR_USAGE, "--no-save does not go with -c or -r");
	}
	if (h->o->resume_asked && !h->o->resume && h->o->n_args)
		return err_set(e, ERR_USAGE,
			"-r alone shows the chats; to go on with one: --resume='%s'", h->prompt);
	if (h->o->cont)
		h->session_path = session_newest(h->sessions_dir);
	if (!h->o->resume)
		return 0;
	h->session_path = session_find(h->sessions_dir, h->cache, h->o->resume, e);
	return h->session_path ? 0 : -1;
}

static void
join_prompt(struct chat *h)
{
	struct strbuf raw = STRBUF_INIT, clean = STRBUF_INIT;

	for (size_t i = 0; i < h->o->n_args; i++)
		strbuf_addf(&raw, "%s%s", i ? " " : "", h->o->args[i]);
	utf8_repair(&clean, raw.s, raw.len);
	h->prompt = strbuf_detach(&clean);
	strbuf_release(&raw);
}

static int
prepare(struct chat *h, struct err *e)
{
	h->config = config_load(NULL, e);
	if (!h->config)
		return -1;
	h->theme = h->o->theme ? h->o->theme : h->config->theme ? h->config->theme : theme_default();
	if (theme_load(h->theme, &h->style, e) < 0)
		return -1;
	h->keymap = config_keymap(h->config, e);
	if (!h->keymap)
		return -1;
	if (!h->o->no_save) {
		h->sessions_dir = path_sessions();
		h->cache = path_summaries();
		h->history = path_state("history");
	}
	h->state_dir = path_state(NULL);
	join_prompt(h);
	if (check_model(h, e) < 0)
		return -1;
	return find_session(h, e);
}

/* While the screen is up, what libraries write to stderr would spoil it: it goes to the log. */
static void
redirect_stderr(struct chat *h, int log_fd)
{
	int fd = log_fd >= 0 ? log_fd : open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	h->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (h->stderr_fd >= 0) {
		dup2(fd, STDERR_FILENO);
		signals_set_stderr(h->stderr_fd);
	}
	if (fd != log_fd)
		close(fd);
}

static void
restore_stderr(struct chat *h)
{
	if (h->stderr_fd < 0)
		return;
	dup2(h->stderr_fd, STDERR_FILENO);
	signals_set_stderr(STDERR_FILENO);
	close(h->stderr_fd);
	h->stderr_fd = -1;
}

static int
open_screen(struct chat *h, struct err *e)
{
	struct ui_opts o = {
		.style = &h->style,
		.keymap = h->keymap,
		.history_path = h->history,
		.no_mouse = !h->config->mouse,
		.complete = command_complete,
		.ctx = &h->controller,
	};
	char *log_path = path_state("hum.log");
	int log_fd = log_open(log_path);

	free(log_path);
	if (h->o->plain) {	/* a screen that nobody sees: its texts are written line after line */
		o.headless_rows = 24;
		o.headless_cols = 80;
	}
	h->ui = ui_new(&o, e);
	h->keymap = NULL;
	if (!h->ui)
		return -1;
	if (!h->o->plain)
		redirect_stderr(h, log_fd);
	return 0;
}

static int
start(struct chat *h, struct err *e)
{
	struct controller_start s = {
		.session_path = h->session_path,
		.model = h->o->model,
		.prompt = h->prompt,
		.pick_session = h->o->resume_asked && !h->o->resume,
	};
	struct controller_opts o = {
		.config = h->config,
		.keymap = h->keymap,	/* lives as long as the screen */
		.sessions_dir = h->sessions_dir,
		.summary_cache = h->cache,
		.state_dir = h->state_dir,
		.settings = h->o->settings,
		.set = h->o->set,
		.system = h->o->system,
		.style = &h->style,
		.theme = h->theme,
		.plain = h->o->plain ? stdout : NULL,
	};

	if (signals_init(e) < 0 || open_screen(h, e) < 0)
		return -1;
	h->mailbox = mailbox_new(e);
	h->backend = h->mailbox ? backend_local_new(h->mailbox, e) : NULL;
	if (!h->backend)
		return -1;
	o.mailbox = h->mailbox;
	o.backend = h->backend;
	controller_init(&h->controller, h->ui, &o);
	h->controlling = true;
	return controller_start(&h->controller, &s, e);
}

/* The disk did not take it: the terminal gets it, which is better than nothing. */
static void
print_conversation(const struct conversation *c)
{
	struct message **path;
	size_t n = conversation_path(c, &path);
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		strbuf_adds(&text, path[i]->role == ROLE_USER ? "\n> " : "\n");
		utf8_scrub(&text, path[i]->text.s, path[i]->text.len);
		strbuf_addc(&text, '\n');
	}
	fputs(text.s, stdout);
	strbuf_release(&text);
	free(path);
}

/* Ends the work, then gives the terminal back, then frees what may take its time. */
static int
chat_close(struct chat *h, int status, struct err *e)
{
	bool unsaved = false;
	char *unsent = NULL;

	if (h->controlling && h->controller.session) {
		unsaved = controller_finish(&h->controller, e) < 0;
		unsent = xstrdup(ui_input(h->ui));
	}
	ui_free(h->ui);
	keymap_free(h->keymap);
	restore_stderr(h);
	if (unsaved) {
		print_conversation(&h->controller.session->conv);
		if (*unsent)
			printf("\n> %s\n", unsent);
		status = ERR_STORE;
	}
	free(unsent);
	if (h->controlling)
		controller_release(&h->controller);
	if (h->backend)
		h->backend->ops->close(h->backend);
	mailbox_free(h->mailbox);
	config_free(h->config);
	free(h->sessions_dir);
	free(h->state_dir);
	free(h->history);
	free(h->cache);
	free(h->session_path);
	free(h->prompt);
	log_close();
	return status;
}

/* Without a terminal to type on there is one thing to answer: what comes from standard input. */
static bool
wants_one_answer(const struct options *o)
{
	return o->print || o->json || o->stream_json || (!o->plain && !isatty(STDIN_FILENO));
}

int
program_chat(const struct options *o)
{
	struct chat h = { .o = o, .stderr_fd = -1 };
	struct err e = { 0 }, unsaved = { 0 };
	int status;

	if (wants_one_answer(o))
		return oneshot_run(o);
	if (prepare(&h, &e) < 0 || start(&h, &e) < 0) {
		status = chat_close(&h, e.code, &unsaved);
		fprintf(stderr, "hum: %s\n", e.text);
		return status;
	}
	if (o->plain)
		plain_run(&h.controller);
	else
		loop_run(&h.controller, h.ui);
	status = chat_close(&h, h.controller.status, &unsaved);
	if (unsaved.code)
		fprintf(stderr, "hum: %s%s\n", status == ERR_STORE ? "the chat above could not be saved: " : "",
			unsaved.text);
	return status;
}
