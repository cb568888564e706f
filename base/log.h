/*
 * The log file. Nothing is written before log_open, or ever to stdout or stderr. Any thread.
 * What a user must know is shown where the user looks, not here; the log is for the question "what
 * happened then?". No conversation text and no key to a service is ever logged.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* Appends to the file at `path`, created with mode 0600. Returns the descriptor, or -1 with errno. */
int log_open(const char *path);
void log_close(void);

/* One line: time, text. */
void log_msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
