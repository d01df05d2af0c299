/* SPDX-License-Identifier: MIT
 *
 * compiler.h - words that the compiler understands and C lacks.
 *
 * Each is a hint: where the compiler does not know it, the code is the same,
 * only slower, or its inner names are visible to a program that links the
 * archive of single objects.
 */
#ifndef MP_COMPILER_H
#define MP_COMPILER_H

/* Stands before each declaration of an inner function or variable.  The
 * library is compiled as one unit, libmempool.c, in which all of them are
 * static: so neither the shared library nor the archive shows them to a
 * program, and a debugger still finds them by their own names.  Tests link
 * each file by itself and need the names. */
#ifdef MP_ONE_UNIT
#define MP_INNER static
#define MP_INNER_OBJECT static /* before the definition of a variable */
#else
#define MP_INNER extern
#define MP_INNER_OBJECT
#endif

#if defined(__GNUC__) || defined(__clang__)
/* Kept out of its callers, so that those stay short. */
#define MP_SLOW __attribute__((__noinline__))
/* Part of its callers, whatever the compiler thinks of that. */
#define MP_INLINED __attribute__((__always_inline__))
/* Starts on a line of the instruction cache: what is called most. */
#define MP_FAST __attribute__((__aligned__(64)))
#define MP_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define MP_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
/* In a function from which malloc() or free() is reached for a tracked object:
 * it keeps a frame pointer, by which AddressSanitizer finds its caller. */
#define MP_FRAME() __asm__ volatile("" : : "r"(__builtin_frame_address(0)))
#else
#define MP_FRAME() ((void)0)
#define MP_SLOW
#define MP_INLINED
#define MP_FAST
#define MP_LIKELY(condition) (condition)
#define MP_UNLIKELY(condition) (condition)
#endif

#endif /* MP_COMPILER_H */
