#include "config.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "ui/terminal.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* Private modes. xterm: 1000 buttons, 1006 SGR reports, 2004 bracketed paste, modifyOtherKeys 1; kitty:
 * flags 1 (unambiguous) and 4 (shifted key), on a stack; 2026: a frame is shown when it is complete. */
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define MOUSE_ON "\033[?1000h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1000l"
#define KEYS_ON "\033[>4;1m\033[>5u"
#define KEYS_OFF "\033[<u\033[>4m"
#define FRAME_BEGIN "\033[?2026h"
#define FRAME_END "\033[?2026l"

/* What a signal handler needs to leave the terminal as it was found. */
static struct {
	volatile sig_atomic_t active;
	struct termios modes;
	char bytes[512];
	size_t n;
} restore;

/* curses takes these over when nobody has them; the program wants them itself. */
static const int kept_signals[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH, SIGCONT };

static void
terminal_write(const struct terminal *t, const char *s)
{
	size_t n = strlen(s);

	if (t->headless)
		return;
	while (n) {
		ssize_t k = write(STDOUT_FILENO, s, n);

		if (k < 0 && errno != EINTR)
			return;		/* hung up: the reader of the keys finds out */
		s += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
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
	if (t->modern) {
		restore_add(KEYS_OFF);
		restore_add(FRAME_END);
	}
	restore_add(MOUSE_OFF);
	restore_add(PASTE_OFF);
	restore_add(tigetstr("sgr0"));
	restore_add(tigetstr("oc"));
	restore_add(tigetstr("cnorm"));
	restore_add(tigetstr("rmcup"));
}

static void
modes_on(struct terminal *t)
{
	terminal_write(t, PASTE_ON);
	if (t->mouse)
		terminal_write(t, MOUSE_ON);
	if (t->modern)
		terminal_write(t, KEYS_ON);
	restore.active = !t->headless;
}

static void
modes_off(struct terminal *t)
{
	if (t->modern)
		terminal_write(t, KEYS_OFF);
	terminal_write(t, MOUSE_OFF PASTE_OFF);
}

/* Old terminals print what they do not know of the newer sequences; go by the name. */
static bool
name_is_modern(const char *name)
{
	static const char *const names[] = {
		"xterm", "tmux", "screen", "kitty", "foot", "alacritty", "wezterm", "ghostty", "contour",
		"rxvt", "konsole", "vte", "gnome", "iterm", "mintty", "st-",
	};

	for (size_t i = 0; name && i < LENGTH(names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
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
		return err_set(e, ERR_USAGE, "the terminal cannot show the chat (TERM is \"%s\"); "
					     "set TERM to its kind, or use --plain", name ? name : "");
	if (setupterm(name, STDOUT_FILENO, &found) == ERR)
		return err_set(e, ERR_USAGE, "the terminal type \"%.64s\" in TERM is not known here; "
					     "try TERM=xterm-256color", name);
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
	s = t->headless ? newterm("xterm-256color", t->null, t->null) : newterm(NULL, stdout, stdin);
	for (size_t i = 0; i < LENGTH(kept_signals); i++)
		sigaction(kept_signals[i], &saved[i], NULL);
	return s;
}

int
terminal_open(struct terminal *t, bool headless, bool mouse, struct err *e)
{
	*t = (struct terminal){ .headless = headless, .mouse = mouse, .fd = headless ? -1 : STDIN_FILENO };
	if (headless) {
		t->null = fopen("/dev/null", "r+");
		if (!t->null)
			return err_errno(e, ERR_USAGE, "/dev/null");
	} else {
		if (check_tty(e))
			return -1;
		t->modern = name_is_modern(getenv("TERM"));
		tcgetattr(t->fd, &restore.modes);
	}
	t->screen = screen_new(t);
	if (!t->screen) {
		if (t->null)
			fclose(t->null);
		return err_set(e, ERR_USAGE, "the terminal cannot be set up (TERM is \"%s\")",
			headless ? "xterm-256color" : getenv("TERM"));
	}
	raw();
	noecho();
	nonl();
	typeahead(-1);
	if (!headless)
		restore_prepare(t);
	wnoutrefresh(stdscr);	/* the alternate screen first, then its modes */
	doupdate();
	modes_on(t);
	return 0;
}

void
terminal_close(struct terminal *t)
{
	if (!t->screen)
		return;
	modes_off(t);
	endwin();
	delscreen(t->screen);
	if (!t->headless)
		tcsetattr(t->fd, TCSANOW, &restore.modes);
	if (t->null)
		fclose(t->null);
	restore.active = 0;
	t->screen = NULL;
}

void
terminal_suspend(struct terminal *t)
{
	modes_off(t);
	endwin();
	restore.active = 0;
}

void
terminal_resume(struct terminal *t)
{
	if (!t->headless)
		tcgetattr(t->fd, &restore.modes);	/* the shell may have other ideas by now */
	reset_prog_mode();
	clearok(curscr, TRUE);
	doupdate();
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

void
terminal_frame(const struct terminal *t, bool begin)
{
	if (t->modern)
		terminal_write(t, begin ? FRAME_BEGIN : FRAME_END);
}

bool
terminal_has_true_color(const struct terminal *t)
{
	return !t->headless;
}

void
terminal_restore(void)
{
	int saved = errno;

	if (!restore.active)
		return;
	restore.active = 0;
	if (write(STDOUT_FILENO, restore.bytes, restore.n) < 0)
		errno = saved;	/* nothing more can be done */
	tcsetattr(STDIN_FILENO, TCSANOW, &restore.modes);
	errno = saved;
}
