/* SPDX-License-Identifier: MIT
 *
 * assert.h - preconditions, checked where the build asks for it.
 *
 * configure --enable-checks defines MP_CHECKS.  Then each ASSERT() is tested,
 * and a wrong one names its place on standard error and aborts.  Otherwise
 * the condition is compiled and never evaluated: it costs nothing, and cannot
 * rot.  So a condition must have no side effect.
 *
 * What it cannot do: answer a program's misuse.  That is no error of the
 * library, and api/ answers it in every build.
 */
#ifndef MP_ASSERT_H
#define MP_ASSERT_H

#include "base/compiler.h"

#ifdef MP_CHECKS
/* Names the condition and its place on standard error, and aborts. */
MP_INNER void assert_failed(const char *condition, const char *file, int line)
    __attribute__((__noreturn__, __cold__));

#define ASSERT(condition) \
    ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__))
#else
/* Not sizeof: functions that only assertions call would seem unused. */
#define ASSERT(condition) ((void)(0 && (condition)))
#endif

#endif /* MP_ASSERT_H */
