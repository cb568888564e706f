/*
 * The ways from here to a clipboard: tools of the desktop, tmux, and at last the terminal itself. Main thread. A tool
 * is a process of its own; nothing here waits for it.
 */
#ifndef APP_CLIPBOARD_H
#define APP_CLIPBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct clipboard_way {
	const char *argv[6];		/* the tool and its arguments; none: the terminal, by OSC 52 */
	const char *verb, *to;		/* what it does: "Copied" that; or only "Sent" that " to ..." */
	const char *variable;		/* is set where the tool works; NULL: it works anywhere */
	enum {
		REACH_HERE,		/* the desktop of this machine: not where the user has logged in from another one */
		REACH_DISPLAY,		/* the same, but a display may be another machine's */
		REACH_ANYWHERE,
	} reach;
	bool ascii;			/* it misunderstands other characters */
};

/*
 * The next way that is worth a try after `last` (NULL: the first), with *program the path of its tool (heap; NULL: the
 * terminal, which is the last way, and always there). ascii: the text is. get: getenv, or a test's.
 */
const struct clipboard_way *clipboard_way(const struct clipboard_way *last, bool ascii,
	char *(*get)(const char *name), char **program);

/* Starts a tool with the text on its standard input. Its process; -1 with errno. */
pid_t clipboard_tool_start(const struct clipboard_way *way, const char *program, const char *text, size_t len);

enum tool_state { TOOL_RUNS, TOOL_DONE, TOOL_FAILED };

/* Once it is not TOOL_RUNS the process is gone. */
enum tool_state clipboard_tool_look(pid_t pid);

/* With all that it has started. It is to be looked at until it is gone. */
void clipboard_tool_kill(pid_t pid);

#endif
