/* SPDX-License-Identifier: MIT
 *
 * heap_links.h - a heap's free chunks go into its bins and trees, and out.
 *
 * Where a link is met that a program wrote over, the bins and trees are made
 * anew from the maps, which are kept apart from what programs write to.
 *
 * What it cannot do: serve other rooms.  They include heap.h.
 */
#ifndef MP_HEAP_LINKS_H
#define MP_HEAP_LINKS_H

#include "store/heap_seal.h"

/* Links and marks a free chunk.  Its neighbours are not free. */
MP_INNER void heap_link(struct heap *heap, struct block *block, uint32_t i,
                        uint32_t length);

/* Takes a free chunk out of its bin or tree, and its mark off the map. */
MP_INNER void heap_unlink(struct heap *heap, struct block *block, uint32_t i,
                          uint32_t length);

/* Empties the bins and trees, and leaves the maps unchanged. */
MP_INNER void heap_unlink_all(struct heap *heap);

/* Makes bins and trees anew from the maps, since a link was written over; the
 * stock is told.  While they are held back, it only notes that. */
MP_INNER void heap_mend(struct heap *heap);

/* While chunks are linked that are in no block of the heap yet, or are marked
 * but not linked, nothing can be made anew.  It is made up for at the end. */
static inline void heap_hold_back(struct heap *heap)
{
    heap->damaged = false;
    heap->held_back = true;
}

static inline void heap_let_go(struct heap *heap)
{
    heap->held_back = false;
    if (MP_UNLIKELY(heap->damaged)) {
        heap_mend(heap);
    }
}

#endif /* MP_HEAP_LINKS_H */
