/*
 * Signals as events: their handlers only write a byte into a pipe, which the loop polls. Faults of the program are
 * the exception: their handler puts the terminal back, says what happened, and lets the signal take its course.
 */
#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

#include "base/err.h"

/* Catches what would end the program, TSTP CONT WINCH and the faults; ignores PIPE, and sees to
 * it that children can be waited for. Once, in the main thread, before any other thread is started. */
int signals_init(struct err *e);

/* Only the faults, for programs without a screen. */
void signals_catch_faults(void);

int signals_fd(void);		/* readable when signals_next has something */
int signals_next(void);		/* number of the next signal that came; 0: no more */

/* Whether the signal asks the program to end. */
int signal_is_end(int sig);

/* Stops this process until SIGCONT, as Ctrl-Z in a shell does. The terminal must have been given back before. */
void signals_stop_self(void);

/* Where a fault's message goes: descriptor 2 unless set (it is the log while the screen is up). */
void signals_set_stderr(int fd);

#endif
