#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "app/cli/interrupt.h"

enum { PATIENCE = 3 };		/* signals until the program ends without waiting for its work */

static _Atomic(struct llm_chat *) target;
static atomic_int count;

static void
on_signal(int sig)
{
	struct llm_chat *c = atomic_load(&target);

	if (atomic_fetch_add(&count, 1) + 1 >= PATIENCE)
		_exit(ERR_INTERRUPTED);
	if (c)
		llm_cancel(c);
}

void
interrupt_catch(void)
{
	/* Not SA_RESTART: a read that waits for a terminal or a pipe must end as well. */
	struct sigaction act = { .sa_handler = on_signal }, old;

	/* Also where a shell without job control ignores SIGINT for what it starts in the
	 * background: whoever sends it to us means it. nohup means it, too. */
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &act, NULL);
}

void
interrupt_target(struct llm_chat *c)
{
	atomic_store(&target, c);
	if (c && interrupted())
		llm_cancel(c);
}

bool
interrupted(void)
{
	return atomic_load(&count) > 0;
}

int
interrupt_check(struct err *e)
{
	return interrupted() ? err_set(e, ERR_INTERRUPTED, "interrupted") : 0;
}
