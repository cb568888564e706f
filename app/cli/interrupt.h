/*
 * Ctrl-C, SIGTERM and SIGHUP for programs without a screen: the work ends soon and in order, the
 * exit status is ERR_INTERRUPTED. The third one ends the program at once. Main thread.
 */
#ifndef APP_CLI_INTERRUPT_H
#define APP_CLI_INTERRUPT_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/llm.h"

void interrupt_catch(void);

/* Whose work a signal is to cancel; one at a time. NULL: none any more, before it is freed. */
void interrupt_target(struct llm_chat *c);

bool interrupted(void);

/* Whether a signal has come; then sets the error as well. -1 or 0. */
int interrupt_check(struct err *e);

#endif
