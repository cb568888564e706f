/*
 * The chat without a screen (--plain): lines on a terminal of any kind, for screen readers and dumb terminals. The
 * controller and the commands are the same; what they would show is written line after line.
 */
#ifndef APP_PLAIN_H
#define APP_PLAIN_H

#include "app/controller/controller.h"

/* Reads lines from stdin until the controller has ended. At the end of stdin the last answer is still waited for. */
void plain_run(struct controller *c);

#endif
