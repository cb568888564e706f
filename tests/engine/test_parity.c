/*
 * hum, llama.cpp and exact arithmetic on the same files: KL divergence of the next token's
 * distribution, mean over the positions. The logits of llama.cpp lie in $HUM_SHARED/data/ref; the
 * models, which its manifest tells how to make, in $HUM_REF. Skipped where they are not.
 */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "tests/engine/reference.h"
#include "tests/engine/rig.h"

static const int32_t ref_ids[] = {
	1, 450, 262, 261, 278, 263, 310, 304, 29, 300, 400, 500, 512, 700, 801, 900, 1000, 1023, 3,
		13, 259,
	277, 338, 322,
};
static const int32_t stories_ids[] = { 1, 403, 407, 261, 378, 300, 23, 444, 12, 500, 90, 5 };

/* KL(llama.cpp || hum). The floats of llama.cpp round activations as well; so does either of the
 * quantised ones. */
static const struct {
	const char *name;
	double bound;
} models[] = {
	{ "f32", 1e-9 }, { "f16", 1e-6 }, { "bf16", 2e-5 }, { "q4_0", 1e-3 }, { "q4_1", 1e-3 },
	{ "q5_0", 1e-3 }, { "q5_1", 1e-3 }, { "q8_0", 1e-3 }, { "q2_k", 1e-3 }, { "q3_k", 1e-3 },
	{ "q4_k", 1e-3 }, { "q5_k", 1e-3 }, { "q6_k", 1e-3 }, { "iq4_nl", 1e-3 },
		{ "iq4_xs", 1e-3 },
	{ "q3_k_m", 1e-3 }, { "q4_k_s", 1e-3 }, { "q4_k_m", 1e-3 }, { "q5_k_m", 1e-3 },
};

static char *
shared_file(const char *name)
{
	const char *dir = getenv("HUM_SHARED"), *top = getenv("TOP_SRCDIR");

	return dir ? xasprintf("%s/data/%s", dir, name) : xasprintf("%s/../shared/data/%s",
		top ? top : ".", name);
}

/* The file's n floats; NULL when there is no such file. */
static float *
read_floats(const char *path, size_t n)
{
	float *x = xmalloc(n * sizeof *x);
	FILE *f = fopen(path, "rb");
	size_t got = 0;

	if (f) {
		got = fread(x, sizeof *x, n, f);
		fclose(f);
	}
	if (got == n)
		return x;
	free(x);
	return NULL;
}

static double *
doubles(const float *x, size_t n)
{
	double *d = xmalloc(n * sizeof *d);

	for (size_t i = 0; i < n; i++)
		d[i] = x[i];
	return d;
}

static double
greatest_difference(const float *a, const float *b, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - b[i]));
	return most;
}

/* One file with every instruction set. Prints a line; returns whether all are within the bound. */
static bool
compare(const char *name, const char *path, const float *theirs, const int32_t *ids, size_t n,
	double bound,
	double max_difference)
{
	const struct matmul_ops *const *m = matmul_available();
	bool ok = true;

	for (; *m; m++) {
		struct rig_opts o = { .isa = (*m)->isa, .threads = 2 };
		double *exact, *as_doubles, kl, exact_ours, exact_theirs, difference;
		struct rig r;
		float *ours;
		size_t n_vocab;

		rig_file(&r, path, &o);
		n_vocab = r.model->n_vocab;
		ours = rig_run(&r, ids, n, n);
		exact = reference_logits(r.model, ids, n);
		as_doubles = doubles(theirs, n * n_vocab);
		kl = reference_mean_kl(as_doubles, ours, n, n_vocab);
		exact_ours = reference_mean_kl(exact, ours, n, n_vocab);
		exact_theirs = reference_mean_kl(exact, theirs, n, n_vocab);
		difference = greatest_difference(theirs, ours, n * n_vocab);
		printf("%-12s %-8s KL(llama.cpp||hum) %.2e  max. difference %.1e  KL(exact||hum) %.2e  "
			"KL(exact||llama.cpp) %.2e\n", name, (*m)->isa, kl, difference, exact_ours,
			exact_theirs);
		ok &= kl <= bound && difference <= max_difference;
		/* As near to exact arithmetic as they are, but for what rounding alone does. */
		ok &= exact_ours <= exact_theirs * 1.02 + 1e-11;
		free(ours);
		free(exact);
		free(as_doubles);
		rig_close(&r);
	}
	return ok;
}

static void
parity__reference_models__as_llama_cpp(void **state)
{
	const char *dir = getenv("HUM_REF");
	size_t n = sizeof ref_ids / sizeof *ref_ids, found = 0;
	bool ok = true;

	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		char *name = xasprintf("ref/%s.f32", models[i].name), *logits = shared_file(name);
		char *path = xasprintf("%s/ref-%s.gguf", dir ? dir : "/tmp/ref", models[i].name);
		float *theirs = read_floats(logits, n * 1024);

		if (theirs && !access(path, R_OK)) {
			found++;
			ok &= compare(models[i].name, path, theirs, ref_ids, n, models[i].bound,
				i == 0 ? 1e-4 : INFINITY);
		}
		free(theirs);
		free(path);
		free(logits);
		free(name);
	}
	if (!found)
		skip();
	assert_true(ok);
}

static void
parity__stories__as_llama_cpp(void **state)
{
	char *path = shared_file("stories260K.f32.gguf"),
		*logits = shared_file("ref/stories260K.f32");
	size_t n = sizeof stories_ids / sizeof *stories_ids;
	float *theirs = read_floats(logits, n * 512);
	bool there = theirs && !access(path, R_OK), ok;

	ok = there && compare("stories260K", path, theirs, stories_ids, n, 1e-9, 1e-4);
	free(theirs);
	free(path);
	free(logits);
	if (!there)
		skip();
	assert_true(ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parity__reference_models__as_llama_cpp),
		cmocka_unit_test(parity__stories__as_llama_cpp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
