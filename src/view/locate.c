/* SPDX-License-Identifier: MIT
 *
 * locate.c - what an address is, and whose.
 *
 * Any address may be asked about.  It is compared with the bounds of blocks,
 * or of the range, and only the library's own memory is read.
 *
 * A report asks for more than mp_locate() does: the object, its size and its
 * callers.  A pool's caches are paused for that, so that chunks do not change
 * meanwhile.  Another pool than the report's is asked only while none comes or
 * goes.
 *
 * What it cannot do: find the tracked pool of an address without the locks of
 * all threads, and without asking each such pool.
 */
#include "view/locate.h"

#include "cache/pause.h"
#include "pool/track.h"
#include "store/outside.h"
#include "store/range.h"

/* The start of the chunk that granule i may lie in.  No byte but 0 and nibbles
 * stands inside of a chunk, so the first other one is a start. */
static uint32_t locate_start(const struct block *block, uint32_t i)
{
    unsigned char code = sync_get(&block->map[i]);

    while (i > 0 && (code == BLOCK_NONE || (code & 0xf0) == BLOCK_NIBBLE)) {
        i--;
        code = sync_get(&block->map[i]);
    }
    return i;
}

/* What granule i of a block is that is no live chunk's start: the chunk that
 * it lies in is found backwards. */
static mp_where_t locate_granule(const struct block *block, uint32_t i)
{
    ASSERT(i < block->granules);
    ASSERT(block->heap != NULL);

    /* Relaxed reads suffice: a cache's thread changes a byte from live to
     * cached and back, and each of both answers was true at some moment of the
     * call. */
    if (sync_get(&block->map[0]) == BLOCK_LONG_LIVE &&
        block_length(block, 0) == block->granules) {
        return MP_INTERIOR; /* one chunk: nothing to search */
    }
    uint32_t start = locate_start(block, i);
    unsigned char code = sync_get(&block->map[start]);
    /* Room behind a live chunk may belong to a run, which has no start. */
    if (!block_starts_live(code) || i - start >= block_length(block, start)) {
        return MP_FREED;
    }
    return MP_INTERIOR;
}

mp_where_t locate_address(struct memory_pool *mp, const void *ptr)
{
    ASSERT(mp != NULL && !pool_is_entered(mp));
    const void *whole = (const void *)((uintptr_t)ptr -
                                       (uintptr_t)ptr % SIZES_GRANULE);
    mp_where_t where = MP_FOREIGN;
    /* The lock keeps the blocks.  The caches are not paused: one byte of the
     * map is read at a time, and each is an answer of its own. */
    bool taken = pool_enter(mp);
    struct heap_chunk chunk = pool_find(mp, whole);

    if (pool_is_tracked(mp)) {
        where = track_locate(mp, ptr);
    }
    if (where == MP_FOREIGN && chunk.block != NULL) {
        ASSERT(chunk.granule < chunk.block->granules);
        ASSERT(block_address(chunk.block, chunk.granule) == whole);
        unsigned char code = sync_get(&chunk.block->map[chunk.granule]);
        where = whole == ptr && block_starts_live(code)
                    ? MP_LIVE
                    : locate_granule(chunk.block, chunk.granule);
    }
    ASSERT(where == MP_FOREIGN || chunk.block != NULL ||
           pool_is_tracked(mp));
    lock_leave(&mp->lock, taken);
    return where;
}

/* The thread that made the pool that the range names for an address, *mp; NULL:
 * no pool lives there.
 *
 * Acquire pairs with the release in thread_enlist(): what is on a list is made;
 * and with that in recycle_make(): what is made again has its settings. */
static struct thread *locate_maker(const void *ptr, struct memory_pool **mp)
{
    struct thread *maker = NULL;

    range_enter();
    *mp = range_pool(ptr);
    if (*mp != NULL) {
        maker = sync_get_acquire(&(*mp)->place.maker);
    }
    /* In a slot where a pool is being made, that is not set yet. */
    if (maker != NULL && sync_get_acquire(&(*mp)->place.kept)) {
        maker = NULL;
    }
    range_leave();
    return maker;
}

/* That pool; NULL: there is none.  *holder: the thread whose lock is taken, and
 * is to be left by the caller: the pool is on its list so long, and does not
 * go. */
static struct memory_pool *locate_hold(const void *ptr, struct thread **holder)
{
    struct memory_pool *mp;
    struct memory_pool *again;
    struct thread *maker = locate_maker(ptr, &mp);

    ASSERT(lock_none_is_held());
    while (maker != NULL) {
        /* A struct thread is there for good. */
        lock_take(&maker->lock);
        struct thread *now = locate_maker(ptr, &again);
        if (now == maker && again == mp) {
            break;
        }
        lock_drop(&maker->lock);
        maker = now;
        mp = again;
    }
    *holder = maker;
    return maker == NULL ? NULL : mp;
}

struct locate_hunt {
    const void *ptr;
    struct memory_pool *owner; /* NULL: not found yet */
};

static void locate_ask_tracked(struct thread_place *place, void *argument)
{
    struct locate_hunt *hunt = argument;
    struct memory_pool *mp = pool_at(place);

    if (hunt->owner == NULL && pool_is_tracked(mp) &&
        locate_address(mp, hunt->ptr) != MP_FOREIGN) {
        hunt->owner = mp;
    }
}

/* The tracked pool that has an object at an address, while all threads' locks
 * are held; NULL: there is none.  Each such pool is asked. */
static struct memory_pool *locate_tracked(const void *ptr)
{
    struct locate_hunt hunt = {ptr, NULL};

    ASSERT(!lock_none_is_held());
    if (ptr != NULL && track_has_pools()) {
        thread_each_pool(locate_ask_tracked, &hunt);
    }
    return hunt.owner;
}

memory_pool_t *locate_owner(const void *ptr)
{
    ASSERT(lock_none_is_held());
    struct thread *holder;
    /* First, since a pool over a buffer may lie in an object in the range, or
     * in one of a tracked pool. */
    struct memory_pool *owner = outside_owner(ptr);

    if (owner == NULL && range_reaches(ptr)) {
        owner = locate_hold(ptr, &holder);
        if (owner != NULL) {
            bool foreign = locate_address(owner, ptr) == MP_FOREIGN;
            lock_drop(&holder->lock);
            owner = foreign ? NULL : owner;
        }
    }
    if (owner == NULL && track_has_pools()) {
        /* Without these locks a pool could be destroyed while it is asked. */
        thread_hold();
        owner = locate_tracked(ptr);
        thread_drop();
    }
    ASSERT(owner == NULL || ptr != NULL);
    return owner;
}

/* What is in a block at an address.  The caches are paused. */
static void locate_chunk(const struct memory_pool *mp, struct heap_chunk at,
                         const void *ptr, struct found *found)
{
    const struct block *block = at.block;
    bool whole = sync_get(&block->map[0]) == BLOCK_LONG_LIVE &&
                 block_length(block, 0) == block->granules;
    struct heap_chunk chunk = {
        at.block, whole ? 0 : locate_start(block, at.granule)};
    unsigned char code = sync_get(&block->map[chunk.granule]);

    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    /* Behind the top and in a run of a cache, the map tells nothing: what was
     * there may have been freed, or have been there before a reset. */
    found->what = mp->counters.resets > 0 ? FOUND_GONE : FOUND_FREED;
    if (code == BLOCK_NONE ||
        at.granule - chunk.granule >= block_length(block, chunk.granule)) {
        return;
    }
    bool live = block_starts_live(code);
    found->what = FOUND_FREED;
    if (!live && !block_is_cached(code)) {
        return; /* it may be joined with others */
    }
    found->object = (uintptr_t)block_address(block, chunk.granule);
    found->size = live ? pool_size_of(chunk)
                       : block_length(block, chunk.granule) * SIZES_GRANULE;
    if (live) {
        found->what = found->object == (uintptr_t)ptr ? FOUND_LIVE
                                                      : FOUND_INTERIOR;
    }
}

/* Asks one pool; false: the address is foreign to it. */
static bool locate_inside(struct memory_pool *mp, const void *ptr,
                          struct found *found)
{
    const void *whole = (const void *)((uintptr_t)ptr -
                                       (uintptr_t)ptr % SIZES_GRANULE);
    bool taken = pool_enter(mp);
    const struct record *record =
        pool_is_tracked(mp) ? track_search(mp, ptr) : NULL;
    struct heap_chunk chunk = pool_find(mp, whole);

    if (record != NULL) {
        found_set_record(found, record, ptr);
    } else if (chunk.block != NULL) {
        pause_begin(&mp->caches);
        locate_chunk(mp, chunk, ptr, found);
        pause_end(&mp->caches);
    } else if (range_holder(ptr) == mp) {
        /* A block that became empty, or the pool itself. */
        found->what = FOUND_UNUSED;
    }
    lock_leave(&mp->lock, taken);
    if (found->what == FOUND_FOREIGN) {
        return false;
    }
    found_set_owner(found, mp);
    return true;
}

void locate_find(struct memory_pool *mp, const void *ptr, struct found *found)
{
    ASSERT(lock_none_is_held());
    found_start(found, ptr == NULL ? FOUND_NULL : FOUND_FOREIGN);
    if (ptr == NULL || (mp != NULL && locate_inside(mp, ptr, found))) {
        return;
    }
    /* What was noted stays so as long as its owner is listed. */
    thread_hold();
    struct memory_pool *owner = outside_owner(ptr);
    if (owner == NULL && locate_maker(ptr, &owner) == NULL) {
        owner = locate_tracked(ptr);
    }
    if (owner != NULL && owner != mp) {
        (void)locate_inside(owner, ptr, found);
    }
    thread_drop();
    /* Tracked pools have objects of malloc(), which lie in no range. */
    if (found->owner == NULL && range_holder(ptr) != NULL) {
        found->what = FOUND_UNUSED;
    }
}
