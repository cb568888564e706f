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
#include "base/checked.h"

const struct option_spec cli_logits_options[] = {
	CLI_OPTION_MODEL,
	{ 0, "ids", "\"1 2 3\"", OPTION_TEXT, offsetof(struct options, ids), 0, "the tokens, by their ids" },
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
		if (end == s || errno || id < 0 || id > INT_MAX || (*end && !strchr(" ,\t\n", *end)))
			return err_set(e, ERR_USAGE, "--ids: \"%.40s\" does not begin with a token id", s);
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

/* Opened before the work, so that a name that cannot be written fails at once; emptied only when there is something
 * to put in its place. */
static int
open_output(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		err_errno(e, ERR_STORE, "%s", path);
	return fd;
}

static int
write_file(int fd, const char *path, const void *bytes, size_t size, struct err *e)
{
	const char *at = bytes;
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0)
		return err_errno(e, ERR_STORE, "%s", path);
	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR && !interrupted())
			continue;
		if (n < 0)
			return err_errno(e, ERR_STORE, "%s: not complete", path);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* fd -1: standard output. */
static int
compute(struct tool *t, const struct token_list *ids, int fd, const char *path)
{
	uint64_t n_vocab = llm_get_info(t->llm)->n_vocab, size = 0;
	float *out = NULL;
	int rc;

	if (checked_mul(n_vocab * sizeof *out, ids->n, &size) && size <= SIZE_MAX / 2)
		out = malloc(size);
	if (!out)
		return err_set(&t->err, ERR_MODEL, "no memory for the logits of %zu tokens", ids->n);
	rc = llm_logits(t->chat, ids->id, ids->n, out, &t->err);
	if (rc == 0) {
		to_little_endian(out, size / sizeof *out);
		if (fd < 0)
			output_add(&t->out, out, size);
		else
			rc = write_file(fd, path, out, size, &t->err);
	}
	free(out);
	return rc;
}

static int
logits(struct tool *t, const struct options *o, struct token_list *ids)
{
	bool to_stdout = o->output && strcmp(o->output, "-") == 0;
	int fd = -1, rc;

	if (!o->ids || !o->output)
		return err_set(&t->err, ERR_USAGE, "hum logits needs --ids \"1 2 3\" and -o FILE");
	if (to_stdout && t->out.tty)
		return err_set(&t->err, ERR_USAGE, "standard output is a terminal; logits are no text");
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
