/* SPDX-License-Identifier: MIT
 *
 * heap_sweep.c - what caches held becomes free, in one pass over the maps.
 *
 * A chunk that lies in a cache or in the depot keeps its neighbours from being
 * joined.  To give such chunks back one by one costs a search and some misses
 * of the processor's caches for each.  Here the caches only forget them, and
 * the map says where they are:
 *
 *     | live | cached | cached | free | live | cached | live |
 *     | live |          free          | live |  free  | live |
 *
 * Where all chunks are live, one step reads sixteen bytes of the map.  The
 * memory of cached chunks is not touched, except for the links of the chunks
 * that are joined of them.
 *
 * Chunks are linked anew from the highest address to the lowest.  So the lowest
 * of a bin comes first, and live chunks gather there.
 *
 * What it cannot do: run while a cache is in use.
 */
#include "store/heap.h"

#include "store/heap_links.h"
#include "store/heap_parts.h"

/* A chunk starts there that is free or that a cache held. */
static inline bool heap_sweep_takes(unsigned char code)
{
    return code >= BLOCK_LONG_CACHED && code < BLOCK_LIVE;
}

/* First granule from a chunk's start on where a free or a cached chunk starts;
 * end: there is none.  Within live chunks no byte looks like one. */
static uint32_t heap_sweep_next(const unsigned char *map, uint32_t i,
                                uint32_t end)
{
#ifdef BLOCK_SIXTEEN
    while (end - i >= sizeof(block_sixteen)) {
        block_sixteen codes;
        uint64_t halves[2];
        memcpy(&codes, map + i, sizeof codes);
        codes = (block_sixteen)((codes >= BLOCK_LONG_CACHED) &
                                (codes < BLOCK_LIVE));
        memcpy(halves, &codes, sizeof halves);
        if ((halves[0] | halves[1]) != 0) {
            break;
        }
        i += (uint32_t)sizeof codes;
    }
#endif
    while (i < end && !heap_sweep_takes(map[i])) {
        i++;
    }
    return i;
}

/* Clears the map of the free and cached chunks in a row from i on, which are
 * counted as given back where they were cached.  Returns where they end. */
static uint32_t heap_sweep_row(struct heap *heap, struct block *block,
                               uint32_t i, uint32_t end)
{
    while (i < end && heap_sweep_takes(block->map[i])) {
        uint32_t length = block_length(block, i);
        ASSERT(length > 0 && length <= end - i);
        if (block_is_free(block->map[i])) {
            block_clear_free(block, i, length);
        } else {
            block_clear_live(block, i, length);
            heap_count(heap, 0 - (size_t)length);
        }
        i += length;
    }
    return i;
}

/* One chunk over all of a block has no map that is worth a look. */
static bool heap_sweep_skips(const struct block *block)
{
    return block->map[0] == BLOCK_LONG_LIVE &&
           block_length(block, 0) == block->granules;
}

/* Joins what is free in a block.  True: that is all of it, and it is linked
 * nowhere. */
static bool heap_sweep_block(struct heap *heap, struct block *block)
{
    uint32_t end = (uint32_t)heap_used(heap, block);
    uint32_t i = 0;

    if (heap_sweep_skips(block)) {
        return false;
    }
    while ((i = heap_sweep_next(block->map, i, end)) < end) {
        uint32_t to = heap_sweep_row(heap, block, i, end);
        if (block == heap->current && to == heap->top) {
            heap->top = i;
            break;
        }
        if (i == 0 && to == block->granules && block != heap->first) {
            return true;
        }
        heap_link(heap, block, i, to - i);
        i = to;
    }
    return false;
}

void heap_sweep(struct heap *heap)
{
    ASSERT(heap_is_sound(heap));
    heap_hold_back(heap);
    heap_unlink_all(heap);
    for (struct block *block = heap_block_highest(heap); block != NULL;) {
        struct block *below = heap_block_below(heap, block);
        if (heap_sweep_block(heap, block)) {
            heap_remove(heap, block);
        }
        block = below;
    }
    (void)heap_sweep_block(heap, heap->first);
    heap_let_go(heap);
    heap_settle(heap);
    ASSERT(heap_is_sound(heap));
}

/* Sixteen sums, each of its own column of the map. */
#ifdef BLOCK_SIXTEEN
typedef uint16_t heap_sweep_sums __attribute__((__vector_size__(32)));

static size_t heap_sweep_columns(const unsigned char *map, size_t n)
{
    heap_sweep_sums sums = {0};
    size_t all = 0;

    for (size_t i = 0; i < n; i += sizeof(block_sixteen)) {
        block_sixteen codes;
        memcpy(&codes, map + i, sizeof codes);
        block_sixteen cached = (block_sixteen)((codes & 0xc0) == BLOCK_CACHED);
        codes = (codes & BLOCK_LENGTH_BITS) + 1;
        sums += __builtin_convertvector(codes & cached, heap_sweep_sums);
    }
    for (size_t i = 0; i < sizeof(block_sixteen); i++) {
        all += sums[i];
    }
    return all;
}
#endif

/* Granules of short cached chunks in a block. */
static size_t heap_sweep_cached(const struct heap *heap,
                                const struct block *block)
{
    size_t end = heap_used(heap, block);
    size_t granules = 0;
    size_t i = 0;

    if (heap_sweep_skips(block)) {
        return 0;
    }
#ifdef BLOCK_SIXTEEN
    /* So many that no sum of up to 64 a step wraps around. */
    const size_t most = 1000 * sizeof(block_sixteen);
    while (end - i >= sizeof(block_sixteen)) {
        size_t part = (end - i < most ? end - i : most) /
                      sizeof(block_sixteen) * sizeof(block_sixteen);
        granules += heap_sweep_columns(block->map + i, part);
        i += part;
    }
#endif
    for (; i < end; i++) {
        if ((block->map[i] & 0xc0) == BLOCK_CACHED) {
            granules += block_length(block, (uint32_t)i);
        }
    }
    return granules;
}

/* One block in so many is looked at, and stands for those behind it. */
size_t heap_count_cached(const struct heap *heap, size_t most)
{
    ASSERT(most > 0);
    size_t part = heap->size / most + 1;
    size_t seen = heap->first->granules;
    size_t granules = heap_sweep_cached(heap, heap->first);
    size_t i = 0;

    for (const struct block *block = heap_block_lowest(heap); block != NULL;
         block = heap_block_above(heap, block)) {
        if (i++ % part == 0) {
            seen += block->granules;
            granules += heap_sweep_cached(heap, block);
        }
    }
    ASSERT(granules <= seen);
    return part == 1 ? granules
                     : (size_t)((double)granules * (double)heap->size /
                                (double)seen);
}
