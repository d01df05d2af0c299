/* SPDX-License-Identifier: MIT
 *
 * heap_check.c - whether what a heap says of itself is true.
 *
 * A program may have written over free chunks and so over their links.  A
 * link is followed only where the map says that its target is a free chunk of
 * that bin, and never more often than there are free chunks.  So a check ends
 * and reads nothing but the heap's blocks, whatever is in them.
 *
 * What it cannot do: see damage within live objects.
 */
#include "store/heap_type.h"

/* A free chunk, by its length's nibbles a start and not the end of a long one,
 * and of that bin. */
static bool heap_check_bin(struct heap_chunk chunk, unsigned bin)
{
    const unsigned char *at = chunk.block->map + chunk.granule;
    ASSERT(bin < SIZES_BINS && chunk.granule < chunk.block->granules);

    if (!block_is_free(at[0]) ||
        (at[0] == BLOCK_LONG_FREE && (at[1] & 0xf0) != BLOCK_NIBBLE)) {
        return false;
    }
    uint32_t length = block_length(chunk.block, chunk.granule);
    return length > 0 && sizes_bin(length) == bin;
}

/* The count falls with each link, so links in a circle end the walk.  A link's
 * previous is compared before its next is followed: what a program has written
 * over seldom passes that. */
bool heap_has_free(const struct heap *heap, size_t chunks)
{
    for (unsigned bin = 0; bin < SIZES_BINS; bin++) {
        const struct heap_link *previous = NULL;
        const struct heap_link *link =
            (heap->bits >> bin & 1) != 0 ? heap->bins[bin] : NULL;
        for (; link != NULL; previous = link, link = link->next) {
            struct heap_chunk chunk = heap_find(heap, link);
            if (chunk.block == NULL || chunks == 0 ||
                !heap_check_bin(chunk, bin) || link->previous != previous) {
                return false;
            }
            chunks--;
        }
    }
    return chunks == 0;
}

/* The members that repeat what the current block says do so. */
static bool heap_check_current(const struct heap *heap)
{
    const struct block *current = heap->current;

    return current != NULL && current->heap == heap &&
           heap->base == current->base && heap->map == current->map &&
           heap->slack == current->slack &&
           heap->granules == current->granules &&
           heap->top <= heap->granules &&
           heap->map[heap->top] == BLOCK_NONE &&
           heap->unbump_from == heap_unbump_from(heap, current);
}

/* With assertions it runs at the start of each slow path.  So it reads one
 * byte of the map, follows no bin, and costs some compares for each block. */
bool heap_is_sound(const struct heap *heap)
{
    const struct block *first = heap->first;
    size_t size = first->granules;
    bool has_current = heap->current == first;

    if (!heap_check_current(heap) || first->heap != heap ||
        heap->blocks > heap->index_size || heap->bits >> SIZES_BINS != 0 ||
        heap_is_small(heap) != (heap->index_size == HEAP_FEW)) {
        return false;
    }
    for (uint32_t i = 0; i < heap->blocks; i++) {
        const struct block *block = heap->index[i];
        if (block->heap != heap || block == first ||
            (i > 0 && (uintptr_t)heap->index[i - 1]->base >=
                          (uintptr_t)block->base)) {
            return false;
        }
        size += block->granules;
        has_current = has_current || block == heap->current;
    }
    return has_current && size == heap->size;
}

/* It reads maps as far as they are cut: what is behind may never have been
 * touched, and a statistic should not make a pool larger. */
size_t heap_count_live(const struct heap *heap)
{
    size_t live = block_count_live(heap->first, heap_used(heap, heap->first));

    for (uint32_t i = 0; i < heap->blocks; i++) {
        const struct block *block = heap->index[i];
        ASSERT(block->heap == heap);
        live += block_count_live(block, heap_used(heap, block));
    }
    ASSERT(live <= heap->size); /* none is shorter than a granule */
    return live;
}
