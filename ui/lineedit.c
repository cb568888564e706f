#include "config.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>
#include <readline/history.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/histfile.h"
#include "ui/input_rows.h"
#include "ui/lineedit.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))
#define ABORT 7			/* C-g, which ends whatever readline is at */
#define SEARCH_MAX 256		/* bytes searched for: readline's time grows with their cube */
#define ACCEPT "\033[99;99z"	/* bound to accept-line in every mode; no terminal sends it */

static struct {
	bool initialised, changed, eof, verbatim;
	FILE *null;
	char *accepted;
	char *history_path;
	const char *keys;	/* what readline may read: the key being fed */
	size_t nkeys;
	int width;
	int goal;		/* column that moving by rows keeps to */
	struct input_rows rows;
	struct strbuf prompt;
	struct strbuf typed;	/* the text before the search that is on */
	locale_t utf8;		/* readline's, where the program's own is another; 0: none */
} le;

/* ---- readline's hooks ------------------------------------------------------------------------ */

static int
next_byte(FILE *f)
{
	if (!le.nkeys)
		return ABORT; /* a command wants more than the key: there is nothing to wait for */
	le.nkeys--;
	return (unsigned char)*le.keys++;
}

static int
has_bytes(void)
{
	return le.nkeys > 0;
}

static void
on_redisplay(void)
{
	le.changed = true;
}

static void
on_line(char *line)
{
	if (!line) {
		le.eof = true;
		return;
	}
	free(le.accepted);
	le.accepted = line;
}

/* Completion is the program's own; file names have no business here. */
static char **
no_completion(const char *text, int start, int end)
{
	rl_attempted_completion_over = 1;
	return NULL;
}

/* ---- commands for text of several lines ------------------------------------------------------ */

static size_t
line_start(size_t point)
{
	while (point && rl_line_buffer[point - 1] != '\n')
		point--;
	return point;
}

static size_t
line_end(size_t point)
{
	while (point < (size_t)rl_end && rl_line_buffer[point] != '\n')
		point++;
	return point;
}

static int row_up(int count, int key);
static int row_down(int count, int key);

/* Moves the cursor `by` rows; false at the edge. */
static bool
move_row(int by)
{
	size_t row;
	int col;

	input_rows_wrap(&le.rows, rl_line_buffer, (size_t)rl_end, le.width);
	row = input_rows_find(&le.rows, rl_line_buffer, (size_t)rl_point, &col);
	if (rl_last_func != row_up && rl_last_func != row_down)
		le.goal = col;
	if (by < 0 ? row == 0 : row + 1 >= le.rows.n)
		return false;
	row += by < 0 ? -1 : 1;
	rl_point = (int)input_rows_point(&le.rows, rl_line_buffer, row, le.goal);
	return true;
}

static int
row_up(int count, int key)
{
	return move_row(-1) ? 0 : rl_get_previous_history(1, key);
}

static int
row_down(int count, int key)
{
	return move_row(1) ? 0 : rl_get_next_history(1, key);
}

static int
to_line_start(int count, int key)
{
	rl_point = (int)line_start((size_t)rl_point);
	return 0;
}

static int
to_line_end(int count, int key)
{
	rl_point = (int)line_end((size_t)rl_point);
	return 0;
}

static int
kill_to_line_end(int count, int key)
{
	size_t end = line_end((size_t)rl_point);

	if (end == (size_t)rl_point && end < (size_t)rl_end)
		end++;		/* at the end of a line: the break */
	return rl_kill_text(rl_point, (int)end);
}

static int
kill_to_line_start(int count, int key)
{
	size_t start = line_start((size_t)rl_point);
	int from = rl_point;

	if (start == (size_t)from && start)
		start--;
	rl_point = (int)start;
	return rl_kill_text(from, (int)start);
}

static int
insert_newline(int count, int key)
{
	return rl_insert_text("\n") < 0;
}

/* name in an inputrc, what it does, which command of readline's own it stands in for */
static const struct {
	const char *name;
	rl_command_func_t *function, *replaces;
} commands[] = {
	{ "hum-row-up", row_up, rl_get_previous_history },
	{ "hum-row-down", row_down, rl_get_next_history },
	{ "hum-line-start", to_line_start, rl_beg_of_line },
	{ "hum-line-end", to_line_end, rl_end_of_line },
	{ "hum-kill-line", kill_to_line_end, rl_kill_line },
	{ "hum-line-discard", kill_to_line_start, rl_unix_line_discard },
	{ "hum-newline", insert_newline, NULL },
};

/* Keys of editing that not every terminal description or inputrc tells readline of. */
static const struct {
	const char *key;
	rl_command_func_t *function;
} keys[] = {
	{ "\033[A", row_up }, { "\033OA", row_up },
	{ "\033[B", row_down }, { "\033OB", row_down },
	{ "\033[C", rl_forward_char }, { "\033OC", rl_forward_char },
	{ "\033[D", rl_backward_char }, { "\033OD", rl_backward_char },
	{ "\033[H", to_line_start }, { "\033OH", to_line_start }, { "\033[1~", to_line_start },
	{ "\033[F", to_line_end }, { "\033OF", to_line_end }, { "\033[4~", to_line_end },
	{ "\033[3~", rl_delete },
	{ "\033[1;5C", rl_forward_word }, { "\033[1;3C", rl_forward_word },
	{ "\033[1;5D", rl_backward_word }, { "\033[1;3D", rl_backward_word },
	{ "\033[3;5~", rl_kill_word }, { "\033[3;3~", rl_kill_word },
};

static const char plain_keys[] = "\001\005\013\016\020\025jk-+";

/* ---- setting up ------------------------------------------------------------------------------ */

static void
bind_raw(Keymap map, const char *key, rl_command_func_t *function)
{
	struct strbuf spec = STRBUF_INIT;

	for (const char *s = key; *s; s++)
		strbuf_addf(&spec, "\\%03o", (unsigned char)*s);
	rl_bind_keyseq_in_map(spec.s, function, map);
	strbuf_release(&spec);
}

static rl_command_func_t *
bound_to(Keymap map, const char *key, size_t n, int *type)
{
	return rl_function_of_keyseq_len(key, n, map, type);
}

/* Our commands take the place of readline's, but not of what the user bound himself. */
static void
bind_in(Keymap map)
{
	int type;

	for (size_t i = 0; i < LENGTH(keys); i++) {
		rl_command_func_t *f = bound_to(map, keys[i].key, strlen(keys[i].key), &type);

		if (!f)
			bind_raw(map, keys[i].key, keys[i].function);
		for (size_t k = 0; k < LENGTH(commands); k++)
			if (f && type == ISFUNC && f == commands[k].replaces)
				bind_raw(map, keys[i].key, commands[k].function);
	}
	for (const char *c = plain_keys; *c; c++) {
		char key[2] = { *c, '\0' };
		rl_command_func_t *f = bound_to(map, key, 1, &type);

		for (size_t k = 0; k < LENGTH(commands); k++)
			if (f && type == ISFUNC && f == commands[k].replaces)
				bind_raw(map, key, commands[k].function);
	}
	bind_raw(map, ACCEPT, rl_newline);
}

/* Of what readline does for shells: a comment would be sent, and Alt with Enter is a new line, no way into vi. */
static void
unbind_surprises(void)
{
	static const char *const enter[] = { "\033\n", "\033\r" };
	Keymap emacs = rl_get_keymap_by_name("emacs-standard");
	int type;

	rl_unbind_function_in_map(rl_insert_comment, rl_get_keymap_by_name("emacs-meta"));
	rl_unbind_function_in_map(rl_insert_comment, rl_get_keymap_by_name("vi-command"));
	for (size_t i = 0; i < LENGTH(enter); i++)
		if (bound_to(emacs, enter[i], strlen(enter[i]), &type) == rl_vi_editing_mode)
			bind_raw(emacs, enter[i], insert_newline);
}

static void
initialise(void)
{
	static const char *const settings[][2] = {
		/* the text is UTF-8, and readline shall neither ring, wait nor print */
		{ "convert-meta", "off" }, { "input-meta", "on" }, { "output-meta", "on" },
		{ "bell-style", "none" }, { "blink-matching-paren", "off" },
		{ "enable-bracketed-paste", "off" },
	};

	rl_readline_name = "hum";
	rl_catch_signals = rl_catch_sigwinch = rl_change_environment = 0;
	rl_prep_term_function = NULL;
	rl_deprep_term_function = NULL;
	rl_getc_function = next_byte;
	rl_input_available_hook = has_bytes;
	rl_redisplay_function = on_redisplay;
	rl_attempted_completion_function = no_completion;
	rl_completion_query_items = 0;
	for (size_t i = 0; i < LENGTH(commands); i++)
		rl_add_funmap_entry(commands[i].name, commands[i].function);
	rl_initialize();	/* reads the user's inputrc */
	for (size_t i = 0; i < LENGTH(settings); i++)
		rl_variable_bind(settings[i][0], settings[i][1]);
	bind_in(rl_get_keymap_by_name("emacs-standard"));
	bind_in(rl_get_keymap_by_name("vi-insert"));
	bind_in(rl_get_keymap_by_name("vi-command"));
	unbind_surprises();
	le.initialised = true;
}

static void
remember(const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (!last || strcmp(last->line, line))
		add_history(line);
}

/*
 * The text is UTF-8 whatever the locale, and in one without UTF-8 readline would edit its bytes. It
 * reads the environment at each new line and sets the process's locale by it, so that only a locale
 * of the thread's own lasts.
 */
static void
locale_prepare(void)
{
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		le.utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static void
locale_release(void)
{
	if (le.utf8)
		freelocale(le.utf8);
	le.utf8 = (locale_t)0;
}

void
lineedit_start(const char *history_path, size_t history_max)
{
	size_t max = history_max ? history_max : 1000;

	strbuf_init(&le.prompt);
	strbuf_init(&le.typed);
	le.null = fopen("/dev/null", "r+");
	rl_instream = rl_outstream = le.null;
	if (!le.initialised)
		initialise();
	locale_prepare();
	le.width = 80;
	le.eof = le.verbatim = false;
	le.history_path = history_path ? xstrdup(history_path) : NULL;
	using_history();
	stifle_history((int)max);
	if (history_path)
		histfile_load(history_path, max, remember);
	rl_callback_handler_install("", on_line);
	le.changed = true;
}

void
lineedit_stop(void)
{
	HIST_ENTRY **entries;

	lineedit_abort();
	lineedit_accept(); /* so that readline sorts out which undo list belongs to the history */
	rl_callback_handler_remove();
	rl_clear_history();
	entries = history_list();
	if (entries)
		entries[0] = NULL; /* readline 8.2 leaves what it has freed for searches to see */
	rl_instream = rl_outstream = NULL;
	if (le.null)
		fclose(le.null);
	free(le.accepted);
	free(le.history_path);
	le.accepted = le.history_path = NULL;
	le.null = NULL;
	input_rows_release(&le.rows);
	strbuf_release(&le.prompt);
	strbuf_release(&le.typed);
	locale_release();
}

/* ---- keys ------------------------------------------------------------------------------------ */

bool
lineedit_searching(void)
{
	return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH);
}

bool
lineedit_searches_line(void)
{
	return RL_ISSTATE(RL_STATE_NSEARCH);
}

bool
lineedit_yields(void)
{
	return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG) &&
	       !RL_ISSTATE(RL_STATE_MULTIKEY | RL_STATE_METANEXT | RL_STATE_CHARSEARCH);
}

enum lineedit_state
lineedit_state(void)
{
	if (le.verbatim)
		return LINEEDIT_VERBATIM;
	return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH | RL_STATE_NUMERICARG |
			  RL_STATE_CHARSEARCH | RL_STATE_VIMOTION | RL_STATE_MULTIKEY |
			  RL_STATE_METANEXT)
		       ? LINEEDIT_BUSY
		       : LINEEDIT_READY;
}

bool
lineedit_vi_inserting(void)
{
	return rl_editing_mode == 0 && rl_get_keymap() == rl_get_keymap_by_name("vi-insert");
}

static bool
in_list(rl_command_func_t *const *list, size_t n, rl_command_func_t *f)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == f)
			return true;
	return false;
}

/* Commands that take the next key as their argument without any state of readline's telling so. */
static bool
takes_a_key(rl_command_func_t *f)
{
	static rl_command_func_t *const takers[] = {
		rl_quoted_insert, rl_char_search, rl_backward_char_search, rl_vi_char_search,
		rl_vi_change_char, rl_vi_set_mark, rl_vi_goto_mark,
	};

	return in_list(takers, LENGTH(takers), f);
}

/* Also the rest of a key, and a macro: what they come to is known only afterwards. */
static bool
may_begin_search(rl_command_func_t *f, int type)
{
	static rl_command_func_t *const searches[] = {
		rl_reverse_search_history, rl_forward_search_history, rl_noninc_reverse_search,
		rl_noninc_forward_search, rl_vi_search,
	};

	return type != ISFUNC || RL_ISSTATE(RL_STATE_MULTIKEY) ||
	       in_list(searches, LENGTH(searches), f);
}

static bool
is_text(const char *bytes, size_t n)
{
	return n && (unsigned char)*bytes >= 0x20 && *bytes != 0x7f;
}

bool
lineedit_knows(const char *bytes, size_t n)
{
	int type;

	if (is_text(bytes, n))
		return true;
	return n && bound_to(rl_get_keymap(), bytes, n, &type) && (type != ISKMAP || n == 1);
}

/* The cursor never stands inside a grapheme cluster: it goes on in the direction it came. */
static void
snap(int before)
{
	size_t start = (size_t)rl_point, back = 0, len;
	int cells;

	while (start && back < 4096 && rl_line_buffer[start - 1] != '\n' &&
		rl_line_buffer[start - 1] != ' ') {
		start--;
		back++;
	}
	while (start < (size_t)rl_point) {
		len = utf8_cluster(rl_line_buffer + start, (size_t)rl_end - start, &cells);
		if (start + len > (size_t)rl_point)
			rl_point = (int)(rl_point > before ? start + len : start);
		else
			start += len;
	}
}

static void
run(const char *bytes, size_t n)
{
	locale_t own = le.utf8 ? uselocale(le.utf8) : (locale_t)0;

	le.keys = bytes;
	le.nkeys = n;
	while (le.nkeys)
		rl_callback_read_char();
	if (own)
		uselocale(own);
	le.changed = true;
}

void
lineedit_abort(void)
{
	static const char abort_key[1] = { ABORT };

	if (lineedit_state() != LINEEDIT_READY)
		run(abort_key, 1);
	le.verbatim = false;
}

void
lineedit_leave(void)
{
	if (RL_ISSTATE(RL_STATE_ISEARCH))
		run("\033", 1);
	lineedit_abort();
}

/*
 * A key of several bytes, or the first of several, ends a search before it does what it does.
 * readline would end it, too, but then has the search's frame to jump to when the keys turn out to
 * mean nothing (C-s C-x 1 kills readline 8.2), or takes them for what is searched.
 */
static void
leave_search(const char *bytes, size_t n)
{
	int type = ISFUNC;

	if (!lineedit_searching() || !n || (n == 1 && *bytes == '\033'))
		return;
	if (n == 1)
		bound_to(rl_get_keymap(), bytes, n, &type);
	if (*bytes == '\033' || type == ISKMAP)
		lineedit_leave();
}

/* Bytes of what is searched for. The incremental search tells them only in its prompt, between quotes. */
static size_t
search_len(void)
{
	const char *quote;

	if (!RL_ISSTATE(RL_STATE_ISEARCH))
		return (size_t)rl_end;
	quote = rl_display_prompt ? strchr(rl_display_prompt, '`') : NULL;
	return quote ? strlen(quote) - strlen("`': ") : 0;
}

/* How much of a text has room in what is searched for, in whole characters. */
static size_t
fit_search(const char *text, size_t n)
{
	size_t used = search_len(), fits = 0, len;
	uint32_t cp;

	while (fits < n) {
		len = utf8_decode(text + fits, n - fits, &cp);
		if (used + fits + len > SEARCH_MAX)
			break;
		fits += len;
	}
	return fits;
}

void
lineedit_feed(const char *bytes, size_t n)
{
	bool verbatim = le.verbatim;
	int before = rl_point, type = ISFUNC;
	rl_command_func_t *f = NULL;

	leave_search(bytes, n);
	if (lineedit_searching() && is_text(bytes, n) && !(n = fit_search(bytes, n)))
		return;
	if (!verbatim && !RL_ISSTATE(RL_STATE_MULTIKEY) && n)
		f = bound_to(rl_get_keymap(), bytes, n, &type);
	if (!lineedit_searching() && may_begin_search(f, type)) {
		strbuf_reset(&le.typed);
		strbuf_add(&le.typed, rl_line_buffer, (size_t)rl_end);
	}
	run(bytes, n);
	le.verbatim = !verbatim && type == ISFUNC && takes_a_key(f);
	if (lineedit_state() == LINEEDIT_READY)
		snap(before);
}

/* ---- the text -------------------------------------------------------------------------------- */

void
lineedit_insert(const char *text)
{
	lineedit_abort();
	rl_insert_text(text);
	le.changed = true;
}

void
lineedit_replace(size_t from, size_t to, const char *text)
{
	lineedit_abort();
	rl_begin_undo_group();
	rl_delete_text((int)from, (int)to);
	rl_point = (int)from;
	rl_insert_text(text);
	rl_end_undo_group();
	le.changed = true;
}

void
lineedit_set(const char *text)
{
	lineedit_abort();
	rl_end_of_history(1, 0);
	lineedit_replace(0, (size_t)rl_end, text);
}

void
lineedit_accept(void)
{
	run(ACCEPT, strlen(ACCEPT));
}

char *
lineedit_take(void)
{
	char *line = le.accepted;

	le.accepted = NULL;
	return line;
}

bool
lineedit_take_eof(void)
{
	bool eof = le.eof;

	le.eof = false;
	return eof;
}

void
lineedit_remember(const char *line)
{
	int before = history_length;
	HIST_ENTRY *last = before ? history_get(history_base + before - 1) : NULL;

	if (last && !strcmp(last->line, line))
		return;
	add_history(line);
	using_history();
	if (le.history_path)
		histfile_append(le.history_path, line);
}

/* Without what a user's prompt strings mark as not to be shown. */
const char *
lineedit_prompt(void)
{
	bool hidden = false;

	strbuf_reset(&le.prompt);
	for (const char *s = rl_display_prompt ? rl_display_prompt : ""; *s; s++) {
		if (*s == RL_PROMPT_START_IGNORE || *s == RL_PROMPT_END_IGNORE)
			hidden = *s == RL_PROMPT_START_IGNORE;
		else if (!hidden)
			strbuf_addc(&le.prompt, *s);
	}
	return le.prompt.s;
}

const char *
lineedit_text(size_t *len, size_t *point)
{
	if (len)
		*len = (size_t)rl_end;
	if (point)
		*point = (size_t)rl_point;
	return rl_line_buffer;
}

const char *
lineedit_typed(size_t *len)
{
	if (!lineedit_searching())
		return lineedit_text(len, NULL);
	if (len)
		*len = le.typed.len;
	return le.typed.s;
}

bool
lineedit_changed(void)
{
	bool changed = le.changed;

	le.changed = false;
	return changed;
}

void
lineedit_set_width(int cells)
{
	le.width = cells;
}
