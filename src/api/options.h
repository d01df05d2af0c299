/* SPDX-License-Identifier: MIT
 *
 * options.h - what a caller asks of a pool, checked and completed.
 */
#ifndef MP_OPTIONS_H
#define MP_OPTIONS_H

#include "memory_pool.h"
#include "base/private.h"

/* Completes size bytes of options, NULL for the defaults; a later program's
 * members that this library does not know must be zero.  NULL: done; else
 * the name of the member that cannot be. */
const char *options_complete(const mp_options_t *given, size_t size,
                             mp_options_t *options);

#endif /* MP_OPTIONS_H */
