#include "config.h"

extern int ui_empty;
int ui_empty;
