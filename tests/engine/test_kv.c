#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/kv.h"
#include "engine/system.h"

static struct model
shape(size_t n_layer, size_t n_head_kv, size_t dim)
{
	return (struct model){ .n_layer = n_layer, .n_head_kv = n_head_kv, .head_dim = dim };
}

static float
element(size_t half, size_t layer, size_t head, size_t pos, size_t i)
{
	return sinf((float)(half * 7 + layer * 31 + head * 101 + pos * 13 + i * 3)) * (float)(1 +
		i % 5);
}

static void
fill_all(struct kv *kv)
{
	float k[256], v[256];

	for (size_t l = 0; l < kv->n_layer; l++) {
		for (size_t h = 0; h < kv->n_head; h++) {
			for (size_t p = 0; p < kv->context; p++) {
				for (size_t i = 0; i < kv->dim; i++) {
					k[i] = element(0, l, h, p, i);
					v[i] = element(1, l, h, p, i);
				}
				kv_put(kv, l, h, p, k, v);
			}
		}
	}
	kv->n = kv->context;
}

static void
check_all(const struct kv *kv, size_t from, double tolerance)
{
	size_t n = kv->context - from;
	float *scratch = malloc(n * kv->dim * sizeof *scratch);

	for (size_t l = 0; l < kv->n_layer; l++) {
		for (size_t h = 0; h < kv->n_head; h++) {
			for (size_t half = 0; half < 2; half++) {
				const float *x = kv_get(kv, (enum kv_half)half, l, h, from, n,
					scratch);

				for (size_t i = 0; i < n * kv->dim; i++) {
					float want = element(half, l, h, from + i / kv->dim,
						i % kv->dim);

					assert_true(fabs((double)x[i] - want) <= tolerance);
				}
			}
		}
	}
	free(scratch);
}

/* What was put comes back, for every type and odd shapes, with no vector touching another. */
static void
kv__put__comes_back(void **state)
{
	static const size_t dims[] = { 2, 8, 30, 64, 80, 128, 256 };
	static const double tolerance[] = { 0, 5.0 / 2048, 5.0 / 127 * 0.51 };

	for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
		struct model m = shape(2, 3, dims[d]);

		for (int t = KV_F32; t <= KV_Q8_0; t++) {
			struct kv kv;
			struct err e;

			assert_int_equal(kv_init(&kv, &m, &ops_scalar, (enum kv_type)t, 37, &e), 0);
			fill_all(&kv);
			check_all(&kv, 0, tolerance[t]);
			check_all(&kv, 17, tolerance[t]);
			kv_release(&kv);
		}
	}
}

static void
kv__bytes_per_token__of_llama_2_7b(void **state)
{
	struct model m = shape(32, 32, 128);

	assert_int_equal(kv_bytes_per_token(&m, KV_F32), 1024 * 1024);
	assert_int_equal(kv_bytes_per_token(&m, KV_F16), 512 * 1024);
	assert_int_equal(kv_bytes_per_token(&m, KV_Q8_0), 272 * 1024);
}

static void
kv__init__says_how_much_memory_is_missing(void **state)
{
	struct model m = shape(80, 64, 128);
	struct err e = { 0 };
	struct kv kv;
	char has[64];

	assert_int_equal(kv_init(&kv, &m, &ops_scalar, KV_F32, 100000000, &e), -1);
	assert_int_equal(e.code, ERR_MODEL);
	assert_non_null(strstr(e.text, "500000000 MiB"));
	assert_non_null(strstr(e.text, "f32"));
	snprintf(has, sizeof has, "has %llu MiB", (unsigned long long)(system_memory_total("") >> 20));
	assert_non_null(strstr(e.text, has));		/* as much as the control groups leave */
	kv_release(&kv);
	/* So large that the number of bytes cannot be expressed. */
	assert_int_equal(kv_init(&kv, &m, &ops_scalar, KV_Q8_0, SIZE_MAX / 2, &e), -1);
	assert_int_equal(e.code, ERR_MODEL);
	kv_release(&kv);
}

static void
kv__truncate__only_shortens(void **state)
{
	struct model m = shape(1, 1, 4);
	struct err e;
	struct kv kv;

	assert_int_equal(kv_init(&kv, &m, &ops_scalar, KV_F16, 8, &e), 0);
	kv.n = 5;
	kv_truncate(&kv, 7);
	assert_int_equal(kv.n, 5);
	kv_truncate(&kv, 2);
	assert_int_equal(kv.n, 2);
	kv_release(&kv);
}

static void
kv__type__names(void **state)
{
	enum kv_type t;

	for (int i = KV_F32; i <= KV_Q8_0; i++) {
		assert_int_equal(kv_type_parse(kv_type_name((enum kv_type)i), &t), 0);
		assert_int_equal(t, i);
	}
	assert_int_equal(kv_type_parse("q4_0", &t), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kv__put__comes_back),
		cmocka_unit_test(kv__bytes_per_token__of_llama_2_7b),
		cmocka_unit_test(kv__init__says_how_much_memory_is_missing),
		cmocka_unit_test(kv__truncate__only_shortens),
		cmocka_unit_test(kv__type__names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
