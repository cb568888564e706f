#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/config/theme.h"
#include "app/config/themes_builtin.h"
#include "tests/app/scratch.h"

static struct err e;
static char *home;

static int
setup(void **state)
{
	home = scratch_new();
	setenv("XDG_CONFIG_HOME", home, 1);
	setenv("HOME", home, 1);
	return 0;
}

static int
teardown(void **state)
{
	scratch_free(home);
	return 0;
}

/* A theme of the user's. */
static void
put_theme(const char *name, const char *yaml)
{
	char *hum = xasprintf("%s/hum", home), *dir = xasprintf("%s/themes", hum), *path;

	mkdir(hum, 0700);
	mkdir(dir, 0700);
	path = xasprintf("%s/%s.yaml", dir, name);
	scratch_write(path, yaml, strlen(yaml));
	free(path);
	free(dir);
	free(hum);
}

static struct style_sheet
load(const char *name)
{
	struct style_sheet s;

	if (theme_load(name, &s, &e) < 0)
		fail_msg("%s: %s", name, e.text);
	return s;
}

static struct style_sheet
parse(const char *yaml)
{
	struct style_sheet s;

	if (theme_parse("t.yaml", yaml, strlen(yaml), &s, &e) < 0)
		fail_msg("%s: %s", yaml, e.text);
	return s;
}

/* ---- the shipped ones ---------------------------------------------------------------------------- */

static void
theme__shipped__are_in_the_program_as_they_are_in_the_folder(void **state)
{
	const char *top = getenv("TOP_SRCDIR");

	assert_true(theme_builtin_count >= 7);
	for (size_t i = 0; i < theme_builtin_count; i++) {
		const struct theme_builtin *t = &theme_builtins[i];
		char *path = xasprintf("%s/%s", top ? top : ".", t->file);
		struct strbuf text = STRBUF_INIT;

		scratch_read(path, &text);
		assert_int_equal(text.len, t->len);
		assert_memory_equal(text.s, t->yaml, t->len);
		load(t->name);
		strbuf_release(&text);
		free(path);
	}
}

static void
theme__shipped__have_a_name_and_a_line_about_them(void **state)
{
	struct theme_entry *list;
	size_t n = theme_list(&list);

	assert_true(n >= theme_builtin_count);
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || strcmp(list[i - 1].name, list[i].name) < 0);
		assert_non_null(list[i].help);
	}
	theme_list_free(list, n);
}

/* Relative luminance and contrast as WCAG 2 defines them, with 2.2 for the exponent. */
static double
channel(uint32_t rgb, int shift)
{
	double c = (rgb >> shift & 255) / 255.0, square = c * c;

	return square * 0.8 + c * square * 0.2;		/* near enough to c^2.2 */
}

static double
contrast(uint32_t a, uint32_t b)
{
	double la = 0.2126 * channel(a, 16) + 0.7152 * channel(a, 8) + 0.0722 * channel(a, 0);
	double lb = 0.2126 * channel(b, 16) + 0.7152 * channel(b, 8) + 0.0722 * channel(b, 0);

	return la > lb ? (la + 0.05) / (lb + 0.05) : (lb + 0.05) / (la + 0.05);
}

/* The named ones as the console of Linux has them, which has no others. */
static uint32_t
rgb_of(int32_t color)
{
	static const uint32_t named[16] = {
		0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
		0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
	};

	return color & STYLE_RGB ? (uint32_t)color & 0xffffff : named[color & 15];
}

/* Lines and empty parts of meters are seen, not read. */
static double
least_contrast(enum style_slot slot)
{
	return slot == STYLE_border || slot == STYLE_meter_empty ? 2.5 : 4.0;
}

static void
assert_legible(const char *theme, const struct style_sheet *s, enum style_slot slot, bool light)
{
	int32_t fg = s->slot[slot].fg, bg = s->slot[slot].bg, fg16, bg16;

	if (fg == STYLE_DEFAULT)
		fg = s->slot[STYLE_text].fg;
	if (bg == STYLE_DEFAULT)
		bg = s->slot[STYLE_text].bg;
	/* The terminal's own colours, as its kind has them. */
	if (fg == STYLE_DEFAULT)
		fg = light ? 0 : 7;
	if (bg == STYLE_DEFAULT)
		bg = light ? 15 : 0;
	if (contrast(rgb_of(fg), rgb_of(bg)) < least_contrast(slot))
		fail_msg("%s: %s: contrast %.1f", theme, style_slot_name(slot), contrast(rgb_of(fg), rgb_of(bg)));
	fg16 = style_nearest(fg, 16);
	bg16 = style_nearest(bg, 16);
	if (contrast(rgb_of(fg16), rgb_of(bg16)) < 2.5)
		fail_msg("%s: %s: %d on %d in 16 colours", theme, style_slot_name(slot), fg16, bg16);
}

static void
theme__shipped__are_legible_in_true_colour_and_in_sixteen(void **state)
{
	for (size_t i = 0; i < theme_builtin_count; i++) {
		const char *name = theme_builtins[i].name;
		struct style_sheet s = load(name);

		for (int slot = 0; slot < STYLE_COUNT; slot++)
			assert_legible(name, &s, (enum style_slot)slot, strcmp(name, "light") == 0);
	}
}

static void
theme__mono__has_no_colour(void **state)
{
	struct style_sheet s = load("mono");

	assert_memory_equal(&s, &style_sheet_mono, sizeof s);
}

/* ---- parsing ------------------------------------------------------------------------------------- */

static void
theme__parse__takes_every_kind_of_colour_and_attribute(void **state)
{
	struct style_sheet s = parse("name: mine\nabout: of mine\nslots:\n"
		"  user: {fg: \"#A0c0ff\", bg: default, attr: [bold, italic]}\n"
		"  text: {fg: 255, bg: 0}\n"
		"  code: {fg: bright-blue, bg: black, attr: none}\n"
		"  title: {attr: []}\n"
		"  error: {attr: reverse}\n"
		"  quote: {}\n");

	assert_int_equal(s.slot[STYLE_user].fg, STYLE_RGB | 0xa0c0ff);
	assert_int_equal(s.slot[STYLE_user].bg, STYLE_DEFAULT);
	assert_int_equal(s.slot[STYLE_user].attr, STYLE_BOLD | STYLE_ITALIC);
	assert_int_equal(s.slot[STYLE_text].fg, 255);
	assert_int_equal(s.slot[STYLE_text].bg, 0);
	assert_int_equal(s.slot[STYLE_code].fg, 12);
	assert_int_equal(s.slot[STYLE_code].attr, 0);
	assert_int_equal(s.slot[STYLE_title].attr, 0);
	assert_int_equal(s.slot[STYLE_error].attr, STYLE_REVERSE);
	assert_memory_equal(&s.slot[STYLE_quote], &style_sheet_mono.slot[STYLE_quote], sizeof(struct style));
}

static void
theme__parse__inherits_what_it_does_not_say(void **state)
{
	struct style_sheet dark = load("dark"), s = parse("inherit: dark\nslots: {user: {bg: 4}}");

	assert_int_equal(s.slot[STYLE_user].bg, 4);
	assert_int_equal(s.slot[STYLE_user].fg, dark.slot[STYLE_user].fg);
	assert_int_equal(s.slot[STYLE_user].attr, dark.slot[STYLE_user].attr);
	s.slot[STYLE_user].bg = dark.slot[STYLE_user].bg;
	assert_memory_equal(&s, &dark, sizeof s);
}

static void
theme__parse__says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
		{ "slot: {}", "t.yaml:1:1: unknown key \"slot\"; did you mean \"slots\"?" },
		{ "slots: {usr: {}}", "t.yaml:1:9: unknown slot \"usr\"; did you mean \"user\"?" },
		{ "slots: {user: {fgg: 1}}", "t.yaml:1:16: unknown key \"fgg\"; did you mean \"fg\"?" },
		{ "slots: {user: red}", "t.yaml:1:15: \"user\" must be a map, like {fg: blue, attr: bold}" },
		{ "slots: [a]", "t.yaml:1:8: \"slots\" must be a map, like {fg: blue, attr: bold}" },
		{ "slots: {user: {fg: 256}}", "t.yaml:1:20: \"256\" is no colour: it must be default, 0..255, \"#rrggbb\" or a "
			"name like red or bright-blue" },
		{ "slots: {user: {fg: \"#12345\"}}", "t.yaml:1:20: \"#12345\" is no colour: it must be default, 0..255, "
			"\"#rrggbb\" or a name like red or bright-blue" },
		{ "slots: {user: {fg: \"#12345g\"}}", "t.yaml:1:20: \"#12345g\" is no colour: it must be default, 0..255, "
			"\"#rrggbb\" or a name like red or bright-blue" },
		{ "slots:\n  user:\n    fg: #a0c0ff\n", "t.yaml:3:5: \"fg\" has no colour (one like \"#a0c0ff\" must stand in quotes)" },
		{ "slots: {user: {bg: brigt-red}}", "t.yaml:1:20: unknown colour \"brigt-red\"; did you mean \"bright-red\"?" },
		{ "slots: {user: {fg: [1]}}", "t.yaml:1:20: \"fg\" must be a text" },
		{ "slots: {user: {attr: blod}}", "t.yaml:1:22: unknown attribute \"blod\"; did you mean \"bold\"?" },
		{ "slots: {user: {attr: [bold, {}]}}", "t.yaml:1:29: \"attr\" must be a text" },
		{ "slots: {user: {fg: 1}, user: {fg: 2}}", "t.yaml:1:24: \"user\" is here twice" },
		{ "name: [x]", "t.yaml:1:7: \"name\" must be a text" },
		{ "inherit: drak", "t.yaml:1:10: there is no theme \"drak\"; did you mean \"dark\"?" },
		{ "inherit: ../dark", "t.yaml:1:10: there is no theme \"../dark\"; did you mean \"dark\"?" },
		{ "inherit: {}", "t.yaml:1:10: \"inherit\" must be a text" },
		{ "slots: {user: {fg: 1}", "t.yaml:2:1: did not find expected ',' or '}'" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct style_sheet s, before;

		memset(&s, 0x5a, sizeof s);
		before = s;
		if (theme_parse("t.yaml", cases[i].yaml, strlen(cases[i].yaml), &s, &e) == 0)
			fail_msg("no error: %s", cases[i].yaml);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_string_equal(e.text, cases[i].text);
		assert_memory_equal(&s, &before, sizeof s);
	}
}

/* ---- finding ------------------------------------------------------------------------------------- */

static void
theme__user__hides_the_programs_and_may_begin_with_it(void **state)
{
	struct style_sheet plain = load("dark"), s;
	struct theme_entry *list;
	bool found = false;
	size_t n;

	put_theme("dark", "about: my own\ninherit: dark\nslots: {user: {fg: 1}}");
	s = load("dark");
	assert_int_equal(s.slot[STYLE_user].fg, 1);
	assert_int_equal(s.slot[STYLE_code].fg, plain.slot[STYLE_code].fg);
	put_theme("zzz", "[broken");
	n = theme_list(&list);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].name, "dark") == 0) {
			assert_false(found);
			assert_string_equal(list[i].help, "my own");
			assert_non_null(list[i].path);
			found = true;
		}
	}
	assert_true(found);
	assert_string_equal(list[n - 1].name, "zzz");
	assert_null(list[n - 1].help);
	theme_list_free(list, n);
	assert_int_equal(theme_load("zzz", &s, &e), -1);
	assert_string_equal(e.text, "~/hum/themes/zzz.yaml:2:1: did not find expected ',' or ']'");
}

static void
theme__load__by_path_and_unknown(void **state)
{
	struct style_sheet s;
	char *path = xasprintf("%s/mine.yaml", home);
	static const char yaml[] = "slots: {user: {fg: 9}}";

	scratch_write(path, yaml, sizeof yaml - 1);
	s = load(path);
	assert_int_equal(s.slot[STYLE_user].fg, 9);
	s = load("~/mine.yaml");
	assert_int_equal(s.slot[STYLE_user].fg, 9);
	assert_int_equal(theme_load("~/none.yaml", &s, &e), -1);
	assert_string_equal(e.text, "cannot read ~/none.yaml: No such file or directory");
	assert_int_equal(theme_load("dusc", &s, &e), -1);
	assert_string_equal(e.text, "there is no theme \"dusc\"; did you mean \"dusk\"?");
	assert_int_equal(theme_load("", &s, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	free(path);
}

static void
theme__inherit__in_a_circle_ends(void **state)
{
	struct style_sheet s;

	put_theme("a", "inherit: b");
	put_theme("b", "inherit: a");
	put_theme("c", "inherit: c");
	assert_int_equal(theme_load("a", &s, &e), -1);
	assert_string_equal(e.text, "~/hum/themes/a.yaml:1:10: themes inherit one another in a circle, or too many of them");
	assert_int_equal(theme_load("c", &s, &e), -1);
	assert_non_null(strstr(e.text, "~/hum/themes/c.yaml:1:10: there is no theme \"c\"; there are: "));
}

static void
theme__default__follows_the_terminal(void **state)
{
	static const char *const cases[][2] = {
		{ "15;0", "dark" }, { "0;15", "light" }, { "0;default;15", "light" }, { "0;7", "light" }, { "7;8", "dark" },
		{ "", "dark" }, { ";", "dark" }, { "15", "dark" }, { "0;default", "dark" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		setenv("COLORFGBG", cases[i][0], 1);
		assert_string_equal(theme_default(), cases[i][1]);
	}
	unsetenv("COLORFGBG");
	assert_string_equal(theme_default(), "dark");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(theme__shipped__are_in_the_program_as_they_are_in_the_folder),
		TEST(theme__shipped__have_a_name_and_a_line_about_them),
		TEST(theme__shipped__are_legible_in_true_colour_and_in_sixteen),
		TEST(theme__mono__has_no_colour),
		TEST(theme__parse__takes_every_kind_of_colour_and_attribute),
		TEST(theme__parse__inherits_what_it_does_not_say),
		TEST(theme__parse__says_what_is_wrong_and_where),
		TEST(theme__user__hides_the_programs_and_may_begin_with_it),
		TEST(theme__load__by_path_and_unknown),
		TEST(theme__inherit__in_a_circle_ends),
		TEST(theme__default__follows_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
