/* SPDX-License-Identifier: MIT
 *
 * heap_parts.h - what heap.c lends heap_merge.c, heap_run.c and
 * heap_resize.c.
 *
 * What it cannot do: serve other rooms.  They include heap.h.
 */
#ifndef MP_HEAP_PARTS_H
#define MP_HEAP_PARTS_H

#include "store/heap.h"

/* A heap of at least HEAP_PARTED granules, 256 KiB, has blocks of their own for
 * chunks of more than HEAP_LONG granules.  Else shorter chunks would fill the
 * holes that longer ones leave, and no long free chunk could form there again.
 * Short chunks are cut in blocks for long ones only if more than one part in
 * HEAP_SHARED_PART of the heap is free there. */
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

/* heap_remove() takes an empty block out of the heap; its free chunk is in no
 * bin or tree. */
MP_INNER void heap_unlink_all(struct heap *heap);
MP_INNER void heap_remove(struct heap *heap, struct block *block);

/* The shortest free chunk of at least that many granules, or none; *length is
 * its length.  It is searched for among long chunks in blocks for long ones if
 * longs is true, else among all others. */
MP_INNER struct heap_chunk heap_best(struct heap *heap, bool longs,
                                     uint32_t granules, uint32_t *length);

/* True: short and long chunks have blocks of their own. */
static inline bool heap_is_parted(const struct heap *heap)
{
    return heap->size >= HEAP_PARTED && heap->blocks > 0 && !heap->mixed;
}

/* True: the current block may serve long chunks, or short ones, as longs
 * says. */
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

/* Makes granules that were taken a chunk in a cache, linked to those of a
 * chain; returns the longer chain. */
static inline void *heap_chain(struct heap_chunk chunk, uint32_t granules,
                               void *chain)
{
    void **start = block_address(chunk.block, chunk.granule);

    sync_put(&chunk.block->map[chunk.granule],
             (unsigned char)(BLOCK_CACHED | (granules - 1)));
    *start = chain;
    return start;
}

/* Takes granules out of a free chunk of that length, behind those skipped.
 * Their map bytes stay 0.  The rest of the chunk stays free. */
MP_INNER void heap_cut(struct heap *heap, struct heap_chunk chunk,
                       uint32_t length, uint32_t skipped, uint32_t granules);

#endif /* MP_HEAP_PARTS_H */
