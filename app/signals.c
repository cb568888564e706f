#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "app/models/open.h"
#include "app/signals.h"
#include "ui/ui.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

enum { FAULT_STACK = 64 * 1024 };

static int pipe_fd[2] = { -1, -1 };
static int message_fd = STDERR_FILENO;
static bool chatting;		/* there is a screen, and a conversation on disk */

/* What would end the program the plain way, and leave the terminal as the screen had it. */
static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGUSR1, SIGUSR2, SIGALRM };
static const int others[] = { SIGTSTP, SIGCONT, SIGWINCH };
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

static void
on_signal(int sig)
{
	int saved = errno;
	unsigned char byte = sig;

	/* A full pipe holds thousands of signals that were not yet looked at: one more tells nothing new. */
	if (write(pipe_fd[1], &byte, 1) < 0)
		errno = saved;
	errno = saved;
}

static void
say(const char *text)
{
	if (write(message_fd, text, strlen(text)) < 0)
		return;
}

static const char *
fault_text(int sig)
{
	switch (sig) {
	case SIGBUS:
		return "hum: bus error: memory or a disk failed";
	case SIGABRT:
		return "hum: aborted";
	case SIGFPE:
		return "hum: arithmetic fault";
	case SIGILL:
		return "hum: illegal instruction (HUM_ISA=scalar may help)";
	}
	return "hum: memory fault";
}

static void
die_of(int sig)
{
	signal(sig, SIG_DFL); /* so that there is a core file */
	raise(sig);
}

/* True for the first thread that comes here. The compute threads read one file, so that several may
 * fault at once: the others wait for the end. A fault in the handler itself ends the program the
 * plain way. */
static bool
may_report(int sig)
{
	static atomic_int reporter;
	int none = 0, self = gettid();

	if (atomic_compare_exchange_strong(&reporter, &none, self))
		return true;
	if (none == self)
		die_of(sig);
	for (;;)
		pause();
}

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	if (!may_report(sig))
		return;
	if (chatting)
		ui_restore_terminal();
	if (sig == SIGBUS && model_owns_address(info->si_addr)) {
		say("hum: the model file changed on disk while it was in use");
		say(chatting ? "; the conversation is saved, start again with: hum -c\n" : "\n");
		_exit(ERR_MODEL);
	}
	say(fault_text(sig));
	say(". This is a fault of the program.");
	say(chatting ? " The conversation is saved up to here; hum -c goes on.\n" : "\n");
	die_of(sig);
}

static int
make_pipe(struct err *e)
{
	if (pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	return err_errno(e, ERR_BACKEND, "no pipe for signals");
}

void
signals_catch_faults(void)
{
	struct sigaction fault = { .sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	/* A stack that overflowed cannot run the handler that says so. */
	static char room[FAULT_STACK];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof room };

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < LENGTH(faults); i++)
		sigaction(faults[i], &fault, NULL);
}

static void
catch(const int *list, size_t n)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < n; i++)
		sigaction(list[i], &act, NULL);
}

int
signals_init(struct err *e)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, plain = { .sa_handler = SIG_DFL };

	if (pipe_fd[0] < 0 && make_pipe(e) < 0)
		return -1;
	chatting = true;
	signals_catch_faults();
	catch(ends, LENGTH(ends));
	catch(others, LENGTH(others));
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGCHLD, &plain, NULL);	/* inherited as ignored, it takes the editor's status from us */
	return 0;
}

int
signals_fd(void)
{
	return pipe_fd[0];
}

int
signals_next(void)
{
	unsigned char byte;

	return read(pipe_fd[0], &byte, 1) == 1 ? byte : 0;
}

int
signal_is_end(int sig)
{
	for (size_t i = 0; i < LENGTH(ends); i++)
		if (sig == ends[i])
			return true;
	return false;
}

void
signals_stop_self(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL }, stop, go_on;

	/* The whole group, so that a pipeline stops as one; and SIGTSTP, which does nothing where no shell could
	 * ever wake us again. It is delivered before kill returns: the other threads block it. The caller
	 * knows when it goes on: SIGCONT is not to tell him again. */
	sigaction(SIGTSTP, &act, &stop);
	sigaction(SIGCONT, &act, &go_on);
	kill(0, SIGTSTP);
	sigaction(SIGCONT, &go_on, NULL);
	sigaction(SIGTSTP, &stop, NULL);
}

void
signals_set_stderr(int fd)
{
	message_fd = fd;
}
