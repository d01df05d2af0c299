/* SPDX-License-Identifier: MIT
 *
 * walk.h - all that is in a pool, piece by piece.
 *
 * What it cannot do: walk what changes meanwhile.  The pool's lock is held, and
 * its caches are paused.
 */
#ifndef MP_WALK_H
#define MP_WALK_H

#include "pool/mark.h"

enum walk_kind {
    WALK_LIVE,
    WALK_CACHED, /* a chunk in a cache or between caches */
    WALK_RUN,    /* what a cache has not cut yet */
    WALK_FREE,
    WALK_LENT,   /* a chunk that holds a mark's block */
    WALK_KINDS
};

struct walk_piece {
    struct block *block;
    uint32_t granule; /* its first */
    uint32_t granules;
    enum walk_kind kind;
    unsigned cache; /* whose run, counted from 1; or 0 */
};

/* Calls visit for every block in use; mark is NULL for a block of the pool's
 * own heap. */
MP_INNER void walk_blocks(struct memory_pool *mp,
                          void (*visit)(struct block *block,
                                        const struct mark *mark, void *arg),
                          void *arg);

/* The first block in use whose granules begin at base or above it; NULL: there
 * is none.  The lock may have been left since the call before. */
MP_INNER struct block *walk_next_block(struct memory_pool *mp,
                                       uintptr_t base);

/* Calls visit for every piece of a block in order, up to its top. */
MP_INNER void walk_block(const struct memory_pool *mp, struct block *block,
                         void (*visit)(const struct walk_piece *piece,
                                       void *arg),
                         void *arg);

#endif /* MP_WALK_H */
