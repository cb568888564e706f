/*
 * hum from start to end in a terminal emulator. Two models answer: the bundled guide, and `slow`, a file of
 * random weights that babbles until its context is full, so that there is time to do things while it does.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/strbuf.h"
#include "base/xalloc.h"
#include "tests/engine/tiny_model.h"
#include "tests/pty/terminal.h"

struct place {
	char home[64];		/* a folder for one test; XDG folders lie in it */
	char *env[8];
	char *hum;
};

static int
make_folder(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);
	const char *build = getenv("TOP_BUILDDIR");

	strcpy(p->home, "/tmp/hum-pty-XXXXXX");
	if (!mkdtemp(p->home))
		return -1;
	p->hum = xasprintf("%s/hum", build ? build : ".");
	p->env[0] = xasprintf("HOME=%s", p->home);
	p->env[1] = xasprintf("XDG_CONFIG_HOME=%s/config", p->home);
	p->env[2] = xasprintf("XDG_DATA_HOME=%s/data", p->home);
	p->env[3] = xasprintf("XDG_STATE_HOME=%s/state", p->home);
	p->env[4] = xasprintf("XDG_CACHE_HOME=%s/cache", p->home);
	p->env[5] = xstrdup("TERM=xterm-256color");
	p->env[6] = xstrdup("LC_ALL=C.UTF-8");
	*state = p;
	return 0;
}

static int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int
remove_folder(void **state)
{
	struct place *p = *state;

	terminal_free_all();
	nftw(p->home, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; p->env[i]; i++)
		free(p->env[i]);
	free(p->hum);
	free(p);
	return 0;
}

/* Starts hum with up to five arguments, ended by NULL. */
static struct terminal *
start(const struct place *p, int rows, int cols, ...)
{
	const char *argv[8] = { p->hum };
	const char *env[8];
	va_list ap;
	size_t n = 1;

	va_start(ap, cols);
	while (n < 7 && (argv[n] = va_arg(ap, const char *)))
		n++;
	va_end(ap);
	for (n = 0; n < 8; n++)
		env[n] = p->env[n];
	return terminal_start(argv, env, rows, cols);
}

/* A row of zeros for </s> in the last matrix: its logit is 0, and never the greatest. */
static void
never_end(struct gguf_writer *w, const void *ctx)
{
	for (size_t i = 0; i < w->n_tensors; i++) {
		struct gguf_out_tensor *t = &w->tensor[i];
		size_t row = t->ne[0] / 32 * 34;	/* Q8_0 */

		if (!strcmp(t->name, "output.weight"))
			memset((uint8_t *)(uintptr_t)t->data + 2 * row, 0, row);
	}
}

/* Puts the babbling model into the models folder. */
static void
add_slow_model(const struct place *p)
{
	static const char *const folders[] = { "data", "data/hum", "data/hum/models" };
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	char *path;

	t.n_layer = 6;
	t.n_embd = 512;
	t.n_head = t.n_head_kv = 8;
	t.n_ff = 1536;
	t.n_ctx = 16384;
	t.edit = never_end;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		path = xasprintf("%s/%s", p->home, folders[i]);
		mkdir(path, 0700);
		free(path);
	}
	path = xasprintf("%s/data/hum/models/slow.gguf", p->home);
	tiny_model_save(&t, path);
	free(path);
}

static struct terminal *
start_slow(const struct place *p, int rows, int cols)
{
	struct terminal *t = start(p, rows, cols, "-m", "slow", "--ctx=16384", "--temp=0", NULL);

	terminal_wait(t, "slow");
	return t;
}

/* All session files, one after the other. */
static void
read_sessions(const struct place *p, struct strbuf *out)
{
	char *dir = xasprintf("%s/data/hum/sessions", p->home), buf[65536];
	DIR *d = opendir(dir);
	struct dirent *e;

	strbuf_reset(out);
	while (d && (e = readdir(d))) {
		char *path = xasprintf("%s/%s", dir, e->d_name);
		const char *end = strrchr(e->d_name, '.');
		int fd = end && !strcmp(end, ".yaml") ? open(path, O_RDONLY) : -1;
		ssize_t n;

		while (fd >= 0 && (n = read(fd, buf, sizeof buf)) > 0)
			strbuf_add(out, buf, n);
		if (fd >= 0)
			close(fd);
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
}

static bool
on_disk(const struct place *p, const char *text)
{
	struct strbuf b = STRBUF_INIT;
	bool found;

	read_sessions(p, &b);
	found = strstr(b.s, text) != NULL;
	strbuf_release(&b);
	return found;
}

struct disk_text {
	const struct place *place;
	const char *text;
};

static bool
disk_has(struct terminal *t, void *ctx)
{
	const struct disk_text *d = ctx;

	terminal_screen(t);
	return on_disk(d->place, d->text);
}

static void
wait_on_disk(struct terminal *t, const struct place *p, const char *text)
{
	struct disk_text d = { p, text };

	terminal_wait_until(t, disk_has, &d, text);
}

static void
quit(struct terminal *t)
{
	terminal_type(t, "/quit\r");
	assert_int_equal(terminal_wait_exit(t), 0);
	assert_true(terminal_is_restored(t));
	terminal_free(t);
}

/* ---- */

static void
chat__guide__answers_and_is_there_again(void **state)
{
	struct place *p = *state;
	struct terminal *t = start(p, 30, 100, NULL);

	terminal_wait(t, "This is the guide");
	terminal_type(t, "What is Llama 2?\r");
	terminal_wait(t, " tokens · ");
	terminal_wait(t, "Meta");
	wait_on_disk(t, p, "finish: stop");
	quit(t);

	t = start(p, 30, 100, "-c", NULL);
	terminal_wait(t, "What is Llama 2?");
	terminal_wait(t, "Meta");
	terminal_wait(t, " tokens · ");
	quit(t);
}

static void
chat__answer__can_be_stopped_and_continued(void **state)
{
	struct place *p = *state;
	struct terminal *t;

	add_slow_model(p);
	t = start_slow(p, 24, 80);
	terminal_type(t, "go on and on\r");
	terminal_wait(t, "generating");
	wait_on_disk(t, p, "piece:");
	terminal_type(t, "typed meanwhile");
	terminal_wait(t, "typed meanwhile");
	terminal_type(t, "\025");			/* C-u empties the input */
	terminal_wait_gone(t, "typed meanwhile");
	terminal_type(t, "\033");
	terminal_wait(t, "stopped");
	wait_on_disk(t, p, "finish: cancelled");
	terminal_type(t, "/continue\r");
	terminal_wait(t, "generating");
	terminal_type(t, "\003");			/* C-c stops too */
	terminal_wait(t, "stopped");
	terminal_type(t, "/regen\r");
	terminal_wait(t, "generating");
	terminal_wait(t, "2/2");
	terminal_type(t, "\033");
	terminal_wait(t, "stopped");
	quit(t);
}

static void
chat__scrolling__leaves_the_stream_alone(void **state)
{
	struct place *p = *state;
	struct terminal *t;
	char *top;

	add_slow_model(p);
	t = start_slow(p, 12, 60);
	terminal_type(t, "go on and on\r");
	terminal_wait(t, "generating");
	terminal_wait_gone(t, "\u258cyou");		/* scrolled out at the top */
	terminal_type(t, "\033[5~");
	terminal_wait(t, "new line");
	top = xstrdup(terminal_row(t, 3));
	wait_on_disk(t, p, "piece:");
	for (int i = 0; i < 200; i++)
		assert_string_equal(terminal_row(t, 3), top);
	terminal_type(t, "\033[F");			/* End, in the empty input: follow again */
	terminal_wait_gone(t, "new line");
	terminal_type(t, "\033");
	terminal_wait(t, "stopped");
	free(top);
	quit(t);
}

static void
chat__resize__at_any_time(void **state)
{
	static const int sizes[][2] = { { 10, 40 }, { 5, 20 }, { 50, 160 }, { 3, 10 }, { 1, 1 }, { 24, 80 } };
	struct place *p = *state;
	struct terminal *t;

	add_slow_model(p);
	t = start_slow(p, 24, 80);
	terminal_type(t, "go on and on\r");
	for (int round = 0; round < 5; round++) {
		terminal_wait(t, "generating");
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			terminal_resize(t, sizes[i][0], sizes[i][1]);
	}
	terminal_wait(t, "generating");
	terminal_type(t, "\033");
	terminal_wait(t, "stopped");
	terminal_resize(t, 5, 20);
	terminal_type(t, "tiny");
	terminal_wait(t, "tiny");
	terminal_resize(t, 24, 80);
	terminal_type(t, "\025");
	terminal_wait_gone(t, "tiny");
	quit(t);
}

static void
chat__model__can_be_switched(void **state)
{
	struct place *p = *state;
	struct terminal *t;

	add_slow_model(p);
	t = start(p, 30, 100, NULL);
	terminal_wait(t, "This is the guide");
	terminal_type(t, "Hello\r");
	terminal_wait(t, " tokens · ");
	wait_on_disk(t, p, "finish: stop");
	terminal_type(t, "/model\r");
	terminal_wait(t, "Models");
	terminal_type(t, "slow\r");
	terminal_wait(t, "slow answers from here on");
	terminal_type(t, "and you?\r");
	terminal_wait(t, "generating");
	terminal_type(t, "\033");
	terminal_wait(t, "stopped");
	wait_on_disk(t, p, "model: slow");
	quit(t);
}

static void
chat__kill__loses_neither_turn_nor_answer(void **state)
{
	struct place *p = *state;
	struct terminal *t;
	struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;

	add_slow_model(p);
	t = start_slow(p, 24, 80);
	terminal_type(t, "this turn must survive\r");
	terminal_wait(t, "generating");
	wait_on_disk(t, p, "piece:");
	terminal_signal(t, SIGKILL);
	assert_int_equal(terminal_wait_exit(t), 128 + SIGKILL);
	terminal_free(t);
	assert_true(on_disk(p, "this turn must survive"));
	read_sessions(p, &before);

	t = start(p, 24, 80, "-c", "--ctx=16384", "--temp=0", NULL);
	terminal_wait(t, "interrupted");
	terminal_type(t, "\033[1;5H");			/* C-Home: the beginning of the chat */
	terminal_wait(t, "this turn must survive");
	terminal_type(t, "/continue\r");
	terminal_wait(t, "generating");
	assert_false(terminal_shows(t, "asks again"));	/* the notice has served */
	terminal_type(t, "\033");
	terminal_wait(t, "stopped");
	quit(t);
	read_sessions(p, &after);
	assert_true(after.len > before.len);
	assert_memory_equal(after.s, before.s, before.len - 200);	/* but for a torn end, nothing is rewritten */
	strbuf_release(&before);
	strbuf_release(&after);
}

/* A signal while an answer streams: the terminal is put back, what was said is on disk. */
static void
ends_cleanly_by(const struct place *p, int sig)
{
	struct terminal *t = start_slow(p, 24, 80);
	int status;

	terminal_type(t, "go on and on\r");
	terminal_wait(t, "generating");
	wait_on_disk(t, p, "piece:");
	terminal_signal(t, sig);
	status = terminal_wait_exit(t);
	assert_true(status == 0 || status == 130 || status == 128 + sig);
	assert_true(terminal_is_restored(t));
	terminal_free(t);
	assert_true(on_disk(p, "finish: cancelled"));
}

static void
chat__signals__end_it_cleanly(void **state)
{
	struct place *p = *state;

	add_slow_model(p);
	ends_cleanly_by(p, SIGTERM);
	ends_cleanly_by(p, SIGHUP);
	ends_cleanly_by(p, SIGINT);
}

static void
chat__signals__that_end_other_programs__put_the_terminal_back(void **state)
{
	static const int signals[] = { SIGXCPU, SIGUSR1, SIGUSR2, SIGALRM };
	struct place *p = *state;

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct terminal *t = start(p, 24, 80, NULL);

		terminal_wait(t, "This is the guide");
		terminal_signal(t, signals[i]);
		assert_int_equal(terminal_wait_exit(t), 130);
		assert_true(terminal_is_restored(t));
		terminal_free(t);
	}
}

/* Under a shell with job control, since what has no such parent cannot be stopped. */
static struct terminal *
start_in_shell(struct place *p, const char *before, const char *after)
{
	char *script = xasprintf("%s %s%s", before, p->hum, after);
	struct terminal *t;

	free(p->hum);
	p->hum = xstrdup("/bin/sh");
	t = start(p, 24, 80, "-c", script, NULL);
	free(script);
	terminal_wait(t, "This is the guide");
	return t;
}

static void
chat__suspend__gives_the_terminal_back(void **state)
{
	struct terminal *t = start_in_shell(*state, "set -m;",
		"; echo the shell has it; read x; fg; echo the end");

	terminal_type(t, "\032");			/* C-z */
	terminal_wait(t, "the shell has it");
	assert_true(terminal_is_restored(t));
	terminal_type(t, "\n");
	terminal_wait(t, "This is the guide");
	terminal_type(t, "still here");
	terminal_wait(t, "still here");
	assert_int_equal(terminal_times_shown(t), 2);
	terminal_type(t, "\025/quit\r");
	assert_int_equal(terminal_wait_exit(t), 0);
	terminal_free(t);
}

static void
chat__editor__is_waited_for_where_children_are_ignored(void **state)
{
	struct terminal *t;

	setenv("VISUAL", "sed -i s/typed/edited/", 1);
	signal(SIGCHLD, SIG_IGN);			/* which the program inherits */
	t = start(*state, 24, 80, NULL);
	signal(SIGCHLD, SIG_DFL);
	unsetenv("VISUAL");
	terminal_wait(t, "This is the guide");
	terminal_type(t, "typed");
	terminal_wait(t, "> typed");
	terminal_type(t, "\007");			/* C-g */
	terminal_wait(t, "> edited");
	assert_false(terminal_shows(t, "failed"));
	terminal_type(t, "\025");
	terminal_wait_gone(t, "> edited");
	quit(t);
}

static void
chat__interrupt__twice_quits(void **state)
{
	struct place *p = *state;
	struct terminal *t = start(p, 24, 80, NULL);

	terminal_wait(t, "This is the guide");
	terminal_type(t, "half a thought");
	terminal_wait(t, "half a thought");
	terminal_type(t, "\003");
	terminal_wait_gone(t, "half a thought");
	terminal_type(t, "\003");
	terminal_wait(t, "again to quit");
	terminal_type(t, "\003");
	assert_int_equal(terminal_wait_exit(t), 0);
	assert_true(terminal_is_restored(t));
	terminal_free(t);
}

static void
chat__small_terminal__is_usable(void **state)
{
	struct place *p = *state;
	struct terminal *t = start(p, 5, 20, NULL);

	terminal_wait(t, "F1 help");
	terminal_type(t, "hello");
	terminal_wait(t, "hello");
	terminal_type(t, "\r");
	wait_on_disk(t, p, "finish: stop");
	quit(t);
}

static void
chat__paste__does_not_send(void **state)
{
	struct place *p = *state;
	struct terminal *t = start(p, 24, 80, NULL);

	terminal_wait(t, "This is the guide");
	terminal_paste(t, "first line\nsecond line\n");
	terminal_wait(t, "second line");
	assert_false(on_disk(p, "second line"));
	terminal_type(t, "\r");
	wait_on_disk(t, p, "second line");
	wait_on_disk(t, p, "done:");
	quit(t);
}

/* Its folder has been made by an earlier start. */
static void
configure(const struct place *p, const char *yaml)
{
	char *path = xasprintf("%s/config/hum/config.yaml", p->home);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(yaml, f);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static void
chat__mouse__is_left_to_the_terminal_by_configuration(void **state)
{
	struct place *p = *state;
	struct terminal *t = start(p, 24, 80, NULL);

	terminal_wait(t, "This is the guide");
	assert_true(terminal_mouse(t));
	quit(t);
	configure(p, "mouse: false\n");
	t = start(p, 24, 80, NULL);
	terminal_wait(t, "This is the guide");
	assert_false(terminal_mouse(t));
	quit(t);
}

static void
chat__commands__complete_and_show_help(void **state)
{
	struct place *p = *state;
	struct terminal *t = start(p, 30, 100, NULL);

	terminal_wait(t, "This is the guide");
	terminal_type(t, "/th\t");
	terminal_wait(t, "/theme");
	terminal_type(t, "mono\r");
	terminal_wait_gone(t, "/theme mono");
	terminal_type(t, "\033OP");			/* F1 */
	terminal_wait(t, "send what you typed");
	terminal_type(t, "\033[6~");
	terminal_wait(t, "/new [title]");
	terminal_type(t, "\033");
	terminal_wait_gone(t, "/new [title]");
	terminal_type(t, "/nwe\r");
	terminal_wait(t, "/new");
	terminal_type(t, "\025");
	quit(t);
}

/* A desktop whose clipboard is kept by this script; $HOME/bin is in front of PATH. */
static void
install_wl_copy(const struct place *p, const char *script)
{
	char *bin = xasprintf("%s/bin", p->home), *tool = xasprintf("%s/bin/wl-copy", p->home);
	char *path = xasprintf("%s:/usr/bin:/bin", bin);
	FILE *f;

	mkdir(bin, 0700);
	f = fopen(tool, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	assert_int_equal(fchmod(fileno(f), 0700), 0);
	assert_int_equal(fclose(f), 0);
	setenv("PATH", path, 1);
	setenv("WAYLAND_DISPLAY", "wayland-0", 1);
	free(path);
	free(tool);
	free(bin);
}

/* What the script has put into $HOME/copied, as OSC 52 for a terminal. */
static void
add_sequence_of_copied(const struct place *p, struct strbuf *out)
{
	char *path = xasprintf("%s/copied", p->home), text[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof text, f);
	fclose(f);
	assert_true(n > 20);
	strbuf_adds(out, "\033]52;c;");
	base64_add(out, text, n);
	strbuf_adds(out, "\033\\");
	free(path);
}

static bool
wrote(struct terminal *t, void *bytes)
{
	return terminal_wrote(t, bytes);
}

static void
chat__copy__by_a_tool_and_by_the_terminal(void **state)
{
	struct place *p = *state;
	struct strbuf sequence = STRBUF_INIT;
	struct terminal *t;

	install_wl_copy(p, "cat >\"$HOME/copied\"");
	t = start(p, 24, 100, NULL);
	terminal_wait(t, "This is the guide");
	terminal_type(t, "What is Llama 2?\r");
	terminal_wait(t, " tokens · ");
	terminal_type(t, "/copy\r");
	terminal_wait(t, "Copied the last answer, ");
	assert_false(terminal_wrote(t, "\033]52;"));
	quit(t);

	unsetenv("WAYLAND_DISPLAY");
	add_sequence_of_copied(p, &sequence);
	t = start(p, 24, 100, "-c", NULL);
	terminal_wait(t, " tokens · ");
	terminal_type(t, "/copy\r");
	terminal_wait(t, "Sent the last answer to the terminal's clipboard, ");
	terminal_wait_until(t, wrote, sequence.s, "the sequence");
	quit(t);
	strbuf_release(&sequence);
}

static void
chat__copy__does_not_wait_for_a_tool_that_hangs(void **state)
{
	struct place *p = *state;
	struct terminal *t;

	install_wl_copy(p, "exec sleep 1000");
	t = start(p, 24, 100, NULL);
	terminal_wait(t, "This is the guide");
	terminal_type(t, "Hello\r");
	terminal_wait(t, " tokens · ");
	terminal_type(t, "/copy\r");
	terminal_type(t, "typed meanwhile");
	terminal_wait(t, "> typed meanwhile");
	terminal_wait(t, "Sent the last answer to the terminal's clipboard, ");	/* which a key would hide */
	terminal_type(t, "\025");
	terminal_wait_gone(t, "typed meanwhile");
	quit(t);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

/* With an argument only the tests that match it, "*kill*". */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(chat__guide__answers_and_is_there_again),
		CASE(chat__answer__can_be_stopped_and_continued),
		CASE(chat__scrolling__leaves_the_stream_alone),
		CASE(chat__resize__at_any_time),
		CASE(chat__model__can_be_switched),
		CASE(chat__kill__loses_neither_turn_nor_answer),
		CASE(chat__signals__end_it_cleanly),
		CASE(chat__signals__that_end_other_programs__put_the_terminal_back),
		CASE(chat__suspend__gives_the_terminal_back),
		CASE(chat__editor__is_waited_for_where_children_are_ignored),
		CASE(chat__interrupt__twice_quits),
		CASE(chat__small_terminal__is_usable),
		CASE(chat__paste__does_not_send),
		CASE(chat__mouse__is_left_to_the_terminal_by_configuration),
		CASE(chat__commands__complete_and_show_help),
		CASE(chat__copy__by_a_tool_and_by_the_terminal),
		CASE(chat__copy__does_not_wait_for_a_tool_that_hangs),
	};
	static const char *const desktop[] = { "WAYLAND_DISPLAY", "DISPLAY", "WSL_DISTRO_NAME", "TMUX", "STY",
		"SSH_CONNECTION", "SSH_TTY" };

	for (size_t i = 0; i < sizeof desktop / sizeof *desktop; i++)
		unsetenv(desktop[i]);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
