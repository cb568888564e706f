#include "config.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "ui/osc52.h"
#include "ui/palette.h"
#include "ui/terminal.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* Private modes. xterm: 1000 buttons, 1006 SGR reports, 2004 bracketed paste, modifyOtherKeys 1;
 * kitty: flags 1 (unambiguous) and 4 (alternate keys), on a stack; 2026: a frame is shown when it is
 * complete. */
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define MOUSE_ON "\033[?1000h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1000l"
#define KEYS_ON "\033[>4;1m\033[>5u"
#define KEYS_OFF "\033[<u\033[>4m"
#define FRAME_BEGIN "\033[?2026h"
#define FRAME_END "\033[?2026l"

enum {
	LEAVE_MS = 1000,	/* a terminal that takes nothing for so long is left without a word */
	PIECE = 64,		/* bytes that a terminal takes at once if it takes any */
};

/* What a signal handler needs to leave the terminal as it was found. */
static struct {
	volatile sig_atomic_t active;
	int fd;
	struct termios modes;
	char bytes[512];
	size_t n;
} restore;

/* curses takes these over when nobody has them; the program wants them itself. */
static const int kept_signals[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH, SIGCONT };

/* What would block gives EAGAIN, also on a descriptor that is the shell's, too. */
static ssize_t
write_some(const struct terminal *t, const char *s, size_t n)
{
	struct pollfd p = { t->out_fd, POLLOUT, 0 };
	int ready = t->shared ? poll(&p, 1, 0) : 1;

	if (ready > 0)
		return write(t->out_fd, s, t->shared && n > PIECE ? PIECE : n);
	errno = ready < 0 ? errno : EAGAIN;
	return -1;
}

bool
terminal_send(struct terminal *t)
{
	while (t->sent < t->out.len && !t->headless) {
		ssize_t k = write_some(t, t->out.s + t->sent, t->out.len - t->sent);

		if (k >= 0)
			t->sent += (size_t)k;
		else if (errno == EAGAIN)
			return false;
		else if (errno != EINTR)
			break;		/* hung up: the reader of the keys finds out */
	}
	strbuf_reset(&t->out);
	t->sent = 0;
	return true;
}

int
terminal_out_fd(const struct terminal *t)
{
	return t->sent < t->out.len ? t->out_fd : -1;
}

/* Sends the rest as long as the terminal takes any. */
static bool
drain(struct terminal *t)
{
	struct pollfd p = { t->out_fd, POLLOUT, 0 };

	while (!terminal_send(t))
		if (poll(&p, 1, LEAVE_MS) == 0)
			return false;
	return true;
}

/* What nobody reads makes room for the way back, which is there when somebody reads again. */
static void
abandon(struct terminal *t)
{
	tcflush(t->out_fd, TCOFLUSH);
	strbuf_reset(&t->out);
	strbuf_add(&t->out, restore.bytes, restore.n);
	t->sent = 0;
	terminal_send(t);
	strbuf_reset(&t->out);
	t->sent = 0;
}

/* The descriptors that the program was started with are the shell's, too: whether they block is not
 * ours to change. */
static void
open_output(struct terminal *t)
{
	t->out_fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	t->shared = t->out_fd < 0;
	if (t->shared)
		t->out_fd = STDOUT_FILENO;
}

static void
restore_add(const char *s)
{
	size_t n = s && s != (char *)-1 ? strlen(s) : 0;

	if (restore.n + n <= sizeof restore.bytes) {
		memcpy(restore.bytes + restore.n, n ? s : "", n);
		restore.n += n;
	}
}

static void
restore_prepare(const struct terminal *t)
{
	restore.n = 0;
	restore.fd = t->out_fd;
	if (t->modern) {
		restore_add(KEYS_OFF);
		restore_add(FRAME_END);
	}
	restore_add(MOUSE_OFF);
	restore_add(PASTE_OFF);
	restore_add(tigetstr("sgr0"));
	restore_add(tigetstr("cnorm"));
	restore_add(tigetstr("rmcup"));
}

static void
modes_on(struct terminal *t)
{
	strbuf_adds(&t->out, PASTE_ON);
	if (t->mouse)
		strbuf_adds(&t->out, MOUSE_ON);
	if (t->modern)
		strbuf_adds(&t->out, KEYS_ON);
	terminal_send(t);
	restore.active = !t->headless;
}

static void
modes_off(struct terminal *t)
{
	if (t->modern)
		strbuf_adds(&t->out, KEYS_OFF);
	strbuf_adds(&t->out, MOUSE_OFF PASTE_OFF);
	terminal_send(t);
}

/* Keys as they are hit, Ctrl-C and its like as keys. curses cannot do it: its output is no
 * terminal. */
static void
raw_mode(struct terminal *t)
{
	struct termios raw;

	if (t->headless || tcgetattr(t->fd, &restore.modes))
		return;
	raw = restore.modes;
	cfmakeraw(&raw);
	tcsetattr(t->fd, TCSADRAIN, &raw);
}

/* ---- output ---------------------------------------------------------------------------------- */

/* Digits after ESC [ and the letter behind them; 0 when it is another kind of sequence. */
static size_t
short_csi(const char *s, size_t n, unsigned *number, char *letter)
{
	size_t i = 2;

	*number = 0;
	if (n < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	for (; i < n && s[i] >= '0' && s[i] <= '9' && *number < 10000; i++)
		*number = *number * 10 + (unsigned)(s[i] - '0');
	if (i == n || i == 2)
		return 0;
	*letter = s[i];
	return i + 1;
}

/*
 * ESC [ 38;5;n m, or 48, whose n stands for a colour that curses cannot ask for: it is asked for directly. To
 * redefine the palette instead would change it for all that the terminal shows, and after us. Its length;
 * 0: it is something else.
 */
static size_t
exact_color(const struct terminal *t, struct strbuf *out, const char *s, size_t n)
{
	static const char fg[] = "\033[38;5;", bg[] = "\033[48;5;";
	size_t i = sizeof fg - 1;
	int32_t color = 0;

	if (!t->palette || n <= i || (memcmp(s, fg, i) && memcmp(s, bg, i)))
		return 0;
	for (; i < n && s[i] >= '0' && s[i] <= '9' && color < 256; i++)
		color = color * 10 + s[i] - '0';
	color = palette_meant(t->palette, color);
	if (i == n || s[i] != 'm' || !(color & STYLE_RGB))
		return 0;
	strbuf_addf(out, "\033[%c8;2;%d;%d;%dm", s[2], (int)(color >> 16 & 255), (int)(color >> 8 & 255),
		(int)(color & 255));
	return i + 1;
}

/* Length of what curses gives the palette back with, which we never change: others may have done it. */
static size_t
palette_reset_len(const struct terminal *t, const char *s, size_t n)
{
	size_t len = t->palette_reset ? strlen(t->palette_reset) : 0;

	return len <= n && !memcmp(s, t->palette_reset ? t->palette_reset : "", len) ? len : 0;
}

/*
 * Many a terminal that calls itself xterm does not know xterm's "repeat the character" and "scroll
 * by n lines", which curses likes: they are written out. (curses has put the cursor on the edge to
 * scroll at.)
 */
static void
translate(const struct terminal *t, struct strbuf *out, const char *s, size_t n)
{
	unsigned number = 0;
	char letter = 0, last = ' ';

	for (size_t i = 0, len; i < n; i += len) {
		if (s[i] == '\033' && ((len = palette_reset_len(t, s + i, n - i)) ||
					      (len = exact_color(t, out, s + i, n - i))))
			continue;
		len = short_csi(s + i, n - i, &number, &letter);
		if (len && letter == 'b') {
			while (number--)
				strbuf_addc(out, last);	/* curses repeats ASCII only */
		} else if (len && (letter == 'S' || letter == 'T')) {
			while (number--)
				strbuf_adds(out, letter == 'S' ? "\n" : "\033M");
		} else {
			last = s[i];
			len = len ? len : 1;
			strbuf_add(out, s + i, len);
		}
	}
}

/* Sends what curses has collected, as one frame. */
static void
flush(struct terminal *t, bool frame)
{
	off_t n = lseek(t->collected, 0, SEEK_CUR);
	struct strbuf *raw = &t->raw;

	if (n <= 0)
		return;
	strbuf_reset(raw);
	strbuf_reserve(raw, (size_t)n);
	n = pread(t->collected, raw->s, (size_t)n, 0);
	if (ftruncate(t->collected, 0) || lseek(t->collected, 0, SEEK_SET) || n < 0)
		return;
	if (frame && t->modern)
		strbuf_adds(&t->out, FRAME_BEGIN);
	translate(t, &t->out, raw->s, (size_t)n);
	if (frame && t->modern)
		strbuf_adds(&t->out, FRAME_END);
	terminal_send(t);
}

void
terminal_show(struct terminal *t)
{
	doupdate();
	flush(t, true);
}

bool
terminal_copy(struct terminal *t, const char *text, size_t len)
{
	if (!t->headless && !osc52_suits(getenv("TERM")))
		return false;
	osc52_add(&t->out, text, len, getenv("STY") != NULL);
	return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Old terminals print what they do not know of the newer sequences; go by the name. */
static bool
name_is_modern(const char *name)
{
	static const char *const names[] = {
		"xterm",
		"tmux",
		"screen",
		"kitty",
		"foot",
		"alacritty",
		"wezterm",
		"ghostty",
		"contour",
		"konsole",
		"vte",
		"gnome",
		"iterm",
		"mintty",
	};

	for (size_t i = 0; name && i < LENGTH(names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

/* GNU screen does not bracket pastes; in tmux, which goes by its name too, TMUX is set. */
static bool
name_is_screen(const char *name)
{
	return name && !strncmp(name, "screen", strlen("screen")) && !getenv("TMUX");
}

static int
check_tty(struct err *e)
{
	const char *name = getenv("TERM");
	int found;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "the chat needs a terminal for input and output; "
					     "use -p for a single answer without one");
	if (!name || !*name || !strcmp(name, "dumb"))
		return err_set(e, ERR_USAGE,
			"the terminal cannot show the chat (TERM is \"%s\"); "
			"set TERM to its kind, or use --plain",
			name ? name : "");
	if (setupterm(name, STDOUT_FILENO, &found) == ERR)
		return err_set(e, ERR_USAGE,
			"the terminal type \"%.64s\" in TERM is not known here; "
			"try TERM=xterm-256color",
			name);
	del_curterm(cur_term);
	return 0;
}

static void *
screen_new(struct terminal *t)
{
	struct sigaction saved[LENGTH(kept_signals)];
	SCREEN *s;

	for (size_t i = 0; i < LENGTH(kept_signals); i++)
		sigaction(kept_signals[i], NULL, &saved[i]);
	s = newterm(t->headless ? "xterm-256color" : NULL, t->file, t->file);
	for (size_t i = 0; i < LENGTH(kept_signals); i++)
		sigaction(kept_signals[i], &saved[i], NULL);
	return s;
}

static void
terminal_release(struct terminal *t)
{
	if (t->file)
		fclose(t->file);	/* and with it t->collected */
	if (t->out_fd >= 0 && !t->shared)
		close(t->out_fd);
	strbuf_release(&t->raw);
	strbuf_release(&t->out);
	t->file = NULL;
	t->out_fd = -1;
	t->screen = NULL;
}

int
terminal_open(struct terminal *t, bool headless, bool mouse, struct err *e)
{
	*t = (struct terminal){
		.headless = headless, .mouse = mouse, .raw = STRBUF_INIT, .out = STRBUF_INIT
	};
	t->fd = headless ? -1 : STDIN_FILENO;
	t->out_fd = -1;
	if (!headless) {
		if (check_tty(e))
			return -1;
		t->modern = name_is_modern(getenv("TERM"));
		t->brackets = t->modern && !name_is_screen(getenv("TERM"));
	}
	t->collected = memfd_create("hum-screen", MFD_CLOEXEC);
	if (t->collected < 0)
		return err_errno(e, ERR_USAGE, "no memory for the screen");
	t->file = fdopen(t->collected, "r+");
	if (!t->file) {
		close(t->collected);
		return err_errno(e, ERR_USAGE, "no memory for the screen");
	}
	if (!headless)
		open_output(t);
	t->screen = screen_new(t);
	if (!t->screen) {
		terminal_release(t);
		return err_set(e, ERR_USAGE,
			"the terminal cannot be set up; is the description of \"%s\" installed?",
			headless ? "xterm-256color" : getenv("TERM"));
	}
	t->palette_reset = tigetstr("oc");
	if (t->palette_reset == (char *)-1)
		t->palette_reset = NULL;
	typeahead(-1);
	raw_mode(t);
	if (!headless)
		restore_prepare(t);
	wnoutrefresh(stdscr);
	doupdate();
	flush(t, false);	/* the alternate screen first, then its modes */
	modes_on(t);
	return 0;
}

void
terminal_close(struct terminal *t)
{
	if (!t->screen)
		return;
	terminal_suspend(t);
	delscreen(t->screen);
	terminal_release(t);
}

void
terminal_suspend(struct terminal *t)
{
	bool taken;

	modes_off(t);
	endwin();
	flush(t, false);
	taken = drain(t);
	if (!taken)
		abandon(t);
	if (restore.active)
		tcsetattr(t->fd, taken ? TCSADRAIN : TCSANOW, &restore.modes);
	restore.active = 0;
}

void
terminal_resume(struct terminal *t)
{
	raw_mode(t);	/* the shell may have changed the modes to go back to */
	clearok(curscr, TRUE);
	doupdate();
	flush(t, false);
	modes_on(t);
}

void
terminal_size(const struct terminal *t, int *rows, int *cols)
{
	struct winsize ws;

	*rows = 24;
	*cols = 80;
	if (!t->headless && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col) {
		*rows = ws.ws_row;
		*cols = ws.ws_col;
	}
}

bool
terminal_has_true_color(const struct terminal *t)
{
	return !t->headless;
}

void
terminal_restore(void)
{
	struct pollfd p = { restore.fd, POLLOUT, 0 };
	int saved = errno;

	if (!restore.active)
		return;
	restore.active = 0;
	if (poll(&p, 1, LEAVE_MS) > 0 && write(restore.fd, restore.bytes, restore.n) < 0)
		errno = saved;	/* nothing more can be done */
	tcsetattr(STDIN_FILENO, TCSANOW, &restore.modes);
	errno = saved;
}
