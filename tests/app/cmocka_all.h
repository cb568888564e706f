/* What every test program of the app includes before anything else of cmocka. */
#ifndef TESTS_APP_CMOCKA_ALL_H
#define TESTS_APP_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
