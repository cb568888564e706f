/*
 * Real files that are not in the repository: in $HUM_SHARED, else in ../shared beside it. A test
 * whose file is not there is skipped.
 */
#ifndef TESTS_SHARED_FILE_H
#define TESTS_SHARED_FILE_H

#include "base/strbuf.h"
#include "engine/gguf.h"

/* NULL when there is no such file; the test fails when it is there but refused. */
struct gguf *shared_gguf(const char *name);

/* Empty when there is no such file. */
struct strbuf shared_text(const char *name);

#endif
