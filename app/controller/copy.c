#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/clipboard.h"
#include "app/controller/controller.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/osc52.h"

enum { LOOK_MS = 20, TOOL_MS = 2000, KILLED_MS = 1000 };

/* ---- what is said of it ---- */

/* "1,204 characters". */
static void
count_characters(const struct strbuf *text, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += ((unsigned char)text->s[i] & 0xc0) != 0x80;
	if (n >= 1000000)
		snprintf(out, size, "%zu,%03zu,%03zu characters", n / 1000000, n / 1000 % 1000, n % 1000);
	else if (n >= 1000)
		snprintf(out, size, "%zu,%03zu characters", n / 1000, n % 1000);
	else
		snprintf(out, size, "%zu character%s", n, n == 1 ? "" : "s");
}

static void
say_copied(struct controller *c, const struct clipboard_way *way)
{
	char characters[64];

	count_characters(&c->copy.text, characters, sizeof characters);
	controller_flash(c, "%s %s%s, %s", way->verb, c->copy.what, way->to, characters);
}

/* ---- ways ---- */

static bool
is_ascii(const struct strbuf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->s[i] >= 0x80)
			return false;
	return true;
}

static bool
copy_to_plain_terminal(FILE *out, const struct strbuf *text)
{
	struct strbuf sequence = STRBUF_INIT;

	if (!isatty(fileno(out)) || !osc52_suits(getenv("TERM")))
		return false;
	osc52_add(&sequence, text->s, text->len, getenv("STY") != NULL);
	fwrite(sequence.s, 1, sequence.len, out);
	fflush(out);
	strbuf_release(&sequence);
	return true;
}

static void
copy_to_terminal(struct controller *c, const struct clipboard_way *way)
{
	const struct strbuf *text = &c->copy.text;

	if (c->o.plain ? copy_to_plain_terminal(c->o.plain, text) : ui_copy(c->ui, text->s, text->len))
		say_copied(c, way);
	else
		controller_flash(c, "Not copied: neither the terminal nor wl-copy, xclip or xsel has a clipboard here");
}

/* The first, when c->copy.way is NULL. */
static void
try_next_way(struct controller *c)
{
	struct copying *copy = &c->copy;
	char *program;

	for (;;) {
		copy->way = clipboard_way(copy->way, is_ascii(&copy->text), getenv, &program);
		if (!program) {
			copy_to_terminal(c, copy->way);
			return;
		}
		pid_t pid = clipboard_tool_start(copy->way, program, copy->text.s, copy->text.len);

		free(program);
		if (pid > 0) {
			copy->pid = pid;
			copy->killed = false;
			copy->until = controller_now(c) + TOOL_MS;
			return;
		}
		log_msg("%s could not be started", copy->way->argv[0]);
	}
}

void
controller_copy(struct controller *c, const char *what, const char *text, size_t len)
{
	struct copying *copy = &c->copy;

	if (copy->pid) {
		controller_flash(c, "%s has not taken the last copy yet", copy->way->argv[0]);
		return;
	}
	strbuf_reset(&copy->text);
	utf8_scrub(&copy->text, text, len);
	free(copy->what);
	copy->what = xstrdup(what);
	copy->way = NULL;
	try_next_way(c);
}

/* ---- the tool that runs ---- */

bool
controller_is_copying(const struct controller *c)
{
	return c->copy.pid != 0;
}

int
controller_copy_due_ms(const struct controller *c)
{
	return c->copy.pid ? LOOK_MS : -1;
}

/* A tool that does not end is killed; one that does not even die then is left alone. */
static bool
is_over(struct controller *c)
{
	struct copying *copy = &c->copy;

	if (controller_now(c) < copy->until)
		return false;
	if (copy->killed)
		return true;
	log_msg("%s does not end, and is killed", copy->way->argv[0]);
	clipboard_tool_kill(copy->pid);
	copy->killed = true;
	copy->until = controller_now(c) + KILLED_MS;
	return false;
}

void
controller_copy_tick(struct controller *c)
{
	struct copying *copy = &c->copy;
	enum tool_state state;

	if (!copy->pid)
		return;
	state = clipboard_tool_look(copy->pid);
	if (state == TOOL_RUNS && !is_over(c))
		return;
	copy->pid = 0;
	if (state == TOOL_DONE) {
		say_copied(c, copy->way);
		return;
	}
	log_msg("%s has not copied", copy->way->argv[0]);
	try_next_way(c);
}

void
controller_copy_finish(struct controller *c)
{
	struct copying *copy = &c->copy;

	for (int ms = 0; copy->pid && ms < TOOL_MS; ms += LOOK_MS) {
		if (clipboard_tool_look(copy->pid) != TOOL_RUNS)
			copy->pid = 0;
		else
			poll(NULL, 0, LOOK_MS);
	}
	if (copy->pid)
		clipboard_tool_kill(copy->pid);
}

void
controller_copy_release(struct controller *c)
{
	strbuf_release(&c->copy.text);
	free(c->copy.what);
}
