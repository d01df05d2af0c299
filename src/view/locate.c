/* SPDX-License-Identifier: MIT
 *
 * locate.c - what an address is, and whose.
 *
 * Any address may be asked about.  It is compared with the bounds of blocks,
 * or of the range, and only the library's own memory is read.
 *
 * A report asks for more than mp_locate() does: the object, its size and its
 * callers.  A pool's caches are paused for that, so that chunks do not change
 * meanwhile.  Other pools are asked only while none comes or goes, LOCATE_POOLS
 * at most, so that no thread waits long for a report of another.
 *
 * What it cannot do: find the owner of an address outside of the range without
 * asking every pool of the process.
 */
#include "view/locate.h"

#include "cache/pause.h"
#include "pool/track.h"
#include "store/range.h"

/* Pools that are asked for the owner of an address that a report is of. */
#define LOCATE_POOLS 1024u

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

struct locate_search {
    const void *ptr;
    memory_pool_t *owner; /* NULL: not found yet */
};

static void locate_ask(struct thread_place *place, void *argument)
{
    struct locate_search *search = argument;
    struct memory_pool *mp = pool_at(place);
    ASSERT(sync_get(&place->maker) != NULL);
    ASSERT(search->ptr != NULL && !lock_none_is_held());

    /* An address belongs to one pool at most, so the first answer is the only
     * one, and the pools that follow need not be locked. */
    if (search->owner == NULL &&
        locate_address(mp, search->ptr) != MP_FOREIGN) {
        search->owner = mp;
    }
}

/* Asks the pool that the range names for an address. */
static void locate_ask_owner(struct memory_pool *owner,
                             struct locate_search *search)
{
    ASSERT(owner != NULL && search->owner == NULL);
    /* Only addresses in the range have an owner that is named there. */
    ASSERT(range_reaches(search->ptr) && !lock_none_is_held());
    /* A slot keeps the name of a pool that is gone, whose own slot may be
     * another's block by now: then it has another name.  The maker tells that
     * a pool lives there, and it does until the threads' locks are left.
     * Acquire pairs with the release in thread_enlist(): what is on a list is
     * made; and with that in recycle_make(): what is made again has its
     * settings. */
    if (range_holder(owner) == owner &&
        sync_get_acquire(&owner->place.maker) != NULL &&
        !sync_get_acquire(&owner->place.kept)) {
        locate_ask(&owner->place, search);
    }
}

memory_pool_t *locate_owner(const void *ptr)
{
    ASSERT(lock_none_is_held());
    struct locate_search search = {ptr, NULL};

    /* Without these locks a pool could be destroyed while it is asked. */
    thread_hold();
    /* One load answers for the range.  An address elsewhere may lie in a block
     * of any pool that has a backing, so all pools are asked. */
    struct memory_pool *owner = range_holder(ptr);
    if (owner != NULL) {
        locate_ask_owner(owner, &search);
    } else if (ptr != NULL) {
        thread_each_pool(locate_ask, &search);
    }
    thread_drop();
    ASSERT(lock_none_is_held());
    ASSERT(search.owner == NULL || ptr != NULL);
    return search.owner;
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

struct locate_hunt {
    const struct memory_pool *asked; /* already; NULL: none was */
    const void *ptr;
    struct found *found;
    size_t count; /* pools asked so far */
};

/* All threads' locks are held.  Acquire as in locate_ask_owner(). */
static void locate_hunt_in(struct thread_place *place, void *argument)
{
    struct locate_hunt *hunt = argument;
    struct memory_pool *mp = pool_at(place);

    if (hunt->found->owner != NULL || mp == hunt->asked ||
        sync_get_acquire(&place->kept)) {
        return;
    }
    if (hunt->count == LOCATE_POOLS) {
        hunt->found->bounded = true;
        return;
    }
    hunt->count++;
    (void)locate_inside(mp, hunt->ptr, hunt->found);
}

void locate_find(struct memory_pool *mp, const void *ptr, struct found *found)
{
    ASSERT(lock_none_is_held());
    found_start(found, ptr == NULL ? FOUND_NULL : FOUND_FOREIGN);
    if (ptr == NULL || (mp != NULL && locate_inside(mp, ptr, found))) {
        return;
    }
    struct locate_hunt hunt = {mp, ptr, found, 0};
    thread_hold();
    /* As in locate_ask_owner(). */
    struct memory_pool *owner = range_holder(ptr);
    if (owner == NULL) {
        thread_each_pool(locate_hunt_in, &hunt);
    } else if (range_holder(owner) == owner &&
               sync_get_acquire(&owner->place.maker) != NULL) {
        locate_hunt_in(&owner->place, &hunt);
    }
    thread_drop();
    /* Tracked pools have objects of malloc(), which lie in no range. */
    if (found->owner == NULL && owner != NULL) {
        found->what = FOUND_UNUSED;
    }
    if (found->owner != NULL || owner != NULL) {
        found->bounded = false;
    }
}
