#include "config.h"

extern int engine_empty;
int engine_empty;
