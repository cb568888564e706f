#include "config.h"

#include "tests/app/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "app/clipboard.h"
#include "tests/app/home.h"

/* The environment that is asked for: "NAME=value", NULL at the end. */
static const char *environment[8];

static char *
get(const char *name)
{
	static char *bin;
	size_t len = strlen(name);

	free(bin);
	bin = NULL;
	if (!strcmp(name, "PATH"))
		return bin = xasprintf(":relative:.:%s/nowhere:%s/bin", home, home);
	for (size_t i = 0; environment[i]; i++)
		if (!strncmp(environment[i], name, len) && environment[i][len] == '=')
			return (char *)(uintptr_t)environment[i] + len + 1;
	return NULL;
}

static void
in(const char *a, const char *b, const char *c)
{
	environment[0] = a;
	environment[1] = a ? b : NULL;
	environment[2] = a && b ? c : NULL;
}

static void
install(const char *name, const char *script)
{
	char *rest = xasprintf("bin/%s", name), *path = home_path(rest), *text = xasprintf("#!/bin/sh\n%s\n", script);

	home_write(rest, text);
	chmod(path, 0700);
	free(text);
	free(path);
	free(rest);
}

static int
setup(void **state)
{
	static const char *const tools[] = { "wl-copy", "xclip", "xsel", "clip.exe", "tmux" };

	if (home_setup(state) < 0)
		return -1;
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
		install(tools[i], "");
	return 0;
}

/* The ways that are tried one after the other: "wl-copy xclip terminal". */
static void
ways_are(bool ascii, const char *expected)
{
	const struct clipboard_way *way = NULL;
	struct strbuf all = STRBUF_INIT;
	char *program;

	do {
		way = clipboard_way(way, ascii, get, &program);
		if (program) {
			assert_non_null(strstr(program, "/bin/"));
			assert_int_equal(*program, '/');
		}
		strbuf_addf(&all, "%s ", program ? strrchr(program, '/') + 1 : "terminal");
		free(program);
	} while (way->argv[0]);
	strbuf_truncate(&all, all.len - 1);
	assert_string_equal(all.s, expected);
	strbuf_release(&all);
}

static void
way__of_a_desktop__is_its_tool(void **state)
{
	in("WAYLAND_DISPLAY=wayland-0", "DISPLAY=:0", NULL);
	ways_are(true, "wl-copy xclip xsel terminal");
	in("DISPLAY=:0", NULL, NULL);
	ways_are(true, "xclip xsel terminal");
	in("WAYLAND_DISPLAY=", NULL, NULL);
	ways_are(true, "terminal");
	in(NULL, NULL, NULL);
	ways_are(true, "terminal");
	in("WSL_DISTRO_NAME=Debian", NULL, NULL);
	ways_are(true, "clip.exe terminal");
	ways_are(false, "terminal");
	install("pbcopy", "");
	in(NULL, NULL, NULL);
	ways_are(true, "pbcopy terminal");
}

static void
way__without_the_tool__is_another(void **state)
{
	char *path = home_path("bin/xclip");

	in("DISPLAY=:0", NULL, NULL);
	chmod(path, 0600);
	ways_are(true, "xsel terminal");
	free(path);
}

static void
way__over_ssh__is_the_users_own_machine(void **state)
{
	in("SSH_CONNECTION=1 2 3 4", "WAYLAND_DISPLAY=wayland-0", "DISPLAY=:0");
	ways_are(true, "terminal");
	in("SSH_TTY=/dev/pts/1", "DISPLAY=unix:0", NULL);
	ways_are(true, "terminal");
	in("SSH_TTY=/dev/pts/1", "DISPLAY=localhost:10.0", NULL);
	ways_are(true, "xclip xsel terminal");
	in("SSH_TTY=/dev/pts/1", "WSL_DISTRO_NAME=Debian", NULL);
	ways_are(true, "terminal");
}

static void
way__in_tmux__goes_through_it(void **state)
{
	in("TMUX=/tmp/tmux-1000/default,1,0", NULL, NULL);
	ways_are(true, "tmux tmux terminal");
	in("TMUX=/tmp/tmux-1000/default,1,0", "SSH_TTY=/dev/pts/1", "DISPLAY=:0");
	ways_are(false, "tmux tmux terminal");
	in("TMUX=/tmp/tmux-1000/default,1,0", "DISPLAY=:0", NULL);
	ways_are(true, "xclip xsel tmux tmux terminal");
}

/* Runs the first way there is with the text; how it ended. */
static enum tool_state
run(const char *text, size_t len)
{
	char *program;
	const struct clipboard_way *way = clipboard_way(NULL, true, get, &program);
	pid_t pid = clipboard_tool_start(way, program, text, len);
	siginfo_t info;

	free(program);
	assert_true(pid > 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	return clipboard_tool_look(pid);
}

static void
tool__start__gives_it_the_text_and_nothing_else(void **state)
{
	struct strbuf got = STRBUF_INIT;
	int ours = open("/dev/null", O_RDONLY);		/* inherited, unless it is closed */

	assert_true(ours > 2);
	in("WAYLAND_DISPLAY=wayland-0", NULL, NULL);
	install("wl-copy", "cat >text; echo \"$@\" >args; echo noise; echo noise >&2; ls /proc/self/fd | wc -l >files");
	assert_int_equal(run("a\0b\n\xff", 5), TOOL_DONE);
	scratch_read("text", &got);
	assert_int_equal(got.len, 5);
	assert_memory_equal(got.s, "a\0b\n\xff", 5);
	strbuf_reset(&got);
	scratch_read("args", &got);
	assert_string_equal(got.s, "--type text/plain\n");
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
	strbuf_reset(&got);
	scratch_read("files", &got);
	assert_string_equal(got.s, "4\n");		/* the three, and the one that ls reads */
#endif
	close(ours);
	strbuf_release(&got);
}

static void
tool__look__knows_what_failed(void **state)
{
	in("WAYLAND_DISPLAY=wayland-0", NULL, NULL);
	install("wl-copy", "exit 3");
	assert_int_equal(run("x", 1), TOOL_FAILED);
	install("wl-copy", "kill -9 $$");
	assert_int_equal(run("x", 1), TOOL_FAILED);
}

static void
tool__look__does_not_wait_for_what_stays_behind(void **state)
{
	struct strbuf got = STRBUF_INIT;

	in("WAYLAND_DISPLAY=wayland-0", NULL, NULL);
	install("wl-copy", "sleep 1000 & echo $! >server");
	assert_int_equal(run("x", 1), TOOL_DONE);
	scratch_read("server", &got);
	assert_int_equal(kill((pid_t)atoi(got.s), SIGKILL), 0);
	strbuf_release(&got);
}

static void
tool__kill__ends_all_that_it_has_started(void **state)
{
	char *program;
	const struct clipboard_way *way;
	pid_t pid;
	siginfo_t info;

	in("WAYLAND_DISPLAY=wayland-0", NULL, NULL);
	install("wl-copy", "trap '' TERM HUP INT; sleep 1000");
	way = clipboard_way(NULL, true, get, &program);
	pid = clipboard_tool_start(way, program, "x", 1);
	free(program);
	assert_int_equal(clipboard_tool_look(pid), TOOL_RUNS);
	assert_int_equal(getpgid(pid), pid);
	clipboard_tool_kill(pid);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(clipboard_tool_look(pid), TOOL_FAILED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(way__of_a_desktop__is_its_tool),
		TEST(way__without_the_tool__is_another),
		TEST(way__over_ssh__is_the_users_own_machine),
		TEST(way__in_tmux__goes_through_it),
		TEST(tool__start__gives_it_the_text_and_nothing_else),
		TEST(tool__look__knows_what_failed),
		TEST(tool__look__does_not_wait_for_what_stays_behind),
		TEST(tool__kill__ends_all_that_it_has_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
