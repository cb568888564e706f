#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "ui/ui.h"

/* A child with a terminal of its own, and what it wrote there so far. */
struct child {
	pid_t pid;
	int tty;
	struct strbuf out;
};

static void
child_start(struct child *c, const char *term, int (*run)(void))
{
	struct winsize size = { .ws_row = 20, .ws_col = 70 };
	const char *name;

	c->tty = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(c->tty >= 0);
	assert_int_equal(grantpt(c->tty), 0);
	assert_int_equal(unlockpt(c->tty), 0);
	name = ptsname(c->tty);
	assert_non_null(name);
	assert_int_equal(ioctl(c->tty, TIOCSWINSZ, &size), 0);
	strbuf_init(&c->out);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		int fd;

		setsid();
		fd = open(name, O_RDWR);
		for (int i = 0; i < 3; i++)
			if (dup2(fd, i) < 0)
				_exit(99);
		if (fd > 2)
			close(fd);
		close(c->tty);
		setenv("TERM", term, 1);
		_exit(run());
	}
}

/* Reads until the text has come; false when the child ended before. */
static bool
child_wrote(struct child *c, const char *text)
{
	char bytes[4096];

	while (!memmem(c->out.s, c->out.len, text, strlen(text))) {
		ssize_t n = read(c->tty, bytes, sizeof bytes);

		if (n <= 0 && errno != EINTR)
			return false;
		strbuf_add(&c->out, bytes, n > 0 ? (size_t)n : 0);
	}
	return true;
}

static bool
child_is_raw(struct child *c)
{
	struct termios t;

	assert_int_equal(tcgetattr(c->tty, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static void
child_key(struct child *c, const char *key)
{
	assert_int_equal(write(c->tty, key, strlen(key)), strlen(key));
}

static int
child_end(struct child *c)
{
	int status;

	child_wrote(c, "this never comes");
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->tty);
	strbuf_release(&c->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
has(const struct child *c, const char *text)
{
	return memmem(c->out.s, c->out.len, text, strlen(text));
}

static void
forget(struct child *c)
{
	strbuf_reset(&c->out);
}

/* ---- what the children tell beside their terminals ------------------------------------------- */

static int report[2];

static void
tell(const char *what)
{
	ssize_t n = write(report[1], what, strlen(what) + 1);

	(void)n;
}

static void
child_tells(const char *what)
{
	struct pollfd p = { report[0], POLLIN, 0 };
	char said[64] = "";

	for (size_t i = 0; i < sizeof said - 1; i++) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		assert_int_equal(read(report[0], said + i, 1), 1);
		if (!said[i])
			break;
	}
	assert_string_equal(said, what);
}

/* ---- what the children do -------------------------------------------------------------------- */

/* Draws and waits until a line is sent: its text, or "" when the terminal is gone. */
static void
wait_for_line(struct ui *ui, char *line, size_t n)
{
	struct pollfd p[] = { { ui_fd(ui), POLLIN, 0 }, { -1, POLLOUT, 0 } };
	struct ui_event ev;

	snprintf(line, n, "%s", "");
	for (;;) {
		ui_draw(ui);
		p[1].fd = ui_out_fd(ui);
		poll(p, 2, ui_timeout(ui));
		if (p[0].revents && !ui_read(ui))
			return;
		while (ui_next_event(ui, &ev)) {
			if (ev.type == UI_SUBMIT) {
				snprintf(line, n, "%s", ev.text);
				return;
			}
		}
	}
}

/* Each look at it is a frame later. */
static int64_t
quick_clock(void)
{
	static int64_t now;

	return now += 20;
}

static int
chat(void)
{
	struct ui *ui = ui_new(&(struct ui_opts){ .now_ms = quick_clock }, NULL);
	char line[64];

	if (!ui)
		return 1;
	ui_set_title(ui, "ready", "");
	for (int i = 0; i < 60; i++) { /* much that scrolls, and long runs of one character */
		char text[64];

		snprintf(text, sizeof text, "%d -----------------------------------", i);
		transcript_add(ui_transcript(ui), ENTRY_USER, "you", text);
		ui_draw(ui);
	}
	wait_for_line(ui, line, sizeof line);
	if (!strcmp(line, "suspend")) {
		ui_suspend(ui);
		if (write(1, "outside", 7) != 7)
			return 2;
		if (read(0, line, sizeof line) < 1)
			return 3;
		ui_resume(ui);
		wait_for_line(ui, line, sizeof line);
	}
	if (!strcmp(line, "die")) {
		ui_restore_terminal();
		ui_restore_terminal();
		return write(1, "closed", 6) == 6 ? 7 : 8;
	}
	ui_free(ui);
	if (!*line)
		return 4;
	return write(1, "closed", 6) == 6 ? 0 : 8;
}

/* Fills a terminal that nobody reads, and takes two lines. */
static int
stalled(void)
{
	struct ui *ui = ui_new(&(struct ui_opts){ .now_ms = quick_clock }, NULL);
	char line[64];

	if (!ui)
		return 1;
	for (int i = 0; ui_out_fd(ui) < 0; i++) {
		char text[64];

		snprintf(text, sizeof text, "%d full of words", i);
		transcript_add(ui_transcript(ui), ENTRY_USER, "you", text);
		ui_draw(ui);
	}
	tell("full");
	ui_set_title(ui, "on again", "");
	wait_for_line(ui, line, sizeof line);
	tell(line);
	wait_for_line(ui, line, sizeof line);
	ui_free(ui);
	tell(line);
	return 0;
}

/* The same where the terminal is another user's, and cannot be opened anew. */
static int
stalled_shared(void)
{
	if (fchmod(1, 0) || (!geteuid() && setuid(65534)))
		return 2;
	if (open("/proc/self/fd/1", O_WRONLY | O_NOCTTY) >= 0)
		return 3;
	return stalled();
}

static int
stalled_nonblocking(void)
{
	if (fcntl(1, F_SETFL, O_RDWR | O_NONBLOCK))
		return 2;
	return stalled_shared();
}

/* Offers texts to a terminal that has not taken the frame yet, and while another program has it. */
static int
copying(void)
{
	struct ui *ui = ui_new(&(struct ui_opts){ .now_ms = quick_clock }, NULL);
	char line[64];

	if (!ui)
		return 1;
	for (int i = 0; ui_out_fd(ui) < 0; i++) {
		snprintf(line, sizeof line, "%d full of words", i);
		transcript_add(ui_transcript(ui), ENTRY_USER, "you", line);
		ui_draw(ui);
	}
	if (!ui_copy(ui, "foobar", 6))
		return 2;
	ui_set_title(ui, "on again", "");
	tell("full");
	wait_for_line(ui, line, sizeof line);
	ui_suspend(ui);
	if (!ui_copy(ui, "fooba", 5) || write(1, "outside", 7) != 7 || read(0, line, sizeof line) < 1)
		return 3;
	ui_resume(ui);
	wait_for_line(ui, line, sizeof line);
	ui_free(ui);
	return 0;
}

static int
not_copying(void)
{
	struct ui *ui = ui_new(&(struct ui_opts){ .now_ms = quick_clock }, NULL);
	bool copied = ui && ui_copy(ui, "foobar", 6);

	ui_free(ui);
	return ui && !copied ? 0 : 1;
}

static int
tell_a_line(void)
{
	struct ui *ui = ui_new(&(struct ui_opts){ .now_ms = quick_clock }, NULL);
	char line[64];

	if (!ui)
		return 1;
	ui_set_title(ui, "ready", "");
	wait_for_line(ui, line, sizeof line);
	tell(line);
	ui_draw(ui);		/* looks at the keys behind it */
	tell(ui_input(ui));
	ui_free(ui);
	return 0;
}

static int
colored(void)
{
	static struct style_sheet sheet;
	struct ui *ui;
	char line[64];

	sheet = style_sheet_mono;
	sheet.slot[STYLE_user] = (struct style){ STYLE_RGB | 0x123456, STYLE_RGB | 0xfedcba, 0 };
	sheet.slot[STYLE_title] = (struct style){ 3, STYLE_DEFAULT, 0 };
	setenv("COLORTERM", "truecolor", 1);
	ui = ui_new(&(struct ui_opts){ .now_ms = quick_clock, .style = &sheet }, NULL);
	if (!ui)
		return 1;
	transcript_add(ui_transcript(ui), ENTRY_USER, "you", "first");
	wait_for_line(ui, line, sizeof line);
	sheet.slot[STYLE_user].fg = STYLE_RGB | 0x654321;
	ui_set_style(ui, &sheet);
	wait_for_line(ui, line, sizeof line);
	ui_free(ui);
	return 0;
}

static int
refused(void)
{
	struct err e = { 0 };

	if (ui_new(&(struct ui_opts){ .style = NULL }, &e))
		return 1;
	fprintf(stderr, "%s\n", e.text);
	return 10 + (int)e.code;
}

static int
refused_without_tty(void)
{
	int fd = open("/dev/null", O_RDWR);

	dup2(fd, 0);
	return refused();
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void
terminal__modes__are_set_and_put_back(void **state)
{
	struct child c;

	child_start(&c, "xterm-256color", chat);
	assert_true(child_wrote(&c, "ready"));
	assert_true(has(&c, "\033[?1049h"));
	assert_true(has(&c, "\033[?2004h"));
	assert_true(has(&c, "\033[?1006h"));
	assert_true(has(&c, "\033[>5u"));
	assert_true(child_is_raw(&c));
	forget(&c);
	child_key(&c, "\014");		/* C-l: all anew */
	assert_true(child_wrote(&c, "ready"));
	forget(&c);
	child_key(&c, "bye\r");
	assert_true(child_wrote(&c, "closed"));
	assert_true(has(&c, "\033[?1049l"));
	assert_true(has(&c, "\033[?2004l"));
	assert_true(has(&c, "\033[?1000l"));
	assert_true(has(&c, "\033[<u"));
	assert_false(child_is_raw(&c));
	assert_int_equal(child_end(&c), 0);
}

static void
terminal__restore__works_without_the_rest(void **state)
{
	struct child c;

	child_start(&c, "xterm-256color", chat);
	assert_true(child_wrote(&c, "ready"));
	forget(&c);
	child_key(&c, "die\r");
	assert_true(child_wrote(&c, "closed"));
	assert_true(has(&c, "\033[?1049l"));
	assert_true(has(&c, "\033[?2004l"));
	assert_true(has(&c, "\033[<u"));
	assert_false(child_is_raw(&c));
	assert_int_equal(child_end(&c), 7);
}

static void
terminal__suspend__leaves_and_comes_back(void **state)
{
	struct child c;

	child_start(&c, "xterm-256color", chat);
	assert_true(child_wrote(&c, "ready"));
	forget(&c);
	child_key(&c, "suspend\r");
	assert_true(child_wrote(&c, "outside"));
	assert_true(has(&c, "\033[?1049l"));
	assert_true(has(&c, "\033[?2004l"));
	assert_false(child_is_raw(&c));
	forget(&c);
	child_key(&c, "x\r");
	assert_true(child_wrote(&c, "\033[?2004h"));
	assert_true(has(&c, "\033[?1049h"));
	assert_true(child_is_raw(&c));
	assert_true(child_wrote(&c, "ready"));
	child_key(&c, "bye\r");
	assert_int_equal(child_end(&c), 0);
}

static void
terminal__output__keeps_to_what_all_know(void **state)
{
	struct child c;
	size_t frames = 0;

	child_start(&c, "xterm-256color", chat);
	assert_true(child_wrote(&c, "ready"));
	child_key(&c, "bye\r");
	assert_true(child_wrote(&c, "closed"));
	for (size_t i = 0; i + 1 < c.out.len; i++) {
		const char *s = c.out.s + i;

		if (s[0] != '\033' || s[1] != '[')
			continue;
		frames += !strncmp(s, "\033[?2026h", 8);
		s += 2;
		while (*s >= '0' && *s <= '9')
			s++;
		assert_false(*s == 'S' || *s == 'T' || *s == 'b');
	}
	assert_true(frames > 30);
	assert_int_equal(child_end(&c), 0);
}

/* The palette may be someone else's: nothing sets it, and nothing sets it back. */
static void
terminal__colors__are_exact_without_touching_the_palette(void **state)
{
	struct child c;

	child_start(&c, "xterm-256color", colored);
	assert_true(child_wrote(&c, "first"));
	assert_true(child_wrote(&c, "\033[?2026l"));
	assert_true(has(&c, "\033[38;2;18;52;86m"));
	assert_true(has(&c, "\033[48;2;254;220;186m"));
	child_key(&c, "x\r");
	assert_true(child_wrote(&c, "\033[38;2;101;67;33m"));
	child_key(&c, "x\r");
	assert_true(child_wrote(&c, "\033[?1049l"));
	assert_false(has(&c, "\033]"));
	assert_int_equal(child_end(&c), 0);
}

static void
terminal__type_ahead__is_sent_where_pastes_are_bracketed(void **state)
{
	struct child c;

	child_start(&c, "xterm-256color", tell_a_line);
	assert_true(child_wrote(&c, "ready"));
	child_key(&c, "What is Llama 2?\rand");
	child_tells("What is Llama 2?");
	child_tells("and");
	assert_int_equal(child_end(&c), 0);
}

static void
terminal__burst__is_a_paste_on_others(void **state)
{
	static const char *const names[] = { "linux", "screen" };
	struct child c;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		child_start(&c, names[i], tell_a_line);
		assert_true(child_wrote(&c, "ready"));
		child_key(&c, "one\rtwo");
		assert_true(child_wrote(&c, "two"));
		child_key(&c, "\r");
		child_tells("one\ntwo");
		child_tells("");
		assert_int_equal(child_end(&c), 0);
	}
}

static void
assert_frames_are_whole(const struct child *c)
{
	bool inside = false;

	for (size_t i = 0; i + 8 <= c->out.len; i++) {
		bool begin = !memcmp(c->out.s + i, "\033[?2026h", 8);

		if (begin || !memcmp(c->out.s + i, "\033[?2026l", 8)) {
			assert_int_equal(inside, !begin);
			inside = begin;
		}
	}
	assert_false(inside);
}

static void
terminal__stall__delays_frames_and_nothing_else(void **state)
{
	static int (*const children[])(void) = { stalled, stalled_shared, stalled_nonblocking };
	struct child c;

	for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
		child_start(&c, "xterm-256color", children[i]);
		child_tells("full");
		child_key(&c, "first\r");
		child_tells("first");
		assert_true(child_wrote(&c, "on again"));
		child_key(&c, "second\r");
		child_tells("second");
		child_wrote(&c, "this never comes");
		assert_frames_are_whole(&c);
		assert_int_equal(child_end(&c), 0);
	}
}

static void
terminal__stall__does_not_keep_the_program_from_leaving(void **state)
{
	static int (*const children[])(void) = { stalled, stalled_shared, stalled_nonblocking };
	struct child c;

	for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
		child_start(&c, "xterm-256color", children[i]);
		child_tells("full");
		child_key(&c, "first\r");
		child_tells("first");
		child_key(&c, "second\r");
		child_tells("second");
		assert_false(child_is_raw(&c));
		assert_true(child_wrote(&c, "\033[?1049l"));
		assert_int_equal(child_end(&c), 0);
	}
}

static size_t
count_before(const struct child *c, const char *end, const char *text)
{
	size_t n = 0;

	for (const char *s = c->out.s; (s = memmem(s, (size_t)(end - s), text, strlen(text))); s++)
		n++;
	return n;
}

static void
terminal__copy__waits_for_the_end_of_a_frame(void **state)
{
	static const char first[] = "\033]52;c;Zm9vYmFy\033\\", later[] = "\033]52;c;Zm9vYmE=\033\\";
	struct child c;
	const char *at;

	child_start(&c, "xterm-256color", copying);
	child_tells("full");
	assert_true(child_wrote(&c, "on again"));
	at = memmem(c.out.s, c.out.len, first, strlen(first));
	assert_non_null(at);
	assert_true(count_before(&c, at, "\033[?2026h") > 0);
	assert_int_equal(count_before(&c, at, "\033[?2026h"), count_before(&c, at, "\033[?2026l"));
	child_key(&c, "suspend\r");
	assert_true(child_wrote(&c, "outside"));
	assert_false(has(&c, later));
	child_key(&c, "x\r");
	assert_true(child_wrote(&c, later));
	child_key(&c, "bye\r");
	assert_int_equal(child_end(&c), 0);
}

static void
terminal__copy__is_not_for_terminals_that_would_show_it(void **state)
{
	struct child c;

	child_start(&c, "linux", not_copying);
	child_wrote(&c, "this never comes");
	assert_false(has(&c, "]52;"));
	assert_int_equal(child_end(&c), 0);
}

static void
terminal__hangup__is_told(void **state)
{
	struct child c;
	int status;

	child_start(&c, "xterm-256color", chat);
	assert_true(child_wrote(&c, "ready"));
	close(c.tty);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFSIGNALED(status) ||
		    WEXITSTATUS(status) == 4); /* SIGHUP, or the end of the input */
	strbuf_release(&c.out);
}

static void
terminal__open__refuses_what_cannot_work(void **state)
{
	struct child c;

	child_start(&c, "dumb", refused);
	assert_true(child_wrote(&c, "--plain"));
	assert_int_equal(child_end(&c), 10 + ERR_USAGE);
	child_start(&c, "no-such-terminal", refused);
	assert_true(child_wrote(&c, "no-such-terminal"));
	assert_int_equal(child_end(&c), 10 + ERR_USAGE);
	child_start(&c, "xterm-256color", refused_without_tty);
	assert_true(child_wrote(&c, "needs a terminal"));
	assert_int_equal(child_end(&c), 10 + ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terminal__modes__are_set_and_put_back),
		cmocka_unit_test(terminal__restore__works_without_the_rest),
		cmocka_unit_test(terminal__suspend__leaves_and_comes_back),
		cmocka_unit_test(terminal__output__keeps_to_what_all_know),
		cmocka_unit_test(terminal__colors__are_exact_without_touching_the_palette),
		cmocka_unit_test(terminal__type_ahead__is_sent_where_pastes_are_bracketed),
		cmocka_unit_test(terminal__burst__is_a_paste_on_others),
		cmocka_unit_test(terminal__stall__delays_frames_and_nothing_else),
		cmocka_unit_test(terminal__stall__does_not_keep_the_program_from_leaving),
		cmocka_unit_test(terminal__copy__waits_for_the_end_of_a_frame),
		cmocka_unit_test(terminal__copy__is_not_for_terminals_that_would_show_it),
		cmocka_unit_test(terminal__hangup__is_told),
		cmocka_unit_test(terminal__open__refuses_what_cannot_work),
	};

	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", "/dev/null", 1);
	unsetenv("NO_COLOR");
	unsetenv("COLORTERM");
	unsetenv("LINES");
	unsetenv("COLUMNS");
	unsetenv("TMUX");
	unsetenv("STY");
	signal(SIGHUP, SIG_DFL);
	if (pipe2(report, O_CLOEXEC))
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
