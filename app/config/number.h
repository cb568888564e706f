/*
 * Numbers in files and on the command line: written and read with a point, whatever the user's
 * locale says.
 */
#ifndef APP_CONFIG_NUMBER_H
#define APP_CONFIG_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* The whole text must be one finite decimal number. -1 if not (*out is untouched). */
int number_parse(const char *text, double *out);

/* A decimal integer with an optional sign; -1 when it is none or does not fit. */
int number_parse_int(const char *text, int64_t *out);

/* Decimal digits only; -1 when it is none or does not fit. */
int number_parse_u64(const char *text, uint64_t *out);

/* The shortest text from which the same float comes back. */
void number_print_float(float value, char *out, size_t size);

#endif
