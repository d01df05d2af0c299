/* SPDX-License-Identifier: MIT
 *
 * heap_parts.h - what the files of the heap share among them.
 *
 *     heap_run.c -> heap.c -> heap_check.c -> heap_index.c
 *
 * What it cannot do: serve other rooms.  They include heap.h.
 */
#ifndef MP_HEAP_PARTS_H
#define MP_HEAP_PARTS_H

#include "store/heap.h"

/* Chunks of one bin that are tried for a fit before a longer bin is, which
 * fits for certain: bounds the time where a bin holds many short ones. */
#define HEAP_TRIES 8

/* No chunk. */
static inline struct heap_chunk heap_none(void)
{
    return (struct heap_chunk){NULL, 0};
}

/* Lowest granule of a block that heap_unbump() may free.  In a block after
 * the first, freeing granule 0 empties the block, which then leaves the heap:
 * that needs the slow path.  So does memory that must be zeroed. */
static inline size_t heap_unbump_from(const struct heap *heap,
                               const struct block *block)
{
    return heap->zero ? SIZE_MAX : block != heap->first;
}

/* heap_index.c: notes a block; false: there is no memory for it.  And takes
 * one out. */
MP_INNER bool heap_index_add(struct heap *heap, struct block *block);
MP_INNER void heap_index_remove(struct heap *heap, const struct block *block);

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
