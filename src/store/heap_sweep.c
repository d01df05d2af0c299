/* SPDX-License-Identifier: MIT
 *
 * heap_sweep.c - what caches held becomes free, in a pass over the maps.
 *
 * A chunk that lies in a cache or in the depot keeps its neighbours from being
 * joined.  To give such chunks back one by one costs a search and some misses
 * of the processor's caches for each.  Here the caches only forget them, and
 * the map says where they are:
 *
 *     | live | cached | cached | free | live | cached | live |
 *     | live |          free          | live |  free  | live |
 *
 * Where no chunk is cached, one step reads sixteen bytes of the map.  The
 * memory of cached chunks is not touched, except for the links of the chunks
 * that are joined of them.
 *
 * A large heap takes as long as 60 ms for a GiB, so it is swept in portions.
 * What the heap does between two of them needs no care: it takes a chunk that
 * was cached for one that is in use.  The pass goes from the highest block to
 * the lowest.  So the lowest of what becomes free is used first, and live
 * chunks gather there.
 *
 * What it cannot do: tell a chunk that a cache holds from one that it has
 * forgotten.  So no cache is in use before the last portion is done.
 */
#include "store/heap.h"

#include "store/heap_links.h"
#include "store/heap_parts.h"

/* What a portion costs beside the granules of which the map is read: each
 * block, each row and each free chunk in it has memory that may be in no
 * processor's cache; and each chunk of a row takes a step. */
#define HEAP_SWEEP_MISS 2048u
#define HEAP_SWEEP_CHUNK 128u

/* The end of a block, where the sweep of it is done. */
#define HEAP_SWEEP_END UINT32_MAX

/* First granule from a granule on where a cached chunk starts; end: there is
 * none.  No byte within a chunk of any kind looks like one. */
static uint32_t heap_sweep_next(const unsigned char *map, uint32_t i,
                                uint32_t end)
{
#ifdef BLOCK_SIXTEEN
    while (end - i >= sizeof(block_sixteen)) {
        block_sixteen codes;
        uint64_t halves[2];
        memcpy(&codes, map + i, sizeof codes);
        codes = (block_sixteen)(((codes & 0xc0) == BLOCK_CACHED) |
                                (codes == BLOCK_LONG_CACHED));
        memcpy(halves, &codes, sizeof halves);
        if ((halves[0] | halves[1]) != 0) {
            break;
        }
        i += (uint32_t)sizeof codes;
    }
#endif
    while (i < end && !block_is_cached(map[i])) {
        i++;
    }
    return i;
}

/* Frees the cached chunks in a row from i on, with the free ones between them,
 * until the portion costs enough; the rest is joined with them later.  Returns
 * where it stopped.  If that is the end of what the block has, the block may
 * have left the heap. */
static uint32_t heap_sweep_row(struct heap *heap, struct block *block,
                               uint32_t i, uint32_t end, size_t most,
                               size_t *cost)
{
    struct heap_chunk start = {block, i};
    unsigned char code = sync_get(&block->map[i]);

    ASSERT(block_is_cached(code));
    /* The row's cost comes last, so that each portion gets on. */
    do {
        uint32_t length = block_length(block, i);
        ASSERT(length > 0 && length <= end - i);
        if (block_is_free(code)) {
            heap_unlink(heap, block, i, length);
            heap_count(heap, length); /* all of the row is given back */
            *cost += HEAP_SWEEP_MISS;
        } else {
            block_clear_live(block, i, length);
        }
        i += length;
        *cost += HEAP_SWEEP_CHUNK;
        code = i < end ? sync_get(&block->map[i]) : BLOCK_NONE;
    } while (*cost < most && (block_is_cached(code) || block_is_free(code)));
    *cost += HEAP_SWEEP_MISS;
    heap_give_run(heap, start, i - start.granule);
    return i;
}

/* One chunk over all of a block has no map that is worth a look. */
static bool heap_sweep_skips(const struct block *block)
{
    return block->map[0] == BLOCK_LONG_LIVE &&
           block_length(block, 0) == block->granules;
}

/* Sweeps a block from a granule on, until all is done or the portion costs
 * enough.  Returns the granule to go on from. */
static uint32_t heap_sweep_block(struct heap *heap, struct block *block,
                                 uint32_t i, size_t most, size_t *cost)
{
    uint32_t end = (uint32_t)heap_used(heap, block);

    if (heap_sweep_skips(block)) {
        i = end;
    }
    /* The block's cost comes last, so that each portion gets on. */
    while (i < end && *cost < most) {
        uint32_t next = heap_sweep_next(block->map, i, end);
        *cost += next - i;
        i = next < end ? heap_sweep_row(heap, block, next, end, most, cost)
                       : end;
    }
    *cost += HEAP_SWEEP_MISS;
    return i < end ? i : HEAP_SWEEP_END;
}

/* The place is an address, since the block that was swept last may be gone when
 * the next portion begins.  Another one at that address has nothing to sweep:
 * no block that came since has a chunk that was in a cache. */
bool heap_sweep(struct heap *heap, struct heap_sweep *place, size_t most)
{
    ASSERT(heap_is_sound(heap) && most > 0);
    size_t before = heap->taken;
    size_t cost = 0;
    bool more = true;

    while (more && cost < most) {
        struct block *block = heap_block_up_to(heap, place->block);
        bool first = block == NULL;
        uintptr_t at = first ? 0 : (uintptr_t)block;
        uint32_t from = at == place->block ? place->granule : 0;

        place->granule = heap_sweep_block(heap, first ? heap->first : block,
                                          from, most, &cost);
        place->block = at;
        if (place->granule == HEAP_SWEEP_END) {
            place->granule = 0;
            place->block = first ? 0 : at - 1;
            more = !first;
        }
    }
    place->freed += before - heap->taken;
    ASSERT(heap_is_sound(heap));
    return more;
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
