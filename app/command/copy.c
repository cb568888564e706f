#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/chat/code_block.h"
#include "app/command/handlers.h"

/* ---- answers ---- */

/* Length without the blank lines at the end. */
static size_t
without_blank_lines(const struct strbuf *text)
{
	size_t last = text->len;

	while (last && strchr(" \t\r\n", text->s[last - 1]))
		last--;
	return last ? last + strcspn(text->s + last, "\n") : 0;
}

static void
copy_answer(struct controller *c, const struct message *m, size_t from_end)
{
	size_t len = without_blank_lines(&m->text);
	char what[64] = "the last answer";

	if (m->id == c->answer)
		snprintf(what, sizeof what, "the answer so far");
	else if (from_end > 1)
		snprintf(what, sizeof what, "answer %zu from the end", from_end);
	if (len)
		controller_copy(c, what, m->text.s, len);
	else
		controller_flash(c, "There is nothing to copy in %s", what);
}

static void
copy_wanted_answer(struct controller *c, const char *arg, struct message **answers, size_t n)
{
	size_t wanted = *arg ? command_number(arg, n) : 1;

	if (!n)
		controller_flash(c, "There is no answer to copy yet");
	else if (wanted)
		copy_answer(c, answers[wanted - 1], wanted);
	else if (n == 1)
		command_refuse(c, "There is one answer: /copy takes nothing, 1, or code");
	else
		command_refuse(c, "There are %zu answers: /copy takes a number from 1 to %zu, or code", n, n);
}

/* ---- code ---- */

static void
copy_block(struct controller *c, const struct message *m, size_t which, size_t n)
{
	struct strbuf code = STRBUF_INIT;
	char what[64];

	code_block_add(&code, m->text.s, m->text.len, which);
	snprintf(what, sizeof what, "block of code %zu of %zu", which + 1, n);
	if (code.len)
		controller_copy(c, what, code.s, code.len);
	else
		controller_flash(c, "There is nothing to copy in %s", what);
	strbuf_release(&code);
}

static void
copy_wanted_block(struct controller *c, const char *arg, struct message **answers, size_t n)
{
	size_t blocks = 0, wanted, i = 0;

	while (i < n && !(blocks = code_blocks_count(answers[i]->text.s, answers[i]->text.len)))
		i++;
	wanted = *arg ? command_number(arg, blocks) : blocks;
	if (!blocks)
		controller_flash(c, "No answer has a block of code");
	else if (wanted)
		copy_block(c, answers[i], wanted - 1, blocks);
	else if (blocks == 1)
		command_refuse(c, "There is one block of code: /copy code takes nothing, or 1");
	else
		command_refuse(c, "There are %zu blocks of code: /copy code takes a number from 1 to %zu", blocks, blocks);
}

/* ---- */

void
command_copy(struct controller *c, const char *arg)
{
	size_t word = strcspn(arg, " \t\n");
	bool code = word == 4 && !strncasecmp(arg, "code", word);
	struct message **answers;
	size_t n = conversation_latest(&c->session->conv, ROLE_ASSISTANT, &answers);

	if (code)
		copy_wanted_block(c, arg + word + strspn(arg + word, " \t\n"), answers, n);
	else
		copy_wanted_answer(c, arg, answers, n);
	free(answers);
}

void
complete_copy(struct controller *c, const char *word, struct ui_completions *out)
{
	complete_if(out, word, "code", "the last block of code");
}
