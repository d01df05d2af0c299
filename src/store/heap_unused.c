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
 * There may be much of it, so it is found part by part, and the heap may change
 * between two of them.  The place of a part is that of its chunk in the order
 * of the tree, which is there or not, and how much of the chunk came before.
 *
 * What it cannot do: say how much of it the system has in memory; or find what
 * becomes free before the place meanwhile.
 */
#include "store/heap.h"
#include "store/heap_links.h"
#include "store/heap_tree.h"

/* Bytes of the map at either end of a long free chunk that say its length. */
#define HEAP_UNUSED_ENDS 9u

#define HEAP_UNUSED_TREES 2u

/* A part of memory and then of its map, from place->done on; false: all of
 * them came before. */
static bool heap_unused_part(struct heap_unused *place, size_t most,
                             unsigned char *memory, size_t bytes,
                             unsigned char *map, size_t codes)
{
    bool behind = place->done >= bytes;
    size_t skipped = behind ? place->done - bytes : place->done;
    size_t left = behind ? codes - (skipped < codes ? skipped : codes)
                         : bytes - skipped;

    ASSERT(most > 0);
    place->start = (behind ? map : memory) + skipped;
    place->bytes = left < most ? left : most;
    place->done += place->bytes;
    return left > 0;
}

/* The same of one chunk. */
static bool heap_unused_node(struct heap_chunk chunk, struct heap_node *node,
                             struct heap_unused *place, size_t most)
{
    ASSERT(node->length > 2 * HEAP_UNUSED_ENDS);
    if (place->length != node->length || place->at != (uintptr_t)node) {
        place->length = node->length;
        place->at = (uintptr_t)node;
        place->done = 0;
    }
    return heap_unused_part(
        place, most, (unsigned char *)(node + 1),
        node->length * SIZES_GRANULE - sizeof *node,
        chunk.block->map + chunk.granule + HEAP_UNUSED_ENDS,
        node->length - 2 * HEAP_UNUSED_ENDS);
}

/* A part of a chunk of the tree that is next; false: they all came before.  A
 * program may have written over links, or over the length in a node.  Then the
 * trees are made anew, and what was not reached goes another time. */
static bool heap_unused_of_tree(struct heap *heap, struct heap_unused *place,
                                size_t most)
{
    struct heap_node *node;

    while (heap_tree_from(heap, heap->trees[place->tree], place->length,
                          place->at, &node)) {
        if (node == NULL) {
            return false;
        }
        struct heap_chunk chunk = heap_find(heap, node);
        if (!heap_is_node(chunk, node)) {
            break;
        }
        if (heap_unused_node(chunk, node, place, most)) {
            return true;
        }
        place->at++; /* the next chunk in order */
    }
    heap_mend(heap);
    return false;
}

bool heap_next_unused(struct heap *heap, struct heap_unused *place,
                      size_t most)
{
    ASSERT(heap_is_sound(heap) && place->tree <= HEAP_UNUSED_TREES);
    while (place->tree < HEAP_UNUSED_TREES) {
        if (heap_unused_of_tree(heap, place, most)) {
            return true;
        }
        *place = (struct heap_unused){.tree = place->tree + 1};
    }
    size_t behind = heap->granules - heap->top;
    return heap_unused_part(place, most,
                            heap->base + heap->top * SIZES_GRANULE,
                            behind * SIZES_GRANULE, heap->map + heap->top,
                            behind);
}
