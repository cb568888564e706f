/* Put before a loop of a fixed count whose arrays must become registers: -O2 alone leaves them in
 * memory. */
#ifndef ENGINE_UNROLL_H
#define ENGINE_UNROLL_H

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#endif
