/* Opening model files. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/llm_internal.h"

/* A title for a model whose file gives none: the file's name without folder and ".gguf", made safe
 * to show. */
static char *
title_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct strbuf b = STRBUF_INIT;
	size_t n;

	path = slash ? slash + 1 : path;
	n = strlen(path);
	if (n > 5 && !strcmp(path + n - 5, ".gguf"))
		n -= 5;
	utf8_scrub(&b, path, n);
	return strbuf_detach(&b);
}

static void
fill_info(struct llm *m, const struct model *model, uint64_t file_size)
{
	struct llm_info *i = &m->info;

	i->name = *model->name ? model->name : m->name;
	i->arch = model->arch;
	i->type = model->type;
	i->template_name = template_name(m->template);
	i->file_size = file_size;
	i->n_params = model->n_params;
	i->n_vocab = model->n_vocab;
	i->n_embd = model->n_embd;
	i->n_layer = model->n_layer;
	i->n_ctx_train = model->n_ctx_train;
	for (int t = KV_F32; t <= KV_Q8_0; t++)
		i->kv_bytes_per_token[t] = kv_bytes_per_token(model, (enum kv_type)t);
}

/* What a token costs: all matrices of the layers and the output are read, the embedding only in one row. */
static void
fill_costs(struct llm_info *i, const struct model *model)
{
	for (size_t l = 0; l < model->n_layer; l++) {
		const struct model_layer *y = &model->layer[l];
		const struct matrix *m[] = { &y->wq, &y->wk, &y->wv, &y->wo, &y->gate, &y->up, &y->down };

		for (size_t k = 0; k < sizeof m / sizeof *m; k++) {
			i->matrix_bytes += m[k]->rows * m[k]->row_bytes;
			i->layer_macs += m[k]->rows * m[k]->cols;
		}
	}
	i->matrix_bytes += model->output.rows * model->output.row_bytes;
	i->output_macs = model->output.rows * model->output.cols;
}

static int
choose_template(struct llm *m, const char *name, const char *path, struct err *e)
{
	if (!name) {
		m->template = template_detect(m->gguf, m->vocab, path, &m->info.template_why);
		return 0;
	}
	m->template = template_find(name);
	if (!m->template)
		return err_set(e, ERR_CONFIG, "there is no chat template \"%.40s\"", name);
	m->info.template_why = "chosen";
	return 0;
}

static bool
go_on(const struct llm_open_opts *o, uint64_t done, uint64_t total, struct err *e)
{
	if (!o || !o->progress || o->progress(o->ctx, done, total))
		return true;
	err_set(e, ERR_INTERRUPTED, "opening the model was cancelled");
	return false;
}

/* Takes over `g`, which may be NULL when `e` is already set. */
static struct llm *
open_gguf(struct gguf *g, const char *path, const struct llm_open_opts *o, struct err *e)
{
	struct llm *m;
	uint64_t size;

	if (!g)
		return NULL;
	m = xcalloc(1, sizeof *m);
	m->gguf = g;
	m->name = title_of(path);
	size = gguf_file_size(g);
	if (!go_on(o, 0, size, e))
		goto failed;
	m->model = model_new(g, e);
	if (!m->model)
		goto failed;
	m->vocab = vocab_new(g, e);
	if (!m->vocab || choose_template(m, o ? o->template_name : NULL, path, e) < 0)
		goto failed;
	if (!go_on(o, size, size, e))
		goto failed;
	fill_info(m, m->model, size);
	fill_costs(&m->info, m->model);
	return m;
failed:
	err_prefix(e, "%s", m->name);
	llm_close(m);
	return NULL;
}

struct llm *
llm_open(const char *path, const struct llm_open_opts *o, struct err *e)
{
	return open_gguf(gguf_open(path, e), path, o, e);
}

struct llm *
llm_open_memory(const void *data, size_t size, const char *name, const struct llm_open_opts *o,
	struct err *e)
{
	return open_gguf(gguf_parse(data, size, e), name, o, e);
}

struct llm *
llm_peek(const char *path, struct err *e)
{
	struct gguf *g = gguf_open(path, e);
	struct llm *m;

	if (!g)
		return NULL;
	m = xcalloc(1, sizeof *m);
	m->gguf = g;
	m->name = title_of(path);
	if (model_peek(g, &m->peeked, e) < 0 || !(m->vocab = vocab_new(g, e)) ||
			choose_template(m, NULL, path, e) < 0) {
		err_prefix(e, "%s", m->name);
		llm_close(m);
		return NULL;
	}
	fill_info(m, &m->peeked, gguf_file_size(g));
	/* A list of models keeps many of these: nothing but the facts stays. */
	vocab_free(m->vocab);
	gguf_free(m->gguf);
	m->vocab = NULL;
	m->gguf = NULL;
	return m;
}

void
llm_close(struct llm *m)
{
	if (!m)
		return;
	vocab_free(m->vocab);
	model_free(m->model);
	gguf_free(m->gguf);
	free(m->name);
	free(m);
}

const struct llm_info *
llm_get_info(const struct llm *m)
{
	return &m->info;
}

const struct vocab *
llm_vocab(const struct llm *m)
{
	return m->vocab;
}

const struct template *
llm_template(const struct llm *m)
{
	return m->template;
}

bool
llm_owns_address(const struct llm *m, const void *address)
{
	return m->gguf && gguf_owns_address(m->gguf, address);
}
