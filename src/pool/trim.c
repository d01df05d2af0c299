/* SPDX-License-Identifier: MIT
 *
 * trim.c - a pool gives memory back that it does not use.
 *
 * Caches are emptied first: one chunk that a cache holds keeps a whole block
 * from going.  Empty blocks go next.  Of what is free in blocks in use the
 * whole pages go.  The first and the last go in portions, so that other threads
 * wait for some milliseconds at most.
 *
 * What it cannot do: give what other threads free meanwhile.
 */
#include "pool/trim.h"

#include "cache/pause.h"
#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/sweep.h"
#include "pool/track.h"
#include "store/backing.h"
#include "store/range.h"

/* Gives to the heap what caches and depot hold, so that blocks get empty. */
static void trim_gather(struct memory_pool *mp, bool *taken)
{
    struct cache_set *set = &mp->caches;

    ASSERT(pool_is_entered(mp));
    if (mp->mode->caches) {
        pause_begin(set);
        recall_collect(mp);
        cache_flush_marks(set);
        pause_end(set);
        sweep_pool(mp, taken);
    }
}

/* Bytes of a heap whose pages go while other threads wait, which takes the
 * system a millisecond or two; and what each part of them counts more, since it
 * is searched for and costs a call of the system. */
#define TRIM_PORTION ((size_t)4 << 20)
#define TRIM_PART ((size_t)4 << 10)

/* What a trim leaves, and what it gives. */
struct trim {
    size_t keep;         /* bytes that may still stay */
    size_t given;        /* bytes of blocks and marks */
    struct block *empty; /* to be released, once the lock is left */
    struct mark *spare;
    bool marked;         /* the heaps of marks are next, not the pool's */
    uint64_t owner;      /* then the next one is that of a mark up to here, in */
    uint64_t number;     /* the order of mark_up_to() */
    struct heap_unused place; /* in the heap that is next */
};

/* The heap whose pages go next; NULL: all have been asked.  The lock may have
 * been left since the call before, and marks have come and gone.  The order is
 * downwards, so that no new mark of the same owner is met. */
static struct heap *trim_heap(struct memory_pool *mp, struct trim *trim)
{
    if (!trim->marked) {
        return &mp->heap;
    }
    struct mark *mark = mark_up_to(mp, trim->owner, trim->number);

    if (mark == NULL) {
        return NULL;
    }
    if (mark->owner != trim->owner || mark->number != trim->number) {
        trim->place = (struct heap_unused){.tree = 0};
        trim->owner = mark->owner;
        trim->number = mark->number;
    }
    return &mark->heap;
}

static void trim_next(struct trim *trim)
{
    trim->place = (struct heap_unused){.tree = 0};
    if (trim->marked) {
        ASSERT(trim->number > 0);
        trim->number--; /* no mark has number 0 */
        return;
    }
    trim->marked = true;
    trim->owner = UINT64_MAX;
    trim->number = UINT64_MAX;
}

/* Lets the pages of a portion of what is unused go, as far as it may not stay;
 * false: it was the last.  They are no part of what is given, since the pool
 * still holds their addresses.  The lock is held. */
static bool trim_pages(struct memory_pool *mp, struct trim *trim)
{
    size_t rest = TRIM_PORTION;
    struct heap *heap;

    ASSERT(pool_is_entered(mp));
    while ((heap = trim_heap(mp, trim)) != NULL) {
        while (heap_next_unused(heap, &trim->place, rest)) {
            size_t bytes = trim->place.bytes;
            if (bytes <= trim->keep) {
                trim->keep -= bytes;
            } else {
                (void)backing_drop(trim->place.start, bytes);
            }
            if (rest <= bytes + TRIM_PART) {
                return true;
            }
            rest -= bytes + TRIM_PART;
        }
        trim_next(trim);
    }
    return false;
}

/* Empty blocks stay first, since they serve objects of any size.  The lock is
 * held. */
static void trim_parts(struct memory_pool *mp, struct trim *trim)
{
    ASSERT(pool_is_entered(mp));
    struct blocks *blocks = &mp->blocks;
    const struct mark *mark = NULL;
    struct heap *heap = NULL;

    while ((heap = mark_next_heap(mp, heap, &mark)) != NULL) {
        heap_drop_empty(heap);
    }
    size_t before = blocks->stock_bytes;
    trim->empty = pool_take_excess(mp, trim->keep);
    trim->given = before - blocks->stock_bytes;
    trim->keep -= blocks->stock_bytes;
    ASSERT(blocks_is_sound(blocks));
    trim->given += mark_take_spare(mp, &trim->keep, &trim->spare);
}

/* Where all that the pool has may stay, nobody has to wait. */
size_t trim_pool(struct memory_pool *mp, size_t keep)
{
    ASSERT(lock_none_is_held());
    struct trim trim = {.keep = keep};
    bool taken = pool_enter(mp);

    bool less = keep < mp->settings.bytes + mp->blocks.bytes +
                           mark_spare_bytes(mp);
    bool more = less && (mp->blocks.ranged ||
                         backing_is_private(&mp->blocks.backing));
    if (less) {
        trim_gather(mp, &taken);
        trim_parts(mp, &trim);
    }
    /* Taken off under the lock, given back without it: a backing may be the
     * program's own function. */
    bool damaged = blocks_take_damage(&mp->blocks);
    lock_leave(&mp->lock, taken);
    ASSERT(lock_none_is_held());
    blocks_release(&mp->blocks, trim.empty);
    mark_release(mp, trim.spare);
    while (more) {
        taken = pool_enter(mp);
        more = trim_pages(mp, &trim);
        damaged = blocks_take_damage(&mp->blocks) || damaged;
        lock_leave_turn(&mp->lock, taken);
    }
    if (less) {
        /* Else the range would keep some of it for the next pool. */
        range_trim();
    }
    if (pool_is_tracked(mp)) {
        trim.given += track_trim(mp, keep);
    }
    pool_report_damage(mp, damaged);
    return trim.given;
}
