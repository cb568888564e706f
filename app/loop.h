/* The one loop of the chat: terminal, mailbox, signals, timers. No timeout when nothing is due. */
#ifndef APP_LOOP_H
#define APP_LOOP_H

#include "app/controller/controller.h"

/* Until the controller has ended. */
void loop_run(struct controller *c, struct ui *ui);

#endif
