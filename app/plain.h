/*
 * The chat without a screen (--plain): lines on a terminal of any kind, for screen readers and dumb terminals. The
 * controller and the commands are the same; what they would show is written line after line.
 */
#ifndef APP_PLAIN_H
#define APP_PLAIN_H

#include <stddef.h>

#include "base/strbuf.h"

struct controller;
struct ui_pick;

/* A list that the next line chooses from. */
struct plain_list {
	size_t n, shown;		/* rows */
	struct strbuf rest;		/* rows not shown yet, a line each */
};

/* Writes the first rows of a list; the next line may be a row's number, "more", or empty: none of them. */
void plain_pick(struct controller *c, const struct ui_pick *pick);

/* Reads lines from stdin until the controller has ended. At the end of stdin the last answer is still waited for. */
void plain_run(struct controller *c);

#endif
