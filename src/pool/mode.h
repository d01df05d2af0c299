/* SPDX-License-Identifier: MIT
 *
 * mode.h - how a pool serves its calls.
 *
 * What it cannot do: choose.  life.c picks a mode for a pool by its options.
 */
#ifndef MP_MODE_H
#define MP_MODE_H

#include "pool/pool.h"

enum mode_kind {
    MODE_CACHED,  /* caches, and no object is counted */
    MODE_COUNTED, /* caches with credit, for a pool with a limit or one that
                   * zeroes what is freed */
    MODE_OUTSIDE, /* the same outside of the range: with a backing, or where
                   * the range has no room */
    MODE_LOCKED   /* the lock alone */
};

/* The table of a mode, which never changes. */
MP_INNER const struct pool_mode *mode_of(enum mode_kind kind);

#endif /* MP_MODE_H */
