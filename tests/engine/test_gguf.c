/* The container: what is read from memory and files, damage. Refusals:
 * test_gguf_bad.c. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/gguf.h"
#include "tests/engine/raw_gguf.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- good files ------------------------------------------------------------------------------ */

/* One key of each type, two tensors, an alignment of its own. */
static void
make_good(struct strbuf *b)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t value;
		int bytes;
	} scalars[] = {
		{ "u8", RAW_U8, 0xfe, 1 },
		{ "i8", RAW_I8, 0x7f, 1 },
		{ "i8.negative", RAW_I8, 0xff, 1 },
		{ "u16", RAW_U16, 0xfffe, 2 },
		{ "i16", RAW_I16, 0x7fff, 2 },
		{ "u32", RAW_U32, 0xfffffffe, 4 },
		{ "i32", RAW_I32, 0x7fffffff, 4 },
		{ "i32.negative", RAW_I32, 0x80000000, 4 },
		{ "f32", RAW_F32, 0x3fc00000, 4 },
		{ "yes", RAW_BOOL, 1, 1 },
		{ "no", RAW_BOOL, 0, 1 },
		{ "u64", RAW_U64, UINT64_MAX, 8 },
		{ "i64", RAW_I64, INT64_MAX, 8 },
		{ "i64.negative", RAW_I64, (uint64_t)INT64_MIN, 8 },
		{ "f64", RAW_F64, 0x3ff8000000000000, 8 },
		{ "general.alignment", RAW_U32, 64, 4 },
	};

	raw_header(b, 2, 2, N(scalars) + 5);
	for (size_t i = 0; i < N(scalars); i++) {
		raw_key(b, scalars[i].name, scalars[i].type);
		raw_le(b, scalars[i].value, scalars[i].bytes);
	}
	raw_key(b, "string", RAW_STRING);
	raw_le(b, 3, 8);
	strbuf_add(b, "a\0b", 3);
	raw_key(b, "strings", RAW_ARRAY);
	raw_le(b, RAW_STRING, 4);
	raw_le(b, 3, 8);
	raw_str(b, "one");
	raw_str(b, "");
	raw_str(b, "three");
	raw_key(b, "f32s", RAW_ARRAY);
	raw_le(b, RAW_F32, 4);
	raw_le(b, 2, 8);
	raw_le(b, 0x3fc00000, 4);
	raw_le(b, 0xc0000000, 4);
	raw_key(b, "i32s", RAW_ARRAY);
	raw_le(b, RAW_I32, 4);
	raw_le(b, 1, 8);
	raw_le(b, 0xffffffff, 4);
	raw_key(b, "none", RAW_ARRAY);
	raw_le(b, RAW_U8, 4);
	raw_le(b, 0, 8);
	raw_info(b, "late", 2, 32, 2, 8, 64);
	raw_info(b, "early", 1, 3, 0, 0, 0);
	while (b->len % 64)
		strbuf_addc(b, 0);
	for (int i = 0; i < 64 + 68; i++)
		strbuf_addc(b, (char)i);
}

static void
gguf__get__reads_every_type(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf_string s;
	struct gguf *g;
	uint8_t *copy;
	struct err e;
	uint64_t u;
	double f;
	bool y;

	make_good(&b);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	assert_true(gguf_get_u64(g, "u8", &u, &e) == 1 && u == 0xfe);
	assert_true(gguf_get_u64(g, "i8", &u, &e) == 1 && u == 0x7f);
	assert_true(gguf_get_u64(g, "u16", &u, &e) == 1 && u == 0xfffe);
	assert_true(gguf_get_u64(g, "i16", &u, &e) == 1 && u == 0x7fff);
	assert_true(gguf_get_u64(g, "u32", &u, &e) == 1 && u == 0xfffffffe);
	assert_true(gguf_get_u64(g, "i32", &u, &e) == 1 && u == 0x7fffffff);
	assert_true(gguf_get_u64(g, "u64", &u, &e) == 1 && u == UINT64_MAX);
	assert_true(gguf_get_u64(g, "i64", &u, &e) == 1 && u == INT64_MAX);
	assert_true(gguf_get_f64(g, "f32", &f, &e) == 1 && f == 1.5);
	assert_true(gguf_get_f64(g, "f64", &f, &e) == 1 && f == 1.5);
	assert_true(gguf_get_bool(g, "yes", &y, &e) == 1 && y);
	assert_true(gguf_get_bool(g, "no", &y, &e) == 1 && !y);
	assert_int_equal(gguf_get_string(g, "string", &s, &e), 1);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.s, "a\0b", 3);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

static void
gguf__get__tells_absent_from_wrong(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf_array a;
	struct gguf_string s;
	struct gguf *g;
	uint8_t *copy;
	struct err e = { ERR_NONE, "" };
	uint64_t u = 77;
	double f = 77;
	bool y;

	make_good(&b);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	assert_int_equal(gguf_get_u64(g, "absent", &u, &e), 0);
	assert_int_equal(gguf_get_f64(g, "absent", &f, &e), 0);
	assert_true(u == 77 && f == 77);
	assert_int_equal(e.code, ERR_NONE);
	assert_int_equal(gguf_get_u64(g, "i8.negative", &u, &e), -1);
	assert_non_null(strstr(e.text, "\"i8.negative\" is negative (-1)"));
	assert_int_equal(gguf_get_u64(g, "i32.negative", &u, &e), -1);
	assert_int_equal(gguf_get_u64(g, "i64.negative", &u, &e), -1);
	assert_int_equal(gguf_get_u64(g, "f32", &u, &e), -1);
	assert_int_equal(gguf_get_u64(g, "yes", &u, &e), -1);
	assert_int_equal(gguf_get_f64(g, "u32", &f, &e), -1);
	assert_int_equal(gguf_get_bool(g, "u8", &y, &e), -1);
	assert_int_equal(gguf_get_string(g, "strings", &s, &e), -1);
	assert_non_null(strstr(e.text, "\"strings\" is an array and should be a string"));
	assert_int_equal(e.code, ERR_MODEL);
	assert_int_equal(gguf_get_array(g, "string", &a, &e), -1);
	assert_int_equal(gguf_get_array(g, "absent", &a, &e), 0);
	assert_int_equal(gguf_get_u64(g, "f32", &u, NULL), -1);
	assert_true(u == 77 && f == 77);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

static void
gguf__get_array__gives_elements(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf_array a;
	struct gguf_string s;
	struct gguf *g;
	uint8_t *copy;
	struct err e;

	make_good(&b);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	assert_int_equal(gguf_get_array(g, "strings", &a, &e), 1);
	assert_true(gguf_array_is_string(&a) && !gguf_array_is_f32(&a) && !gguf_array_is_i32(&a));
	assert_int_equal(a.n, 3);
	s = gguf_array_string(&a, 2);
	assert_int_equal(s.len, 5);
	assert_memory_equal(s.s, "three", 5);
	assert_int_equal(gguf_array_string(&a, 1).len, 0);
	assert_int_equal(gguf_get_array(g, "f32s", &a, &e), 1);
	assert_true(gguf_array_is_f32(&a) && gguf_array_f32(&a, 0) == 1.5f &&
		    gguf_array_f32(&a, 1) == -2);
	assert_int_equal(gguf_get_array(g, "i32s", &a, &e), 1);
	assert_true(gguf_array_is_i32(&a) && gguf_array_i32(&a, 0) == -1);
	assert_int_equal(gguf_get_array(g, "none", &a, &e), 1);
	assert_int_equal(a.n, 0);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

static void
gguf__tensors__lie_where_the_file_says(void **state)
{
	struct strbuf b = STRBUF_INIT;
	const struct gguf_tensor *t;
	struct gguf *g;
	uint8_t *copy;
	struct err e;

	make_good(&b);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	assert_int_equal(gguf_n_tensors(g), 2);
	assert_int_equal(gguf_file_size(g), b.len);
	assert_null(gguf_find(g, "lat"));
	t = gguf_find(g, "late");
	assert_ptr_equal(t, gguf_tensor(g, 0));
	assert_true(t->n_dims == 2 && t->ne[0] == 32 && t->ne[1] == 2 && t->ne[2] == 1 &&
		    t->ne[3] == 1);
	assert_true(t->type == QUANT_Q8_0 && t->size == 68);
	assert_ptr_equal(t->data, copy + b.len - 68);
	t = gguf_find(g, "early");
	assert_true(t->type == QUANT_F32 && t->size == 12 && t->data[0] == 0 && t->data[11] == 11);
	assert_false(gguf_owns_address(g, t->data));
	gguf_free(g);
	gguf_free(NULL);
	free(copy);
	strbuf_release(&b);
}

static void
gguf__parse__reads_a_file_without_anything(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf *g;
	uint8_t *copy;
	struct err e;
	uint64_t u;

	raw_header(&b, 3, 0, 0);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	assert_int_equal(gguf_n_tensors(g), 0);
	assert_null(gguf_find(g, "x"));
	assert_int_equal(gguf_get_u64(g, "x", &u, &e), 0);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

static void
gguf__parse__takes_as_many_keys_as_are_allowed(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf *g;
	uint8_t *copy;
	char name[16];
	struct err e;
	uint64_t u;

	raw_header(&b, 3, 0, 65536);
	for (uint32_t i = 0; i < 65536; i++) {
		snprintf(name, sizeof name, "%u", (unsigned)i);
		raw_key(&b, name, RAW_U32);
		raw_le(&b, i, 4);
	}
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	assert_true(gguf_get_u64(g, "65535", &u, &e) == 1 && u == 65535);
	assert_true(gguf_get_u64(g, "0", &u, &e) == 1 && u == 0);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void
gguf__parse__refuses_every_truncation(void **state)
{
	struct strbuf b = STRBUF_INIT;

	make_good(&b);
	while (b.len > 0) {
		strbuf_truncate(&b, b.len - 1);
		raw_expect_refused("truncated", &b, b.len < 4 ? "bytes" : "cut short");
	}
	strbuf_release(&b);
}

/* Reads everything that a parsed file offers. */
static uint64_t
read_all(const struct gguf *g)
{
	static const char *const keys[] = { "u8", "i64", "f32", "yes", "string", "strings", "f32s",
		"i32s", "none" };
	struct gguf_string s;
	struct gguf_array a;
	uint64_t sum = 0, u;
	double f;
	bool y;

	for (size_t i = 0; i < N(keys); i++) {
		sum += gguf_get_u64(g, keys[i], &u, NULL) == 1 ? u : 0;
		sum += gguf_get_bool(g, keys[i], &y, NULL) == 1 ? y : 0;
		sum += gguf_get_f64(g, keys[i], &f, NULL) == 1;
		if (gguf_get_string(g, keys[i], &s, NULL) == 1)
			for (size_t j = 0; j < s.len; j++)
				sum += (uint8_t)s.s[j];
		if (gguf_get_array(g, keys[i], &a, NULL) != 1)
			continue;
		for (uint64_t j = 0; j < a.n && gguf_array_is_string(&a); j++)
			sum += gguf_array_string(&a, j).len ? (uint8_t)gguf_array_string(&a, j).s[0]
							    : 0;
		for (uint64_t j = 0; j < a.n && gguf_array_is_i32(&a); j++)
			sum += (uint32_t)gguf_array_i32(&a, j);
	}
	for (size_t i = 0; i < gguf_n_tensors(g); i++)
		for (uint64_t j = 0; j < gguf_tensor(g, i)->size; j++)
			sum += gguf_tensor(g, i)->data[j];
	return sum;
}

static void
gguf__parse__survives_random_damage(void **state)
{
	struct strbuf b = STRBUF_INIT;
	uint64_t rng = 1, sum = 0;
	size_t accepted = 0;

	make_good(&b);
	for (int round = 0; round < 20000; round++) {
		uint8_t *copy = xmalloc(b.len);
		struct err e = { ERR_NONE, "" };
		struct gguf *g;

		memcpy(copy, b.s, b.len);
		for (int i = 0; i <= round % 3; i++) {
			rng = rng * 6364136223846793005 + 1442695040888963407;
			copy[(rng >> 40) % b.len] = (uint8_t)(rng >> 32);
		}
		g = gguf_parse(copy, b.len, &e);
		if (g)
			sum += read_all(g);
		else
			assert_true(e.code == ERR_MODEL && e.text[0]);
		accepted += g != NULL;
		gguf_free(g);
		free(copy);
	}
	assert_true(accepted > 1000 && accepted < 19000 && sum > 0);
	strbuf_release(&b);
}

/* A file may be written over while it is mapped: what was checked is not read again. */
static void
gguf__get__survives_bytes_that_change(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf_array a;
	struct gguf *g;
	uint8_t *copy;
	struct err e;

	make_good(&b);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	memset(copy, 0xff, b.len);
	read_all(g);
	assert_int_equal(gguf_get_array(g, "strings", &a, &e), 0);	/* its name is gone, too */
	memcpy(copy, b.s, b.len);
	assert_int_equal(gguf_get_array(g, "strings", &a, &e), 1);
	memset(copy, 0xff, b.len);
	assert_int_equal(gguf_array_string(&a, 0).len, 3);
	assert_int_equal(gguf_array_string(&a, 2).len, 5);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

/* ---- showing strings ------------------------------------------------------------------------- */

static void
gguf_string__show__is_safe_and_fits(void **state)
{
	char buf[8];

	assert_string_equal(
		gguf_string_show((struct gguf_string){ "llama", 5 }, buf, sizeof buf), "llama");
	assert_string_equal(
		gguf_string_show((struct gguf_string){ "seven77", 7 }, buf, sizeof buf), "seven77");
	assert_string_equal(
		gguf_string_show((struct gguf_string){ "eight888", 8 }, buf, sizeof buf),
		"eigh\xe2\x80\xa6");
	assert_string_equal(
		gguf_string_show((struct gguf_string){ "a\nb\tc", 5 }, buf, sizeof buf), "a b c");
	assert_string_equal(gguf_string_show((struct gguf_string){ "\x1b[2J", 4 }, buf, sizeof buf),
		"\xe2\x90\x9b[2J");
	assert_string_equal(
		gguf_string_show(
			(struct gguf_string){ "ab\xc3\xa9\xc3\xa9\xc3\xa9", 8 }, buf, sizeof buf),
		"ab\xc3\xa9\xe2\x80\xa6");
	assert_string_equal(
		gguf_string_show(
			(struct gguf_string){ "abc\xc3\xa9\xc3\xa9\xc3\xa9", 9 }, buf, sizeof buf),
		"abc\xe2\x80\xa6");
	assert_string_equal(
		gguf_string_show((struct gguf_string){ "\xff\xff\xff", 3 }, buf, sizeof buf),
		"\xef\xbf\xbd\xe2\x80\xa6");
	assert_string_equal(gguf_string_show((struct gguf_string){ "", 0 }, buf, sizeof buf), "");
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Opens `path`, which is removed and freed. */
static void
expect_open_refused(char *path, const char *message)
{
	struct err e = { ERR_NONE, "" };
	struct gguf *g = gguf_open(path, &e);

	if (g || e.code != ERR_MODEL || !strstr(e.text, message) ||
		!strstr(e.text, strrchr(path, '/')))
		fail_msg("%s: %s, should say: %s", path, g ? "was accepted" : e.text, message);
	remove(path);
	free(path);
}

static void
gguf__open__maps_a_file(void **state)
{
	char *dir = raw_temp_dir(), *path;
	struct strbuf b = STRBUF_INIT;
	const struct gguf_tensor *t;
	struct gguf *g;
	struct err e;

	make_good(&b);
	path = raw_write_temp(dir, "a.gguf", &b);
	g = gguf_open(path, &e);
	assert_non_null(g);
	unlink(path);		/* the mapping stays */
	t = gguf_find(g, "early");
	assert_int_equal(t->data[11], 11);
	assert_true(gguf_owns_address(g, t->data));
	assert_false(gguf_owns_address(g, &t));
	assert_int_equal(gguf_file_size(g), b.len);
	gguf_free(g);
	rmdir(dir);
	free(path);
	free(dir);
	strbuf_release(&b);
}

static void
gguf__open__says_what_is_no_model(void **state)
{
	struct strbuf b = STRBUF_INIT;
	char *dir = raw_temp_dir(), *path;

	expect_open_refused(
		xasprintf("%s/absent.gguf", dir), "cannot open the model: No such file");
	expect_open_refused(raw_write_temp(dir, "empty.gguf", &b), "is empty");
	path = xasprintf("%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_open_refused(path, "not a regular file");
	path = xasprintf("%s/models.gguf", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_open_refused(path, "is a directory");
	strbuf_adds(&b, "....second half....");
	expect_open_refused(raw_write_temp(dir, "x.gguf-split-b", &b), "cat PIECE... > x.gguf");
	expect_open_refused(raw_write_temp(dir, "x.gguf.part2of3", &b), "cat PIECE... > x.gguf");
	expect_open_refused(raw_write_temp(dir, "x.gguf.part2of", &b), "not a GGUF file");
	strbuf_reset(&b);
	raw_one_tensor(&b, 1, 8, 0, 0, 0, 31);
	expect_open_refused(raw_write_temp(dir, "x.gguf-split-a", &b), "cat PIECE... > x.gguf");
	expect_open_refused(raw_write_temp(dir, "y.gguf", &b), "it needs 96 bytes and has 95");
	assert_int_equal(rmdir(dir), 0);
	free(dir);
	strbuf_release(&b);
}

/* Of a long path the end is shown, from the beginning of a character. */
static void
gguf__open__shows_the_end_of_a_long_path(void **state)
{
	char path[600] = "/";
	struct err e;

	for (int i = 0; i < 250; i++)
		strcat(path, "\xc3\xa9");
	strcat(path, "x.gguf");
	assert_null(gguf_open(path, &e));
	assert_int_equal(strncmp(e.text, "\xe2\x80\xa6\xc3\xa9\xc3\xa9", 7), 0);
	assert_non_null(strstr(e.text, "\xc3\xa9x.gguf: cannot open the model"));
	strcat(path, "x");
	assert_null(gguf_open(path, &e));
	assert_int_equal(strncmp(e.text, "\xe2\x80\xa6\xc3\xa9\xc3\xa9", 7), 0);
}

/* Tools that join a split set again leave its keys behind. */
static void
gguf__parse__takes_a_set_of_none_for_whole(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf *g;
	uint8_t *copy;
	struct err e;

	raw_header(&b, 3, 0, 1);
	raw_key(&b, "split.count", RAW_U16);
	raw_le(&b, 0, 2);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

static void
gguf__open__a_whole_file_may_have_any_name(void **state)
{
	char *dir = raw_temp_dir(), *path;
	struct strbuf b = STRBUF_INIT;
	struct gguf *g;
	struct err e;

	make_good(&b);
	path = raw_write_temp(dir, "x.gguf-split-a", &b);
	g = gguf_open(path, &e);
	assert_non_null(g);
	gguf_free(g);
	remove(path);
	rmdir(dir);
	free(path);
	free(dir);
	strbuf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gguf__get__reads_every_type),
		cmocka_unit_test(gguf__get__tells_absent_from_wrong),
		cmocka_unit_test(gguf__get_array__gives_elements),
		cmocka_unit_test(gguf__tensors__lie_where_the_file_says),
		cmocka_unit_test(gguf__parse__reads_a_file_without_anything),
		cmocka_unit_test(gguf__parse__takes_as_many_keys_as_are_allowed),
		cmocka_unit_test(gguf__parse__refuses_every_truncation),
		cmocka_unit_test(gguf__parse__survives_random_damage),
		cmocka_unit_test(gguf__get__survives_bytes_that_change),
		cmocka_unit_test(gguf_string__show__is_safe_and_fits),
		cmocka_unit_test(gguf__open__maps_a_file),
		cmocka_unit_test(gguf__open__says_what_is_no_model),
		cmocka_unit_test(gguf__open__shows_the_end_of_a_long_path),
		cmocka_unit_test(gguf__parse__takes_a_set_of_none_for_whole),
		cmocka_unit_test(gguf__open__a_whole_file_may_have_any_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
