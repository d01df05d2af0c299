/* SPDX-License-Identifier: MIT
 *
 * check.c - does everything in a pool agree?
 *
 * Each part of a pool is asked whether it agrees with itself.  Then every
 * block is walked from its start, chunk by chunk, and what was counted is
 * compared with what the parts say:
 *
 *     free chunks of a heap   == chunks in its bins, each in the right one
 *     lent chunks of a heap   == what it says that it lent
 *     cached chunks           == chunks in caches and depot
 *     granules without chunk  == those of the caches' runs
 *     live bytes              == bytes that the quota holds
 *
 * In a block, chunks end where the next begins, up to the block's end or top.
 * A free chunk has its length at both ends, and no two lie side by side.
 *
 * The pool must not change meanwhile, so it is paused.  Free chunks hold the
 * links of the lists that they are in, which a program may have written over.
 * So a link is followed only where the map says that its target is such a
 * chunk, and never more often than there are chunks.
 *
 * What it cannot do: see what else a program wrote into an object that it does
 * not hold.
 */
#include "view/check.h"

#include "cache/pause.h"
#include "pool/mark.h"
#include "pool/recall.h"
#include "pool/sweep.h"
#include "pool/track.h"
#include "pool/tree.h"

/* What a walk over a pool counts. */
struct check_count {
    const struct memory_pool *mp;
    size_t live;   /* bytes, as asked for where the pool counts them */
    size_t cached; /* chunks */
    size_t free_chunks;
    size_t lent;   /* chunks that hold a mark's block */
    bool sound;    /* nothing wrong was found yet */
};

/* No byte of the map from one granule to another says anything: the first is
 * BLOCK_NONE, and each is like the one behind it.  memcmp() compares many at
 * once, and most bytes of a map are inside of long chunks. */
static bool check_is_clear(const struct block *block, uint32_t from,
                           uint32_t to)
{
    ASSERT(from <= to && to <= block->granules);
    /* A byte that was left there would be taken for a start of a chunk as soon
     * as a call frees that address or asks about it. */
    const unsigned char *map = block->map + from;
    return from == to ||
           (map[0] == BLOCK_NONE && memcmp(map, map + 1, to - from - 1) == 0);
}

/* Nibbles of slack behind the start and the length of a chunk, where objects
 * are counted. */
static uint32_t check_slack(const struct block *block, uint32_t i,
                            uint32_t length)
{
    unsigned char code = block->map[i];

    if (block_starts_live(code)) {
        return length > SIZES_SHORT ? 4 : length > 1;
    }
    /* One in a cache may have it, or not. */
    return (code & 0xc0) == BLOCK_CACHED && length > 1 &&
           (block->map[i + 1] & 0xf0) == BLOCK_NIBBLE;
}

/* A chunk's bytes of the map between its start and its end. */
static bool check_inner(const struct block *block, uint32_t i,
                        uint32_t length, bool has_slack)
{
    bool is_free = block_is_free(block->map[i]);
    ASSERT(i < block->granules);
    ASSERT(length > 0 && length <= block->granules - i);
    uint32_t from = i + 1;
    uint32_t to = i + length;

    /* The eight nibbles of a long chunk's length stand behind its start, and
     * the slack of an object behind those. */
    if (length > SIZES_SHORT) {
        from += 8;
    }
    for (uint32_t nibbles = has_slack ? check_slack(block, i, length) : 0;
         nibbles > 0; nibbles--) {
        if ((block->map[from++] & 0xf0) != BLOCK_NIBBLE) {
            return false;
        }
    }
    /* A free chunk is joined with the one behind it by the length at its end.
     * If the two lengths differed, that join would start at a wrong place. */
    if (is_free && length > 1) {
        to--;
        if (block->map[to] != block->map[i]) {
            return false;
        }
        if (length > SIZES_SHORT) {
            to -= 8;
            if (memcmp(block->map + to, block->map + i + 1, 8) != 0) {
                return false;
            }
        }
    }
    return check_is_clear(block, from, to);
}

/* The nibbles behind a long chunk's start are nibbles. */
static bool check_nibbles(const struct block *block, uint32_t i)
{
    ASSERT(i < block->granules);
    ASSERT(block->granules - i > SIZES_SHORT);
    for (uint32_t k = i + 1; k <= i + 8; k++) {
        if ((block->map[k] & 0xf0) != BLOCK_NIBBLE) {
            return false;
        }
    }
    return true;
}

/* Length of the chunk that starts at granule i and ends before another one;
 * 0: none does. */
static uint32_t check_length(const struct block *block, uint32_t i,
                             uint32_t end, bool has_slack)
{
    ASSERT(i < end && end <= block->granules);
    unsigned char code = block->map[i];
    ASSERT(code != BLOCK_NONE);

    /* A length may not be read before it is known to be one. */
    if (block_is_one(code)) {
        return has_slack;
    }
    if ((code & 0xc0) == 0 &&
        (!block_is_long(code) || end - i <= SIZES_SHORT ||
         !check_nibbles(block, i))) {
        return 0;
    }
    /* A length that leads beyond the end would take the walk out of the map. */
    uint32_t length = block_length(block, i);
    return length <= end - i ? length : 0;
}

/* Length of the run that starts at granule i; the count is told if none does,
 * or if something stands in it. */
static uint32_t check_run(struct check_count *count, const struct block *block,
                          uint32_t i, uint32_t end)
{
    ASSERT(count->sound && end <= block->granules);
    ASSERT(block->map[i] == BLOCK_NONE && i < end);
    unsigned number;
    uint32_t length = cache_run_at(&count->mp->caches,
                                   block_address(block, i), &number);
    ASSERT(length == 0 || number > 0);

    /* What no run explains is room that nobody will ever use again. */
    count->sound = length > 0 && length <= end - i &&
                   check_is_clear(block, i, i + length);
    return length;
}

/* The same for a chunk, which is counted. */
static uint32_t check_chunk(struct check_count *count, struct block *block,
                            uint32_t i, uint32_t end)
{
    ASSERT(count->sound && end <= block->granules);
    ASSERT(block->map[i] != BLOCK_NONE && i < end);
    struct heap_chunk chunk = {block, i};
    unsigned char code = block->map[i];
    bool has_slack = count->mp->mode->counts;
    uint32_t length = check_length(block, i, end, has_slack);

    count->free_chunks += block_is_free(code);
    count->cached += block_is_cached(code);
    count->lent += code == BLOCK_LONG_LENT;
    count->sound = length > 0 && check_inner(block, i, length, has_slack);
    /* The size of an object is read only where its chunk's bounds are right,
     * and is believed only where something is left of it. */
    if (count->sound && block_starts_live(code)) {
        count->sound =
            block_get_slack(block, i) < (size_t)length * SIZES_GRANULE;
        count->live += count->sound ? pool_size_of(chunk) : 0;
    }
    return length;
}

/* Stops at the first thing that is wrong: what follows cannot be read then. */
static void check_block(struct check_count *count, struct block *block)
{
    ASSERT(count->sound);
    const struct heap *heap = block->heap;
    uint32_t end = (uint32_t)heap_used(heap, block);
    /* A chunk that is freed is joined with its neighbours at once.  Two free
     * ones side by side would never be joined, and the room would stay
     * split. */
    bool after_free = false;
    uint32_t i = 0;
    ASSERT(end <= block->granules);

    while (i < end && count->sound) {
        unsigned char code = block->map[i];
        bool is_free = block_is_free(code);
        /* Only the caches know where their runs are, since a run has no byte
         * in the map. */
        i += code == BLOCK_NONE ? check_run(count, block, i, end)
                                : check_chunk(count, block, i, end);
        count->sound = count->sound && !(after_free && is_free);
        after_free = is_free;
    }
    ASSERT(!count->sound || i == end);
    if (block == heap->current) {
        /* What is free below the top was joined with what is above. */
        count->sound = count->sound && !after_free &&
                       check_is_clear(block, end, block->granules);
    }
}

/* Walks a heap's blocks, and compares what was found with what it says. */
static void check_heap(struct check_count *count, struct heap *heap)
{
    ASSERT(pool_is_entered(count->mp) && count->sound);
    ASSERT(cache_set_is_paused(&count->mp->caches));
    /* The count goes on over all heaps, and a heap knows only its own share. */
    size_t free_chunks = count->free_chunks;
    size_t live = count->live;
    size_t lent = count->lent;

    count->sound = heap_is_sound(heap) && heap->first->heap == heap;
    /* A block that names another heap would be walked with the wrong top. */
    if (count->sound) {
        check_block(count, heap->first);
    }
    for (struct block *block = heap_block_lowest(heap);
         block != NULL && count->sound;
         block = heap_block_above(heap, block)) {
        count->sound =
            block->heap == heap && blocks_is_noted(heap->stock, block);
        if (count->sound) {
            check_block(count, block);
        }
    }
    /* The quota has the bytes of the pool's own heap, and check_parts()
     * compares them.  Only a mark's heap counts its bytes itself. */
    bool own = heap == &count->mp->heap;
    count->sound =
        count->sound &&
        heap_has_free(heap, count->free_chunks - free_chunks) &&
        heap->lent == count->lent - lent &&
        (own || !count->mp->mode->counts ||
         live + heap->held == count->live);
}

/* What is left to be found in caches and depot. */
struct check_cached {
    size_t found; /* chunks that the map says are cached, in no list yet */
    size_t granules; /* of each chunk of the list; 0: it is a middle one */
};

/* Takes the chunks of a list off those that were found; false: something else
 * is in it. */
static bool check_chain(const struct heap *heap, const void *chain, void *arg)
{
    struct check_cached *cached = arg;
    ASSERT(cached->granules <= SIZES_SHORT);
    ASSERT(chain != NULL && heap != NULL);
    unsigned code = cached->granules == 0
                        ? BLOCK_LONG_CACHED
                        : BLOCK_CACHED | (unsigned)(cached->granules - 1);

    for (const void *at = chain; at != NULL; at = *(void *const *)at) {
        /* A program may have written over the link.  So the map is asked
         * before the link is followed, and the count ends a list that is a
         * circle. */
        struct heap_chunk chunk = heap_find(heap, at);
        if (chunk.block == NULL || cached->found == 0 ||
            chunk.block->map[chunk.granule] != code) {
            return false;
        }
        cached->found--;
    }
    return true;
}

/* Caches and depot hold just that many chunks, each by its length. */
static bool check_caches(const struct memory_pool *mp, size_t found)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache_set_is_paused(&mp->caches));
    struct check_cached cached = {found, 1};

    if (!cache_set_is_sound(&mp->caches)) {
        return false;
    }
    for (; cached.granules <= SIZES_SHORT; cached.granules++) {
        if (!cache_each_chain(&mp->caches, cached.granules, check_chain,
                              &cached)) {
            return false;
        }
    }
    cached.granules = 0;
    if (!cache_each_middle(&mp->caches, check_chain, &cached)) {
        return false;
    }
    ASSERT(cached.found <= found);
    return cached.found == 0;
}

/* The lock is held, and the pool is paused. */
static bool check_parts(struct memory_pool *mp)
{
    struct check_count count = {.mp = mp, .sound = true};
    const struct mark *mark = NULL;
    struct heap *heap = NULL;

    ASSERT(pool_is_entered(mp) && cache_set_is_paused(&mp->caches));
    /* The marks lead to the heaps, so their list is tested before it is
     * followed. */
    if (!mark_is_sound(mp) || !tree_is_sound(mp) ||
        !blocks_is_sound(&mp->blocks) ||
        !blocks_is_noted(&mp->blocks, &mp->first)) {
        return false;
    }
    (void)cache_sort_runs(&mp->caches);
    while (count.sound && (heap = mark_next_heap(mp, heap, &mark)) != NULL) {
        ASSERT((mark == NULL) == (heap == &mp->heap));
        check_heap(&count, heap);
    }
    /* The caches come last: they are compared with what the heaps' maps say. */
    if (pool_is_tracked(mp)) {
        return count.sound && count.live == 0 && track_is_sound(mp);
    }
    return count.sound && check_caches(mp, count.cached) &&
           quota_is_sound(&mp->quota, mp->mode->counts ? count.live : 0);
}

bool check_pool(struct memory_pool *mp)
{
    ASSERT(mp != NULL && lock_none_is_held());
    bool taken = pool_enter(mp);

    while (mp->caches.sweeping) {
        sweep_go_on(mp, &taken); /* the maps have chunks that no list has */
    }
    /* A cache in use changes its lists and the map one after the other, and
     * between the two they do not agree. */
    pause_begin(&mp->caches);
    recall_collect(mp);
    bool sound = check_parts(mp);
    pause_end(&mp->caches);
    lock_leave(&mp->lock, taken);
    ASSERT(lock_none_is_held());
    if (sound && pool_is_tracked(mp)) {
        sound = track_report_damage(mp);
    }
    return sound;
}
