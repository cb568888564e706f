#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "tests/pty/terminal.h"

enum { WAIT_MS = 120000 };

static struct terminal *running;	/* all that were started and not freed: a failed test leaves some */

struct terminal {
	struct terminal *next;
	VTerm *vt;
	VTermScreen *screen;
	int fd;			/* master side of the pty; -1 after hang-up */
	pid_t pid;		/* 0 after it has ended */
	int status;
	struct termios cooked;	/* as the program found it */
	int shown;		/* times the alternate screen was entered */
	bool alternate, cursor_hidden, mouse, paste;
	struct strbuf text;
	struct strbuf tail;	/* last bytes seen, for sequences that cross reads */
	struct strbuf wrote;	/* all bytes */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static int
on_property(VTermProp prop, VTermValue *val, void *user)
{
	struct terminal *t = user;

	switch (prop) {
	case VTERM_PROP_ALTSCREEN:
		t->shown += val->boolean && !t->alternate;
		t->alternate = val->boolean;
		break;
	case VTERM_PROP_CURSORVISIBLE:
		t->cursor_hidden = !val->boolean;
		break;
	case VTERM_PROP_MOUSE:
		t->mouse = val->number != VTERM_PROP_MOUSE_NONE;
		break;
	default:
		break;
	}
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_property };

struct terminal *
terminal_start(const char *const *argv, const char *const *env, int rows, int cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };
	struct terminal *t = xcalloc(1, sizeof *t);

	strbuf_init(&t->text);
	strbuf_init(&t->tail);
	strbuf_init(&t->wrote);
	t->vt = vterm_new(rows, cols);
	vterm_set_utf8(t->vt, 1);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_set_callbacks(t->screen, &callbacks, t);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		unsetenv("LINES");
		unsetenv("COLUMNS");
		for (; *env; env++) {
			char *pair = xstrdup(*env), *eq = strchr(pair, '=');

			*eq = '\0';
			setenv(pair, eq + 1, 1);
		}
		/* execv wants char *const *, and does not change the strings */
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	tcgetattr(t->fd, &t->cooked);
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
	fcntl(t->fd, F_SETFD, FD_CLOEXEC);
	t->next = running;
	running = t;
	return t;
}

static void
reap(struct terminal *t, int flags)
{
	int status;

	if (!t->pid || waitpid(t->pid, &status, flags) != t->pid)
		return;
	t->pid = 0;
	t->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
terminal_free(struct terminal *t)
{
	for (struct terminal **at = &running; *at; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			break;
		}
	if (t->pid) {
		kill(t->pid, SIGKILL);
		reap(t, 0);
	}
	if (t->fd >= 0)
		close(t->fd);
	vterm_free(t->vt);
	strbuf_release(&t->text);
	strbuf_release(&t->tail);
	strbuf_release(&t->wrote);
	free(t);
}

void
terminal_free_all(void)
{
	while (running)
		terminal_free(running);
}

pid_t
terminal_pid(const struct terminal *t)
{
	return t->pid;
}

/* libvterm does not report bracketed paste, so it is watched for in the bytes. */
static void
watch_paste(struct terminal *t, const char *bytes, size_t n)
{
	strbuf_add(&t->tail, bytes, n);
	for (const char *p = t->tail.s; (p = memmem(p, t->tail.s + t->tail.len - p, "\033[?2004", 7)); p += 7)
		if (p + 7 < t->tail.s + t->tail.len)
			t->paste = p[7] == 'h';
	if (t->tail.len > 16)
		strbuf_remove(&t->tail, 0, t->tail.len - 16);
}

/* Sends the emulator's replies to the program. */
static void
answer(struct terminal *t)
{
	char reply[256];
	size_t n;

	while ((n = vterm_output_read(t->vt, reply, sizeof reply)))
		if (t->fd >= 0 && write(t->fd, reply, n) < 0)
			return;
}

/* Feeds the emulator what the program has written; waits up to ms for something. */
static void
pump(struct terminal *t, int ms)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	char buf[65536];
	ssize_t n;

	if (t->fd < 0)
		return;
	poll(&p, 1, ms);
	while ((n = read(t->fd, buf, sizeof buf)) > 0) {
		vterm_input_write(t->vt, buf, n);
		watch_paste(t, buf, n);
		strbuf_add(&t->wrote, buf, n);
		answer(t);
	}
	if (n == 0 || (n < 0 && errno == EIO)) {	/* the other side is closed */
		close(t->fd);
		t->fd = -1;
	}
}

static void
send_bytes(struct terminal *t, const char *bytes, size_t n)
{
	while (n && t->fd >= 0) {
		ssize_t k = write(t->fd, bytes, n);

		if (k > 0) {
			bytes += k;
			n -= k;
		} else {
			pump(t, 10);	/* the pty is full: let the program's output go first */
		}
	}
}

void
terminal_type(struct terminal *t, const char *bytes)
{
	send_bytes(t, bytes, strlen(bytes));
}

void
terminal_paste(struct terminal *t, const char *text)
{
	pump(t, 0);
	if (t->paste)
		terminal_type(t, "\033[200~");
	terminal_type(t, text);
	if (t->paste)
		terminal_type(t, "\033[201~");
}

void
terminal_resize(struct terminal *t, int rows, int cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	pump(t, 0);
	vterm_set_size(t->vt, rows, cols);
	ioctl(t->fd, TIOCSWINSZ, &size);
}

void
terminal_signal(struct terminal *t, int sig)
{
	if (t->pid)
		kill(t->pid, sig);
}

static void
add_cell(struct strbuf *out, const VTermScreenCell *cell)
{
	if (cell->chars[0] == (uint32_t)-1)
		return;			/* right half of a wide character */
	if (!cell->chars[0])
		strbuf_addc(out, ' ');
	for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell->chars[i]; i++) {
		char s[4];

		strbuf_add(out, s, utf8_encode(cell->chars[i], s));
	}
}

static void
add_row(struct terminal *t, int row, int cols)
{
	size_t start = t->text.len;

	for (int col = 0; col < cols; col++) {
		VTermScreenCell cell;

		vterm_screen_get_cell(t->screen, (VTermPos){ .row = row, .col = col }, &cell);
		add_cell(&t->text, &cell);
	}
	while (t->text.len > start && t->text.s[t->text.len - 1] == ' ')
		strbuf_truncate(&t->text, t->text.len - 1);
}

const char *
terminal_screen(struct terminal *t)
{
	int rows, cols;

	pump(t, 0);
	vterm_get_size(t->vt, &rows, &cols);
	strbuf_reset(&t->text);
	for (int row = 0; row < rows; row++) {
		add_row(t, row, cols);
		strbuf_addc(&t->text, '\n');
	}
	return t->text.s;
}

const char *
terminal_row(struct terminal *t, int row)
{
	int rows, cols;

	pump(t, 0);
	vterm_get_size(t->vt, &rows, &cols);
	strbuf_reset(&t->text);
	add_row(t, row, cols);
	return t->text.s;
}

bool
terminal_shows(struct terminal *t, const char *text)
{
	return strstr(terminal_screen(t), text) != NULL;
}

void
terminal_cursor(struct terminal *t, int *row, int *col)
{
	VTermPos pos;

	pump(t, 0);
	vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &pos);
	*row = pos.row;
	*col = pos.col;
}

void
terminal_wait_until(struct terminal *t, bool (*cond)(struct terminal *, void *), void *ctx, const char *what)
{
	int64_t end = now_ms() + WAIT_MS;

	while (!cond(t, ctx)) {
		if (now_ms() > end || (t->fd < 0 && !cond(t, ctx))) {
			reap(t, WNOHANG);
			fprintf(stderr, "%s", terminal_screen(t));	/* longer than cmocka's messages may be */
			fail_msg("never came: %s%s", what, t->pid ? "" : " (the program has ended)");
		}
		pump(t, 50);
	}
}

static bool
shows(struct terminal *t, void *text)
{
	return terminal_shows(t, text);
}

static bool
shows_not(struct terminal *t, void *text)
{
	return !terminal_shows(t, text);
}

void
terminal_wait(struct terminal *t, const char *text)
{
	char *copy = xstrdup(text);

	terminal_wait_until(t, shows, copy, text);
	free(copy);
}

void
terminal_wait_gone(struct terminal *t, const char *text)
{
	char *copy = xstrdup(text);

	terminal_wait_until(t, shows_not, copy, text);
	free(copy);
}

int
terminal_wait_exit(struct terminal *t)
{
	int64_t end = now_ms() + WAIT_MS;

	while (t->pid) {
		pump(t, 20);
		reap(t, WNOHANG);
		if (now_ms() > end) {
			fprintf(stderr, "%s", terminal_screen(t));
			fail_msg("did not end");
		}
	}
	pump(t, 0);
	return t->status;
}

bool
terminal_wrote(struct terminal *t, const char *bytes)
{
	pump(t, 0);
	return memmem(t->wrote.s, t->wrote.len, bytes, strlen(bytes)) != NULL;
}

bool
terminal_mouse(struct terminal *t)
{
	pump(t, 0);
	return t->mouse;
}

int
terminal_times_shown(struct terminal *t)
{
	pump(t, 0);
	return t->shown;
}

bool
terminal_is_restored(struct terminal *t)
{
	struct termios now;

	pump(t, 0);
	if (t->alternate || t->cursor_hidden || t->mouse || t->paste)
		return false;
	/* after a hang-up of the last slave descriptor the settings can no longer be asked for */
	return t->fd < 0 || tcgetattr(t->fd, &now) < 0 ||
	       (now.c_lflag == t->cooked.c_lflag && now.c_iflag == t->cooked.c_iflag &&
		now.c_oflag == t->cooked.c_oflag);
}
