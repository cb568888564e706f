#include "config.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/programs.h"
#include "base/checked.h"
#include "base/utf8.h"

enum { WINDOW = 512 };	/* tokens of a perplexity window, as other programs have it */

/* Room for the logits of n positions; -1 when memory cannot be had. */
static float *
logits_buffer(size_t n, size_t n_vocab, struct err *e)
{
	uint64_t bytes;
	float *p = NULL;

	if (checked_mul(n, n_vocab, &bytes) && checked_mul(bytes, sizeof *p, &bytes) && bytes < SIZE_MAX)
		p = malloc((size_t)bytes + 1);
	if (!p)
		err_set(e, ERR_BACKEND, "no memory for the logits of %zu positions", n);
	return p;
}

/* ---- hum logits ---- */

static int
parse_ids(const char *text, struct token_list *ids, struct err *e)
{
	while (*text) {
		char *end;
		long id;

		errno = 0;
		id = strtol(text, &end, 10);
		if (end == text || errno || id < 0 || id > INT32_MAX)
			return err_set(e, ERR_USAGE, "--ids: no token id at \"%.20s\"", text);
		token_list_add(ids, (int32_t)id);
		text = end + strspn(end, " \t\n,");
	}
	return ids->n ? 0 : err_set(e, ERR_USAGE, "hum logits needs --ids \"N N N\"");
}

static int
write_floats(const char *path, const float *x, size_t n, struct err *e)
{
	bool to_stdout = !strcmp(path, "-");
	FILE *f = to_stdout ? stdout : fopen(path, "we");
	bool ok = true;

	if (!f)
		return err_errno(e, ERR_STORE, "%s", path);
	for (size_t i = 0; i < n && ok; i++) {
		uint32_t bits;

		memcpy(&bits, &x[i], sizeof bits);
		bits = htole32(bits);
		ok = fwrite(&bits, sizeof bits, 1, f) == 1;
	}
	errno = ok ? errno : EIO;
	ok = (to_stdout ? fflush(f) : fclose(f)) == 0 && ok;
	return ok ? 0 : err_errno(e, ERR_STORE, "%s", path);
}

int
program_logits(const struct options *o)
{
	struct cli_model m = { 0 };
	struct token_list ids = { 0 };
	struct err e = { 0 };
	float *out = NULL;
	size_t n_vocab;
	int rc = -1;

	if (!o->output)
		err_set(&e, ERR_USAGE, "hum logits needs -o FILE");
	else if (parse_ids(o->ids ? o->ids : "", &ids, &e) == 0)
		rc = cli_model_open(&m, o, 0, &e);
	if (rc == 0) {
		n_vocab = vocab_size(llm_vocab(m.llm));
		out = logits_buffer(ids.n, n_vocab, &e);
		rc = out ? llm_logits(m.chat, ids.id, ids.n, out, &e) : -1;
		if (rc == 0)
			rc = write_floats(o->output, out, ids.n * n_vocab, &e);
	}
	free(out);
	token_list_release(&ids);
	cli_model_close(&m);
	return rc < 0 ? cli_fail(&e) : 0;
}

/* ---- hum perplexity ---- */

/* -log of the probability that the logits give to an id. */
static double
surprise(const float *logits, size_t n_vocab, int32_t id)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n_vocab; i++)
		max = logits[i] > max ? logits[i] : max;
	for (size_t i = 0; i < n_vocab; i++)
		sum += exp(logits[i] - max);
	return log(sum) + max - logits[id];
}

struct score {
	double sum;
	size_t n;
};

/* One window: BOS if the model wants it, then tokens, each predicted from those before it. */
static int
score_window(struct cli_model *m, const int32_t *ids, size_t n, float *logits, struct score *s, struct err *e)
{
	const struct vocab *v = llm_vocab(m->llm);
	size_t n_vocab = vocab_size(v), lead = vocab_add_bos(v) && vocab_bos(v) >= 0;
	struct token_list seq = { 0 };
	int rc;

	if (lead)
		token_list_add(&seq, vocab_bos(v));
	for (size_t i = 0; i < n; i++)
		token_list_add(&seq, ids[i]);
	rc = llm_logits(m->chat, seq.id, seq.n, logits, e);
	for (size_t i = 0; rc == 0 && i + 1 < seq.n; i++) {
		s->sum += surprise(logits + i * n_vocab, n_vocab, seq.id[i + 1]);
		s->n++;
	}
	token_list_release(&seq);
	return rc;
}

static int
score_text(struct cli_model *m, const struct token_list *ids, struct score *s, struct err *e)
{
	size_t context = llm_chat_context(m->chat), window = context < WINDOW ? context : WINDOW;
	float *logits = logits_buffer(window, vocab_size(llm_vocab(m->llm)), e);
	int rc = logits ? 0 : -1;

	window--;	/* BOS */
	for (size_t at = 0; rc == 0 && at < ids->n; at += window) {
		size_t n = ids->n - at < window ? ids->n - at : window;

		rc = score_window(m, ids->id + at, n, logits, s, e);
	}
	free(logits);
	return rc;
}

int
program_perplexity(const struct options *o)
{
	struct cli_model m = { 0 };
	struct strbuf raw = STRBUF_INIT, text = STRBUF_INIT;
	struct token_list ids = { 0 };
	struct score s = { 0 };
	struct err e = { 0 };
	int rc = cli_read_file(o->args[0], &raw, &e);

	if (rc == 0)
		rc = cli_model_open(&m, o, WINDOW, &e);
	if (rc == 0) {
		utf8_repair(&text, raw.s, raw.len);
		vocab_encode(llm_vocab(m.llm), text.s, text.len, ENCODE_PREFIX, &ids);
		rc = score_text(&m, &ids, &s, &e);
	}
	if (rc == 0 && !s.n)
		rc = err_set(&e, ERR_USAGE, "%s: no text", o->args[0]);
	if (rc == 0)
		printf("perplexity %.4f (%zu tokens in windows of %d, each begun anew)\n", exp(s.sum / (double)s.n), s.n,
			WINDOW);
	token_list_release(&ids);
	strbuf_release(&raw);
	strbuf_release(&text);
	cli_model_close(&m);
	return rc < 0 ? cli_fail(&e) : 0;
}
