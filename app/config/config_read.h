/* From the text of a configuration file to the configuration. Private to app/config/config.c. */
#ifndef APP_CONFIG_CONFIG_READ_H
#define APP_CONFIG_CONFIG_READ_H

#include "app/config/config.h"

/* Fills an empty configuration, whose path is set. -1 and ERR_CONFIG; what was understood stays in
 * *c. */
int config_read(struct config *c, const char *name, const char *yaml, size_t len, struct err *e);

#endif
