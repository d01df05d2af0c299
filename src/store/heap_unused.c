/* SPDX-License-Identifier: MIT
 *
 * heap_unused.c - memory of a heap that nobody uses.
 *
 * A free chunk needs its first granule, which holds the links of its bin.  Its
 * length stands in the map, at both ends.  So all behind that granule may lose
 * what it holds at any moment, and so may what is behind the top of the current
 * block.  The map between the two lengths is 0, and may as well be what the
 * system gives anew, which is 0 too.
 *
 *     | links |  may go ...            | live | links |  may go ... | live |
 *
 * What it cannot do: say how much of it the system has in memory.
 */
#include "store/heap.h"

/* Granules of the shortest chunk that is worth a call of the system: less than
 * a page is in no chunk that is shorter. */
#define HEAP_UNUSED_LEAST 256u

void heap_each_unused(struct heap *heap,
                      void (*drop)(void *start, size_t bytes, void *arg),
                      void *arg)
{
    ASSERT(heap_is_sound(heap) && drop != NULL);
    for (unsigned bin = sizes_bin(HEAP_UNUSED_LEAST); bin < SIZES_BINS;
         bin++) {
        struct heap_link *link =
            (heap->bits >> bin & 1) != 0 ? heap->bins[bin] : NULL;
        for (; link != NULL; link = link->next) {
            struct heap_chunk chunk = heap_find(heap, link);
            ASSERT(chunk.block != NULL);
            uint32_t length = block_length(chunk.block, chunk.granule);
            drop(link + 1, (length - 1) * SIZES_GRANULE, arg);
            drop(chunk.block->map + chunk.granule + 9, length - 18, arg);
        }
    }
    if (heap->top < heap->granules) {
        drop(heap->base + heap->top * SIZES_GRANULE,
             (heap->granules - heap->top) * SIZES_GRANULE, arg);
        drop(heap->map + heap->top, heap->granules - heap->top, arg);
    }
}
