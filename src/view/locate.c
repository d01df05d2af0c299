/* SPDX-License-Identifier: MIT
 *
 * locate.c - what an address is, and whose.
 *
 * Any address may be asked about.  It is compared with the bounds of blocks,
 * or of the range, and only the library's own memory is read.
 *
 * What it cannot do: find the owner of an address outside of the range without
 * asking every pool of the process.
 */
#include "view/locate.h"

#include "pool/track.h"
#include "store/range.h"

/* What granule i of a block is that is no live chunk's start: the chunk that
 * it lies in is found backwards. */
static mp_where_t locate_granule(const struct block *block, uint32_t i)
{
    uint32_t start = i;
    unsigned char code = sync_get(&block->map[start]);
    ASSERT(i < block->granules);
    ASSERT(block->heap != NULL);

    /* Relaxed reads suffice: a cache's thread changes a byte from live to
     * cached and back, and each of both answers was true at some moment of the
     * call. */
    if (sync_get(&block->map[0]) == BLOCK_LONG_LIVE &&
        block_length(block, 0) == block->granules) {
        return MP_INTERIOR; /* one chunk: nothing to search */
    }
    /* No byte but 0 and nibbles stands inside of a chunk, so the first other
     * one is a start. */
    while (start > 0 &&
           (code == BLOCK_NONE || (code & 0xf0) == BLOCK_NIBBLE)) {
        start--;
        code = sync_get(&block->map[start]);
    }
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
    ASSERT(range_has(search->ptr) && !lock_none_is_held());
    /* A slot keeps the name of a pool that is gone, whose own slot may be
     * another's block by now: then it has another name.  The maker tells that
     * a pool lives there, and it does until the threads' locks are left.
     * Acquire pairs with the release in thread_enlist(): what is on a list is
     * made. */
    if (range_owner(owner) == owner &&
        sync_get_acquire(&owner->place.maker) != NULL &&
        !sync_get(&owner->place.kept)) {
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
    struct memory_pool *owner = range_owner(ptr);
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
