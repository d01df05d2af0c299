/* SPDX-License-Identifier: MIT
 *
 * walk.h - all that is in a pool, piece by piece.
 *
 * A walk needs the pool at rest: its lock held and its caches paused.
 */
#ifndef MP_WALK_H
#define MP_WALK_H

#include "pool/mark.h"

enum walk_kind {
    WALK_LIVE,
    WALK_CACHED, /* a chunk in a cache or between caches */
    WALK_RUN,    /* what a cache has not cut yet */
    WALK_FREE,
    WALK_HELD,   /* a chunk that holds a mark's block */
    WALK_KINDS
};

struct walk_piece {
    struct block *block;
    uint32_t granule; /* its first */
    uint32_t granules;
    enum walk_kind kind;
    unsigned cache; /* whose run, counted from 1; or 0 */
};

/* Calls visit for every block in use; mark is NULL for the pool's own. */
void walk_blocks(struct memory_pool *mp,
                 void (*visit)(struct block *block, const struct mark *mark,
                               void *arg),
                 void *arg);

/* Calls visit for every piece of a block in order, up to its top. */
void walk_block(const struct memory_pool *mp, struct block *block,
                void (*visit)(const struct walk_piece *piece, void *arg),
                void *arg);

/* No lock held: tells the pool's report function what is still live. */
void walk_report_leaks(struct memory_pool *mp);

#endif /* MP_WALK_H */
