/* SPDX-License-Identifier: MIT
 *
 * heap_parts.h - what heap.c lends heap_run.c.
 *
 * What it cannot do: serve other rooms.  They include heap.h.
 */
#ifndef MP_HEAP_PARTS_H
#define MP_HEAP_PARTS_H

#include "store/heap.h"

/* Chunks of one bin that are tried for a fit before a longer bin is, which
 * fits for certain: bounds the time where a bin holds many short ones. */
#define HEAP_TRIES 8

/* Counts granules that are taken out of the heap; or, as a number that wraps
 * around, given back.  The stock has the sum over its heaps, so that nobody
 * has to ask each of them. */
static inline void heap_count(struct heap *heap, size_t granules)
{
    heap->taken += granules;
    heap->stock->taken += granules;
}

/* Links and marks a free chunk.  Its neighbours are not free. */
MP_INNER void heap_link(struct heap *heap, struct block *block, uint32_t i,
                        uint32_t length);

/* Tries at most that many chunks of a bin for one of that length; none. */
MP_INNER struct heap_chunk heap_search(const struct heap *heap, unsigned bin,
                                       uint32_t granules, unsigned tries);

/* Takes granules of a free chunk, unmarked, behind those skipped; the rest
 * stays free. */
MP_INNER void heap_cut(struct heap *heap, struct heap_chunk chunk,
                       uint32_t skipped, uint32_t granules);

#endif /* MP_HEAP_PARTS_H */
