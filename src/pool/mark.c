/* SPDX-License-Identifier: MIT
 *
 * mark.c - marks: what a thread allocates since one goes at once.
 *
 * All marks of a pool are on one list, the newest first, so an owner's own
 * are in their order too.  Owners are told apart by numbers that are never
 * used again: a thread that ends need not look for the marks that it leaves
 * open, since nobody has its number; their objects stay until they are freed
 * or the pool is reset.
 *
 * A few structures are kept for the next marks, so that a mark in a loop
 * costs no memory to be got and given back.
 */
#include "pool/mark.h"

#include <errno.h>

#include "cache/handle.h"
#include "store/blocks.h"
#include "pool/tree.h"

/* Granules of a mark's first block where that is not in the range. */
#define MARK_FIRST 64u

/* Structures kept for use. */
#define MARK_SPARE 4u

static unsigned long mark_numbers; /* atomic; marks made so far */

struct mark *mark_search(const struct memory_pool *mp,
                           const struct mp_handle *handle)
{
    uint64_t owner = handle != NULL ? handle->number : thread_number();
    struct mark *mark = mp->marks;

    while (mark != NULL && mark->owner != owner) {
        mark = mark->next;
    }
    return mark;
}

/* Memory for a mark, laid out; no lock held. */
static struct mark *mark_place(struct memory_pool *mp)
{
    struct mark *mark;
    unsigned char *slot = range_has(mp) ? range_take_slot() : NULL;

    if (slot != NULL) {
        mark = (struct mark *)(void *)slot;
        range_own(slot, RANGE_SLOT, mp);
        range_rename(slot, RANGE_SLOT, mp, true);
        blocks_lay_range_block(&mark->first, slot + sizeof *mark,
                               slot + RANGE_SLOT);
        mark->bytes = RANGE_SLOT;
        return mark;
    }
    size_t bytes = blocks_layout(sizeof *mark, MARK_FIRST);
    mark = mp->backing.acquire(mp->backing.context, bytes, BLOCK_GRANULE);
    if (mark != NULL) {
        blocks_lay_block(&mark->first, (unsigned char *)(mark + 1),
                         MARK_FIRST);
        mark->bytes = bytes;
    }
    return mark;
}

static void mark_release(struct memory_pool *mp, struct mark *mark)
{
    int error = errno; /* whatever the backing does to it */

    while (mark != NULL) {
        struct mark *next = mark->next;
        if (range_has(mark)) {
            range_give_slot(mark);
        } else {
            mp->backing.release(mp->backing.context, mark, mark->bytes);
        }
        mark = next;
    }
    errno = error;
}

void mark_release_all(struct memory_pool *mp)
{
    mark_release(mp, mp->spare_marks);
}

/* The same out of the pool's own blocks, where its backing has no more, as a
 * buffer has not; the lock is held. */
static struct mark *mark_carve(struct memory_pool *mp)
{
    size_t bytes = blocks_layout(sizeof(struct mark), MARK_FIRST);
    struct mark *mark = blocks_carve(mp, bytes);

    if (mark != NULL) {
        blocks_lay_block(&mark->first, (unsigned char *)(mark + 1),
                         MARK_FIRST);
        mark->bytes = bytes;
    }
    return mark;
}

/* A structure that is not in use, from the spare ones or new; the lock, held
 * on entry and on return, may be left meanwhile. */
static struct mark *mark_take(struct memory_pool *mp, bool *taken)
{
    struct mark *mark = mp->spare_marks;

    if (mark == NULL) {
        int error = errno; /* the pool's own blocks may serve */
        lock_leave(&mp->lock, *taken);
        mark = mark_place(mp);
        errno = error;
        *taken = pool_enter_lock(mp);
        if (mark == NULL) {
            mark = mark_carve(mp);
        }
        return mark;
    }
    mp->spare_marks = mark->next;
    mp->spare_mark_count--;
    return mark;
}

uint64_t mark_mark(struct memory_pool *mp, struct mp_handle *handle)
{
    struct cache *cache = NULL;
    uint64_t owner;

    if (handle != NULL) {
        owner = handle->number;
        cache = &handle->cache;
    } else {
        if (thread_self() == NULL) {
            errno = ENOMEM;
            return 0;
        }
        owner = thread_number();
        if (mp->kind == POOL_CACHED && !sync_get(&mp->uncached)) {
            cache = cache_own(mp);
            if (cache == NULL && !sync_get(&mp->uncached)) {
                /* One made later would not know of the mark. */
                errno = ENOMEM;
                return 0;
            }
        }
    }
    bool taken = pool_enter_lock(mp);
    struct mark *mark = mark_take(mp, &taken);
    if (mark == NULL) {
        lock_leave(&mp->lock, taken);
        errno = ENOMEM;
        return 0;
    }
    if (!range_has(mark)) { /* where caches do not reach */
        blocks_give_up_caches(mp);
    }
    uint64_t number = sync_add(&mark_numbers, 1) + 1;
    mark->owner = owner;
    mark->number = number;
    mark->cache = mp->uncached ? NULL : cache;
    heap_start(&mark->heap, &mark->first,
               (mp->flags & MP_ZERO_ON_FREE) != 0, mp->bounded);
    mark->first.bytes = 0;
    /* Nobody else touches the cache: its owner is here. */
    if (mark->cache != NULL) {
        cache_close(mark->cache, mp);
        mark->cache->mark = mark;
    }
    mark->next = mp->marks;
    mp->marks = mark;
    pool_set_short(mp);
    lock_leave(&mp->lock, taken);
    return number;
}

/* Drops what is in a mark that is off the list. */
static void mark_drop(struct memory_pool *mp, struct mark *mark)
{
    struct block *block = heap_reset(&mark->heap);

    while (block != NULL) {
        struct block *next = block->next;
        blocks_keep(mp, block);
        block = next;
    }
    heap_finish(&mark->heap);
    if (blocks_give_carved(mp, mark)) {
        return;
    }
    mark->next = mp->spare_marks;
    mp->spare_marks = mark;
    mp->spare_mark_count++;
}

/* Structures beyond those that are kept. */
static struct mark *mark_surplus(struct memory_pool *mp)
{
    struct mark *surplus = NULL;

    while (mp->spare_mark_count > MARK_SPARE) {
        struct mark *mark = mp->spare_marks;
        mp->spare_marks = mark->next;
        mp->spare_mark_count--;
        mark->next = surplus;
        surplus = mark;
    }
    return surplus;
}

bool mark_rewind(struct memory_pool *mp, struct mp_handle *handle,
                  uint64_t number)
{
    bool taken = pool_enter_lock(mp);
    struct mark *mark = mark_current(mp, handle);
    uint64_t owner = mark == NULL ? 0 : mark->owner;
    struct cache *cache = mark == NULL ? NULL : mark->cache;
    size_t yielded = 0;

    while (mark != NULL &&
           (mark->owner != owner || mark->number != number)) {
        mark = mark->next;
    }
    if (mark == NULL) {
        lock_leave(&mp->lock, taken);
        return false;
    }
    for (struct mark **link = &mp->marks; mark != NULL;) {
        struct mark *each = *link;
        if (each->owner != owner) {
            link = &each->next;
            continue;
        }
        *link = each->next;
        mark = each == mark ? NULL : mark;
        mp->freed += heap_count_live(&each->heap);
        yielded += each->heap.held;
        mark_drop(mp, each);
    }
    mp->room += yielded;
    if (cache != NULL && !mp->uncached) {
        cache->fast.cut = cache->fast.end = NULL;
        cache->mark = mark_current(mp, handle);
        if (cache->mark == NULL) {
            cache_open(cache);
        }
    }
    pool_set_short(mp);
    struct mark *surplus = mark_surplus(mp);
    pool_leave(mp, taken);
    mark_release(mp, surplus);
    if (mp->bounded) {
        tree_uncharge(mp, yielded);
    }
    return true;
}

void mark_drop_all(struct memory_pool *mp)
{
    while (mp->marks != NULL) {
        struct mark *mark = mp->marks;
        mp->marks = mark->next;
        mark_drop(mp, mark);
    }
    pool_set_short(mp);
}
