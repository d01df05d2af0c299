/* SPDX-License-Identifier: MIT
 *
 * walk.c - all that is in a pool, piece by piece.
 *
 * The map is read from a block's start: each chunk's length leads to the next
 * one.  What no byte of the map begins is a run, and the cache that has it
 * knows how long it is.
 *
 *     | live | free | live | run of a cache | live |  behind the top
 *
 * Invariant of a sound block: the lengths of its pieces add up to what
 * heap_used() says.
 *
 * A long walk goes in portions, so that other threads need not wait for all of
 * it.  It goes on from an address, since the block that it looked at last may
 * be gone by then.
 *
 * What it cannot do: go on behind a piece whose length a damaged map does not
 * tell.
 */
#include "pool/walk.h"

#include "cache/pause.h"

/* The pool's own heap comes first, so that a picture begins at the pool
 * itself. */
void walk_blocks(struct memory_pool *mp,
                 void (*visit)(struct block *block, const struct mark *mark,
                               void *arg),
                 void *arg)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache_set_is_paused(&mp->caches));
    const struct mark *mark;
    const struct heap *heap = mark_next_heap(mp, NULL, &mark);

    (void)cache_sort_runs(&mp->caches);
    while (heap != NULL) {
        ASSERT(heap->first->heap == heap);
        visit(heap->first, mark, arg);
        for (struct block *block = heap_block_lowest(heap); block != NULL;
             block = heap_block_above(heap, block)) {
            ASSERT(block->heap == heap);
            visit(block, mark, arg);
        }
        heap = mark_next_heap(mp, heap, &mark);
    }
}

/* The nearer of what was found so far and a block, where that begins at base
 * or behind it. */
static struct block *walk_nearer(struct block *found, struct block *block,
                                 uintptr_t base)
{
    ASSERT(block->heap != NULL);
    ASSERT(found == NULL || (uintptr_t)found->base >= base);
    /* Blocks are compared as numbers, since C orders no pointers to different
     * memory. */
    uintptr_t start = (uintptr_t)block->base;
    bool nearer = found == NULL || start < (uintptr_t)found->base;

    return start >= base && nearer ? block : found;
}

/* The pool's own blocks are in one index, those of all marks in another. */
struct block *walk_next_block(struct memory_pool *mp, uintptr_t base)
{
    ASSERT(pool_is_entered(mp));
    struct block *own = heap_block_from(&mp->heap, base);
    struct block *shared = heap_shared_from(mp->marks.blocks, base);
    struct block *found = walk_nearer(NULL, mp->heap.first, base);

    if (own != NULL) {
        found = walk_nearer(found, own, base);
    }
    if (shared != NULL) {
        found = walk_nearer(found, shared, base);
    }
    ASSERT(found == NULL || (uintptr_t)found->base >= base);
    return found;
}

/* Every mark but those of live, cached and lent chunks means a free one. */
static enum walk_kind walk_kind_of(unsigned char code)
{
    ASSERT(code != BLOCK_NONE);
    if (block_starts_live(code)) {
        return WALK_LIVE;
    }
    if (block_is_cached(code)) {
        return WALK_CACHED;
    }
    return code == BLOCK_LONG_LENT ? WALK_LENT : WALK_FREE;
}

/* The piece that starts at that granule; 0 granules: none is known. */
static struct walk_piece walk_piece_at(const struct memory_pool *mp,
                                       struct block *block, uint32_t granule)
{
    struct walk_piece piece = {.block = block, .granule = granule};
    unsigned char code = sync_get(&block->map[granule]);
    ASSERT(granule < block->granules);

    if (code == BLOCK_NONE) {
        piece.kind = WALK_RUN;
        piece.granules = cache_run_at(
            &mp->caches, block_address(block, granule), &piece.cache);
    } else {
        piece.kind = walk_kind_of(code);
        piece.granules = block_length(block, granule);
    }
    return piece;
}

void walk_block(const struct memory_pool *mp, struct block *block,
                void (*visit)(const struct walk_piece *piece, void *arg),
                void *arg)
{
    ASSERT(pool_is_entered(mp));
    ASSERT(cache_set_is_paused(&mp->caches));
    uint32_t end = (uint32_t)heap_used(block->heap, block);
    uint32_t granule = 0;

    ASSERT(end <= block->granules);
    while (granule < end) {
        struct walk_piece piece = walk_piece_at(mp, block, granule);
        /* Without this, a map that the program damaged could make the walk
         * endless. */
        if (piece.granules == 0 || piece.granules > end - granule) {
            return;
        }
        visit(&piece, arg);
        granule += piece.granules;
    }
}
