/* SPDX-License-Identifier: MIT
 *
 * heap_index.c - which blocks a heap has, by address.
 *
 * The index is an array in the order of addresses, so that any address is
 * found by halving.  Blocks come and go rarely, and each comes with at least
 * a kilobyte of memory; so moving a few pointers costs little beside it.  The
 * first block is in no index, since a heap that has no other needs none.
 *
 * Invariants:
 *
 *     index[i - 1] < index[i], as addresses, and each < its base
 *     blocks <= index_size
 *     index == few  <=>  index_size == HEAP_FEW
 *
 * What it cannot do: give memory of the index back before heap_finish().
 */
#include "store/heap_type.h"

#include <stdlib.h>


/* The blocks are not given back here: by then the stock or a lender has
 * them. */
void heap_finish(struct heap *heap)
{
    ASSERT(heap->lent == 0);
    ASSERT(heap->blocks <= heap->index_size);
    if (!heap_is_small(heap)) {
        free(heap->index);
    }
}

/* The current block is tried first, since most objects die young; then the
 * first, which is the only one that most pools have. */
struct heap_chunk heap_find(const struct heap *heap, const void *ptr)
{
    struct heap_chunk chunk = {heap->current, 0};
    ASSERT(heap->blocks <= heap->index_size);

    if (block_find(chunk.block, ptr, &chunk.granule)) {
        return chunk;
    }
    chunk.block = heap->first;
    if (block_find(chunk.block, ptr, &chunk.granule)) {
        return chunk;
    }
    /* Blocks do not overlap, so only the last one that begins at or before
     * the address can have it.  A block's head stands in front of its granules,
     * so its own address says where it begins, and no head is read. */
    uint32_t low = 0;
    uint32_t high = heap->blocks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap->index[middle] <= (uintptr_t)ptr) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0) {
        chunk.block = heap->index[low - 1];
        ASSERT(chunk.block->heap == heap);
        if (block_find(chunk.block, ptr, &chunk.granule)) {
            return chunk;
        }
    }
    return heap_none();
}

/* Place of a block, or of where it would go, in the index.  Searched from the
 * end, since newer blocks tend to lie higher. */
static uint32_t heap_index_of(const struct heap *heap,
                              const struct block *block)
{
    uint32_t i = heap->blocks;

    while (i > 0 && (uintptr_t)heap->index[i - 1] >= (uintptr_t)block) {
        i--;
    }
    return i;
}

/* The others keep their order, without which heap_find() would miss some. */
void heap_index_remove(struct heap *heap, const struct block *block)
{
    uint32_t i = heap_index_of(heap, block);

    ASSERT(i < heap->blocks && heap->index[i] == block);
    ASSERT(block != heap->first && block->granules <= heap->size);
    heap->blocks--;
    heap->size -= block->granules;
    memmove(heap->index + i, heap->index + i + 1,
            (heap->blocks - i) * sizeof *heap->index);
}

/* Doubles the memory of the index; false: there is none. */
static bool heap_index_grow(struct heap *heap)
{
    /* The size is doubled, so that each entry is copied a few times at
     * most. */
    uint32_t size = heap->index_size * 2;
    ASSERT(size > heap->index_size && heap->blocks == heap->index_size);
    struct block **index = malloc(size * sizeof *index);

    if (index == NULL) {
        return false;
    }
    memcpy(index, heap->index, heap->blocks * sizeof *index);
    /* The short index is a part of the heap, and stays. */
    if (!heap_is_small(heap)) {
        free(heap->index);
    }
    heap->index = index;
    heap->index_size = size;
    return true;
}

/* A longer index is got before anything changes, so that a failure has nothing
 * to undo. */
bool heap_index_add(struct heap *heap, struct block *block)
{
    ASSERT(heap->blocks <= heap->index_size);
    ASSERT(block != heap->first && block->granules > 0);
    if (heap->blocks == heap->index_size && !heap_index_grow(heap)) {
        return false;
    }
    uint32_t i = heap_index_of(heap, block);
    ASSERT(i == heap->blocks || heap->index[i] != block);
    memmove(heap->index + i + 1, heap->index + i,
            (heap->blocks - i) * sizeof *heap->index);
    heap->index[i] = block;
    heap->blocks++;
    heap->size += block->granules;
    ASSERT(heap->blocks <= heap->index_size);
    return true;
}
