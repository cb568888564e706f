/* Strings for JSON, which has UTF-8 only: names and paths of files may be anything. */
#ifndef APP_CLI_JSON_TEXT_H
#define APP_CLI_JSON_TEXT_H

#include <jansson.h>

/* What is no UTF-8 becomes U+FFFD; NULL becomes null. */
json_t *json_text(const char *s);

#endif
