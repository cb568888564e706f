#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "ui/markup.h"

/* A line as spans: s strong, e emphasis, c code, m marker, b bullet; "." plain:
 * "m[**]s[June]m[**]". */
static void
render(struct markup *m, const char *text, size_t n, struct strbuf *out)
{
	struct spans spans = { NULL, 0, 0 };
	struct markup_line line;
	size_t at = 0;

	markup_line(m, text, n, &line);
	markup_spans(&line, text, n, &spans);
	for (size_t i = 0; i < spans.n; i++) {
		struct span *s = &spans.items[i];

		assert_int_equal(s->start, at);		/* nothing is left out, nothing is hidden */
		at += s->len;
		if (!s->bits)
			strbuf_addc(out, '.');
		for (unsigned bit = 0; bit < 5; bit++)
			if (s->bits & 1u << bit)
				strbuf_addc(out, "secmb"[bit]);
		strbuf_addc(out, '[');
		strbuf_add(out, text + s->start, s->len);
		strbuf_addc(out, ']');
	}
	assert_int_equal(at, n);
	spans_release(&spans);
}

static void
markup__spans__find_light_markdown(void **state)
{
	static const struct {
		const char *text, *spans;
	} cases[] = {
		{ "plain", ".[plain]" },
		{ "**June** and", "m[**]s[June]m[**].[ and]" },
		{ "a *b* c", ".[a ]m[*]e[b]m[*].[ c]" },
		{ "__s__ _e_", "m[__]s[s]m[__].[ ]m[_]e[e]m[_]" },
		{ "***both***", "m[*]em[**]se[both]em[**]m[*]" },
		{ "snake_case_name and 2 * 3 * 4", ".[snake_case_name and 2 * 3 * 4]" },
		{ "a **b", ".[a **b]" },
		{ "`**x**` y", "cm[`]c[**x**]cm[`].[ y]" },
		{ "``a`b``", "cm[``]c[a`b]cm[``]" },
		{ "`open", ".[`open]" },
		{ "\\*no\\*", ".[\\*no\\*]" },
		{ "**a *b* c**", "m[**]s[a ]sm[*]se[b]sm[*]s[ c]m[**]" },
		{ "- item **x**", "b[- ].[item ]m[**]s[x]m[**]" },
		{ "12. item", "b[12. ].[item]" },
		{ "-no item", ".[-no item]" },
		{ "> quote", "b[> ].[quote]" },
		{ "## Head", "m[## ].[Head]" },
		{ "#no head", ".[#no head]" },
		{ "---", "m[---]" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf out = STRBUF_INIT;
		struct markup m = { 0 };

		render(&m, cases[i].text, strlen(cases[i].text), &out);
		assert_string_equal(out.s, cases[i].spans);
		strbuf_release(&out);
	}
}

static enum markup_block
block(struct markup *m, const char *text, int hang)
{
	struct markup_line line;

	markup_line(m, text, strlen(text), &line);
	assert_int_equal(line.hang, hang);
	return line.block;
}

static void
markup__line__knows_its_block(void **state)
{
	struct markup m = { 0 };

	assert_int_equal(block(&m, "text", 0), MARKUP_TEXT);
	assert_int_equal(block(&m, "  - item", 4), MARKUP_ITEM);
	assert_int_equal(block(&m, "10) item", 4), MARKUP_ITEM);
	assert_int_equal(block(&m, "1.5 apples", 0), MARKUP_TEXT);
	assert_int_equal(block(&m, "> > deep", 4), MARKUP_QUOTE);
	assert_int_equal(block(&m, "# Title", 0), MARKUP_HEADING);
	assert_int_equal(block(&m, "* * *", 0), MARKUP_RULE);
	assert_int_equal(block(&m, "- ", 2), MARKUP_ITEM);
	assert_int_equal(block(&m, "", 0), MARKUP_TEXT);
}

static void
markup__line__keeps_code_between_fences(void **state)
{
	struct markup m = { 0 };

	assert_int_equal(block(&m, "```c", 0), MARKUP_FENCE);
	assert_int_equal(block(&m, "# no heading", 0), MARKUP_CODE);
	assert_int_equal(block(&m, "~~~", 0), MARKUP_CODE);
	assert_int_equal(block(&m, "``", 0), MARKUP_CODE);
	assert_int_equal(block(&m, "``` not the end", 0), MARKUP_CODE);
	assert_int_equal(block(&m, "````  ", 0), MARKUP_FENCE);
	assert_int_equal(block(&m, "# heading", 0), MARKUP_HEADING);
	assert_int_equal(block(&m, "  ~~~ sh", 0), MARKUP_FENCE);
	assert_int_equal(block(&m, "```", 0), MARKUP_CODE);
	assert_int_equal(block(&m, "  ~~~", 0), MARKUP_FENCE);
	assert_int_equal(block(&m, " | a | b |", 1), MARKUP_TABLE);
	assert_int_equal(block(&m, "a | b", 0), MARKUP_TEXT);
	assert_int_equal(block(&m, "```not `one`", 0), MARKUP_TEXT);
	assert_int_equal(block(&m, " ```", 0), MARKUP_FENCE);
	assert_int_equal(block(&m, "\t ```", 0), MARKUP_CODE);
	assert_int_equal(block(&m, "\t```", 0), MARKUP_FENCE);
	assert_int_equal(block(&m, "      ```", 0), MARKUP_FENCE);	/* as in a list */
	assert_int_equal(block(&m, "```", 0), MARKUP_FENCE);
}

static void
markup__spans__cover_any_line(void **state)
{
	static const char letters[] = "**__``a b\\#->1.\xc3\xa9\t~(";

	srand(1);
	for (int i = 0; i < 20000; i++) {
		struct strbuf out = STRBUF_INIT;
		struct markup m = { .fenced = i % 7 == 0, .fence = '`', .fence_len = 3 };
		char text[40];
		size_t n = (size_t)(rand() % 40);

		for (size_t k = 0; k < n; k++)
			text[k] = letters[(size_t)rand() % (sizeof letters - 1)];
		render(&m, text, n, &out);
		strbuf_release(&out);
	}
}

static void
markup__spans__are_linear_in_hostile_text(void **state)
{
	static const char *const units[] = { "*a ", "a* ", "`", "``a```", "_*", "**" };
	enum { BYTES = 300000 };
	char *text = malloc(BYTES + 8);

	assert_non_null(text);
	for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
		struct spans spans = { NULL, 0, 0 };
		struct markup m = { 0 };
		struct markup_line line;
		size_t n = 0, len = strlen(units[u]);

		for (; n + len < BYTES; n += len)
			memcpy(text + n, units[u], len);
		markup_line(&m, text, n, &line);
		markup_spans(&line, text, n, &spans);
		assert_true(spans.n > 0);
		spans_release(&spans);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markup__spans__find_light_markdown),
		cmocka_unit_test(markup__line__knows_its_block),
		cmocka_unit_test(markup__line__keeps_code_between_fences),
		cmocka_unit_test(markup__spans__cover_any_line),
		cmocka_unit_test(markup__spans__are_linear_in_hostile_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
