#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/controller/controller.h"
#include "app/models/guide.h"
#include "base/xalloc.h"

void
controller_failed(struct controller *c, int code)
{
	if (!c->failed)
		c->failed = code;
}

int64_t
controller_now(const struct controller *c)
{
	struct timespec now;

	if (c->o.now_ms)
		return c->o.now_ms();
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
controller_is_guide(const struct controller *c)
{
	return c->loaded && !strcmp(c->model.ref, GUIDE_NAME);
}

static void __attribute__((format(printf, 3, 0)))
say(struct controller *c, enum entry_kind kind, const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap);

	chat_view_say(&c->view, kind, text);
	free(text);
}

void
controller_notice(struct controller *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, ENTRY_NOTICE, fmt, ap);
	va_end(ap);
}

void
controller_error(struct controller *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, ENTRY_ERROR, fmt, ap);
	va_end(ap);
	ui_scroll_to_end(c->ui);	/* what went wrong is never out of sight */
}

/* Errors are written to follow other words. Alone they begin with a capital letter, unless it is a name's. Heap. */
static char *
sentence(const char *text)
{
	char *copy = xstrdup(text);
	size_t word = strspn(copy, "abcdefghijklmnopqrstuvwxyz");

	if (word && (copy[word] == ' ' || !copy[word]))
		*copy = (char)toupper((unsigned char)*copy);
	return copy;
}

void
controller_error_from(struct controller *c, const struct err *e)
{
	char *text = sentence(e->text);

	controller_error(c, "%s", text);
	free(text);
}

static bool
flash(struct controller *c, const char *text)
{
	bool whole = ui_flash(c->ui, false, 4000, text);

	chat_view_echo(&c->view, "-- ", text);
	return whole || c->o.plain;
}

void
controller_flash(struct controller *c, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	flash(c, text);
	free(text);
}

void
controller_refuse(struct controller *c, const char *line, const char *reason)
{
	char *text = sentence(reason);

	controller_give_back(c, line);
	if (!flash(c, text))
		controller_page(c, "Not done", text);
	free(text);
}

void
controller_page(struct controller *c, const char *title, const char *text)
{
	if (c->o.plain)
		chat_view_echo(&c->view, "", text);
	else
		ui_page(c->ui, title, text);
}

void
controller_ask(struct controller *c, int tag, const char *question)
{
	if (!c->o.plain) {
		ui_ask(c->ui, tag, question);
		return;
	}
	chat_view_echo(&c->view, question, " (y or n)");
	c->plain_popup = tag;
}

void
controller_pick(struct controller *c, const struct ui_pick *pick)
{
	if (c->o.plain)
		plain_pick(c, pick);
	else
		ui_pick(c->ui, pick);
}

void
controller_give_back(struct controller *c, const char *text)
{
	const char *typed = ui_input(c->ui);
	char *both;

	if (c->o.plain) {
		chat_view_echo(&c->view, "-- not sent: ", text);
		return;
	}
	both = *typed ? xasprintf("%s\n%s", text, typed) : xstrdup(text);

	ui_set_input(c->ui, both);
	free(both);
	c->draft_due = controller_now(c);
}

void
controller_show_title(struct controller *c)
{
	const char *title = c->session->conv.title;
	char model[256] = "no model";

	if (c->loaded)
		snprintf(model, sizeof model, "%s · %s", c->model.name, c->model.type);
	ui_set_title(c->ui, title ? title : "new chat", model);
}

/* ctx of the status line: what the last answer left in the context. */
static void
meter(const struct controller *c, struct ui_status *s)
{
	if (!c->loaded)
		return;
	s->context_size = c->model.context;
	s->context_used = c->stats.prompt_tokens + c->stats.answer_tokens;
	if (s->context_used > s->context_size)
		s->context_used = s->context_size;
	if (c->session->conv.system)
		s->system_tokens = c->stats.system_tokens;
}

static const char *
hint_of_work(const struct controller *c)
{
	return c->queue.len ? "Esc takes back what waits" : "Esc stops";
}

static void
state_of_load(const struct controller *c, struct ui_status *s, char *text, size_t size)
{
	snprintf(text, size, "loading the model");
	if (c->load_total)
		s->progress = (double)c->load_done / (double)c->load_total;
	s->hint = hint_of_work(c);
}

static void
state_of_reply(const struct controller *c, struct ui_status *s, char *text, size_t size)
{
	char rate[32];

	s->hint = hint_of_work(c);
	if (c->stats.answer_tokens) {
		chat_view_rate(c->stats.tokens_per_second, c->stats.total_seconds - c->stats.first_token_seconds, rate);
		snprintf(text, size, "generating%s%s", *rate ? " " : "", rate);
		return;
	}
	snprintf(text, size, "reading the prompt");
	if (c->prefill_total) {
		snprintf(text, size, "reading %llu/%llu tokens", (unsigned long long)c->prefill_done,
			(unsigned long long)c->prefill_total);
		s->progress = (double)c->prefill_done / (double)c->prefill_total;
	}
}

void
controller_show_status(struct controller *c)
{
	char text[256] = "", both[600];
	struct ui_status s = { .state = text, .progress = -1, .hint = "F1 help" };

	meter(c, &s);
	if (c->phase == PHASE_LOADING)
		state_of_load(c, &s, text, sizeof text);
	else if (c->phase == PHASE_REPLYING)
		state_of_reply(c, &s, text, sizeof text);
	if (c->stopping)
		snprintf(text, sizeof text, "stopping");
	if (c->disk_failed) {
		snprintf(both, sizeof both, "NOT SAVED%s%s", *text ? " · " : "", text);
		s.state = both;
	}
	ui_set_status(c->ui, &s);
}

/* Nothing in view, and yet the chat has messages: they must not seem to be gone. */
static void
say_out_of_view(struct controller *c)
{
	struct conversation_end *ends;
	struct message **path;
	bool empty = !conversation_path(&c->session->conv, &path);

	free(path);
	if (!empty)
		return;
	if (conversation_ends(&c->session->conv, &ends))
		controller_notice(c, "All messages of this chat were taken back. /branch shows them.");
	free(ends);
}

void
controller_show_conversation(struct controller *c)
{
	chat_view_show(&c->view, &c->session->conv);
	say_out_of_view(c);
	chat_view_set_divider(&c->view, controller_first_seen(c));
	chat_view_set_queue(&c->view, c->queue.s);
	ui_scroll_to_end(c->ui);
	controller_show_title(c);
	controller_show_status(c);
}
