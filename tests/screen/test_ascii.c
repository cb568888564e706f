#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/screen/screen.h"

/* A terminal and a locale that know ASCII only. */

static void
ascii__marks__replace_what_cannot_be_shown(void **state)
{
	struct transcript *t;

	screen_open(12, 60, NULL);
	t = ui_transcript(screen);
	ui_set_title(screen, "Caf\xc3\xa9", "llama \xc2\xb7 Q4");
	ui_set_status(screen, &(struct ui_status){ .context_used = 2048,
				      .context_size = 4096,
				      .state = "",
				      .hint = "Esc stops \xc2\xb7 F1 help",
				      .progress = -1 });
	transcript_add(t, ENTRY_USER, "you",
		"\xe4\xb8\x96 \xe2\x80\x9cquoted\xe2\x80\x9d e\xcc\x81 \xe2\x80\xa6");
	for (int i = 0; i < 9; i++)
		transcript_add(t, ENTRY_USER, "you", "more");
	ui_scroll_to_end(screen);
	screen_keys("\033[H");
	screen_is(
"+- hum -- Caf? ------------------------------- llama - Q4 -+\n"
"| |you ?  \"quoted\" e ~                                     |\n"
"| |you more                                                |\n"
"| |you more                                                |\n"
"| |you more                                                |\n"
"| |you more                                                |\n"
"| |you more                                                |\n"
"+------------------------------------------------- v more -+\n"
"| >                                                        |\n"
"+----------------------------------------------------------+\n"
"| ctx ####---- 2048/4096               Esc stops - F1 help |\n"
"+----------------------------------------------------------+\n"
	);
	screen_keys("a\xe9"
		    "b\r"); /* Latin-1 from the keyboard is not lost, only not UTF-8 */
	assert_string_equal(expect_event(UI_SUBMIT).text, "a\xef\xbf\xbd" "b");
	screen_close();
}

static void
ascii__code__is_marked_where_it_goes_on(void **state)
{
	screen_open(12, 60, NULL);
	transcript_add(ui_transcript(screen), ENTRY_ASSISTANT, "llama",
		"```\nint long_name = call_of_something(with_arguments, and_more);\n```");
	screen_has("| |      int long_name = call_of_something(with_arguments, |\n"
		   "| |      \\  and_more);  ");
	screen_close();
}

/* A key takes a character, here as in any locale, and in the line after as in the first. */
static void
ascii__input__is_edited_by_characters(void **state)
{
	screen_open(12, 60, NULL);
	for (int line = 0; line < 2; line++) {
		screen_key("n\xc3\xa9\xe4\xb8\x96\177");
		assert_string_equal(ui_input(screen), "n\xc3\xa9");
		screen_key("\002\177");		/* C-b */
		assert_string_equal(ui_input(screen), "\xc3\xa9");
		screen_key("\004");
		assert_string_equal(ui_input(screen), "");
		screen_key("\xe4\xb8\x96");
		screen_has("| > ?  ");
		screen_key("\r");
		assert_string_equal(expect_event(UI_SUBMIT).text, "\xe4\xb8\x96");
	}
	screen_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii__marks__replace_what_cannot_be_shown),
		cmocka_unit_test(ascii__code__is_marked_where_it_goes_on),
		cmocka_unit_test(ascii__input__is_edited_by_characters),
	};

	setenv("LC_ALL", "C", 1);
	setlocale(LC_ALL, "C");
	setenv("INPUTRC", "/dev/null", 1);
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
