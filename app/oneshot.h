/*
 * hum -p, and hum where standard input is no terminal: one answer on standard output, for scripts.
 * As text; with --json as one object
 *   {"text", "finish", "model", "seed", "prompt_tokens", "cached_tokens", "answer_tokens",
 *    "evicted_messages", "first_token_ms", "total_ms", "tokens_per_second"};
 * with --stream-json as lines {"type": "text", "text"}, and at the end {"type": "done", what the
 * object has but the text}. An error is told on stderr, and as {"error": {"code", "message"}} (a
 * line of "type": "error") on stdout too.
 *
 * With -c or -r the turn is added to that session, as durable as in a chat; else nothing is stored.
 */
#ifndef APP_ONESHOT_H
#define APP_ONESHOT_H

#include "app/options.h"
#include "base/err.h"

int oneshot_run(const struct options *o);	/* the exit status */

/* The error object, for errors found before oneshot_run. */
void oneshot_print_error(const struct options *o, const struct err *e);

#endif
