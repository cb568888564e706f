#include "config.h"

#include <stddef.h>
#include <string.h>

#include "engine/ops.h"

static const struct ops *const tables[] = {
	&ops_scalar,
#ifdef HAVE_X86
	&ops_avx2,
	&ops_avxvnni,
	&ops_avx512,
#endif
};

enum { N_TABLES = sizeof tables / sizeof *tables };

const struct ops *
ops_select(const char *isa)
{
	for (size_t i = 0; i < N_TABLES; i++) {
		if (!strcmp(tables[i]->isa, isa))
			return tables[i];
	}
	return &ops_scalar;
}
