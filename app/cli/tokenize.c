#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "app/cli/cli.h"
#include "app/cli/input.h"
#include "app/cli/tool.h"
#include "base/utf8.h"

const struct option_spec cli_tokenize_options[] = {
	CLI_OPTION_MODEL,
	{ 0, "special", NULL, OPTION_FLAG, offsetof(struct options, special), 0,
		"control tokens written out in a text are recognised" },
	{ '0', "null", NULL, OPTION_FLAG, offsetof(struct options, nul), 0,
		"texts end with NUL instead of a newline" },
	CLI_OPTION_HELP,
	{ 0 },
};

static void
print_ids(struct output *out, const struct token_list *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		output_addf(out, i ? " %d" : "%d", (int)ids->id[i]);
	output_adds(out, "\n");
}

struct job {
	const struct vocab *vocab;
	unsigned flags;
	size_t text;			/* number of the text */
	size_t bad;			/* of the first with invalid bytes; 0: none */
};

static void
tokenize_text(struct job *job, const char *s, size_t len, struct output *out)
{
	struct token_list ids = { 0 };
	struct strbuf repaired = STRBUF_INIT;

	job->text++;
	if (utf8_valid(s, len)) {
		vocab_encode(job->vocab, s, len, job->flags, &ids);
	} else {
		utf8_repair(&repaired, s, len);
		vocab_encode(job->vocab, repaired.s, repaired.len, job->flags, &ids);
		if (!job->bad)
			job->bad = job->text;
	}
	print_ids(out, &ids);
	strbuf_release(&repaired);
	token_list_release(&ids);
}

static int
tokenize_file(struct tool *t, struct job *job, const char *path, int end)
{
	FILE *f = input_open(path, &t->err);
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int rc;

	if (!f)
		return -1;
	while (!t->out.error && (n = getdelim(&line, &cap, end, f)) > 0) {
		if (line[n - 1] == end)
			n--;
		tokenize_text(job, line, (size_t)n, &t->out);
		if (t->out.tty)
			output_flush(&t->out);
	}
	rc = t->out.error ? 0 : input_check(f, path, &t->err);
	free(line);
	input_close(f);
	return rc;
}

static int
tokenize(struct tool *t, const struct options *o)
{
	struct vocabulary v;
	struct job job;
	int rc;

	if (tool_open_vocabulary(t, o, &v) < 0)
		return -1;
	job = (struct job){ v.vocab, ENCODE_PREFIX | (o->special ? ENCODE_SPECIAL : 0), 0, 0 };
	rc = tokenize_file(t, &job, o->n_args ? o->args[0] : "-", o->nul ? '\0' : '\n');
	if (job.bad)
		note("text %zu is not valid UTF-8; the wrong bytes were taken as U+FFFD", job.bad);
	vocabulary_release(&v);
	return rc;
}

int
cli_tokenize(const struct options *o)
{
	struct tool t;
	int rc = tool_begin(&t, o);

	if (rc == 0)
		rc = tokenize(&t, o);
	return tool_end(&t, rc);
}
