/*
 * hum -p: one answer on stdout, for scripts. With --json one object, with --stream-json one a line:
 *   {"type":"start","model":..,"seed":..}  {"type":"text","text":..} ...  {"type":"end","finish":..,figures}
 * The object of --json has all of it: text, finish, model, seed, figures; or {"error":{"code":..,"message":..}}.
 */
#ifndef APP_ONESHOT_H
#define APP_ONESHOT_H

#include "base/err.h"

/* The error object on stdout. */
void oneshot_print_error(const struct err *e);

#endif
