/* SPDX-License-Identifier: MIT
 *
 * heap_parts.h - what heap.c lends heap_run.c.
 *
 * What it cannot do: serve other rooms.  They include heap.h.
 */
#ifndef MP_HEAP_PARTS_H
#define MP_HEAP_PARTS_H

#include "store/heap.h"

/* Granules of a heap from which on short and long chunks lie apart, 256 KiB:
 * short ones that fill the holes which long ones leave would keep them from
 * ever growing back.  And the part of the heap that has to be free in blocks
 * for long chunks before short ones are cut there all the same. */
#define HEAP_PARTED ((size_t)16384)
#define HEAP_LONG 256u
#define HEAP_SHARED_PART 12

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

/* Empties the bins and trees; the maps keep what they say.  Takes an empty
 * block, linked nowhere, out of the heap.  And sees to it that a heap that is
 * empty has its first block for the current one. */
MP_INNER void heap_unlink_all(struct heap *heap);
MP_INNER void heap_remove(struct heap *heap, struct block *block);
MP_INNER void heap_settle(struct heap *heap);

/* The shortest free chunk of at least that many granules: of short chunks and
 * blocks for short ones, or of long chunks in blocks for long ones; none. */
MP_INNER struct heap_chunk heap_best(const struct heap *heap, bool longs,
                                     uint32_t granules);

/* True: short and long chunks have blocks of their own. */
static inline bool heap_is_parted(const struct heap *heap)
{
    return heap->size >= HEAP_PARTED && heap->blocks > 0 && !heap->mixed;
}

/* True: the current block may serve chunks for which longs says the like. */
static inline bool heap_serves(const struct heap *heap, bool longs)
{
    return heap->current->longs == longs || !heap_is_parted(heap);
}

/* True: room in blocks for long chunks may serve short ones, since there is
 * more of it than long ones are likely to need. */
static inline bool heap_shares(const struct heap *heap)
{
    return heap->free_longs > heap->size / HEAP_SHARED_PART ||
           !heap_is_parted(heap);
}

/* Takes granules of a free chunk, unmarked, behind those skipped; the rest
 * stays free. */
MP_INNER void heap_cut(struct heap *heap, struct heap_chunk chunk,
                       uint32_t skipped, uint32_t granules);

#endif /* MP_HEAP_PARTS_H */
