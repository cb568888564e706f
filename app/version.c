#include "config.h"

extern int app_empty;
int app_empty;
