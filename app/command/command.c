#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/handlers.h"
#include "base/xalloc.h"

static const struct command commands[] = {
	{ "new", "[title]", "begin another chat", false, command_new, NULL },
	{ "sessions", "", "choose among your chats", false, command_sessions, NULL },
	{ "resume", "[id or title]", "go back to a chat", false, command_resume, complete_session },
	{ "rename", "title", "give this chat another title", true, command_rename, NULL },
	{ "delete", "[id or title]", "move a chat, or this one, to the trash folder", false, command_delete,
		complete_session },
	{ "model", "[name or file]", "choose who answers", false, command_model, complete_model },
	{ "system", "[text, name or none]", "set the system prompt", false, command_system, complete_system },
	{ "set", "[name [value]]", "show or change settings such as temperature", false, command_set,
		complete_setting },
	{ "regen", "", "answer again; the old answer is kept", false, command_regen, NULL },
	{ "continue", "", "go on with an answer that was cut or stopped", false, command_continue, NULL },
	{ "branch", "[next, prev or number]", "choose among the versions of this chat", false, command_branch,
		complete_branch },
	{ "undo", "", "take the last message back into the input", false, command_undo, NULL },
	{ "edit", "[n]", "take an earlier message back into the input", false, command_edit, NULL },
	{ "copy", "[n, or code [n]]", "put the last answer, or its code, on the clipboard", false, command_copy,
		complete_copy },
	{ "stats", "", "figures of the last answer", false, command_stats, NULL },
	{ "context", "", "what the model sees, and how full its context is", false, command_context, NULL },
	{ "theme", "[name]", "choose the colours", false, command_theme, complete_theme },
	{ "keys", "", "show the keys", false, command_keys, NULL },
	{ "help", "", "show keys and commands", false, command_help, NULL },
	{ "quit", "", "leave hum; everything is saved", false, command_quit, NULL },
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

const struct command *
command_at(size_t i)
{
	return i < N_COMMANDS ? &commands[i] : NULL;
}

const struct command *
command_find(const char *name, size_t len)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strlen(commands[i].name) == len && !strncasecmp(commands[i].name, name, len))
			return &commands[i];
	return NULL;
}

/* ---- running ---- */

void
command_refuse(struct controller *c, const char *fmt, ...)
{
	va_list ap;
	char *reason;

	va_start(ap, fmt);
	reason = xvasprintf(fmt, ap);
	va_end(ap);
	controller_refuse(c, c->command, reason);
	free(reason);
}

size_t
command_number(const char *arg, size_t n)
{
	char *end;
	unsigned long number = strtoul(arg, &end, 10);

	return *end || number > n ? 0 : number;
}

/* What people type who come from other programs, and how it is done here. */
static const struct {
	const char *name, *way;
} elsewhere[] = {
	{ "?", "/help shows all" },
	{ "bye", "/quit leaves" },
	{ "clear", "/new begins another chat" },
	{ "exit", "/quit leaves" },
	{ "export", "hum sessions export TITLE, in the shell" },
	{ "import", "hum sessions import FILE, in the shell" },
	{ "list", "/sessions shows the chats, /model the models" },
	{ "load", "/resume goes back to a chat, /model loads a model" },
	{ "reset", "/new begins another chat" },
	{ "retry", "/regen answers again" },
	{ "save", "everything is saved; /rename gives the chat a title" },
	{ "search", "Ctrl-F here; hum sessions search WORDS, in the shell" },
	{ "stop", "Esc stops the answer" },
};

static const char *
way_of(const char *name)
{
	for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
		if (!strcasecmp(elsewhere[i].name, name))
			return elsewhere[i].way;
	return NULL;
}

static void
unknown(struct controller *c, const char *line, size_t len)
{
	const char *names[N_COMMANDS + 1] = { 0 }, *near, *way;
	char *name = xstrndup(line + 1, len);

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	near = nearest_name(name, names);
	way = way_of(name);
	if (way)
		command_refuse(c, "No command /%s: %s", name, way);
	else if (near)
		command_refuse(c, "No command /%s; did you mean /%s? (// sends a text that begins with /)", name,
			near);
	else
		command_refuse(c, "No command /%s; /help shows all. (// sends a text that begins with /)", name);
	free(name);
}

static void
run(struct controller *c, const struct command *cmd, const char *arg)
{
	char *copy = xstrdup(arg);

	for (size_t n = strlen(copy); n && isspace((unsigned char)copy[n - 1]); n--)
		copy[n - 1] = '\0';
	cmd->run(c, copy);
	free(copy);
}

void
command_run(struct controller *c, const char *line)
{
	size_t len = strcspn(line + 1, " \t\n");
	const struct command *cmd = command_find(line + 1, len);
	const char *arg = line + 1 + len;

	c->command = line;
	if (cmd)
		run(c, cmd, arg + strspn(arg, " \t\n"));
	else
		unknown(c, line, len);
	c->command = NULL;
}

/* ---- completion ---- */

void
complete_if(struct ui_completions *out, const char *word, const char *text, const char *help)
{
	if (!strncasecmp(text, word, strlen(word)))
		ui_completions_add(out, text, help);
}

const char *
command_question(size_t i)
{
	static const char *const questions[] = {
		"What can you do?",
		"How do I add a model?",
		"What is Llama 2?",
	};

	return i < sizeof questions / sizeof *questions ? questions[i] : NULL;
}

static void
complete_question(struct controller *c, struct ui_completions *out)
{
	out->start = 0;
	for (size_t i = 0; controller_is_guide(c) && command_question(i); i++)
		ui_completions_add(out, command_question(i), NULL);
}

static void
complete_name(const char *line, size_t cursor, struct ui_completions *out)
{
	char *word = xstrndup(line, cursor);

	out->start = 0;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char *text = xasprintf("/%s%s", commands[i].name, *commands[i].args ? " " : "");

		complete_if(out, word, text, commands[i].help);
		free(text);
	}
	free(word);
}

void
command_complete(void *ctx, const char *line, size_t cursor, struct ui_completions *out)
{
	struct controller *c = ctx;
	size_t len = line[0] == '/' ? strcspn(line + 1, " \t") : 0;
	const struct command *cmd;
	char *word;

	if (!*line) {
		complete_question(c, out);
		return;
	}
	if (line[0] != '/' || line[1] == '/')
		return;
	if (cursor <= len + 1) {
		complete_name(line, cursor, out);
		return;
	}
	cmd = command_find(line + 1, len);
	if (!cmd || !cmd->complete)
		return;
	out->start = len + 1;
	while (out->start < cursor && (line[out->start] == ' ' || line[out->start] == '\t'))
		out->start++;
	word = xstrndup(line + out->start, cursor - out->start);
	cmd->complete(c, word, out);
	free(word);
}

/* ---- help ---- */

static void
add_row(struct strbuf *b, const char *left, const char *help)
{
	strbuf_addf(b, "  %-31s %s\n", left, help);
}

static void
add_keys(struct strbuf *b, const struct controller *c)
{
	for (int a = 0; a < ACTION_COUNT; a++) {
		const char *keys = c->o.keymap ? keymap_keys(c->o.keymap, a) : "";

		if (*keys)
			add_row(b, keys, action_help(a));
	}
	add_row(b, "Ctrl-D in an empty input", "the same as Ctrl-C");
	add_row(b, "mouse wheel", "scroll");
	add_row(b, "Shift and the mouse", "select text, as without hum (Option on a Mac)");
}

void
command_keys(struct controller *c, const char *arg)
{
	struct strbuf b = STRBUF_INIT;

	if (c->o.plain) {
		controller_flash(c,
			"The keys are those of a full screen; here Ctrl-C stops an answer, Ctrl-D leaves");
		return;
	}
	add_keys(&b, c);
	strbuf_adds(&b, "\nIn config.yaml, keys: binds others, and mouse: false leaves the mouse to the "
			"terminal.\n");
	controller_page(c, "Keys", b.s);
	strbuf_release(&b);
}

void
command_help(struct controller *c, const char *arg)
{
	struct strbuf b = STRBUF_INIT;

	if (!c->o.plain) {
		strbuf_adds(&b, "Keys\n\n");
		add_keys(&b, c);
		strbuf_addc(&b, '\n');
	}
	strbuf_adds(&b, "Commands\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char *left = xasprintf("/%s %s", commands[i].name, commands[i].args);

		add_row(&b, left, commands[i].help);
		free(left);
	}
	strbuf_adds(&b, "\nA text that begins with a slash is sent with two: //like this.\n");
	if (!c->o.plain)
		strbuf_adds(&b, "Text sent while an answer is being written waits and goes next; "
				"Esc takes it back, and Esc again stops the answer.\n");
	controller_page(c, "Help", b.s);
	strbuf_release(&b);
}
