/* SPDX-License-Identifier: MIT
 *
 * inspect.c - looking at a pool without changing it.
 *
 * The check walks every block from its start, chunk by chunk.  What it must
 * find: chunks that end where the next begins, up to the block's end or top;
 * the length at both ends of a free chunk, never two free ones side by side,
 * and each in its bin; between chunks nothing but some cache's run; as many
 * cached chunks as the caches and the depot hold; and live bytes that agree
 * with the room that is left.
 *
 * It needs the pool at rest, so it pauses it.  Free chunks hold the links of
 * the lists that they are in, which a program may have written over: nothing
 * is followed that the map does not know for such a chunk, nor further than
 * there are chunks.  It cannot see what else a caller wrote into an object
 * that it does not hold.
 */
#include "view/check.h"

#include "pool/mark.h"
#include "pool/tree.h"

/* The free or live chunk that granule i lies in, found backwards. */
static mp_where_t inspect_granule(const struct block *block, uint32_t i)
{
    uint32_t start = i;
    unsigned char code = sync_get(&block->map[start]);

    if (sync_get(&block->map[0]) == BLOCK_LONG_LIVE &&
        block_length(block, 0) == block->granules) {
        return MP_INTERIOR; /* one chunk: nothing to search */
    }
    while (start > 0 && (code == BLOCK_NONE || (code & 0xf0) == BLOCK_NIBBLE)) {
        start--;
        code = sync_get(&block->map[start]);
    }
    if (!block_starts_live(code) || i - start >= block_length(block, start)) {
        return MP_FREED;
    }
    return MP_INTERIOR;
}

mp_where_t inspect_locate(struct memory_pool *mp, const void *ptr)
{
    bool taken = pool_enter_lock(mp);
    const void *whole = (const void *)((uintptr_t)ptr -
                                       (uintptr_t)ptr % BLOCK_GRANULE);
    struct heap_chunk chunk = pool_find(mp, whole);
    mp_where_t where = MP_FOREIGN;

    if (chunk.block != NULL) {
        unsigned char code = sync_get(&chunk.block->map[chunk.granule]);
        where = whole == ptr && block_starts_live(code)
                    ? MP_LIVE
                    : inspect_granule(chunk.block, chunk.granule);
    }
    lock_leave(&mp->lock, taken);
    return where;
}

struct inspect_search {
    const void *ptr;
    memory_pool_t *owner;
};

static void inspect_look(struct memory_pool *mp, void *argument)
{
    struct inspect_search *search = argument;

    if (search->owner == NULL &&
        inspect_locate(mp, search->ptr) != MP_FOREIGN) {
        search->owner = mp;
    }
}

memory_pool_t *inspect_owner(const void *ptr)
{
    struct inspect_search search = {ptr, NULL};

    thread_hold();
    memory_pool_t *owner = range_owner(ptr);
    if (owner != NULL) {
        /* A slot keeps the name of a pool that is gone, whose own slot may be
         * another's block by now: then it has another name.  home tells that
         * a pool lives there, and it does until the threads' locks are left.
         * Acquire: what the home's list has is made. */
        if (range_owner(owner) == owner &&
            sync_get_acquire(&owner->home) != NULL &&
            !sync_get(&owner->recycled)) {
            inspect_look(owner, &search);
        }
    } else if (ptr != NULL) {
        thread_each_pool(inspect_look, &search);
    }
    thread_drop();
    return search.owner;
}

/* What a walk over a pool counts, and what it must come to. */
struct inspect_count {
    const struct memory_pool *mp;
    size_t live;   /* bytes, as asked where known */
    size_t cached; /* chunks */
    size_t unused; /* granules in runs */
    size_t free_chunks;
    size_t carved; /* chunks that hold a mark's block */
    bool whole;
};

/* Length of a cache's run that starts there; 0: none does. */
static uint32_t inspect_run(const struct memory_pool *mp,
                            const unsigned char *at)
{
    for (const struct cache *c = mp->caches; c != NULL; c = c->next) {
        if (c->fast.cut == at && c->fast.end > at) {
            return (uint32_t)((size_t)(c->fast.end - at) / BLOCK_GRANULE);
        }
    }
    return 0;
}

static bool inspect_is_clear(const struct block *block, uint32_t from,
                             uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (block->map[i] != BLOCK_NONE) {
            return false;
        }
    }
    return true;
}

/* A chunk's bytes of the map between its start and its end. */
static bool inspect_inner(const struct block *block, uint32_t i,
                          uint32_t length, bool is_free)
{
    uint32_t from = i + 1;
    uint32_t to = i + length;

    if (length > BLOCK_SHORT) {
        from += 8;
    }
    if (is_free && length > 1) {
        to--;
        if (block->map[to] != block->map[i]) {
            return false;
        }
        if (length > BLOCK_SHORT) {
            to -= 8;
            if (memcmp(block->map + to, block->map + i + 1, 8) != 0) {
                return false;
            }
        }
    }
    return inspect_is_clear(block, from, to);
}

/* Length of the chunk that starts at granule i and ends before another one;
 * 0: none does. */
static uint32_t inspect_length(const struct block *block, uint32_t i,
                               uint32_t end)
{
    unsigned char code = block->map[i];

    if ((code & 0xc0) == 0) {
        if (code < BLOCK_LONG_LIVE || code > BLOCK_LONG_HELD ||
            end - i <= BLOCK_SHORT) {
            return 0;
        }
        for (uint32_t k = i + 1; k <= i + 8; k++) {
            if ((block->map[k] & 0xf0) != BLOCK_NIBBLE) {
                return 0;
            }
        }
    }
    uint32_t length = block_length(block, i);
    return length <= end - i ? length : 0;
}

static void inspect_block(struct inspect_count *count, struct block *block)
{
    const struct heap *heap = block->heap;
    uint32_t end = (uint32_t)heap_used(heap, block);
    bool after_free = false;
    uint32_t i = 0;

    while (i < end && count->whole) {
        unsigned char code = block->map[i];
        uint32_t length;
        bool is_free = block_is_free(code);

        if (code == BLOCK_NONE) {
            length = inspect_run(count->mp, block_address(block, i));
            count->unused += length;
            count->whole = length > 0 && length <= end - i &&
                           inspect_is_clear(block, i, i + length);
        } else {
            struct heap_chunk chunk = {block, i};
            length = inspect_length(block, i, end);
            count->free_chunks += is_free;
            count->cached += (code & 0xc0) == BLOCK_CACHED;
            count->carved += code == BLOCK_LONG_HELD;
            count->whole =
                length > 0 && inspect_inner(block, i, length, is_free);
            if (count->whole && block_starts_live(code)) {
                count->live += pool_size_of(chunk);
            }
        }
        count->whole = count->whole && !(after_free && is_free);
        after_free = is_free;
        i += length;
    }
    if (block == heap->current) {
        count->whole = count->whole && !after_free &&
                       inspect_is_clear(block, end, block->granules);
    }
}

/* Takes the chunks of a list, each of that many granules, off those that were
 * found and are in no list yet; false: something else is there. */
static bool inspect_list(const struct memory_pool *mp, const void *object,
                         unsigned granules, size_t *found)
{
    for (; object != NULL; object = *(void *const *)object) {
        struct heap_chunk chunk = heap_find(&mp->heap, object);
        if (chunk.block == NULL || *found == 0 ||
            chunk.block->map[chunk.granule] !=
                (BLOCK_CACHED | (granules - 1))) {
            return false;
        }
        --*found;
    }
    return true;
}

/* Caches and depot hold just that many chunks. */
static bool inspect_cached(const struct memory_pool *mp, size_t found)
{
    bool whole = true;

    for (unsigned g = 1; g <= BLOCK_SHORT && whole; g++) {
        for (const struct cache *c = mp->caches; c != NULL && whole;
             c = c->next) {
            whole = inspect_list(mp, c->fast.lists[g - 1].chunks, g, &found);
        }
        void **chain = mp->depot == NULL ? NULL : mp->depot[g - 1];
        for (; chain != NULL && whole; chain = whole ? chain[1] : NULL) {
            whole = inspect_list(mp, chain, g, &found);
        }
    }
    return whole && found == 0;
}

/* Walks a heap's blocks; the bytes that it holds agree with what it says. */
static void inspect_heap(struct inspect_count *count, struct heap *heap)
{
    size_t free_chunks = count->free_chunks;
    size_t live = count->live;

    inspect_block(count, heap->first);
    for (uint32_t i = 0; i < heap->blocks && count->whole; i++) {
        count->whole = heap->index[i]->heap == heap;
        if (count->whole) {
            inspect_block(count, heap->index[i]);
        }
    }
    count->whole =
        count->whole && heap->first->heap == heap &&
        heap_has_free(heap, count->free_chunks - free_chunks) &&
        (heap == &count->mp->heap || heap->first->slack == NULL ||
         live + heap->held == count->live);
}

/* Marks are in the order in which they were made. */
static bool inspect_order(const struct memory_pool *mp)
{
    for (const struct mark *s = mp->marks; s != NULL; s = s->next) {
        if (s->next != NULL && s->next->number >= s->number) {
            return false;
        }
    }
    return true;
}

bool inspect_check(struct memory_pool *mp)
{
    struct inspect_count count = {.mp = mp, .whole = true};
    bool taken = pool_enter_lock(mp);

    cache_pause(mp);
    inspect_heap(&count, &mp->heap);
    for (struct mark *s = mp->marks; s != NULL && count.whole;
         s = s->next) {
        inspect_heap(&count, &s->heap);
    }
    count.whole = count.whole && inspect_order(mp) &&
                  inspect_cached(mp, count.cached) &&
                  count.carved == mp->carved;
    if (mp->first.slack != NULL) {
        size_t charged = mp->tree == NULL ? 0 : mp->tree->charged;
        count.whole = count.whole && count.live == mp->capacity -
                                                       pool_room(mp) -
                                                       mp->promised - charged;
    }
    cache_resume(mp);
    lock_leave(&mp->lock, taken);
    return count.whole;
}
