#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/tool.h"
#include "base/xalloc.h"

const struct option_spec cli_logits_options[] = {
	CLI_OPTION_MODEL,
	{ 0, "ids", "\"1 2 3\"", OPTION_TEXT, offsetof(struct options, ids), 0,
		"the tokens, by their ids" },
	{ 'o', "output", "FILE", OPTION_TEXT, offsetof(struct options, output), 0,
		"little-endian float32 [tokens][vocabulary]; -: standard output" },
	CLI_OPTION_HELP,
	{ 0 },
};

static int
parse_ids(const char *text, struct token_list *ids, struct err *e)
{
	const char *s = text + strspn(text, " ,\t\n");

	while (*s) {
		char *end;
		long id;

		errno = 0;
		id = strtol(s, &end, 10);
		if (end == s || errno || id < 0 || id > INT_MAX ||
			(*end && !strchr(" ,\t\n", *end)))
			return err_set(e, ERR_USAGE,
				"--ids: \"%.40s\" does not begin with a token id", s);
		token_list_add(ids, (int32_t)id);
		s = end + strspn(end, " ,\t\n");
	}
	return ids->n ? 0 : err_set(e, ERR_USAGE, "--ids: there is no id in it");
}

static void
to_little_endian(float *x, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &x[i], sizeof bits);
		bits = __builtin_bswap32(bits);
		memcpy(&x[i], &bits, sizeof bits);
	}
#else
	(void)x;
	(void)n;
#endif
}

/* Before the work, so that a name that cannot be written fails at once. */
static int
open_output(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		err_errno(e, ERR_STORE, "%s", path);
	return fd;
}

struct sink {
	struct output *out;	/* NULL: fd */
	int fd;
	const char *path;
	size_t n_vocab;
	float *row;		/* [n_vocab] */
	bool empty;		/* nothing was written yet */
	struct err err;
};

static int
write_fd(struct sink *s, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size) {
		ssize_t n = write(s->fd, at, size);

		if (n < 0 && errno == EINTR && !interrupted())
			continue;
		if (n < 0)
			return err_errno(&s->err, ERR_STORE, "%s: not complete", s->path);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* What was in the file before goes only when there is something to put in its place. */
static int
begin_file(struct sink *s)
{
	struct stat st;

	s->empty = false;
	if (!s->out && fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(s->fd, 0) < 0)
		return err_errno(&s->err, ERR_STORE, "%s", s->path);
	return 0;
}

static bool
on_logits(void *ctx, size_t first, size_t k, const float *logits)
{
	struct sink *s = ctx;

	if (s->empty && begin_file(s) < 0)
		return false;
	for (size_t i = 0; i < k; i++) {
		memcpy(s->row, logits + i * s->n_vocab, s->n_vocab * sizeof *s->row);
		to_little_endian(s->row, s->n_vocab);
		if (s->out)
			output_add(s->out, s->row, s->n_vocab * sizeof *s->row);
		else if (write_fd(s, s->row, s->n_vocab * sizeof *s->row) < 0)
			return false;
	}
	return !s->out || !s->out->error;
}

/* fd -1: standard output. */
static int
compute(struct tool *t, const struct token_list *ids, int fd, const char *path)
{
	struct sink s = { .out = fd < 0 ? &t->out : NULL, .fd = fd, .path = path, .empty = true };
	int rc;

	s.n_vocab = llm_get_info(t->llm)->n_vocab;
	s.row = xcalloc(s.n_vocab, sizeof *s.row);
	rc = llm_logits_each(t->chat, ids->id, ids->n, on_logits, &s, &t->err);
	free(s.row);
	if (s.err.code && !interrupted())
		t->err = s.err;
	return s.out && s.out->error ? 0 : rc;	/* output_end tells that one */
}

static int
logits(struct tool *t, const struct options *o, struct token_list *ids)
{
	bool to_stdout = o->output && strcmp(o->output, "-") == 0;
	int fd = -1, rc;

	if (!o->ids || !o->output)
		return err_set(&t->err, ERR_USAGE, "hum logits needs --ids \"1 2 3\" and -o FILE");
	if (to_stdout && t->out.tty)
		return err_set(&t->err, ERR_USAGE,
			"standard output is a terminal; logits are no text");
	if (parse_ids(o->ids, ids, &t->err) < 0 || tool_open_chat(t, o, 0) < 0)
		return -1;
	if (!to_stdout && (fd = open_output(o->output, &t->err)) < 0)
		return -1;
	rc = compute(t, ids, fd, o->output);
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = err_errno(&t->err, ERR_STORE, "%s: not complete", o->output);
	return rc;
}

int
cli_logits(const struct options *o)
{
	struct tool t;
	struct token_list ids = { 0 };
	int rc = tool_begin(&t, o);

	if (rc == 0)
		rc = logits(&t, o, &ids);
	token_list_release(&ids);
	return tool_end(&t, rc);
}
