/* SPDX-License-Identifier: MIT
 *
 * move.h - a pool gets another parent.
 *
 * What it cannot do: move a pool that does not count its objects below a
 * capacity.
 */
#ifndef MP_MOVE_H
#define MP_MOVE_H

#include "pool/pool.h"

/* Each but the first: nothing was done. */
enum move_result {
    MOVE_DONE,
    MOVE_BELOW_ITSELF, /* the parent is the pool, or is below it */
    MOVE_UNCOUNTED,    /* a pool does not count what a capacity limits */
    MOVE_FULL,         /* a capacity above has no room */
    MOVE_ENDING,       /* the pool or its new parent is being ended */
    MOVE_NO_MEMORY
};

/* Moves the pool, with all that are below it, below another parent; NULL: it
 * has none from then on.  frame: of the call, from which cleanups that call it
 * are told.  No lock held. */
MP_INNER enum move_result move_pool(struct memory_pool *mp,
                                    struct memory_pool *parent,
                                    uintptr_t frame);

#endif /* MP_MOVE_H */
