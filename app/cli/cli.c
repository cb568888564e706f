#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "app/models/guide.h"
#include "base/utf8.h"

enum { FILE_MAX = 1 << 30 };

int
cli_fail(const struct err *e)
{
	fflush(stdout);
	fprintf(stderr, "hum: %s\n", e->text);
	return e->code;
}

int
cli_model_find(struct cli_model *m, const struct options *o, struct err *e)
{
	const char *wanted = o->model;

	*m = (struct cli_model){ 0 };
	m->config = config_load(NULL, e);
	if (!m->config)
		return -1;
	if (!wanted)
		wanted = m->config->model ? m->config->model : GUIDE_NAME;
	model_list_scan(&m->list, m->config);
	m->entry = model_list_find(&m->list, wanted, e);
	if (!m->entry)
		return -1;
	model_settings(m->config, m->entry, &o->settings, o->set, &m->settings);
	return 0;
}

int
cli_model_open(struct cli_model *m, const struct options *o, size_t context, struct err *e)
{
	struct llm_chat_opts chat = { 0 };

	if (cli_model_find(m, o, e) < 0)
		return -1;
	m->llm = model_entry_open(m->entry, e);
	if (!m->llm)
		return -1;
	chat.context = m->settings.context ? m->settings.context : context;
	chat.threads = m->settings.threads;
	chat.kv = m->settings.kv;
	m->chat = model_chat_new(m->llm, &chat, e);
	return m->chat ? 0 : -1;
}

void
cli_model_close(struct cli_model *m)
{
	llm_chat_free(m->chat);
	model_close(m->llm);
	model_list_release(&m->list);
	config_free(m->config);
	*m = (struct cli_model){ 0 };
}

int
cli_vocab_open(struct cli_vocab *v, const struct options *o, struct err *e)
{
	*v = (struct cli_vocab){ 0 };
	if (cli_model_find(&v->model, o, e) < 0)
		return -1;
	v->gguf = v->model.entry->path ? gguf_open(v->model.entry->path, e) : gguf_parse(guide_data, guide_size(), e);
	v->vocab = v->gguf ? vocab_new(v->gguf, e) : NULL;
	return v->vocab ? 0 : -1;
}

void
cli_vocab_close(struct cli_vocab *v)
{
	vocab_free(v->vocab);
	gguf_free(v->gguf);
	cli_model_close(&v->model);
}

int
cli_read_file(const char *path, struct strbuf *out, struct err *e)
{
	bool from_stdin = !path || !strcmp(path, "-");
	FILE *f = from_stdin ? stdin : fopen(path, "re");
	char buf[65536];
	size_t n;
	int rc = 0;

	if (!f)
		return err_errno(e, ERR_USAGE, "%s", path);
	while (out->len < FILE_MAX && (n = fread(buf, 1, sizeof buf, f)) > 0)
		strbuf_add(out, buf, n);
	if (ferror(f))
		rc = err_errno(e, ERR_USAGE, "%s", from_stdin ? "stdin" : path);
	else if (out->len >= FILE_MAX)
		rc = err_set(e, ERR_USAGE, "%s is larger than %d MiB", path, FILE_MAX >> 20);
	if (!from_stdin)
		fclose(f);
	return rc;
}

void
cli_print(const char *text, size_t len)
{
	struct strbuf clean = STRBUF_INIT;

	if (isatty(STDOUT_FILENO))
		utf8_scrub(&clean, text, len);
	else
		utf8_repair(&clean, text, len);
	fwrite(clean.s, 1, clean.len, stdout);
	strbuf_release(&clean);
}

void
cli_column(const char *text, size_t width)
{
	size_t n = utf8_clip(text, strlen(text), width);

	cli_print(text, n);
	printf("%*s", (int)(width - utf8_width(text, n)), "");
}
