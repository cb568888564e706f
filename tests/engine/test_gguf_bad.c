/* The container: each thing that is refused, and what is said. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/engine/raw_gguf.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- the checklist, one violation each ------------------------------------------------------- */

static void
bad_empty(struct strbuf *b)
{
}

static void
bad_three_bytes(struct strbuf *b)
{
	strbuf_adds(b, "GGU");
}

static void
bad_short_header(struct strbuf *b)
{
	raw_header(b, 3, 0, 0);
	strbuf_truncate(b, 23);
}

static void
bad_magic(struct strbuf *b)
{
	raw_header(b, 3, 0, 0);
	b->s[0] = 'g';
}

static void
bad_version_0(struct strbuf *b)
{
	raw_header(b, 0, 0, 0);
}

static void
bad_version_1(struct strbuf *b)
{
	raw_header(b, 1, 0, 0);
}

static void
bad_version_4(struct strbuf *b)
{
	raw_header(b, 4, 0, 0);
}

static void
bad_big_endian(struct strbuf *b)
{
	raw_header(b, 3 << 24, 0, 0);
}

static void
bad_key_count(struct strbuf *b)
{
	raw_header(b, 3, 0, 1000);
	raw_data(b, 12000);
}

static void
bad_key_count_cap(struct strbuf *b)
{
	raw_header(b, 3, 0, 65537);
	raw_data(b, 1 << 20);
}

static void
bad_key_count_huge(struct strbuf *b)
{
	raw_header(b, 3, 0, UINT64_MAX);
}

static void
bad_tensor_count(struct strbuf *b)
{
	raw_header(b, 3, 100, 0);
	raw_data(b, 3200);
}

static void
bad_tensor_count_huge(struct strbuf *b)
{
	raw_header(b, 3, UINT64_MAX / 33, 0);
	raw_data(b, 320);
}

static void
bad_key_length(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_le(b, UINT64_MAX - 7, 8);
	raw_data(b, 64);
}

static void
bad_key_empty(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "", RAW_U32);
	raw_le(b, 1, 4);
}

static void
bad_key_long(struct strbuf *b)
{
	char name[258];

	memset(name, 'k', 257);
	name[257] = '\0';
	raw_header(b, 3, 0, 1);
	raw_key(b, name, RAW_U32);
	raw_le(b, 1, 4);
}

static void
bad_key_nul(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_le(b, 3, 8);
	strbuf_add(b, "a\0b", 3);
	raw_le(b, RAW_U32, 4);
	raw_le(b, 1, 4);
}

static void
bad_key_twice(struct strbuf *b)
{
	raw_header(b, 3, 0, 3);
	for (int i = 0; i < 3; i++) {
		raw_key(b, i == 1 ? "other" : "general.\ttwice\x1b", RAW_U8);
		raw_le(b, 1, 1);
	}
}

static void
bad_value_type(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", 13);
	raw_le(b, 1, 8);
}

static void
bad_value_cut(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_U64);
	raw_le(b, 1, 7);
}

static void
bad_string_length(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_STRING);
	raw_le(b, 5, 8);
	strbuf_adds(b, "four");
}

static void
bad_array_nested(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_ARRAY);
	raw_le(b, RAW_ARRAY, 4);
	raw_le(b, 1, 8);
	raw_data(b, 64);
}

static void
bad_array_type(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_ARRAY);
	raw_le(b, 99, 4);
	raw_le(b, 1, 8);
	raw_data(b, 64);
}

static void
bad_array_count(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_ARRAY);
	raw_le(b, RAW_I32, 4);
	raw_le(b, 0x4000000000000001, 8);	/* times four is four */
	raw_data(b, 64);
}

static void
bad_array_strings(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_ARRAY);
	raw_le(b, RAW_STRING, 4);
	raw_le(b, 1ULL << 40, 8);
	raw_data(b, 64);
}

static void
bad_array_string_inside(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "k", RAW_ARRAY);
	raw_le(b, RAW_STRING, 4);
	raw_le(b, 2, 8);
	raw_str(b, "fine");
	raw_le(b, 1000, 8);
	strbuf_adds(b, "not so many");
}

static void
bad_name_empty(struct strbuf *b)
{
	raw_header(b, 3, 1, 0);
	raw_info(b, "", 1, 8, 0, 0, 0);
	raw_data(b, 32);
}

static void
bad_name_long(struct strbuf *b)
{
	raw_header(b, 3, 1, 0);
	raw_info(b, "0123456789012345678901234567890123456789012345678901234567890123", 1, 8, 0, 0,
		0);
	raw_data(b, 32);
}

static void
bad_name_control(struct strbuf *b)
{
	raw_header(b, 3, 1, 0);
	raw_info(b, "blk\x1b[2J", 1, 8, 0, 0, 0);
	raw_data(b, 32);
}

static void
bad_name_twice(struct strbuf *b)
{
	raw_header(b, 3, 2, 0);
	raw_info(b, "same", 1, 8, 0, 0, 0);
	raw_info(b, "same", 1, 8, 0, 0, 32);
	raw_data(b, 64);
}

static void
bad_no_dims(struct strbuf *b)
{
	raw_one_tensor(b, 0, 0, 0, 0, 0, 32);
}

static void
bad_five_dims(struct strbuf *b)
{
	raw_one_tensor(b, 5, 8, 1, 0, 0, 32);
}

static void
bad_dim_zero(struct strbuf *b)
{
	raw_one_tensor(b, 2, 8, 0, 0, 0, 32);
}

static void
bad_row_zero(struct strbuf *b)
{
	raw_one_tensor(b, 1, 0, 0, 0, 0, 32);
}

static void
bad_dim_huge(struct strbuf *b)
{
	raw_one_tensor(b, 2, 8, (1ULL << 40) + 1, 0, 0, 32);
}

static void
bad_product(struct strbuf *b)
{
	raw_one_tensor(b, 2, 1ULL << 40, 1ULL << 40, 0, 0, 32);
}

static void
bad_product_bytes(struct strbuf *b)
{
	raw_one_tensor(b, 2, 1ULL << 31, 1ULL << 31, 0, 0, 32);	/* 2^62 elements, 2^64 bytes */
}

/* 2^63 elements, and fewer bytes. */
static void
bad_product_signed(struct strbuf *b)
{
	raw_one_tensor(b, 2, 1ULL << 40, 1ULL << 23, 2, 0, 32);
}

/* The product of the rows is 2^64, which is 0. */
static void
bad_product_rows(struct strbuf *b)
{
	raw_header(b, 3, 1, 0);
	raw_str(b, "w");
	raw_le(b, 4, 4);
	raw_le(b, 8, 8);
	raw_le(b, 1ULL << 32, 8);
	raw_le(b, 1ULL << 16, 8);
	raw_le(b, 1ULL << 16, 8);
	raw_le(b, 0, 4);
	raw_le(b, 0, 8);
	raw_data(b, 32);
}

static void
bad_row_length(struct strbuf *b)
{
	raw_one_tensor(b, 2, 255, 1, 12, 0, 144);
}

static void
bad_type_named(struct strbuf *b)
{
	raw_header(b, 3, 1, 1);
	raw_key(b, "general.architecture", RAW_STRING);
	raw_str(b, "gpt-oss");
	raw_info(b, "w", 1, 256, 0, 39, 0);
	raw_data(b, 144);
}

static void
bad_type_withdrawn(struct strbuf *b)
{
	raw_one_tensor(b, 1, 256, 0, 31, 0, 144);
}

static void
bad_type_unknown(struct strbuf *b)
{
	raw_one_tensor(b, 1, 256, 0, 0x7fffffff, 0, 144);
}

static void
bad_offset_unaligned(struct strbuf *b)
{
	raw_one_tensor(b, 1, 8, 0, 0, 16, 64);
}

static void
bad_offset_past_end(struct strbuf *b)
{
	raw_one_tensor(b, 1, 8, 0, 0, 32, 63);
}

static void
bad_offset_overflow(struct strbuf *b)
{
	raw_one_tensor(b, 1, 8, 0, 0, UINT64_MAX - 31, 64);
}

static void
bad_size_past_end(struct strbuf *b)
{
	raw_one_tensor(b, 2, 8, 1ULL << 36, 0, 0, 64);
}

static void
bad_overlap(struct strbuf *b)
{
	raw_header(b, 3, 3, 0);
	raw_info(b, "first", 1, 8, 0, 0, 64);
	raw_info(b, "second", 1, 8, 0, 0, 0);
	raw_info(b, "third", 1, 9, 0, 0, 32);
	raw_data(b, 128);
}

static void
with_alignment(struct strbuf *b, uint32_t type, uint64_t v, int bytes)
{
	raw_header(b, 3, 1, 1);
	raw_key(b, "general.alignment", type);
	raw_le(b, v, bytes);
	raw_info(b, "w", 1, 8, 0, 0, 0);
	raw_data(b, 64);
}

static void
bad_alignment_zero(struct strbuf *b)
{
	with_alignment(b, RAW_U32, 0, 4);
}

static void
bad_alignment_odd(struct strbuf *b)
{
	with_alignment(b, RAW_U32, 48, 4);
}

static void
bad_alignment_small(struct strbuf *b)
{
	with_alignment(b, RAW_U32, 4, 4);
}

static void
bad_alignment_huge(struct strbuf *b)
{
	with_alignment(b, RAW_U64, 1ULL << 63, 8);
}

static void
bad_alignment_negative(struct strbuf *b)
{
	with_alignment(b, RAW_I32, (uint32_t)-32, 4);
}

static void
bad_alignment_type(struct strbuf *b)
{
	with_alignment(b, RAW_F32, 0x42000000, 4);
}

static void
bad_split(struct strbuf *b)
{
	raw_header(b, 3, 0, 2);
	raw_key(b, "split.no", RAW_U16);
	raw_le(b, 1, 2);
	raw_key(b, "split.count", RAW_U16);
	raw_le(b, 3, 2);
}

static void
bad_split_number(struct strbuf *b)
{
	raw_header(b, 3, 0, 2);
	raw_key(b, "split.no", RAW_U16);
	raw_le(b, 3, 2);
	raw_key(b, "split.count", RAW_U16);
	raw_le(b, 3, 2);
}

static void
bad_split_type(struct strbuf *b)
{
	raw_header(b, 3, 0, 1);
	raw_key(b, "split.count", RAW_STRING);
	raw_str(b, "3");
}

static const struct {
	const char *name;
	void (*make)(struct strbuf *b);
	const char *message;
} bad[] = {
	{ "empty", bad_empty, "has only 0 bytes" },
	{ "three bytes", bad_three_bytes, "has only 3 bytes" },
	{ "short header", bad_short_header, "cut short" },
	{ "magic", bad_magic, "not a GGUF file" },
	{ "version 0", bad_version_0, "version 0" },
	{ "version 1", bad_version_1, "version 1, of August 2023" },
	{ "version 4", bad_version_4, "version 4, and hum reads" },
	{ "big endian", bad_big_endian, "big-endian GGUF" },
	{ "key count", bad_key_count, "cut short" },
	{ "key count over the cap", bad_key_count_cap, "claims 65537 keys" },
	{ "huge key count", bad_key_count_huge, "claims 18446744073709551615 keys" },
	{ "tensor count", bad_tensor_count, "cut short" },
	{ "huge tensor count", bad_tensor_count_huge, "tensors (at most 65536" },
	{ "key length", bad_key_length, "cut short" },
	{ "empty key", bad_key_empty, "a key has a name of 0 bytes" },
	{ "long key", bad_key_long, "a key has a name of 257 bytes" },
	{ "NUL in key", bad_key_nul, "a key has a NUL in its name" },
	{ "key twice", bad_key_twice, "the key \"general. twice\xe2\x90\x9b\" twice" },
	{ "value type", bad_value_type, "\"k\" has the unknown type 13" },
	{ "value cut", bad_value_cut, "cut short" },
	{ "string length", bad_string_length, "cut short" },
	{ "nested array", bad_array_nested, "\"k\" holds values of the type array" },
	{ "array type", bad_array_type, "unknown type (type 99)" },
	{ "array count", bad_array_count, "cut short" },
	{ "array of strings", bad_array_strings, "cut short" },
	{ "string in array", bad_array_string_inside, "cut short" },
	{ "empty name", bad_name_empty, "a tensor has a name of 0 bytes" },
	{ "long name", bad_name_long, "a tensor has a name of 64 bytes" },
	{ "control character in name", bad_name_control, "holds the byte 0x1b" },
	{ "tensor twice", bad_name_twice, "the tensor \"same\" twice" },
	{ "no dimensions", bad_no_dims, "\"w\" has 0 dimensions" },
	{ "five dimensions", bad_five_dims, "\"w\" has 5 dimensions" },
	{ "dimension 0", bad_dim_zero, "\"w\" has a dimension of 0" },
	{ "row length 0", bad_row_zero, "\"w\" has a dimension of 0" },
	{ "huge dimension", bad_dim_huge, "\"w\" has a dimension of 1099511627777" },
	{ "product", bad_product, "\"w\" has an impossible size" },
	{ "product in bytes", bad_product_bytes, "\"w\" has an impossible size" },
	{ "product as signed", bad_product_signed, "\"w\" has an impossible size" },
	{ "product of the rows", bad_product_rows, "\"w\" has an impossible size" },
	{ "row length", bad_row_length, "rows of 255 elements, but Q4_K needs a multiple of 256" },
	{ "named type", bad_type_named, "tensor \"w\" of this gpt-oss model has the type MXFP4" },
	{ "withdrawn type", bad_type_withdrawn, "has the type Q4_0_4_4" },
	{ "unknown type", bad_type_unknown, "has the type number 2147483647" },
	{ "unaligned offset", bad_offset_unaligned, "\"w\" is not aligned to 32" },
	{ "offset past the end", bad_offset_past_end, "it needs 128 bytes and has 127" },
	{ "offset overflows", bad_offset_overflow, "\"w\" lies at an impossible offset" },
	{ "size past the end", bad_size_past_end, "it needs 2199023255648 bytes and has 160" },
	{ "overlap", bad_overlap, "tensors \"third\" and \"first\" overlap" },
	{ "alignment 0", bad_alignment_zero, "general.alignment is 0" },
	{ "alignment 48", bad_alignment_odd, "general.alignment is 48" },
	{ "alignment 4", bad_alignment_small, "general.alignment is 4" },
	{ "huge alignment", bad_alignment_huge, "general.alignment is 9223372036854775808" },
	{ "negative alignment", bad_alignment_negative, "\"general.alignment\" is negative (-32)" },
	{ "alignment as float", bad_alignment_type,
		"\"general.alignment\" is a real number and should be an integer" },
	{ "part of a split set", bad_split, "part 2 of 3" },
	{ "split count as string", bad_split_type, "\"split.count\" is a string" },
	{ "part outside of its set", bad_split_number, "part 3 of 3" },
};

static void
gguf__parse__refuses_each_violation(void **state)
{
	for (size_t i = 0; i < N(bad); i++) {
		struct strbuf b = STRBUF_INIT;

		bad[i].make(&b);
		raw_expect_refused(bad[i].name, &b, bad[i].message);
		strbuf_release(&b);
	}
}

/* ---- foreign files --------------------------------------------------------------------------- */

static const struct {
	const char *bytes;
	size_t len;
	const char *message;
} foreign[] = {
	{ "\x40\0\0\0\0\0\0\0{\"__metadata__\":{}}", 27, "safetensors" },
	{ "PK\3\4............", 16, "PyTorch" },
	{ "\x80\2}q\1........", 13, "pickle" },
	{ "\x80\5\x95........", 11, "pickle" },
	{ "lmgg........", 12, "old ggml" },
	{ "fmgg........", 12, "ggmf" },
	{ "tjgg\3\0\0\0....", 12, "ggjt" },
	{ "algg\1\0\0\0....", 12, "adapter" },
	{ "FUGG\0\0\0\3....", 12, "big-endian" },
	{ "\x1f\x8b\x08.....", 8, "gzip" },
	{ "version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull" },
	{ "\n <!DOCTYPE HTML><html>", 23, "web page" },
	{ "<html><body>404", 15, "web page" },
	{ "{\"error\": 404}", 14, "JSON" },
	{ "\n\n{", 3, "JSON" },
	{ "     ", 5, "not a GGUF file" },
	{ "Hello, this is text", 19, "not a GGUF file" },
};

static void
gguf__parse__names_foreign_files(void **state)
{
	for (size_t i = 0; i < N(foreign); i++) {
		struct strbuf b = STRBUF_INIT;

		strbuf_add(&b, foreign[i].bytes, foreign[i].len);
		raw_expect_refused(foreign[i].message, &b, foreign[i].message);
		strbuf_release(&b);
	}
}

/* As large as the count says, so that only the cap refuses it. The bytes are never touched. */
static void
gguf__parse__caps_the_strings_of_an_array(void **state)
{
	enum { MANY = (1 << 24) + 1 };
	struct strbuf b = STRBUF_INIT;
	struct err e = { 0 };
	size_t size;
	char *file;

	raw_header(&b, 3, 0, 1);
	raw_key(&b, "k", RAW_ARRAY);
	raw_le(&b, RAW_STRING, 4);
	raw_le(&b, MANY, 8);
	size = b.len + 8 * (size_t)MANY;
	file = calloc(size, 1);
	assert_non_null(file);
	memcpy(file, b.s, b.len);
	assert_null(gguf_parse((const uint8_t *)file, size, &e));
	assert_int_equal(e.code, ERR_MODEL);
	assert_non_null(strstr(e.text, "\"k\" holds 16777217 strings"));
	free(file);
	strbuf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gguf__parse__refuses_each_violation),
		cmocka_unit_test(gguf__parse__names_foreign_files),
		cmocka_unit_test(gguf__parse__caps_the_strings_of_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
