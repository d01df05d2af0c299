/* SPDX-License-Identifier: MIT
 *
 * leave.c - a pool's lock is left, and what waited for that is done.
 *
 * Under the lock nothing of the program may be called: neither its backing, to
 * which empty blocks go back, nor its report function, which is told that a
 * link of a free chunk was written over.
 *
 * What it cannot do: say which object was written to.  What the link was, and
 * where it led, is lost.
 */
#include <errno.h>

#include "cache/pause.h"
#include "pool/pool.h"
#include "pool/report.h"

void pool_report_damage(struct memory_pool *mp, bool damaged)
{
    ASSERT(lock_none_is_held());
    if (damaged) {
        report_words(mp, MP_EVENT_DAMAGE,
                     "a freed object was written to: its list was given up",
                     NULL);
    }
}

/* Here all windows of other users' caches are closed that show them, since no
 * later time is safe. */
struct block *pool_take_excess(struct memory_pool *mp, size_t keep)
{
    ASSERT(pool_is_entered(mp));
    struct block *excess = blocks_excess(&mp->blocks, keep);

    if (excess != NULL) {
        pause_close(&mp->caches, excess, NULL);
    }
    return excess;
}

/* The stock has too much, or a heap found damage.  Keeps errno, which a backing
 * may set: a call that gives back succeeds. */
static MP_SLOW void pool_leave_due(struct memory_pool *mp, bool taken)
{
    struct blocks *blocks = &mp->blocks;
    bool damaged = blocks_take_damage(blocks);
    struct block *excess = NULL;
    int error = errno;

    if (blocks->stock_bytes > blocks->stock_limit) {
        excess = pool_take_excess(mp, blocks->stock_limit);
        ASSERT(blocks->stock_bytes <= blocks->stock_limit);
    }
    lock_leave(&mp->lock, taken);
    /* Now, since a backing may be the program's and use the pool. */
    blocks_release(blocks, excess);
    pool_report_damage(mp, damaged);
    errno = error;
}

void pool_leave(struct memory_pool *mp, bool taken)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(heap_is_sound(&mp->heap));
    ASSERT((mp->blocks.stock == NULL) == (mp->blocks.stock_bytes == 0));
    if (MP_UNLIKELY(blocks_are_due(&mp->blocks))) {
        pool_leave_due(mp, taken);
        return;
    }
    lock_leave(&mp->lock, taken);
}
