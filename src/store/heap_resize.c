/* SPDX-License-Identifier: MIT
 *
 * heap_resize.c - a live chunk becomes longer or shorter where it stands.
 *
 *     | chunk | free |  ->  | chunk       |    the free one behind is cut
 *     | chunk       |   ->  | chunk | free |   the rest is joined as any other
 *     block of one chunk  ->  a longer or shorter block
 *
 * A chunk that is all of its block grows into the spans behind the block, and
 * gives them back, where the block's source can do that.
 *
 * What it cannot do: move the chunk, or grow over what is in front of it.
 */
#include "store/heap.h"

#include "store/heap_parts.h"
#include "store/heap_seal.h"

/* All of a block that can go as a whole is one live chunk.  A short one may
 * fill a short block of a backing, which has no room to grow. */
static bool heap_is_whole(const struct heap *heap, struct heap_chunk chunk)
{
    const struct block *block = chunk.block;

    return chunk.granule == 0 && block->granules > SIZES_SHORT &&
           block != heap->first && block != heap->current && !block->lent &&
           block_length(block, 0) == block->granules;
}

/* The block itself gets longer or shorter, so that nothing becomes free which
 * others would take: the chunk can grow there again. */
static void heap_resize_whole(struct heap *heap, struct block *block,
                              uint32_t granules)
{
    size_t more = (size_t)granules - block->granules; /* may wrap around */

    ASSERT(granules > SIZES_SHORT && granules <= SIZES_GRANULES_MOST);
    block_clear_live(block, 0, block->granules);
    block->granules = granules;
    blocks_note_length(block);
    block_mark_live(block, 0, granules);
    heap->size += more;
    heap_count(heap, more);
    heap_cover(heap, block->base, granules);
    ASSERT(heap_is_sound(heap));
}

/* It looks only behind the chunk: to take what is before it would move the
 * object, and then a copy elsewhere does as well. */
bool heap_extend(struct heap *heap, struct heap_chunk chunk,
                 uint32_t granules)
{
    struct block *block = chunk.block;
    uint32_t length = block_length(block, chunk.granule);
    uint32_t end = chunk.granule + length;
    uint32_t more = granules - length;

    ASSERT(block->heap == heap && granules > length);
    ASSERT(block_starts_live(sync_get(&block->map[chunk.granule])));
    ASSERT(granules <= SIZES_GRANULES_MOST);
    if (heap_is_whole(heap, chunk)) {
        if (!blocks_extend(heap->stock, block, granules)) {
            return false;
        }
        heap_resize_whole(heap, block, granules);
        return true;
    }
    if (block == heap->current && end == heap->top) {
        if (heap->granules - heap->top < more) {
            return false;
        }
        heap->top += more;
        heap_count(heap, more);
    } else {
        struct heap_chunk behind = {block, end};
        uint32_t free = block_is_free(sync_get(&block->map[end]))
                            ? block_length(block, end)
                            : 0;
        if (free < more) {
            return false;
        }
        heap_cut(heap, behind, free, 0, more);
    }
    /* All of the old mark goes first: a longer length has other nibbles, or a
     * short chunk becomes a long one. */
    block_clear_live(block, chunk.granule, length);
    block_mark_live(block, chunk.granule, granules);
    ASSERT(end + more <= heap_used(heap, block));
    return true;
}

/* Gives the memory behind so many granules back, as far as that goes; returns
 * the length that the chunk then has.  A chunk that needs a block to itself
 * keeps all of that, to grow there again; behind a shorter one the rest is for
 * others. */
static uint32_t heap_shrink_whole(struct heap *heap, struct block *block,
                                  uint32_t granules)
{
    bool alone = granules > BLOCKS_WHOLE && blocks_can_shrink(block);

    if (blocks_can_shrink(block)) {
        heap_resize_whole(heap, block, granules > SIZES_SHORT
                                           ? granules : SIZES_SHORT + 1);
        blocks_shrink(heap->stock, block);
    }
    if (!alone) {
        heap_resize_whole(heap, block, (uint32_t)blocks_room(block));
    }
    return block->granules;
}

void heap_narrow(struct heap *heap, struct heap_chunk chunk,
                 uint32_t granules)
{
    ASSERT(granules > 0);
    if (heap_is_whole(heap, chunk) && granules > SIZES_SHORT) {
        heap_resize_whole(heap, chunk.block, granules);
    } else {
        heap_shrink(heap, chunk, granules);
    }
}

void heap_shrink(struct heap *heap, struct heap_chunk chunk,
                 uint32_t granules)
{
    uint32_t length = block_length(chunk.block, chunk.granule);
    struct heap_chunk rest = {chunk.block, chunk.granule + granules};

    ASSERT(granules > 0 && granules < length);
    ASSERT(block_starts_live(sync_get(&chunk.block->map[chunk.granule])));
    ASSERT(chunk.block->heap == heap);
    if (heap_is_whole(heap, chunk)) {
        length = heap_shrink_whole(heap, chunk.block, granules);
        if (length == granules) {
            return;
        }
        blocks_spread(chunk.block);
    }
    /* What is cut off is then as a run is: its map is 0. */
    block_clear_live(chunk.block, chunk.granule, length);
    block_mark_live(chunk.block, chunk.granule, granules);
    heap_give_run(heap, rest, length - granules);
}

struct heap_chunk heap_trim(struct heap *heap, struct heap_chunk chunk,
                            uint32_t skipped, uint32_t granules)
{
    struct block *block = chunk.block;
    if (heap_is_whole(heap, chunk)) {
        /* What is behind becomes free, all of it. */
        heap_resize_whole(heap, block, (uint32_t)blocks_room(block));
        blocks_spread(block);
    }
    uint32_t length = block_length(block, chunk.granule);
    uint32_t back = length - skipped - granules;
    struct heap_chunk kept = {block, chunk.granule + skipped};
    struct heap_chunk rest = {block, kept.granule + granules};

    ASSERT(granules > 0 && skipped + granules <= length);
    ASSERT(block_starts_live(sync_get(&block->map[chunk.granule])));
    ASSERT(block->heap == heap);
    block_clear_live(block, chunk.granule, length);
    /* The kept part is marked first: it keeps both rests from being joined,
     * and the block from becoming empty. */
    block_mark_live(block, kept.granule, granules);
    if (skipped > 0) {
        heap_give_run(heap, chunk, skipped);
    }
    if (back > 0) {
        heap_give_run(heap, rest, back);
    }
    ASSERT(block_length(block, kept.granule) == granules);
    return kept;
}
