#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "app/cli/cli.h"
#include "app/cli/input.h"
#include "app/cli/interrupt.h"
#include "app/cli/tool.h"
#include "base/xalloc.h"

enum { MAX_INPUT = 1 << 30 };

const struct option_spec cli_perplexity_options[] = {
	CLI_OPTION_MODEL,
	CLI_OPTION_HELP,
	{ 0 },
};

/*
 * exp of the mean of -log p(token | what is before it in its window). Windows are as long as the
 * context and overlap by half; in all but the first only the second half counts, so that each token
 * counts once, with at least half a window before it. Each window begins with BOS if the model
 * wants one.
 */
struct count {
	const struct token_list *text;
	struct token_list window;
	size_t begin;		/* of the window in the text */
	size_t lead;		/* 1: the window begins with BOS */
	size_t from;		/* first position of the window that counts */
	size_t n_vocab;
	size_t n;		/* tokens so far, and the sums of -log p and its square */
	double sum, squares;
};

/* -log of the probability of `id`. */
static double
surprise(const float *logits, size_t n, int32_t id)
{
	double max = logits[0], sum = 0;

	for (size_t i = 1; i < n; i++)
		max = logits[i] > max ? logits[i] : max;
	for (size_t i = 0; i < n; i++)
		sum += exp(logits[i] - max);
	return max + log(sum) - logits[id];
}

/* The logits of a position say what is expected at the next one. */
static bool
on_logits(void *ctx, size_t first, size_t k, const float *logits)
{
	struct count *c = ctx;

	for (size_t i = 0; i < k; i++) {
		size_t next = first + i + 1;
		double x;

		if (next < c->from || next >= c->window.n)
			continue;
		x = surprise(logits + i * c->n_vocab, c->n_vocab, c->window.id[next]);
		c->n++;
		c->sum += x;
		c->squares += x * x;
	}
	return !interrupted();
}

static double
perplexity(const struct count *c)
{
	return exp(c->sum / (double)c->n);
}

/* The standard error of the mean, carried through exp. */
static double
uncertainty(const struct count *c)
{
	double n = (double)c->n, mean = c->sum / n, variance = c->squares / n - mean * mean;

	return c->n > 1 && variance > 0 ? exp(mean) * sqrt(variance / (n - 1)) : 0;
}

static size_t
fill_window(struct count *c, const struct vocab *v, size_t size)
{
	size_t end = c->begin + size - c->lead;

	end = end < c->text->n ? end : c->text->n;
	c->window.n = 0;
	if (c->lead)
		token_list_add(&c->window, vocab_bos(v));
	for (size_t i = c->begin; i < end; i++)
		token_list_add(&c->window, c->text->id[i]);
	return end;
}

static int
run_windows(struct tool *t, struct count *c, size_t size)
{
	const struct vocab *v = llm_vocab(t->llm);
	size_t done = 0, end;	/* text tokens that have counted */

	for (size_t number = 1; done < c->text->n; number++) {
		end = fill_window(c, v, size);
		c->from = done - c->begin + c->lead;
		if (!c->from)
			c->from = 1;
		if (llm_logits_each(t->chat, c->window.id, c->window.n, on_logits, c, &t->err) < 0)
			return -1;
		output_addf(&t->out, "%zu: %zu of %zu tokens, perplexity %.4f\n", number, end,
			c->text->n, perplexity(c));
		if (output_flush(&t->out) < 0)
			return 0;
		done = end;
		/* The last window is moved back so that it is as long as the others. */
		c->begin += size / 2;
		if (c->begin + size - c->lead > c->text->n)
			c->begin = c->text->n > size - c->lead ? c->text->n - (size - c->lead) : 0;
	}
	output_addf(&t->out, "perplexity %.4f ± %.4f (%zu tokens, windows of %zu)\n",
		perplexity(c), uncertainty(c), c->n, size);
	return 0;
}

static int
read_text(struct tool *t, const char *path, struct token_list *out)
{
	struct strbuf text = STRBUF_INIT;
	int rc = input_read(path, MAX_INPUT, &text, &t->err);

	if (rc == 0) {
		if (input_repair(&text))
			note("%s is not valid UTF-8; the wrong bytes were taken as U+FFFD", path);
		vocab_encode(llm_vocab(t->llm), text.s, text.len, ENCODE_PREFIX, out);
	}
	strbuf_release(&text);
	return rc;
}

static int
run(struct tool *t, const struct options *o)
{
	struct token_list text = { 0 };
	struct count c = { .text = &text };
	const struct vocab *v;
	int rc;

	if (tool_open_model(t, o) < 0)
		return -1;
	v = llm_vocab(t->llm);
	rc = read_text(t, o->args[0], &text);
	c.n_vocab = llm_get_info(t->llm)->n_vocab;
	c.lead = vocab_add_bos(v) && vocab_bos(v) >= 0;
	if (rc == 0 && text.n + c.lead < 2)
		rc = err_set(&t->err, ERR_USAGE, "%s: a text of one token says nothing",
			o->args[0]);
	if (rc == 0)
		rc = tool_open_chat(t, o, 0);
	if (rc == 0)
		rc = run_windows(t, &c, llm_chat_context(t->chat));
	token_list_release(&c.window);
	token_list_release(&text);
	return rc;
}

int
cli_perplexity(const struct options *o)
{
	struct tool t;
	int rc = tool_begin(&t, o);

	if (rc == 0)
		rc = run(&t, o);
	return tool_end(&t, rc);
}
