/* SPDX-License-Identifier: MIT
 *
 * options.h - what a caller asks of a pool, checked and completed.
 *
 * What it cannot do: report.  api.c does, by the name that it gets.
 */
#ifndef MP_OPTIONS_H
#define MP_OPTIONS_H

#include "base/compiler.h"
#include "memory_pool.h"
#include "pool/kind.h"

/* Completes size bytes of options, NULL for the defaults; a later program's
 * members that this library does not know must be zero.  NULL: done; else
 * the name of the member that is invalid; what was read of the options is then
 * in *options, so that a report can be made.  *why becomes the reason for which
 * the pool has no caches, or lies outside of the range; KIND_DEFAULT: it has
 * some, and lies there. */
MP_INNER const char *options_complete(const mp_options_t *given, size_t size,
                                      mp_options_t *options,
                                      enum kind_why *why);

#endif /* MP_OPTIONS_H */
