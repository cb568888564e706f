#include "config.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "engine/kv.h"
#include "engine/system.h"

enum { LINE = 64 };	/* every head's vectors begin on a cache line */

static const char *const type_names[] = { [KV_F32] = "f32", [KV_F16] = "f16", [KV_Q8_0] = "q8_0" };

const char *
kv_type_name(enum kv_type t)
{
	return type_names[t];
}

int
kv_type_parse(const char *name, enum kv_type *out)
{
	for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
		if (!strcmp(name, type_names[i])) {
			*out = (enum kv_type)i;
			return 0;
		}
	}
	return -1;
}

static size_t
vector_bytes(enum kv_type t, size_t dim)
{
	return t == KV_F32   ? dim * sizeof(float)
	       : t == KV_F16 ? dim * sizeof(uint16_t)
			     : ops_q8_bytes(dim);
}

uint64_t
kv_bytes_per_token(const struct model *m, enum kv_type t)
{
	return 2 * m->n_layer * m->n_head_kv * vector_bytes(t, m->head_dim);
}

/* Sizes of one head's keys, or values, and of the whole; false when they cannot be expressed. */
static bool
measure(struct kv *kv)
{
	uint64_t head, all;

	kv->vector_bytes = vector_bytes(kv->type, kv->dim);
	if (!checked_mul(kv->context, kv->vector_bytes, &head) ||
		!checked_round_up(head, LINE, &head))
		return false;
	if (!checked_mul(head, 2 * kv->n_layer * kv->n_head, &all) || all > SIZE_MAX)
		return false;
	kv->head_bytes = head;
	kv->bytes = all;
	return true;
}

int
kv_init(struct kv *kv, const struct model *m, const struct ops *ops, enum kv_type t, size_t context,
	struct err *e)
{
	uint64_t have = system_memory_total("");
	double need = (double)kv_bytes_per_token(m, t) * (double)context / (1 << 20);
	void *p;

	assert(m->head_dim % 2 == 0 && context > 0);
	*kv = (struct kv){
		.ops = ops, .type = t, .n_layer = m->n_layer, .n_head = m->n_head_kv,
		.dim = m->head_dim, .context = context,
	};
	if (!measure(kv) || (have && kv->bytes > have))
		return err_set(e, ERR_MODEL,
			"a context of %zu tokens needs %.0f MiB for its KV cache (%s), "
			"but this computer has %llu MiB of memory: ask for a shorter context%s",
			context, need, kv_type_name(t), (unsigned long long)(have >> 20),
			t == KV_Q8_0 ? "" : " or a smaller KV type");
	p = mmap(NULL, kv->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return err_errno(e, ERR_MODEL,
			"cannot get %.0f MiB of memory for the KV cache (%s) of %zu tokens",
			need, kv_type_name(t), context);
	kv->data = p;
	return 0;
}

void
kv_release(struct kv *kv)
{
	if (kv->data)
		munmap(kv->data, kv->bytes);
	kv->data = NULL;
}

static uint8_t *
vector(const struct kv *kv, enum kv_half half, size_t layer, size_t head, size_t pos)
{
	return kv->data + ((layer * kv->n_head + head) * 2 + half) * kv->head_bytes +
	       pos * kv->vector_bytes;
}

static void
put(const struct kv *kv, uint8_t *to, const float *x)
{
	switch (kv->type) {
	case KV_F32:
		memcpy(to, x, kv->dim * sizeof *x);
		break;
	case KV_F16:
		kv->ops->to_f16(x, kv->dim, (uint16_t *)(void *)to);
		break;
	case KV_Q8_0:
		kv->ops->to_q8(x, kv->dim, to);
		break;
	}
}

void
kv_put(struct kv *kv, size_t layer, size_t head, size_t pos, const float *key, const float *value)
{
	assert(pos < kv->context);
	put(kv, vector(kv, KV_KEYS, layer, head, pos), key);
	put(kv, vector(kv, KV_VALUES, layer, head, pos), value);
}

/* Vectors whose last block is short are decoded one by one, others as one long vector. */
static void
get_q8(const struct kv *kv, const uint8_t *blocks, size_t n, float *out)
{
	size_t at_once = kv->dim % OPS_Q8_BLOCK ? 1 : n;

	for (size_t i = 0; i < n; i += at_once)
		kv->ops->from_q8(
			blocks + i * kv->vector_bytes, at_once * kv->dim, out + i * kv->dim);
}

const float *
kv_get(const struct kv *kv, enum kv_half half, size_t layer, size_t head, size_t pos, size_t n,
	float *scratch)
{
	const uint8_t *first = vector(kv, half, layer, head, pos);

	assert(pos + n <= kv->context);
	switch (kv->type) {
	case KV_F32:
		return (const float *)(const void *)first;
	case KV_F16:
		kv->ops->from_f16((const uint16_t *)(const void *)first, n * kv->dim, scratch);
		break;
	case KV_Q8_0:
		get_q8(kv, first, n, scratch);
		break;
	}
	return scratch;
}

const uint8_t *
kv_blocks(const struct kv *kv, enum kv_half half, size_t layer, size_t head, size_t pos, size_t n)
{
	assert(kv->type == KV_Q8_0 && pos + n <= kv->context);
	return vector(kv, half, layer, head, pos);
}

bool
kv_keys(const struct kv *kv, size_t layer, size_t head, size_t pos, size_t n, struct matrix *out)
{
	if (kv->type != KV_Q8_0 || kv->dim % OPS_Q8_BLOCK)
		return false;
	*out = (struct matrix){
		.data = kv_blocks(kv, KV_KEYS, layer, head, pos, n),
		.type = QUANT_Q8_0,
		.rows = n,
		.cols = kv->dim,
		.row_bytes = kv->vector_bytes,
	};
	return true;
}

void
kv_truncate(struct kv *kv, size_t n)
{
	if (n < kv->n)
		kv->n = n;
}
