#include "config.h"

#include <stdlib.h>

#include "app/command/handlers.h"

void
command_undo(struct controller *c, const char *arg)
{
	const struct message *last = conversation_last(&c->session->conv, ROLE_USER);

	if (last)
		controller_take_back(c, last->id);
	else
		controller_flash(c, "There is nothing to take back");
}

static void
edit_wanted(struct controller *c, const char *arg, struct message **mine, size_t n)
{
	size_t wanted = command_number(arg, n);

	if (wanted)
		controller_take_back(c, mine[wanted - 1]->id);
	else if (n == 1)
		command_refuse(c, "There is one message of yours: /edit takes nothing, or 1");
	else
		command_refuse(c, "There are %zu messages of yours: /edit takes a number from 1, the last, to %zu", n, n);
}

void
command_edit(struct controller *c, const char *arg)
{
	struct message **mine;
	size_t n = conversation_latest(&c->session->conv, ROLE_USER, &mine);

	if (!n)
		controller_flash(c, "There is no message of yours to edit yet");
	else if (*arg)
		edit_wanted(c, arg, mine, n);
	else
		controller_pick_message(c);
	free(mine);
}
