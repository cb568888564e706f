/* ARMv8.2 with the dot product. */
#include "config.h"

#include "engine/panel_neon.h"
#include "engine/panel_sums.h"
#include "engine/panel_sink.h"
#include "engine/panel_unpack.h"
#include "engine/panel_dots.h"
#include "engine/panel_tiles.h"
#include "engine/panel_kinds.h"
#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops matmul_neon = {
	.isa = "neon",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
