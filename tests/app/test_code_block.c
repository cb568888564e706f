#include "config.h"

#include "tests/app/cmocka_all.h"

#include <string.h>

#include "app/chat/code_block.h"
#include "base/strbuf.h"

/* The blocks of a text, each in brackets. */
static void
blocks_are(const char *text, const char *expected)
{
	struct strbuf all = STRBUF_INIT;
	size_t n = code_blocks_count(text, strlen(text));

	for (size_t i = 0; i < n; i++) {
		strbuf_addc(&all, '[');
		code_block_add(&all, text, strlen(text), i);
		strbuf_addc(&all, ']');
	}
	assert_string_equal(all.s, expected);
	code_block_add(&all, text, strlen(text), n);
	assert_string_equal(all.s, expected);
	strbuf_release(&all);
}

static void
code_block__add__is_the_text_between_fences(void **state)
{
	blocks_are("", "");
	blocks_are("no code, `but this`", "");
	blocks_are("See:\n```c\nint x;\n\n\tx++;\n```\nand\n~~~\nb\n~~~\n", "[int x;\n\n\tx++;][b]");
	blocks_are("```\na\n\n```", "[a\n]");
	blocks_are("```\n```", "[]");
}

static void
code_block__add__without_an_end_goes_to_the_end(void **state)
{
	blocks_are("```sh\nls -l\nrm x", "[ls -l\nrm x]");
	blocks_are("```sh\nls -l\n", "[ls -l]");
	blocks_are("```sh", "[]");
}

static void
code_block__add__ends_with_a_fence_of_its_kind_and_length(void **state)
{
	blocks_are("````\n```\n~~~~\n````` \n", "[```\n~~~~]");
	blocks_are("~~~ a`b`\n```\n~~~", "[```]");
	blocks_are("```a`b\nx\n", "");
	blocks_are("```\n``` c\n```\n", "[``` c]");
	blocks_are("``\nx\n``\n", "");
}

static void
code_block__add__goes_by_the_indentation_of_its_fence(void **state)
{
	blocks_are("  ```\n  a\n    b\n c\n  ```\n", "[a\n  b\nc]");
	blocks_are("```\n    ```\n   ```\n", "[    ```]");
	blocks_are("- ```sh\n  ls\n  ```\n- b\n2. ~~~\n   c\n~~~\nd", "[ls][c]");
	blocks_are("- ```ls```\n- ls\n", "");
	blocks_are("1. Do\n\n    ```\n    a\n\tb\n\t\tc\n    ```\n", "[a\nb\n\tc]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_block__add__is_the_text_between_fences),
		cmocka_unit_test(code_block__add__without_an_end_goes_to_the_end),
		cmocka_unit_test(code_block__add__ends_with_a_fence_of_its_kind_and_length),
		cmocka_unit_test(code_block__add__goes_by_the_indentation_of_its_fence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
