#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "tests/engine/rig.h"

static void
build(struct rig *r, const struct rig_opts *o)
{
	const struct matmul_ops *mm = matmul_select(o->isa);
	struct forward_parts parts = { .matmul = mm, .kv = &r->kv, .cancel = &r->cancel };
	struct err e;

	assert_non_null(mm);
	r->model = model_new(r->gguf, &e);
	if (!r->model)
		fail_msg("%s", e.text);
	parts.model = r->model;
	parts.ops = ops_select(mm->isa);
	parts.pool = r->pool = pool_new(o->threads, o->prompt_threads);
	if (kv_init(&r->kv, r->model, parts.ops, o->kv, o->context ? o->context : 256, &e))
		fail_msg("%s", e.text);
	r->forward = forward_new(&parts, &e);
	if (!r->forward)
		fail_msg("%s", e.text);
}

void
rig_memory(struct rig *r, const struct strbuf *file, const struct rig_opts *o)
{
	struct err e;

	*r = (struct rig){ .file = STRBUF_INIT };
	r->gguf = gguf_parse((const uint8_t *)file->s, file->len, &e);
	if (!r->gguf)
		fail_msg("%s", e.text);
	build(r, o);
}

void
rig_tiny(struct rig *r, const struct tiny_model *t, const struct rig_opts *o)
{
	struct strbuf file = STRBUF_INIT;

	tiny_model_memory(t, &file);
	rig_memory(r, &file, o);
	r->file = file;
}

void
rig_file(struct rig *r, const char *path, const struct rig_opts *o)
{
	struct err e;

	*r = (struct rig){ .file = STRBUF_INIT };
	r->gguf = gguf_open(path, &e);
	if (!r->gguf)
		fail_msg("%s", e.text);
	build(r, o);
}

void
rig_close(struct rig *r)
{
	forward_free(r->forward);
	kv_release(&r->kv);
	pool_free(r->pool);
	model_free(r->model);
	gguf_free(r->gguf);
	strbuf_release(&r->file);
}

float *
rig_run(struct rig *r, const int32_t *ids, size_t n, size_t piece)
{
	size_t n_vocab = r->model->n_vocab, k;
	float *logits = xmalloc(n * n_vocab * sizeof *logits);

	for (size_t i = 0; i < n; i += k) {
		k = n - i < piece ? n - i : piece;
		k = k < FORWARD_BATCH ? k : FORWARD_BATCH;
		assert_int_equal(forward_run(r->forward, ids + i, k, logits + i * n_vocab, k), 0);
	}
	return logits;
}

void
rig_ids(const struct rig *r, uint64_t seed, int32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		ids[i] = (int32_t)((seed >> 33) % r->model->n_vocab);
	}
}
