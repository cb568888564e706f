/*
 * The screen without a model: answers everything with the same text, at a steady rate. For looking
 * at the terminal by hand: make tests/ui/demo && tests/ui/demo [dusk|paper|mono] Type /list, /page,
 * /ask, /kinds, /theme or /fill 500 for the other things there are.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "ui/ui.h"

#define RGB(x) (STYLE_RGB | 0x##x)
#define FG(x) { RGB(x), STYLE_DEFAULT, 0 }
#define FGA(x, a) { RGB(x), STYLE_DEFAULT, a }

static const struct style_sheet dusk = { .slot = {
						 [STYLE_text] = { RGB(d5d8e0), RGB(1b1d26), 0 },
						 [STYLE_title] = FGA(e8d9b8, STYLE_BOLD),
						 [STYLE_model] = FG(8b90a3),
						 [STYLE_border] = FG(3d4256),
						 [STYLE_user] = FG(7fb4ca),
						 [STYLE_assistant] = FG(d7a65f),
						 [STYLE_system] = FG(7d8296),
						 [STYLE_footer] = FG(646a80),
						 [STYLE_notice] = FG(8b90a3),
						 [STYLE_error] = FG(e06c75),
						 [STYLE_divider] = FG(646a80),
						 [STYLE_input] = FG(eceef3),
						 [STYLE_prompt] = FGA(d7a65f, STYLE_BOLD),
						 [STYLE_placeholder] = FG(646a80),
						 [STYLE_status] = FG(8b90a3),
						 [STYLE_status_busy] = FG(d5d8e0),
						 [STYLE_key] = FG(d7a65f),
						 [STYLE_meter] = FG(98bb6c),
						 [STYLE_meter_full] = FG(e06c75),
						 [STYLE_meter_empty] = FG(3d4256),
						 [STYLE_new_lines] = { RGB(1b1d26), RGB(d7a65f),
							 0 },
						 [STYLE_popup] = { RGB(d5d8e0), RGB(242733), 0 },
						 [STYLE_popup_title] = FGA(e8d9b8, STYLE_BOLD),
						 [STYLE_selected] = { RGB(ffffff), RGB(3a4060), 0 },
						 [STYLE_match] = FGA(d7a65f, STYLE_BOLD),
						 [STYLE_detail] = FG(8b90a3),
						 [STYLE_strong] = FGA(f2f3f7, STYLE_BOLD),
						 [STYLE_emphasis] = FGA(d5d8e0, STYLE_ITALIC),
						 [STYLE_heading] = FGA(e8d9b8, STYLE_BOLD),
						 [STYLE_code] = FG(98bb6c),
						 [STYLE_quote] = FGA(a3a8ba, STYLE_ITALIC),
						 [STYLE_bullet] = FG(d7a65f),
					 } };

static const struct style_sheet paper = { .slot = {
						  [STYLE_text] = { RGB(2b2b2b), RGB(f7f4ec), 0 },
						  [STYLE_title] = FGA(1f3a5f, STYLE_BOLD),
						  [STYLE_model] = FG(7a7468),
						  [STYLE_border] = FG(cfc8b8),
						  [STYLE_user] = FG(1f6f8b),
						  [STYLE_assistant] = FG(a0522d),
						  [STYLE_system] = FG(7a7468),
						  [STYLE_footer] = FG(9a9385),
						  [STYLE_notice] = FG(7a7468),
						  [STYLE_error] = FG(b3261e),
						  [STYLE_divider] = FG(9a9385),
						  [STYLE_input] = FG(111111),
						  [STYLE_prompt] = FGA(a0522d, STYLE_BOLD),
						  [STYLE_placeholder] = FG(9a9385),
						  [STYLE_status] = FG(7a7468),
						  [STYLE_status_busy] = FG(2b2b2b),
						  [STYLE_key] = FG(a0522d),
						  [STYLE_meter] = FG(4e7d3a),
						  [STYLE_meter_full] = FG(b3261e),
						  [STYLE_meter_empty] = FG(cfc8b8),
						  [STYLE_new_lines] = { RGB(f7f4ec), RGB(a0522d),
							  0 },
						  [STYLE_popup] = { RGB(2b2b2b), RGB(ece6d8), 0 },
						  [STYLE_popup_title] = FGA(1f3a5f, STYLE_BOLD),
						  [STYLE_selected] = { RGB(111111), RGB(d6dfe8),
							  0 },
						  [STYLE_match] = FGA(a0522d, STYLE_BOLD),
						  [STYLE_detail] = FG(7a7468),
						  [STYLE_strong] = FGA(111111, STYLE_BOLD),
						  [STYLE_emphasis] = FGA(2b2b2b, STYLE_ITALIC),
						  [STYLE_heading] = FGA(1f3a5f, STYLE_BOLD),
						  [STYLE_code] = FG(4e7d3a),
						  [STYLE_quote] = FGA(5c574d, STYLE_ITALIC),
						  [STYLE_bullet] = FG(a0522d),
					  } };

static const struct {
	const char *name;
	const struct style_sheet *sheet;
} themes[] = { { "dusk", &dusk }, { "paper", &paper }, { "mono", &style_sheet_mono } };

static const char answer[] = "**June** and **July** are the driest months in Cusco: on most days "
			     "not a drop falls, and the "
			     "nights are *cold*. Pack layers.\n"
			     "\n"
			     "## What to pack\n"
			     "- A warm jacket for the evenings, when it may be near 0 °C at 3 400 "
			     "m, and a light one for the day\n"
			     "- Sun cream and a hat; the sun is strong up there\n"
			     "- 1 or 2 litres of water\n"
			     "\n"
			     "> Take the first two days slowly: the height is felt.\n"
			     "\n"
			     "A little program counts the days with `datetime`:\n"
			     "```python\n"
			     "def days(a, b):\n"
			     "    return (b - a).days    # a long comment that goes on and on, to "
			     "see where a line of code is broken\n"
			     "```\n"
			     "日本語の文章も折り返されます。 Emoji 👩‍💻 and é́ keep their cells. "
			     "Have a good trip!";

static volatile sig_atomic_t resized;

static void
on_winch(int sig)
{
	resized = 1;
}

struct demo {
	struct ui *ui;
	size_t entry, sent;
	bool busy, quit;
	int theme;
	long long next;
};

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void
show_status(struct demo *d)
{
	ui_set_status(d->ui, &(struct ui_status){
		.context_used = 34 + transcript_count(ui_transcript(d->ui)) * 90 + d->sent / 4,
		.context_size = 4096, .system_tokens = 34, .progress = -1,
		.state = d->busy ? "generating 13.9 tok/s" : "",
		.hint = d->busy ? "Esc stops" : "F1 help · C-p commands",
	});
}

static void
finish(struct demo *d)
{
	if (d->busy)
		transcript_set_footer(ui_transcript(d->ui), d->entry, "‹ 1/1 ›   14.2 tok/s · 118 tokens · 8.3 s");
	d->busy = false;
	show_status(d);
}

static void
stream(struct demo *d)
{
	size_t n = strlen(answer + d->sent);

	n = n > 5 ? 5 : n;
	while (utf8_incomplete_tail(answer + d->sent, n))
		n++;
	transcript_append(ui_transcript(d->ui), d->entry, answer + d->sent, n);
	d->sent += n;
	d->next = now_ms() + 30;
	if (!answer[d->sent])
		finish(d);
}

static void
show_list(struct demo *d)
{
	static const struct ui_choice items[] = {
		{ "Trip to Cusco", "today 14:02 · 8 messages",
			"Which month is driest?\n\nJune and July are." },
		{ "Sourdough, second try", "yesterday · 23 messages",
			"My starter smells of apples. Is that good?" },
		{ "Why is the sky blue", "Monday · 4 messages", "Explain it to a child of five." },
		{ "日本語の練習", "12 Oct · 61 messages", "今日は何を勉強しますか。" },
	};

	ui_pick(d->ui, &(struct ui_pick){ .tag = 1,
			       .title = "Sessions",
			       .items = items,
			       .n = 4,
			       .keys = "dr",
			       .hint = "Enter opens · C-d deletes · C-r renames" });
}

static void
submit(struct demo *d, const char *text)
{
	struct transcript *t = ui_transcript(d->ui);

	if (!strcmp(text, "/list")) {
		show_list(d);
	} else if (!strcmp(text, "/page")) {
		ui_page(d->ui, "Help", answer);
	} else if (!strcmp(text, "/ask")) {
		ui_ask(d->ui, 2,
			"Delete the session \"Trip to Cusco\"? Its 8 messages go to the archive.");
	} else if (!strcmp(text, "/theme")) {
		d->theme = (d->theme + 1) % 3;
		ui_set_style(d->ui, themes[d->theme].sheet);
	} else if (!strcmp(text, "/kinds")) {
		transcript_add(t, ENTRY_NOTICE, "",
			"Saved as \"Trip to Cusco\". The model is llama-2-13b-chat now.");
		transcript_add(t, ENTRY_DIVIDER, "", "older messages left the context");
		transcript_add(t, ENTRY_ERROR, "error",
			"The model file was cut short: 3.1 of 7.4 GB. Fetch it again with hum "
			"models.");
	} else if (!strncmp(text, "/fill ", 6)) {
		for (int i = 0; i < atoi(text + 6); i++)
			transcript_add(t, i & 1 ? ENTRY_ASSISTANT : ENTRY_USER,
				i & 1 ? "llama" : "you", answer);
	} else if (!d->busy) {
		transcript_add(t, ENTRY_USER, "you", text);
		d->entry = transcript_add(t, ENTRY_ASSISTANT, "llama", "");
		d->sent = 0;
		d->busy = true;
		d->next = now_ms();
	}
	show_status(d);
}

static void
handle(struct demo *d, const struct ui_event *ev)
{
	if (ev->type == UI_SUBMIT)
		submit(d, ev->text);
	else if (ev->type == UI_ANSWER)
		ui_flash(d->ui, !ev->choice, 3000, ev->choice ? "deleted" : "kept");
	else if (ev->type == UI_HANGUP)
		d->quit = true;
	if (ev->type != UI_ACTION)
		return;
	switch (ev->action) {
	case ACTION_STOP:
		finish(d);
		break;
	case ACTION_INTERRUPT:
		if (!d->busy && !*ui_input(d->ui))
			d->quit = true;
		finish(d);
		ui_set_input(d->ui, "");
		break;
	case ACTION_SESSIONS:
		show_list(d);
		break;
	case ACTION_HELP:
		ui_page(d->ui, "Help", answer);
		break;
	case ACTION_SUSPEND:
		ui_suspend(d->ui);
		raise(SIGSTOP);
		ui_resume(d->ui);
		break;
	default:
		break;
	}
}

static void
complete(void *ctx, const char *line, size_t cursor, struct ui_completions *out)
{
	static const char *const commands[][2] = {
		{ "/ask", "ask a question" },
		{ "/fill ", "add many messages" },
		{ "/kinds", "what else is said" },
		{ "/list", "show a list" },
		{ "/page", "show a page" },
		{ "/theme", "the next theme" },
	};

	if (line[0] != '/')
		return;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strncmp(commands[i][0], line, cursor))
			ui_completions_add(out, commands[i][0], commands[i][1]);
}

static void
loop(struct demo *d)
{
	struct pollfd p[] = { { ui_fd(d->ui), POLLIN, 0 }, { -1, POLLOUT, 0 } };
	struct ui_event ev;

	while (!d->quit) {
		int timeout;

		ui_draw(d->ui);
		p[1].fd = ui_out_fd(d->ui);
		timeout = ui_timeout(d->ui);
		if (d->busy) {
			long long wait = d->next - now_ms();

			timeout = timeout < 0 || timeout > wait ? (int)(wait < 0 ? 0 : wait)
								: timeout;
		}
		if (poll(p, 2, timeout) < 0 && errno != EINTR)
			break;
		if (resized) {
			resized = 0;
			ui_resize(d->ui);
		}
		if (p[0].revents && !ui_read(d->ui))
			break;
		while (ui_next_event(d->ui, &ev))
			handle(d, &ev);
		if (d->busy && now_ms() >= d->next)
			stream(d);
	}
}

int
main(int argc, char **argv)
{
	struct demo d = { .ui = NULL };
	struct err e;

	setlocale(LC_ALL, "");
	for (int i = 0; argc > 1 && i < 3; i++)
		if (!strcmp(argv[1], themes[i].name))
			d.theme = i;
	d.ui = ui_new(&(struct ui_opts){ .style = themes[d.theme].sheet, .complete = complete,
		.history_path = getenv("DEMO_HISTORY") }, &e);
	if (!d.ui) {
		fprintf(stderr, "demo: %s\n", e.text);
		return e.code;
	}
	sigaction(SIGWINCH, &(struct sigaction){ .sa_handler = on_winch }, NULL);
	ui_set_title(d.ui, "Trip to Cusco", "llama-2-13b-chat · Q4_K_M");
	ui_set_placeholder(d.ui, "Ask anything; /help shows what else there is");
	transcript_add(ui_transcript(d.ui), ENTRY_SYSTEM, "system",
		"You are a helpful, respectful and honest assistant.");
	show_status(&d);
	loop(&d);
	ui_free(d.ui);
	return 0;
}
