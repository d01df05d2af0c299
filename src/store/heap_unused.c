/* SPDX-License-Identifier: MIT
 *
 * heap_unused.c - memory of a heap that nobody uses.
 *
 * A free chunk needs its first granules, which hold its node of a tree.  Its
 * length stands in the map, at both ends.  So all behind the node may lose
 * what it holds at any moment, and so may what is behind the top of the current
 * block.  The map between the two lengths is 0, and may as well be what the
 * system gives anew, which is 0 too.
 *
 *     | node |  may go ...            | live | node |  may go ... | live |
 *
 * What it cannot do: say how much of it the system has in memory.
 */
#include "store/heap.h"
#include "store/heap_tree.h"

/* The memory of one chunk and its map. */
static void heap_unused_node(const struct heap *heap, struct heap_node *node,
                             void (*drop)(void *start, size_t bytes,
                                          void *arg),
                             void *arg)
{
    struct heap_chunk chunk = heap_find(heap, node);
    ASSERT(chunk.block != NULL);

    drop(node + 1, node->length * SIZES_GRANULE - sizeof *node, arg);
    drop(chunk.block->map + chunk.granule + 9, node->length - 18, arg);
}

/* What is shorter than a page has none to give, and the system is not asked. */
void heap_each_unused(struct heap *heap,
                      void (*drop)(void *start, size_t bytes, void *arg),
                      void *arg)
{
    ASSERT(heap_is_sound(heap) && drop != NULL);
    for (unsigned longs = 0; longs < 2; longs++) {
        struct heap_node *node = heap_tree_first(heap->trees[longs]);
        for (; node != NULL; node = heap_tree_next(node)) {
            heap_unused_node(heap, node, drop, arg);
        }
    }
    if (heap->top < heap->granules) {
        drop(heap->base + heap->top * SIZES_GRANULE,
             (heap->granules - heap->top) * SIZES_GRANULE, arg);
        drop(heap->map + heap->top, heap->granules - heap->top, arg);
    }
}
