/* Programs that the chat starts. What signals do to them is as usual, and they get none of our files. Any thread. */
#ifndef APP_CHILD_H
#define APP_CHILD_H

#include <sys/types.h>

/*
 * Starts the program at `path`; 0, or an error number. in < 0: it has the terminal as we have it. Else it reads that
 * descriptor, what it says goes nowhere, and it leads a session and group of its own: no key ends it.
 */
int child_start(pid_t *pid, const char *path, char *const argv[], int in);

#endif
