#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/paths.h"
#include "tests/app/scratch.h"

static char *dir;

static int
setup(void **state)
{
	dir = scratch_new();
	setenv("HOME", dir, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CACHE_HOME");
	return 0;
}

static int
teardown(void **state)
{
	scratch_free(dir);
	return 0;
}

static void
assert_path(char *got, const char *base, const char *rest)
{
	char *want = xasprintf("%s%s", base, rest);

	assert_string_equal(got, want);
	free(want);
	free(got);
}

static void
paths__base__is_below_home_and_made_private(void **state)
{
	struct stat st;
	char *path;

	assert_path(path_config("config.yaml"), dir, "/.config/hum/config.yaml");
	assert_path(path_state("log"), dir, "/.local/state/hum/log");
	assert_path(path_cache(NULL), dir, "/.cache/hum");
	assert_path(path_sessions(), dir, "/.local/share/hum/sessions");
	assert_path(path_summaries(), dir, "/.cache/hum/summaries");
	path = path_data(NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_path(path, dir, "/.local/share/hum");
}

static void
paths__base__follows_xdg_but_not_a_relative_one(void **state)
{
	char *base = xasprintf("%s/a/b", dir);

	setenv("XDG_DATA_HOME", base, 1);
	setenv("XDG_CONFIG_HOME", "somewhere", 1);
	assert_path(path_data("x"), base, "/hum/x");
	assert_path(path_config("x"), dir, "/.config/hum/x");
	free(base);
}

static void
paths__expand__knows_the_tilde_only_alone(void **state)
{
	char *home = xasprintf("%s/", dir);

	setenv("HOME", home, 1);		/* a trailing slash makes no double one */
	free(home);
	assert_path(path_expand("~"), dir, "");
	assert_path(path_expand("~/m/x.gguf"), dir, "/m/x.gguf");
	assert_path(path_expand("~other/x"), "", "~other/x");
	assert_path(path_expand("a/~"), "", "a/~");
	setenv("HOME", "/", 1);
	assert_path(path_expand("~"), "", "/");
	assert_path(path_expand("~/x"), "", "/x");
}

static void
paths__pretty__shortens_home_only(void **state)
{
	char *inside = xasprintf("%s/x/y", dir), *beside = xasprintf("%sx", dir);

	assert_path(path_pretty(inside), "", "~/x/y");
	assert_path(path_pretty(dir), "", "~");
	assert_path(path_pretty(beside), beside, "");
	assert_path(path_pretty("/etc"), "", "/etc");
	free(inside);
	free(beside);
}

static void
paths__make__fails_where_a_file_stands(void **state)
{
	char *file = xasprintf("%s/f", dir), *below = xasprintf("%s/f/g", dir), *deep = xasprintf("%s/1/2/3/", dir);

	scratch_write(file, "", 0);
	assert_int_equal(path_make(file), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(path_make(below), -1);
	assert_int_equal(path_make(deep), 0);
	assert_int_equal(path_make(deep), 0);
	assert_int_equal(path_make(""), -1);
	free(file);
	free(below);
	free(deep);
}

static void
paths__make__tells_why_the_first_folder_failed(void **state)
{
	char *deep = xasprintf("%s/1/2/3", dir);
	bool root = geteuid() == 0;

	assert_int_equal(chmod(dir, 0555), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(path_make(deep), -1);
	assert_int_equal(errno, EACCES);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(dir, 0700), 0);
	free(deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paths__base__is_below_home_and_made_private, setup, teardown),
		cmocka_unit_test_setup_teardown(paths__base__follows_xdg_but_not_a_relative_one, setup, teardown),
		cmocka_unit_test_setup_teardown(paths__expand__knows_the_tilde_only_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(paths__pretty__shortens_home_only, setup, teardown),
		cmocka_unit_test_setup_teardown(paths__make__fails_where_a_file_stands, setup, teardown),
		cmocka_unit_test_setup_teardown(paths__make__tells_why_the_first_folder_failed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
